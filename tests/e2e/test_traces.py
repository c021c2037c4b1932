"""workload info and workload convert, as a user runs them."""
import gzip
import json
import os
import pathlib
import shutil

from support import Case, own, trace

CSV = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n" \
      "2023-11-16 18:17:04.0319600,3180,8\r\n"


class Info(Case):
    def test_azure_code_gives_the_published_figures(self):
        self.check_figures(trace("azure2023/AzureLLMInferenceTrace_code.csv"), 8819, "2047.85", "251.5", "13.15")

    def test_our_own_trace_gives_its_figures(self):
        self.check_figures(own("azure.csv"), 2000, "1994.58", "717.0", "1.66")

    def check_figures(self, path, requests, mean_input, p99_output, cv):
        info = self.farebox_json("workload", "info", path)
        self.assertEqual(info["requests"], requests)
        self.assertEqual(f"{info['input_tokens']['mean']:.2f}", mean_input)
        self.assertEqual(f"{info['output_tokens']['p99']:.1f}", p99_output)
        self.assertEqual(f"{info['interarrival']['cv']:.2f}", cv)
        self.assertEqual(info["skipped"], {})
        self.assertEqual(len(info["burstiness"]["windows"]), 24)

    def test_text_names_what_was_skipped(self):
        out = self.farebox("workload", "info", self.write("t.csv", CSV + "\n")).stdout
        self.assertIn("t (azure) · 2 requests", out)
        self.assertIn("skipped           1 × blank_line, first on line 4", out)

    def test_standard_input_and_gzip(self):
        from_pipe = self.farebox_json("workload", "info", "-", stdin=CSV)
        self.assertEqual(from_pipe["total_input_tokens"], 7988)
        packed = self.write("t.csv.gz", gzip.compress(CSV.encode()))
        self.assertEqual(self.farebox_json("workload", "info", packed)["total_input_tokens"], 7988)

    def test_any_log_by_its_keys(self):
        log = self.write("log.jsonl", json.dumps({"u": {"prompt_tokens": 7, "completion_tokens": 2}}))
        info = self.farebox_json("workload", "info", log, "--keys", "usage=u")
        self.assertEqual(info["total_output_tokens"], 2)


    def test_plots_are_drawn(self):
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot is not installed")
        self.farebox("workload", "info", self.write("t.csv", CSV), "--plots", self.path("plots"))
        self.assertIn("requests per second", pathlib.Path(self.path("plots/workload.svg")).read_text())


class Convert(Case):
    def test_a_document_that_is_cut_leaves_the_files_behind_it_alone(self):
        """One of a folder's files ends inside an element, one between two, one is whole."""
        row = ('{"start_time": 1.5, "end_time": 2.5, "info": {"input_tokens": %d, "output_tokens": 7},'
               ' "error": null}')
        os.mkdir(self.path("logs"))
        for name, text in (("a", f"[{row % 100},\n {row % 200}"[:-40]), ("b", f"[{row % 300},\n"),
                           ("c", f"[\n{row % 400},\n{row % 500}\n]\n")):
            self.write(f"logs/{name}.json", text)
        done = self.farebox("workload", "convert", "logs", "-o", self.path("t.jsonl"))
        self.assertIn("skipped 2 × cut_short", done.stderr)
        lengths = [json.loads(line).get("input_length") for line in open(self.path("t.jsonl"))]
        self.assertEqual([n for n in lengths if n], [100, 300, 400, 500])

    def test_canonical_files_convert_to_themselves(self):
        one, two = self.path("one.jsonl"), self.path("two.jsonl.gz")
        self.farebox("workload", "convert", self.write("t.csv", CSV), "-o", one)
        self.farebox("workload", "convert", one, "-o", two)
        self.assertEqual(gzip.decompress(pathlib.Path(two).read_bytes()),
                         pathlib.Path(one).read_bytes())

    def test_an_existing_file_is_left_alone_without_force(self):
        source, out = self.write("t.csv", CSV), self.write("out.jsonl", "mine")
        done = self.farebox("workload", "convert", source, "-o", out, expect=2)
        self.assert_refused(done, "out.jsonl exists; --force replaces it")
        self.assertEqual(pathlib.Path(out).read_text(), "mine")
        self.farebox("workload", "convert", source, "-o", out, "--force")
        self.assertIn("4808", pathlib.Path(out).read_text())

    def test_wrong_input_writes_nothing(self):
        bad = self.write("bad.csv", CSV + "2023-11-16 18:17:05,-3,1\n")
        done = self.farebox("workload", "convert", bad, "-o", self.path("out.jsonl"), expect=2)
        self.assert_refused(done, "bad.csv:4:21", "expected a token count", '"-3"')
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["bad.csv"])

    def test_a_length_that_nothing_can_serve_is_refused(self):
        row = '{"timestamp": 0, "input_length": %d, "output_length": %d}\n'
        usage = '{"timestamp": 0, "usage": {"in": %d, "out": %d}}\n'
        keys = "--keys=timestamp=timestamp,input=usage.in,output=usage.out"
        columns = "--columns=timestamp=when,input=prompt,output=answer"
        forms = [(row % (5, 5) + row, ()), (usage % (5, 5) + usage, (keys,)),
                 (CSV + "2023-11-16 18:17:05,%d,%d\n", ()),
                 ("when,prompt,answer\n0,%d,%d\n", (columns,))]
        for text, reading in forms:
            for lengths in ((4294967295, 4294967295), (100000001, 1), (1, 100000001)):
                source = self.write("big.any", text % lengths)
                for command in (("workload", "convert", source, "-o", self.path("out")),
                                ("sim", "--trace", source, "-o", self.path("out")),
                                ("bench", "--url", "mock:constant", "--trace", source)):
                    done = self.farebox(*command, *reading, expect=2)
                    line = text.count("\n")
                    self.assert_refused(done, f"big.any:{line}:", "100000000", str(max(lengths)))
            source = self.write("big.any", text % (100000000, 100000000))
            self.farebox("workload", "convert", source, *reading, "-o", self.path("most"), "--force")
        self.assertFalse((self.scratch / "out").exists())

    def test_what_a_form_cannot_hold_is_named(self):
        source = self.write("t.jsonl", '{"timestamp": 0, "input_length": 1, "output_length": 2, '
                            '"model": "m", "mine": 1}\n')
        result = self.farebox_json("workload", "convert", source, "-o", self.path("o.jsonl"),
                                   "--to", "mooncake")
        self.assertEqual(result["left_out"], "models, unknown keys")
        done = self.farebox("workload", "convert", source, "-o", "-", "--to", "mooncak", expect=2)
        self.assert_refused(done, 'did you mean "mooncake"?')


class Times(Case):
    """The earliest row is time 0, whoever reads."""

    def rows(self, first, gap=250, count=3):
        return "".join(json.dumps({"timestamp": first + i * gap, "input_length": 40, "output_length": 5}) + "\n"
                       for i in range(count))

    def check_alike(self, trace, start=None):
        """Half a second of requests, for every command that reads a trace."""
        self.assertEqual(self.farebox_json("workload", "info", trace)["duration_s"], 0.5)
        for arguments in (("convert", trace), ("transform", trace, "-t", "time=1")):
            done = self.farebox("workload", *arguments, "-o", "-")
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([r["timestamp"] for r in lines if "timestamp" in r], [0, 250, 500])
            self.assertEqual(lines[0].get("start"), start)
        bill = self.farebox("bill", trace, "--plans", "demo").stdout
        self.assertIn("3 requests in 0.5 s", bill)
        self.assertIn("80.00", bill)  # one month begun
        dry = self.farebox_json("bench", "--url", "mock:constant", "-t", trace, "--dry-run")
        self.assertEqual((dry["duration_s"], dry["first_due_s"]), (0.5, 0))
        run = self.path("run")
        self.farebox("sim", "-t", trace, "--engine", "constant", "-o", run, "--force")
        first = json.loads(pathlib.Path(run, "requests.jsonl").read_text().splitlines()[0])
        self.assertEqual(first["scheduled_ns"], 0)

    def test_a_trace_cut_from_the_middle(self):
        self.check_alike(self.write("late.jsonl", self.rows(5184000000)))
        info = self.farebox("workload", "info", self.path("late.jsonl")).stdout
        self.assertIn("the first request stands at 5,184,000.000 s (60.0 days)", info)

    def test_epochs_in_milliseconds(self):
        self.check_alike(self.write("epoch.jsonl", self.rows(1772359200000)), "2026-03-01T10:00:00Z")

    def test_a_start_moves_with_the_first_row(self):
        self.check_alike(self.write("start.jsonl", '{"start": "2026-03-01T00:00:00Z"}\n' + self.rows(60000)),
                         "2026-03-01T00:01:00Z")

    def test_a_run_is_billed_as_the_trace_that_it_is(self):
        run, converted = self.path("run"), self.path("run.jsonl")
        self.farebox("sim", "--scenario", "chat", "--rate", "0.01", "-n", 40, "--engine", "constant", "-o", run)
        first = json.loads(pathlib.Path(run, "requests.jsonl").read_text().splitlines()[0])
        self.assertGreater(first["scheduled_ns"], 10**9)
        self.farebox("workload", "convert", run, "-o", converted)
        for what in (run, converted):
            info = self.farebox_json("workload", "info", what)
            bill = self.farebox_json("bill", what, "--plans", "demo")
            self.assertAlmostEqual(bill["workload"]["duration_s"], info["duration_s"], places=1)

    def test_seconds_are_refused_with_the_option_that_reads_them(self):
        trace = self.write("s.jsonl", self.rows(1772359200, 0.25))
        for command in (("workload", "info", trace), ("bill", trace, "--plans", "demo"),
                        ("bench", "--url", "mock:constant", "-t", trace, "--dry-run")):
            self.assert_refused(self.farebox(*command, expect=2), "only be an epoch in seconds",
                                "--keys timestamp_s=timestamp,input=input_length,output=output_length")
        info = self.farebox_json("workload", "info", trace, "--keys",
                                 "timestamp_s=timestamp,input=input_length,output=output_length")
        self.assertEqual(info["duration_s"], 0.5)

    def test_bench_says_when_the_first_request_is_due(self):
        args = ("bench", "--url", "mock:constant", "--scenario", "chat", "--rate", "0.01", "-n", 3)
        self.assertRegex(self.farebox(*args, "--dry-run").stdout, r"first +due [0-9.]+ min after the start")

    def test_long_spans_are_plain_digits(self):
        trace = self.write("long.jsonl", self.rows(0, 99000000000, 2))
        dry = self.farebox("bench", "--url", "mock:constant", "-t", trace, "--dry-run").stdout
        self.assertIn("1,146 days to the last arrival", dry)


class Aggregates(Case):
    def test_a_row_a_day_is_not_billed_as_a_request(self):
        table = self.write("usage.csv", "day,requests,in,out\n2026-11-01,800,90000,4000\n2026-11-02,1,900,40\n")
        columns = "timestamp=day,input=in,output=out"
        done = self.farebox("bill", table, "--plans", "demo", "--columns", columns, expect=2)
        self.assert_refused(done, "usage.csv:2:12:", '"requests" says that this row stands for 800 requests')
        self.farebox("bill", table, "--plans", "demo", "--columns", columns + ",label.n=requests")

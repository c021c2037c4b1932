"""workload info and workload convert, as a user runs them."""
import gzip
import json
import pathlib
import shutil

from support import Case, trace

CSV = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n" \
      "2023-11-16 18:17:04.0319600,3180,8\r\n"


class Info(Case):
    def test_azure_code_gives_the_published_figures(self):
        info = self.farebox_json("workload", "info", trace("azure2023/AzureLLMInferenceTrace_code.csv"))
        self.assertEqual(info["requests"], 8819)
        self.assertEqual(f"{info['input_tokens']['mean']:.2f}", "2047.85")
        self.assertEqual(f"{info['output_tokens']['p99']:.1f}", "251.5")
        self.assertEqual(f"{info['interarrival']['cv']:.2f}", "13.15")
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
        self.assertIn("Arrivals", pathlib.Path(self.path("plots/workload.svg")).read_text())


class Convert(Case):
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

"""farebox report says of a run what the run said of itself."""
import json
import pathlib

from support import Case, read_json

PRESET = "rtx4090-llama-3.1-8b-tp1"


class Report(Case):
    def table_of(self, text, title):
        """The lines of a run's table below its title."""
        lines = text.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(title))
        end = next(i for i, line in enumerate(lines) if i > start and line.startswith(("E2E, sent",
                                                                                       "send lag")))
        return lines[start + 1:end + 1]

    def simulate(self, *words):
        return self.farebox("sim", "--scenario", "chat", "--engine", PRESET, "--rate", 3, "-n", 120,
                            *words, "-o", "run")

    def report(self, *words):
        return self.farebox("report", "run", "--no-plots", *words)

    def test_a_simulation_has_the_figures_it_had(self):
        sim = self.simulate("--warmup", "5s", "--slo", "ttft=500")
        report = self.report()
        table = self.table_of(report.stdout, "run")
        self.assertEqual(table, self.table_of(sim.stdout, "chat"))
        self.assertIn("A model's times, not a measurement", table[1])
        self.assertTrue(any(line.startswith("chunk gap ms") for line in table))
        self.assertNotIn("recomputed", report.stderr)
        as_json = self.report("--json", "--no-tables", "--no-html").stdout
        self.assertEqual(as_json, pathlib.Path(self.path("run/summary.json")).read_text())
        page = pathlib.Path(self.path("run/report.html")).read_text()
        self.assertIn(f"data-v=\"{read_json(self.path('run/summary.json'))['output_throughput_tps']:.9g}\"",
                      page)
        self.assertIn("not a measurement", page)

    def test_other_objectives_change_the_goodput_alone(self):
        self.simulate("--slo", "ttft=500", "--warmup", "auto")
        before = read_json(self.path("run/summary.json"))
        after = json.loads(self.report("--json", "--slo", "ttft=500", "--no-html").stdout)
        self.assertEqual(after, before)
        after = json.loads(self.report("--json", "--slo", "e2e=3000", "--no-html").stdout)
        self.assertEqual(after["slo"], {"e2e_ms": 3000})
        self.assertNotEqual(after["goodput_fraction"], before["goodput_fraction"])
        for summary in (before, after):
            for part in (summary, summary["all"]):
                del part["goodput_rps"], part["goodput_fraction"]
            del summary["slo"]
        self.assertEqual(after, before)

    def test_a_bench_says_its_verdict_its_version_and_what_never_became_due(self):
        url = self.mock("--ttft-ms", 5, "--itl-ms", 1)
        self.farebox("bench", "--url", url, "--scenario", "chat", "--rate", 50, "--duration", "1s",
                     "-o", "run", "--warmup", "0.3s")
        path = pathlib.Path(self.path("run/summary.json"))
        own = read_json(path)
        own["accounting"]["not_due"] = 252
        own["fidelity"] |= {"client_limited": True, "reason": "a worker's CPU was at <99>%"}
        path.write_text(json.dumps(own))
        report = self.report().stdout
        title = next(line for line in report.splitlines() if line.startswith("run"))
        self.assertTrue(title.endswith(", over HTTP/1.1"), title)
        self.assertIn("✗ The client was the limit: a worker's CPU was at <99>%.", report)
        self.assertIn("252 more never became due", report)
        self.assertIn("\nchunk gap ms", report)
        page = pathlib.Path(self.path("run/report.html")).read_text()
        for words in ("✗ The client was the limit", "a worker&#39;s CPU was at &lt;99&gt;%",
                      "252 more never became due", "over HTTP/1.1"):
            self.assertIn(words, page)
        own["fidelity"] |= {"client_limited": False, "reason": None}
        path.write_text(json.dumps(own))
        self.assertIn("✓ The numbers can be trusted: send lag p99", self.report().stdout)

    def test_what_has_no_summary_of_its_own_is_recomputed_and_says_so(self):
        self.simulate()
        before = read_json(self.path("run/summary.json"))
        path = pathlib.Path(self.path("run/summary.json"))
        whole = path.read_text()
        for text, why in ((None, "has no summary.json"), (whole[:500], "summary.json:"),
                          (whole.replace('"completed": 120', '"completed": 119')
                           .replace('"failed": 0,', '"failed": 1,', 1), "other requests")):
            path.unlink()
            if text:
                path.write_text(text)
            done = self.report("--json")
            self.assertIn(why, done.stderr)
            self.assertIn("recomputed", done.stderr)
            self.assertIn("recomputed", pathlib.Path(self.path("run/report.html")).read_text())
            after = json.loads(done.stdout)
            self.assertEqual(after["command"], "sim")
            self.assertEqual(after["accounting"], before["accounting"])
            self.assertEqual(after["e2e_ms"], before["e2e_ms"])
            path.write_text(whole)

    def test_gaps_of_a_recomputed_run_are_in_its_window(self):
        """Where histograms.json alone knows the gaps, a warm-up does not lose them."""
        self.simulate("--warmup", "5s")
        path = pathlib.Path(self.path("run/summary.json"))
        own = read_json(path)
        own["schema_version"] = 2
        path.write_text(json.dumps(own))
        after = json.loads(self.report("--json", "--no-html").stdout)
        self.assertEqual(after["warmup_s"], own["warmup_s"])
        self.assertEqual(after["chunk_gap_ms"]["count"], own["all"]["chunk_gap_ms"]["count"])

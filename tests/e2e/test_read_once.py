"""A command reads a run's records once: a pipe in their place gives them only once, too."""
import contextlib
import os
import pathlib
import threading

from support import Case, read_json


class ReadOnce(Case):
    def setUp(self):
        super().setUp()
        self.farebox("sim", "--scenario", "chat", "--rate", 20, "--requests", 60, "--quiet",
                     "--record", "chunks", "--slo", "ttft=500", "-o", "run")

    @contextlib.contextmanager
    def pipe(self, run):
        """A pipe in place of the run's records, that is fed once. Whoever opens it again waits for a
        second feeding, until the time limit."""
        records = pathlib.Path(self.path(run)) / "requests.jsonl"
        content = records.read_bytes()
        records.unlink()
        os.mkfifo(records)
        feeder = threading.Thread(target=records.write_bytes, args=(content,), daemon=True)
        feeder.start()
        yield
        feeder.join(10)
        self.assertFalse(feeder.is_alive())
        records.unlink()
        records.write_bytes(content)

    def once(self, *words):
        """Runs the program on the file, then on a pipe; both must say the same."""
        plain = self.farebox(*words)
        with self.pipe("run"):
            piped = self.farebox(*words, expect=None, timeout=30)
        self.assertEqual((piped.returncode, piped.stdout, piped.stderr),
                         (plain.returncode, plain.stdout, plain.stderr))

    def test_a_bill(self):
        self.once("bill", "run", "--plans", "demo", "--slo", "e2e=1000", "--json")
        self.assertEqual(read_json(self.path("run/bill.json"))["workload"]["requests"], 60)

    def test_a_report_with_a_bill(self):
        self.once("report", "run", "--plans", "demo", "--no-plots")
        self.assertIn("Bill (mean", pathlib.Path(self.path("run/report.html")).read_text())

    def test_an_export(self):
        for kind in ("vllm", "aiperf", "csv"):
            self.once("report", "run", "--export", kind)

    def test_a_comparison_under_a_plan(self):
        self.farebox("sim", "--scenario", "chat", "--rate", 20, "--requests", 60, "--quiet", "-o",
                     "other")
        self.once("diff", "run", "other", "--plans", "demo/token")

    def test_a_forecast(self):
        self.once("plan", "forecast", "run", "--plans", "demo", "--span", "7d", "--samples", 20,
                  "--assume-stationary", "--start", "2026-11-02T00:00:00Z", "--json")

    def test_a_merge(self):
        url = self.mock("--ttft-ms", 1, "--itl-ms", 1)
        for i in (1, 2):
            self.farebox("bench", "--url", url, "--scenario", "chat", "--rate", 100, "-n", 40,
                         "--shard", f"{i}/2", "--quiet", "-o", f"part-{i}")
        self.farebox("merge", "part-1", "part-2", "-o", "plain")
        with self.pipe("part-1"), self.pipe("part-2"):
            self.farebox("merge", "part-1", "part-2", "-o", "piped", timeout=30)
        for name in ("requests.jsonl", "summary.json", "histograms.json"):
            self.assertEqual(*(pathlib.Path(self.path(run), name).read_text()
                               for run in ("plain", "piped")))

"""A command reads a run's records once: a pipe in their place gives them only once, too."""
import os
import pathlib
import threading

from support import Case, read_json


class ReadOnce(Case):
    def setUp(self):
        super().setUp()
        self.farebox("sim", "--scenario", "chat", "--rate", 20, "--requests", 60, "--quiet",
                     "--record", "chunks", "--slo", "ttft=500", "-o", "run")
        self.records = pathlib.Path(self.path("run/requests.jsonl"))
        self.bytes = self.records.read_bytes()

    def once(self, *words):
        """Runs the program on the file, then on a pipe that is fed once; both must say the same.
        Whoever opens the pipe again waits for a second feeding, until the time limit."""
        plain = self.farebox(*words)
        self.records.unlink()
        os.mkfifo(self.records)
        feeder = threading.Thread(target=self.records.write_bytes, args=(self.bytes,), daemon=True)
        feeder.start()
        piped = self.farebox(*words, expect=None, timeout=30)
        feeder.join(10)
        self.assertFalse(feeder.is_alive())
        self.records.unlink()
        self.records.write_bytes(self.bytes)
        self.assertEqual((piped.returncode, piped.stdout, piped.stderr),
                         (plain.returncode, plain.stdout, plain.stderr))

    def test_a_bill(self):
        self.once("bill", "run", "--plans", "demo", "--slo", "e2e=1000", "--json")
        self.assertEqual(read_json(self.path("run/bill.json"))["workload"]["requests"], 60)

    def test_a_report_with_a_bill(self):
        self.once("report", "run", "--plans", "demo", "--no-plots")
        self.assertIn("Bill (USD", pathlib.Path(self.path("run/report.html")).read_text())

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

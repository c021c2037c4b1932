"""What a run may cost, and what it would: --max-cost, over repeats too, and --dry-run."""
import decimal
import json
import pathlib
import re
import unittest

from support import Case, accounting_adds_up, read_json, read_lines

MTOK = {"small-1": "1000", "big-1": "10000"}  # 100 tokens: $0.1 and $1
TEMPLATE = decimal.Decimal("1.07")  # without a probe its 7 tokens come on top


class Budget(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")
        self.workload = self.write_workload("w.jsonl", 100)
        self.plans = self.write_plans({"name": "t/two", "rates": [
            {"models": [m], "per_mtok": {"input": p, "output": p}} for m, p in MTOK.items()]})
        self.each = self.write_plans({"name": "t/each", "per_request": "0.01"})

    def write_workload(self, name, count, **more):
        return self.write(name, "".join(json.dumps(
            {"timestamp": i * 20, "input_length": 90, "output_length": 10, "model": "small-1",
             **more}) + "\n" for i in range(count)))

    def write_plans(self, *plans):
        return self.write(plans[0]["name"].replace("/", "-") + ".json",
                          json.dumps({"plans": list(plans)}))

    def fast(self):
        return self.mock("--ttft-ms", 20, "--itl-ms", 1)

    def bench(self, *words, **more):
        return self.farebox("bench", "--trace", self.workload, "-o", self.run_path, "--no-probe",
                            *words, **more)

    def spent(self, run=""):
        bill = read_json(pathlib.Path(self.run_path) / run / "bill.json")
        return decimal.Decimal(bill["plans"][0]["total_usd"])

    def test_a_model_of_the_command_line_is_what_is_paid(self):
        done = self.bench("--url", self.fast(), "-m", "big-1", "--plans", self.plans, "--max-cost",
                          2, "-c", 60, expect=1)
        self.assertIn("--max-cost 2", done.stderr)
        accounting_adds_up(self, self.run_path)
        self.assertLessEqual(self.spent(), 2 * TEMPLATE)
        self.assertGreater(self.spent(), 0)

    def test_of_several_models_the_dearest_is_reserved(self):
        self.bench("--url", self.fast(), "-m", "small-1", "-m", "big-1", "--plans", self.plans,
                   "--max-cost", 2, "-c", 60, expect=1)
        self.assertLessEqual(self.spent(), 2 * TEMPLATE)
        self.assertGreater(self.spent(), 0)

    def test_repeats_share_a_budget(self):
        workload = self.write_workload("ten.jsonl", 10)
        done = self.farebox("bench", "--url", self.fast(), "--trace", workload, "-o", self.run_path,
                            "--no-probe", "--repeat", 3, "--plans", self.each, "--max-cost", "0.15",
                            "-c", 2, expect=1)
        self.assertIn("--max-cost 0.15 was used up: 1 of 3 runs are whole", done.stderr)
        self.assertEqual(self.spent("1") + self.spent("2"), decimal.Decimal("0.15"))
        self.assertFalse((pathlib.Path(self.run_path) / "3").exists())

    def test_repeats_end_where_nothing_is_left(self):
        workload = self.write_workload("ten.jsonl", 10)
        done = self.farebox("bench", "--url", self.fast(), "--trace", workload, "-o", self.run_path,
                            "--no-probe", "--repeat", 3, "--plans", self.each, "--max-cost", "0.2",
                            "-c", 2, expect=1)
        self.assertIn("2 of 3 runs are whole", done.stderr)
        self.assertFalse((pathlib.Path(self.run_path) / "3").exists())
        self.farebox("bench", "--url", self.fast(), "--trace", workload, "-o", self.path("whole"),
                     "--no-probe", "--repeat", 2, "--plans", self.each, "--max-cost", "0.2")

    def test_a_sweep_ends_with_its_budget(self):
        done = self.bench("--url", self.fast(), "--sweep", "concurrency=2,4,8", "-n", 10, "--plans",
                          self.each, "--max-cost", "0.15", expect=1)
        self.assertIn("--max-cost was used up at 4", done.stderr)
        points = read_json(pathlib.Path(self.run_path) / "sweep.json")["points"]
        self.assertEqual([p["value"] for p in points], [2])

    def test_a_plan_that_charges_nothing_is_told_before_the_run(self):
        flat = self.write_plans({"name": "t/flat", "subscription": {
            "price": "80", "period": "month",
            "includes": {"requests": 1000, "per": "day"}, "beyond": "queue"}})
        url = self.fast()

        def told(*plans):
            return self.bench("--url", url, "--plans", ",".join(plans), "--max-cost", "0.5", "-n",
                              5, "--force").stderr
        self.assertIn("plan t/flat is a subscription and charges nothing", told(flat))
        self.assertIn("one that charges by usage (t/each)", told(flat, self.each))
        self.assertNotIn("will not stop", told(self.each, flat))
        accounting_adds_up(self, self.run_path)

    def test_warnings_of_a_series_come_once(self):
        plans = self.write_plans({"name": "t/big", "models": ["big-*"], "per_request": "1"})
        for words in (["--repeat", 2], ["--sweep", "concurrency=2,4"]):
            done = self.bench("--url", self.fast(), "--plans", plans, "--max-cost", 1, "-n", 5,
                              "--force", *words)
            self.assertEqual(done.stderr.count("does not sell model small-1"), 1, done.stderr)

    def test_the_probe_is_in_the_budget(self):
        words = ("bench", "--url", self.fast(), "--trace", self.workload, "--plans", self.each,
                 "-c", 1, "-o", self.run_path, "--max-cost")
        self.farebox(*words, "0.05", expect=1)
        self.assertEqual(self.spent(), decimal.Decimal("0.03"))
        done = self.farebox(*words, "0.02", "--force", expect=1)
        self.assertIn("leaves nothing to the run", done.stderr)


if __name__ == "__main__":
    unittest.main()

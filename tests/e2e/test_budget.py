"""What a run may cost, and what it would: --max-cost, over repeats too, and --dry-run."""
import decimal
import json
import pathlib
import unittest

from support import Case, accounting_adds_up, read_json, read_lines

MTOK = {"small-1": "1000", "big-1": "10000"}  # 100 tokens: $0.1 and $1
TEMPLATE = decimal.Decimal("1.07")  # without a probe its 7 tokens come on top


class Shared(Case):
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


class Budget(Shared):
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
        self.assertEqual(self.spent(), decimal.Decimal("0.02"))  # of the rest three may be the probe's
        done = self.farebox(*words, "0.03", "--force", expect=1)
        self.assertIn("leaves nothing to the run", done.stderr)


class DryRun(Shared):
    def told(self, *words, workload=None):
        return self.farebox_json("bench", "--url", "mock:constant", "--trace",
                                 workload or self.workload, "--dry-run", *words)

    def test_it_tells_what_a_run_then_does(self):
        plans = self.write_plans({"name": "t/models", "rates": [
            {"models": ["small-*"], "per_request": "0.01"},
            {"models": ["big-*"], "per_request": "0.2"}]})
        models = ["-m", "small-1", "-m", "big-1", "--share", 3, "--share", 1]
        url = self.fast()
        for words in (["-r", 400, "-d", "0.25s"], ["-r", "400:100ms,800:100ms"], ["-r", 400, "-n", 30],
                      ["-r", 500, "--arrival", "constant", "-n", 250], ["-d", "0.5s"],
                      ["--speed", 10], ["-n", 200, "--speed", 10], ["-c", 20, "-n", 250],
                      ["--speed", 10, "--shard", "2/3"], [*models, "-c", 20],
                      [*models, "-r", 400, "-d", "0.3s", "--seed", 7]):
            with self.subTest(words):
                told = self.told("--plans", plans, *words)
                self.bench("--url", url, "--plans", plans, "--force", *words)
                accounting = accounting_adds_up(self, self.run_path)["accounting"]
                records = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
                self.assertEqual(told["requests_are"], "exact")
                self.assertEqual(told["requests"], accounting["scheduled"])
                self.assertEqual(told["input_tokens"], 90 * told["requests"])
                if accounting["completed"] == accounting["scheduled"] or "-d" not in words:
                    self.assertEqual(decimal.Decimal(told["plans"][0]["usage_usd"]), self.spent())
                for endpoint in told["endpoints"]:
                    self.assertEqual(endpoint["requests"], sum(
                        r["model"] == (endpoint["model"] or "small-1") for r in records))
                if "-c" in words:
                    self.assertIsNone(told["duration_s"])
                    self.assertEqual(told["duration_is"], "unknown")
                else:
                    last = max(r["scheduled_ns"] for r in records)
                    self.assertAlmostEqual(told["duration_s"], last / 1e9, places=5)
                    self.assertEqual(told["duration_is"], "to_last_arrival")

    def test_a_part_is_told_by_the_requests_that_it_sends(self):
        growing = self.write("growing.jsonl", "".join(json.dumps(
            {"timestamp": i, "input_length": 2 ** i, "output_length": 1}) + "\n" for i in range(12)))
        url = self.fast()
        for part in ("1/3", "2/3", "3/3"):
            told = self.told("--shard", part, workload=growing)
            self.farebox("bench", "--url", url, "--trace", growing, "--no-probe", "--shard", part,
                         "--force", "-o", self.run_path)
            records = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
            self.assertEqual(told["input_tokens"], sum(r["asked"]["input"] for r in records))

    def test_what_the_endpoint_decides_is_said(self):
        told = self.told("-c", 4, "-d", "60s")
        self.assertEqual((told["requests_are"], told["requests"]), ("each_pass", 100))
        self.assertEqual((told["duration_is"], told["duration_s"]), ("at_most", 60))
        told = self.told("-c", 4, "-d", "60s", "-n", 1000)
        self.assertEqual((told["requests_are"], told["requests"]), ("at_most", 1000))
        turns = self.write("turns.jsonl", "".join(json.dumps(
            {"request_id": f"r{i}", "input_length": 9, "output_length": 1,
             **({"after": [f"r{i - 1}"], "delay": 100} if i else {"timestamp": 0})}) + "\n"
            for i in range(5)))
        told = self.told(workload=turns)
        self.assertEqual((told["requests_are"], told["requests"]), ("exact", 5))
        self.assertEqual((told["duration_is"], told["duration_s"]), ("at_least", 0.4))
        told = self.told("-d", "0.25s", workload=turns)
        self.assertEqual((told["requests_are"], told["requests"]), ("at_most", 3))
        text = self.farebox("bench", "--url", "mock:constant", "--trace", self.workload, "--dry-run",
                            "-c", 4).stdout
        self.assertIn("the endpoint decides", text)

    def test_series_are_told_whole(self):
        told = self.told("--repeat", 3, "-m", "small-1", "-m", "big-1", "-o", self.run_path, "-r",
                         10, "-d", "30s", "--plans", self.plans, "--max-cost", 5, "--no-probe")
        self.assertEqual([p["run"] for p in told["parts"]], ["1-1", "1-2", "2-2", "2-1", "3-1", "3-2"])
        self.assertEqual(told["requests"], sum(p["requests"] for p in told["parts"]))
        self.assertEqual(told["parts"][0]["requests"], told["parts"][1]["requests"])
        self.assertEqual(10 * decimal.Decimal(told["parts"][0]["usage_usd"]),
                         decimal.Decimal(told["parts"][1]["usage_usd"]))
        self.assertTrue(told["over_max_cost"])
        told = self.told("--sweep", "rate=1,2", "-n", 150, "-o", self.run_path)
        self.assertEqual([(p["run"], p["requests"]) for p in told["parts"]],
                         [("rate 1", 150), ("rate 2", 150)])
        self.assertAlmostEqual(told["parts"][0]["duration_s"], 2 * told["parts"][1]["duration_s"],
                               places=2)
        told = self.told("--find-max", "--slo", "ttft=9", "--max-requests", 1500, "-o",
                         self.run_path)
        self.assertEqual((told["runs"], told["runs_are"], told["requests"]), (3, "at_most", 1500))
        self.assertFalse(pathlib.Path(self.run_path).exists())

    def test_each_request_is_priced_at_its_own_rate_and_gaps_are_said(self):
        """Two models at two rates; a batch where the plan knows no batches is a guess."""
        trace = self.write("own.jsonl", "".join(json.dumps(row) + "\n" for row in (
            {"timestamp": 0, "input_length": 1000, "output_length": 10, "model": "a",
             "service": "batch"},
            {"timestamp": 10, "input_length": 1000, "output_length": 10, "model": "b"})))
        plans = self.write_plans({"name": "t/models", "rates": [
            {"models": [name], "per_mtok": {"input": price, "output": price}}
            for name, price in (("a", 1), ("b", 10))]})
        how = ("bench", "--dry-run", "--url", "http://127.0.0.1:1/v1", "--trace", trace, "--plans",
               plans)
        plan = self.farebox_json(*how)["plans"][0]
        self.assertEqual((plan["usage_usd"], plan["unpriced"]), ("0.01111", 1))
        self.assertIn("of 1 of them", self.farebox(*how).stdout)

    def test_costs_come_with_their_interval_and_what_they_leave_out(self):
        plans = self.write_plans(
            {"name": "t/small", "models": ["small-*"], "per_request": "0.01"},
            {"name": "t/flat", "subscription": {"price": "80", "period": "month"}})
        small, flat = self.told("-m", "small-1", "-m", "other-1", "--plans", plans)["plans"]
        self.assertEqual(small["unsold"] + decimal.Decimal(small["usage_usd"]) * 100, 100)
        self.assertGreater(small["unsold"], 20)
        low, high = small["ci95_usd"]
        self.assertLess(low, float(small["usage_usd"]))
        self.assertGreater(high, float(small["usage_usd"]))
        self.assertTrue(flat["paid_by_period"])

    def test_text_goes_to_standard_error_beside_json(self):
        done = self.farebox("bench", "--url", "mock:constant", "--trace", self.workload, "--dry-run",
                            "-c", 4, "-n", 1000, "--json")
        self.assertIn("1,000 (the workload's 100, begun anew 9 times)", done.stderr)
        self.assertEqual(json.loads(done.stdout)["begun_anew"], 9)


if __name__ == "__main__":
    unittest.main()

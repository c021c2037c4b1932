"""Forecasting months from a sample, as a user would."""
import json
import pathlib
import unittest

from support import Case, read_json, own, trace

PLANS = {"book": "t", "as_of": "2026-11-01", "currency": "USD", "plans": [
    {"name": "token", "per_mtok": {"input": "0.50", "output": "2.15"}},
    {"name": "flat", "subscription": {"price": "20", "period": "month",
                                      "includes": {"requests": 10000, "per": "30d"}, "beyond": "pay"},
     "per_request": "0.002"}]}


class Forecast(Case):
    def plans(self):
        return self.write("plans.json", json.dumps(PLANS))

    def sample(self, days):
        """Ten requests an hour, 1,000 tokens in and 100 out."""
        lines = [json.dumps({"timestamp": (h * 3600 + i) * 1000, "input_length": 1000,
                             "output_length": 100}) for h in range(days * 24) for i in range(10)]
        return self.write(f"sample-{days}.jsonl", "\n".join(lines) + "\n")

    def test_a_short_sample_is_told_in_its_unit(self):
        lines = [json.dumps({"timestamp": i * 500, "input_length": 10, "output_length": 1})
                 for i in range(20)]
        sample = self.write("short.jsonl", "\n".join(lines) + "\n")
        done = self.farebox("plan", "forecast", sample, "--plans", self.plans(), "--samples", 20,
                            "--assume-stationary", "--start", "2026-11-02T00:00:00Z")
        self.assertIn("from 20 requests in 9.5 seconds ", " ".join(done.stdout.split()))

    def test_the_one_account_of_a_gateway_is_no_person_who_comes_and_goes(self):
        def bands(user):
            rows = [json.dumps({"timestamp": (h * 3600 + i) * 1000, "input_length": 1000, "output_length": 100,
                                **({"labels": {"user": user}} if user else {})}) for h in range(14 * 24) for i in range(4)]
            sample = self.write("log.jsonl", "\n".join(rows) + "\n")
            words = ("plan", "forecast", sample, "--plans", self.plans(), "--start", "2026-11-02T00:00:00Z", "--samples", 200)
            return [p["bill_usd"] for p in self.farebox_json(*words)["scenarios"][0]["plans"]], self.farebox(*words).stdout

        one, text = bands("default_user_id")
        self.assertEqual(one, bands(None)[0])
        self.assertLess(one[0]["p95"], 1.2 * one[0]["p5"])
        self.assertNotIn("of it", text)  # of an account by the token there is no number, and one flat plan will do

    def test_month_with_budget_plot_and_json(self):
        out = self.path("out")
        words = ["plan", "forecast", self.sample(14), "--plans", self.plans(), "--budget", "2.5",
                 "--start", "2026-11-02T00:00:00Z", "--samples", "200", "-o", out]
        result = self.farebox_json(*words)
        self.assertEqual(result["horizon"]["begin"], "2026-11-16")
        token, flat = result["scenarios"][0]["plans"]
        self.assertEqual(token["sample_usd"], "2.4024")  # 3,360 × (1000 × 0.50 + 100 × 2.15) / 1e6
        self.assertAlmostEqual(token["bill_usd"]["mean"], 5.148, delta=0.06)
        self.assertLess(token["bill_usd"]["p5"], token["bill_usd"]["p95"])
        self.assertEqual(token["over_budget_probability"], 1)
        self.assertIn(token["budget_runs_out"]["p50"], ("2026-11-29", "2026-11-30", "2026-12-01"))
        self.assertAlmostEqual(flat["bill_usd"]["mean"], 20, delta=1e-6)
        self.assertEqual(result["scenarios"][0]["cheapest"], "token")
        self.assertEqual(read_json(pathlib.Path(out) / "forecast.json"), result)
        svg = (pathlib.Path(out) / "plots" / "forecast.svg").read_text()
        for text in ("paid so far (USD)", "budget", "token", "flat"):
            self.assertIn(text, svg)
        self.assertTrue((pathlib.Path(out) / "plots" / "forecast.png").stat().st_size > 1000)
        self.assert_refused(self.farebox(*words, expect=2), "--force")

    def test_same_seed_same_bytes(self):
        words = ["plan", "forecast", self.sample(7), "--plans", self.plans(), "--samples", "50"]
        self.assertEqual(self.farebox(*words, "--json").stdout, self.farebox(*words, "--json").stdout)
        self.assertNotEqual(self.farebox(*words, "--json").stdout,
                            self.farebox(*words, "--json", "--seed", "2").stdout)

    def test_less_than_a_week_is_refused(self):
        words = ["plan", "forecast", self.sample(5), "--plans", self.plans(), "--samples", "50"]
        self.assert_refused(self.farebox(*words, expect=2), "5 days", "--assume-stationary")
        done = self.farebox(*words, "--assume-stationary")
        self.assertIn("is assumed to be like those of the sample", " ".join(done.stdout.split()))

    def test_history_and_scenarios(self):
        history = "date,requests\n" + "".join(f"2026-11-{d:02},1000\n" for d in range(1, 15))
        result = self.farebox_json("plan", "forecast", self.sample(1), "--plans", self.plans(),
                                   "--history", self.write("demand.csv", history), "--samples",
                                   "100", "--scenarios", "none=0,half=50")
        none, half = result["scenarios"]
        self.assertAlmostEqual(none["requests"]["mean"], 30000, delta=300)
        self.assertAlmostEqual(half["requests"]["mean"],
                               sum(1000 * 1.5 ** (t / 30) for t in range(1, 31)), delta=400)
        self.assertEqual(result["horizon"]["begin"], "2026-11-15")

    def test_wrong_words(self):
        sample, plans = self.sample(7), self.plans()
        for words, part in (
                (["--season", "lunar"], "weekly or none"),
                (["--budget", "-3"], "--budget"),
                (["--scenarios", "high"], "NAME=PERCENT"),
                (["--growth", "5", "--scenarios", "a=1"], "exclude each other"),
                (["--start", "tomorrow"], "--start"),
                (["--history", self.write("h.csv", "date,requests\n2026-11-01,x\n")], "h.csv:2:12")):
            with self.subTest(words=words):
                self.assert_refused(self.farebox("plan", "forecast", sample, "--plans", plans,
                                                 *words, expect=2), part)

    def test_recorded_week(self):
        self.check_week(trace("ragpulse/0_trace.jsonl"), "7.83024675")

    def test_week_of_our_own(self):
        self.check_week(own("ragpulse.jsonl"), "0.70160525")

    def check_week(self, path, first_usd):
        lines = [line for line in pathlib.Path(path).read_text().splitlines() if line.strip()]
        times = [float(json.loads(line)["timestamp"]) for line in lines]
        again = next(i for i in range(1, len(times)) if times[i] < times[i - 1] / 10)
        week = self.write("week.jsonl", "\n".join(lines[:again]) + "\n")
        truth = sum(r["input_length"] * 0.5e-6 + r["output_length"] * 2.15e-6
                    for r in map(json.loads, lines[again:]))
        result = self.farebox_json("plan", "forecast", week, "--plans", self.plans())
        token = result["scenarios"][0]["plans"][0]
        self.assertEqual(token["sample_usd"], first_usd)
        self.assertLess(token["spend_usd"]["p5"][6], truth)
        self.assertGreater(token["spend_usd"]["p95"][6], truth)


if __name__ == "__main__":
    unittest.main()

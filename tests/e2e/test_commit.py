"""plan forecast --commit: what to commit to, at which price that pays, and when it turns."""
import datetime
import json
import math

from support import Case, read_json, usd

START = ("--start", "2026-11-02T00:00:00Z")


class Commit(Case):
    def setUp(self):
        super().setUp()
        rows = []
        for day in range(14):  # busier on working days; some 40 requests a day
            count = 44 + 3 * (day * 7 % 5) if day % 7 < 5 else 25
            rows += [{"timestamp": (day * 86400 + 40000 + i * 300) * 1000, "input_length": 2000, "output_length": 100 + day}
                     for i in range(count)]
        self.write("t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def plans(self, price, holds=30):
        """A request by the token is about 1.2 cents."""
        return self.write("plans.json", json.dumps({"plans": [
            {"name": "use", "per_mtok": {"input": "5", "output": "20"}},
            {"name": "seat", "subscription": {"price": f"{price:.6f}", "period": "month", "beyond": "queue",
                                              "includes": {"requests": holds, "per": "day"}}}]}))

    def forecast(self, *more, months=1, expect=0):
        return self.farebox("plan", "forecast", "t.jsonl", "--plans", "plans.json", "--months", months, "--samples", 60,
                            "--commit", "--json", "--span", "14d", *START, *more, expect=expect)

    def chosen(self, *more, months=1):
        scenario = json.loads(self.forecast(*more, months=months).stdout)["scenarios"][0]
        return scenario["commitments"][0], scenario

    def test_it_is_signed_below_the_price_that_is_said_and_not_above(self):
        self.plans(20)
        dear, scenario = self.chosen()
        self.assertEqual((dear["plan"], dear["rest_at"], dear["count"], dear["why_not"]), ("seat", "use", 0, None))
        self.assertEqual(dear["usd"], dear["without_usd"])
        self.assertEqual(dear["without_usd"], scenario["plans"][0]["bill_usd"])
        self.assertAlmostEqual(dear["signed_at_discount"], 1 - dear["worth_usd"] / 20, places=5)
        said = f"sign at a discount of {math.ceil(1000 * dear['signed_at_discount']) / 10:.1f} % or more"
        self.assertIn(said, scenario["commit"][0])
        for factor, count in ((0.995, 1), (1.005, 0)):
            self.plans(dear["worth_usd"] * factor)
            found, _ = self.chosen()
            self.assertEqual(min(found["count"], 1), count, found)

    def test_what_is_committed_costs_less_than_none_and_than_one_more_or_less(self):
        self.plans(6)
        found, scenario = self.chosen(months=3)
        self.assertGreaterEqual(found["count"], 1)
        self.assertLess(found["usd"]["mean"], found["without_usd"]["mean"])
        self.assertEqual(found["without_usd"], scenario["plans"][0]["bill_usd"])
        self.assertGreater(found["saves_probability"], 0.9)
        self.assertEqual(found["last_days"], 14)
        self.assertGreaterEqual(found["last_usd"], found["usd"]["mean"])
        line = scenario["commit"][0]
        self.assertIn(f"seat: commit to {found['count']}: ${usd(found['usd']['mean'], 2)}", line)
        self.assertIn(f"instead of ${usd(found['without_usd']['mean'], 2)}", line)
        self.assertIn(f"pays up to ${usd(found['worth_usd'], 2)}", line)
        screen = " ".join(self.forecast(months=3).stderr.split())
        self.assertIn(" ".join(line.split()), screen)

    def test_what_is_beyond_a_plan_is_paid_where_it_costs_less(self):
        """A quota beyond which a request costs ten times the token's price sends the rest elsewhere, one at a tenth does not."""
        for price, own in (("0.12", False), ("0.0012", True)):
            self.write("plans.json", json.dumps({"plans": [
                {"name": "use", "per_mtok": {"input": "5", "output": "20"}},
                {"name": "quota", "per_request": price, "subscription": {
                    "price": "3", "period": "month", "includes": {"requests": 600, "per": "month", "beyond": "pay"}}}]}))
            found, scenario = self.chosen()
            self.assertEqual(found["pays_beyond"], own)
            self.assertGreaterEqual(found["count"], 1)
            self.assertIn("at its own price" if own else "the rest at use", scenario["commit"][0])
            self.assertLess(found["usd"]["mean"], found["without_usd"]["mean"])

    def test_growth_turns_the_choice_on_a_date(self):
        """A seat that does not pay yet does when the demand has grown; the page says when."""
        self.plans(18, holds=60)
        found, scenario = self.chosen("--growth", 25, "-o", "out", months=8)
        months = found["by_month"]
        self.assertEqual(months[0], 0)
        self.assertGreater(months[-1], 0)
        first = max(k for k in range(8) if months[k] == 0) + 1
        forecast = read_json(self.path("out/forecast.json"))
        self.assertEqual(forecast["scenarios"][0], scenario)
        begin = forecast["horizon"]["begin"]
        self.assertEqual(begin, "2026-11-16")
        day = datetime.date.fromisoformat(begin) + datetime.timedelta(days=30 * first)
        self.assertEqual(found["turns_on"], day.isoformat())
        self.assertIn(f"It turns on {day.isoformat()}", scenario["commit"][0])
        self.assertGreater(found["turns"]["probability"], 0.5)
        self.assertLessEqual(found["turns"]["p5"], found["turns"]["p50"])
        self.farebox("report", "out", "--no-tables")
        page = (self.scratch / "out" / "report.html").read_text()
        self.assertIn("What to commit to", page)
        self.assertIn(f"It turns on {day.isoformat()}", page)

    def test_units_hold_what_they_take_a_minute_in_the_busiest_hour(self):
        """All requests come in the same few hours; one unit takes half of a busy day there, so two and more are bought, in
        the forecast's table too."""
        self.write("plans.json", json.dumps({"plans": [
            {"name": "use", "per_mtok": {"input": "5", "output": "20"}},
            {"name": "units", "provisioned": {"price": "0.001", "per": "hour", "tokens_per_minute": 250, "beyond": "reject"}}]}))
        found, scenario = self.chosen()
        self.assertGreater(found["count"], 1)
        self.assertLessEqual(found["usd"]["p95"], found["without_usd"]["p5"])
        units = scenario["plans"][1]
        self.assertGreater(units["subscriptions"], 1)
        self.assertEqual((units["unserved_share"], units["short_limits_ignored"]), (0, False))

    def test_what_cannot_be_worked_out_says_why(self):
        book = {"plans": [
            {"name": "use", "per_mtok": {"input": "5", "output": "20"}},
            {"name": "year", "subscription": {"price": "90", "period": "year", "beyond": "queue",
                                              "includes": {"requests": 30, "per": "day"}}},
            {"name": "short", "subscription": {"price": "9", "period": "month"}, "limits": {"max_input_tokens": 1000}}]}
        self.write("plans.json", json.dumps(book))
        scenario = json.loads(self.forecast().stdout)["scenarios"][0]
        whys = {c["plan"]: c["why_not"] for c in scenario["commitments"]}
        self.assertIn("paid for longer than these months", whys["year"])
        self.assertIn("turns requests of the sample away", whys["short"])
        self.assertTrue(all("no commitment is worked out" in line for line in scenario["commit"][:2]))
        for keep, said in ((slice(1, 2), "no plan by use among these"), (slice(0, 1), "None of these plans is one to commit to")):
            self.write("plans.json", json.dumps({"plans": book["plans"][keep]}))
            scenario = json.loads(self.forecast(months=13).stdout)["scenarios"][0]
            self.assertIn(said, scenario["commit"][0])
        self.plans(6)
        self.assertNotIn("commit", json.loads(self.farebox("plan", "forecast", "t.jsonl", "--plans", "plans.json", "--samples",
                                                           20, "--json", *START).stdout)["scenarios"][0])

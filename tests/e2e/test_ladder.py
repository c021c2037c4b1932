"""farebox bill: the volume ladder says what the bills of its volumes say."""
import json
from decimal import Decimal

from support import Case

METER = {"name": "meter", "per_mtok": {"input": "400", "output": "0"}}
DAILY = {"name": "daily", "subscription": {"price": "8", "period": "month", "beyond": "queue",
                                           "includes": {"requests": 10, "per": "day"}}}
OVERAGE = {"name": "overage", "per_request": "0.02",
           "subscription": {"price": "1", "period": "month", "beyond": "pay",
                            "includes": {"requests": 30, "per": "month"}}}
ROLLING = {"name": "rolling", "subscription": {
    "price": "5", "period": "month", "beyond": "reject",
    "includes": {"requests": 6, "per": "5h", "window": "rolling"}}}


class Ladder(Case):
    def setUp(self):
        super().setUp()
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 20000, "input_length": 80 + i * 7 % 41, "output_length": 9,
                        "session_id": f"s{i // 3}"}) + "\n" for i in range(120)))

    def bill(self, *more, plans=(METER, DAILY)):
        self.write("plans.json", json.dumps({"plans": plans}))
        return self.farebox_json("bill", "t.jsonl", "--plans", "plans.json", *more)

    def assert_ends(self, ladder, plans, *more):
        """Below and above every end stand the plans that the bill of that volume ranks first."""
        for run in ladder["intervals"]:
            for end in ("from", "to"):
                bill = self.bill("--volume", run["requests_" + end], *more, plans=plans)
                first = next((p for p in bill["plans"] if p["rank"] == 1), None)
                self.assertEqual(first["plan"], run["plan"], run)
                self.assertLessEqual(first["subscriptions"], run["subscriptions_most"], run)
                self.assertGreaterEqual(first["subscriptions"], run["subscriptions_least"], run)
                if run[f"total_{end}_usd"] is not None:
                    self.assertEqual(Decimal(first["total_usd"]),
                                     Decimal(run[f"total_{end}_usd"]), run)

    def test_its_ends_are_where_the_bills_change(self):
        plans = (METER, DAILY)
        ladder = self.bill("--volume", 90)["ladder"]
        self.assertEqual((ladder["here_requests"], ladder["to_requests"]), (90, 900))
        self.assertEqual([i["plan"] for i in ladder["intervals"]][:3], ["meter", "daily", "meter"])
        self.assertTrue(ladder["proven"])
        self.assert_ends(ladder, plans)

    def test_so_they_are_for_plans_that_must_be_billed(self):
        plans = (METER, OVERAGE, ROLLING)
        ladder = self.bill("--volume", 60, plans=plans)["ladder"]
        self.assertLessEqual({"meter", "overage"}, {i["plan"] for i in ladder["intervals"]})
        self.assert_ends(ladder, plans)

    def test_so_they_are_where_requests_may_wait(self):
        plans = (METER, DAILY)
        ladder = self.bill("--volume", 90, "--max-wait", "6h")["ladder"]
        self.assertEqual(ladder["max_wait_ms"], 6 * 3600 * 1000)
        self.assert_ends(ladder, plans, "--max-wait", "6h")

    def test_so_they_are_in_tokens_of_another_model(self):
        """A plan whose tokens are counted by a factor is dearer along the whole ladder: it loses where
        it would win."""
        own = {"name": "openai/gpt-4o", "per_mtok": {"input": "500", "output": "0"}}
        other = {"name": "anthropic/claude-opus-5", "per_mtok": {"input": "400", "output": "0"}}
        self.write("t.jsonl", "".join(json.dumps(
            {"timestamp": i * 20000, "input_length": 80 + i * 7 % 41, "output_length": 9, "model": "gpt-4o",
             "session_id": f"s{i // 3}"}) + "\n" for i in range(120)))
        how, plans = ("--tokens-as", "claude-opus-5=in:1.5,out:1.5"), (own, other, DAILY)
        ladder = self.bill("--volume", 90, *how, plans=plans)["ladder"]
        self.assertEqual([i["plan"] for i in ladder["intervals"]][:2], ["openai/gpt-4o", "daily"])
        self.assert_ends(ladder, plans, *how)
        less = ("--tokens-as", "claude-opus-5=in:1.1,out:1.1")
        ladder = self.bill("--volume", 90, *less, plans=plans)["ladder"]
        self.assertEqual([i["plan"] for i in ladder["intervals"]][:2],
                         ["anthropic/claude-opus-5", "daily"])
        self.assert_ends(ladder, plans, *less)

    def test_it_agrees_with_the_bill_that_it_stands_on(self):
        bill = self.bill("--volume", 250)
        here = next(i for i in bill["ladder"]["intervals"] if i["here"])
        self.assertEqual(here["plan"], bill["ranking"][0])
        pair = bill["break_even"][0]
        flat = next(i for i in bill["ladder"]["intervals"] if i["plan"] == "daily")
        self.assertEqual(pair["requests_per_day"]["value"], -(-flat["requests_from"] // 30))
        self.assertEqual(bill["ladder"]["break_even"][0]["input_tokens"], pair["input_tokens"])
        for curve in bill["ladder"]["curves"]:
            self.assertEqual(len(curve["requests"]), len(curve["total_usd"]))

    def test_it_says_where_one_stands(self):
        done = self.farebox("bill", "t.jsonl", "--plans", self.write(
            "plans.json", json.dumps({"plans": [METER, DAILY]})), "--volume", 250)
        self.assertRegex(done.stdout, r"\n → +[\d,]+ – +[\d,]+ +daily +1 ")
        text = " ".join(done.stdout.split())
        self.assertIn("You are here: 250 requests a month.", text)
        self.assertIn("none waits (--max-wait lets them)", text)
        self.assertIn("daily: beyond its quota and limits requests wait; one more is bought where "
                      "that would happen.", text)
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 100, line)

    def test_without_a_month_it_comes_when_asked_for(self):
        self.assertNotIn("ladder", self.bill())
        ladder = self.bill("--ladder")["ladder"]
        self.assertTrue(ladder["at_own_rate"])
        self.assertEqual(ladder["here_requests"], 120 * 30 * 86400 // (119 * 20))

    def test_without_a_rate_it_asks_for_the_volume(self):
        self.write("plans.json", json.dumps({"plans": [METER]}))
        one = self.write("one.jsonl", '{"timestamp": 0, "input_length": 9, "output_length": 1}\n')
        done = self.farebox("bill", one, "--plans", "plans.json", "--ladder", expect=2)
        self.assertIn("--volume", done.stderr)

    def test_the_seed_decides_what_is_drawn(self):
        first = self.bill("--volume", 90, "--seed", 1)["ladder"]
        self.assertEqual(first, self.bill("--volume", 90, "--seed", 1)["ladder"])
        self.assertGreaterEqual(first["redrawn"]["months"], 40)

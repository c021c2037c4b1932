"""farebox bill: what its sentences say agrees with its table."""
import json
import os
from decimal import Decimal

from support import Case, usd

FLAT = {"name": "flat", "subscription": {"price": "80", "period": "month", "beyond": "queue",
                                         "includes": {"requests": 2000, "per": "day"}}}


class Limits(Case):
    def book(self, *plans):
        return self.write("plans.json", json.dumps({"plans": plans}))

    def trace(self, count, gap_ms):
        return self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * gap_ms, "input_length": 100, "output_length": 10}) + "\n"
            for i in range(count)))

    def test_a_rate_limit_that_makes_wait_asks_for_more_of_the_plan(self):
        """300 requests at 5 a second: 60 a minute are a fifth of them."""
        book = self.book(FLAT | {"limits": {"rpm": 60}})
        done = self.farebox("bill", self.trace(300, 200), "--plans", book)
        self.assertRegex(done.stdout, r"1 flat +400\.00 +5 .* all\n")
        self.assertIn("flat: 5 of it, because its limit of 60 requests a minute binds", done.stdout)
        plan = self.farebox_json("bill", "t.jsonl", "--plans", book)["plans"][0]
        self.assertEqual((plan["subscriptions"], plan["quotas_needed_for"]), (5, "rpm"))

    def test_a_wait_that_is_allowed_saves_subscriptions(self):
        """The 300th of 300 at 60 a minute waits three minutes and more for one subscription."""
        book = self.book(FLAT | {"limits": {"rpm": 60}})
        how = ("bill", self.trace(300, 200), "--plans", book, "--max-wait")
        costs = []
        for wait, subscriptions in (("0", 5), ("1m", 3), ("2m", 2), ("10m", 1)):
            plan = self.farebox_json(*how, wait)["plans"][0]
            self.assertEqual(plan["subscriptions"], subscriptions, wait)
            self.assertEqual(plan["rank"], 1)
            costs.append(Decimal(plan["total_usd"]))
        self.assertEqual(costs, [400, 240, 160, 80])
        done = self.farebox(*how, "10m")
        self.assertIn("queued up to 3 min", done.stdout)

    def test_so_do_tokens_and_concurrency(self):
        trace = self.trace(300, 200)
        for limits, words, label in (
                ({"tpm": 11000}, "its limit of 11,000 tokens a minute binds", "tpm"),
                ({"concurrency": 2}, "its limit of 2 at a time binds", "concurrency")):
            book = self.book(FLAT | {"limits": limits})
            how = ("bill", trace, "--plans", book, "--ttft-ms", 1000, "--tpot-ms", 0)
            self.assertIn("flat: 3 of it, because " + words,
                          " ".join(self.farebox(*how).stdout.split()))
            self.assertEqual(self.farebox_json(*how)["plans"][0]["quotas_needed_for"], label)

    def test_one_is_enough_where_nobody_waits(self):
        done = self.farebox("bill", self.trace(300, 2000), "--plans", self.book(FLAT))
        self.assertRegex(done.stdout, r"1 flat +80\.00 +1 ")
        self.assertNotIn("queued", done.stdout)

    def test_a_month_is_what_its_requests_take(self):
        """300 in ten hours are 21,672 a month, 723 a day at most: eight times a quota of 100."""
        flat = json.loads(json.dumps(FLAT))
        flat["subscription"] |= {"includes": {"requests": 100, "per": "day"}, "beyond": "reject"}
        done = self.farebox("bill", self.trace(301, 120000), "--plans", self.book(flat),
                            "--period", "month")
        self.assertRegex(done.stdout, r"1 flat +640\.00 +8 .* all\n")
        self.assertIn("An extrapolation", done.stdout)

    def test_what_is_free_is_had_once(self):
        """Nobody gets five free accounts: what does not fit is not served."""
        free = {"name": "free", "subscription": {"price": "0", "period": "month",
                "includes": {"requests": 60, "per": "day"}, "beyond": "reject"}}
        plan = self.farebox_json("bill", self.trace(300, 200), "--plans",
                                 self.book(free))["plans"][0]
        self.assertEqual((plan["subscriptions"], plan["served"], plan["rank"]), (1, 60, None))


class Cash(Case):
    """Plans are ranked by what is really paid."""
    BOOK = {"plans": [
        {"name": "allowance", "subscription": {"price": "12", "period": "month", "beyond": "pay",
         "includes": {"usd": "12", "per": "month"}}, "per_mtok": {"input": "2", "output": "8"}},
        {"name": "meter", "per_mtok": {"input": "2", "output": "8"}},
        {"name": "seats", "subscription": {"price": "10", "period": "month", "beyond": "pay",
         "includes": {"requests": 40, "per": "month"}}, "per_request": "0.5"}]}

    def setUp(self):
        super().setUp()
        self.write("plans.json", json.dumps(self.BOOK))

    def rows(self, count, gap_ms, extra=""):
        return self.write("t.jsonl", extra + "".join(
            json.dumps({"timestamp": i * gap_ms, "input_length": 30000, "output_length": 1500})
            + "\n" for i in range(count)))

    def test_a_share_of_the_price_buys_no_allowance(self):
        """100 requests at $0.072 are $7.20; the allowance costs $12 whatever the span."""
        bill = self.farebox_json("bill", self.rows(100, 600), "--plans", "plans.json")
        self.assertEqual(bill["ranking"], ["meter", "allowance", "seats"])
        totals = {p["plan"]: Decimal(p["total_usd"]) for p in bill["plans"]}
        self.assertEqual(totals["meter"], Decimal("7.2"))
        self.assertEqual(totals["allowance"], 12)
        # 40 are included in each: three seats leave none to pay, two leave 20 at half a dollar
        self.assertEqual((totals["seats"], bill["plans"][2]["subscriptions"]), (30, 2))

    def test_one_request_does_not_make_a_subscription_cheapest(self):
        bill = self.farebox_json("bill", self.rows(1, 0), "--plans", "plans.json")
        self.assertEqual(bill["ranking"][0], "meter")
        cells = {plan for row in bill["cheapest_map"]["plan"] for plan in row}
        self.assertNotIn(0, cells)
        self.assertEqual(bill["cheapest_map"]["plan"][0][0], 1)

    def test_a_directory_called_like_a_book_hides_no_plan(self):
        words = ("bill", "-s", "chat", "-n", 5, "--json", "--plans")
        said = [self.farebox(*words, plans).stdout for plans in ("demo", "demo/token")]
        for name in ("demo", "token"):
            os.mkdir(self.path(name))
        self.assertEqual([self.farebox(*words, plans).stdout for plans in ("demo", "demo/token")], said)

    def test_a_year_is_twelve_months(self):
        start = json.dumps({"start": "2025-03-15T00:00:00Z"}) + "\n"
        self.rows(365, 86400000, start)
        plans = {p["plan"]: p for p in self.farebox_json("bill", "t.jsonl", "--plans",
                                                         "plans.json")["plans"]}
        self.assertEqual(plans["seats"]["periods"], 12)
        self.assertEqual(Decimal(plans["seats"]["total_usd"]) % 10, 0)

    def test_a_month_of_so_many(self):
        """20 a month are $1.44 by the meter; 2,000 are $144, and 2,000 requests take seats for
        as many as cost less than half a dollar each."""
        for volume, meter in ((20, "1.44"), (2000, "144")):
            bill = self.farebox_json("bill", self.rows(100, 600), "--plans", "plans.json",
                                     "--volume", volume)
            plans = {p["plan"]: p for p in bill["plans"]}
            self.assertEqual(plans["meter"]["requests"], volume)
            self.assertEqual(Decimal(plans["meter"]["total_usd"]), Decimal(meter))
            self.assertTrue(bill["period"]["extrapolated"])
            self.assertEqual(bill["period"]["profile"], "even")
        self.assertEqual(plans["seats"]["subscriptions"], 50)

    def test_sessions_keep_their_inside(self):
        """Three turns a minute apart, one session: 30 requests a month are ten sessions."""
        self.write("s.jsonl", "".join(
            json.dumps({"timestamp": t * 60000, "input_length": 10, "output_length": 1,
                        "session_id": "a"}) + "\n" for t in range(3)))
        self.write("p.json", json.dumps({"plans": [
            {"name": "two", "per_request": "1", "limits": {"rpm": 1, "beyond": "reject"}}]}))
        bill = self.farebox_json("bill", "s.jsonl", "--plans", "p.json", "--volume", 30)
        self.assertEqual((bill["period"]["sessions"], bill["plans"][0]["served"]), (10, 30))

    def test_without_a_rate_there_is_no_month(self):
        done = self.farebox("bill", self.rows(1, 0), "--plans", "plans.json", "--period", "month",
                            expect=2)
        self.assertIn("--volume", done.stderr)


class Rates(Case):
    """Every request at its own rate; what has no price is not ranked."""
    def bill(self, rows, *plans):
        self.write("t.jsonl", "".join(json.dumps({"timestamp": i * 1000} | r) + "\n"
                                      for i, r in enumerate(rows)))
        self.write("p.json", json.dumps({"plans": list(plans)}))
        return self.farebox_json("bill", "t.jsonl", "--plans", "p.json")

    def test_the_first_of_several_rates_is_not_everybody_s(self):
        rows = [{"input_length": 100 * i, "output_length": 50, "model": "large"}
                for i in range(1, 41)]
        small = {"models": ["small"], "per_mtok": {"input": "0.1", "output": "0.4"}}
        large = {"models": ["large"], "per_mtok": {"input": "1", "output": "4"}}
        flat = [{"models": ["small"], "per_request": "0.0001"},
                {"models": ["large"], "per_request": "0.002"}]
        several = self.bill(rows, {"name": "t", "rates": [small, large]},
                            {"name": "f", "rates": flat})
        one = self.bill(rows, {"name": "t", "per_mtok": large["per_mtok"]},
                        {"name": "f", "per_request": "0.002"})
        pairs = [b["break_even"][0] for b in (several, one)]
        for key in ("input_tokens", "output_tokens", "requests_dearer_than_flat"):
            self.assertEqual(pairs[0][key], pairs[1][key])
        self.assertEqual(pairs[0]["requests_dearer_than_flat"], 22)  # above 1,800 in
        splits = [b["split"]["best"] for b in (several, one)]
        self.assertEqual(splits[0], splits[1])
        # 22 flat; 18 by the token: 100 + ... + 1,800 in at $1, 50 out at $4
        self.assertEqual(Decimal(splits[0]["total_usd"]), Decimal("0.044") + Decimal("0.0207"))

    def test_no_model_under_prices_by_model(self):
        rates = [{"models": ["a"], "per_mtok": {"input": "1", "output": "1"}},
                 {"models": ["b"], "per_mtok": {"input": "2", "output": "2"}}]
        bill = self.bill([{"input_length": 10, "output_length": 1}],
                         {"name": "by-model", "rates": rates})
        self.assertEqual(bill["ranking"], [])
        self.assertEqual(bill["plans"][0]["rejected_by"], {"no_model": 1})
        self.assertIn("no model named", self.farebox("bill", "t.jsonl", "--plans",
                                                     "p.json").stdout)

    def test_a_service_without_a_price(self):
        rows = [{"input_length": 1000, "output_length": 10, "service": "batch"}]
        token = {"per_mtok": {"input": "1", "output": "1"}}
        bill = self.bill(rows, {"name": "without"} | token,
                         {"name": "with", "multipliers": {"batch": "0.5"}} | token)
        self.assertEqual(bill["ranking"], ["with"])
        self.assertEqual(bill["plans"][0]["unpriced_what"], ["its service"])

    def test_provisioned_capacity_binds(self):
        """Two units of 600 tokens a minute, ten requests of 300 in a minute: four of them fit."""
        rows = [{"input_length": 200, "output_length": 100}] * 10
        units = {"unit": "U", "price": "3", "units": 2, "tokens_per_minute": 600}
        per = {"input": "1000", "output": "1000"}
        bill = self.bill(rows, {"name": "turns away", "provisioned": units},
                         {"name": "queues", "provisioned": units | {"beyond": "queue"}},
                         {"name": "spills", "provisioned": units | {"beyond": "pay"},
                          "per_mtok": per},
                         {"name": "grows", "provisioned": {"price": "3", "tokens_per_minute": 600}})
        away, queues, spills, grows = bill["plans"]
        self.assertEqual((away["served"], away["rejected_by"]), (4, {"rate": 6}))
        self.assertEqual((queues["delayed"], queues["rank"]), (6, None))
        self.assertEqual(Decimal(spills["total_usd"]), 6 + 6 * Decimal("0.3"))
        self.assertEqual((grows["subscriptions"], Decimal(grows["total_usd"])), (5, 15))


class OneScreen(Case):
    """The table, the JSON and the page of one bill name the same figures."""
    def test_table_json_and_page(self):
        self.farebox("sim", "--scenario", "chat", "-n", 300, "--rate", 20, "--seed", 3, "--engine",
                     "constant", "-o", "run")
        bill = self.farebox_json("bill", "run", "--plans", "demo")
        table = " ".join(self.farebox("bill", "run", "--plans", "demo").stdout.split())
        self.farebox("report", "run", "--plans", "demo")
        page = (self.scratch / "run/report.html").read_text()
        first, second = (next(p for p in bill["plans"] if p["plan"] == name)
                         for name in bill["ranking"][:2])
        less = Decimal(second["total_usd"]) - Decimal(first["total_usd"])
        cash = usd(first['total_usd'])
        self.assertIn(f"{first['plan']} at ${cash}", table)
        self.assertIn(f"<b>{first['plan']}</b> at ${cash}", page)
        self.assertIn(f"${usd(less)} less than {second['plan']}" if less else
                      f"{second['plan']} costs the same", table)
        self.assertGreaterEqual(less, 0)
        for plan in bill["plans"]:
            if plan["rank"]:
                count = plan["subscriptions"] if "subscription" in plan["lines"] else "–"
                self.assertIn(f"{plan['rank']} {plan['plan']} {usd(plan['total_usd'])} "
                              f"{count}", table)
                self.assertEqual(sum(Decimal(line["total_usd"])
                                     for line in plan["lines"].values()),
                                 Decimal(plan["total_usd"]))
        saved = bill["split"].get("saved_against_cheapest_usd")
        none = "No split between a flat"
        if bill["split"]["best"] and saved and Decimal(saved) > 0:
            self.assertIn(f"${usd(saved)} less than {first['plan']} alone", table)
            self.assertNotIn(none, table + page)
        else:
            self.assertIn(none, table)
            self.assertIn(none, page)
        self.assertNotIn("prorated", table + page)


class Nothing(Case):
    """A run in which nothing completed has no cheapest plan."""
    def check(self, how):
        done = self.farebox(*how, "--plans", "demo")
        self.assertIn("Nothing was served, so no plan is ranked", done.stdout)
        for words in ("all", "Cheapest", "breaks even", "taking every request", "split"):
            self.assertNotRegex(done.stdout, rf"\b{words}\b")
        self.assertNotRegex(done.stdout, r"(?m)^ +[0-9] ")
        bill = self.farebox_json(*how, "--plans", "demo")
        self.assertEqual(bill["workload"]["completed"], 0)
        self.assertEqual((bill["ranking"], bill["break_even"]), ([], []))
        self.assertEqual({plan["rank"] for plan in bill["plans"]}, {None})
        self.assertIsNone(bill["split"]["best"])
        return done

    def test_a_run_that_reached_nobody(self):
        self.farebox("bench", "--url", "http://127.0.0.1:9/v1", "--scenario", "chat", "-n", 5,
                     "--rate", 100, "-o", "run", expect=1)
        self.assertIn("none of the 5 requests completed", self.check(("bill", "run")).stdout)
        report = self.farebox("report", "run", "--plans", "demo")
        self.assertIn("Nothing was served", report.stdout)
        page = (self.scratch / "run/report.html").read_text()
        self.assertIn("Nothing was served, so no plan is ranked.", page)
        self.assertNotIn("Cheapest", page)

    def test_a_run_without_a_record(self):
        (self.scratch / "run").mkdir()
        self.write("run/requests.jsonl", "")
        self.assertIn("no request to bill", self.check(("bill", "run")).stdout)


class WhatIf(Case):
    """A change is not flattered: equal work is compared, and the figures say why they move."""

    BOOK = {"plans": [
        {"name": "fails-free", "per_mtok": {"input": 3, "cached_input": "0.3", "output": 15}},
        {"name": "fails-input", "per_mtok": {"input": 3, "output": 15},
         "billed": {"failed": "input"}},
        {"name": "fails-full", "per_mtok": {"input": 3, "output": 15},
         "billed": {"failed": "full"}},
        {"name": "month", "subscription": {"price": 80, "period": "month", "beyond": "queue",
                                           "includes": {"requests": 1000, "per": "day"}}}]}

    def what_if(self, *changes):
        self.write("plans.json", json.dumps(self.BOOK))
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 1000, "input_length": 1000, "output_length": 100,
                        "hash_ids": [1, i], "block_size": 512}) + "\n" for i in range(100)))
        words = [word for change in changes for word in ("--what-if", change)]
        how = ("bill", "t.jsonl", "--plans", "plans.json", *words)
        self.shown = " ".join(self.farebox(*how).stdout.split())
        return {case["change"]: case for case in self.farebox_json(*how)["what_if"]}

    def test_failures_save_nothing(self):
        case = self.what_if("retry=fail:0.3,max:2")["retry=fail:0.3,max:2"]
        failed = case["failed"]
        more = int(case["note"].split("retry: ")[1].split()[0])
        self.assertGreater(failed, 0)
        free, as_input, full, month = case["plans"]
        self.assertEqual(Decimal(free["saved_usd"]), 0)
        self.assertEqual(Decimal(free["total_usd"]), Decimal("0.0045") * (100 - failed))
        self.assertEqual(Decimal(as_input["saved_usd"]), -Decimal("0.003") * more)
        self.assertEqual(Decimal(as_input["total_usd"]),
                         Decimal("0.0045") * (100 - failed) + Decimal("0.003") * more
                         + Decimal("0.003") * failed)
        self.assertEqual(Decimal(full["saved_usd"]), -Decimal("0.0045") * more)
        self.assertEqual(Decimal(month["saved_usd"]), 0)
        self.assertIn(f"100 of 100, {failed} failed", self.shown)
        self.assertIn("it bills no failed attempt", free["why"])

    def test_attempts_that_are_billed_count_in_a_quota(self):
        """100 requests that fail once and again are 200 of a quota of 120 a day."""
        self.BOOK = {"plans": [{"name": "day", "billed": {"failed": "full"}, "subscription": {
            "price": 5, "period": "month", "beyond": "queue",
            "includes": {"requests": 120, "per": "day"}}}]}
        cases = self.what_if("retry=fail:1,max:2")
        self.assertEqual([case["plans"][0]["subscriptions"] for case in cases.values()], [1, 2])
        self.assertEqual(Decimal(cases["retry=fail:1,max:2"]["plans"][0]["saved_usd"]), -5)

    def test_alternatives_are_not_added_up(self):
        self.assertEqual(list(self.what_if("cache=infinite", "cache=none")),
                         ["as it is", "cache=infinite", "cache=none"])
        self.assertEqual(list(self.what_if("cache=infinite", "cache=none", "truncate=tokens:500")),
                         ["as it is", "cache=infinite", "cache=none", "truncate=tokens:500",
                          "together: cache=infinite", "together: cache=none"])
        self.assertIn("all together", self.what_if("cache=infinite", "truncate=tokens:800"))

    def test_the_figures_say_why_they_move_or_not(self):
        cases = self.what_if("route=*:small", "time=0.5", "service=batch", "cache=infinite")
        month = {name: case["plans"][3]["why"] for name, case in cases.items()}
        self.assertIn("the same for every model", month["route=*:small"])
        self.assertIn("at other times", month["time=0.5"])
        self.assertIn("the same for every service", month["service=batch"])
        self.assertIn("nothing by the token", month["cache=infinite"])
        for why in month.values():
            self.assertIn(why, self.shown)
        token = cases["service=batch"]["plans"][0]
        self.assertEqual((token["saved_usd"], token["unpriced"]), (None, 100))
        self.assertIn("by use $0.45 → ", cases["cache=infinite"]["plans"][0]["why"])
        self.assertIn("What if route=*:small · route: 100 to small.", self.shown)
        cut = self.what_if("truncate=tokens:500")["truncate=tokens:500"]["plans"][0]["why"]
        self.assertEqual(cut, "by use $0.45 → $0.30, tokens in 100,000 → 50,000")

    def test_a_workload_that_is_changed_first_is_billed_as_the_what_if_prices_it(self):
        """--transform is the what-if's change, and the case of it is the bill's own total."""
        case = self.what_if("route=*:small+truncate=tokens:500")["route=*:small+truncate=tokens:500"]
        bill = self.farebox_json("bill", "t.jsonl", "--plans", "plans.json", "--transform", "route=*:small",
                                 "--transform", "truncate=tokens:500")
        totals = {p["plan"]: p["total_usd"] for p in bill["plans"]}
        self.assertEqual(totals, {p["plan"]: p["total_usd"] for p in case["plans"]})
        self.farebox("sim", "-s", "chat", "-n", 5, "-q", "-o", "run")
        for words, said in ((("run", "--transform", "rate=2"), "run is a run, whose requests were sent as they are"),
                            (("t.jsonl", "--transform", "nope=2"), 'unknown transform "nope"')):
            self.assertIn(said, self.farebox("bill", *words, "--plans", "plans.json", expect=2).stderr)

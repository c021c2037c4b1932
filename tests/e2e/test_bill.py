"""farebox bill: what its sentences say agrees with its table."""
import json

from support import Case

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
        self.assertIn("all, 240 queued up to", done.stdout)
        self.assertIn("needs 5 of it (its limit of 60 requests a minute binds)", done.stdout)
        plan = self.farebox_json("bill", "t.jsonl", "--plans", book)["plans"][0]
        self.assertEqual((plan["quotas_needed"], plan["quotas_needed_for"]), (5, "rpm"))

    def test_so_do_tokens_and_concurrency(self):
        trace = self.trace(300, 200)
        for limits, words, label in (
                ({"tpm": 11000}, "3 of it (its limit of 11,000 tokens a minute binds)", "tpm"),
                ({"concurrency": 2}, "3 of it (its limit of 2 at a time binds)", "concurrency")):
            book = self.book(FLAT | {"limits": limits})
            how = ("bill", trace, "--plans", book, "--ttft-ms", 1000, "--tpot-ms", 0)
            self.assertIn(words, " ".join(self.farebox(*how).stdout.split()))
            self.assertEqual(self.farebox_json(*how)["plans"][0]["quotas_needed_for"], label)

    def test_one_is_enough_where_nobody_waits(self):
        done = self.farebox("bill", self.trace(300, 2000), "--plans", self.book(FLAT))
        self.assertIn("needs 1 of it; its 300 served requests", done.stdout)
        self.assertNotIn("queued", done.stdout)

    def test_a_period_s_served_requests_are_those_of_the_table(self):
        """300 in ten hours; of a day's 720 a quota of 100 takes 100."""
        flat = json.loads(json.dumps(FLAT))
        flat["subscription"] |= {"includes": {"requests": 100, "per": "day"}, "beyond": "reject"}
        done = self.farebox("bill", self.trace(301, 120000), "--plans", self.book(flat),
                            "--period", "month")
        self.assertIn("3,000 of 21,672", done.stdout)
        self.assertIn("its 3,000 served requests at full use: $80.00",
                      " ".join(done.stdout.split()))


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

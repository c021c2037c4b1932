"""Usage reports, whose rows stand for many requests; logs with measured times as runs."""
import json
import pathlib

from support import Case

BOOK = {"book": "b", "plans": [
    {"name": "linear", "per_mtok": {"input": "2.50", "cached_input": "1.25", "output": "10.00"},
     "per_request": "0.001"},
    {"name": "tiered", "per_mtok": {"input": "1", "output": "4"},
     "tiers": [{"input_over": 200, "per_mtok": {"input": "2", "output": "6"}}]},
    {"name": "daily", "subscription": {"price": "20", "period": "month",
                                       "includes": {"requests": 100, "per": "day"}, "beyond": "pay"},
     "per_request": "0.05"}]}


class UsageReports(Case):
    def report(self):
        result = {"object": "organization.usage.completions.result", "model": "m", "batch": False}
        days = [{"object": "bucket", "start_time": 1793491200 + 86400 * day, "end_time": 1793577600 + 86400 * day,
                 "results": [dict(result, input_tokens=90000, input_cached_tokens=30000, output_tokens=4000,
                                  num_model_requests=requests)]}
                for day, requests in enumerate((80, 130))]
        return self.write("usage.json", json.dumps({"object": "page", "data": days, "has_more": False}, indent=1))

    def bill(self, *args):
        book = self.write("book.json", json.dumps(BOOK))
        done = self.farebox_json("bill", *args, "--plans", book)
        return done, {plan["plan"]: plan for plan in done["plans"]}

    def test_linear_prices_are_exact_and_others_have_bounds(self):
        done, plans = self.bill(self.report())
        self.assertEqual(done["workload"]["requests"], 210)
        # 120,000 uncached, 60,000 cached, 8,000 out, 210 requests
        self.assertEqual(plans["linear"]["total_usd"], "0.665")
        self.assertTrue(plans["linear"]["exact"])
        tiered = plans["tiered"]
        self.assertIsNone(tiered["total_usd"])
        self.assertEqual((tiered["least_usd"], tiered["most_usd"]), ("0.212", "0.408"))
        self.assertEqual(tiered["inexact_by"], ["tiers"])
        # 30 requests beyond the second day's quota; a second subscription would cost more
        self.assertEqual(plans["daily"]["total_usd"], "21.5")
        self.assertEqual(done["ranking"], ["linear", "daily"])

    def test_the_text_says_why_there_is_no_one_figure(self):
        book = self.write("book.json", json.dumps(BOOK))
        text = " ".join(self.farebox("bill", self.report(), "--plans", book).stdout.split())
        self.assertIn("2 rows of a usage report · 210 requests in 2 days", text)
        self.assertIn("tiered has no one figure: its price depends on how long each request is", text)
        self.assertIn("depending on the single requests cheaper: tiered", text)

    def test_the_same_from_a_table(self):
        table = self.write("days.csv", "day,calls,in,cached,out\n2026-11-01,80,90000,30000,4000\n"
                                       "2026-11-02,130,90000,30000,4000\n")
        columns = "timestamp=day,requests=calls,input=in,cached_input=cached,output=out"
        _, plans = self.bill(table, "--columns", columns)
        self.assertEqual(plans["linear"]["total_usd"], "0.665")
        self.assertEqual(plans["daily"]["total_usd"], "21.5")
        done = self.farebox("bill", table, "--plans", "demo", expect=2)
        self.assertIn("requests=calls", done.stderr)

    def test_rows_nobody_counted_have_no_price_by_the_request(self):
        page = {"data": [{"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z", "results": [
            {"uncached_input_tokens": 1000, "cache_read_input_tokens": 500, "output_tokens": 100,
             "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "model": "m"}]}]}
        done, plans = self.bill(self.write("report.json", json.dumps(page)))
        self.assertIsNone(done["workload"]["requests"])
        self.assertEqual(plans["linear"]["inexact_by"], ["count"])
        self.assertEqual(plans["linear"]["least_usd"], "0.005125")
        self.assertIsNone(plans["linear"]["most_usd"])

    def test_what_needs_single_requests_says_so(self):
        report = self.report()
        for command in (("sim", "-t", report), ("workload", "fit", report, "-o", "-"),
                        ("workload", "show", report), ("workload", "anonymise", report, "-o", "-"),
                        ("workload", "transform", report, "--transform", "rate=2", "-o", "-"),
                        ("bench", "--url", "mock:constant", "-t", report, "--dry-run")):
            self.assertIn("needs a row for each request", self.farebox(*command, expect=2).stderr)
        for option in (("--volume", 1000), ("--by", "model"), ("--what-if", "cache"), ("--transform", "rate=2")):
            done = self.farebox("bill", report, "--plans", "demo", *option, expect=2)
            self.assertIn(f"{option[0]} needs a row for each request", done.stderr)

    def test_info_gives_sums_and_means(self):
        info = self.farebox_json("workload", "info", self.report())
        self.assertEqual((info["requests"], info["rows"], info["duration_s"]), (210, 2, 172800))
        self.assertEqual(info["total_input_tokens"], 180000)
        self.assertIsNone(info["input_tokens"]["p50"])


class Written(Case):
    def test_rows_that_stand_for_many_are_not_called_requests(self):
        log = self.write("log.csv", "day,n,in,out\n2026-11-01,1000,5000,400\n2026-11-02,200,100,40\n")
        done = self.farebox("workload", "convert", log, "--columns",
                            "timestamp=day,requests=n,input=in,output=out", "-o", self.path("t.jsonl"))
        self.assertIn("2 rows for 1,200 requests (csv) written to", done.stderr)


class MeasuredLogs(Case):
    LOG = "time,in,out,ttft,took\n2026-11-01T10:00:00Z,100,51,200,1200\n2026-11-01T10:00:01Z,100,51,300,2300\n"
    COLUMNS = "timestamp=time,input=in,output=out,ttft_ms=ttft,e2e_ms=took"

    def test_a_log_becomes_a_run_that_is_reported_and_compared(self):
        log = self.write("log.csv", self.LOG)
        run = self.path("run")
        self.farebox("workload", "convert", log, "--columns", self.COLUMNS, "--as-run", run)
        summary = self.farebox_json("report", run)
        self.assertEqual(summary["command"], "log")
        self.assertEqual(summary["ttft_ms"]["mean"], 250)
        self.assertEqual(summary["e2e_ms"]["max"], 2300)
        self.assertEqual(summary["tpot_ms"]["min"], 20)
        self.assertEqual(summary["accounting"]["completed"], 2)
        again = self.path("again")
        trace = self.path("t.jsonl")
        self.farebox("workload", "convert", log, "--columns", self.COLUMNS, "-o", trace)
        self.farebox("workload", "convert", trace, "--as-run", again)
        self.farebox("diff", run, again)
        self.assertIn("2 requests", self.farebox("bill", again, "--plans", "demo").stdout)

    def test_a_log_without_times_says_which_fields_have_them(self):
        log = self.write("log.csv", self.LOG)
        done = self.farebox("workload", "convert", log, "--columns", "timestamp=time,input=in,output=out",
                            "--as-run", self.path("run"), expect=2)
        self.assertIn("e2e_ms=", done.stderr)
        self.assertFalse(pathlib.Path(self.path("run")).exists())

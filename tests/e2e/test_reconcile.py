"""Own records against an invoice: the command, its gates, the mock's own invoice."""
import json
import signal

from support import Case, read_lines

BOOK = {"plans": [{"name": "mine", "per_mtok": {"input": "2.5", "cached_input": "1.25", "output": "10"},
                   "multipliers": {"batch": "0.5"}},
                  {"name": "other", "per_request": "0.01"}]}
START = ("--start", "2026-11-02T23:58:00Z")


class Reconcile(Case):
    def setUp(self):
        super().setUp()
        self.book = self.write("book.json", json.dumps(BOOK)) + "#mine"
        self.records = self.path("t.jsonl")
        self.farebox("workload", "gen", "support", "-n", 300, "-o", self.records)

    def invoice(self, *words):
        path = self.path("invoice.jsonl")
        made = self.farebox_json("prices", "invoice", self.records, *START, "--plan", self.book, *words, "-o", path,
                                 "--force")
        return path, {f["cause"]: f["usd"] for f in made["faults"]}

    def reconcile(self, invoice, *words):
        return self.farebox_json("reconcile", self.records, invoice, *START, "--plan", self.book, *words)

    def test_by_id_what_was_put_in_comes_back_to_the_last_digit(self):
        path, truth = self.invoice("--fault", "missing-there=2", "--fault", "cache-class=3", "--fault", "discount=12.5%",
                                   "--fault", "tax=19%")
        done = self.reconcile(path)
        self.assertEqual({c["cause"]: c["usd"] for c in done["causes"]}, truth)
        self.assertEqual((done["rest_usd"], done["cannot_be_told_apart"], done["joined_by"]), ("0", [], "id"))

    def test_from_days_what_may_be_two_things_is_said_to_be(self):
        path, truth = self.invoice("--as", "days", "--fault", "retried=1")
        done = self.reconcile(path)
        self.assertEqual(done["causes"], [])
        [unsure] = done["cannot_be_told_apart"]
        self.assertIn("retried", unsure["cannot_be_told_apart"])
        self.assertEqual((unsure["usd"], done["rest_usd"]), (truth["retried"], "0"))

    def test_it_is_a_gate(self):
        path, _ = self.invoice("--fault", "discount=10%")
        run = ("reconcile", self.records, path, *START, "--plan", self.book)
        self.farebox(*run, "--fail-over", "11%", "--fail-unexplained", "0")
        done = self.farebox(*run, "--fail-over", "1%", expect=1)
        self.assertIn("--fail-over 1%", done.stderr)
        self.assertIn("discount", done.stdout)
        self.farebox(*run, "--fail-over", "0.0001", expect=1)
        self.assertIn("a share such as 1%", self.farebox(*run, "--fail-over", "much", expect=2).stderr)

    def test_the_table_says_the_causes_in_their_order_within_its_width(self):
        path, _ = self.invoice("--as", "days", "--fault", "rounding=0.01", "--fault", "retried=2", "--fault", "credit=1")
        text = self.farebox("reconcile", self.records, path, *START, "--plan", self.book).stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        places = [text.index(word) for word in ("ours", "credit", "rounding", "cannot be told apart", "rest", "theirs")]
        self.assertEqual(places, sorted(places))

    def test_a_gateways_log_of_costs_needs_no_plan(self):
        rows = [{"request_id": f"q{i}", "call_type": "acompletion", "startTime": f"2026-11-02T09:00:0{i}Z", "model": "m",
                 "prompt_tokens": 100 + i, "completion_tokens": 10, "total_tokens": 110 + i, "spend": 0.001 * (i + 1)}
                for i in range(4)]
        ours = self.write("ours.json", json.dumps(rows))
        rows[2]["model"] = "m-2026"
        rows[2]["spend"] = 0.004
        theirs = self.write("theirs.json", json.dumps(rows[1:]))
        done = self.farebox_json("reconcile", ours, theirs)
        self.assertEqual({c["cause"]: c["usd"] for c in done["causes"]},
                         {"missing_there": "-0.001", "model_alias": "0.001"})
        self.assertEqual(done["rest_usd"], "0")

    def test_focus_rows_of_the_same_bill_leave_nothing(self):
        self.farebox("bill", self.records, *START, "--plans", self.book, "--export", "focus", "-o", self.path("focus.csv"))
        done = self.reconcile(self.path("focus.csv"))
        self.assertEqual((done["invoice_form"], done["difference_usd"], done["rest_usd"], done["causes"]),
                         ("focus", "0", "0", []))

    def test_what_cannot_be_compared_is_said(self):
        costs = self.write("costs.json", json.dumps({"data": [{"start_time": 1793577600, "end_time": 1793664000, "results": [
            {"object": "organization.costs.result", "amount": {"value": 1, "currency": "usd"}, "line_item": "m, input"}]}]}))
        done = self.farebox("reconcile", self.records, costs, expect=2)
        self.assertIn("--plan NAME", done.stderr)
        done = self.farebox("reconcile", self.records, costs, "--plan", self.book, expect=2)
        self.assertIn("--start", done.stderr)
        done = self.farebox("reconcile", self.records, costs, *START, "--plan", self.book, "--rate", "EUR=1.1", expect=2)
        self.assertIn("the invoice is in USD", done.stderr)
        self.assertIn("RECORDS and INVOICE", self.farebox("reconcile", self.records, expect=2).stderr)

    def test_errors_about_the_invoice_speak_of_it_and_of_its_options(self):
        table = self.write("odd.csv", "id,in,out\nr1,5,6\n")
        done = self.farebox("reconcile", self.records, table, *START, "--plan", self.book, expect=2)
        self.assertIn("no invoice that is recognised; its names suggest --invoice-columns input=in", done.stderr)
        done = self.farebox("reconcile", self.records, self.write("none.csv", ""), *START, "--plan", self.book, expect=2)
        self.assertIn("is empty; an invoice was expected", done.stderr)
        done = self.farebox("reconcile", table, table, expect=2)
        self.assertIn("no trace that is recognised; its names suggest --columns input=in", done.stderr)

    def test_what_an_invoice_cannot_hold_is_told(self):
        made = ("prices", "invoice", self.records, *START, "-o", self.path("i.jsonl"), "--force", "--plan")
        done = self.farebox(*made, self.book, "--fault", "missing-here=9999")
        self.assertIn("9999 were asked for, and these records have only 300 to change", done.stderr)
        self.assertNotIn("warning", self.farebox(*made, self.book, "--fault", "missing-here=3").stderr)
        self.assertIn("without subscription", self.farebox(*made, "oxlo/pro").stderr)
        self.assertIn("day-boundary", self.farebox(*made, self.book, "--fault", "day", expect=2).stderr)

    def test_the_mocks_invoice_is_what_a_run_of_it_cost(self):
        mock, url = self.start_mock("--log", self.path("truth.jsonl"))
        self.farebox("bench", "--url", url, "--trace", self.records, "-n", 20, "--model", "m", "--speed", 100, "-o",
                     self.path("run"))
        mock.send_signal(signal.SIGINT)
        mock.wait(20)
        ids = {line["x_request_id"] for line in read_lines(self.path("truth.jsonl"))}
        self.farebox("prices", "invoice", self.path("truth.jsonl"), "--plan", self.book, "-o", self.path("i.jsonl"))
        done = self.farebox_json("reconcile", self.path("run"), self.path("i.jsonl"), "--plan", self.book)
        # what bench asked beforehand is in the invoice, and in no record
        self.assertLessEqual({c["cause"] for c in done["causes"]}, {"missing_here"})
        self.assertEqual((done["rest_usd"], done["joined_lines"]), ("0", 20))
        self.assertGreaterEqual(len(ids), 20)

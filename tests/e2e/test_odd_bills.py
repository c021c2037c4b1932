"""Bills of odd inputs: what the screen says is right, fits, and leaves nothing out in silence."""
import json
import os
import pathlib
from decimal import Decimal

from support import Case

BOOK = {"plans": [{"name": "by/token", "per_mtok": {"input": "1.3", "output": "7"}},
                  {"name": "by/request", "per_request": "0.01"}]}


class OddBills(Case):
    def setUp(self):
        super().setUp()
        self.book = self.write("book.json", json.dumps(BOOK))

    def trace(self, rows, name="t.jsonl"):
        return self.write(name, "".join(json.dumps(row) + "\n" for row in rows))

    def log(self, spend):
        rows = [{"request_id": f"q{i}", "call_type": "acompletion", "startTime": f"2026-11-02T09:00:{i:02}Z", "model": "m",
                 "prompt_tokens": 1000 + i, "completion_tokens": 10, "total_tokens": 1010 + i, "spend": spend(i)}
                for i in range(30)]
        return self.write("log.json", json.dumps(rows))

    def test_what_floating_point_makes_of_costs_is_no_saving(self):
        def price(i):
            return (1000 + i) * 0.0000013 + 10 * 0.000007

        text = self.farebox("bill", self.log(price), "--plans", self.book).stdout
        self.assertRegex(text, r"That is what you paid(, but for \$0\.0{12,}\d+ that rounding makes)?\.")
        text = self.farebox("bill", self.log(lambda i: price(i) + 0.0001), "--plans", self.book).stdout
        self.assertIn("That is $0.0030 less than you paid.", text)

    def test_what_needs_many_digits_does_not_make_a_table_crooked(self):
        log = self.log(lambda i: (1000 + i) * 0.0000013 + 10 * 0.000007 + 1e-17)
        text = self.farebox("reconcile", log, log, "--plan", self.book + "#by/token").stdout
        table = [line.split(" %")[0] for line in text.splitlines() if line.startswith("  ")][1:]
        ends = {line.index(word) + len(word) for line in table for word in line.split()[-2:-1] if "." in word and word[0] in "+-"}
        heading = next(line for line in table if " USD" in line)
        self.assertEqual(ends, {heading.index("USD") + 3}, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_headings_fit_and_count_one_request_as_one(self):
        name = "a-month-of-usage-of-all-projects-of-the-department-" + "x" * 20
        day = {"object": "bucket", "start_time": 1790812800, "end_time": 1790899200, "results": [
            {"object": "organization.usage.completions.result", "input_tokens": 99887766, "output_tokens": 11223344,
             "input_cached_tokens": 0, "num_model_requests": 123456, "model": "gpt-4o", "batch": False}]}
        report = self.write(name + ".json", json.dumps({"object": "page", "data": [day], "has_more": False}))
        text = self.farebox("bill", report, "--plans", self.book).stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 80, text)
        one = self.trace([{"timestamp": 0, "input_length": 100, "output_length": 10}])
        self.assertIn(" 1 request in ", self.farebox("bill", one, "--plans", self.book).stdout)
        many = self.farebox("bill", one, "--plans", self.book, "--volume", 900000000000).stdout
        self.assertIn("90,000,000.00 M tokens in", many)

    def test_columns_decide_where_there_is_no_terminal(self):
        how = ("bill", "-s", "agent", "-n", 300, "--plans", "oxlo/premium-2026-03,anthropic/claude-sonnet-4.6",
               "--by", "class", "--volume", 9000)
        for told, most in (("80", 80), ("60", 80), ("", 80), ("wide", 80), ("12", 80), ("100", 100)):
            text = self.farebox(*how, env={"COLUMNS": told}).stdout
            self.assertLessEqual(max(map(len, text.splitlines())), most, told)
            self.assertEqual(max(map(len, text.splitlines())) > 80, most == 100, told)

    def test_a_month_made_of_a_sample_has_no_trend(self):
        how = ("bill", "-s", "support", "-n", 200, "--plans", "openai/gpt-4o", "--by", "class", "--volume", 4000)
        self.assertIn("No trend: an extrapolated month", self.farebox(*how).stdout)
        groups = self.farebox_json(*how)["plans"][0]["by"]["class"]
        self.assertEqual({g["trend"] for g in groups}, {None})

    def test_nothing_that_was_asked_for_is_left_out_in_silence(self):
        rows = [{"timestamp": 100000000 * i, "input_length": 1000, "output_length": 100, "model": "a-model",
                 "labels": {"team": "x"}} for i in range(3)]
        trace, one = self.trace(rows), self.book + "#by/token"
        said = self.farebox("bill", trace, "--plans", one, "--units", 3, "--slo", "ttft=100").stderr
        self.assertIn("--units changes nothing", said)
        self.assertIn("--slo changes nothing", said)
        self.assertEqual(self.farebox("bill", trace, "--plans", one).stderr, "")
        said = self.farebox("bill", trace, "--plans", "openai/gpt-5,google/gemini-2.5-pro", "--ladder").stdout
        self.assertIn("The volume ladder is left out", said)
        focus = ("bill", trace, "--plans", one, "--start", "2026-11-02T00:00:00Z", "--export", "focus", "--focus")
        self.assertIn('no request has a label "squad"', self.farebox(*focus, "sub-account=squad", expect=2).stderr)
        self.assertIn(",x,x,", self.farebox(*focus, "sub-account=team").stdout)

    def test_plans_are_listed_with_all_their_terms(self):
        book = {"plans": [
            {"name": "a", "per_mtok": {"input": "1", "output": "5"}, "multipliers": {"batch": "0.5"},
             "uplift": {"label": "region", "values": {"eu": "1.1"}}, "minimum": {"usd": "50", "per": "month"},
             "rounding": {"to": "0.01", "on": "request"}, "minimum_per_request": "0.001",
             "weights": [{"classes": "tool", "weight": "0"}], "per_request": "0.01"},
            {"name": "b", "per_mtok": {"input": "1", "cache_write": "2", "output": "5"}, "cache_storage": {"per_mtok_hour": "1"},
             "volume": {"per": "month", "steps": [{"over_usd": "9", "off_percent": "7.5"}]}, "credit_fee": {"percent": "5.5"},
             "limits": {"max_output_tokens": 4000, "max_total_tokens": 9000}},
            {"name": "c", "subscription": {"price": "9", "period": "month", "seats": 5}}]}
        path = self.write("terms.json", json.dumps(book))
        terms = {p["plan"]: p["terms"] for p in self.farebox_json("prices", "list", "--plans", path)["plans"]}
        for plan, words in {"a": ("prices for batch", "by the label region", "at least $50/month", "rounded to $0.01 a request",
                                  "at least $0.001 a request", "count as more or less than one"),
                            "b": ("keeping a cache costs", "volume discount up to 7.5 %", "5.5 % fee on credits",
                                  "at most 4000 out", "at most 9000 in and out"),
                            "c": ("$9/month for each of 5 seats",)}.items():
            for word in words:
                self.assertIn(word, terms[plan])
        self.assertIn("--plans FILE", self.farebox("prices", "list", path, expect=2).stderr)

    def test_names_of_plans_and_files_may_have_blanks(self):
        ranged = {"plans": [{"name": "coding plan", "subscription": {
            "price": "20", "period": "month", "includes": {"requests": {"from": 45, "to": 100}, "per": "5h"}}}]}
        path = self.write("my prices.json", json.dumps(ranged))
        names = [p["plan"] for p in self.farebox_json("prices", "list", "--plans", f" {path}#*(at most) , demo/token")["plans"]]
        self.assertEqual(names, ["coding plan (at most)", "demo/token"])
        names = [p["plan"] for p in self.farebox_json("prices", "list", "--plans", "claude/pro (at least)")["plans"]]
        self.assertEqual(names, ["claude/pro (at least)"])

    def test_a_book_without_plans_and_a_date_that_is_none_are_told(self):
        empty = self.write("empty.json", '{"plans": []}')
        self.assertIn("0 plans", self.farebox("prices", "check", empty).stdout)
        one = self.trace([{"timestamp": 0, "input_length": 100, "output_length": 10}])
        self.assertIn("empty.json holds no plan", self.farebox("bill", one, "--plans", empty, expect=2).stderr)
        models = self.write("models.json", json.dumps({"m": {"input_cost_per_token": 1e-6, "litellm_provider": "x",
                                                             "mode": "chat"}}))
        done = self.farebox("prices", "import", "--litellm", models, "--as-of", "yesterday", expect=2)
        self.assertIn('a date such as 2026-08-01, found "yesterday"', done.stderr)

    def test_an_unknown_key_is_told_with_those_that_are_known(self):
        book = {"plans": [{"name": "a", "per_request": "0.01", "rounding": {"per": "request", "to": "0.01"}}]}
        done = self.farebox("prices", "check", self.write("odd.json", json.dumps(book)), expect=2)
        for key in ("to", "mode", "on"):
            self.assertIn(f'"{key}"', done.stderr.split("known are")[1])

    def test_names_with_line_ends_and_without_text_stay_in_their_row(self):
        rows = [{"timestamp": 1000 * i, "input_length": 1000, "output_length": 100, "model": model, "labels": {"team": team}}
                for i, (model, team) in enumerate([("", 'a,"b"\n=1+1'), ("", ""), ("", "c\td"), ("", "\u65e5\u672c")])]
        trace = self.trace(rows)
        text = self.farebox("bill", trace, "--plans", self.book, "--by", "team").stdout
        table = text.split("by/token by team\n")[1].split("   together")[0].splitlines()[1:]
        self.assertEqual(len(table), 4, text)
        self.assertTrue(all(line.startswith("   ") and " % " in line for line in table), text)
        self.assertIn("   (empty) ", text)
        self.assertNotIn("counts of", text)
        names = [g["name"] for g in self.farebox_json("bill", trace, "--plans", self.book, "--by", "team")["plans"][0]["by"]["team"]]
        self.assertIn('a,"b"\n=1+1', names)
        book = {"plans": [{"name": "a\nb", "per_request": "0.01"}]}
        done = self.farebox("prices", "check", self.write("lines.json", json.dumps(book)), expect=2)
        self.assertIn("the name of a plan is one line", done.stderr)
        models = {name: {"input_cost_per_token": 1e-6, "litellm_provider": "x", "mode": "chat"} for name in ("m", "a\nb")}
        listed = self.farebox_json("prices", "import", "--litellm", self.write("models.json", json.dumps(models)))
        self.assertEqual((listed["read"], listed["represented"]), (2, 1))

    def test_what_costs_nothing_has_no_variation_anywhere(self):
        free = self.write("free.json", json.dumps({"plans": [{"name": "none", "per_mtok": {"input": "0", "output": "0"}}]}))
        rows = [{"timestamp": 1000 * i, "input_length": 1000 + i, "output_length": 100, "labels": {"team": "x"}} for i in range(5)]
        text = self.farebox("bill", self.trace(rows), "--plans", free, "--by", "team").stdout
        self.assertNotIn("1.0\u00d7", text)

    def test_a_ladder_names_the_plans_that_are_not_on_it(self):
        book = json.loads(json.dumps(BOOK))
        book["plans"].append({"name": "short/inputs", "per_request": "0.000001", "limits": {"max_input_tokens": 1500}})
        book = self.write("more.json", json.dumps(book))
        rows = [{"timestamp": 3600000 * i, "input_length": 1000 + 100 * (i % 10), "output_length": 10} for i in range(100)]
        trace = self.trace(rows)
        told = "Left out where not every request is served in time: short/inputs."
        self.assertIn(told, self.farebox("bill", trace, "--plans", book, "--ladder").stdout)
        self.assertNotIn("Left out where", self.farebox("bill", trace, "--plans", self.book, "--ladder").stdout)

    def test_the_readmes_month_goes_from_a_table_to_a_reconciled_invoice(self):
        readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
        section = readme.split("## A month's bill")[1].split("\n## ")[0]
        commands = [line.split()[1:] for line in section.splitlines() if line.startswith("    farebox ")]
        self.assertLessEqual(len(commands), 6)
        rows = ["Time,Team,Model,In,Cached,Out,Cost"]
        for i in range(600):
            tokens, cached, made = 500 + 37 * (i % 50), 128 * (i % 3), 20 + i % 90
            cost = ((tokens - cached) * Decimal("2.5") + cached * Decimal("1.25") + made * 10) / 1000000
            day, hour = divmod(i, 20)
            rows.append(f'2026-10-{day + 1:02}T{hour:02}:30:00Z,"R&D, {i % 3}",gpt-4o,{tokens},{cached},{made},{cost}')
        self.write("october.csv", "\n".join(rows) + "\n")
        said = self.farebox("bill", "october.csv", "--plans", "demo", expect=2).stderr
        self.assertIn("label.team=Team", said)
        shown = []
        for words in commands:
            if words[0] == "reconcile":
                self.farebox("prices", "invoice", "october.jsonl", "--plan", "openai/by-model", "-o", "invoice.csv",
                             "--fault", "discount=10%")
            shown.append(self.farebox(*words).stdout)
        self.assertIn("That is what you paid.", shown[1])
        self.assertIn("cheapest a month", shown[1])
        self.assertIn("90 % of the list price is paid.", shown[4])
        for name in ("october/index.html", "october/plots/ladder.png", "october/shares.csv", "october-focus.csv",
                     "november/plots/forecast.png"):
            self.assertGreater(os.path.getsize(self.path(name)), 100, name)

    def test_a_plan_says_which_models_it_does_not_sell(self):
        book = self.write("models.json", json.dumps({"plans": [
            {"name": "few", "rates": [{"models": ["m-1", "m-2"], "per_mtok": {"input": "1", "output": "2"}}]}]}))
        rows = [{"timestamp": 1000 * i, "input_length": 100, "output_length": 10, "model": f"m-{i}"} for i in range(9)]
        text = " ".join(self.farebox("bill", self.trace(rows), "--plans", book).stdout.split())
        self.assertIn("few does not sell m-0, m-3, m-4, m-5 and 3 more.", text)
        self.assertNotIn("does not sell", self.farebox("bill", self.trace(rows[1:3]), "--plans", book).stdout)

    def test_what_a_table_has_stands_in_the_error_about_what_it_has_not(self):
        table = self.write("t.csv", "Zeit;Eingabe;Ausgabe\n2026-10-01;100;10\n")
        done = self.farebox("bill", table, "--plans", self.book, "--columns", "timestamp=x,input=Eingabe,output=Ausgabe", expect=2)
        self.assertIn('the columns are "Zeit", "Eingabe", "Ausgabe"', done.stderr)
        done = self.farebox("bill", table, "--plans", self.book, "--columns", "zzzz=Zeit", expect=2)
        self.assertIn("timestamp, input, output, model", done.stderr)

    def test_a_plan_by_the_session_says_that_there_are_none(self):
        book = self.write("s.json", json.dumps({"plans": [{"name": "each", "per_request": "0.01", "charged_per": "session"}]}))
        rows = [{"timestamp": 1000 * i, "input_length": 100, "output_length": 10} for i in range(4)]
        told = "no request says which one it belongs to: each counts as one."
        self.assertIn(told, " ".join(self.farebox("bill", self.trace(rows), "--plans", book).stdout.split()))
        rows = [row | {"session_id": "s"} for row in rows]
        text = self.farebox("bill", self.trace(rows), "--plans", book).stdout
        self.assertNotIn("each counts as one", text)
        self.assertIn("0.01 ", text)

"""--tokens-as, whose counts a bill takes, and what-ifs as a matrix: text and JSON say the same."""
import json
import re
from decimal import Decimal

from support import Case


def token_plan(name, price):
    return {"name": name, "per_mtok": {"input": price, "output": price}}


class Tokens(Case):
    def book(self, *plans):
        return self.write("plans.json", json.dumps({"plans": plans}))

    def trace(self, model="gpt-4o", count=60):
        name = {"model": model} if model else {}
        return self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 1000, "input_length": 1001, "output_length": 101} | name)
            + "\n" for i in range(count)))

    def test_counts_are_scaled_for_the_model_that_is_priced_only(self):
        """⌈1001 × 1.3⌉ = 1302 and ⌈101 × 1.1⌉ = 112 tokens a request, at $2 a million."""
        book = self.book(token_plan("openai/gpt-4o", "1"), token_plan("anthropic/claude-opus-5", "2"))
        how = ("bill", self.trace(), "--plans", book,
               "--tokens-as", "claude-opus-5=in:1.3,out:1.1")
        own, scaled = self.farebox_json(*how)["plans"]
        self.assertEqual(Decimal(own["total_usd"]), Decimal(60 * 1102) / 10**6)
        self.assertEqual(Decimal(scaled["total_usd"]), Decimal(60 * 1414 * 2) / 10**6)
        self.assertNotIn("tokens_as", own)
        self.assertEqual(scaled["tokens_as"],
                         {"model": "claude-opus-5", "requests": 60, "in": "1.3", "out": "1.1"})
        shown = self.farebox(*how).stdout
        self.assertIn("tokens counted × 1.3 in, × 1.1 out", shown)
        self.assertNotIn("counts of", shown)

    def test_without_a_factor_no_winner_is_named_anywhere(self):
        flat = {"name": "flat", "per_request": "0.0014"}
        book = self.book(token_plan("openai/gpt-4o", "1.2"),
                         token_plan("anthropic/claude-opus-5", "1"), flat)
        how = ("bill", self.trace(), "--plans", book)
        bill = self.farebox_json(*how)
        self.assertEqual(bill["ranking"], [])
        self.assertEqual(bill["undecided"],
                         ["openai/gpt-4o", "anthropic/claude-opus-5", "flat"])
        self.assertEqual([p["rank"] for p in bill["plans"]], [None] * 3)
        self.assertEqual(bill["plans"][1]["counts_of"]["model"], "gpt-4o")
        pairs = {p["token_plan"]: p for p in bill["break_even"]}
        self.assertEqual(pairs["anthropic/claude-opus-5"]["input_tokens"],
                         {"answer": "undecided", "value": None})
        self.assertTrue(pairs["anthropic/claude-opus-5"]["undecided"])
        self.assertEqual(pairs["openai/gpt-4o"]["input_tokens"]["answer"], "at")
        self.assertIn(-2, {cell for row in bill["cheapest_map"]["plan"] for cell in row})
        shown = self.farebox(*how).stdout
        self.assertRegex(shown, r"≈ anthropic/claude-opus-5\s[^≈]*\s+all, counts of gpt-4o\n")
        self.assertIn("No plan is named cheapest", shown)
        self.assertNotIn("Cheapest", shown)
        self.assertNotIn("cheapest that", shown)
        self.assertIn("neither is named cheaper", shown)
        self.assertNotIn("ladder", shown)

    def test_a_ladder_without_a_winner_here_is_left_out_with_a_word(self):
        book = self.book(token_plan("openai/gpt-4o", "1.2"), token_plan("anthropic/claude-opus-5", "1"))
        for more in (["--ladder"], ["--volume", 900]):
            how = ("bill", self.trace(), "--plans", book, *more)
            self.assertIsNone(self.farebox_json(*how).get("ladder"))
            self.assertIn("The volume ladder is left out", self.farebox(*how).stdout)
            said = self.farebox(*how, "--tokens-as", "claude-opus-5=in:1,out:1")
            self.assertNotIn("left out", said.stdout)
            self.assertIn("You are here", said.stdout)

    def test_a_difference_beyond_the_doubt_has_a_winner(self):
        book = self.book(token_plan("openai/gpt-4o", "2"), token_plan("anthropic/claude-opus-5", "1"))
        bill = self.farebox_json("bill", self.trace(), "--plans", book)
        self.assertEqual(bill["ranking"], ["anthropic/claude-opus-5", "openai/gpt-4o"])
        self.assertNotIn("undecided", bill)

    def test_requests_without_a_model_get_one_notice(self):
        book = self.book(token_plan("openai/gpt-4o", "1"), token_plan("anthropic/claude-opus-5", "2"))
        shown = self.farebox("bill", self.trace(None), "--plans", book).stdout
        self.assertEqual(shown.count("names the model that counted its"), 1)
        self.assertIn("Cheapest that serves everything", shown)

    def test_an_option_without_effect_is_said(self):
        book = self.book(token_plan("openai/gpt-4o", "1"))
        shown = self.farebox("bill", self.trace(), "--plans", book, "--tokens-as", "gpt-4o=in:2")
        self.assertIn("--tokens-as gpt-4o changes nothing", shown.stdout)
        wrong = self.farebox("bill", "t.jsonl", "--plans", book, "--tokens-as", "gpt-4o=here:there",
                             expect=2)
        self.assertIn("RUN_A:RUN_B", wrong.stderr)

    def test_a_routed_request_keeps_its_counts(self):
        """$1 a million in gpt-4o's tokens; in claude's they may cost $0.77 to $1.43: no saving is
        named, until a factor says how many they are."""
        rates = [{"models": ["gpt-4o"], "per_mtok": {"input": "1", "output": "1"}},
                 {"models": ["claude-opus-5"], "per_mtok": {"input": "0.9", "output": "0.9"}}]
        book = self.book({"name": "many", "rates": rates})
        how = ("bill", self.trace(), "--plans", book, "--what-if", "route=*:claude-opus-5")
        cell = self.farebox_json(*how)["what_if"][1]["plans"][0]
        self.assertEqual((cell["saved_usd"], cell["counts_of"], cell["undecided"]),
                         (None, "gpt-4o", True))
        cell = self.farebox_json(*how, "--tokens-as", "claude-opus-5=in:2,out:2")
        cell = cell["what_if"][1]["plans"][0]
        self.assertEqual(Decimal(cell["total_usd"]), Decimal(60 * 2204 * 9) / 10**7)
        self.assertEqual(Decimal(cell["saved_usd"]), Decimal(60 * (11020 - 19836)) / 10**7)

    def test_a_month_made_of_routed_requests_keeps_their_counts(self):
        rates = [{"models": ["gpt-4o"], "per_mtok": {"input": "1", "output": "1"}},
                 {"models": ["claude-opus-5"], "per_mtok": {"input": "0.9", "output": "0.9"}}]
        book = self.book({"name": "many", "rates": rates})
        month = self.farebox_json("bill", self.trace(), "--plans", book, "--volume", 600,
                                  "--what-if", "route=*:claude-opus-5", "--tokens-as",
                                  "claude-opus-5=in:2,out:2")["what_if"][1]["plans"][0]
        self.assertEqual(Decimal(month["total_usd"]), Decimal(600 * 2204 * 9) / 10**7)

    def test_a_factor_is_learnt_from_two_runs(self):
        """The second run: the first one's records with three tenths more input, a tenth more
        output."""
        self.farebox("sim", "--scenario", "chat", "-n", 60, "--engine", "constant", "-o", "one")
        self.farebox("sim", "--scenario", "chat", "-n", 60, "--engine", "constant", "-o", "two")
        records = self.scratch / "two" / "requests.jsonl"
        rows = [json.loads(line) for line in records.read_text().splitlines()]
        for row in rows:
            used = row["usage"]
            used["uncached_input"] = used["uncached_input"] * 13 // 10
            used["output"] = used["output"] * 11 // 10
        records.write_text("".join(json.dumps(row) + "\n" for row in rows))
        book = self.book(token_plan("openai/gpt-4o", "1"), token_plan("anthropic/claude-opus-5", "2"))
        how = ("bill", self.trace(), "--plans", book, "--tokens-as", "claude-opus-5=one:two")
        learnt = self.farebox_json(*how)["plans"][1]["tokens_as"]
        self.assertEqual(learnt["pairs"], 60)
        for way, factor in (("in", 1.3), ("out", 1.1)):
            self.assertAlmostEqual(float(learnt[way]), factor, delta=0.02)
            self.assertLessEqual(float(learnt[way + "_low"]), float(learnt[way]))
            self.assertGreaterEqual(float(learnt[way + "_high"]), float(learnt[way]))
        self.assertIn("learnt from 60 pairs", self.farebox(*how).stdout)

    def test_a_forecast_names_no_winner_either(self):
        days = "".join(json.dumps({"timestamp": i * 864000 * 7, "input_length": 1000,
                                   "output_length": 100, "model": "gpt-4o"}) + "\n"
                       for i in range(1200))
        trace = self.write("d.jsonl", '{"start": "2026-11-02T00:00:00Z"}\n' + days)
        book = self.book(token_plan("openai/gpt-4o", "1.2"),
                         token_plan("anthropic/claude-opus-5", "1"))
        how = ("plan", "forecast", trace, "--plans", book, "--samples", 50)
        result = self.farebox_json(*how)["scenarios"][0]
        self.assertEqual((result["cheapest"], result["undecided"]), (None, True))
        result = self.farebox_json(*how, "--tokens-as", "claude-opus-5=in:1.5,out:1.5")
        self.assertEqual(result["scenarios"][0]["cheapest"], "openai/gpt-4o")
        self.assertAlmostEqual(
            float(result["scenarios"][0]["plans"][1]["sample_usd"]), 1200 * 1650e-6)


class Matrix(Case):
    def test_the_matrix_says_what_single_what_ifs_say(self):
        self.farebox("workload", "gen", "agent", "-n", 120, "-o", "a.jsonl")
        plans = "openai/gpt-4o,oxlo/pro,openai/by-model,anthropic/claude-sonnet-4.6"
        all_of_it = self.farebox_json("bill", "a.jsonl", "--plans", plans, "--what-if", "all")
        text = self.farebox("bill", "a.jsonl", "--plans", plans, "--what-if", "all").stdout
        matrix = text[text.index("\nWhat if\n"):]
        self.assertLessEqual(max(map(len, matrix.splitlines())), 80)
        shown = {Decimal(figure) for figure in re.findall(r"-?\d+\.\d+\b", matrix.replace(",", ""))}
        names = [case["change"] for case in all_of_it["what_if"]]
        for kind in ("cache=ttl:5m", "cache=ttl:1h", "route=", "truncate=", "service=batch",
                     "tools=parallel", "retry=", "together"):
            self.assertTrue(any(kind in name for name in names), kind)
        for case in all_of_it["what_if"]:
            for cell in case["plans"]:
                self.assertIn(round(Decimal(cell["total_usd"]), 4), shown)
        for case in all_of_it["what_if"][1:4]:
            single = self.farebox_json("bill", "a.jsonl", "--plans", plans, "--what-if",
                                       case["change"])
            self.assertEqual(single["what_if"][1], case)
            self.assertEqual(single["what_if"][0], all_of_it["what_if"][0])
        totals = {p["plan"]: p["total_usd"] for p in all_of_it["plans"] if p["caps"] != "ignored"}
        self.assertEqual(totals, {c["plan"]: c["total_usd"]
                                  for c in all_of_it["what_if"][0]["plans"]})

    def test_given_changes_are_shown_as_a_matrix_too(self):
        self.farebox("workload", "gen", "support", "-n", 100, "-o", "s.jsonl")
        how = ("bill", "s.jsonl", "--plans", "openai/gpt-4o", "--what-if", "truncate=tokens:500")
        self.assertIn("\na  truncate=tokens:500", self.farebox(*how, "--matrix").stdout)
        self.assertNotIn("\na  truncate", self.farebox(*how).stdout)

"""farebox decide --story: every figure of its sentences is what the command beside it prints; the table is the bill's."""
import json
import re
import shlex
from decimal import Decimal

from support import Case, contents, read_json

PLANS = {"plans": [
    {"name": "small and large", "rates": [
        {"models": ["small*"], "per_mtok": {"input": "0.10", "output": "0.40"}},
        {"models": ["*"], "per_mtok": {"input": "1.00", "cached_input": "0.10", "output": "4.00"}}]},
    {"name": "seat", "subscription": {"price": "30", "period": "month", "beyond": "queue",
                                      "includes": {"requests": 900, "per": "day"}}}]}


def stands_in(figure, text):
    """As a figure of its own: "80.00" is not in "180.00"."""
    return re.search(r"(?<![\d.,])" + re.escape(figure) + r"(?!\d|[.,]\d)", text)


class Story(Case):
    def check_sentences(self, story):
        self.assertEqual(len(story["sentences"]), 5)
        for sentence in story["sentences"]:
            shown = []
            for command in sentence["commands"]:
                words = shlex.split(command)
                self.assertEqual(words[0], "farebox")
                shown.append(self.farebox(*words[1:]).stdout)
            self.assertTrue(sentence["figures"] and shown, sentence)
            for figure in sentence["figures"]:
                self.assertIn(figure, sentence["text"])
                self.assertTrue(any(stands_in(figure, text) for text in shown), (figure, sentence))

    def test_commands_of_the_bundled_scenarios_show_their_figures(self):
        done = self.farebox("decide", "--story", "-n", 200, "--volume", 3000, "--json")
        story = json.loads(done.stdout)
        scenarios = {s["name"] for s in self.farebox_json("workload", "gen", "--list")}
        self.assertEqual({w["workload"] for w in story["workloads"]}, scenarios)
        self.check_sentences(story)
        screen = " ".join(done.stderr.split())
        for sentence in story["sentences"]:
            self.assertIn(sentence["text"], screen)
            for command in sentence["commands"]:
                self.assertIn(f"> {command}", screen.replace("\\ ", ""))

    def own(self):
        self.write("my plans.json", json.dumps(PLANS))
        self.farebox("workload", "gen", "agent", "-n", 150, "-q", "-o", "our week.jsonl")
        self.farebox("sim", "-s", "support", "-n", 120, "-q", "-o", "run")
        return ("decide", "--story", "our week.jsonl", "run", "chat", "-n", 100, "--plans", "my plans.json",
                "--tiers", "small-1,small-2,large", "--volume", 4000, "--seed", 3)

    def test_own_workloads_and_plans(self):
        """A trace, a run and a scenario; names with blanks are quoted; money is that of the bill."""
        story = self.farebox_json(*self.own())
        self.assertEqual([w["workload"] for w in story["workloads"]], ["our week", "run", "chat"])
        self.assertEqual((story["by_token"], story["flat"]), ("small and large", "seat"))
        self.check_sentences(story)
        for words, workload in ((("our week.jsonl", "--transform", "route=*:large"), story["workloads"][0]),
                                (("run",), story["workloads"][1])):
            bill = self.farebox_json("bill", *words, "-n", 100, "--plans", "my plans.json", "--volume", 4000, "--seed", 3)
            for plan, row in zip(bill["plans"], workload["plans"]):
                self.assertEqual(plan["plan"], row["plan"])
                self.assertEqual((plan["total_usd"] if row["serves"] else None, plan["per_request_usd"]["cv"] or 0),
                                 (row["usd_a_month"], row["cv"]))
        self.check_changes(story["workloads"][0])

    def check_changes(self, workload):
        """Of a trace: before and after are what-ifs of the bill, and flat nothing moves."""
        changes = workload["changes"]
        what_ifs = [w for c in changes.values() for w in ("-w", c)]
        bill = self.farebox_json("bill", "our week.jsonl", "--transform", "route=*:large", "-n", 100, "--plans",
                                 "my plans.json", "--volume", 4000, "--seed", 3, *what_ifs)
        totals = {case["change"]: [p["total_usd"] for p in case["plans"]] for case in bill["what_if"]}
        token, flat = (p["changes"] for p in workload["plans"])
        for name, change in changes.items():
            self.assertEqual(token[name]["after_usd"], totals[change][0])
            self.assertEqual(Decimal(flat[name]["saved_usd"]), 0)
        self.assertEqual(token["parallel"]["before_usd"], totals[changes["serial"]][0])
        self.assertEqual(token["cache"]["before_usd"], totals["as it is"][0])
        self.assertGreater(Decimal(token["cache"]["saved_usd"]), 0)

    def test_the_page_has_all_of_it_and_a_report_makes_it_anew(self):
        self.farebox("decide", "--story", "agent", "chat", "-n", 100, "--volume", 3000, "-q", "-o", "out")
        story = read_json(self.path("out/story.json"))
        self.assertEqual({p for p in contents(self.path("out")) if p != "story.json"},
                         {"index.html", *(f"plots/story-{n}.{e}" for n in ("variance", "changes", "pays") for e in ("svg", "png"))})
        page = (self.scratch / "out" / "index.html").read_text()
        for sentence in story["sentences"]:
            self.assertIn(sentence["text"], page)
            for command in sentence["commands"]:
                self.assertIn(command.replace("<", "&lt;").replace("'", "&#39;"), page.replace("'", "&#39;"))
        self.assertEqual(page.count("<figure"), 3)
        self.farebox("report", "out", "--no-tables", "-o", "again.html")
        again = (self.scratch / "again.html").read_text()
        self.assertEqual(page.replace("farebox decide --story", ""), again.replace("farebox report", ""))
        self.assertIn("out exists: --force replaces it", self.farebox("decide", "--story", "-o", "out", expect=2).stderr)

    def test_a_plan_with_caps_says_what_it_does_not_serve(self):
        """The demo's flat plan turns long prompts away: its row says so, and no sentence calls it cheaper."""
        done = self.farebox("decide", "--story", "agent", "-n", 200, "--volume", 3000, "--plans", "demo")
        self.assertRegex(done.stdout, r"demo/flat +–[^\n]*\n? +serves [\d,]+ of 3,")
        story = self.farebox_json("decide", "--story", "agent", "-n", 200, "--volume", 3000, "--plans", "demo")
        flat = story["workloads"][0]["plans"][2]
        self.assertEqual((flat["serves"], flat["usd_a_month"]), (False, None))
        self.assertIn("serve no workload whole", story["sentences"][1]["text"])
        self.assertEqual(story["sentences"][1]["commands"], [])

    def test_what_is_wrong_is_said_with_what_would_be_right(self):
        for words, said in (
                (("--story", "--plans", "demo/token"), "none of these is flat"),
                (("--story", "--plans", "demo/flat"), "none of these is by the token"),
                (("--story", "--tiers", "a,b"), "--tiers expects three models, from the smallest"),
                (("--story", "--slo", "ttft=1s"), "--slo has no part in a --story"),
                (("--story", "nowhere.jsonl"), "nowhere.jsonl"),
                (("agent", "--slo", "ttft=1s", "--candidates", "demo", "--plans", "demo"), "--plans is the --story's")):
            done = self.farebox("decide", *words, expect=2)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stdout, "")

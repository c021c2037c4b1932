"""farebox decide: hosted, flat or own, on the screen, in decide.json and on its page."""
import json

from support import ROOT, Case, contents, read_json, usd

PRESET = "rtx4090-llama-3.1-8b-tp1"
QUICK = ("-n", 200, "--slo", "ttft=2000", "--goodput", "0.9", "--draws", 60, "--seeds", 2, "--probe-requests", 100)
PLANS = {"plans": [
    {"name": "token", "per_mtok": {"input": "0.15", "output": "0.60"}},
    {"name": "seat", "subscription": {"price": "30", "period": "month", "beyond": "reject",
                                      "includes": {"requests": 50000, "per": "month"}}},
    {"name": "capped", "per_mtok": {"input": "0.30", "output": "0.60"},
     "limits": {"max_input_tokens": 1000, "unconfirmed": True}}]}


class Decide(Case):
    def setUp(self):
        super().setUp()
        self.write("plans.json", json.dumps(PLANS))

    def measure(self):
        self.farebox("sim", "--scenario", "agent", "-n", 150, "--rate", 0.02, "--engine", PRESET, "-q", "-o", "mine")

    def decide(self, candidates, *more, expect=0):
        return self.farebox("decide", "agent", *QUICK, "--candidates", candidates, *more, expect=expect)

    def test_screen_file_and_page_say_the_same(self):
        self.measure()
        own = f"{PRESET}+0.35"
        done = self.decide(f"mine+plans.json,{own},plans.json", "--volume", 20000, "-o", "out")
        found = read_json(self.path("out/decide.json"))
        screen = " ".join(done.stdout.split())
        answer, sentences = found["answer"], found["sentences"]
        rows = {c["name"]: c for c in found["candidates"]}
        for said in sum((sentences[k] for k in ("question", "answer", "how_sure", "would_change")), []):
            self.assertIn(" ".join(said.split()), screen)
        self.check_answer(answer, rows, sentences["answer"])
        self.assertEqual([s for s in sentences["how_sure"] if s.startswith("mine is a simulation")],
                         ["mine is a simulation: its goodput is a model's, not measured."])
        self.check_candidates(rows, own, sentences)
        self.check_curves(found, rows, own)
        self.check_page(answer, sentences)

    def check_answer(self, answer, rows, said):
        """Who wins is the one with the highest P, and everything said of it is its row's."""
        part = [c for c in rows.values() if c["judged"]]
        self.assertAlmostEqual(sum(c["p_cheapest"] for c in part), 1, places=6)
        best = max(part, key=lambda c: c["p_cheapest"])
        self.assertEqual(answer["cheapest"], best["name"])
        self.assertEqual(answer["p_cheapest"], best["p_cheapest"])
        self.assertIn(best["name"], said[0])
        self.assertIn(f"${usd(best['usd_a_month'], 2)} a month", said[0])
        self.assertIn(f"P = {100 * best['p_cheapest']:.0f} %", said[0])
        turn = answer["flips_above_requests"] or answer["flips_below_requests"]
        self.assertIn(f"{turn:,} requests a month", said[2])

    def check_candidates(self, rows, own, sentences):
        """Cash over good requests; a plan alone takes no part; unconfirmed caps are said."""
        for name in ("mine+token", "mine+seat", own):
            row = rows[name]
            self.assertTrue(row["judged"] and row["serves"] and row["meets_goodput"], row)
            good = row["usd_a_month"] / row["usd_per_good_request"]
            self.assertAlmostEqual(good / 20000 / row["goodput"], 1, delta=0.02)
            low, high = row["usd_per_good_request_95"]
            self.assertLessEqual(low, high)
        self.assertEqual(rows["mine+seat"]["usd_a_month"], 30)
        self.assertAlmostEqual(rows[own]["usd_a_month"], 0.35 * 720 * rows[own]["own"]["replicas"], places=6)
        alone = rows["token"]
        self.assertEqual((alone["judged"], alone["p_cheapest"], alone["usd_per_good_request"]), (False, None, None))
        self.assertEqual(alone["usd_a_month"], rows["mine+token"]["usd_a_month"])
        self.assertIn("token: whether it meets the objectives was not measured (RUN+PLAN); it takes no part.",
                      sentences["remarks"])
        capped = rows["mine+capped"]
        self.assertFalse(capped["serves"])
        self.assertTrue(0.2 < capped["p_acceptable"] < 0.8)
        self.assertTrue(any("mine+capped" in s and "caps are unconfirmed" in s for s in sentences["remarks"]))
        # its money is that of the draws in which it serves: without the caps
        self.assertTrue(capped["figures_without_caps"])
        low, high = capped["usd_per_good_request_95"]
        self.assertTrue(low <= capped["usd_per_good_request"] <= high, capped)
        self.assertGreater(capped["usd_a_month"], rows["mine+token"]["usd_a_month"])

    def check_curves(self, found, rows, own):
        """The curves are the rows' at the month's volume, and the ladder's steps are their lowest."""
        curves = {c["candidate"]: c["points"] for c in found["curves"]}
        self.assertEqual(set(curves), {n for n, c in rows.items() if c["judged"]})
        volume = found["question"]["requests_a_month"]
        for name in ("mine+token", "mine+seat", own):
            here = [p["usd_per_good_request"] for p in curves[name] if p["requests"] == volume]
            self.assertEqual(here[:1], [rows[name]["usd_per_good_request"]])
        self.assertTrue(all(p["usd_per_good_request"] is None for p in curves["mine+capped"]))
        self.assertTrue(any(p["usd_per_good_request_without_caps"] for p in curves["mine+capped"]))
        for i, point in enumerate(curves["mine+token"]):
            step = [s for s in found["ladder"] if s["from_requests"] <= point["requests"] <= s["to_requests"]]
            units = {n: c[i]["usd_per_good_request"] for n, c in curves.items() if c[i]["usd_per_good_request"]}
            self.assertAlmostEqual(units[step[0]["cheapest"]], min(units.values()), delta=1e-5 * min(units.values()))

    def check_page(self, answer, sentences):
        self.assertEqual({p for p in contents(self.path("out")) if p != "decide.json"},
                         {"index.html", *(f"plots/decide-{n}.{e}" for n in ("ladder", "hinges") for e in ("svg", "png"))})
        page = (self.scratch / "out" / "index.html").read_text()
        self.assertLess(page.index(sentences["answer"][0]), page.index("<figure"))
        self.assertIn(f"<tr class=best><th>{answer['cheapest']}</th>", page)
        self.farebox("report", "out", "--no-tables", "-o", "again.html")
        again = (self.scratch / "again.html").read_text()
        self.assertEqual(page.replace("farebox decide", ""), again.replace("farebox report", ""))

    def test_the_two_commands_of_the_readme(self):
        """As they stand there, of a smaller sample."""
        section = (ROOT / "README.md").read_text().split("## Hosted, flat or own")[1].split("\n## ")[0]
        commands = [line.split()[1:] for line in section.splitlines() if line.startswith("    farebox ")]
        self.assertEqual([words[0] for words in commands], ["sim", "decide"])
        self.farebox(*commands[0])
        self.farebox(*commands[1], "-n", 200, "--draws", 40, "--seeds", 2, "--probe-requests", 100)
        found = read_json(self.path("results/decision/decide.json"))
        self.assertEqual(found["question"]["workload"], "agent")
        self.assertAlmostEqual(found["question"]["requests_a_month"], 20000, delta=200)
        page = (self.scratch / "results" / "decision" / "index.html").read_text()
        for sentence in found["sentences"]["answer"]:
            self.assertIn(sentence, page)

    def test_a_seed_gives_the_same_bytes_and_another_other_draws(self):
        self.measure()
        for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
            self.decide("mine+plans.json", "--volume", 3000, "--seed", seed, "-q", "-o", f"{folder}/out")
        same, other = contents(self.path("b/out")), contents(self.path("c/out"))
        self.assertEqual(contents(self.path("a/out")), same)
        self.assertNotEqual(other["decide.json"], same["decide.json"])

    def test_a_plan_that_nobody_measured_wins_nothing(self):
        (self.scratch / "alone").mkdir()
        found = self.farebox_json("decide", "agent", *QUICK, "--candidates", "plans.json", "--volume", 3000)
        self.assertIsNone(found["answer"]["cheapest"])
        self.assertIn("no winner is named", found["sentences"]["answer"][0])
        self.assertEqual((found["curves"], found["ladder"], found["hinges"]), ([], [], []))
        self.write("alone/decide.json", json.dumps(found))
        self.farebox("report", "alone", "--no-tables")
        page = (self.scratch / "alone" / "report.html").read_text()
        self.assertIn("no winner is named", page)
        for heading in ("How sure is that?", "What would change it?", "At other volumes"):
            self.assertNotIn(heading, page)

    def test_a_small_sample_and_one_alone_are_no_winner(self):
        row = '{"timestamp": %d, "input_length": 900, "output_length": 50}\n'
        one = self.write("one.jsonl", row % 0)
        few = self.write("few.jsonl", "".join(row % (1000 * i) for i in range(9)))
        quick = ("--slo", "ttft=2000", "--draws", 40)
        for trace, said in ((one, "cannot be told from 1 session:"), (few, "cannot be told from 9 sessions:")):
            found = self.farebox_json("decide", trace, *quick, "--candidates", "constant+1,constant-200ms-20ms+2",
                                      "--volume", 100)
            self.assertTrue(found["answer"]["sample_too_small"])
            self.assertIn(said, found["sentences"]["answer"][0])
        alone = self.farebox_json("decide", "chat", *QUICK, "--candidates", "constant+1", "--volume", 100)
        self.assertFalse(alone["answer"]["sample_too_small"])
        self.assertEqual(alone["sentences"]["answer"][0], "constant+1 costs $720.00 a month; none beside it can be judged.")
        self.assertIn("whatever it was asked", alone["sentences"]["remarks"][0])
        done = self.farebox("decide", one, *quick, "--candidates", "constant+1", expect=2)
        self.assertIn("requests a month it is with --volume N", done.stderr)
        self.assertNotIn("--period", done.stderr)

    def test_what_is_wrong_is_said_with_what_would_be_right(self):
        slo = ("--slo", "ttft=500")
        (self.scratch / "there").mkdir()
        self.farebox("sim", "-s", "chat", "-n", 20, "-o", "mine", "--quiet")
        before = contents(self.scratch)
        for words, said in (
                ((*slo, "--candidates", "mine+1.50"), "mine is a run; behind its + expected a plan"),
                (("--candidates", "demo/token"), "expected objectives, such as --slo"),
                (slo, "expected --candidates, such as"),
                ((*slo, "--candidates", "demo/nope"), 'no plan "demo/nope"'),
                ((*slo, "--candidates", "gone+demo/token"), "gone is no run's directory; expected PLAN, RUN+PLAN or"),
                ((*slo, "--candidates", "h999-none+3.5"), 'unknown engine preset "h999-none"'),
                ((*slo, "--candidates", f"{PRESET}+-3"), "expected the price of one GPU for an hour"),
                ((*slo, "--candidates", "demo/token,demo/token"), "names demo/token twice"),
                ((*slo, "--candidates", "demo/token", "-o", "there"), "there exists: --force replaces it")):
            with self.subTest(words=words):
                done = self.farebox("decide", "agent", "-n", 50, *words, expect=2)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertEqual(contents(self.scratch), before)

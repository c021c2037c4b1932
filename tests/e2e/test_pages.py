"""farebox report takes what any command wrote, and opens with its answer."""
import html
import json
import re

import results_of_all_kinds as results
from support import Case, read_json

LARGEST = 600 << 10


def words_of(page):
    """What a reader sees above the first plot."""
    body = page[page.index("<main>"):]
    head = body[:body.index("<figure")] if "<figure" in body else body
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", head)).split())


class Pages(Case):
    def page(self, *words):
        self.farebox("report", *words, "--no-tables", "-o", "page.html", "--force")
        page = (self.scratch / "page.html").read_text()
        self.assertLess(len(page.encode()), LARGEST)
        self.assertNotRegex(page, r'(src|href)="?https?:')
        return page

    def test_every_kind_opens_with_its_answer_and_the_chart_that_proves_it(self):
        results.make(self)
        found = read_json(self.path("cap/capacity.json"))
        cheapest = read_json(self.path("fc/forecast.json"))["scenarios"][0]["cheapest"]
        knee = read_json(self.path("sweep/sweep.json"))["knee"]
        for kind, answers, plots in (
                ("run", ("Fast enough?", "simulation"), {"latency-cdf"}),
                ("reps", ("Means over 3 runs", "Student's t over the repeats"), {"latency-runs"}),
                ("ab", ("B failed 3.2 %", "next is 12 % slower (9 … 15)", "A is now at http://a/v1"), {"changes", "latency-runs"}),
                ("sweep", ("It holds up to", f"{knee:.1f} requests/s") if knee else ("No load that was tried held",), {"sweep"}),
                ("find", ("It holds up to 4.0 requests/s", "At 5.0 requests/s it failed", "The client was the limit at 6.0"),
                 {"find-max"}),
                ("cap", (f"sustains {found['rate_rps']:.1f} requests/s", "In month 3", "TTFT, sent ≤ 2,000 ms"), {"capacity"}),
                ("engines", ("Which engine?", "Cheapest:"), {"capacity"}),
                ("fc", ("from 2026-11-16 on", f"Cheapest that serves everything: {cheapest}" if cheapest else "No plan",
                        "budget"), {"forecast"}),
                ("bill", ("from 2026-11-02 on (UTC)", "Cheapest of those that serve everything"), {"spend"}),
                ("dec", ("run+token is the cheapest: $", "a month, P = ", "requests a month", "run is a simulation"),
                 {"decide-hinges"}),
                ("story", ("By the token (story/token) the price of one request varies", "farebox bill -s agent -n 60"),
                 {"story-variance", "story-changes", "story-pays"})):
            with self.subTest(kind=kind):
                page = self.page(kind)
                words = words_of(page)
                for answer in answers:
                    self.assertIn(answer, words)
                drawn = set(re.findall(r'<figure id="plot-([a-z-]+?)-\d+"', page))
                self.assertLessEqual(plots, drawn)
                for text in re.findall(r"<metadata>(.*?)</metadata>", page):
                    self.assertTrue(json.loads(text)["panels"])
        self.assertIn('id="plot-decide-ladder-', self.page("dec"))
        self.one_page_of_all()
        self.figures_are_those_of_the_files(found)

    def one_page_of_all(self):
        page = self.page(*results.KINDS)
        self.assertEqual(re.findall(r"<section><h2>(\w+)", page), list(results.KINDS))
        ids = re.findall(r' id="?([\w-]+)', page)
        self.assertEqual(len(ids), len(set(ids)))
        several = self.farebox_json("report", "run", "fc", "--no-plots", "--no-html")
        self.assertEqual(several, [read_json(self.path("run/summary.json")), read_json(self.path("fc/forecast.json"))])
        self.assertEqual(self.farebox_json("report", "sweep", "--no-html"), read_json(self.path("sweep/sweep.json")))

    def figures_are_those_of_the_files(self, found):
        page = self.page("cap", "--no-plots")
        self.assertNotIn("<figure", page)
        for month in found["months"]:
            self.assertIn(f"${float(month['cost_usd']):,.2f}</td>", page)
        runs = [read_json(self.path(f"reps/{i}/summary.json"))["ttft_scheduled_ms"]["p50"] for i in (1, 2, 3)]
        self.assertIn(f'<td data-v="{sum(runs) / 3:.9g}">', self.page("reps", "--no-plots"))
        self.assertIn("$0.3430 with A and $0.4120 with B", self.page("ab", "--no-plots"))

    def test_several_runs_are_laid_over_each_other(self):
        for name, rate in (("slow", 8), ("quick", 1)):
            self.farebox(*results.SIM, "--rate", rate, "-o", name)
        page = self.page("slow", "quick")
        self.assertEqual(re.findall(r'<figure id="plot-([a-z-]+?)-\d+"', page), ["latency-runs"])
        series = json.loads(re.search("<metadata>(.*?)</metadata>", page)[1])["panels"][0]["series"]
        self.assertEqual({s["name"] for s in series}, {"slow", "quick"})
        self.assertEqual(page.count("<details>"), 2)
        self.assertRegex(words_of(page), r"soonest in quick .*latest in slow .*only repeats show")

    def test_what_a_bad_client_measured_says_so_first(self):
        for name, rate in (("run", 2), ("other", 3)):
            self.farebox(*results.SIM, "--rate", rate, "-o", name)
        path = self.scratch / "run" / "summary.json"
        own = json.loads(path.read_text())
        own["command"] = "bench"
        own["fidelity"] = {"client_limited": True, "reason": "a stall"}
        path.write_text(json.dumps(own))
        words = words_of(self.page("run"))
        self.assertLess(words.index("✗ The client was the limit"), words.index("Fast enough?"))
        words = words_of(self.page("run", "other"))
        self.assertLess(words.index("The client was the limit in 1 of 2 runs: run"), words.index("Which of these"))

    def test_a_place_without_a_result_is_refused(self):
        (self.scratch / "empty").mkdir()
        done = self.farebox("report", "empty", expect=2)
        self.assertIn("empty is no run directory", done.stderr)
        self.assertIn("forecast.json", done.stderr)
        self.write("empty/sweep.json", '{"points": [')
        self.assertIn("sweep.json:1:", self.farebox("report", "empty", expect=2).stderr)
        self.assertFalse((self.scratch / "empty" / "report.html").exists())

#!/usr/bin/env python3
"""Pages in a headless Chromium: quiet, self-contained, legible, sortable, accessible, harmless.

Says SKIP and why where no Chromium is installed. axe-core, which looks for what shuts people out, is
fetched from npm in the version that package.json pins; without it its tests are skipped.
"""
import functools
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import devtools  # noqa: E402
import results_of_all_kinds as results  # noqa: E402
import support  # noqa: E402

HOSTILE = "<script>window.pwned=1</script>\"'&<img src=x onerror=\"window.pwned=1\">"
PLOTS = {"latency-cdf", "spectrum", "latency-heat", "chunk-gaps", "timeline", "cost-cdf", "spend",
         "cheapest", "variance"}
PLANS = "oxlo/free,oxlo/pro,oxlo/premium,deepseek/r1-671b,openai/gpt-4o,meta/llama-3.3-70b"

# Of every plot: its size, texts outside of it, and level texts that lie on each other.
INSPECT = """[...document.querySelectorAll('figure')].map(f => {
  const svg = f.querySelector('svg'), box = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
  const boxes = texts.map(t => t.getBoundingClientRect());
  const outside = texts.filter((t, i) => boxes[i].left < box.left - 1 || boxes[i].top < box.top - 1
    || boxes[i].right > box.right + 1 || boxes[i].bottom > box.bottom + 1);
  const level = texts.map(t => !/rotate/.test((t.closest('[transform]') || t)
    .getAttribute('transform') || ''));
  const overlaps = [];
  for (let i = 0; i < texts.length; i++)
    for (let k = i + 1; k < texts.length; k++)
      if (level[i] && level[k]
          && Math.min(boxes[i].right, boxes[k].right) - Math.max(boxes[i].left, boxes[k].left) > 1
          && Math.min(boxes[i].bottom, boxes[k].bottom) - Math.max(boxes[i].top, boxes[k].top) > 4)
        overlaps.push(texts[i].textContent.trim() + ' | ' + texts[k].textContent.trim());
  return {id: f.id, width: box.width, height: box.height,
          shapes: svg.querySelectorAll('path, polygon, circle, use').length,
          outside: outside.map(t => t.textContent.trim()), overlaps};
})"""

# Clicks every head twice; tells the columns that are not in order afterwards.
SORT = """(() => {
  const wrong = [];
  let clicked = 0;
  for (const head of document.querySelectorAll('table.sort thead th'))
    for (const order of ['descending', 'ascending']) {
      head.click();
      clicked++;
      const rows = [...head.closest('table').tBodies[0].rows];
      const cells = rows.map(r => r.cells[head.cellIndex]);
      const values = cells.filter(c => c.dataset.v !== undefined).map(c => Number(c.dataset.v));
      const texts = cells.filter(c => c.dataset.v === undefined).map(c => c.textContent);
      const sign = order === 'ascending' ? 1 : -1;
      const bad = values.some((v, i) => i && sign * (v - values[i - 1]) < 0)
        || (values.length === 0
            && texts.some((t, i) => i && sign * t.localeCompare(texts[i - 1]) < 0))
        || cells.slice(values.length).some(c => c.dataset.v !== undefined && values.length);
      if (bad || head.getAttribute('aria-sort') !== order) wrong.push(head.textContent + order);
    }
  return {clicked, wrong};
})()"""


# Moves over the middle of a plot, row by row, until it says a value; gives what it says.
HOVER = """(f => {
  const svg = f.querySelector('svg'), plot = JSON.parse(svg.querySelector('metadata').textContent);
  const at = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
  for (const {box} of plot.panels)
    for (let i = 1; i < 20; i++)
      for (let k = 1; k < 20; k++) {
        const p = at(box[0] + i * (box[2] - box[0]) / 20, box[1] + k * (box[3] - box[1]) / 20);
        svg.dispatchEvent(new PointerEvent('pointermove', {clientX: p.x, clientY: p.y}));
        const tip = document.getElementById('tip');
        if (!tip.hidden) {
          const text = tip.innerText, box = tip.getBoundingClientRect();
          svg.dispatchEvent(new PointerEvent('pointerleave'));
          return {text, inside: box.left >= 0 && box.right <= innerWidth, gone: tip.hidden};
        }
      }
  return {text: ''};
})"""

AXE = """(document.querySelectorAll('details').forEach(d => { d.open = true; }),
axe.run().then(r => ({passes: r.passes.length, violations: r.violations.filter(
  v => v.impact === 'serious' || v.impact === 'critical').map(v => v.id + ': ' + v.nodes[0].html)})))"""


@functools.cache
def axe():
    """axe-core's script, or why there is none."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["axe-core"]
    folder = HERE / "node_modules" / "axe-core"
    try:
        if json.loads((folder / "package.json").read_text())["version"] == wanted:
            return (folder / "axe.min.js").read_text(), None
    except OSError:
        pass
    if not shutil.which("npm"):
        return None, "npm is not installed"
    try:
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE,
                       check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (folder / "axe.min.js").read_text(), None
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"npm cannot fetch axe-core {wanted}: {error}"


class Pages(support.Case):
    """A page in the browser."""

    @classmethod
    def setUpClass(cls):
        cls.browser = devtools.Browser(devtools.find())
        cls.addClassCleanup(cls.browser.close)

    def open(self, name):
        """Opens a page and asserts that it is quiet and asks for nothing."""
        url = (self.scratch / name).as_uri()
        self.browser.open(url)
        self.assertEqual(self.browser.seen("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                           "Log.entryAdded", "Page.javascriptDialogOpening"), [])
        asked = [p["request"]["url"] for p in self.browser.seen("Network.requestWillBeSent")]
        self.assertEqual([u for u in asked if u != url and not u.startswith("data:")], [])

    def inspect(self, expected):
        figures = self.browser.evaluate(INSPECT)
        self.assertEqual({f["id"].removeprefix("plot-").rsplit("-", 1)[0] for f in figures},
                         expected)
        for f in figures:
            self.assertGreater(f["width"], 600, f)
            self.assertGreater(f["height"], 200, f)
            self.assertGreater(f["shapes"], 5, f)
            self.assertEqual(f["outside"], [], f["id"])
            self.assertEqual(f["overlaps"], [], f["id"])

    def assert_nothing_is_wider_than_the_page(self):
        self.assertEqual(self.browser.evaluate(
            "[document.documentElement, ...document.querySelectorAll('table')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"), [])


class Kinds(Pages):
    """One page of every kind of result, and each by itself."""

    def setUp(self):
        super().setUp()
        results.make(self, hostile=True)
        for kind in results.KINDS:
            self.farebox("report", kind, "--no-tables", "-o", f"{kind}.html")
        self.farebox("report", *results.KINDS, "--no-tables", "-o", "all.html")
        self.pages = [f"{kind}.html" for kind in results.KINDS] + ["all.html", "bill/index.html", "dec/index.html"]

    def test_every_page_is_whole_says_its_values_and_keeps_nobody_out(self):
        script, why = axe()
        looks = itertools.product((500, 900, 1280), ("light", "dark")) if os.environ.get("WHOLE") else (
            (500, "dark"), (900, "light"), (1280, "dark"))
        for width, scheme in looks:
            self.browser.width(width)
            self.browser.colors(scheme)
            for page in self.pages:
                with self.subTest(page=page, width=width, scheme=scheme):
                    self.open(page)
                    self.check_plots(width)
                    self.assertTrue(self.browser.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                    if script:
                        self.browser.evaluate(script + ";0")
                        found = self.browser.evaluate(AXE)
                        self.assertGreater(found["passes"], 10)
                        self.assertEqual(found["violations"], [])
        if why:
            self.skipTest(why)

    def check_plots(self, width):
        figures = self.browser.evaluate(INSPECT)
        self.assertTrue(figures)
        for f in figures:
            self.assertGreater(f["width"], min(440, width - 60), f)
            self.assertEqual((f["outside"], f["overlaps"]), ([], []), f["id"])
            said = self.browser.evaluate(f"{HOVER}(document.getElementById({json.dumps(f['id'])}))")
            self.assertRegex(said["text"], r"(?s)\d.*\n.*\S", f["id"])
            self.assertTrue(said["inside"] and said["gone"], (f["id"], said))

    def test_tables_sort_and_names_are_text(self):
        self.open("all.html")
        result = self.browser.evaluate(SORT)
        self.assertEqual(result["wrong"], [])
        self.assertGreater(result["clicked"], 100)
        found = self.browser.evaluate("({pwned: window.pwned === 1, text: document.body.textContent})")
        self.assertFalse(found["pwned"])
        self.assertIn(results.HOSTILE + " is 12 % slower", found["text"])
        self.assertIn("run+" + results.HOSTILE + " is the cheapest", found["text"])


class Decide(Pages):
    """index.html of farebox decide -o DIR."""

    def test_the_first_screen_says_who_how_much_how_sure_and_where_it_turns(self):
        self.farebox(*results.SIM, "--rate", 2, "-o", "run")
        self.farebox("decide", "chat", "-n", 200, "--volume", 20000, "--slo", "ttft=2000", "--goodput", "0.9", "--draws", 40,
                     "--seeds", 2, "--probe-requests", 100, "--candidates", f"run+demo/token,{results.PRESET}+0.1", "-q",
                     "-o", "out")
        answer = support.read_json(self.path("out/decide.json"))["answer"]
        turn = answer["flips_above_requests"] or answer["flips_below_requests"]
        self.browser.width(1280)
        self.open("out/index.html")
        first = self.browser.evaluate("[...document.querySelectorAll('main *')].filter(e => !e.children.length"
                                      " && e.getBoundingClientRect().bottom < 720).map(e => e.textContent).join(' ')")
        for said in (answer["cheapest"], f"${answer['usd_a_month']:,.2f} a month", f"P = {100 * answer['p_cheapest']:.0f} %",
                     f"{turn:,} requests a month"):
            self.assertIn(said, first)
        self.inspect({"decide-hinges", "decide-ladder"})


class Bill(Pages):
    """index.html of farebox bill -o DIR."""

    def setUp(self):
        super().setUp()
        start = json.dumps({"start": "2026-10-01T00:00:00Z"}) + "\n"
        self.write("month.jsonl", start + "".join(json.dumps(
            {"timestamp": i * 3600000, "input_length": 300 + 37 * i % 9000, "output_length": 20 + i % 700,
             "cost_usd": "0.0123"}) + "\n" for i in range(700)))
        token = {"per_mtok": {"input": "2.5", "output": "10"}}
        self.write("plans.json", json.dumps({"plans": [
            {"name": "acme/token-standard-2026-11-large-context"} | token,
            {"name": "acme/token-standard-2026-11-large-context-batch", "multipliers": {"batch": "0.5"}} | token,
            {"name": HOSTILE, "per_request": "0.0123"},
            {"name": "acme/weekly", "subscription": {"price": "1400", "period": "week", "beyond": "pay",
                                                     "includes": {"requests": 100, "per": "week"}}} | token,
            {"name": "acme/seat", "subscription": {"price": "80", "period": "month", "beyond": "queue",
                                                   "includes": {"requests": 20, "per": "day"}}}]}))

    def test_every_plot_and_table_is_whole(self):
        self.farebox("bill", "month.jsonl", "--plans", "plans.json", "-o", "out")
        self.farebox("bill", "month.jsonl", "-s", "chat", "--plans", "plans.json", "-o", "both")
        for width in (900, 1280):
            for scheme in ("light", "dark"):
                with self.subTest(width=width, scheme=scheme):
                    self.browser.width(width)
                    self.browser.colors(scheme)
                    self.open("out/index.html")
                    self.inspect({"cost-cdf", "spend", "cheapest", "variance"})
                    self.assert_nothing_is_wider_than_the_page()
        self.open("both/index.html")
        self.assert_nothing_is_wider_than_the_page()
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('figure').length"), 8)

    def test_tables_sort_and_names_are_text(self):
        self.farebox("bill", "month.jsonl", "-s", "chat", "--plans", "plans.json", "-o", "both", "--no-plots")
        self.open("both/index.html")
        result = self.browser.evaluate(SORT)
        self.assertEqual(result["wrong"], [])
        self.assertGreater(result["clicked"], 40)
        found = self.browser.evaluate("({pwned: window.pwned === 1, text: document.body.textContent})")
        self.assertFalse(found["pwned"])
        self.assertIn(HOSTILE, found["text"])


class Report(Pages):
    def setUp(self):
        super().setUp()
        self.farebox("workload", "gen", "support", "-n", 600, "-o", "w.jsonl")
        self.farebox("sim", "--trace", "w.jsonl", "--engine", "h100-llama-2-70b-tp4", "--speed", 4,
                     "--slo", "ttft=500", "--slo", "e2e=20000", "-q", "-o", "run")

    def test_every_plot_is_whole_and_nothing_is_asked_for(self):
        self.farebox("report", "run", "--plans", PLANS, "--no-tables")
        for width in (900, 1200):
            for scheme in ("light", "dark"):
                with self.subTest(width=width, scheme=scheme):
                    self.browser.width(width)
                    self.browser.colors(scheme)
                    self.open("run/report.html")
                    self.inspect(PLOTS)
                    self.assert_nothing_is_wider_than_the_page()

    def test_many_plans_stay_legible(self):
        self.farebox("report", "run", "--plans", "curated", "--no-tables")
        self.browser.width(1200)
        self.open("run/report.html")
        self.inspect(PLOTS)

    def test_tables_sort(self):
        self.farebox("report", "run", "--plans", PLANS, "--no-tables", "--no-plots")
        self.open("run/report.html")
        result = self.browser.evaluate(SORT)
        self.assertEqual(result["wrong"], [])
        self.assertGreater(result["clicked"], 40)

    def test_hostile_names_are_text(self):
        """Model, class, session, message, run and plan: whatever a server or a file says."""
        path = self.scratch / "run" / "requests.jsonl"
        records = support.read_lines(path)
        for i, record in enumerate(records):
            record["model"] = f"{HOSTILE}{i % 3}"
            record["class"] = HOSTILE if i % 2 else "plain"
            record["session_id"] = HOSTILE
            if i % 10 == 0:
                record.update(status="failed", error="server_error", message=HOSTILE)
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        (self.scratch / "run").rename(self.scratch / "a'\"><script>window.pwned=1<&script>")
        run = "a'\"><script>window.pwned=1<&script>"
        self.write("plans.json", json.dumps({"plans": [
            {"name": HOSTILE, "per_mtok": {"input": "0.5", "output": "2"}},
            {"name": "flat " + HOSTILE, "subscription": {
                "price": "80", "period": "month", "includes": {"requests": 100, "per": "day"},
                "beyond": "queue"}}]}))
        self.farebox("report", run, run, "--plans", "plans.json", "--no-tables", "-o", "page.html")
        self.browser.width(1200)
        self.open("page.html")
        found = self.browser.evaluate(
            "({pwned: window.pwned === 1, scripts: document.scripts.length,"
            " images: document.images.length, text: document.body.textContent})")
        self.assertFalse(found["pwned"])
        self.assertEqual(found["scripts"], 1)
        self.assertEqual(found["images"], 0)
        self.assertIn("counts of " + HOSTILE[:60], found["text"])
        self.assertIn("flat " + HOSTILE, found["text"])
        self.assertGreaterEqual(found["text"].count(HOSTILE), 20)
        self.assertIn(run, found["text"])


if __name__ == "__main__":
    if not devtools.find():
        print("SKIP browser: no Chromium is installed (.ci/deps browser)")
        sys.exit(0)
    unittest.main(verbosity=2)

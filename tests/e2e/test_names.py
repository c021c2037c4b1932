"""Names as nobody should give them: no screen, page, plot or table of ours obeys, breaks or runs them."""
import csv
import io
import json
import re

from support import Case

RLO, CSI = "\u202e", "\u009b31m"
# Of each the part behind is the same, so that it is found again.
NAMES = ["{}" + RLO + "live", "{}" + CSI + "red", "{}\n{}", "=HYPERLINK({})", "@{}", "+{}", "-{}", "\u00e9<img src=x {}>",
         "\u00e9\"><script>{}</script>"]
UNSHOWN = re.compile("[\u202a-\u202e\u2066-\u2069\x7f-\x9f\x00-\x08\x0b\x0c\x0e-\x1f]")
RUNS = re.compile(r"[=+@\t\r]|-(?![\d.]+$)")


class Names(Case):
    def setUp(self):
        super().setUp()
        rows = [{"timestamp": i * 400, "input_length": 600, "output_length": 20, **{
            key: NAMES[i % len(NAMES)].replace("{}", f"the{key}") for key in ("session_id", "model", "class")},
            "labels": {"team": NAMES[i % len(NAMES)].replace("{}", "theteam")}} for i in range(36)]
        self.trace = self.write("w.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
        plans = [{"name": n.replace("{}", "theplan"), "seller": "S", "per_mtok": {"input": "1", "output": str(i)}}
                 for i, n in enumerate(NAMES) if "\n" not in n]
        self.plans = self.write("plans.json", json.dumps({"book": "b", "plans": plans}))

    def assert_shows(self, text, what):
        self.assertIn("the", text, what)
        self.assertIsNone(UNSHOWN.search(text), f"{what}: {text!r:.300}")

    def assert_page(self, text, what):
        self.assert_shows(text, what)
        self.assertNotRegex(text, r"<img src=x|<script>the", what)

    def assert_table(self, text, what):
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
        self.assertGreater(len(rows), 1)
        self.assertEqual({len(row) for row in rows}, {len(rows[0])}, what)
        for cell in (cell for row in rows for cell in row):
            self.assertIsNone(RUNS.match(cell), f"{what}: {cell!r} would be run")
        return rows

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def test_a_bill(self):
        told = self.farebox("bill", self.trace, "--plans", self.plans, "--by", "team", "-o", self.path("b"))
        self.assert_shows(told.stdout + told.stderr, "the screen")
        by_team = re.findall(r"^ +(\S*theteam.*?)  +([\d.]+) %", told.stdout, re.M)
        self.assertGreaterEqual(len(by_team), len(NAMES), "a name has one line")
        self.assert_page(self.read("b/index.html"), "the page")
        for plot in sorted((self.scratch / "b/plots").glob("*.svg")):
            self.assert_page(plot.read_text(), plot.name)
        for name in ("plans.csv", "shares.csv"):
            self.assert_table(self.read("b/" + name), name)

    def test_tables_for_others(self):
        whatif = self.farebox("bill", self.trace, "--plans", self.plans, "--what-if", "time=2", "-o", self.path("b"))
        self.assertEqual(whatif.returncode, 0)
        for path in (self.scratch / "b").glob("*.csv"):
            self.assert_table(self.read(f"b/{path.name}"), path.name)
        focus = self.farebox("bill", self.trace, "--plans", self.plans + "#=HYPERLINK(theplan)", "--export", "focus",
                             "--start", "2026-11-01T00:00:00Z")
        self.assert_table(focus.stdout, "FOCUS")

    def test_a_run(self):
        done = self.farebox("sim", "--trace", self.trace, "-o", self.path("r"), "--plans", self.plans)
        self.assert_shows(done.stdout + done.stderr, "sim")
        shown = self.farebox("report", self.path("r"), "--no-plots")
        self.assert_shows(shown.stdout + shown.stderr, "report")
        self.assert_page(self.read("r/report.html"), "the run's page")
        self.farebox("report", self.path("r"), "--export", "csv", "-o", self.path("r.csv"))
        self.assert_table(self.read("r.csv"), "the run's table")

    def test_a_trace_as_a_table_is_read_back(self):
        self.farebox("workload", "convert", self.trace, "--to", "csv", "-o", self.path("w.csv"))
        self.assert_table(self.read("w.csv"), "the trace")
        self.farebox("workload", "convert", self.path("w.csv"), "-o", self.path("back.jsonl"))
        before, after = ([json.loads(line) for line in self.read(name).splitlines()] for name in ("w.jsonl", "back.jsonl"))
        for key in ("model", "session_id", "class"):
            self.assertEqual([r[key] for r in after], [r[key] for r in before])

    def test_an_error_is_one_line(self):
        bad = self.write("b\nad.csv", "timestamp_ms,input_length,output_length\n0,\"1\n2" + CSI + "\",3\n")
        told = self.farebox("workload", "info", bad, expect=2)
        self.assertEqual(len(told.stderr.splitlines()), 1, told.stderr)
        self.assertIsNone(UNSHOWN.search(told.stderr))

"""farebox bill for the one who pays: scenarios, several workloads, and a directory with page, plots and tables; text, JSON,
page and CSV of one bill never contradict each other."""
import csv
import fcntl
import html
import html.parser
import io
import json
import os
import pathlib
import pty
import random
import re
import struct
import subprocess
import termios
import unittest
from decimal import Decimal

from support import FAREBOX, Case, contents, usd

HOSTILE = '=cmd|"/c calc"!A1 <b>&'


class Page(html.parser.HTMLParser):
    """Tables as rows of texts, and all text outside of plots, scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.text, self.inside, self.cell = [], "", 0, None
        self.feed(text)

    def handle_starttag(self, tag, _):
        if tag in ("svg", "script", "style", "title"):
            self.inside += 1
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.cell = True
        if tag in ("dd", "dt", "li", "p", "h2", "h3"):
            self.text += "\n"

    def handle_endtag(self, tag):
        if tag in ("svg", "script", "style", "title"):
            self.inside -= 1
        if tag == "table":
            self.cell = None

    def handle_data(self, data):
        if self.inside:
            return
        if self.cell and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data.replace("\u2007", "").replace("$", "").strip()
        else:
            self.text += data

    def rows(self, title):
        """The rows below the first table whose head holds the title, by their first cell."""
        table = next(t for t in self.tables if title in t[0])
        return {row[0]: dict(zip(table[0], row)) for row in table[1:]}


def read_csv(path):
    text = pathlib.Path(path).read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def shown_name(plan):
    return plan["plan"] + (" (no caps)" if plan["caps"] == "ignored" else "")


def every_money(value, key=""):
    """All amounts of a document of bill.json."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from every_money(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from every_money(v, key)
    elif isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) and key != "name":
        yield Decimal(value)


class OneBill(Case):
    """Text, --json, page and CSV of the same bill."""

    def draw(self, seed):
        """A few hundred requests and plans of every kind."""
        r = random.Random(seed)
        reported, lines = seed % 2 == 0, [json.dumps({"start": "2026-10-05T06:00:00Z"})]
        for i in range(r.randint(40, 300)):
            into = int(r.lognormvariate(7.5, 1.2)) + 1
            row = {"timestamp": i * [2000, 40000, 900000][seed % 3], "input_length": into,
                   "output_length": max(1, 900 - into // 4) if seed % 3 == 0 else r.randint(1, 900)}
            row["usage"] = {"cached_input": into // r.choice([2, 3, 10**9])}
            if reported:
                row["cost_usd"] = f"{into * 4e-6 + 0.001:.7f}"
            lines.append(json.dumps(row))
        token = {"per_mtok": {"input": str(r.randint(1, 900) / 100), "cached_input": "0.07",
                              "output": str(r.randint(1, 3000) / 100)}}
        plans = [
            {"name": "token/" + "x" * r.randint(1, 40) + "-standard"} | token,
            {"name": "token/" + "x" * 40 + "-batch", "credit_fee": {"percent": "5.5"},
             "volume": {"per": "month", "steps": [{"over_usd": "0.5", "off_percent": "5"}]}} | token,
            {"name": HOSTILE, "per_request": str(r.randint(1, 99999) / 1e6)},
            {"name": "sitz/größer", "subscription": {
                "price": str(r.randint(1, 2000)), "period": "week", "beyond": "pay",
                "includes": {"requests": r.randint(1, 400), "per": "day"}}} | token,
            {"name": "credit", "subscription": {
                "price": str(r.randint(1, 90)), "period": "month", "setup": "7.5", "beyond": "pay",
                "includes": {"usd": str(r.randint(1, 99)), "per": "month"}}} | token,
            {"name": "small", "limits": {"max_input_tokens": 4000, "unconfirmed": True}} | token,
            {"name": "rejects", "subscription": {"price": "0", "period": "month", "beyond": "reject",
                                                 "includes": {"requests": 30, "per": "day"}}}]
        self.write("t.jsonl", "\n".join(lines) + "\n")
        self.write("plans.json", json.dumps({"plans": plans}))

    def test_text_json_page_and_csv_agree(self):
        kinds = (self.check_table, self.check_page, self.check_csv, self.check_sentences)
        for seed in range(8):
            self.draw(seed)
            how = ("bill", "t.jsonl", "--plans", "plans.json", "--force", "-o", "out", "--no-plots")
            text = self.farebox(*how).stdout
            bill = self.farebox_json("bill", "t.jsonl", "--plans", "plans.json")
            self.assertEqual(json.loads((self.scratch / "out/bill.json").read_text()), bill)
            page = Page((self.scratch / "out/index.html").read_text())
            rows = read_csv(self.scratch / "out/plans.csv")
            for check in kinds:
                with self.subTest(seed=seed, what=check.__name__):
                    check(bill, text, page, rows)

    def check_table(self, bill, text, _page, _rows):
        table = text.split("Cheapest")[0].split("No plan serves")[0]
        flat = " ".join(table.split())
        for plan in bill["plans"]:
            mark = str(plan["rank"] or ("?" if plan["caps"] == "ignored" else "–"))
            count = f"{plan['subscriptions']:,}" if plan["subscriptions"] else "–"
            mean = usd(plan["per_request_usd"]["per_used_request"], 6) if plan["period_served"] else "–"
            row = f"{mark} {' '.join(shown_name(plan).split())} {usd(plan['total_usd'])} {count} {mean} "
            if plan["caps"] != "ignored" or row in flat:
                self.assertIn(row, flat + " ")

    def check_page(self, bill, _text, page, _rows):
        totals, lines = page.rows("rank"), page.rows("periods")
        for plan in bill["plans"]:
            name = shown_name(plan)
            if name not in totals:
                self.assertEqual(plan["caps"], "ignored")
                continue
            row = totals[name]
            self.assertEqual(row["total"], usd(plan["total_usd"]))
            self.assertEqual(row["rank"], str(plan["rank"] or "–"))
            self.assertEqual(row["served"].replace(",", ""), str(plan["served"]))
            self.assertEqual(row["not served"].replace(",", ""), str(plan["rejected"]))
            for line, amount in plan["lines"].items():
                self.assertEqual(lines[name][line.replace("_", " ")], usd(amount["total_usd"]))
            self.assertEqual(lines[name]["count"], f"{plan['subscriptions']:,}")
            self.assertEqual(lines[name]["periods"], f"{plan['periods']:,}")
            self.assertEqual(sum(Decimal(a["total_usd"]) for a in plan["lines"].values()),
                             Decimal(plan["total_usd"]))
        shares = page.rows("dearest / median")
        for plan in bill["plans"]:
            for part, of in plan["parts"].items():
                if plan["caps"] != "ignored" and plan["plan"] in shares and of["variance_share"] is not None:
                    said = float(shares[plan["plan"]][part].removesuffix(" %"))
                    self.assertAlmostEqual(said, 100 * of["variance_share"], delta=0.0051)

    def check_csv(self, bill, _text, _page, rows):
        plans = [p for p in bill["plans"] if shown_name(p) in {
            r["plan"].removeprefix("'") + (" (no caps)" if r["caps"] == "ignored" else "") for r in rows}]
        self.assertEqual(len(plans), len(rows))
        for plan, row in zip(plans, rows):
            self.assertEqual(row["plan"].removeprefix("'"), plan["plan"])
            self.assertEqual(row["rank"], str(plan["rank"] or ""))
            self.assertEqual(Decimal(row["total_usd"]), Decimal(plan["total_usd"]))
            self.assertEqual(Decimal(row["prorated_usd"]), Decimal(plan["prorated_usd"]))
            for key in ("requests", "served", "rejected", "subscriptions", "periods", "delayed", "truncated"):
                self.assertEqual(int(row[key]), plan[key], key)
            for line, amount in plan["lines"].items():
                self.assertEqual(Decimal(row[line + "_usd"]), Decimal(amount["total_usd"]), line)
            for part, of in plan["parts"].items():
                self.assertEqual(Decimal(row[part + "_part_usd"]), Decimal(of["usd"]), part)
                if of["variance_share"] is not None:
                    self.assertAlmostEqual(float(row[part + "_variance_share"]), of["variance_share"],
                                           delta=2e-6)
            paid = bill["workload"].get("reported_usd")
            self.assertEqual(row["paid_usd"] and Decimal(row["paid_usd"]), paid and Decimal(paid) or "")

    def check_sentences(self, bill, text, page, _rows):
        """Every amount that is said is one of the document's, or the difference of two of those that are compared."""
        known = set(every_money(bill))
        ranked = [next(Decimal(p["total_usd"]) for p in bill["plans"] if shown_name(p) == n)
                  for n in bill["ranking"]]
        against = ranked + [Decimal(bill["workload"].get("reported_usd", 0))]
        known |= {abs(a - b) for a in against for b in against}
        known |= {Decimal(p["waste"][k]) for p in bill["plans"] for k in p["waste"] if k.endswith("_usd")}
        said = {usd(k, decimals) for k in known for decimals in (2, 4, 6, 8)}
        for words in (text, page.text):
            found = re.findall(r"\$(-?[\d,]+(?:\.\d+)?)", words)
            self.assertGreater(len(found), 2)
            self.assertEqual([f for f in found if f not in said], [])
        paid = bill["workload"].get("reported_usd")
        if paid and bill["workload"]["reported_requests"] == bill["workload"]["requests"]:
            first = f"You paid ${usd(paid)} for these {bill['workload']['requests']} requests"
            self.assertIn(first, text.split("plan, USD")[0])
            self.assertIn(first, page.text.split("Which plan?")[0])
        for line in text.splitlines():
            self.assertNotIn("-0.00", line)
        if re.search(r" -[\d.]+ %", text):
            self.assertIn("a negative share", " ".join(text.split()))
            self.assertIn("a negative share", page.text)

    def test_a_negative_share_has_a_word(self):
        """Requests that are long have short answers: where input is dear, the whole is cheaper."""
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i, "input_length": 1000 + i, "output_length": 900 - 8 * i}) + "\n"
            for i in range(100)))
        self.write("plans.json", json.dumps({"plans": [
            {"name": "t", "per_mtok": {"input": "1", "output": "5"}}]}))
        said = " ".join(self.farebox("bill", "t.jsonl", "--plans", "plans.json").stdout.split())
        self.assertRegex(said, r"variance: -\d+\.\d\d % input, \d+\.\d\d % output \(a negative share: where that part "
                               r"is dearer, the request as a whole is cheaper\)")

    def test_requests_csv_adds_up(self):
        self.draw(1)
        self.farebox("bill", "t.jsonl", "--plans", "plans.json", "-o", "out", "--no-plots", "--requests-csv")
        bill = json.loads((self.scratch / "out/bill.json").read_text())
        rows = read_csv(self.scratch / "out/requests.csv")
        self.assertEqual(len(rows), bill["workload"]["requests"])
        self.assertEqual(rows[0]["due"], "2026-10-05T06:00:00Z")
        self.assertEqual([r["due"] for r in rows], sorted(r["due"] for r in rows))
        for plan in bill["plans"]:
            if plan["caps"] == "ignored":
                continue
            title = "'" * (plan["plan"] == HOSTILE) + plan["plan"]
            charges = [r[title] for r in rows if r[title]]
            self.assertEqual(len(charges), plan["served"])
            self.assertEqual(sum(map(Decimal, charges)),
                             Decimal(plan["lines"].get("usage", {"total_usd": 0})["total_usd"]))

    def test_cells_that_a_spreadsheet_would_run_are_text(self):
        names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1+1", 'a"b,c', "ok; not", "größer"]
        self.write("plans.json", json.dumps({"plans": [
            {"name": n, "per_request": "1"} for n in names if n.strip() == n]}))
        self.write("t.jsonl", "".join(json.dumps({
            "timestamp": i, "input_length": 1, "output_length": 1, "model": n, "request_id": f"=r{i}"}) + "\n"
            for i, n in enumerate(names)))
        self.farebox("bill", "t.jsonl", "--plans", "plans.json", "-o", "out", "--no-plots", "--requests-csv")
        for name in ("plans.csv", "requests.csv"):
            data = (self.scratch / "out" / name).read_bytes()
            self.assertTrue(data.startswith(b"\xef\xbb\xbf"))  # not all of it is ASCII
            for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
                for cell in row:
                    self.assertNotRegex(cell, r"^\s*[=+@\uff1d]|^[\t\r]|^-[^0-9]")
        read = [r["model"] for r in read_csv(self.scratch / "out/requests.csv")]
        self.assertEqual([m.removeprefix("'") for m in read], names)

    def test_ascii_has_no_mark(self):
        self.write("t.jsonl", '{"timestamp": 0, "input_length": 1, "output_length": 1}\n')
        self.farebox("bill", "t.jsonl", "--plans", "demo", "-o", "out", "--no-plots")
        self.assertTrue((self.scratch / "out/plans.csv").read_bytes().startswith(b"workload,plan,"))


class Directory(Case):
    """-o DIR is whole or not there."""

    def setUp(self):
        super().setUp()
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 1000, "input_length": 100 + i, "output_length": 10}) + "\n" for i in range(50)))
        self.how = ("bill", "t.jsonl", "--plans", "demo", "-o", "out")

    def test_page_plots_and_tables(self):
        done = self.farebox(*self.how)
        self.assertIn("written to out/: index.html, bill.json, plans.csv, plots (SVG and PNG)", done.stdout)
        self.assertEqual(set(contents(self.scratch / "out")),
                         {"index.html", "bill.json", "plans.csv"} | {
                             f"plots/{n}.{e}" for n in ("cheapest", "cost-cdf", "spend", "variance")
                             for e in ("svg", "png")})
        page = (self.scratch / "out/index.html").read_text()
        self.assertEqual(page.count("<svg"), 4)
        self.assertNotIn("http", re.sub(r'xmlns(:\w+)?="[^"]*"', "", page).replace("http-equiv", ""))
        self.assertFalse((self.scratch / "out.new").exists())

    def test_a_change_is_on_the_page_as_on_the_screen(self):
        done = self.farebox(*self.how, "--no-plots", "--what-if", "truncate=tokens:50")
        row = next(line.strip() for line in done.stdout.splitlines() if "truncate=tokens:50  " in line)
        self.assertIn(row, (self.scratch / "out/index.html").read_text())

    def test_the_ladder_is_on_the_page_as_on_the_screen(self):
        done = self.farebox(*self.how, "--volume", 3000)
        page = html.unescape((self.scratch / "out/index.html").read_text())
        here = next(line for line in done.stdout.splitlines() if line.startswith(" →"))
        self.assertIn(here.rstrip(), page)
        self.assertTrue((self.scratch / "out/plots/ladder.svg").exists())
        self.assertIn('id="plot-ladder-', page)
        self.farebox(*self.how, "--force")  # its plots are known as a bill's, and go with it
        self.assertFalse((self.scratch / "out/plots/ladder.svg").exists())

    def test_nothing_is_left_of_what_fails(self):
        """Without gnuplot there is no plot, and so no page: neither a new one nor a part of it."""
        programs = self.scratch / "bin"
        programs.mkdir()
        self.farebox(*self.how, env={"PATH": str(programs)}, expect=1)
        self.assertEqual([p.name for p in self.scratch.iterdir() if p.name.startswith("out")], [])
        self.farebox(*self.how, "--no-plots")
        before = contents(self.scratch / "out")
        self.farebox(*self.how, "--force", env={"PATH": str(programs)}, expect=1)
        self.assertEqual(contents(self.scratch / "out"), before)
        self.assertEqual([p.name for p in self.scratch.iterdir() if p.name.startswith("out")], ["out"])

    def test_what_is_there_is_kept(self):
        self.farebox(*self.how, "--no-plots")
        self.assertIn("--force to replace", self.farebox(*self.how, "--no-plots", expect=2).stderr)
        self.farebox(*self.how, "--no-plots", "--force")
        (self.scratch / "out/notes.txt").write_text("mine")
        before = contents(self.scratch / "out")
        done = self.farebox(*self.how, "--no-plots", "--force", expect=2)
        self.assertIn("notes.txt", done.stderr)
        self.assertEqual(contents(self.scratch / "out"), before)
        self.farebox("sim", "--scenario", "chat", "-n", 5, "--engine", "constant", "-o", "run")
        before = contents(self.scratch / "run")
        self.farebox("bill", "t.jsonl", "--plans", "demo", "-o", "run", "--force", expect=2)
        self.assertEqual(contents(self.scratch / "run"), before)

    def test_the_same_bill_is_the_same_directory(self):
        self.farebox(*self.how, "--no-plots")
        self.farebox(*self.how[:-1], "deep/er/out/", "--no-plots")
        self.assertEqual(contents(self.scratch / "out"), contents(self.scratch / "deep/er/out"))

    def test_json_alone_as_before(self):
        self.farebox(*self.how[:-1], "bill.json")
        self.assertEqual(json.loads((self.scratch / "bill.json").read_text())["workload"]["requests"], 50)
        self.assertEqual(json.loads(self.farebox(*self.how[:-1], "-").stdout)["workload"]["requests"], 50)
        self.farebox(*self.how[:-1], "bill.json", expect=2)
        self.assertIn("goes with -o DIR", self.farebox(*self.how[:-1], "b.json", "--requests-csv", expect=2).stderr)


class Several(Case):
    """Scenarios, and several workloads at once."""

    def test_a_scenario_is_billed_as_its_file_is(self):
        self.farebox("workload", "gen", "support", "-n", 300, "--seed", 7, "-o", "support.jsonl")
        read = self.farebox_json("bill", "support.jsonl", "--plans", "demo")
        made = self.farebox_json("bill", "-s", "support", "-n", 300, "--seed", 7, "--plans", "demo")
        self.assertEqual((made["workload"].pop("generated_from"), made["workload"].pop("seed")), ("support", 7))
        self.assertEqual(made, read)
        text = self.farebox("bill", "-s", "support", "-n", 300, "--seed", 7, "--plans", "demo").stdout
        self.assertIn("Generated from the scenario support (seed 7): nobody has sent these requests.", text)
        self.assertNotIn("Generated", self.farebox("bill", "support.jsonl", "--plans", "demo").stdout)

    def test_who_bears_it_is_the_same_on_the_screen_and_on_the_page(self):
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 1000, "input_length": 900 + 100 * (i % 7), "output_length": 10,
                        "labels": {"team": "ab"[i % 2]}}) + "\n" for i in range(50)))
        self.write("plans.json", json.dumps({"plans": [
            {"name": "token", "per_mtok": {"input": "2", "output": "8"}},
            {"name": "zero", "per_mtok": {"input": "0", "output": "0"}},
            {"name": "seat", "subscription": {"price": "80", "period": "month", "beyond": "queue",
                                              "includes": {"requests": 100, "per": "day"}}}]}))
        text = self.farebox("bill", "t.jsonl", "--plans", "plans.json", "--by", "team", "-o", "out", "--no-plots").stdout
        page = Page((self.scratch / "out/index.html").read_text())
        tables = [t for t in page.tables if "each" in t[0]]
        blocks = [b.split("together")[0].splitlines()[1:] for b in text.split(" by team\n")[1:]]
        self.assertEqual((len(tables), len(blocks)), (3, 3))
        for table, block in zip(tables, blocks):
            for shown, row in zip(block, table[1:]):
                words = [w for w in shown.replace(" %", "%").split()]
                cells = [c.replace(" %", "%") for c in row if c != ""][:len(words)]
                self.assertEqual(words, cells)

    def test_together_is_the_sum_of_the_bills(self):
        self.write("t.jsonl", "".join(
            json.dumps({"timestamp": i * 1000, "input_length": 9000, "output_length": 10}) + "\n" for i in range(50)))
        self.write("plans.json", json.dumps({"plans": [
            {"name": "token", "per_mtok": {"input": "2", "output": "8"}},
            {"name": "short", "per_request": "0.001", "limits": {"max_input_tokens": 8000}},
            {"name": "seat", "subscription": {"price": "80", "period": "month", "beyond": "queue",
                                              "includes": {"requests": 100, "per": "day"}}}]}))
        how = ("bill", "t.jsonl", "-s", "chat", "-s", "chat", "-n", 120, "--plans", "plans.json")
        all_ = self.farebox_json(*how)
        self.assertEqual([b["workload"]["name"] for b in all_["bills"]], ["t", "chat", "chat (2)"])
        alone = [self.farebox_json("bill", *w, "-n", 120, "--plans", "plans.json")
                 for w in (["t.jsonl"], ["-s", "chat"])]
        self.assertEqual(all_["bills"][0], alone[0])
        self.assertEqual(all_["bills"][1], alone[1])
        together = {p["plan"]: p for p in all_["together"]["plans"]}
        for i, name in ((0, "token"), (2, "seat")):
            self.assertEqual(Decimal(together[name]["total_usd"]),
                             sum(Decimal(b["plans"][i]["total_usd"]) for b in all_["bills"]))
        self.assertIsNone(together["short"]["total_usd"])
        self.assertEqual(all_["together"]["ranking"], ["token", "seat"])
        text = self.farebox(*how).stdout
        side = text[text.rindex("plan, USD"):]
        row = next(line for line in side.splitlines() if line.startswith(" 1 token"))
        self.assertEqual(row.split()[2:], [usd(b["plans"][0]["total_usd"]) for b in all_["bills"]]
                         + [usd(together["token"]["total_usd"])])
        self.assertIn("*", next(line for line in side.splitlines() if "short" in line))
        self.assertIn(f"token at ${usd(together['token']['total_usd'])} together", side)
        self.farebox(*how, "-o", "out", "--no-plots")
        page = Page((self.scratch / "out/index.html").read_text())
        self.assertEqual(page.rows("together")["token"]["together"], usd(together["token"]["total_usd"]))
        self.assertEqual({r["workload"] for r in read_csv(self.scratch / "out/plans.csv")}, {"t", "chat", "chat (2)"})

    def test_each_run_has_its_own_bill(self):
        for name in ("a", "b"):
            self.farebox("sim", "--scenario", "chat", "-n", 20, "--engine", "constant", "-o", name)
        self.farebox("bill", "a", "b", "--plans", "demo")
        self.assertEqual([json.loads((self.scratch / n / "bill.json").read_text())["workload"]["name"]
                          for n in ("a", "b")], ["a", "b"])

    def test_what_is_wrong_is_said(self):
        self.assertIn("--scenario", self.farebox("bill", "--plans", "demo", expect=2).stderr)
        self.write("t.jsonl", '{"timestamp": 0, "input_length": 1, "output_length": 1}\n')
        self.assertIn("--scenario", self.farebox("bill", "t.jsonl", "-d", "3s", "--plans", "demo", expect=2).stderr)
        self.assertIn("nope", self.farebox("bill", "-s", "nope", "--plans", "demo", expect=2).stderr)


class Narrow(Case):
    """A terminal of 80 columns."""

    def run_at(self, columns, *words):
        first, second = pty.openpty()
        fcntl.ioctl(second, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen([FAREBOX, *map(str, words)], cwd=self.scratch, stdout=second, stdin=second,
                                   stderr=subprocess.DEVNULL)
        os.close(second)
        text = b""
        while True:
            try:
                piece = os.read(first, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            text += piece
        os.close(first)
        self.assertEqual(process.wait(60), 0)
        return text.decode().replace("\r\n", "\n")

    def test_no_line_is_wider_and_no_name_is_cut(self):
        names = ["provider/a-model-with-a-long-name-2026-11-01-standard", "provider/a-model-with-a-long-name-2026-11-01-batch",
                 "short", "größer/ñandú"]
        self.write("plans.json", json.dumps({"plans": [
            {"name": n, "per_mtok": {"input": str(900 + i), "output": "4000"},
             "limits": {"max_input_tokens": 2000 * (i + 1)}} for i, n in enumerate(names)]}))
        for width in (80, 100):
            for words in (["-s", "chat"], ["-s", "chat", "-s", "support", "-s", "rag", "-s", "agent", "-s", "mixed-service"]):
                text = self.run_at(width, "bill", *words, "-n", 800, "--plans", "plans.json")
                for line in text.splitlines():
                    self.assertLessEqual(len(line), width, line)
                for name in names:
                    self.assertIn(name, text)
                self.assertRegex(text, r" \d,\d{3}\.\d\d")


if __name__ == "__main__":
    unittest.main()

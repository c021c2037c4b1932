"""What several ranks make together is what one process would have made."""
import decimal
import json
import subprocess
import unittest

from hosts import FAREBOX, Fleet, wait_until

PLANS = json.dumps({"plans": [{"name": "own/each", "rates": [
    {"models": ["*"], "per_mtok": {"input": "0.3", "output": "1.7"}}]}]})


class Case(unittest.TestCase):
    offsets = {}

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(cls.offsets)
        cls.folder = cls.fleet.folder
        cls.truth = cls.folder / "truth.jsonl"
        cls.url = cls.fleet.mock("--ttft-ms", "20", "--itl-ms", "1", "--log", str(cls.truth))
        (cls.folder / "plans.json").write_text(PLANS)

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close()

    def farebox(self, *words, expect=0):
        done = subprocess.run([FAREBOX, *map(str, words)], text=True, capture_output=True, cwd=self.folder)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def many(self, ranks, directory, *words, expect=0):
        process = self.fleet.start(ranks, "bench", "--url", self.url, "-o", directory, *map(str, words))
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, expect, out + err)
        return out, err

    def read(self, *path):
        return json.loads(self.folder.joinpath(*path).read_text())

    def records(self, *path):
        return [json.loads(line) for line in self.folder.joinpath(*path, "requests.jsonl").read_text().splitlines()]


class OneRun(Case):
    offsets = {"node-b": 5}
    load = ("--scenario", "chat", "--rate", 60, "--requests", 90, "--prompt-salt", "fixed")

    def asked(self, directory):
        return sorted((r["request_id"], r["scheduled_ns"], r["status"], json.dumps(r["asked"]),
                       json.dumps(r["usage"])) for r in self.records(directory))

    def bill(self, directory):
        bill = json.loads(self.farebox("bill", directory, "--plans", "plans.json", "--json").stdout)
        return [(p["plan"], p["total_usd"]) for p in bill["plans"]]

    def test_requests_accounting_histograms_and_bills_are_those_of_one_process(self):
        self.farebox("bench", "--url", self.url, "-o", "one", *self.load)
        one, accounting, bill = self.asked("one"), self.read("one", "summary.json")["accounting"], self.bill("one")
        for ranks in (1, 2, 4, 8):
            with self.subTest(ranks=ranks):
                run = f"of-{ranks}"
                self.many(ranks, run, *self.load)
                self.assertEqual(self.asked(run), one)
                self.assertEqual(self.read(run, "summary.json")["accounting"], accounting)
                self.assertEqual(self.bill(run), bill)
                if ranks > 1:
                    self.check_parts(run, ranks)

    def check_parts(self, run, ranks):
        parts = [f"{run}/rank-{i}" for i in range(ranks)]
        self.farebox("merge", *parts, "-o", run + "-merged")
        whole = self.read(run, "histograms.json")
        self.assertEqual(self.read(run + "-merged", "histograms.json"), whole)
        said = self.read(run, "summary.json")["fidelity"]["parts"]
        self.assertEqual([(p["rank"]["number"], p["rank"]["lost"]) for p in said], [(i, None) for i in range(ranks)])
        self.assertEqual({p["rank"]["host"] for p in said}, {"hub", "node-b"})

    def test_a_budget_holds_over_all_ranks(self):
        limit = decimal.Decimal("0.15")
        _, err = self.many(3, "budget", "--scenario", "chat", "--rate", 100, "--duration", "20s", "--plans", "plans.json", "--max-cost", limit,
                           expect=1)
        self.assertIn("stopped at --max-cost", err)
        spent = decimal.Decimal(dict(self.bill("budget"))["own/each"])
        self.assertLessEqual(spent, limit)
        self.assertGreater(spent, limit / 2)
        accounting = self.read("budget", "summary.json")["accounting"]
        self.assertEqual(accounting["scheduled"], len(self.records("budget")))

    def test_rank_0_chooses_the_points_of_a_sweep(self):
        out, _ = self.many(3, "sweep", "--scenario", "chat", "--sweep", "rate=20,40", "--requests", 20, "--prompt-salt",
                           "fixed")
        for point in ("rate-20", "rate-40"):
            summary = self.read("sweep", point, "summary.json")
            self.assertEqual(summary["accounting"]["completed"], 20)
            self.assertEqual(len(summary["fidelity"]["parts"]), 3)
        self.assertIn("40", out)

    def test_a_run_that_replaces_another_brings_its_parts(self):
        for ranks in (3, 2):
            self.many(ranks, "again", "--scenario", "chat", "--rate", 60, "--requests", 20, "--force")
            parts = sorted(p.parent.name for p in (self.folder / "again").glob("rank-*/summary.json"))
            self.assertEqual(parts, [f"rank-{i}" for i in range(ranks)])
            self.assertEqual(sum(len(self.records("again", p)) for p in parts), 20)

    def test_a_condition_to_stop_looks_at_everybodys_requests(self):
        """No rank alone comes to ten answers in two seconds, the least that says something: 20 a second over
        eight do."""
        url = self.url.replace("/v1", "/nowhere")
        process = self.fleet.start(8, "bench", "--url", url, "-o", "stopped", "--scenario", "chat", "--rate", "20", "--duration",
                                   "30s", "--no-probe", "--stop-when", "failed>50% over 2s")
        out, err = process.communicate(timeout=60)
        self.assertIn("stopped at", out + err)
        accounting = self.read("stopped", "summary.json")["accounting"]
        self.assertGreater(accounting["not_due"], 0)
        self.assertLess(accounting["scheduled"], 200)

    def test_a_key_goes_with_the_requests_and_stands_nowhere(self):
        key = "sk-own-0123456789abcdef"
        (self.folder / "keys").write_text(key + "\n")
        url = self.fleet.mock("--api-key-file", str(self.folder / "keys"))
        process = self.fleet.start(2, "bench", "--url", url, "-o", "secret", "--api-key-file", "keys", "--scenario", "chat",
                                   "--rate", "40", "--requests", "20")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        for path in (self.folder / "secret").rglob("*"):
            if path.is_file():
                self.assertNotIn(key, path.read_text(), path)


class Clocks(Case):
    offsets = {"node-b": 5, "node-c": -5}

    def test_all_begin_at_one_instant_whatever_their_clocks_show(self):
        """Each rank's quickest request tells what lies between its sending and the mock's reading it; were
        its start off, so would that be."""
        self.many(3, "run", "--scenario", "chat", "--rate", 60, "--requests", 180)
        arrived = wait_until(lambda: self.arrivals(180), "the mock's log of all requests")
        ways, said = [], self.read("run", "summary.json")["fidelity"]["parts"]
        for rank in range(3):
            ways.append(min(arrived[r["request_id"]] - r["sent_ns"] for r in self.records("run", f"rank-{rank}")))
        for rank, offset_s in ((1, 5), (2, -5)):
            clock = said[rank]["rank"]
            self.assertLessEqual(abs(clock["clock_offset_ms"] - 1e3 * offset_s), clock["clock_error_ms"] + 1e-3)
            self.assertLess(abs(ways[rank] - ways[0]) / 1e6, 0.2 + clock["clock_error_ms"])
        for r in self.records("run"):
            self.assertGreaterEqual(r["sent_ns"], r["scheduled_ns"], r)

    def arrivals(self, count):
        """When each request was read; nothing until that is known of all."""
        lines = [json.loads(line) for line in self.truth.read_text().splitlines(True) if line.endswith("\n")]
        read = {line["x_request_id"]: line["read_ns"] for line in lines if line["x_request_id"][0] == "r" and
                line["x_request_id"][1:].isdigit()}
        return read if len(read) >= count else None

"""bench --compare: two endpoints take turns, and what is said of them; diff over folders of repeats,
several baselines, limits, and JUnit's XML."""
import json
import pathlib
import re
import shutil
import unittest
import xml.etree.ElementTree

from support import Case, Handler, Server, contents, interrupt, read_json, takes_times, wait_until

FAST = ("--ttft-ms", 5, "--itl-ms", 0.2)
SLOW = ("--ttft-ms", 20, "--itl-ms", 0.2)


class Keeping(Handler):
    """Answers whole, and keeps the keys that it is asked with."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.add(self.headers["Authorization"])
        self.reply(200, json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
                                    "usage": {"prompt_tokens": 40, "completion_tokens": 4}}))


class Compare(Case):
    def setUp(self):
        super().setUp()
        self.workload = self.write("w.jsonl", "".join(json.dumps(
            {"timestamp": i * 8, "input_length": 40, "output_length": 4}) + "\n" for i in range(10)))
        self.cheap, self.dear = (self.write(f"{price}.json", json.dumps(
            {"plans": [{"name": f"p/{price}", "per_request": price}]})) for price in ("0.01", "0.0125"))

    def words(self, *urls, pairs=6, run="ab"):
        sides = [word for url in urls for word in ("--url", url)]
        return ("bench", *sides, "--trace", self.workload, "--no-probe", "--model", "m", "--repeat", pairs,
                "--compare", "-o", run)

    def ab(self, name="ab"):
        return read_json(self.scratch / name / "compare.json")

    def row(self, report, metric, statistic):
        return next(r for r in report["comparisons"] if (r["metric"], r["statistic"]) == (metric, statistic))

    @takes_times
    def test_a_slower_and_dearer_side_is_named(self):
        done = self.farebox(*self.words(self.mock(*FAST), self.mock(*SLOW)), "--name", "old", "--name", "new",
                            "--plan", self.cheap, "--plan", self.dear, "--json", env={"COLUMNS": "80"})
        report = json.loads(done.stdout)
        self.assertEqual(report, self.ab())
        self.assertRegex(report["answer"][0], r"^new is \d+ % slower \(\d+ … \d+ %\) in TTFT p50")
        self.assertIn("new is $2.50 dearer per thousand requests ($12.50 against $10.00).", report["answer"])
        self.assertIn(report["answer"][0][:40], done.stderr)
        self.assertLessEqual(max(len(line) for line in done.stderr.splitlines()
                                 if not line.startswith("farebox:")), 80)
        row = self.row(report, "ttft_scheduled_ms", "p50")
        self.assertEqual((row["verdict"], row["winner"], row["headline"], len(row["pairs"])),
                         ("higher", "A", True, 6))
        self.assertTrue(0 < row["ci95"][0] < row["change"] < row["ci95"][1])
        self.assertEqual([s["name"] for s in report["sides"]], ["old", "new"])
        self.assertEqual([(s["plan"], s["charged_usd"], s["requests"]) for s in report["sides"]],
                         [("p/0.01", "0.6", 60), ("p/0.0125", "0.75", 60)])
        self.assertEqual((report["whole"], report["pairs"], report["unit"]), (True, 6, "pair"))
        self.assertEqual(report["order"], "AB BA AB BA AB BA")
        started = [read_json(self.scratch / "ab" / r["path"] / "run.json")["started"] for r in report["runs"]]
        self.assertEqual(started, sorted(started))
        records = (self.scratch / "ab" / "1-2" / "requests.jsonl").read_text().splitlines()
        self.assertEqual({json.loads(line)["endpoint"] for line in records}, {"new"})
        page = (self.scratch / "ab" / "report.html").read_text()
        self.assertIn(report["answer"][0].split(" in ")[0], page)
        # what diff makes of the same directory afterwards
        diff = self.farebox("diff", "ab", "--json", "--quiet", expect=1)
        self.assertEqual(self.row(json.loads(diff.stdout), "ttft_scheduled_ms", "p50")["change"], row["change"])

    def test_one_run_a_side_names_no_winner(self):
        self.farebox(*self.words(self.mock(*FAST), self.mock(*SLOW), pairs=1))
        report = self.ab()
        self.assertEqual((report["unit"], report["method"]), ("run", None))
        self.assertRegex(report["answer"][0], r"^In these runs B was, against A: .* % slower in TTFT p50")
        self.assertTrue(any("no winner is named" in doubt for doubt in report["doubts"]))
        self.assertEqual({r["winner"] for r in report["comparisons"]}, {None})

    def test_a_side_that_fails_is_said_first(self):
        bad = self.mock(*FAST, "--fault", "status=503@30%", "--seed", 3)
        done = self.farebox(*self.words(self.mock(*FAST), bad, pairs=3))
        first = done.stdout.index("B failed ")
        self.assertLess(first, done.stdout.index("latencies in ms"))
        self.assertTrue(any(d.startswith("B failed ") for d in self.ab()["doubts"]))

    def test_what_was_measured_is_kept_and_gone_on_with(self):
        urls = self.mock(*FAST), self.mock(*FAST)
        process = self.start(*self.words(*urls, pairs=2), "--plan", self.cheap, "--max-cost", "5",
                             "--speed", "0.05")
        wait_until(lambda: (self.scratch / "ab/2-2/requests.jsonl").exists(), "the third run")
        interrupt(process)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        report = self.ab()
        self.assertEqual((report["whole"], report["pairs"], report["compared"]), (False, 1, True))
        self.assertTrue(any(d.startswith("1 of 2 pairs of runs are whole") for d in report["doubts"]))
        kept = (self.scratch / "ab/1-1/requests.jsonl").read_bytes()
        words = (*self.words(*urls, pairs=2), "--plan", self.cheap, "--speed", "0.05")
        self.assertIn("--resume goes on", self.farebox(*words, expect=2).stderr)
        other = self.farebox(*words, "--resume", "--slo", "ttft=5", expect=2)
        self.assertIn("of other options", other.stderr)
        self.farebox(*words, "--resume", "--max-cost", "5")
        self.assertEqual((self.ab()["whole"], self.ab()["pairs"]), (True, 2))
        self.assertEqual((self.scratch / "ab/1-1/requests.jsonl").read_bytes(), kept)

    def test_each_side_has_its_own_key_and_it_stays_secret(self):
        servers = [Server(("127.0.0.1", 0), Keeping) for _ in "AB"]
        for server in servers:
            server.keys = set()
            self.run_server(server)
        urls = (f"http://127.0.0.1:{server.server_port}/v1" for server in servers)
        done = self.farebox(*self.words(*urls, pairs=2), "--no-stream", "--api-key-env", "KEY_A", "--api-key-env",
                            "KEY_B", env={"KEY_A": "sk-of-the-first-side", "KEY_B": "sk-of-the-second-side"})
        self.assertEqual([server.keys for server in servers],
                         [{"Bearer sk-of-the-first-side"}, {"Bearer sk-of-the-second-side"}])
        for text in (done.stdout, done.stderr, *(t.decode() for t in contents(self.scratch / "ab").values())):
            self.assertNotIn("sk-of-the", text)

    def test_a_side_that_is_not_there_leaves_nothing_to_compare(self):
        done = self.farebox(*self.words(self.mock(*FAST), "http://127.0.0.1:9/v1", pairs=2), expect=1)
        self.assertIn("No pair of runs is whole", done.stdout)
        self.assertEqual((self.ab()["compared"], self.ab()["comparisons"]), (False, []))

    def test_what_does_not_go_together(self):
        for words, said in (((), "needs two endpoints"),
                            (("--url", "mock:", "--sweep", "rate=1"), "--compare needs -o DIR"),
                            (("--url", "mock:", "--name", "a"), "expected 2 --name"),
                            (("--url", "mock:", "--name", "a", "--name", "a"), "given twice"),
                            (("--url", "mock:", "--plan", "demo"), "names 3 plans"),
                            (("--url", "mock:", "--plan", self.cheap, "--plans", "demo"), "in place of --plans")):
            done = self.farebox("bench", "--url", "mock:", "--compare", "--scenario", "chat", "-n", 5, "-o", "x",
                                *words, expect=2)
            self.assertIn(said, done.stderr)
            self.assertFalse((self.scratch / "x").exists())


class Folders(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("sim")
        case.setUp()
        cls.addClassCleanup(case.doCleanups)
        cls.made = pathlib.Path(case.scratch)
        for folder, engine in (("old", "rtx4090"), ("same", "rtx4090"), ("new", "rtxpro6000")):
            for seed in range(1, 7):
                case.farebox("sim", "--scenario", "chat", "--engine", f"{engine}-llama-3.1-8b-tp1", "--rate", 1,
                             "--requests", 120, "--seed", seed + 10 * (folder == "same"), "--quiet",
                             "-o", f"{folder}/{seed}")

    def sim(self):
        """Stands for the case that makes the runs."""

    def diff(self, *words, **more):
        return self.farebox("diff", *(self.made / w if (self.made / str(w)).exists() else w for w in words), **more)

    def test_folders_of_repeats_are_compared_by_the_repeat(self):
        report = json.loads(self.diff("old", "new", "--json", "--quiet").stdout)
        self.assertEqual((report["paired"], report["repeats"]), (True, {"before": 6, "after": 6}))
        tpot = next(r for r in report["comparisons"] if (r["metric"], r["statistic"]) == ("tpot_ms", "mean"))
        self.assertTrue(tpot["changed"] and tpot["change"] < -0.3)
        done = self.diff("new", "old", expect=1)
        self.assertIn("Student's t of paired log ratios (6 and 6)", done.stdout)
        self.assertIn("FAIL       tpot_mean", done.stdout)

    def test_other_requests_make_no_pairs(self):
        report = json.loads(self.diff("old", "same", "--json", "--quiet").stdout)
        self.assertFalse(report["paired"])
        self.assertFalse(any(r["changed"] for r in report["comparisons"] if r["metric"].endswith("_ms")))

    def test_a_folder_against_a_single_run_tells_nothing(self):
        done = self.diff("old", "new/1")
        self.assertIn("One run a side tells nothing", done.stdout)
        self.assertIn("one run a side", done.stdout)

    def test_several_baselines_are_all_kept(self):
        report = json.loads(self.diff("old/1", "new/1", "old/2", "--json", "--quiet", expect=1).stdout)
        self.assertEqual(report["verdict"], "fail")
        self.assertEqual([b["verdict"] == "fail" for b in report["baselines"]], [False, True])
        done = self.diff("old/1", "new/1", "old/2", expect=1)
        self.assertIn(f"against {self.made / 'new/1'}: ", done.stderr)

    def test_limits_need_no_baseline(self):
        done = self.diff("old/1", "--fail-on", "tpot_p50>100ms", "--fail-on", "failed>5%")
        self.assertRegex(done.stdout, r"PASS +tpot_p50 +\S+ ms .* ≤ 100 ms")
        done = self.diff("old/1", "--fail-on", "tpot_p50>1ms", expect=1)
        self.assertIn("above the limit of 1.0 ms", done.stderr)
        self.assertLessEqual(max(map(len, done.stdout.splitlines()[2:])), 80)
        done = self.diff("old", "--fail-on", "tpot_p50>1ms", "--json", "--quiet", expect=1)
        verdict = json.loads(done.stdout)["verdicts"][0]
        self.assertEqual((verdict["against_limit"], verdict["unit"], verdict["allowed"]), (True, "ms", 1))
        self.assertTrue(1 < verdict["ci95"][0] < verdict["value"] < verdict["ci95"][1])
        self.assertIn("expected a run to compare", self.diff("old/1", "--fail-on", "tpot_p50>1%", expect=2).stderr)

    def test_junit_says_what_the_screen_says(self):
        words = ("new", "old", "--fail-on", "tpot_mean>5%", "--fail-on", "failed>5%", "--junit", "g.xml")
        done = self.diff(*words, expect=1)
        root = xml.etree.ElementTree.parse(self.scratch / "g.xml").getroot()
        self.assertEqual((root.tag, root.get("tests"), root.get("failures")), ("testsuites", "2", "1"))
        cases = {c.get("name"): c for c in root.iter("testcase")}
        said = cases["tpot_mean"].find("failure").get("message")
        self.assertRegex(said, r"^FAIL: worse by \+[\d.]+ %, at most \+[\d.]+ %, 5 % allowed$")
        for figure in re.findall(r"\+[\d.]+ %", said):
            self.assertIn(figure, done.stdout)
        self.assertIsNone(cases["failed"].find("failure"))
        self.assertIn("--force", self.diff(*words, expect=2).stderr)
        self.diff(*words, "--force", expect=1)

    def test_what_is_no_folder_of_repeats(self):
        shutil.copytree(self.made / "old/1", self.scratch / "x/1-1")
        self.assertIn("several endpoints: give it alone", self.farebox("diff", "x", "x", expect=2).stderr)
        (self.scratch / "y").mkdir()
        self.assertIn("no folder of repeats", self.farebox("diff", "y", "y", expect=2).stderr)
        self.write("y/sweep.json", "{}")
        self.assertIn("is a sweep", self.farebox("diff", "y", "y", expect=2).stderr)


if __name__ == "__main__":
    unittest.main()

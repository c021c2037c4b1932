"""farebox diff: what changed, what cannot be told, and the exit status that a pipeline reads."""
import json
import pathlib
import shutil

from support import Case

KEYS = {"metric", "statistic", "before", "after", "change", "change_is", "ci95", "p_adjusted",
        "changed", "better", "regression", "not_compared"}


class Diff(Case):
    def sim(self, name, *words, requests=500):
        self.farebox("sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1", "--rate", 2,
                     "--requests", requests, "--quiet", "-o", name, *words)
        return name

    def failing(self, run, name, fails):
        """A copy of the run in which request number i of the file failed, where fails(i)."""
        copy = self.scratch / name
        shutil.copytree(self.scratch / run, copy)
        lines = (copy / "requests.jsonl").read_text().splitlines()
        for i, line in enumerate(lines):
            if fails(i):
                lines[i] = json.dumps(json.loads(line) | {"status": "failed", "error": "server_error"})
        (copy / "requests.jsonl").write_text("\n".join(lines) + "\n")
        return name

    def rows(self, *words, **more):
        """(metric, statistic) → comparison, and the whole report."""
        report = self.farebox_json("diff", *words, "--quiet", **more)
        for row in report["comparisons"]:
            self.assertEqual(set(row), KEYS)
        return {(r["metric"], r["statistic"]): r for r in report["comparisons"]}, report

    def test_a_run_is_equal_to_itself(self):
        run = self.sim("a", "--slo", "ttft=500", "--record", "chunks")
        rows, report = self.rows(run, run)
        self.assertEqual((report["paired"], report["pairs"], report["regression"], report["notes"]),
                         (True, 500, False, []))
        self.assertFalse(any(r["changed"] for r in rows.values()))
        for metric, statistic in (("failed_fraction", "share"), ("goodput_fraction", "share"),
                                  ("ttft_scheduled_ms", "p50"), ("tpot_ms", "mean"),
                                  ("chunk_gap_max_ms", "p99"), ("e2e_scheduled_ms", "mean"),
                                  ("offered_rps", "rate"), ("request_throughput_rps", "rate"),
                                  ("output_throughput_tps", "rate"), ("input_tokens", "mean"),
                                  ("output_tokens", "mean")):
            row = rows[metric, statistic]
            self.assertEqual((row["change"], row["p_adjusted"], row["not_compared"]), (0, 1, None))
            self.assertEqual(row["before"], row["after"])

    def test_failures_exit_1_with_equal_latencies(self):
        before = self.sim("a")
        after = self.failing(before, "b", lambda i: i % 5 < 3)
        done = self.farebox("diff", before, after, expect=1)
        self.assertIn("failed went from 0.0 % to 60.0 %", done.stderr)
        self.assertRegex(done.stdout, r"failed, share .*▲ higher\n")
        self.assertRegex(done.stdout, r"FAIL +failed +\+60\.0 pt .* 1 pt\n")
        self.assertLessEqual(max(len(line) for line in done.stdout.splitlines()
                                 if not line.startswith("·")), 80)
        rows, report = self.rows(before, after, expect=1)
        self.assertTrue(rows["failed_fraction", "share"]["regression"])
        self.assertAlmostEqual(rows["failed_fraction", "share"]["change"], 0.6)
        self.assertEqual(rows["failed_fraction", "share"]["change_is"], "difference")
        self.assertEqual(rows["e2e_scheduled_ms", "mean"]["change"], 0)
        self.assertEqual(report["completed_in_one_run"], {"before": 300, "after": 0})
        self.farebox("diff", after, before)  # better is not worse

    def test_tolerances(self):
        before = self.sim("a")
        after = self.failing(before, "b", lambda i: i % 10 == 0)
        self.farebox("diff", before, after, expect=1)
        self.farebox("diff", before, after, "--tolerance", 50, expect=1)
        done = self.farebox("diff", before, after, "--share-tolerance", 11)
        self.assertIn("failed is UNDECIDED: worse by +10.0 pt", done.stderr)
        self.farebox("diff", before, after, "--share-tolerance", 11, "--undecided", "fail", expect=1)
        done = self.farebox("diff", before, after, "--fail-on", "request_throughput_rps>5%", expect=1)
        self.assertIn("completed req/s rate is 10.1 % lower, more than the 5 % allowed", done.stderr)
        self.farebox("diff", before, after, "--fail-on", "request_throughput_rps>50%")
        self.assertIn("in quotes", self.farebox("diff", before, after, "--fail-on", "ttft_p99",
                                                expect=2).stderr)
        self.farebox("diff", before, after, "--undecided", "maybe", expect=2)

    def with_late_tokens(self, run, name, late):
        """A copy of the run in which first tokens come as many ms later as late(i) says."""
        copy = self.scratch / name
        shutil.copytree(self.scratch / run, copy)
        lines = (copy / "requests.jsonl").read_text().splitlines()
        for i, line in enumerate(lines):
            r = json.loads(line)
            for key in ("first_token_ns", "first_output_ns", "last_token_ns", "done_ns"):
                r[key] += round(late(i) * 1e6)
            lines[i] = json.dumps(r)
        (copy / "requests.jsonl").write_text("\n".join(lines) + "\n")
        return name

    def test_words_interval_verdict_and_status_agree(self):
        """Whatever is done to a run, the four say the same."""
        before = self.sim("a", requests=1500)
        words = {"▲": 1, "△": 1, "▼": -1, "▽": -1, "=": 0, "?": 0}
        seen = set()
        for name, late in (("tail", lambda i: 2000 * (i % 60 == 5)), ("few", lambda i: 900 * (i % 300 == 5)),
                           ("all", lambda i: 30), ("noise", lambda i: (i * 7919 % 101) - 50),
                           ("burst", lambda i: 3000 * (700 <= i < 730))):
            after = self.with_late_tokens(before, name, late)
            report = self.farebox_json("diff", before, after, "--quiet",
                                       expect=int(name in ("tail", "all")))
            done = self.farebox("diff", before, after, expect=int(name in ("tail", "all")))
            rows = {(r["metric"], r["statistic"]): r for r in report["comparisons"]}
            table = [line for line in done.stdout.splitlines() if line[-1:] and ", " in line[:26]]
            for line, row in zip(table[1:], report["comparisons"]):
                low, high = row["ci95"]
                sign = next((words[c] for c in line if c in words), None)
                if low is not None and sign is not None:
                    self.assertEqual(sign, (low > 0) - (high < 0), line)
            for v in report["verdicts"]:
                row = rows[v["metric"], v["statistic"]]
                seen.add(v["verdict"])
                self.assertRegex(done.stdout, rf"(?m)^{v['verdict'].upper()} +{v['figure']} ")
                self.assertEqual(v["figure"] + " is UNDECIDED" in done.stderr,
                                 v["verdict"] == "undecided")
                self.assertEqual(row["regression"], v["verdict"] == "fail")
                self.assertEqual(v["limit"], row["ci95"][1])
                if v["verdict"] == "fail":
                    self.assertGreater(v["worse_by"], v["allowed"])
                    self.assertTrue(row["changed"])
                elif v["verdict"] == "pass":
                    self.assertLessEqual(v["limit"], v["allowed"])
                elif v["limit"] is not None:
                    self.assertGreater(v["limit"], v["allowed"])
            self.assertEqual(report["verdict"] == "fail", report["regression"])
        self.assertEqual(seen, {"pass", "undecided", "fail"})

    def test_requests_that_failed_do_not_move_the_others(self):
        run = self.sim("run")
        before = self.failing(run, "a", lambda i: i == 3)
        after = self.failing(run, "b", lambda i: i == 480)
        rows, report = self.rows(before, after)
        self.assertEqual((report["pairs"], report["completed_in_one_run"]),
                         (500, {"before": 1, "after": 1}))
        self.assertEqual(rows["e2e_scheduled_ms", "mean"]["change"], 0)

    def test_a_closed_loop_leads_with_the_sending(self):
        rows, report = self.rows(self.closed("a", 1), self.closed("b", 9))
        self.assertFalse(report["paired"])
        self.assertIn(("e2e_ms", "mean"), rows)
        self.assertNotIn(("offered_rps", "rate"), rows)

    def closed(self, name, seed):
        self.farebox("sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1",
                     "--concurrency", 8, "--requests", 300, "--seed", seed, "--quiet", "-o", name)
        return name

    def test_objectives_of_its_own(self):
        before, after = self.sim("a", "--slo", "ttft=500"), self.sim("b")
        rows, _ = self.rows(before, after)
        self.assertEqual(rows["goodput_fraction", "share"]["not_compared"], "objectives differ: --slo")
        rows, _ = self.rows(before, after, "--slo", "e2e=5000")
        share = rows["goodput_fraction", "share"]
        self.assertTrue(0 < share["before"] < 1)
        self.assertEqual(share["change"], 0)
        rows, _ = self.rows(after, after)
        self.assertNotIn(("goodput_fraction", "share"), rows)
        self.assertIn("unknown metric", self.farebox("diff", before, after, "--slo", "x=1",
                                                     expect=2).stderr)

    def test_cost_under_a_plan(self):
        before = self.sim("a")
        rows, _ = self.rows(before, before)
        self.assertNotIn(("cost_usd", "mean"), rows)
        rows, _ = self.rows(before, before, "--plans", "demo/token")
        self.assertFalse((self.scratch / before / "bill.json").exists())
        bill = self.farebox_json("bill", before, "--plans", "demo/token", "--quiet")
        mean = float(bill["plans"][0]["per_request_usd"]["mean"])
        self.assertAlmostEqual(rows["cost_usd", "mean"]["before"], mean, delta=1e-9)
        self.assertIn("one plan", self.farebox("diff", before, before, "--plans", "demo",
                                               expect=2).stderr)

    def test_bench_against_an_endpoint_that_fails(self):
        words = ("--scenario", "chat", "--rate", 200, "--requests", 400, "--seed", 3, "--quiet")
        for name, fault in (("good", ()), ("bad", ("--fault", "status=503@30%"))):
            url = self.mock("--ttft-ms", 2, "--itl-ms", 0.1, *fault)
            self.farebox("bench", "--url", url, *words, "-o", name)
        rows, report = self.rows("good", "bad", "--tolerance", 900, expect=1)
        self.assertTrue(report["paired"])
        self.assertTrue(rows["failed_fraction", "share"]["regression"])
        self.assertAlmostEqual(rows["failed_fraction", "share"]["after"], 0.3, delta=0.12)

    def test_what_is_no_run(self):
        self.farebox("diff", "nowhere", "nowhere", expect=2)
        (pathlib.Path(self.path("empty"))).mkdir()
        done = self.farebox("diff", "empty", "empty", expect=2)
        self.assertIn("it has no requests.jsonl", done.stderr)

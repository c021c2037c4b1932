"""The main road: a recorded trace against a mock endpoint, to a run and its bill."""
import json
import pathlib
from decimal import Decimal

from support import (Case, accounting_adds_up, has_written, interrupt, own, read_json, read_lines,
                     takes_times, trace, wait_until)

CONV = "azure2023/AzureLLMInferenceTrace_conv_first10000.csv"
HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
CODE = "azure2023/AzureLLMInferenceTrace_code.csv"
PLANS = json.dumps({
    "book": "test", "as_of": "2026-11-01", "currency": "USD",
    "plans": [{"name": "test/token", "per_mtok": {"input": "0.50", "output": "2.15"}},
              {"name": "test/cached", "per_mtok": {"input": "0.50", "cached_input": "0.05",
                                                   "output": "2.15"}},
              {"name": "test/flat", "per_request": "0.002"}]})


class Road(Case):
    @takes_times
    def test_azure_conv_sixty_times_faster(self):
        self.check_sixty_times_faster(trace(CONV), 2000, (2209565, 529807), 7.071,
                                      {"p50": 495, "p90": 890, "p99": 1268.2}, 205)

    @takes_times
    def test_a_trace_of_our_own_sixty_times_faster(self):
        self.check_sixty_times_faster(own("azure.csv"), 500, (1077995, 62495), 3.090,
                                      {"p50": 176, "p90": 588.6, "p99": 1187}, 64)

    def check_sixty_times_faster(self, path, count, tokens, last_due_s, e2e_ms, peak):
        run = self.path("run")

        def measure():
            timed = self.bench_timed(
                ("--ttft-ms", 20, "--itl-ms", 2),
                ("--trace", path, "--speed", 60, "--requests", count), run)
            self.check_counts(timed.summary, run, count, tokens, last_due_s)
            return timed.summary, timed.void
        summary = self.unless_void(measure)
        for key, expected in e2e_ms.items():
            self.assertAlmostEqual(summary["e2e_scheduled_ms"][key], expected, delta=max(3, expected * 0.01), msg=key)
        self.assertAlmostEqual(summary["peak_in_flight"], peak, delta=3)

    def check_counts(self, summary, run, count, tokens, last_due_s):
        """What holds however busy the machine is."""
        self.assertEqual(summary["accounting"]["completed"], count)
        self.assertEqual(summary["asked"], summary["asked"] |
                         {"input_tokens": tokens[0], "output_tokens": tokens[1]})
        self.assertEqual(summary["all"]["output_tokens"], tokens[1])
        self.assertAlmostEqual(summary["last_due_s"], last_due_s, delta=0.001)
        self.check_bill(run)

    def check_bill(self, run):
        """The bill equals a recomputation outside the program, to the last digit."""
        plans = self.write("plans.json", PLANS)
        bill = self.farebox_json("bill", run, "--plans", plans)
        totals = {p["plan"]: Decimal(p["total_usd"]) for p in bill["plans"]}
        token = cached = Decimal(0)
        count = 0
        for r in read_lines(pathlib.Path(run) / "requests.jsonl"):
            u = r["usage"]
            plain = Decimal(u["uncached_input"]) * Decimal("0.50")
            hit = Decimal(u.get("cached_input", 0))
            out = Decimal(u["output"] + u.get("reasoning", 0)) * Decimal("2.15")
            token += (plain + hit * Decimal("0.50") + out) / 1000000
            cached += (plain + hit * Decimal("0.05") + out) / 1000000
            count += 1
        self.assertEqual(totals["test/token"], token)
        self.assertEqual(totals["test/cached"], cached)
        self.assertEqual(totals["test/flat"], count * Decimal("0.002"))
        self.assertEqual(read_json(pathlib.Path(run) / "bill.json"), bill)

    def token_bill(self, path):
        bill = self.farebox_json("bill", path, "--plans", self.write("plans.json", PLANS))
        return {p["plan"]: p for p in bill["plans"]}["test/token"]

    def check_head(self, path, count, usd):
        with open(path, newline="") as file:
            part = self.write("head.csv", "".join(file.readlines()[:count + 1]))
        self.assertEqual(Decimal(self.token_bill(part)["total_usd"]), Decimal(usd))

    def test_traced_tokens_cost_exactly(self):
        self.check_head(trace(CONV), 2000, "2.24386755")

    def test_tokens_of_our_own_trace_cost_exactly(self):
        self.check_head(own("azure.csv"), 500, "0.67336175")

    def check_whole(self, path, usd, mean, cv, max_over_median):
        plan = self.token_bill(path)
        self.assertEqual(Decimal(plan["total_usd"]), Decimal(usd))
        per = plan["per_request_usd"]
        self.assertAlmostEqual(float(per["mean"]), mean, places=8)
        self.assertAlmostEqual(per["cv"], cv, places=4)
        self.assertAlmostEqual(per["max_over_median"], max_over_median, places=2)

    def test_whole_azure_code(self):
        self.check_whole(trace(CODE), "9.55866340", 0.00108387, 0.9184, 5.79)

    def test_our_own_trace_whole(self):
        self.check_whole(own("azure.csv"), "2.55493715", 0.00127747, 0.9660, 11.39)


@takes_times
class Stall(Case):
    """The test of coordinated omission: all answers are held from second 5 to 6."""

    def test_open_loop_sees_the_stall(self):
        workload = self.write("w.csv", HEAD + "XXX,100,1\n" * 1500)
        late = 4  # ms: 100 held answers leave at once

        def measure():
            timed = self.bench_timed(
                ("--ttft-ms", 20, "--itl-ms", 0, "--hold", "5:6"),
                ("--trace", workload, "--rate", 100, "--arrival", "constant", "--duration", "15s"),
                self.path("run"), late_ms=late)
            ttft = timed.summary["ttft_scheduled_ms"]
            self.assertEqual(timed.summary["accounting"]["completed"], 1500)
            # What a client that waits for answers would hide, however busy the machine is.
            self.assertGreater(ttft["p95"], 230)
            self.assertGreater(ttft["p99"], 800)
            return ttft, timed.void
        ttft = self.unless_void(measure)
        for key, expected in (("p50", 20), ("p90", 20), ("p95", 270), ("p99", 870), ("max", 1020)):
            allowed = 1 if key == "p50" else late
            self.assertAlmostEqual(ttft[key], expected, delta=expected * 0.02 + allowed, msg=key)

    def test_closed_loop_says_that_it_is_closed(self):
        workload = self.write("w.csv", HEAD + "XXX,100,1\n" * 1000)
        run = self.path("run")

        def measure():
            timed = self.bench_timed(("--ttft-ms", 20, "--itl-ms", 0, "--hold", "1:2"),
                                     ("--trace", workload, "--concurrency", 1, "--duration", "3s"),
                                     run)
            self.assertEqual(timed.summary["load"], "closed")
            return timed.summary, timed.void
        summary = self.unless_void(measure)
        self.assertIn("closed loop", self.farebox("report", run).stdout)
        self.assertLess(summary["ttft_ms"]["p90"], 30)


class Interrupt(Case):
    def test_ctrl_c_leaves_a_valid_run(self):
        url = self.mock("--ttft-ms", 20, "--itl-ms", 10)
        run = pathlib.Path(self.path("run"))
        bench = self.start("bench", "--url", url, "--scenario", "chat", "--rate", 50,
                           "--duration", "60s", "-o", run)
        wait_until(lambda: has_written(run / "requests.jsonl"), "a record")
        self.assertIsNone(bench.poll(), "ended by itself")
        interrupt(bench)
        interrupt(bench)
        bench.communicate(timeout=30)
        self.assertEqual(bench.returncode, 130)
        summary = accounting_adds_up(self, run)
        self.assertGreater(summary["accounting"]["completed"], 0)
        self.assertGreater(summary["accounting"]["cancelled"], 0)
        self.assertLess(summary["duration_s"], 30)

    def test_unreachable_endpoint(self):
        run = self.path("run")
        done = self.farebox("bench", "--url", "http://127.0.0.1:9/v1", "--scenario", "chat",
                            "--requests", 20, "--rate", 100, "-o", run, expect=1)
        summary = accounting_adds_up(self, run)
        self.assertEqual(summary["accounting"]["completed"], 0)
        self.assertEqual(summary["accounting"]["scheduled"], 20)
        self.assertIn("127.0.0.1:9", done.stderr)


class BadInput(Case):
    def refuse(self, *words, parts=()):
        out = self.path("out")
        done = self.farebox(*words, "-o", out, expect=2)
        self.assert_refused(done, *parts)
        self.assertFalse(pathlib.Path(out).exists(), "partial output")

    def test_traces(self):
        head = HEAD + "2023-11-16 18:17:03.9799600,4808,10\n"
        cases = (
            ("truncated", head + "2023-11-16 18:17:04.0319600,31", ":3:"),
            ("negative", head + "2023-11-16 18:17:04.0319600,-3,8\n", ":3:29: "),
            ("column", "TIMESTAMP,ContextTokens\n2023-11-16 18:17:03.9799600,4808\n", ":1:"),
        )
        for name, text, place in cases:
            with self.subTest(name):
                path = self.write(name + ".csv", text)
                self.refuse("workload", "convert", path, parts=(name + ".csv" + place, "expected"))

    def test_plans(self):
        workload = self.write("w.csv", HEAD + "XXX,100,10\n")
        cases = (
            ("unknown", '{"plans": [{"name": "a/b",\n "per_mtokens": {"input": "1"}}]}',
             ("plans.json:2:2", "per_mtokens", 'did you mean "per_mtok"?')),
            ("huge", '{"plans": [{"name": "a/b",\n "per_mtok": {"input": "1e400"}}]}',
             ("plans.json:2:", "1e400", "large")),
            ("negative", '{"plans": [{"name": "a/b",\n "per_mtok": {"input": "-1"}}]}',
             ("plans.json:2:", "-1")),
        )
        for name, text, parts in cases:
            with self.subTest(name):
                plans = self.write("plans.json", text)
                done = self.farebox("bill", workload, "--plans", plans, expect=2)
                self.assert_refused(done, *parts)

    def test_an_existing_output_directory(self):
        precious = self.scratch / "out"
        precious.mkdir()
        (precious / "thesis.txt").write_text("x")
        done = self.farebox("bench", "--url", "http://127.0.0.1:9/v1", "--scenario", "chat",
                            "--requests", 1, "-o", precious, expect=2)
        self.assert_refused(done, "exists", "--force")
        self.assertEqual([p.name for p in precious.iterdir()], ["thesis.txt"])

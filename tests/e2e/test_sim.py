"""farebox sim and farebox engine, as a user runs them."""
import filecmp
import json
import pathlib
import signal
import unittest

from support import Case, accounting_adds_up, has_written, own, read_json, read_lines, trace, wait_until

PRESET = "rtxpro6000-llama-3.1-8b-tp1"


def turns(count):
    """Sessions of three turns that grow, with think time."""
    lines = []
    for s in range(count):
        for k in range(3):
            row = {"timestamp": s * 200} if k == 0 else {"after": [f"s{s}t{k - 1}"], "delay": 500}
            row |= {"input_length": 64 * (k + 1), "output_length": 20 + s % 7,
                    "hash_ids": list(range(s * 100, s * 100 + 4 * (k + 1))), "block_size": 16,
                    "session_id": f"s{s}", "request_id": f"s{s}t{k}"}
            lines.append(json.dumps(row))
    return "\n".join(lines) + "\n"


class Sim(Case):
    def test_the_same_seed_gives_the_same_bytes(self):
        work = self.write("turns.jsonl", turns(40))
        for i in (1, 2):
            self.farebox("sim", "--trace", work, "--engine", PRESET, "--seed", 5, "--rate", 10,
                         "--requests", 100, "-o", f"run{i}")
        for name in ("requests.jsonl", "summary.json", "histograms.json", "timeline.jsonl",
                     "engine.json"):
            self.assertTrue(filecmp.cmp(self.path(f"run1/{name}"), self.path(f"run2/{name}"),
                                        shallow=False), name)

    def test_the_urgent_are_served_first_where_the_policy_says_so(self):
        work = self.write("urgent.jsonl", "".join(
            json.dumps({"timestamp": i, "input_length": 100, "output_length": 50, "priority": p}) + "\n"
            for i, p in enumerate([5, 0, -1])))
        orders = {}
        for policy in ("fcfs", "priority"):
            self.farebox("sim", "--trace", work, "--engine", PRESET, "--max-num-seqs", 1,
                         "--scheduling", policy, "-o", policy)
            orders[policy] = [r["request_id"] for r in sorted(
                read_lines(self.path(f"{policy}/requests.jsonl")), key=lambda r: r["first_token_ns"])]
        self.assertEqual(orders, {"fcfs": ["r1", "r2", "r3"], "priority": ["r1", "r3", "r2"]})
        said = self.farebox("sim", "--trace", work, "--scheduling", "lifo", expect=2).stderr
        self.assertIn("--scheduling lifo: expected fcfs or priority", said)

    def test_turns_wait_and_hit_the_cache(self):
        work = self.write("turns.jsonl", turns(40))
        self.farebox("sim", "--trace", work, "--engine", PRESET, "-o", "run")
        accounting_adds_up(self, self.path("run"))
        by_id = {r["request_id"]: r for r in read_lines(self.path("run/requests.jsonl"))}
        for s in range(40):
            for k in (1, 2):
                parent, child = by_id[f"s{s}t{k - 1}"], by_id[f"s{s}t{k}"]
                self.assertEqual(child["scheduled_ns"], parent["done_ns"] + 500_000_000)
                self.assertEqual(child["usage"]["cached_input"], 64 * k)

    def test_later_turns_hit_the_answers_that_they_repeat(self):
        work = self.path("support.jsonl")
        self.farebox("workload", "gen", "support", "--requests", 300, "--seed", 5, "-o", work)
        rows = {r["request_id"]: r for r in read_lines(work)}
        shares = {}
        for generated in (True, False):
            engine = self.write(f"{generated}.json", json.dumps(
                {"kind": "steps", "kv_blocks": 100000, "w0": 1, "w1": 0.001, "generated": generated}))
            self.farebox("sim", "--trace", work, "--engine", engine, "-o", "run", "--force")
            total = read_json(self.path("run/summary.json"))["all"]
            shares[generated] = total["cached_input_tokens"] / total["input_tokens"]
            for r in read_lines(self.path("run/requests.jsonl")):
                row = rows[r["request_id"]]
                if "after" not in row:
                    continue
                before = rows[row["after"][0]]
                # The answer's last token is not computed on; nor is a prompt's last one ever cached.
                known = before["input_length"] + before["output_length"] - 1 if generated else before["input_length"]
                hit = min(known, row["input_length"] - 1) // 16 * 16
                if generated:
                    self.assertEqual(r["usage"]["cached_input"], hit)
                else:
                    self.assertLessEqual(r["usage"]["cached_input"], hit)
        self.assertGreater(shares[True], shares[False] + 0.05)
        prefix = self.farebox_json("workload", "info", work)["prefix"]
        self.assertAlmostEqual(shares[True], prefix["hit_ratio_tokens_with_answers"], delta=0.005)
        self.assertAlmostEqual(shares[False], prefix["hit_ratio_tokens"], delta=0.005)

    def test_bench_that_carries_answers_on_hits_as_sim_does(self):
        work = self.path("talks.jsonl")
        self.farebox("workload", "gen", "support", "--requests", 40, "--rate", 40, "--seed", 5, "-o", work)
        rows = read_lines(work)
        for row in rows:
            row.update({"delay": 20} if "after" in row else {})
        self.write("talks.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        engine = self.write("quick.json", json.dumps(
            {"kind": "steps", "kv_blocks": 100000, "w0": 0.1, "w1": 0.0001}))
        url = self.mock("--engine", engine)
        self.farebox("sim", "--trace", work, "--engine", engine, "-o", "sim")
        expected = {r["request_id"]: r["usage"].get("cached_input", 0)
                    for r in read_lines(self.path("sim/requests.jsonl"))}
        for api in ("chat", "responses", "completions"):
            self.farebox("bench", "--url", url, "--model", api, "--api", api, "--trace", work, "--thread-replies",
                         "-o", api)
            later = [r for r in read_lines(self.path(f"{api}/requests.jsonl")) if not r["request_id"].endswith(".1")]
            self.assertGreater(len(later), 15)
            for r in later:
                self.assertAlmostEqual(r["usage"].get("cached_input", 0), expected[r["request_id"]], delta=16)

    def test_the_preset_written_gives_the_run_again(self):
        work = self.write("turns.jsonl", turns(10))
        self.farebox("sim", "--trace", work, "--engine", PRESET, "--replicas", 3, "--router",
                     "prefix-aware", "-o", "a")
        self.farebox("sim", "--trace", work, "--engine", "a/engine.json", "-o", "b")
        strip = lambda rows: [{k: v for k, v in r.items() if k != "endpoint"} for r in rows]
        self.assertEqual(strip(read_lines(self.path("a/requests.jsonl"))),
                         strip(read_lines(self.path("b/requests.jsonl"))))

    def test_run_json_repeats_the_run(self):
        self.farebox("sim", "--scenario", "chat", "--engine", PRESET, "--rate", 3, "-n", 200,
                     "--seed", 4, "--slo", "ttft=500", "-o", "a")
        self.farebox("sim", "--config", "a/run.json", "-o", "b")
        for name in ("requests.jsonl", "summary.json", "engine.json"):
            self.assertTrue(filecmp.cmp(self.path(f"a/{name}"), self.path(f"b/{name}"),
                                        shallow=False), name)

    def test_plans_bill_at_once(self):
        work = self.write("turns.jsonl", turns(10))
        plans = self.write("plans.json", json.dumps(
            {"book": "t", "as_of": "2026-11-01", "currency": "USD",
             "plans": [{"name": "t/flat", "per_request": "0.002"}]}))
        self.farebox("sim", "--trace", work, "--ttft-ms", 10, "--itl-ms", 1, "--plans", plans,
                     "-o", "run")
        bill = read_json(self.path("run/bill.json"))
        self.assertEqual(bill["plans"][0]["total_usd"], "0.06")

    def test_a_recording_s_cache_hits_are_billed_as_recorded(self):
        """Whatever the engine's own cache would have held: sim and bill price the same usage."""
        rows = [{"timestamp": 0, "input_length": 4000, "output_length": 50,
                 "usage": {"cached_input": 0}},
                {"timestamp": 1000, "input_length": 5000, "output_length": 40,
                 "usage": {"cached_input": 3968, "cache_write": 512}},
                {"timestamp": 2500, "input_length": 6000, "output_length": 60,
                 "usage": {"cached_input": 4992, "reasoning": 20}}]
        work = self.write("t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        plans = self.write("plans.json", json.dumps({"plans": [{"name": "token", "per_mtok": {
            "input": 3, "cached_input": "0.3", "cache_write": "3.75", "output": 15}}]}))
        bill = self.farebox_json("bill", work, "--plans", plans)
        for engine in ((), ("--engine", PRESET)):
            done = self.farebox("sim", "--trace", work, *engine, "--plans", plans, "-o", "run",
                                "--force")
            self.assertEqual(read_json(self.path("run/bill.json"))["plans"][0]["total_usd"],
                             bill["plans"][0]["total_usd"])
            self.assertIn("cache hits of the recording", " ".join(done.stdout.split()))

    def test_assertions_and_mistakes(self):
        work = self.write("turns.jsonl", turns(5))
        done = self.farebox("sim", "--trace", work, "--engine", PRESET, "--assert",
                            "ttft_p99=0.001", "-o", "run", expect=1)
        self.assertIn("ttft_p99", done.stderr)
        self.assertTrue(pathlib.Path(self.path("run/summary.json")).exists())
        for words, part in ((("--engine", "h100"), "h100"),
                            (("--engine", PRESET, "--router", "random"), "round-robin"),
                            (("--scheduling", "priority"), "constant times has no queue"),
                            (("--router", "least-loaded"), "constant times has no replicas"),
                            (("--rate", 1, "--concurrency", 1), "--rate"),
                            (("--engine", PRESET, "--ttft-ms", 1), "--ttft-ms")):
            self.assert_refused(self.farebox("sim", "--trace", work, *words, expect=2), part)
        self.assert_refused(self.farebox("sim", "--engine", PRESET, expect=2), "--trace")

    def test_a_closed_loop_takes_stages(self):
        """Answers take one second: a slot more each 10 s, up to the end of the last stage."""
        work = self.write("one.jsonl", '{"timestamp": 0, "input_length": 10, "output_length": 1}\n')
        self.farebox("sim", "--trace", work, "--ttft-ms", 1000, "--concurrency", "1:10s,2:10s,3:10s",
                     "-o", "run")
        rows = read_lines(self.path("run/requests.jsonl"))
        self.assertEqual([sum(1 for row in rows if at <= row["scheduled_ns"] / 1e10 < at + 1)
                          for at in range(4)], [10, 20, 30, 0])
        self.assertEqual(read_json(self.path("run/run.json"))["options"]["concurrency"],
                         "1:10s,2:10s,3:10s")
        self.farebox("sim", "--config", "run/run.json", "-o", "again")
        self.assertTrue(filecmp.cmp(self.path("run/requests.jsonl"),
                                    self.path("again/requests.jsonl"), shallow=False))
        for load, part in (("1:10s,+5,1:10s", "burst"), ("0:10s", "--concurrency"),
                           ("0.5", "--concurrency"), ("2M", "--concurrency"), ("x", "x")):
            self.assert_refused(self.farebox("sim", "--trace", work, "--concurrency", load,
                                             expect=2), part)
        for words, part in ((("--max-in-flight", 3), "--max-in-flight"), (("--speed", 2), "--speed"),
                            (("--ttft-ms", 0, "--itl-ms", 0), "number of requests")):
            self.assert_refused(self.farebox("sim", "--trace", work, "--concurrency", "2:10s",
                                             *words, expect=2), part)
        self.farebox("sim", "--trace", work, "--concurrency", "2k", "-n", 4000, "-o", "many")
        self.assertEqual(len(read_lines(self.path("many/requests.jsonl"))), 4000)

    def test_a_cap_at_the_end_of_the_time_leaves_unsent(self):
        work = self.write("steady.jsonl", "".join(
            f'{{"timestamp": {100 * i}, "input_length": 10, "output_length": 1}}\n'
            for i in range(50)))
        self.farebox("sim", "--trace", work, "--ttft-ms", 500, "--max-in-flight", 1, "--duration",
                     "3s", "-o", "run")
        counts = accounting_adds_up(self, self.path("run"))["accounting"]
        self.assertEqual((counts["scheduled"], counts["completed"], counts["unsent_by"],
                          counts["not_due"]), (30, 6, {"cap": 24}, 20))

    def test_an_interrupt_writes_what_there_is(self):
        work = self.write("turns.jsonl", turns(2))
        process = self.start("sim", "--scenario", "chat", "--engine", PRESET, "--rate", 5,
                             "--requests", 1500000, "--no-intervals", "-o", "run")
        wait_until(lambda: has_written(self.path("run/requests.jsonl")), "a record")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        accounting_adds_up(self, self.path("run"))
        del work

    def test_a_measured_run_calibrates(self):
        work = self.write("turns.jsonl", turns(60))
        slow = json.loads(self.farebox("engine", "show", PRESET).stdout) | {"k": 1.5}
        self.farebox("sim", "--trace", work, "--engine", self.write("slow.json", json.dumps(slow)),
                     "-o", "measured")
        result = self.farebox_json("engine", "calibrate", "measured", "--engine", PRESET, "-o",
                                   "fitted.json")
        self.assertAlmostEqual(result["constants"]["k"]["after"], 1.5, delta=0.05)
        self.assertAlmostEqual(read_json(self.path("fitted.json"))["k"], 1.5, delta=0.05)
        names = [p["name"] for p in self.farebox_json("engine", "list")]
        self.assertIn(PRESET, names)

    def test_calibration_finds_what_is_off_in_a_preset(self):
        """Of a run of our own, whose times are those of the preset with k = 1."""
        wrong = json.loads(self.farebox("engine", "show", "rtx4090-llama-3.1-8b-tp1").stdout) | {"k": 1.4}
        result = self.farebox_json("engine", "calibrate", own("servingsim.jsonl"), "--engine",
                                   self.write("wrong.json", json.dumps(wrong)), "--fit", "k", "-o", "fitted.json")
        self.assertLess(result["after"]["misfit"], 0.1 * result["before"]["misfit"])
        self.assertAlmostEqual(read_json(self.path("fitted.json"))["k"], 1, delta=0.02)

    def test_calibration_does_not_make_a_measured_run_worse(self):
        run = trace("../vllm-runs/RTX4090_Llama-3.1-8B.req.jsonl")
        start = ("engine", "calibrate", run, "--engine", "rtx4090-llama-3.1-8b-tp1")
        def errors(fit):
            return {m: abs(fit[m]["mean_model_ms"] / fit[m]["mean_measured_ms"] - 1)
                    for m in ("ttft", "tpot", "e2e")}
        result = self.farebox_json(*start, "-o", "fitted.json")
        self.assertLess(result["after"]["misfit"], result["before"]["misfit"])
        for metric, error in errors(result["after"]).items():
            self.assertLessEqual(error, errors(result["before"])[metric], metric)
        done = self.farebox(*start, "--fit", "k")  # closer in all groups together, but not here
        self.assertIn("the mean TTFT is farther off than before", done.stderr)
        other = self.farebox("engine", "calibrate", run, "--engine", PRESET, "--fit",
                             "k,request_overhead_ms")
        self.assertIn("request_overhead_ms went to the end of what a fit may change", other.stderr)

    def test_calibration_chooses_its_constants_and_says_what_is_left(self):
        work = self.write("turns.jsonl", turns(60))
        other = json.loads(self.farebox("engine", "show", PRESET).stdout)
        other |= {"k": 1.5, "jitter_cv": 0.8}
        self.farebox("sim", "--trace", work, "--engine", self.write("other.json", json.dumps(other)),
                     "-o", "noisy")
        calibrate = ("engine", "calibrate", "noisy", "--engine", PRESET)
        done = self.farebox(*calibrate, "--json")
        result = json.loads(done.stdout)
        tried = {t["fit"]: t["error_out_of_sample"] for t in result["tried"]}
        self.assertEqual(len(tried), 4)
        self.assertLessEqual(tried[result["fitted"]], 1.05 * min(tried.values()) + 0.011)
        for figure in ("ttft", "tpot", "e2e"):
            off = result["after"][figure]["log_error_rms"]
            says = f"{figure.upper()} is off by {100 * off:.0f} % by request"
            (self.assertIn if off > 0.1 else self.assertNotIn)(says, done.stderr)
        self.assertGreater(result["after"]["ttft"]["log_error_rms"], 0.1)
        self.assertIn("the fit's own standard error, if the model were right",
                      self.farebox(*calibrate).stdout)
        # The same memory in other blocks, or as many as are given.
        def blocks(*words):
            preset = self.farebox_json(*calibrate, "--fit", "k", *words)["preset"]
            return preset["block_size"], preset["kv_blocks"]
        size, count = blocks()
        self.assertEqual(blocks("--block-size", 2 * size), (2 * size, count // 2))
        self.assertEqual(blocks("--block-size", 2 * size, "--kv-blocks", 7000), (2 * size, 7000))
        # A kill leaves no summary.
        pathlib.Path(self.path("noisy/summary.json")).unlink()
        done = self.farebox(*calibrate, "--fit", "k", "--json")
        self.assertIn("it was cut", done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["cut"], "killed")
        self.assertIsNone(result["constants"]["k"]["relative_error"])

    def check_prefixes(self, path, requests):
        run = self.path("run")
        self.farebox("sim", "--trace", path, "--engine", PRESET, "--replicas", 8, "--router", "prefix-aware",
                     "-o", run)
        summary = accounting_adds_up(self, run)
        self.assertEqual(summary["accounting"]["completed"], requests)
        self.assertGreater(summary["all"]["cached_input_tokens"], 0)

    def test_mooncake_synthetic(self):
        self.check_prefixes(trace("mooncake/synthetic_trace.jsonl"), 3993)

    def test_prefixes_of_our_own(self):
        self.check_prefixes(own("mooncake.jsonl"), 400)

    def test_bench_against_mock_agrees(self):
        """One engine, two clocks: of a recorded trace, too (test_clocks.py tells how)."""
        self.check_two_clocks(trace("azure2023/AzureLLMInferenceTrace_conv_first10000.csv"))

    def test_bench_against_mock_agrees_on_our_own_trace(self):
        self.check_two_clocks(own("azure.csv"))

    def check_two_clocks(self, path):
        run = self.bench_timed(
            ("--engine", PRESET),
            ("--trace", path, "--rate", 3, "--requests", 60, "--seed", 3, "--model", "m", "--no-probe"),
            self.path("live"))
        self.assertEqual(run.summary["accounting"]["completed"], 60)
        self.assert_clocks_agree(run.truth, PRESET)


if __name__ == "__main__":
    unittest.main()

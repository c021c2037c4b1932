"""farebox plan capacity, and the sweeps of sim and bench."""
import json
import pathlib
import shutil
import signal
import unittest

from support import Case, has_written, read_json, read_lines, takes_times, wait_until

# Eight places of 100 ms: 80 requests a second at most.
EIGHT = json.dumps({"kind": "constant", "source": "test", "ttft_ms": 10, "itl_ms": 10,
                    "max_num_seqs": 8})
TEN_TOKENS = "".join(json.dumps({"timestamp": 10 * i, "input_length": 8, "output_length": 10}) + "\n"
                     for i in range(200))


class Capacity(Case):
    def setUp(self):
        super().setUp()
        self.engine = self.write("eight.json", EIGHT)
        self.trace = self.write("ten.jsonl", TEN_TOKENS)

    def plan(self, *words, **more):
        return self.farebox_json("plan", "capacity", "--trace", self.trace, "--engine", self.engine,
                                 "--slo", "ttft=100", *words, **more)

    def test_a_demand_becomes_replicas_and_cost(self):
        found = self.plan("--demand", 200, "--growth", "50%/month", "--months", 2, "--gpu-hour",
                          "2.50", "-o", "out")
        rate = found["rate_rps"]
        low, high = found["rate_rps_ci95"]
        self.assertLess(low, rate)
        self.assertLess(rate, high)
        self.assertTrue(50 < rate < 80, rate)
        self.assertEqual(found["limit"], "max_num_seqs")
        self.assertAlmostEqual(found["theory"]["littles_in_flight"],
                               found["theory"]["measured_in_flight"], delta=0.2)
        for i, month in enumerate(found["months"]):
            self.assertAlmostEqual(month["demand_rps"], 200 * 1.5 ** i, places=3)
            self.assertGreaterEqual(month["replicas"] * rate * 0.8, month["demand_rps"])
            self.assertLess((month["replicas"] - 1) * rate * 0.8, month["demand_rps"])
            self.assertEqual(float(month["cost_usd"]), month["replicas"] * 720 * 2.5)
        self.assertEqual(read_json(self.path("out/capacity.json")), found)
        if shutil.which("gnuplot"):
            self.assertTrue(pathlib.Path(self.path("out/plots/capacity.svg")).exists())

    def test_the_same_seed_finds_the_same(self):
        self.assertEqual(self.plan(), self.plan())
        key = "seed_goodput_fraction"
        self.assertNotEqual(self.plan()[key], self.plan("--seed", 7)[key])

    def test_objectives_that_no_queue_touches_have_a_limit(self):
        words = ["plan", "capacity", "--trace", self.trace, "--engine", self.engine, "--slo",
                 "tpot=50", "--demand", 200]
        found = self.farebox_json(*words)
        self.assertTrue(74 < found["rate_rps"] <= 80.8, found["rate_rps"])
        self.assertEqual(found["bound_by"], "queue")
        self.assertEqual(found["months"][0]["replicas"], 4)
        last = found["curve"][-1]
        self.assertEqual(last["goodput_fraction"], 1)
        self.assertLess(last["served_fraction"], 0.85)
        self.assertGreater(last["delay_growth"], 0.2)
        text = self.farebox(*words).stdout
        self.assertIn("the queue grows", text)
        self.assertIn("faster than they are served", text)

    def test_the_knee_meets_its_target(self):
        for objectives in (["ttft=1000", "tpot=50"], ["ttft=700"]):
            found = self.farebox_json(
                "plan", "capacity", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1",
                *[word for slo in objectives for word in ("--slo", slo)])
            knee = min(found["curve"], key=lambda p: abs(p["rate_rps"] - found["rate_rps"]))
            self.assertGreaterEqual(knee["goodput_fraction"], 0.99)
            self.assertEqual(found["bound_by"], "objectives")
            low, high = found["rate_rps_ci95"]
            self.assertTrue(low < found["rate_rps"] < high)

    def test_self_hosting_overtakes_where_the_costs_cross(self):
        plans = self.write("plans.json", json.dumps({"book": "t", "currency": "USD", "plans": [
            {"name": "t/each", "per_request": "0.0001"}]}))
        found = self.plan("--demand", 10, "--gpu-hour", "3.60", "--plans", plans)
        plan = found["plans"][0]
        self.assertAlmostEqual(float(plan["month_usd"]), 10 * 2592000 * 0.0001, delta=1)
        self.assertAlmostEqual(plan["overtakes_from_rps"], 10, places=4)

    def test_objectives_that_nothing_meets(self):
        done = self.farebox("plan", "capacity", "--trace", self.trace, "--engine", self.engine,
                            "--slo", "ttft=5", expect=1)
        self.assertIn("No rate meets the objectives", done.stdout)

    def test_refuses_what_makes_no_sense(self):
        words = ["plan", "capacity", "--trace", self.trace, "--engine", self.engine]
        self.assert_refused(self.farebox(*words, expect=2), "--slo ttft=500")
        self.assert_refused(self.farebox(*words, "--slo", "ttft=9", "--growth", "much", expect=2),
                            "--growth much", "10%/month")
        self.assert_refused(self.farebox(*words[:4], "--slo", "ttft=9", expect=2), "--engine")


class SimSweep(Case):
    def sweep(self, *words, **more):
        return self.farebox("sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1",
                            "--requests", 400, "--slo", "ttft=1000", "--no-intervals",
                            *words, **more)

    def test_resumes_to_the_same_bytes(self):
        words = ["--sweep", "rate=0.5..8:log:5"]
        self.sweep(*words, "-o", "whole")
        lines = pathlib.Path(self.path("whole/sweep.jsonl")).read_text().splitlines(True)
        self.assertEqual(len(lines), 6)
        self.sweep(*words, "-o", "cut")
        # As a kill leaves it: two points done, the third one's line torn.
        log = pathlib.Path(self.path("cut/sweep.jsonl"))
        log.write_text("".join(lines[:3]) + lines[3][:20])
        for gone in ("sweep.json", "rate-8/summary.json", "rate-2/summary.json"):
            pathlib.Path(self.path("cut/" + gone)).unlink()
        kept = pathlib.Path(self.path("cut/rate-0.5/summary.json")).stat().st_mtime_ns
        table = self.sweep(*words, "-o", "cut", "--resume").stdout.replace("cut", "whole")
        self.assertEqual(table, self.sweep(*words, "-o", "whole", "--resume").stdout)
        for name in ("sweep.jsonl", "sweep.json", "rate-8/summary.json"):
            self.assertEqual(pathlib.Path(self.path("cut/" + name)).read_bytes(),
                             pathlib.Path(self.path("whole/" + name)).read_bytes(), name)
        self.assertEqual(pathlib.Path(self.path("cut/rate-0.5/summary.json")).stat().st_mtime_ns,
                         kept)

    def test_an_interrupt_keeps_what_is_done(self):
        words = ["sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1", "--requests",
                 4000, "--sweep", "rate=1..3:lin:20", "--no-intervals", "-o"]
        process = self.start(*words, "cut")
        log = pathlib.Path(self.path("cut/sweep.jsonl"))
        wait_until(lambda: has_written(log) and log.read_text().count("\n") >= 3, "two points")
        self.assertIsNone(process.poll(), "ended by itself")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        before = log.read_text()
        self.farebox(*words, "cut", "--resume")
        self.assertTrue(log.read_text().startswith(before))
        self.farebox(*words, "whole")
        self.assertEqual(log.read_bytes(),
                         pathlib.Path(self.path("whole/sweep.jsonl")).read_bytes())

    def test_the_knee_is_sustained(self):
        slow = self.write("slow.json", json.dumps({"kind": "constant", "source": "x", "ttft_ms": 100,
                                                   "itl_ms": 5, "max_num_seqs": 2}))
        table = self.farebox("sim", "--engine", slow, "--scenario", "chat", "--sweep",
                             "rate=1,4,16,64", "--slo", "tpot=50", "-n", 300, "-o", "s").stdout
        found = read_json(self.path("s/sweep.json"))
        self.assertEqual(found["knee"], 1)
        self.assertEqual([p["sustained"] for p in found["points"]], ["yes", "no", "no", "no"])
        self.assertTrue(all(p["goodput_fraction"] == 1 for p in found["points"]))
        # Two places serve about 1.75 requests a second, of which each tells its share.
        for p in found["points"][1:]:
            self.assertAlmostEqual(1 / (1 + p["delay_growth"]), 1.75 / p["value"],
                                   delta=0.2 * 1.75 / p["value"])
        self.assertEqual(table.count("the queue grows"), 3)
        self.farebox("sim", "--engine", slow, "--scenario", "chat", "--sweep", "rate=2", "--slo",
                     "tpot=50", "-n", 60, "-o", "t")
        found = read_json(self.path("t/sweep.json"))
        self.assertIsNone(found["knee"])
        self.assertIsNone(found["points"][0]["sustained"])

    def test_healthy_loads_keep_their_knee(self):
        """Long answers that end after the arrivals, at half and at 90 % of what is served."""
        self.farebox("sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1", "--slo",
                     "ttft=1000", "--goodput", 0.9, "--sweep", "rate=0.5,1,1.5,1.9", "-n", 200,
                     "-o", "s")
        found = read_json(self.path("s/sweep.json"))
        self.assertEqual([p["sustained"] for p in found["points"]], ["yes"] * 4)
        self.assertEqual(found["knee"], 1.9)

    def test_a_table_with_knee_and_fit(self):
        self.sweep("--sweep", "concurrency=adaptive", "-o", "s", "--goodput", 0.95)
        found = read_json(self.path("s/sweep.json"))
        values = [p["value"] for p in found["points"]]
        self.assertEqual(values, sorted(set(values)))
        best = max(p["request_throughput_rps"] for p in found["points"])
        self.assertLess(found["points"][-1]["request_throughput_rps"], best * 1.1)
        self.assertIn(found["knee"], values)
        for p in found["points"]:
            if p["value"] <= found["knee"]:
                self.assertGreaterEqual(p["goodput_fraction"], 0.95)
        self.assertLess(found["usl"]["lambda"]["low"], found["usl"]["lambda"]["value"])
        self.assertGreater(found["usl"]["r_squared"], 0.95)
        # Each point's figures are those of its run.
        run = read_json(self.path(f"s/concurrency-{values[1]:g}/summary.json"))
        self.assertAlmostEqual(found["points"][1]["ttft_ms_p50"], run["ttft_scheduled_ms"]["p50"],
                               delta=1e-3)
        options = read_json(self.path(f"s/concurrency-{values[1]:g}/run.json"))
        self.assertIn(f'"concurrency": "{values[1]:g}"', json.dumps(options))
        self.assertNotIn('"sweep"', json.dumps(options))

    def test_refuses(self):
        for bad in ("rate", "rate=", "speed=1", "rate=0,1", "rate=1..2", "rate=4..1:lin:3",
                    "rate=1..4:exp:3"):
            self.assert_refused(self.sweep("--sweep", bad, "-o", "x", expect=2), "--sweep", "log:7")
        self.assert_refused(self.sweep("--sweep", "rate=1", expect=2), "-o DIR")
        self.sweep("--sweep", "rate=1", "-o", "y")
        self.assertIn("--resume", self.sweep("--sweep", "rate=1", "-o", "y", expect=2).stderr)
        done = self.sweep("--sweep", "rate=2", "-o", "y", "--resume", expect=2)
        self.assertIn("another sweep", done.stderr)


class BenchSeries(Case):
    def setUp(self):
        super().setUp()
        self.engine = self.write("eight.json", EIGHT)
        self.trace = self.write("ten.jsonl", TEN_TOKENS)

    def bench(self, *words, **more):
        return self.farebox("bench", "--url", f"mock:{self.engine}", "--trace", self.trace,
                            "--no-probe", *words, **more)

    def test_a_sweep_resumes(self):
        words = ["--sweep", "concurrency=1,2,4,8", "-n", 30, "-o", "s"]
        self.bench(*words)
        found = read_json(self.path("s/sweep.json"))
        self.assertEqual([p["value"] for p in found["points"]], [1, 2, 4, 8])
        self.assertGreater(found["points"][3]["request_throughput_rps"],
                           3 * found["points"][0]["request_throughput_rps"])
        log = pathlib.Path(self.path("s/sweep.jsonl"))
        whole = log.read_text()
        log.write_text(whole[:whole.rindex("{")])
        self.bench(*words, "--resume")
        again = read_json(self.path("s/sweep.json"))
        self.assertEqual(again["points"][:3], found["points"][:3])
        self.assertEqual(len(again["points"]), 4)

    def find(self, run, directory, *words, expect=0):
        """A search that the client did not decide; void where it was the limit."""
        def measure():
            done = run("--find-max", *words, "-o", directory, "--force", timeout=120, expect=None)
            found = read_json(self.path(directory + "/find-max.json"))
            limited = any(p["client_limited"] for p in found["probes"])
            return (done, found), "the client was the limit" if limited and found["rate_is"] != "measured" else None
        done, found = self.unless_void(measure)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done, found

    @takes_times
    def test_find_max_finds_a_known_limit(self):
        found = self.find(self.bench, "f", "--rate", 50, "--arrival", "constant", "--slo",
                          "ttft=80", "-n", 200)[1]
        self.assertLessEqual(len(found["probes"]), 12)
        self.assertAlmostEqual(found["rate_rps"], 80, delta=4)
        self.assertGreater(found["fails_at_rps"], found["rate_rps"])
        self.assertIsNone(found["ended"])
        # The simulated replica, under the same arrivals, has the same limit.
        planned = self.farebox_json("plan", "capacity", "--trace", self.trace, "--engine",
                                    self.engine, "--slo", "ttft=80", "--arrival", "constant")
        self.assertAlmostEqual(planned["rate_rps"], found["rate_rps"],
                               delta=0.05 * found["rate_rps"])

    @takes_times
    def test_find_max_takes_no_queue_that_grows(self):
        done, found = self.find(self.bench, "f", "--rate", 50, "--arrival", "constant",
                                "--slo", "tpot=50", "-n", 200)
        self.assertAlmostEqual(found["rate_rps"], 80, delta=5)
        self.assertLess(found["fails_at_rps"], 100)
        for p in found["probes"]:
            self.assertGreaterEqual(p["goodput_fraction"], 0.99)
            if p["rate_rps"] > 100 and not p["client_limited"]:
                self.assertEqual(p["sustained"], "no")
        self.assertIn("the queue grows", done.stdout)

    @takes_times
    def test_find_max_says_that_a_run_was_too_short(self):
        """Forty requests in a quarter of a second, answers of one second: nothing is known."""
        endless = self.write("endless.json", json.dumps(
            {"kind": "constant", "source": "x", "ttft_ms": 10, "itl_ms": 100}))
        def bench(*words, **more):
            return self.farebox("bench", "--url", f"mock:{endless}", "--trace", self.trace,
                                "--no-probe", *words, **more)
        done, found = self.find(bench, "f", "--rate", 10, "--slo", "ttft=200", "-n", 40, "--arrival",
                                "constant", "--max-requests", 90)
        self.assertEqual([p["sustained"] for p in found["probes"]], ["yes", None])
        self.assertEqual(found["rate_rps"], 10)
        self.assertEqual(found["too_short_at_rps"], 40)
        self.assertIsNone(found["fails_at_rps"])
        self.assertIn("too short to tell", done.stdout)
        self.assertNotIn("no longer at", done.stdout)

    @takes_times
    def test_find_max_keeps_to_its_budgets(self):
        found = self.find(self.bench, "f", "--rate", 30, "--slo", "ttft=100", "-n", 60,
                          "--max-requests", 130)[1]
        self.assertIn("--max-requests", found["ended"])
        self.assertLessEqual(sum(p["scheduled"] for p in found["probes"]), 130)
        plans = self.write("plans.json", json.dumps({"book": "t", "currency": "USD", "plans": [
            {"name": "t/each", "per_request": "0.01"}]}))
        self.bench("--find-max", "--rate", 30, "--slo", "ttft=100", "-n", 60, "--plans", plans,
                   "--max-cost", "1.50", "-o", "g", timeout=60, expect=1)
        found = read_json(self.path("g/find-max.json"))
        self.assertIn("--max-cost", found["ended"])
        sent = sum(1 for run in pathlib.Path(self.path("g")).glob("probe-*/requests.jsonl")
                   for r in read_lines(run) if "sent_ns" in r)
        self.assertLessEqual(sent, 150)
        # Gone in the first probe: that, and not the endpoint, is why no rate is known.
        done = self.bench("--find-max", "--rate", 30, "--slo", "ttft=100", "-n", 60, "--plans", plans,
                          "--max-cost", "0.30", "-o", "h", "--json", timeout=60, expect=1)
        self.assertIn("--max-cost", done.stderr.splitlines()[-1])
        self.assertEqual(json.loads(done.stdout)["ended"], "--max-cost was used up")
        self.assertEqual(read_json(self.path("h/find-max.json")), json.loads(done.stdout))

    def test_refuses(self):
        self.assert_refused(self.bench("--find-max", "-o", "x", expect=2), "--slo")
        self.assert_refused(self.bench("--sweep", "rate=1", expect=2), "-o DIR")
        self.assert_refused(self.bench("--sweep", "fast", "-o", "x", expect=2), "--sweep fast")


if __name__ == "__main__":
    unittest.main()

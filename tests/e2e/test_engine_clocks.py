"""One engine, two clocks, with what an engine can do beside steps: drafts, separate pools, replicas that come and go,
priorities. What the mock owes is what the
simulator says to the nanosecond, and what bench measures of it is what sim says within 3 %."""
import json
import pathlib
from statistics import mean

from support import Case, read_json, takes_times

STEPS = {"kv_blocks": 3000, "max_num_seqs": 16, "max_num_batched_tokens": 512, "layers": 16,
         "kv_bytes_per_token": 131072, "w0": 9, "w1": 0.01, "c0": 2, "c1": 0.09, "ap": 2, "kappa": 50, "d0": 0.2,
         "s0": 1, "s1": 0.002}
SPECULATION = {"method": "eagle3", "num_speculative_tokens": 3, "synthetic_acceptance_rates": [0.8, 0.6, 0.4],
               "draft_cost": 0.06}
PRIORITIES = (-2, 1, 3)


@takes_times
class EngineClocks(Case):
    def preset(self, **more):
        return self.write("mine.json", json.dumps(STEPS | more))

    def trace(self, count=20, gap_ms=40):
        rows = [{"timestamp": gap_ms * i, "input_length": 60 + 90 * (i % 7), "output_length": 30 + 12 * (i % 5),
                 "request_id": f"r{i}", "class": ("chat", "batch")[i % 3 > 0], "priority": PRIORITIES[i % 3]}
                for i in range(count)]
        return self.write("load.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    @staticmethod
    def owed(truth):
        """Means of what the mock owed, in ms."""
        spans = [(t["due_ns"][0] - t["read_ns"], t["due_ns"][-1] - t["read_ns"], len(t["due_ns"]) - 1)
                 for t in truth.values()]
        return {"ttft_ms": mean(first for first, _, _ in spans) / 1e6, "e2e_ms": mean(last for _, last, _ in spans) / 1e6,
                "tpot_ms": mean((last - first) / more for first, last, more in spans) / 1e6}

    def check(self, engine, *more):
        """However busy the machine is, the clocks agree to the nanosecond, and what bench measured is within 3 % of what
        sim says of requests at the instants that the mock read them (the first token where nothing was late). At the
        trace's own instants sim says so too, but for the first token: a request that is read a fraction of a
        millisecond later may miss a step, and of twenty requests that moves the mean by more than 3 %. Returns the
        summaries of bench and sim, and the mock's log."""
        trace = self.trace()
        self.farebox("sim", "--engine", engine, "--trace", trace, "-o", "said", "--force", *more)
        said = read_json(pathlib.Path(self.path("said")) / "summary.json")
        run = self.bench_timed(("--engine", engine, "--template-tokens", "0", *more),
                               ("--trace", trace, "--model", "m", "--no-probe", "--send-priority"), self.path("live"))
        self.assertEqual(run.summary["accounting"]["completed"], 20)
        for name, served in run.truth.items():
            served["priority"] = PRIORITIES[int(name[1:]) % 3]
        self.assert_clocks_agree(run.truth, engine, *more)
        for metric, owed in self.owed(run.truth).items():
            measured, foretold = run.summary[metric]["mean"], said[metric]["mean"]
            if metric != "ttft_ms" or not run.void:
                self.assertLess(abs(measured / owed - 1), 0.03, (metric, measured, owed))
            if metric != "ttft_ms" and not run.void:
                self.assertLess(abs(measured / foretold - 1), 0.03, (metric, measured, foretold))
        return run.summary, said, run.truth

    def test_drafts(self):
        live, said, truth = self.check(self.preset(), "--speculative-config", json.dumps(SPECULATION))
        engine = said["fidelity"]["simulated"]
        self.assertAlmostEqual(1 + engine["accepted_tokens"] / engine["drafts"], 2.8, delta=0.12)
        self.assertEqual(engine["draft_tokens"], 3 * engine["drafts"])
        self.assertGreater(said["tokens_per_chunk"], 2)
        self.assertGreater(live["tokens_per_chunk"], 0.99 * said["tokens_per_chunk"])  # who is late gets more at once
        for served in truth.values():
            self.assertEqual(len(served["due_ns"]), served["billed"]["completion_tokens"])

    def test_separate_pools(self):
        pools = {"replicas": 3, "router": "least-loaded", "kv_transfer_bandwidth": 25, "kv_transfer_latency_ms": 1}
        live, said, _ = self.check(self.preset(**pools), "--prefill-replicas", "1")
        engine = said["fidelity"]["simulated"]
        self.assertEqual(engine["kv_transfers"], 20)
        self.assertEqual(engine["kv_transfer_tokens"], said["all"]["input_tokens"])
        self.assertGreater(engine["kv_transfer_ms"], 1)
        self.assertEqual(live["all"]["output_tokens"], said["all"]["output_tokens"])

    def test_replicas_that_come_and_go(self):
        scaling = {"metric": "concurrency", "target": 2, "max_replicas": 4, "cold_start_s": 0.15, "sync_period_s": 0.1,
                   "stabilization_window_s": 0.3}
        _, said, _ = self.check(self.preset(router="least-loaded"), "--autoscale", json.dumps(scaling))
        engine = said["fidelity"]["simulated"]
        self.assertGreater(engine["starts"], 1)
        self.assertGreater(engine["replicas_most"], 1)
        self.assertAlmostEqual(engine["cold_s"], 0.15 * engine["starts"], delta=0.151)
        hours = engine["replica_hours"] * 3600
        self.assertGreater(hours, said["duration_s"])
        self.assertLess(hours, 4 * said["duration_s"])

    def test_priorities(self):
        live, said, _ = self.check(self.preset(max_num_seqs=6), "--scheduling", "priority")
        for summary in (live, said):
            by = summary["by"]["class"]
            self.assertLess(2 * by["chat"]["ttft_ms"]["mean"], by["batch"]["ttft_ms"]["mean"])

    def test_what_was_not_checked_is_said_and_what_cannot_be_is_refused(self):
        engine, trace = self.preset(), self.trace(3)
        said = self.farebox("sim", "--engine", engine, "--trace", trace, "-o", "said", "--speculative-config",
                            json.dumps(SPECULATION)).stdout
        self.assertIn("drafts accepted", said)
        self.assertIn("not checked against a measured run", " ".join(said.split()))
        shown = json.loads(self.farebox("engine", "show", self.path("said/engine.json")).stdout)
        self.assertEqual(shown["speculative_config"], SPECULATION)
        for words, part in (
                (("--prefill-replicas", "1"), "prefill_replicas (1) must be fewer than replicas (1)"),
                (("--replicas", "2", "--prefill-replicas", "1"), "give kv_transfer_bandwidth in GB/s"),
                (("--autoscale", '{"metric": "queue"}'), "give target, the waiting requests"),
                (("--autoscale", '{"metric": "queue", "target": 1, "max": 3}'), 'unknown key "max"'),
                (("--speculative-config", '{"num_speculative_tokens": 40}'), "40"),
                (("--speculative-config", '{"num_speculative_tokens": 4}'), "how many drafts are accepted"),
                (("--max-num-seqs", "400", "--speculative-config", json.dumps(SPECULATION)), "max_num_seqs (400)")):
            with self.subTest(words=words):
                done = self.farebox("sim", "--engine", engine, "--trace", trace, "-o", "no", *words, expect=2)
                self.assert_refused(done, part)
        done = self.farebox("sim", "--trace", trace, "-o", "no", "--autoscale", '{"metric": "queue", "target": 1}',
                            expect=2)
        self.assert_refused(done, "--autoscale: an engine of constant times")

"""One engine, two clocks, with what an engine can do beside steps: speculative decoding. What the mock owes is what the
simulator says to the nanosecond, and what bench measures of it is what sim says within 3 %."""
import json
import pathlib

from support import Case, read_json, takes_times

STEPS = {"kv_blocks": 3000, "max_num_seqs": 16, "max_num_batched_tokens": 512, "layers": 16,
         "kv_bytes_per_token": 131072, "w0": 4, "w1": 0.004, "c0": 1, "c1": 0.03, "ap": 2, "kappa": 50, "d0": 0.2,
         "s0": 0.5, "s1": 0.002}
SPECULATION = {"method": "eagle3", "num_speculative_tokens": 3, "synthetic_acceptance_rates": [0.8, 0.6, 0.4],
               "draft_cost": 0.06}


@takes_times
class EngineClocks(Case):
    def preset(self, **more):
        return self.write("mine.json", json.dumps(STEPS | more))

    def trace(self, count=24, gap_ms=40):
        rows = [{"timestamp": gap_ms * i, "input_length": 60 + 90 * (i % 7), "output_length": 30 + 12 * (i % 5),
                 "request_id": f"r{i}"} for i in range(count)]
        return self.write("load.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def check(self, engine, *more):
        """The clocks agree, and so do the measured means. Returns the summaries of bench and sim, and the mock's
        log."""
        trace = self.trace()
        self.farebox("sim", "--engine", engine, "--trace", trace, "-o", "said", "--force", *more)
        said = read_json(pathlib.Path(self.path("said")) / "summary.json")

        def measure():
            run = self.bench_timed(("--engine", engine, "--template-tokens", "0", *more),
                                   ("--trace", trace, "--model", "m", "--no-probe"), self.path("live"))
            self.assertEqual(run.summary["accounting"]["completed"], 24)
            self.assert_clocks_agree(run.truth, engine, *more)
            return run, run.void
        run = self.unless_void(measure, tries=2)
        for metric in ("ttft_ms", "tpot_ms", "e2e_ms"):
            a, b = run.summary[metric]["mean"], said[metric]["mean"]
            self.assertLess(abs(a / b - 1), 0.03, (metric, a, b))
        return run.summary, said, run.truth

    def test_drafts(self):
        live, said, truth = self.check(self.preset(), "--speculative-config", json.dumps(SPECULATION))
        engine = said["fidelity"]["simulated"]
        self.assertAlmostEqual(1 + engine["accepted_tokens"] / engine["drafts"], 2.8, delta=0.12)
        self.assertEqual(engine["draft_tokens"], 3 * engine["drafts"])
        a, b = live["tokens_per_chunk"], said["tokens_per_chunk"]
        self.assertLess(abs(a / b - 1), 0.03)
        self.assertGreater(a, 2)
        for served in truth.values():
            self.assertEqual(len(served["due_ns"]), served["billed"]["completion_tokens"])

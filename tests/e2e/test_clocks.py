"""One engine, two clocks: what the mock serves in real time is what the simulator says.

A request that reaches the mock a millisecond after its due instant can miss a step of the engine and
wait for the next, some tens of milliseconds: quantiles of a live run and of a simulated one then
differ by a step, and both are right. So the simulator is given the instants at which the mock read
the requests, and has to say the same to the nanosecond, however busy the machine is.
"""
import json
import random

from support import Case, takes_times


@takes_times
class Clocks(Case):
    ENGINE = "rtx4090-llama-3.1-8b-tp1"

    def workload(self, seed):
        """Some four seconds of moderate load: prompts and answers of mixed lengths."""
        rng, at, lines = random.Random(seed), 0.0, []
        for i in range(32):
            at += rng.expovariate(1 / 120)
            lines.append({"timestamp": round(at, 3), "input_length": rng.randint(40, 1500),
                          "output_length": rng.randint(20, 80), "request_id": f"r{i}"})
        return self.write("load.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def serve(self, trace):
        """A run against a mock of its own: its records and the mock's log by request, and why the
        run is void, if it is."""
        run = self.bench_timed(("--engine", self.ENGINE),
                               ("--trace", trace, "--model", "m", "--no-probe"), self.path("live"))
        self.assertEqual(run.summary["accounting"]["completed"], 32)
        return run

    def test_the_mock_serves_what_the_simulator_says(self):
        for seed in (5, 6, 7):
            with self.subTest(seed=seed):
                self.assert_clocks_agree(self.serve(self.workload(seed)).truth, self.ENGINE)

    def test_the_client_measures_what_the_mock_served(self):
        def measure():
            run = self.serve(self.workload(8))
            records = self.records(self.path("live"))
            over = sorted(records[name]["first_token_ns"] - records[name]["sent_ns"] -
                          (truth["due_ns"][0] - truth["read_ns"])
                          for name, truth in run.truth.items())
            self.assertGreaterEqual(over[0], 0)  # nothing arrives before it was due
            return over, run.void
        over = self.unless_void(measure)
        self.assertLess(over[len(over) // 2], 3e6)  # the way there and back, and two wake-ups

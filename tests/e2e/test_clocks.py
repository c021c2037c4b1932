"""One engine, two clocks: a live run against the mock says what the simulator says."""
import json
import pathlib
import random

from support import Case, read_json


class Clocks(Case):
    ENGINE = "rtx4090-llama-3.1-8b-tp1"

    def workload(self):
        """About eight seconds of moderate load: prompts and answers of mixed lengths."""
        rng, at, lines = random.Random(5), 0.0, []
        for i in range(48):
            at += rng.expovariate(1 / 120)
            lines.append({"timestamp": round(at, 3), "input_length": rng.randint(40, 1500),
                          "output_length": rng.randint(20, 120), "request_id": f"r{i}"})
        return self.write("load.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def test_bench_against_the_mock_agrees_with_sim(self):
        trace = self.workload()
        self.farebox("bench", "--url", f"mock:{self.ENGINE}", "--trace", trace, "-o", "live",
                     "--quiet")
        self.farebox("sim", "--engine", self.ENGINE, "--trace", trace, "-o", "virtual", "--quiet")
        live, virtual = (read_json(pathlib.Path(self.path(run)) / "summary.json")
                         for run in ("live", "virtual"))
        self.assertEqual(live["accounting"]["completed"], 48)
        self.assertEqual(live["all"]["output_tokens"], virtual["all"]["output_tokens"])
        for metric in ("ttft_ms", "tpot_ms"):
            for quantile in ("p50", "p99"):
                with self.subTest(metric=metric, quantile=quantile):
                    self.assertAlmostEqual(live[metric][quantile] / virtual[metric][quantile], 1,
                                           delta=0.03)

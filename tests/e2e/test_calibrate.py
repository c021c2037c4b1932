"""farebox engine calibrate over several runs, beside the server's own metrics, and of runs that were cut."""
import json
import pathlib

from support import Case, read_json, read_lines, takes_times, trace

PRESET = "rtx4090-llama-3.1-8b-tp1"
SMALL = {"k": 0.5, "kv_blocks": 1000, "request_overhead_ms": 5}


def rows(count, every_ms, seed):
    return "".join(json.dumps({"timestamp": every_ms * i, "input_length": 50 + (i * 37 + seed) % 200,
                               "output_length": 20 + (i * 53 + seed) % 120}) + "\n" for i in range(count))


class Calibrate(Case):
    def preset(self, **changes):
        text = self.farebox("engine", "show", PRESET).stdout
        return self.write("truth.json", json.dumps(json.loads(text) | changes))

    def simulate(self, name, every_ms, engine, count=120, seed=1):
        self.farebox("sim", "--trace", self.write(f"{name}.jsonl", rows(count, every_ms, seed)), "--engine", engine,
                     "-o", name)
        return name

    def test_each_run_is_foretold_by_the_others(self):
        truth = self.preset(k=1.3, request_overhead_ms=10)
        runs = [self.simulate(f"every-{ms}-ms", ms, truth, seed=ms) for ms in (40, 120, 400)]
        fit = ("engine", "calibrate", *runs, "--engine", PRESET, "--fit", "k,request_overhead_ms")
        result = self.farebox_json(*fit, "-o", "fitted.json")
        self.assertAlmostEqual(read_json(self.path("fitted.json"))["k"], 1.3, delta=0.03)
        self.assertEqual([r["run"] for r in result["runs"]], runs)
        for run in result["runs"]:
            self.assertEqual((run["requests"], run["cut"]), (120, "no"))
            for metric in ("tpot", "e2e"):
                unseen = run["left_out"][metric]
                self.assertLess(unseen["off_p50"], 0.05)
                self.assertLessEqual(unseen["off_p50"], unseen["off_p90"])
                for at in ("p50", "p90"):
                    self.assertAlmostEqual(unseen[f"{at}_model_ms"] / unseen[f"{at}_measured_ms"], 1, delta=0.1)
        shown = self.farebox(*fit).stdout
        for run in runs:
            self.assertIn(f"left out {run}\n", shown)
        self.assertLessEqual(max(map(len, shown.splitlines())), 80)
        self.assertIn("on 360 measured requests of 3 runs", result["preset"]["source"])
        self.assertIn("is given twice", self.farebox(*fit, runs[0], expect=2).stderr)
        # One alone is what it was: its own figures at the top, none left out.
        alone = self.farebox_json("engine", "calibrate", runs[0], "--engine", PRESET)
        self.assertEqual((alone["requests"], alone["cut"]), (120, "no"))
        self.assertNotIn("left_out", alone["runs"][0])

    def test_a_measured_run_keeps_its_errors_beside_another(self):
        """Its own preset's run at a low load says nothing against it, and foretells it."""
        measured = trace("../vllm-runs/RTX4090_Llama-3.1-8B.req.jsonl")
        low = self.simulate("low", 400, PRESET)
        alone = self.farebox_json("engine", "calibrate", measured, "--engine", PRESET)
        both = self.farebox_json("engine", "calibrate", measured, low, "--engine", PRESET, "--fit", alone["fitted"])
        for metric in ("ttft", "tpot", "e2e"):
            before, after = alone["before"][metric], both["runs"][0]["after"][metric]
            self.assertLess(after["log_error_rms"], before["log_error_rms"] + 0.01, metric)
        self.assertLess(both["runs"][0]["left_out"]["e2e"]["off_p50"], 0.05)

    def cut(self, run, at_ns):
        """As a kill leaves it: no summary, no record of what had not ended, no scrape behind it."""
        folder = pathlib.Path(self.path(run))
        (folder / "summary.json").unlink()
        for name, until in (("requests.jsonl", "done_ns"), ("server.jsonl", "t_ns")):
            kept = [r for r in read_lines(folder / name) if r[until] <= at_ns]
            (folder / name).write_text("".join(json.dumps(r) + "\n" for r in kept))

    @takes_times
    def test_the_server_s_metrics_are_used_and_said(self):
        url = self.mock("--engine", self.preset(**SMALL))
        self.farebox("bench", "--url", url, "--model", "m", "--trace", self.write("work.jsonl", rows(110, 55, 1)),
                     "--server-metrics", "auto", "-o", "live")
        fit = ("engine", "calibrate", "live", "--engine", PRESET, "--fit", "k,request_overhead_ms")
        done = self.farebox(*fit, "--json")
        result = json.loads(done.stdout)
        self.assertRegex(done.stderr, r"by the server's metrics it has about [\d]+ KV blocks of 16 tokens, not 2588")
        self.assertAlmostEqual(result["preset"]["kv_blocks"], SMALL["kv_blocks"], delta=150)
        server = result["runs"][0]["server"]
        self.assertGreaterEqual(server["scrapes"], 5)
        for level in ("running", "kv_use"):
            self.assertAlmostEqual(server[level]["model"] / server[level]["measured"], 1, delta=0.3)
        self.assertRegex(self.farebox(*fit).stdout, r"requests running, mean +[\d.]+ +[\d.]+\n")
        given = self.farebox(*fit, "--kv-blocks", 3000, "--json")
        self.assertEqual(json.loads(given.stdout)["preset"]["kv_blocks"], 3000)
        self.assertIn("not 3000, as was given", given.stderr)
        # Killed before twenty had ended that were free of what was in flight: the count tells the load.
        self.cut("live", 2_200_000_000)
        done = self.farebox(*fit, "--json")
        cut = json.loads(done.stdout)["runs"][0]
        self.assertEqual((cut["cut"], cut["load_counted"]), ("killed", True))
        self.assertGreater(cut["load_put_in"], 3)
        self.assertIn("requests of load stand for it, by the server's count", done.stderr)
        pathlib.Path(self.path("live/server.jsonl")).unlink()
        refused = self.farebox(*fit, "-o", "fitted.json", expect=2)
        self.assertIn("live was cut: of its", refused.stderr)
        self.assertFalse(pathlib.Path(self.path("fitted.json")).exists())
        trusted = self.farebox_json(*fit, "--served-out")
        self.assertEqual(trusted["cut"], "no")

"""Generating, fitting and transforming workloads as a user would."""
import gzip
import json
import pathlib
import signal
import subprocess
import unittest

from support import FAREBOX, Case, own, read_json, read_lines, trace, wait_until


class Generate(Case):
    def lines(self, *words):
        return self.farebox("workload", "gen", *words, "-o", "-").stdout.splitlines()

    def test_the_same_seed_gives_the_same_file(self):
        for name in ("one.jsonl", "two.jsonl"):
            self.farebox("workload", "gen", "agent", "-n", 300, "--seed", 7, "-o", self.path(name))
        self.farebox("workload", "gen", "agent", "-n", 300, "--seed", 7, "-o", self.path("three.jsonl.gz"))
        one = pathlib.Path(self.path("one.jsonl")).read_bytes()
        self.assertEqual(one, pathlib.Path(self.path("two.jsonl")).read_bytes())
        self.assertEqual(one, gzip.decompress(pathlib.Path(self.path("three.jsonl.gz")).read_bytes()))
        self.assertNotEqual(one.decode().splitlines(), self.lines("agent", "-n", 300, "--seed", 8))

    def test_shards_make_the_whole(self):
        whole = self.lines("mixed-service", "-n", 900)
        parts = [self.lines("mixed-service", "-n", 900, "--shard", f"{i}/3") for i in (1, 2, 3)]
        self.assertEqual(sorted(whole), sorted(sum(parts, [])))
        for part in parts:
            self.assertGreater(len(part), 100)

    def test_what_was_generated_is_read_back_as_it_was(self):
        for name in ("chat", "agent", "rag", "embeddings"):
            made = self.path(f"{name}.jsonl")
            self.farebox("workload", "gen", name, "-n", 200, "-o", made)
            self.farebox("workload", "convert", made, "-o", self.path(f"{name}-2.jsonl"))
            self.assertEqual(pathlib.Path(made).read_bytes(),
                             pathlib.Path(self.path(f"{name}-2.jsonl")).read_bytes())

    def test_rate_and_duration(self):
        rows = [json.loads(line) for line in self.lines("chat", "--rate", 50, "-d", "20s")]
        self.assertAlmostEqual(len(rows), 1000, delta=130)
        self.assertLess(rows[-1]["timestamp"], 20000)

    def test_every_bundled_scenario_is_listed(self):
        listed = {line.split()[0] for line in self.farebox("workload", "gen", "--list").stdout.splitlines()}
        files = (pathlib.Path(__file__).parents[2] / "workloads/scenario/scenarios").glob("*.json")
        self.assertEqual(listed, {f.stem for f in files})

    def test_mistakes_are_named(self):
        bad = self.write("bad.json", '{"arrivals": {"rate_rps": 1},\n "clases": []}')
        for words, says in ((["chatt"], 'did you mean "chat"'), ([bad], "bad.json:2:2"),
                            (["chat", "--shard", "4/3"], "I/N"),
                            (["missing/file.json"], "missing/file.json")):
            done = self.farebox("workload", "gen", *words, "-o", self.path("x.jsonl"), expect=2)
            self.assertIn(says, done.stderr)
            self.assertFalse(pathlib.Path(self.path("x.jsonl")).exists())
        self.write("there.jsonl", "")
        done = self.farebox("workload", "gen", "chat", "-o", self.path("there.jsonl"), expect=2)
        self.assertIn("--force", done.stderr)

    def test_an_interrupt_leaves_nothing_half_written(self):
        out = self.path("long.jsonl")
        running = subprocess.Popen([FAREBOX, "workload", "gen", "agent", "-n", "4000000", "-o", out],
                                   stderr=subprocess.PIPE)
        wait_until(lambda: list(self.scratch.glob("long.jsonl.*")), "a file that it has begun to write")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
        self.assertEqual(running.returncode, 130)
        self.assertEqual(list(self.scratch.glob("long*")), [])


class Fit(Case):
    def test_a_fitted_scenario_generates(self):
        self.check_fit(trace("azure2023/AzureLLMInferenceTrace_conv_first10000.csv"), 10000)

    def test_a_scenario_fitted_to_our_own_trace_generates(self):
        self.check_fit(own("azure.csv"), 2000)

    def check_fit(self, path, requests):
        scenario = self.path("conv.json")
        fit = self.farebox_json("workload", "fit", path, "-o", scenario)
        self.assertLess(fit["ks_input"], 0.05)
        self.assertLess(fit["ks_output"], 0.05)
        self.farebox("workload", "gen", scenario, "-o", self.path("twin.jsonl"))
        twin = [row for row in read_lines(self.path("twin.jsonl")) if "input_length" in row]
        self.assertEqual(len(twin), requests)
        self.assertEqual(read_json(scenario)["requests"], requests)


class Transform(Case):
    def test_a_chain_of_changes(self):
        self.farebox("workload", "gen", "support", "-n", 400, "-o", self.path("t.jsonl"))
        done = self.farebox_json("workload", "transform", self.path("t.jsonl"), "-t", "sample=0.5", "-t",
                                 "route=input<1000:small,*:large", "-t", "cache=ttl:60s,min:64,step:64",
                                 "-o", self.path("out.jsonl"))
        rows = read_lines(self.path("out.jsonl"))
        self.assertEqual(done["requests"], len(rows))
        self.assertEqual(len(done["transforms"]), 3)
        for row in rows:
            self.assertEqual(row["model"], "small" if row["input_length"] < 1000 else "large")
            self.assertEqual(row["usage"]["cached_input"] % 64, 0)
            self.assertLessEqual(row["usage"]["cached_input"], row["input_length"])
        self.assertTrue(any(row["usage"]["cached_input"] for row in rows))

    def test_a_change_that_leaves_nothing_is_refused(self):
        trace = self.path("t.jsonl")
        self.farebox("workload", "gen", "chat", "-n", 20, "-o", trace)
        never = "window=1000h..2000h"
        for words in (("workload", "transform", trace, "-t", never, "-o", self.path("out")),
                      ("sim", "--trace", trace, "--transform", never, "-o", self.path("out")),
                      ("bill", trace, "--plans", "demo", "--what-if", never)):
            self.assert_refused(self.farebox(*words, expect=2), f"{never} leaves no request of 20")
        self.assertFalse((self.scratch / "out").exists())

    def test_a_mistake_is_found_before_anything_is_read(self):
        done = self.farebox("workload", "transform", "missing.jsonl", "-t", "cache=tll:3s", "-o", "x",
                            expect=2)
        self.assertIn('did you mean "ttl"', done.stderr)


if __name__ == "__main__":
    unittest.main()

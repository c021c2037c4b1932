"""Workloads that are shared, shown and mixed: anonymise, show, --mix."""
import json
import pathlib
import unittest

from support import Case, own, read_json, read_lines

LOG = """{"start": "2026-03-04T05:06:07Z"}
{"timestamp": 0, "input_length": 900, "output_length": 10, "session_id": "zeta", "request_id": "alpha", \
"model": "acme-7b", "class": "payroll", "labels": {"user": "jane"}, "hash_ids": [771, 992], "block_size": 512, \
"messages": [{"role": "user", "content": "salary"}], "remark": "confidential"}
{"after": ["alpha"], "delay": 1500, "input_length": 950, "output_length": 20, "session_id": "zeta", \
"request_id": "beta", "model": "acme-7b", "labels": {"user": "jane"}, "hash_ids": [771, 883]}
"""


class Anonymise(Case):
    def copy(self, *words, expect=0):
        done = self.farebox("workload", "anonymise", self.write("log.jsonl", LOG), *words, "-o", self.path("shared.jsonl"),
                            "--force", expect=expect)
        return done, pathlib.Path(self.path("shared.jsonl")).read_text()

    def test_no_word_of_the_original_is_left(self):
        done, text = self.copy()
        for word in ("zeta", "alpha", "beta", "acme", "payroll", "jane", "salary", "remark", "confidential", "771", "992"):
            self.assertNotIn(word, text)
            self.assertNotIn(word, done.stdout)
        self.assertEqual(text, self.copy()[1])

    def test_what_costs_stays(self):
        _, text = self.copy()
        _, first, second = map(json.loads, text.splitlines())
        self.assertEqual((first["input_length"], second["output_length"], second["delay"]), (900, 20, 1500))
        self.assertEqual(second["after"], [first["request_id"]])
        self.assertEqual(first["session_id"], second["session_id"])
        self.assertEqual(first["hash_ids"][0], second["hash_ids"][0])
        self.assertNotEqual(first["hash_ids"][1], second["hash_ids"][1])

    def test_a_copy_that_keeps_its_models_costs_the_same(self):
        self.farebox("workload", "gen", "mixed-service", "-n", 400, "-o", self.path("t.jsonl"))
        self.farebox("workload", "anonymise", self.path("t.jsonl"), "--keep-models", "-o", self.path("s.jsonl"))
        bills = [json.loads(self.farebox("bill", self.path(name), "--plans", "demo", "--json").stdout)
                 for name in ("t.jsonl", "s.jsonl")]
        self.assertEqual([p["total_usd"] for p in bills[0]["plans"]], [p["total_usd"] for p in bills[1]["plans"]])

    def test_it_says_what_is_left(self):
        done, _ = self.copy("--keep-models")
        for part in ("--round-times", "2 of 2 requests", "1 by name, 1 of them", "names: user"):
            self.assertIn(part, done.stdout)
        left = json.loads(self.copy("--json", "--round-times", "1s")[0].stdout)["left"]
        self.assertEqual(left["label_names"], ["user"])
        self.assertEqual((left["rare_models"], left["model_names"], left["times_rounded_to_s"]), (1, False, 1))

    def test_an_output_must_be_named(self):
        done = self.farebox("workload", "anonymise", self.write("log.jsonl", LOG), expect=2)
        self.assertIn("-o FILE", done.stderr)


class Show(Case):
    def test_scenarios_and_traces_are_told_in_80_columns(self):
        for words in (["agent"], ["mixed-service"], ["chat", "-n", 50], [own("azure.csv")], [own("mooncake.jsonl")]):
            text = self.farebox("workload", "show", *words).stdout
            self.assertLessEqual(max(map(len, text.splitlines())), 80, text)
            for part in ("Lengths:", "Tokens:", "Sessions:", "Sharing:", "Day:"):
                self.assertIn(part, text)

    def test_a_scenario_is_told_by_what_it_makes(self):
        self.farebox("workload", "gen", "agent", "-n", 300, "--seed", 3, "-o", self.path("a.jsonl"))
        shown = json.loads(self.farebox("workload", "show", "agent", "-n", 300, "--seed", 3, "--json").stdout)
        told = json.loads(self.farebox("workload", "show", self.path("a.jsonl"), "--json").stdout)
        self.assertEqual((shown["kind"], told["kind"]), ("scenario", "trace"))
        for key in ("dearest_to_median", "top_percent_share", "largest_session"):
            self.assertEqual(shown[key], told[key])
        self.assertEqual(shown["info"]["input_tokens"], told["info"]["input_tokens"])

    def test_the_dearest_request_is_worked_out_again(self):
        rows = read_lines(own("mooncake.jsonl"))
        tokens = sorted(r["input_length"] + r["output_length"] for r in rows)
        middle = (tokens[(len(tokens) - 1) // 2] + tokens[len(tokens) // 2]) / 2
        shown = json.loads(self.farebox("workload", "show", own("mooncake.jsonl"), "--json").stdout)
        self.assertAlmostEqual(shown["dearest_to_median"], tokens[-1] / middle, places=6)

    def test_a_file_that_is_a_scenario_is_one(self):
        mine = self.write("mine.json", '{"arrivals": {"rate_rps": 1}, "requests": 20, "classes": [{"input": 5, "output": 5}]}')
        self.assertIn("is a scenario", self.farebox("workload", "show", mine).stdout)
        done = self.farebox("workload", "show", own("azure.csv"), "-n", 5, expect=2)
        self.assertIn("--requests", done.stderr)


class Mix(Case):
    def test_scenarios_run_together_by_their_shares(self):
        self.farebox("workload", "gen", "--mix", "chat:0.7,agent:0.3", "-n", 20000, "-o", self.path("m.jsonl"))
        classes = [r["class"] for r in read_lines(self.path("m.jsonl"))]
        self.assertAlmostEqual(classes.count("chat") / 20000, 0.7, delta=0.04)
        self.assertEqual(set(classes), {"chat", "agent"})

    def test_shards_of_a_mix_make_the_whole(self):
        def lines(*words):
            return self.farebox("workload", "gen", "--mix", "chat:1,support:1", "-n", 600, *words, "-o", "-").stdout.splitlines()
        self.assertEqual(sorted(lines()), sorted(lines("--shard", "1/2") + lines("--shard", "2/2")))

    def test_sim_takes_a_mix_and_its_run_json_gives_it_back(self):
        engine = ["--engine", "a100-llama-2-70b-tp4"]
        self.farebox("sim", "--mix", "chat:0.5,embeddings:0.5", "--rate", 3, "-d", "60s", *engine, "-o", self.path("one"))
        self.farebox("sim", "--config", self.path("one/run.json"), "-o", self.path("two"))
        one, two = (read_json(self.path(f"{run}/summary.json")) for run in ("one", "two"))
        self.assertEqual(one["all"], two["all"])
        self.assertEqual(read_json(self.path("one/run.json"))["workload"]["name"], "chat-0.5-embeddings-0.5")

    def test_mistakes_are_named(self):
        for words, says in ((["workload", "gen", "--mix", "chat", "-o", "-"], "SCENARIO:SHARE"),
                            (["workload", "gen", "chat", "--mix", "chat:1", "-o", "-"], "beside --mix"),
                            (["sim", "--mix", "chat:1", "--scenario", "chat", "--engine", "a100-llama-2-70b-tp4"],
                             "give only one of")):
            self.assertIn(says, self.farebox(*words, expect=2).stderr)


if __name__ == "__main__":
    unittest.main()

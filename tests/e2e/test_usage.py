"""What servers and logs say of tokens and cost, as a user finds it in records, summaries and bills."""
import decimal
import json
import unittest

from support import Case, Handler, Server, read_lines

WORDS = ["one ", "two ", "three "]


class Telling(Handler):
    """Answers three words and the usage that the server was given, inside the last choice or after it."""

    def do_GET(self):
        self.reply(404, "{}")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        usage, inside = self.server.usage, self.server.inside
        last = {"index": 0, "delta": {}, "finish_reason": "stop", **({"usage": usage} if inside else {})}
        if not body.get("stream"):
            whole = {**last, "message": {"role": "assistant", "content": "".join(WORDS)}}
            self.reply(200, json.dumps({"choices": [whole], **({} if inside else {"usage": usage})}))
            return
        events = [{"choices": [{"index": 0, "delta": {"content": w}, "finish_reason": None}]} for w in WORDS]
        events.append({"choices": [last]})
        if not inside:
            events.append({"choices": [], "usage": usage})
        text = "".join(f"data: {json.dumps(e)}\n\n" for e in events)
        self.reply(200, text + "data: [DONE]\n\n", "text/event-stream")


class Usage(Case):
    def rows(self, run):
        return list(self.records(run).values())

    def bench(self, usage, *words, inside=False, run="run"):
        server = Server(("127.0.0.1", 0), Telling)
        server.usage, server.inside = usage, inside
        self.run_server(server)
        trace = self.write("two.jsonl", '{"timestamp": 0, "input_length": 90, "output_length": 6}\n'
                                        '{"timestamp": 1, "input_length": 90, "output_length": 6}\n')
        done = self.farebox("bench", "--url", f"http://127.0.0.1:{server.server_address[1]}/v1", "--model", "m",
                            "--no-probe", "--trace", trace, "-o", self.path(run), "--force", *words)
        self.assertEqual([r["status"] for r in self.rows(self.path(run))], ["completed"] * 2)
        return done

    def test_each_form_of_usage_is_in_the_record(self):
        cases = [
            # more cached than prompt tokens: they stand beside
            ({"prompt_tokens": 31, "completion_tokens": 4, "total_tokens": 6035, "cache_read_input_tokens": 6000},
             {"uncached_input": 31, "cached_input": 6000, "output": 4}, None),
            # zeros with text: estimated
            ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, "estimated", None),
            ({}, "estimated", None),
            # a total above its parts: reasoning that is not reported
            ({"prompt_tokens": 41, "completion_tokens": 60, "total_tokens": 400},
             {"uncached_input": 41, "output": 60, "reasoning": 299}, None),
            # numbers in other forms
            ({"prompt_tokens": "88", "completion_tokens": 5.25, "total_tokens": 93.25},
             {"uncached_input": 88, "output": 6}, None),
            # the cost as an object, and an upstream's
            ({"prompt_tokens": 88, "completion_tokens": 3, "cost": {"input_cost": 0.001, "total_cost": 0.0071}},
             {"uncached_input": 88, "output": 3}, "0.0071"),
            ({"prompt_tokens": 88, "completion_tokens": 3, "cost": 0, "cost_details": {"upstream_inference_cost": 0.002}},
             {"uncached_input": 88, "output": 3}, "0.002"),
        ]
        for number, (usage, wanted, cost) in enumerate(cases):
            for words in ([], ["--no-stream"]):
                run = f"run{number}{len(words)}"
                self.bench(usage, *words, run=run)
                for r in self.rows(self.path(run)):
                    with self.subTest(usage=usage, words=words):
                        if wanted == "estimated":
                            guess = 4 if words else 3  # a whole answer's 14 bytes, four a token; a stream's chunks
                            self.assertEqual(r["usage"], {"uncached_input": 90, "output": guess})
                            self.assertEqual(r["usage_from"], "estimated")
                        else:
                            self.assertEqual(r["usage"], wanted)
                            self.assertEqual(r["usage_from"], "server")
                        self.assertEqual(r.get("cost_usd"), cost)

    def test_cached_tokens_beside_the_prompt_are_no_sign_of_a_warm_cache(self):
        beside = {"prompt_tokens": 31, "completion_tokens": 4, "total_tokens": 6035, "cache_read_input_tokens": 6000}
        done = self.bench(beside)
        self.assertIn("cached tokens beside the prompt's", done.stdout)
        self.assertNotIn("was the cache warm", done.stderr)
        done = self.bench({"prompt_tokens": 90, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 80}})
        self.assertIn("was the cache warm", done.stderr)

    def test_usage_inside_the_choice_is_found(self):
        usage = {"prompt_tokens": 137, "completion_tokens": 24, "total_tokens": 161, "cached_tokens": 64}
        for words in ([], ["--no-stream"]):
            self.bench(usage, *words, inside=True)
            self.assertEqual(self.rows(self.path("run"))[0]["usage"],
                             {"uncached_input": 73, "cached_input": 64, "output": 24})

    def test_token_keys_that_are_not_known_are_named_once(self):
        done = self.bench({"prompt_tokens": 88, "completion_tokens": 3, "ether_tokens": 7,
                           "completion_tokens_details": {"dream_tokens": 2}})
        self.assertEqual(done.stderr.count('"ether_tokens"'), 1, done.stderr)
        self.assertEqual(done.stderr.count('"dream_tokens"'), 1, done.stderr)
        with open(self.path("run/summary.json")) as file:
            fidelity = json.load(file)["fidelity"]
        self.assertEqual(fidelity["unknown_usage_keys"], ["ether_tokens", "dream_tokens"])
        done = self.bench({"prompt_tokens": 88, "completion_tokens": 3, "ether_tokens": 0}, run="silent")
        self.assertNotIn("ether_tokens", done.stderr)
        with open(self.path("silent/summary.json")) as file:
            self.assertNotIn("unknown_usage_keys", json.load(file)["fidelity"])

    def test_pictures_and_sound_go_all_the_way_to_the_bill(self):
        self.bench({"prompt_tokens": 1000, "completion_tokens": 300, "prompt_tokens_details": {
            "cached_tokens": 100, "image_tokens": 400, "audio_tokens": 50,
            "cached_tokens_details": {"image_tokens": 60}}, "completion_tokens_details": {"audio_tokens": 200}})
        classes = {"uncached_input": 510, "cached_input": 40, "output": 100, "image_input": 340, "audio_input": 50,
                   "cached_image_input": 60, "audio_output": 200}
        run = self.path("run")
        self.assertEqual(self.rows(run)[0]["usage"], classes)
        with open(self.path("run/summary.json")) as file:
            everything = json.load(file)["all"]
        self.assertEqual((everything["input_tokens"], everything["cached_input_tokens"]), (2000, 200))
        self.assertEqual({k: v for k, v in everything.items() if k.startswith(("image", "audio", "video"))},
                         {"image_input_tokens": 680, "audio_input_tokens": 100, "audio_output_tokens": 400})
        self.assertEqual(everything["cached_image_input_tokens"], 120)
        plans = self.write("plans.json", json.dumps({"book": "b", "currency": "USD", "plans": [
            {"name": "own", "per_mtok": {"input": "2", "cached_input": "1", "output": "10", "audio_input": "30",
                                         "cached_image_input": "0.5", "audio_output": "60"}},
            {"name": "parents", "per_mtok": {"input": "2", "cached_input": "1", "output": "10"}}]}))
        micro = {"own": 2 * (510 + 340) + 40 + 10 * 100 + 30 * 50 + 0.5 * 60 + 60 * 200,
                 "parents": 2 * (510 + 340 + 50) + 40 + 60 + 10 * (100 + 200)}
        trace, csv = self.path("t.jsonl"), self.path("t.csv")
        self.farebox("workload", "convert", run, "-o", trace)
        self.assertEqual(read_lines(trace)[0]["usage"],
                         {"cached_input": 40, "cache_write": 0, "cache_write_1h": 0, "reasoning": 0, "tools": {}, "units": {},
                          **{k: v for k, v in classes.items() if k.startswith(("image", "audio", "cached_image"))}})
        again = self.path("again.jsonl")
        self.farebox("workload", "convert", trace, "-o", again)
        with open(trace, "rb") as one, open(again, "rb") as two:
            self.assertEqual(one.read(), two.read())
        self.farebox("workload", "convert", trace, "-o", csv, "--to", "csv")
        for source in (run, trace, csv):
            bill = self.farebox_json("bill", source, "--plans", plans)
            for plan in bill["plans"]:
                with self.subTest(source=source, plan=plan["plan"]):
                    self.assertEqual(decimal.Decimal(plan["total_usd"]),
                                     decimal.Decimal(str(2 * micro[plan["plan"]])) / 10**6)
        self.farebox("sim", "--trace", trace, "--engine", "constant", "-o", self.path("model"))
        self.assertEqual(self.rows(self.path("model"))[0]["usage"], classes)
        exported = self.path("x.csv")
        self.farebox("report", run, "--export", "csv", "-o", exported)
        with open(exported) as file:
            self.assertIn("image_input_tokens", file.readline())
            self.assertIn(",340,50,0,60,0,0,200,", file.readline())

    def test_a_log_of_usage_objects_is_read_by_the_same_rules(self):
        log = self.write("log.jsonl", "".join(json.dumps({"u": u}) + "\n" for u in [
            {"prompt_tokens": 20, "completion_tokens": 3, "cached_tokens": 5000},
            {"inputTokens": 12, "cacheReadInputTokens": 100, "outputTokens": 7.5, "totalTokens": 120},
            {"input_tokens": 9, "output_tokens": 2, "fog_tokens": 4, "cost_usd": "0.25"}]))
        done = self.farebox("workload", "convert", "--keys", "usage=u", log, "-o", self.path("t.jsonl"), "--json")
        told = json.loads(done.stdout)
        self.assertEqual(told["noticed"], {"usage_cached": 1, "usage_number": 1, "usage_key": 1})
        self.assertEqual(told["unknown_usage_keys"], ["fog_tokens"])
        self.assertIn('"fog_tokens"', done.stderr)
        rows = read_lines(self.path("t.jsonl"))
        self.assertEqual([(r["input_length"], r["output_length"], r["usage"]["cached_input"]) for r in rows],
                         [(5020, 3, 5000), (112, 8, 100), (9, 2, 0)])
        self.assertEqual(rows[2]["cost_usd"], "0.25")


if __name__ == "__main__":
    unittest.main()

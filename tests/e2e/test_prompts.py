"""Prompts of the asked length: what is learnt of an endpoint's tokenizer, once for all runs."""
import json
import pathlib
import shutil
import urllib.error
import urllib.request
import zlib

from support import Case, Handler, Server, read_json, read_lines

TRIAL = " time year hand part case week work home"  # of the request that tries what bodies hold
LENGTHS = [20, 50, 120, 200, 500, 1000, 2000, 8000]


def tokens(text):
    """A tokenizer of its own: a word is one to three tokens."""
    return sum(1 + zlib.crc32(word.encode()) % 3 for word in text.split())


class Tokenizing(Handler):
    def do_GET(self):
        self.server.got.append(self.path)
        self.reply(200, json.dumps({"data": [
            {"id": "other", "max_model_len": 9}, {"id": "own", "max_model_len": self.server.context}]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            self.server.tokenized.append(body)
            count = tokens(body.get(self.server.form, "")) + 1
            known = self.server.form in body
            self.reply(200 if known else 422, json.dumps({"count": count} if known else {}))
            return
        if self.path != "/v1/chat/completions":
            self.reply(404, "{}")
            return
        text = body["messages"][0]["content"]
        usage = {"prompt_tokens": tokens(text) + self.server.template,
                 "completion_tokens": body["max_tokens"]}
        if not body.get("stream"):
            self.server.probes.append(text)
            self.reply(200, json.dumps({"choices": [{"message": {"content": "x"},
                                                     "finish_reason": "stop"}],
                                        "usage": usage if self.server.bills else None}))
            return
        (self.server.trials if text == TRIAL else self.server.seen).append(text)
        events = [{"choices": [{"delta": {"content": " t"}, "finish_reason": "length"}], "usage": usage}]
        self.reply(200, "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n",
                   "text/event-stream")


class Prompts(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")
        self.workload = self.rows(LENGTHS)

    def rows(self, lengths):
        return self.write("w.jsonl", "".join(json.dumps(
            {"timestamp": i, "input_length": n, "output_length": 1}) + "\n"
            for i, n in enumerate(lengths)))

    def endpoint(self, form=None, template=9, context=None, bills=True):
        server = Server(("127.0.0.1", 0), Tokenizing)
        server.form, server.template, server.context, server.bills = form, template, context, bills
        server.seen, server.trials, server.probes = [], [], []
        server.tokenized, server.got = [], []
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def bench(self, *words, **more):
        shutil.rmtree(self.run_path, ignore_errors=True)
        return self.farebox("bench", "--trace", self.workload, "-o", self.run_path,
                            *words, **more)

    def asked_against_got(self, run=None):
        rows = read_lines(pathlib.Path(run or self.run_path) / "requests.jsonl")
        got = sorted(sum(n for key, n in r["usage"].items() if key != "output") for r in rows)
        return list(zip(LENGTHS, got))

    def test_prompts_come_out_as_asked_with_tokenize_and_without(self):
        for form, template in ((None, 0), (None, 60), ("prompt", 9), ("content", 27), ("inputs", 0)):
            server, url = self.endpoint(form, template)
            self.bench("--url", url, "--model", "own")
            for asked, got in self.asked_against_got():
                self.assertLessEqual(abs(got - max(asked, template + 1)), 0 if asked > template else 3)
            probe = read_json(self.run_path + "/summary.json")["fidelity"]["probes"][0]
            self.assertEqual(probe["template_tokens"], template)
            self.assertEqual(probe["requests"], len(server.trials) + len(server.probes))
            self.assertEqual(len(server.trials), 1)
            self.assertEqual(len(server.probes), 2 if form else 19)
            self.assertLess(len(server.tokenized), 25)

    def test_tokenize_counts_where_answers_report_no_usage(self):
        server, url = self.endpoint("prompt", template=1, bills=False)
        self.bench("--url", url, "--model", "own")
        self.assertEqual(len(server.probes), 1)
        self.assertEqual([got for _, got in self.asked_against_got()], LENGTHS)

    def test_a_seed_gives_the_same_bodies_and_so_does_the_runs_configuration(self):
        server, url = self.endpoint()

        def bodies(*words):
            del server.seen[:], server.probes[:]
            self.bench("--url", url, *words)
            return sorted(server.seen)
        first = bodies("--prompt-salt", "fixed")
        self.assertTrue(server.probes)
        self.assertEqual(bodies("--prompt-salt", "fixed"), first)
        kept = self.path("kept.json")
        pathlib.Path(self.run_path, "run.json").rename(kept)
        scale = read_json(kept)["options"]["prompt-scale"]
        self.assertEqual(len(scale), 1)
        self.assertRegex(scale[0], "^other=9:[1-3]{64}$")
        self.assertEqual(bodies("--config", kept, "--prompt-salt", "fixed"), first)
        self.assertEqual(server.probes, [])

    def test_all_runs_of_a_comparison_learn_once(self):
        server, url = self.endpoint()
        for words in (["--repeat", 2], ["--sweep", "concurrency=1,2"]):
            del server.probes[:]
            self.bench("--url", url, "--model", "own", *words)
            self.assertEqual(len(server.probes), 19, words)
        del server.seen[:], server.probes[:]
        second, other = self.endpoint(template=30)
        self.bench("--url", url, "--url", other, "--model", "own", "--repeat", 2, "--prompt-salt", "fixed")
        self.assertEqual(len(server.probes), 19)
        self.assertEqual(second.probes, [])
        self.assertEqual(sorted(server.seen), sorted(second.seen))

    def test_requests_beyond_the_context_are_told_before_the_run(self):
        _, url = self.endpoint(context=2000)
        done = self.bench("--url", url, "--model", "own", "--repeat", 2)
        told = "own takes 2000 tokens, in and out together: 2 of 8 requests ask for more (8001 at most)"
        self.assertEqual(done.stderr.count(told), 1, done.stderr)
        self.assertNotIn("ask for more", self.bench("--url", url, "--model", "unlisted").stderr)
        _, roomy = self.endpoint(context=8001)
        self.assertNotIn("ask for more", self.bench("--url", roomy, "--model", "own").stderr)

    def test_a_scale_that_is_none_is_refused(self):
        done = self.bench("--url", "http://127.0.0.1:1/v1", "--prompt-scale", "9:1", expect=2)
        self.assertIn('--prompt-scale "9:1": expected MODEL=TEMPLATE:TOKENS', done.stderr)

    def post(self, url, body):
        request = urllib.request.Request(url, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def test_the_mock_counts_as_it_bills(self):
        _, url = self.start_mock("--tokens-per-word", 2, "--template-tokens", 9)
        aside = url.replace("/v1", "/tokenize")
        for path, prompt in (("/completions", {"prompt": "one two three"}),
                             ("/chat/completions", {"messages": [
                                 {"role": "system", "content": "be brief"},
                                 {"role": "user", "content": [{"type": "text", "text": "one two"}]}]})):
            usage = self.post(url + path, {"model": "m", "max_tokens": 1, **prompt})["usage"]
            told = self.post(aside, {"model": "m", "add_special_tokens": True, **prompt})
            self.assertEqual(told["count"], usage["prompt_tokens"])
            self.assertEqual(len(told["tokens"]), told["count"])
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.post(aside, {"model": "m"})
        self.assertEqual(refused.exception.code, 400)
        refused.exception.close()
        self.bench("--url", url)
        for asked, got in self.asked_against_got():
            self.assertLessEqual(abs(got - asked), 1)

"""Secrets: from a file or the environment to the endpoint, and nowhere else."""
import json
import pathlib
import shutil
import unittest

from support import Case, Handler, Server, accounting_adds_up, read_json, read_lines

ROWS = "".join('{"timestamp": %d, "input_length": 20, "output_length": 2}\n' % i for i in range(6))
KEY = "sk-proj-9fQ2mXw7Lr4TzB8e"


class Echo(Handler):
    """Answers what its server's `answer` makes of a request's headers and body: status, text."""

    def do_GET(self):
        self.server.paths.append(self.path)
        self.reply(200, json.dumps({"data": [{"id": "m"}]}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((dict(self.headers), body))
        self.server.paths.append(self.path)
        status, text = self.server.answer(self.headers, body)
        self.reply(status, text, "text/event-stream" if text.startswith("data:") else "application/json")


def stream(*contents):
    events = [{"choices": [{"delta": {"content": c}}]} for c in contents]
    events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]},
               {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": len(contents),
                                         "note": " ".join(contents)}}]
    return "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"


class Secrets(Case):
    def setUp(self):
        super().setUp()
        self.workload = self.write("w.jsonl", ROWS)
        self.run_path = self.path("run")

    def serve(self, answer=lambda headers, body: (200, stream(" a", " b"))):
        server = Server(("127.0.0.1", 0), Echo)
        server.seen, server.paths, server.answer = [], [], answer
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def bench(self, *words, out=None, env=None, **more):
        if "--config" not in words:  # a run that fails would replace none
            shutil.rmtree(out or self.run_path, ignore_errors=True)
        self.said = self.farebox("bench", "--trace", self.workload, "-o", out or self.run_path, "--force",
                                 "--no-probe", *words,
                                 env={"OPENAI_API_KEY": "", **(env or {})}, **more)
        return self.said

    def assert_nowhere(self, *secrets):
        """No part of them is in what the last run wrote and said, nor in its page."""
        page = self.farebox("report", self.run_path, "--no-plots")
        texts = {"terminal": self.said.stdout + self.said.stderr + page.stdout + page.stderr}
        for path in pathlib.Path(self.run_path).rglob("*"):
            if path.is_file():
                texts[path.name] = path.read_text()
        for name, text in texts.items():
            for secret in secrets:
                for part in {secret, secret[:8], secret[-8:]}:
                    self.assertNotIn(part, text, name)

    def test_a_key_that_the_endpoint_repeats_is_hidden(self):
        for said, escape in ((KEY, True), (KEY[:11] + "********" + KEY[-4:], True),
                             (KEY[:6] + "••••" + KEY[-4:], True), (KEY[:-2] + "…", False)):
            with self.subTest(said):
                words = f"Incorrect API key provided: {said} (ask for another)"
                _, url = self.serve(lambda h, b: (401, json.dumps({"error": {"message": words}}, ensure_ascii=escape)))
                self.bench("--url", url, env={"OPENAI_API_KEY": KEY}, expect=1)
                self.assert_nowhere(KEY)
                self.assertNotIn(KEY[-4:], self.said.stderr)
                sample = read_json(self.run_path + "/summary.json")["error_samples"]["auth"]
                self.assertEqual(sample,
                                 ["Incorrect API key provided: (hidden) (ask for another)"])

    def test_a_key_in_a_recorded_answer_is_hidden_however_it_was_cut(self):
        _, url = self.serve(lambda h, b: (200, stream("your key is ", KEY[:10], KEY[10:], " now")))
        self.bench("--url", url, "--record", "text,raw", env={"OPENAI_API_KEY": KEY})
        record = read_lines(self.run_path + "/requests.jsonl")[0]
        self.assertEqual(record["text"], "your key is (hidden) now")
        self.assert_nowhere(KEY)

    def test_a_query_stays_behind_the_path_and_its_key_is_hidden(self):
        server, url = self.serve(lambda h, b: (401, json.dumps({"error": {"message": "bad key " + KEY}})))
        for query in (f"key={KEY}&api-version=2024-10-21", f"api-version=2024-10-21&sig={KEY}#top", KEY,
                      f"tenant={KEY[8:] * 2}"):
            with self.subTest(query):
                self.bench("--url", f"{url}/?{query}", expect=1)
                self.assertEqual(server.paths[-1], "/v1/chat/completions?" + query.split("#")[0])
                self.assert_nowhere(KEY[8:])
                self.assertIn("the query of --url on the command line", self.said.stderr)
                self.assertIn("(hidden)", read_json(self.run_path + "/run.json")["options"]["url"][0])
                if "version" in query:
                    self.assertIn("api-version=2024-10-21", (pathlib.Path(self.run_path) / "run.json").read_text())
                done = self.farebox("bench", "--config", self.run_path + "/run.json", "-o", self.path("x"), expect=2)
                self.assertIn("give every --url anew", done.stderr)
        shutil.rmtree(self.run_path)
        self.said = self.farebox("bench", "--trace", self.workload, "-o", self.run_path, "--url",
                                 f"{url}?key={KEY}", expect=1)
        self.assertIn(f"/v1/models?key={KEY}", server.paths)
        self.assert_nowhere(KEY)
        done = self.farebox("bench", "--trace", self.workload, "--url", f"{url}?key={KEY}", "--dry-run")
        self.assertNotIn(KEY[:8], done.stdout + done.stderr)
        self.bench("--url", f"{url}?api-version=2024-10-21&model=meta-llama-3.1-8b-instruct", expect=1)
        self.assertNotIn("(hidden)&", (pathlib.Path(self.run_path) / "run.json").read_text())
        self.assertNotIn("query of --url", self.said.stderr)

    def test_a_query_is_read_as_a_server_reads_it(self):
        """Nothing but the name tells these words from others."""
        word = "bluehorsestaple"
        server, url = self.serve(lambda h, b: (401, json.dumps({"error": {"message": "no: " + word}})))
        coded = "".join(f"%{ord(c):02x}" for c in word)
        for query in (f"api%5Fkey={word}", f"%74oken={word}", f"a=1;%61pi-key={word}", f"v=2&api%5fkey={coded}",
                      f"to=https%3A%2F%2Fh%3Faccess_token%3D{word}", f"p=%73k-{word}", f"api_key%3D{word}"):
            with self.subTest(query):
                self.bench("--url", f"{url}?{query}", expect=1)
                self.assertEqual(server.paths[-1], "/v1/chat/completions?" + query)
                self.assert_nowhere(word, coded)
                self.assertIn("the query of --url on the command line", self.said.stderr)
        for query in ("%zz=" + word, "keyboard=" + word, f"q=a%2520b%{word}"):
            self.bench("--url", f"{url}?{query}", expect=1)
            self.assertNotIn("the query of --url", self.said.stderr)

    def test_the_probe_repeats_no_key(self):
        _, url = self.serve(lambda h, b: (401, json.dumps({"error": {"message": "bad " + KEY}})))
        self.said = self.farebox("bench", "--trace", self.workload, "-o", self.run_path, "--url",
                                 url, "-n", 2, env={"OPENAI_API_KEY": KEY}, expect=1)
        self.assertIn("(HTTP status 401: bad (hidden))", self.said.stderr)
        self.assert_nowhere(KEY)

    def test_a_header_takes_its_value_from_a_file_and_repeats(self):
        server, url = self.serve(lambda h, b: (200, stream(h["x-api-key"])))
        held = self.write("key", KEY + "\nnot this\n")
        self.bench("--url", url, "-H", f"x-api-key: @{held}", "--record", "text")
        self.assertNotIn("command line", self.said.stderr)
        self.assertEqual(server.seen[-1][0]["x-api-key"], KEY)
        self.assert_nowhere(KEY)
        self.bench("--config", self.run_path + "/run.json", out=self.path("again"))
        self.assertEqual(server.seen[-1][0]["x-api-key"], KEY)

    def test_a_secret_on_the_command_line_is_warned_of_and_not_written(self):
        server, url = self.serve(lambda h, b: (200, stream(h["x-api-key"])))
        words = ["-H", f"x-api-key: {KEY}", "-H", "X-Team: blue", "--body",
                 json.dumps({"api_key": KEY + "-body", "user": "u"})]
        self.bench("--url", url, *words, "--record", "text,raw")
        self.assertIn("header x-api-key on the command line", self.said.stderr)
        self.assertIn("credential in --body on the command line", self.said.stderr)
        self.assertEqual(server.seen[-1][0]["x-api-key"], KEY)
        self.assertEqual(json.loads(server.seen[-1][1])["api_key"], KEY + "-body")
        self.assert_nowhere(KEY)
        options = read_json(self.run_path + "/run.json")["options"]
        self.assertEqual(options["header"], ["x-api-key: (hidden)", "X-Team: blue"])
        self.assertEqual(json.loads(options["body"]), {"api_key": "(hidden)", "user": "u"})
        del server.seen[:]
        run, again = ["--config", self.run_path + "/run.json"], self.path("again")
        self.bench(*run, out=again, expect=2)
        self.assertIn("header x-api-key is not in run.json", self.said.stderr)
        self.bench(*run, *words[:4], out=again, expect=2)
        self.assertIn("give the --body anew", self.said.stderr)
        self.assertEqual(server.seen, [])
        self.bench(*run, *words, out=again)
        self.assertEqual(server.seen[-1][0]["x-api-key"], KEY)

    def test_what_is_no_header_is_not_shown(self):
        _, url = self.serve()
        self.bench("--url", url, "-H", f"Authorization Bearer {KEY}", expect=2)
        self.assertIn("header 1 is none", self.said.stderr)
        self.assertNotIn(KEY, self.said.stderr)

    def test_user_and_password_of_a_url_are_sent_and_not_written(self):
        server, url = self.serve(lambda h, b: (401, "no such user: me, with pass%word12 or "
                                                + h["Authorization"]))
        secret = url.replace("http://", "http://me:pass%25word12@")
        self.bench("--url", secret, expect=1)
        self.assertEqual(server.seen[-1][0]["Authorization"], "Basic bWU6cGFzcyV3b3JkMTI=")
        self.assertIn("password of --url on the command line", self.said.stderr)
        self.assert_nowhere("pass%25word12", "pass%word12", "bWU6cGFzcyV3b3JkMTI=")
        for record in read_lines(self.run_path + "/requests.jsonl"):
            self.assertEqual(record["endpoint"], url)
        run = self.run_path + "/run.json"
        self.assertEqual(read_json(run)["options"]["url"], [url.replace("//", "//(hidden)@")])
        self.bench("--config", run, out=self.path("again"), expect=2)
        self.assertIn("give every --url anew", self.said.stderr)

    def keys_seen(self, *servers):
        return [{s[0].get("Authorization") for s in server.seen} for server in servers]

    def test_each_url_gets_its_own_key_and_no_other(self):
        (a, url_a), (b, url_b) = self.serve(), self.serve()
        urls = ["--url", url_a, "--url", url_b]
        env = {"OPENAI_API_KEY": KEY, "KEY_A": "key-of-the-first", "KEY_B": "key-of-the-second"}
        files = [self.write("a", "file-key-first\n"), self.write("b", "file-key-second\n")]
        for words, seen in (
                ([], [{None}, {None}]),
                (["--api-key-env", "OPENAI_API_KEY"], [{"Bearer " + KEY}] * 2),
                (["--api-key-env", "KEY_A", "--api-key-env", "KEY_B"],
                 [{"Bearer key-of-the-first"}, {"Bearer key-of-the-second"}]),
                (["--api-key-env", "none", "--api-key-env", "KEY_B"],
                 [{None}, {"Bearer key-of-the-second"}]),
                (["--api-key-file", files[0], "--api-key-file", files[1]],
                 [{"Bearer file-key-first"}, {"Bearer file-key-second"}])):
            with self.subTest(words):
                del a.seen[:], b.seen[:]
                self.bench(*urls, *words, env=env)
                self.assertEqual(self.keys_seen(a, b), seen)
                self.assertEqual("OPENAI_API_KEY goes to no endpoint" in self.said.stderr,
                                 not words)
        self.bench(*urls[:2], env=env)
        self.assertEqual(self.keys_seen(a)[0] & {"Bearer " + KEY}, {"Bearer " + KEY})

    def test_keys_that_do_not_pair_are_refused(self):
        _, url = self.serve()
        held = self.write("key", KEY)
        for words, said in (
                (["--api-key-env", "NOT_THERE"], "the environment has no such key"),
                (["--api-key-env", "A", "--api-key-file", held], "exclude each other"),
                (["--api-key-file", held, "--api-key-file", held], "do not pair"),
                (["--api-key-file", self.path("absent")], "absent"),
                (["-H", "x-api-key: @" + self.path("absent")], "absent"),
                (["--api-key-file", self.write("empty", "\n")], "holds no key")):
            with self.subTest(words):
                self.bench("--url", url, *words, expect=2)
                self.assertIn(said, self.said.stderr)

    def test_an_own_authorization_replaces_the_key(self):
        server, url = self.serve()
        own = self.write("own", "Digest own-credential\n")
        self.bench("--url", url, "-H", f"authorization: @{own}", env={"OPENAI_API_KEY": KEY})
        self.assertEqual(self.keys_seen(server), [{None}])
        self.assertEqual({s[0]["authorization"] for s in server.seen}, {"Digest own-credential"})
        accounting_adds_up(self, self.run_path)


if __name__ == "__main__":
    unittest.main()

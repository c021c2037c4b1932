"""Servers that refuse: what is left out for them, when they are asked again, and what a user is told."""
import json
import shutil
import socket
import ssl
import time
import unittest

from support import Case, Handler, Server, accounting_adds_up, read_json

ROWS = "".join('{"timestamp": %d, "input_length": 20, "output_length": 2}\n' % (20 * i) for i in range(5))
KEY = "sk-lab-5kW8dPz3Vn7Qc2Jx"
NO_ENVIRONMENT = {"OPENAI_API_KEY": "", "http_proxy": "", "https_proxy": "", "HTTPS_PROXY": "",
                  "all_proxy": "", "ALL_PROXY": ""}


def forbids(key):
    """Refuses as FastAPI does."""
    def refuse(body):
        if key in body:
            return 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", key],
                                     "msg": "Extra inputs are not permitted", "input": body[key]}]}
        return None
    return refuse


def wants_other(key, other):
    """Refuses as OpenAI's reasoning models do."""
    def refuse(body):
        if key in body:
            words = f"Unsupported parameter: '{key}' is not supported with this model. Use '{other}' instead."
            return 400, {"error": {"message": words, "param": key, "code": "unsupported_parameter"}}
        return None
    return refuse


class Strict(Handler):
    """Refuses what one of its server's `refusals` refuses; else counts words and answers."""

    def do_GET(self):
        self.server.paths.append(self.path)
        self.reply(200, json.dumps({"data": [{"id": f"model-{i}"} for i in range(9)]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        self.server.seen.append(body)
        self.server.times.append(time.monotonic())
        for refuse in self.server.refusals:
            refused = refuse(body)
            if refused:
                self.refuse(*refused)
                return
        self.answer(body)

    def refuse(self, status, what, headers=()):
        text = what if isinstance(what, str) else json.dumps(what)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if text.startswith("<") else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def answer(self, body):
        words = len(body["messages"][0]["content"].split())
        asked = body.get("max_tokens", body.get("max_completion_tokens", 3))
        usage = {"prompt_tokens": words + 3, "completion_tokens": asked}
        if not body.get("stream") or self.server.whole:
            self.reply(200, json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
                                        "usage": usage}))
            return
        events = [{"choices": [{"delta": {"content": " t"}}]}] * asked
        events += [{"choices": [{"delta": {}, "finish_reason": "length"}]}]
        if body.get("stream_options"):
            events += [{"choices": [], "usage": usage}]
        self.reply(200, "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n",
                   "text/event-stream")


class Manners(Case):
    def setUp(self):
        super().setUp()
        self.workload = self.write("w.jsonl", ROWS)
        self.run_path = self.path("run")

    def serve(self, *refusals, family=socket.AF_INET, whole=False):
        kind = type("Own", (Server,), {"address_family": family})
        server = kind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), Strict)
        server.refusals, server.whole = refusals, whole
        server.seen, server.paths, server.times = [], [], []
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}"

    def bench(self, *words, env=None, **more):
        shutil.rmtree(self.run_path, ignore_errors=True)
        return self.farebox("bench", "--trace", self.workload, "-o", self.run_path, "--force", "--model", "m",
                            *words, env={**NO_ENVIRONMENT, **(env or {})}, **more)

    def completed(self):
        summary = accounting_adds_up(self, self.run_path)
        self.assertEqual(summary["accounting"]["completed"], 5)
        return summary

    # ---- members of the body ----

    def test_what_a_server_does_not_take_is_left_out_of_all_requests(self):
        server, url = self.serve(forbids("stream_options"))
        done = self.bench("--url", url + "/v1")
        summary = self.completed()
        self.assertIn("stream_options is not taken and left out", done.stderr)
        self.assertEqual(summary["fidelity"]["probes"][0]["remarks"], "stream_options is not taken and left out")
        self.assertTrue(all("stream_options" not in body and body["stream"] for body in server.seen[-5:]))
        self.assertEqual(len([b for b in server.seen if "stream_options" in b]), 1)
        self.assertTrue(all(r["streamed"] for r in self.records(self.run_path).values()))

    def test_the_length_is_asked_for_by_the_name_that_is_taken(self):
        server, url = self.serve(wants_other("max_tokens", "max_completion_tokens"), forbids("stream_options"))
        done = self.bench("--url", url + "/v1")
        summary = self.completed()
        self.assertIn("max_tokens is not taken: the length of answers is asked for as max_completion_tokens",
                      done.stderr)
        self.assertEqual(summary["all"]["output_tokens"], 10)
        for body in server.seen[-5:]:
            self.assertEqual(body["max_completion_tokens"], 2)
            self.assertNotIn("max_tokens", body)
        self.assertTrue(summary["fidelity"]["probes"][0]["measured"])

    def test_a_length_that_is_taken_by_no_name_is_not_asked_for(self):
        server, url = self.serve(forbids("max_tokens"), forbids("max_completion_tokens"))
        done = self.bench("--url", url + "/v1")
        self.completed()
        self.assertIn("max_completion_tokens is not taken and left out: answers end where the model ends them",
                      done.stderr)
        self.assertFalse({"max_tokens", "max_completion_tokens"} & set(server.seen[-1]))

    def test_a_length_of_one_token_that_is_too_short_hides_nothing(self):
        def at_least_16(body):
            if body.get("max_tokens", 16) < 16:
                return 400, {"error": {"message": "max_tokens must be at least 16"}}
            return None
        server, url = self.serve(at_least_16, forbids("stream_options"))
        self.workload = self.write("long.jsonl", ROWS.replace('"output_length": 2', '"output_length": 20'))
        done = self.bench("--url", url + "/v1")
        self.assertIn("stream_options is not taken and left out", done.stderr)
        self.assertEqual(server.seen[-1]["max_tokens"], 20)
        self.completed()

    def test_the_users_own_members_are_sent_and_named_where_they_are_refused(self):
        server, url = self.serve(forbids("ignore_eos"))
        done = self.bench("--url", url + "/v1", "--body", '{"ignore_eos": true}', expect=1)
        self.assertIn("Extra inputs are not permitted (ignore_eos); leave ignore_eos out of --body", done.stderr)
        self.assertTrue(all("ignore_eos" in body for body in server.seen))

    def test_null_leaves_a_key_out(self):
        server, url = self.serve(forbids("stream_options"), forbids("model"))
        done = self.bench("--url", url + "/v1", "--no-probe", "--body",
                          '{"stream_options": null, "model": null, "top_k": 4}')
        self.completed()
        self.assertNotIn("not taken", done.stderr)
        self.assertEqual(set(server.seen[-1]), {"messages", "max_tokens", "stream", "top_k"})
        # as run.json has it
        self.farebox("bench", "--config", self.run_path + "/run.json", "-o", self.path("again"), env=NO_ENVIRONMENT)
        self.assertEqual(set(server.seen[-1]), {"messages", "max_tokens", "stream", "top_k"})

    def test_without_a_probe_the_error_says_what_leaves_the_key_out(self):
        for refuse, hint in ((forbids("stream_options"), "--body '{\"stream_options\": null}' leaves it out"),
                             (wants_other("max_tokens", "max_completion_tokens"),
                              "try --output-key max_completion_tokens")):
            _, url = self.serve(refuse)
            done = self.bench("--url", url + "/v1", "--no-probe", expect=1)
            self.assertIn(hint, done.stderr)

    def test_an_endpoint_that_does_not_stream_is_told_before_the_run(self):
        _, url = self.serve(whole=True)
        done = self.bench("--url", url + "/v1")
        self.completed()
        self.assertIn("it answers as a whole although a stream was asked for", done.stderr)

    # ---- when to ask again ----

    def test_a_server_is_not_asked_again_before_it_allows_it(self):
        for header, least_s in ((("Retry-After-Ms", "700"), 0.7), (("Retry-After", "0.8"), 0.8),
                                (("x-ratelimit-reset-requests", "0.9s"), 0.9)):
            with self.subTest(header):
                server, url = self.serve(lambda body, h=header: self.once(429, {"error": "slow down"}, [h]))
                self.workload = self.write("one.jsonl", ROWS.splitlines()[0])
                self.refused = False
                self.bench("--url", url + "/v1", "--no-probe", "--retry", 1, "--retry-backoff", "10ms")
                self.assertEqual(len(server.times), 2)
                self.assertGreaterEqual(server.times[1] - server.times[0], least_s)

    def once(self, *refusal):
        if self.refused:
            return None
        self.refused = True
        return refusal

    # ---- addresses ----

    def test_every_form_of_an_address_leads_to_the_api(self):
        for given, asked in (("/v1", "/v1/chat/completions"), ("/v1/", "/v1/chat/completions"),
                             ("/v1/chat/completions", "/v1/chat/completions"),
                             ("/v1/chat/completions/", "/v1/chat/completions/"),
                             ("/v1#top", "/v1/chat/completions"),
                             ("/openai/deployments/d?api-version=2024-10-21",
                              "/openai/deployments/d/chat/completions?api-version=2024-10-21")):
            with self.subTest(given):
                server, url = self.serve()
                self.bench("--url", url + given, "--no-probe")
                self.assertEqual(set(server.paths), {asked})
                self.completed()

    def test_the_path_of_an_address_names_the_api(self):
        mock = self.mock("--ttft-ms", 1, "--itl-ms", 1)
        for api, path in (("messages", "/messages"), ("responses", "/responses"), ("embeddings", "/embeddings")):
            with self.subTest(api):
                done = self.bench("--url", mock + path)
                self.completed()
                self.assertIn(f"--url ends in {path}: asked by --api {api}", done.stderr)
                config = read_json(self.run_path + "/run.json")["options"]
                self.assertEqual(config["api"], api)
        done = self.bench("--url", mock + "/messages", "--api", "chat")
        self.completed()
        self.assertNotIn("--url ends in", done.stderr)
        done = self.bench("--url", mock + "/messages", "--url", mock + "/responses")
        self.completed()
        self.assertIn("the paths of several APIs: all are asked at /chat/completions (--api)", done.stderr)

    def test_an_address_of_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest("this machine has no IPv6")
        try:
            server, _ = self.serve(family=socket.AF_INET6)
        except OSError as e:
            self.skipTest(f"this machine has no IPv6: {e}")
        self.bench("--url", f"http://[::1]:{server.server_port}/v1")
        self.completed()

    # ---- messages ----

    def fails(self, url, *parts, words=("--no-probe",), env=None):
        done = self.bench("--url", url, *words, expect=1, env=env)
        error = done.stderr.strip().splitlines()[-1]
        for part in parts:
            self.assertIn(part, error)
        return done

    def test_a_base_without_its_version(self):
        server, url = self.serve(lambda body: None if server.paths[-1].startswith("/v1/")
                                 else (404, {"detail": "Not Found"}))
        self.fails(url, f"POST {url}/chat/completions: HTTP status 404 (application/json): Not Found",
                   f"try --url {url}/v1")
        self.bench("--url", url + "/v1")
        self.completed()

    def test_a_redirect_says_where_to_go_and_its_secret_is_hidden(self):
        for location, hint in (("/v1/chat/completions/", "/v1/chat/completions/: give that as --url"),
                               ("https://other.example/v1/chat/completions", "give --url https://other.example/v1"),
                               (f"/v1/chat/completions/?key={KEY}", "/v1/chat/completions/?key=(hidden)")):
            _, url = self.serve(lambda body, to=location: (307, "", [("Location", to)]))
            done = self.fails(f"{url}/v1?key={KEY}", f"POST {url}/v1/chat/completions?key=(hidden)",
                              "HTTP status 307 to ", hint)
            record = next(iter(self.records(self.run_path).values()))
            self.assertIn("HTTP status 307 to http", record["message"])
            self.assertNotIn(KEY[:8], done.stderr + json.dumps(record))

    def test_a_web_page(self):
        for status in (200, 404):
            _, url = self.serve(lambda body, s=status: (s, "<html><title>The Lab</title></html>"))
            self.fails(url, f"HTTP status {status} (text/html): a web page: \"The Lab\"", f"try --url {url}/v1")

    def test_a_key_is_told_by_where_it_comes_from(self):
        _, url = self.serve(lambda body: (401, {"error": {"message": "Unauthorized"}}))
        self.fails(url + "/v1", "HTTP status 401", "no key was sent: put it into OPENAI_API_KEY")
        for words, env, source in (((), {"OPENAI_API_KEY": KEY}, "OPENAI_API_KEY"),
                                   (("--api-key-env", "LAB"), {"LAB": KEY}, "LAB"),
                                   (("--api-key-file", self.write("k.txt", KEY)), {}, "k.txt"),
                                   (("--header", "Authorization: @" + self.write("h.txt", "Bearer " + KEY)), {},
                                    "--header")):
            done = self.fails(url + "/v1", "the key comes from ", source, words=("--no-probe", *words), env=env)
            self.assertNotIn(KEY, done.stderr)

    def test_a_model_that_is_not_there(self):
        refuse = (404, {"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}})
        _, url = self.serve(lambda body: refuse)
        self.fails(url + "/v1", "The model `m` does not exist.", "the endpoint serves model-0, model-1",
                   "and 3 more: give one as --model", words=())
        self.fails(url + "/v1", f"GET {url}/v1/models lists them")

    def test_https_where_it_is_http_and_the_other_way_round(self):
        _, url = self.serve()
        self.fails(url.replace("http:", "https:") + "/v1", f"try --url {url}/v1")
        cert, key = self.certificate()
        server, url = self.serve()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None
        self.fails(url + "/v1", "try --url " + url.replace("http:", "https:") + "/v1")
        self.fails(url.replace("http:", "https:") + "/v1", "--cacert FILE names a certificate to trust")

    def test_nothing_there_and_a_proxy_that_is_not_used(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        self.fails(f"http://127.0.0.1:{port}/v1", "nothing answers there")
        self.fails(f"http://127.0.0.1:{port}/v1", "http_proxy is set, but farebox goes to the endpoint itself",
                   env={"http_proxy": "http://proxy.example:3128"})
        self.fails("http://no-such-host.invalid/v1", "check the host's name in --url")

    def test_some_failures_get_one_line_a_kind(self):
        def every_second(body):
            return (404, {"detail": "Not Found"}) if len(server.seen) % 2 == 0 else None
        server, url = self.serve(every_second)
        done = self.bench("--url", url + "/v1", "--no-probe")
        self.assertEqual(done.stderr.count("HTTP status 404"), 1, done.stderr)
        self.assertIn(f"2 times POST {url}/v1/chat/completions: HTTP status 404 (application/json): Not Found; "
                      "check that --url", done.stderr)


if __name__ == "__main__":
    unittest.main()

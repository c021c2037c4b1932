"""farebox mock as a user meets it: started from the shell, asked with curl."""
import json
import re
import shutil
import signal
import subprocess
import unittest

from support import Case, read_lines


class Mock(Case):
    def curl(self, url, *words, body=None, expect=0):
        """Runs curl; gives (status, headers, body)."""
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not installed")
        data = [] if body is None else ["-H", "Content-Type: application/json", "-d",
                                        body if isinstance(body, str) else json.dumps(body)]
        done = subprocess.run(["curl", "-sS", "-N", "-i", "--max-time", "20", *data, *words, url],
                              capture_output=True, timeout=30)
        self.assertEqual(done.returncode, expect, done.stderr)
        text = done.stdout.decode(errors="replace")
        if not text:
            return 0, {}, ""
        head, _, rest = text.partition("\r\n\r\n")
        while head.startswith("HTTP/1.1 100"):
            head, _, rest = rest.partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
        return int(lines[0].split()[1]), headers, rest

    def ask(self, more=None):
        return {"model": "m", "messages": [{"role": "user", "content": "one two three"}],
                "max_tokens": 5, **(more or {})}

    def test_whole_answer(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1")
        status, headers, body = self.curl(f"{url}/chat/completions", "-H", "x-request-id: q1",
                                          body=self.ask())
        answer = json.loads(body)
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["x-request-id"], "q1")
        self.assertEqual(answer["usage"]["prompt_tokens"], 10)
        self.assertEqual(answer["usage"]["completion_tokens"], 5)
        self.assertEqual(len(answer["choices"][0]["message"]["content"].split()), 5)

    def test_stream(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1")
        status, headers, body = self.curl(
            f"{url}/chat/completions",
            body=self.ask({"stream": True, "stream_options": {"include_usage": True}}))
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/event-stream"))
        events = [e.removeprefix("data: ") for e in body.split("\n\n") if e]
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(e) for e in events[:-1]]
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        text = [c["choices"][0]["delta"].get("content") for c in chunks[1:6]]
        self.assertEqual(len("".join(text).split()), 5)
        self.assertEqual(chunks[6]["choices"][0]["finish_reason"], "length")
        self.assertEqual(chunks[7]["choices"], [])
        self.assertEqual(chunks[7]["usage"]["completion_tokens"], 5)

    def test_a_later_turn_hits_the_answer_that_it_repeats(self):
        words = " ".join(f"w{i}" for i in range(100))
        for generated in (True, False):
            base = self.mock("--engine", self.write("engine.json", json.dumps(
                {"kind": "steps", "kv_blocks": 5000, "w0": 0.05, "w1": 0.0001, "generated": generated})))

            def ask(path, prompt, more=None):
                body = {"model": path, **prompt, **(more or {})}
                length = "max_output_tokens" if path == "responses" else "max_tokens"
                status, _, text = self.curl(f"{base}/{path}", "-H", "anthropic-version: 2023-06-01",
                                            body={length: 75, **body})
                self.assertEqual(status, 200, text)
                return json.loads(text)

            def hits():
                text = self.curl(base.removesuffix("/v1") + "/metrics")[2]
                return int(float(re.search(r"^vllm:prefix_cache_hits_total\S* (\S+)", text, re.M)[1]))

            # 7 tokens of the template, 100 words and some of the answer's 75, the last not computed on.
            hit = (107 + 74 if generated else 107) // 16 * 16
            more = {"role": "user", "content": "and what follows"}

            def says(role, content):
                return {"role": role, "content": content}

            user = says("user", words)
            said = ask("chat/completions", {"messages": [user]})["choices"][0]["message"]
            talk = ask("chat/completions", {"messages": [user, said, more]})
            self.assertEqual(talk["usage"]["prompt_tokens_details"]["cached_tokens"], hit)
            text = ask("completions", {"prompt": words})["choices"][0]["text"]
            both = ask("completions", {"prompt": words + text + " and what follows"})
            self.assertEqual(both["usage"]["prompt_tokens_details"]["cached_tokens"], hit)
            for by_id in (True, False):
                user = says("user", f"{by_id}{words}")
                first = ask("responses", {"input": [user]})
                later = ask("responses", {"previous_response_id": first["id"], "input": [more]} if by_id
                            else {"input": [user, *first["output"], more]})
                self.assertEqual(later["usage"]["input_tokens_details"]["cached_tokens"], hit)
            for blocks in (True, False):
                user = says("user", f"{blocks}-{words}")
                content = ask("messages", {"messages": [user]})["content"]
                before = hits()
                ask("messages", {"messages": [
                    user, says("assistant", content if blocks else content[0]["text"]), more]})
                self.assertEqual(hits() - before, hit)

    def test_an_answer_of_calls_is_hit_and_one_with_reasoning_is_not(self):
        engine = self.write("engine.json", json.dumps({"kind": "steps", "kv_blocks": 5000, "w0": 0.05, "w1": 0.0001}))
        words = " ".join(f"w{i}" for i in range(100))
        tools = [{"type": "function", "function": {"name": "f", "parameters": {
            "type": "object", "properties": {"a": {"type": "string"}}}}}]
        for reasoning in (0, 20):
            base = self.mock("--engine", engine, "--reasoning-tokens", reasoning)

            def ask(messages):
                body = {"model": "m", "messages": messages, "tools": tools, "max_tokens": 150}
                return json.loads(self.curl(f"{base}/chat/completions", body=body)[2])
            user = {"role": "user", "content": words}
            said = ask([user])["choices"][0]["message"]
            call = said["tool_calls"][0]
            result = {"role": "tool", "tool_call_id": call["id"], "content": words}
            hit = ask([user, said, result])["usage"]["prompt_tokens_details"]["cached_tokens"]
            known = 107 if reasoning else 107 + len(call["function"]["arguments"].split())
            self.assertEqual(hit, known // 16 * 16)

    def test_other_endpoints(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1")
        root = url.removesuffix("/v1")
        self.assertEqual(json.loads(self.curl(f"{url}/models")[2])["data"][0]["object"], "model")
        self.assertEqual(self.curl(f"{root}/health")[0], 200)
        self.assertIn("vllm:num_requests_running", self.curl(f"{root}/metrics")[2])
        _, _, body = self.curl(f"{url}/embeddings",
                               body={"model": "m", "input": "x", "dimensions": 4})
        self.assertEqual(len(json.loads(body)["data"][0]["embedding"]), 4)
        _, _, body = self.curl(f"{url}/completions",
                               body={"model": "m", "prompt": "x", "max_tokens": 2})
        self.assertEqual(json.loads(body)["object"], "text_completion")

    def test_errors(self):
        url = self.mock("--model", "fare-1", "--max-body-bytes", "10000")
        status, _, body = self.curl(f"{url}/chat/completions", body="{")
        self.assertEqual((status, json.loads(body)["error"]["code"]), (400, "invalid_json"))
        status, _, body = self.curl(f"{url}/chat/completions", body=self.ask())
        self.assertEqual((status, json.loads(body)["error"]["code"]), (404, "model_not_found"))
        status, _, body = self.curl(f"{url}/chat/completions",
                                    body=self.ask({"model": "fare-1", "top_p": "x"}))
        self.assertEqual((status, json.loads(body)["error"]["param"]), (400, "top_p"))
        big = self.write("big.json", "x" * 3_000_000)
        status, _, _ = self.curl(f"{url}/chat/completions", "-H", "Expect:", "--data-binary",
                                 f"@{big}")
        self.assertEqual(status, 413)

    def test_faults(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1", "--fault", "status=503@#1")
        self.assertEqual(self.curl(f"{url}/chat/completions", body=self.ask())[0], 503)
        chat = f"{url}/chat/completions"
        stream = self.ask({"stream": True})
        self.curl(chat, "-H", "x-farebox-fault: reset", body=stream, expect=56)
        self.curl(chat, "-H", "x-farebox-fault: truncate-after=1", body=stream, expect=18)
        status, _, body = self.curl(chat, "-H", "x-farebox-fault: no-done", body=stream)
        self.assertEqual(status, 200)
        self.assertNotIn("[DONE]", body)

    def test_quotas(self):
        keys = self.write("keys", "sk-1 rpm=1\n")
        url = self.mock("--api-key-file", keys, "--ttft-ms", "1", "--itl-ms", "1")
        chat, key = f"{url}/chat/completions", ["-H", "Authorization: Bearer sk-1"]
        self.assertEqual(self.curl(chat, body=self.ask())[0], 401)
        status, headers, _ = self.curl(chat, *key, body=self.ask())
        self.assertEqual((status, headers["x-ratelimit-remaining-requests"]), (200, "0"))
        status, headers, body = self.curl(chat, *key, body=self.ask())
        self.assertEqual(status, 429)
        self.assertGreater(int(headers["retry-after"]), 50)
        self.assertEqual(json.loads(body)["error"]["code"], "rate_limit_exceeded")

    def test_truth_log_and_report(self):
        log = self.path("truth.jsonl")
        process = self.start("mock", "--listen", "127.0.0.1:0", "--json", "--log", log,
                             "--ttft-ms", "5", "--itl-ms", "2")
        url = json.loads(process.stdout.readline())["url"]
        self.curl(f"{url}/chat/completions", "-H", "x-request-id: q7",
                  body=self.ask({"stream": True}))
        process.send_signal(signal.SIGTERM)
        report = json.loads(process.stdout.readline())
        self.assertEqual(process.wait(10), 0)
        self.assertEqual((report["requests"], report["completed"], report["chunks"]), (1, 1, 5))
        self.assertGreaterEqual(report["lateness_ms"]["max"], 0)
        line, = read_lines(log)
        self.assertEqual(line["x_request_id"], "q7")
        due = [t - line["read_ns"] for t in line["due_ns"]]
        self.assertEqual(due, [5_000_000 + 2_000_000 * i for i in range(5)])
        self.assertTrue(all(w >= d for w, d in zip(line["written_ns"], line["due_ns"])))

    def test_wrong_options(self):
        for words, hint in [(["--listen", "8000"], "HOST:PORT"),
                            (["--hold", "5"], "FROM:TO"),
                            (["--fault", "resett"], 'did you mean "reset"'),
                            (["--engine", "none-such"], "none-such"),
                            (["--api-key-file", self.path("absent")], "absent"),
                            (["--engine", "constant-200ms-20ms", "--ttft-ms", "3"], "--ttft-ms")]:
            done = self.farebox("mock", *words, expect=2, timeout=10)
            self.assert_refused(done, hint)


if __name__ == "__main__":
    unittest.main()

"""Anthropic's messages and reranking: bench against the mock, and against endpoints of the tests' own."""
import json
import pathlib
import shutil
import signal

from support import Case, Handler, Server, accounting_adds_up, read_json, read_lines

KEY = "sk-ant-very-secret"


class Anthropic(Handler):
    """A small endpoint with Anthropic's manners: its key, its version, usage at both ends of a stream."""

    def do_GET(self):
        self.server.seen.append((dict(self.headers), None))
        self.reply(200, json.dumps({"data": [{"type": "model", "id": "own-model"}], "has_more": False}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((dict(self.headers), body))
        words = sum(len(str(m["content"]).split()) for m in body["messages"])
        usage = {"input_tokens": words + 3, "cache_creation_input_tokens": 0,
                 "cache_read_input_tokens": 40, "output_tokens": 1}
        if not body.get("stream"):
            self.reply(200, json.dumps({"type": "message", "content": [{"type": "text", "text": "x"}],
                                        "stop_reason": "end_turn", "usage": usage}))
            return
        events = [{"type": "message_start", "message": {"content": [], "usage": usage}}, {"type": "ping"}]
        events += [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": " t"}}] * 4
        events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
                   {"type": "message_stop"}]
        self.reply(200, "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events), "text/event-stream")


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")
        self.log = self.path("truth.jsonl")

    def rows(self, count=12, gap_ms=10, **more):
        row = {"input_length": 60, "output_length": 6, **more}
        return self.write("w.jsonl", "".join(json.dumps({"timestamp": i * gap_ms, **row}) + "\n" for i in range(count)))

    def serve(self):
        server = Server(("127.0.0.1", 0), Anthropic)
        server.seen = []
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def bench(self, url, workload, *words, api="messages", **more):
        shutil.rmtree(self.run_path, ignore_errors=True)
        return self.farebox("bench", "--url", url, "--api", api, "--trace", workload, "-o", self.run_path, *words, **more)

    def against_mock(self, workload, *words, mock=(), api="messages", expect=0):
        """Runs against a mock of its own: the records and the truth log, both by request."""
        process, url = self.start_mock("--log", self.log, "--force", "--ttft-ms", 5, "--itl-ms", 1, *mock)
        self.bench(url, workload, "--model", "m", *words, api=api, expect=expect)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        accounting_adds_up(self, self.run_path)
        truth = {t["x_request_id"]: t for t in read_lines(self.log) if t["due_ns"] or t["usage"]}
        return self.records(self.run_path), truth

    def assert_classes_agree(self, records, truth, count):
        self.assertEqual(len(records), count)
        for name, record in records.items():
            got = {k: v for k, v in record["usage"].items() if v and k != "units"}
            self.assertEqual(got, truth[name]["usage"], name)
            self.assertEqual(record["usage_from"], "server")


class Messages(Calls):
    def test_tokens_and_classes_are_those_of_the_truth_log(self):
        for words in ((), ("--no-stream",)):
            with self.subTest(words):
                records, truth = self.against_mock(self.rows(), *words)
                self.assert_classes_agree(records, truth, 12)
                for name, record in records.items():
                    self.assertEqual(record["usage"]["uncached_input"], 60)
                    self.assertEqual(record["usage"]["output"], 6)
                    self.assertEqual(record["chunks"], 0 if words else 6)
                    self.assertEqual(record["finish_reason"], "length")

    def test_images_are_input(self):
        for words in ((), ("--no-stream",)):
            with self.subTest(words):
                records, truth = self.against_mock(self.rows(), "--image-count", "2", "--image-size", "512x512", *words)
                self.assert_classes_agree(records, truth, 12)
                self.assertEqual({r["usage"]["uncached_input"] for r in records.values()}, {60 + 2 * 255})

    def test_thinking_is_reasoning(self):
        body = '{"thinking": {"type": "adaptive"}}'
        for words in ((), ("--no-stream",)):
            with self.subTest(words):
                records, truth = self.against_mock(self.rows(output_length=10), "--body", body, *words,
                                                   mock=("--reasoning-tokens", 4))
                self.assert_classes_agree(records, truth, 12)
                self.assertEqual({(r["usage"]["reasoning"], r["usage"]["output"]) for r in records.values()}, {(4, 6)})
        hidden = '{"thinking": {"type": "adaptive", "display": "omitted"}}'
        records, truth = self.against_mock(self.rows(output_length=10), "--body", hidden, mock=("--reasoning-tokens", 4))
        self.assert_classes_agree(records, truth, 12)
        self.assertEqual({r["chunks"] for r in records.values()}, {6})

    def test_a_cache_of_both_lifetimes_is_written_and_read(self):
        def block(text, ttl):
            return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}
        long, short = " ".join(f"l{i}" for i in range(50)), " ".join(f"s{i}" for i in range(20))
        turns = [{"role": "system", "content": [block(long, "1h")]}, {"role": "user", "content": [block(short, "5m")]},
                 {"role": "user", "content": "one two three"}]
        records, truth = self.against_mock(self.rows(4, gap_ms=100, messages=turns), "--no-probe",
                                           mock=("--template-tokens", 0))
        self.assert_classes_agree(records, truth, 4)
        usages = [records[f"r{i}"]["usage"] for i in range(1, 5)]
        written = {"uncached_input": 3, "cache_write": 20, "cache_write_1h": 50, "output": 6}
        self.assertEqual({k: v for k, v in usages[0].items() if v}, written)
        for usage in usages[1:]:
            self.assertEqual({k: v for k, v in usage.items() if v}, {"uncached_input": 3, "cached_input": 70, "output": 6})

    def test_tools_are_tool_tokens(self):
        tools = [{"name": "f", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
        records, truth = self.against_mock(self.rows(output_length=30), "--record", "text",
                                           "--body", json.dumps({"tools": tools}))
        self.assert_classes_agree(records, truth, 12)
        for record in records.values():
            self.assertEqual(record["finish_reason"], "tool_calls")
            self.assertIn("first_tool_ns", record)
            self.assertTrue(record["text"].startswith("f{"))
            json.loads(record["text"][1:])

    def test_openais_lists_are_said_in_anthropics_form(self):
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "go"},
                 {"role": "assistant", "content": None, "tool_calls": [call]},
                 {"role": "tool", "tool_call_id": "c1", "content": "done"}]
        server, url = self.serve()
        self.bench(url, self.rows(1, messages=turns), "--no-probe", "--model", "m")
        _, body = server.seen[-1]
        self.assertEqual(body["system"], [{"type": "text", "text": "be brief"}])
        self.assertEqual(body["messages"], [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "done"}]}])
        self.assertEqual((body["max_tokens"], body["stream"]), (6, True))
        self.assertNotIn("stream_options", body)

    def test_the_key_the_version_and_the_first_model(self):
        server, url = self.serve()
        bare = {"ANTHROPIC_API_KEY": "", "OPENAI_API_KEY": ""}
        done = self.bench(url, self.rows(3), env={**bare, "ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": "sk-other"})
        for headers, body in server.seen:
            self.assertEqual(headers["x-api-key"], KEY)
            self.assertEqual(headers["anthropic-version"], "2023-06-01")
            self.assertNotIn("Authorization", headers)
            self.assertTrue(body is None or body["model"] == "own-model")
        self.assertIsNone(server.seen[0][1])  # GET /models came first
        for path in [*pathlib.Path(self.run_path).rglob("*")]:
            self.assertTrue(path.is_dir() or KEY.encode() not in path.read_bytes(), path)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        own = self.write("own", "Bearer mine\n")
        for words, env, expected in (
                ((), {**bare, "OPENAI_API_KEY": KEY}, {"x-api-key": KEY}),
                (("-H", "anthropic-version: 2099-01-01"), bare, {"anthropic-version": "2099-01-01"}),
                (("-H", f"Authorization: @{own}"), {**bare, "ANTHROPIC_API_KEY": KEY},
                 {"Authorization": "Bearer mine", "x-api-key": None})):
            with self.subTest(words):
                self.bench(url, self.rows(1), *words, env=env)
                headers, _ = server.seen[-1]
                self.assertEqual({name: headers.get(name) for name in expected}, expected)
        self.bench(url, self.rows(1), api="chat", env={**bare, "ANTHROPIC_API_KEY": KEY}, expect=None)
        self.assertNotIn(KEY, json.dumps(server.seen[-1][0]))

    def test_usage_of_both_ends_of_a_stream_is_one(self):
        _, url = self.serve()
        self.bench(url, self.rows(3), "--no-probe", "--model", "m")
        for record in self.records(self.run_path).values():
            self.assertEqual(record["usage"], {"uncached_input": 63, "cached_input": 40, "output": 9})

    def test_faults_have_their_classes(self):
        cases = (("status=529", "server_error"), ("status=429", "rate_limited"), ("status=401", "auth"),
                 ("status=400", "bad_request"), ("error-after=2", "error_event"), ("no-finish", "truncated"),
                 ("truncate-after=2", "truncated"), ("reset-after=2", "reset"),
                 ("ping-after=2", None), ("crlf", None), ("tokens-per-chunk=3", None), ("duplicate-after=2", None))
        for fault, failure in cases:
            with self.subTest(fault):
                url = self.mock("--ttft-ms", 2, "--itl-ms", 1, "--fault", fault)
                self.bench(url, self.rows(3), "--no-probe", "--model", "m", expect=None)
                failed = accounting_adds_up(self, self.run_path)["accounting"]["failed_by"]
                self.assertEqual(failed, {failure: 3} if failure else {})
        url = self.mock("--ttft-ms", 2, "--itl-ms", 1, "--fault", "error-after=2")
        self.bench(url, self.rows(1), "--no-probe", "--model", "m", expect=1)
        record = self.records(self.run_path)["r1"]
        self.assertIn("an error while processing", record["message"])
        # what had come is billed: the prompt as it was told at the start, the chunks as they came
        self.assertEqual(record["usage"], {"uncached_input": 67, "output": 2})
        self.assertEqual(record["usage_from"], "estimated")

    def test_an_overloaded_server_is_asked_again(self):
        process, url = self.start_mock("--ttft-ms", 2, "--itl-ms", 1, "--fault", "status=529@#1-2")
        self.bench(url, self.rows(1), "--no-probe", "--model", "m", "--retry", 3, "--retry-backoff", "1ms")
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["attempts"], 3)

    def test_a_stream_can_be_broken_off(self):
        url = self.mock("--ttft-ms", 2, "--itl-ms", 20)
        self.bench(url, self.rows(4, output_length=40), "--no-probe", "--model", "m", "--cancel", "1:3")
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["cancelled"], 4)
        for record in self.records(self.run_path).values():
            self.assertGreaterEqual(record["usage"]["output"], 3)
            self.assertEqual((record["usage"]["uncached_input"], record["usage_from"]), (67, "estimated"))

    def test_keys_and_quotas_of_the_mock(self):
        keys = self.write("keys", f"{KEY} rpm=2\n")
        own = self.write("own", KEY + "\n")
        url = self.mock("--api-key-file", keys, "--ttft-ms", 1, "--itl-ms", 1)
        self.bench(url, self.rows(5, gap_ms=1), "--no-probe", "--model", "m", "--api-key-file", own, expect=1)
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["failed_by"], {"rate_limited": 3})


class Rerank(Calls):
    def test_tokens_are_those_of_the_truth_log(self):
        for documents in (1, 10, 25):
            with self.subTest(documents):
                records, truth = self.against_mock(self.rows(), "--rerank-documents", documents, api="rerank")
                self.assert_classes_agree(records, truth, 12)
                for record in records.values():
                    self.assertEqual(record["usage"]["uncached_input"], 60)
                    self.assertFalse(record["streamed"])
                    self.assertEqual(record["usage"]["units"], {"search_unit": 1})
        options = read_json(pathlib.Path(self.run_path) / "run.json")["options"]
        self.assertEqual(options["rerank-documents"], 25)

    def test_searches_are_billed(self):
        self.against_mock(self.rows(), api="rerank")
        plans = self.write("plans.json", json.dumps({"book": "b", "as_of": "2026-11-01", "currency": "USD", "plans": [
            {"name": "searches", "source": "a test", "per_mtok": {"input": "0", "output": "0"},
             "per_unit": {"search_unit": "0.002"}}]}))
        bill = self.farebox_json("bill", self.run_path, "--plans", plans)
        self.assertIn('"0.024"', json.dumps(bill))  # twelve of them

    def test_a_requests_own_body_is_sent(self):
        own = {"query": "what is it", "documents": ["one two", "three"], "top_n": 1}
        records, truth = self.against_mock(self.rows(3, body=own), "--no-probe", api="rerank")
        self.assert_classes_agree(records, truth, 3)
        self.assertEqual({r["usage"]["uncached_input"] for r in records.values()}, {7 + 3 + 3})

    def test_what_cannot_be_broken_off_is_refused(self):
        done = self.bench("http://127.0.0.1:9/v1", self.rows(), "--cancel", "0.5:3", api="rerank", expect=2)
        self.assertIn("leave out --api rerank", done.stderr)

    def test_refusals_are_told(self):
        url = self.mock("--ttft-ms", 1, "--fault", "status=422")
        self.bench(url, self.rows(2), "--no-probe", "--model", "m", api="rerank", expect=1)
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["failed_by"], {"bad_request": 2})

"""Bench over OpenAI's Responses API: against the mock, and against an endpoint that keeps what it was sent."""
import json
import pathlib
import signal

from support import (Case, Handler, Server, accounting_adds_up, read_json, read_lines, takes_times)

CALL = {"type": "function", "name": "get_fare",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def rows(count, every_ms=5, **more):
    return "".join(json.dumps({"timestamp": i * every_ms, "request_id": f"r{i}", "input_length": 60 + i,
                               "output_length": 6 + i % 5, **more}) + "\n" for i in range(count))


def events(*of):
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in of)


class Keeping(Handler):
    """Keeps the bodies and answers each with the server's `text`."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body))
        self.reply(200, self.server.text, "text/event-stream")


class Responses(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")

    def bench(self, url, workload, *words, **more):
        return self.farebox("bench", "--url", url, "--api", "responses", "--trace", workload, "-o", self.run_path,
                            "--force", *words, **more)

    def finals(self):
        accounting_adds_up(self, self.run_path)
        return {r["request_id"]: r for r in read_lines(self.run_path + "/requests.jsonl") if r["final"]}

    def serve(self, text):
        server = Server(("127.0.0.1", 0), Keeping)
        server.text, server.seen = text, []
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def bench_logged(self, mock_words, workload, *words):
        """Against a mock of its own, which has ended: its log's usage by request."""
        log = self.path("truth.jsonl")
        mock, url = self.start_mock("--log", log, "--force", *mock_words)
        self.bench(url, workload, *words)
        mock.send_signal(signal.SIGINT)
        mock.communicate(timeout=60)
        return {t["x_request_id"]: t["billed"] for t in read_lines(log)}

    def assert_truth(self, truth, count):
        """Every record has the classes that the mock's log has."""
        found = self.finals()
        self.assertEqual(len(found), count)
        for name, record in found.items():
            billed, usage = truth[name], record["usage"]
            cached = billed["prompt_tokens_details"]["cached_tokens"]
            reasoning = billed["completion_tokens_details"]["reasoning_tokens"]
            self.assertEqual(record["usage_from"], "server")
            self.assertEqual(usage.get("cached_input", 0), cached)
            self.assertEqual(usage.get("uncached_input", 0), billed["prompt_tokens"] - cached)
            self.assertEqual(usage.get("reasoning", 0), reasoning)
            self.assertEqual(usage.get("output", 0), billed["completion_tokens"] - reasoning)
        return found

    def test_tokens_and_classes_are_the_truth_logs(self):
        blocks = self.write("b.jsonl", rows(12, 150, hash_ids=[1, 2], block_size=30))
        for stream in ((), ("--no-stream",)):
            with self.subTest(stream=stream):
                truth = self.bench_logged(("--engine", "rtx4090-llama-3.1-8b-tp1", "--reasoning-tokens", "3"), blocks,
                                          "--no-probe", *stream)
                found = self.assert_truth(truth, 12)
                self.assertGreater(sum(r["usage"].get("cached_input", 0) for r in found.values()), 0)
                for i, record in ((int(name[1:]), r) for name, r in found.items()):
                    self.assertEqual(record["finish_reason"], "length")
                    self.assertEqual(record["usage"]["reasoning"], 3)
                    self.assertEqual(record["usage"]["output"], 3 + i % 5)
                    if not stream:
                        self.assertEqual(record["chunks"], 6 + i % 5)
                        self.assertLessEqual(record["first_reasoning_ns"], record["first_output_ns"])  # one read may bring both
                self.assertEqual(read_json(self.run_path + "/run.json")["options"]["api"], "responses")
                self.assertEqual(read_json(self.run_path + "/summary.json")["ttft_ms"]["count"], 0 if stream else 12)

    def test_images_are_a_class_of_their_own(self):
        for stream in ((), ("--no-stream",)):
            with self.subTest(stream=stream):
                log = self.path("truth.jsonl")
                self.bench_logged(("--engine", "rtx4090-llama-3.1-8b-tp1"), self.write("w.jsonl", rows(6)),
                                  "--image-count", "2", "--image-size", "512x512", *stream)
                truth = {t["x_request_id"]: t["usage"] for t in read_lines(log)}
                found = self.finals()
                self.assertEqual(len(found), 6)
                for name, record in found.items():
                    self.assertEqual({k: v for k, v in record["usage"].items() if v}, truth[name])
                    self.assertEqual(record["usage"]["image_input"], 2 * 255)
                    self.assertEqual(record["usage"]["uncached_input"], 60 + int(name[1:]))
                summary = read_json(self.run_path + "/summary.json")
                self.assertEqual((summary["asked"]["images"], summary["asked"]["input_error_p99"]), (12, 0))

    def test_prompts_come_out_as_long_as_asked(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1", "--tokens-per-word", "1.3", "--template-tokens", "27")
        self.bench(url, self.write("w.jsonl", rows(20)))
        for record in self.finals().values():
            got = record["usage"]["uncached_input"]
            self.assertLessEqual(abs(got - record["asked"]["input"]), 1)

    def test_functions_are_tokens_and_end_an_answer(self):
        workload = self.write("w.jsonl", rows(5, body={"tools": [CALL], "parallel_tool_calls": False}))
        truth = self.bench_logged(("--ttft-ms", "1", "--itl-ms", "1"), workload, "--record", "text")
        for record in self.assert_truth(truth, 5).values():
            self.assertEqual(record["finish_reason"], "tool_calls")
            self.assertEqual(record["first_tool_ns"], record["first_output_ns"])
            self.assertTrue(record["text"].startswith("get_fare{"), record["text"])

    def test_summaries_of_reasoning_are_reasoning(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1", "--reasoning-tokens", "4")
        self.bench(url, self.write("w.jsonl", rows(5)), "--body", '{"reasoning": {"summary": "auto"}}')
        for record in self.finals().values():
            self.assertEqual(record["usage"]["reasoning"], 4)
            self.assertLessEqual(record["first_reasoning_ns"], record["first_output_ns"])  # one read may bring both

    def test_faults_are_told_apart(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1", "--fault", "error-after=2@#1", "--fault", "no-done@#2",
                        "--fault", "truncate-after=2@#3", "--fault", "status=503@#4", "--fault", "no-finish@#5",
                        "--fault", "ping-after=1,crlf@#6", "--fault", "tokens-per-chunk=3,drip=30:1@#7")
        self.bench(url, self.write("w.jsonl", rows(12, 30)), "--no-probe", "--model", "m")
        summary = accounting_adds_up(self, self.run_path)
        self.assertEqual(summary["accounting"]["failed_by"], {"error_event": 1, "truncated": 3, "server_error": 1})
        self.assertEqual(summary["accounting"]["completed"], 7)
        said = [r.get("message", "") for r in self.finals().values() if r.get("error") == "error_event"]
        self.assertEqual(said, ["The server had an error while processing your request."])

    def test_streams_can_be_cancelled(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "5")
        self.bench(url, self.write("w.jsonl", rows(10, output_length=400)), "--cancel", "1:5", "--no-probe")
        for record in self.finals().values():
            self.assertEqual(record["status"], "cancelled")
            self.assertGreaterEqual(record["chunks"], 5)
            self.assertLess(record["chunks"], 400)

    def test_messages_become_an_input_and_own_bodies_go_unchanged(self):
        server, url = self.serve(events(
            {"type": "response.output_text.delta", "delta": "a"},
            {"type": "response.completed", "response": {"status": "completed", "output": [], "usage": {
                "input_tokens": 9, "output_tokens": 1}}}) + "data: [DONE]\n\n")
        own_body = {"input": [{"role": "user", "content": "mine"}], "instructions": "be brief",
                    "previous_response_id": "resp_0", "tools": [CALL], "max_output_tokens": 77}
        base = {"timestamp": 0, "input_length": 9, "output_length": 20}
        talk = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "get_fare", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "2.40"}]
        lines = [{**base, "request_id": "plain"}, {**base, "request_id": "talk", "messages": talk},
                 {**base, "request_id": "body", "body": own_body}]
        self.bench(url, self.write("w.jsonl", "".join(json.dumps(line) + "\n" for line in lines)),
                   "--no-probe", "--model", "m", "--body", '{"store": false}')
        self.assertEqual({path for path, _ in server.seen}, {"/v1/responses"})
        bodies = [body for _, body in server.seen]
        for body in bodies:
            self.assertEqual((body["model"], body["stream"], body["store"]), ("m", True, False))
            self.assertFalse({"messages", "max_tokens", "stream_options"} & set(body))
        plain = next(b for b in bodies if isinstance(b["input"], str))
        self.assertEqual(plain["max_output_tokens"], 20)
        brought = next(b for b in bodies if "instructions" in b)
        self.assertEqual({key: brought[key] for key in own_body}, own_body)
        items = next(b for b in bodies if b is not plain and b is not brought)["input"]
        self.assertEqual(items, [
            {"type": "message", "role": "system", "content": "s"}, {"type": "message", "role": "user", "content": "u"},
            {"type": "function_call", "call_id": "c1", "name": "get_fare", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "2.40"}])
        for record in self.finals().values():
            self.assertEqual((record["status"], record["finish_reason"]), ("completed", "stop"))

    def test_a_stream_without_its_end_is_truncated(self):
        for text in ("", ": bye\n\n"):
            with self.subTest(text=text):
                _, url = self.serve(events({"type": "response.output_text.delta", "delta": "a"}) + text)
                self.bench(url, self.write("w.jsonl", rows(3)), "--no-probe", expect=1)
                for record in self.finals().values():
                    self.assertEqual(record["error"], "truncated")
                    self.assertIn("response.completed", record["message"])

    def test_a_response_that_failed_is_told_in_the_servers_words(self):
        _, url = self.serve(events(
            {"type": "response.output_text.delta", "delta": "a"},
            {"type": "response.failed", "response": {"status": "failed", "error": {
                "code": "server_error", "message": "the model fell over"}}}))
        self.bench(url, self.write("w.jsonl", rows(3)), "--no-probe", expect=1)
        for record in self.finals().values():
            self.assertEqual((record["error"], record["message"]), ("error_event", "the model fell over"))

    def test_the_probe_asks_for_no_less_than_every_server_lets(self):
        server, url = self.serve(json.dumps({"object": "response", "status": "incomplete", "output": [], "usage": {
            "input_tokens": 40, "output_tokens": 16}}))
        self.bench(url, self.write("w.jsonl", rows(1)), "--model", "m", expect=None)
        probes = [body for _, body in server.seen if not body.get("stream")]
        self.assertTrue(probes)
        for body in probes:
            self.assertEqual(body["max_output_tokens"], 16)

    def test_run_json_repeats_it(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "1")
        self.bench(url, self.write("w.jsonl", rows(5)))
        again = self.path("again.json")
        pathlib.Path(again).write_text(pathlib.Path(self.run_path, "run.json").read_text())
        self.farebox("bench", "--config", again, "-o", self.run_path, "--force")
        self.assertEqual({r["status"] for r in self.finals().values()}, {"completed"})
        self.assertEqual(read_json(self.run_path + "/run.json")["options"]["api"], "responses")


@takes_times
class Latencies(Case):
    def test_are_those_of_chat(self):
        workload = self.write("w.jsonl", rows(40, 25))

        def measure():
            runs = [self.bench_timed(("--ttft-ms", "40", "--itl-ms", "4", "--reasoning-tokens", "2"),
                                     ("--trace", workload, "--api", api, "--no-probe"), self.path(api))
                    for api in ("chat", "responses")]
            return [run.summary for run in runs], runs[0].void or runs[1].void
        chat, responses = self.unless_void(measure)
        for metric in ("ttft_ms", "ttfo_ms", "tpot_ms", "e2e_ms"):
            self.assertEqual(chat[metric]["count"], responses[metric]["count"])
            self.assertAlmostEqual(chat[metric]["p50"] / responses[metric]["p50"], 1, delta=0.02)
        self.assertEqual(chat["all"]["output_tokens"], responses["all"]["output_tokens"])
        self.assertEqual(chat["all"]["reasoning_tokens"], responses["all"]["reasoning_tokens"])

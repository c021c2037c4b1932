"""Sessions that carry on with the answers that really came (--thread-replies)."""
import json
import pathlib
import shutil

from support import Case, Handler, Server, accounting_adds_up, read_json, read_lines


def spread(text):
    """The events of a stream that says it letter by letter."""
    return [{"choices": [{"index": 0, "delta": {"content": c}}]} for c in text]


class Talking(Handler):
    """Answers a prompt of words with server.say(prompt): (events, whole message)."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body.get("messages") or [{"content": body["prompt"]}]
        words = sum(len((m["content"] or "").split()) for m in said)
        usage = {"prompt_tokens": words + 4 * len(said), "completion_tokens": 3}
        if not body.get("stream") and body["max_tokens"] == 1:  # a probe
            self.reply(200, json.dumps({"choices": [{"message": {"content": "x"}, "text": "x",
                                                     "finish_reason": "stop"}], "usage": usage}))
            return
        if body["max_tokens"] == 1:  # the trial
            answer = [{"choices": [{"delta": {"content": "x"}, "text": "x"}]}]
        else:
            self.server.seen.append(body)
            answer = self.server.say(body)
        if answer is None:
            self.reply(500, "{}")
        elif body.get("stream"):
            events = answer + [{"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}]
            text = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
            self.reply(200, text, "text/event-stream")
        else:
            self.reply(200, json.dumps({"choices": [{"message": answer, "finish_reason": "stop"}],
                                        "usage": usage}))


class Threads(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")

    def talker(self, say):
        server = Server(("127.0.0.1", 0), Talking)
        server.seen, server.say = [], say
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def turns(self, lengths, **more):
        """One session of requests that wait for each other."""
        rows = [{"request_id": f"t{i}", "session_id": "s", "input_length": n, "output_length": 3,
                 **({"after": [f"t{i - 1}"]} if i else {"timestamp": 0}), **more.get(f"t{i}", {})}
                for i, n in enumerate(lengths)]
        return self.write("w.jsonl", "".join(json.dumps(r) + "\n" for r in rows))

    def bench(self, url, workload, *words, **more):
        shutil.rmtree(self.run_path, ignore_errors=True)
        return self.farebox("bench", "--url", url, "--model", "m", "--trace", workload,
                            "--thread-replies", "-o", self.run_path, *words, **more)

    def got(self):
        rows = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
        return [sum(n for key, n in r["usage"].items() if key not in ("output", "reasoning"))
                for r in sorted(rows, key=lambda r: r["request_id"])]

    def test_images_of_earlier_turns_are_sent_again_beside_a_text_of_the_asked_length(self):
        images = {"images": [{"width": 512, "height": 512}] * 2}
        workload = self.turns([40, 80, 120, 160], t0=images, t1=images)
        for api in ("chat", "responses", "messages"):
            with self.subTest(api):
                self.bench(self.mock("--ttft-ms", "1", "--itl-ms", "1"), workload, "--api", api)
                rows = sorted(read_lines(pathlib.Path(self.run_path) / "requests.jsonl"), key=lambda r: r["request_id"])
                self.assertEqual([r["asked"]["images"] for r in rows], [2, 4, 4, 4])
                texts = [n - r["asked"]["images"] * 255 for n, r in zip(self.got(), rows)]
                self.assertEqual(texts, [40, 80, 120, 160])
                if api != "messages":  # whose usage does not say how much of the input was text
                    self.assertEqual([r["usage"]["uncached_input"] for r in rows], [40, 80, 120, 160])
                error = read_json(pathlib.Path(self.run_path) / "summary.json")["asked"]["input_error_p99"]
                self.assertEqual(error, None if api == "messages" else 0)

    def test_a_turn_carries_what_was_asked_and_answered_before(self):
        server, url = self.talker(lambda body: [{"choices": [{"delta": {"reasoning_content": "hm"}}]}]
                                  + spread(f'so "{len(body["messages"])}" é\n'))
        self.bench(url, self.turns([50, 90, 130]))
        first, second, third = (body["messages"] for body in server.seen)
        self.assertEqual([m["role"] for m in third], ["user", "assistant"] * 2 + ["user"])
        self.assertEqual(third[:3], second)
        self.assertEqual(second[:1], first)
        self.assertEqual([m["content"] for m in third[1::2]], ['so "1" é\n', 'so "3" é\n'])
        self.assertEqual(self.got(), [50, 90, 130])
        fidelity = read_json(self.run_path + "/summary.json")["fidelity"]
        self.assertEqual((fidelity["threaded_turns"], fidelity["long_histories"]), (2, 0))
        self.assertEqual(fidelity["probes"][0]["turn_tokens"], 8)

    def test_a_whole_answer_is_carried_too(self):
        server, url = self.talker(lambda body: {"role": "assistant", "reasoning": "hm", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yes."}]})
        self.bench(url, self.turns([50, 90]), "--no-stream")
        self.assertEqual(server.seen[1]["messages"][1], {"role": "assistant", "content": "yes."})

    def test_called_tools_get_a_result(self):
        def say(body):
            pieces = [{"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}},
                      {"index": 0, "function": {"arguments": '{"at":'}},
                      {"index": 1, "id": "b", "function": {"name": "go", "arguments": "{}"}},
                      {"index": 0, "function": {"arguments": ' "x"}'}}]
            return [{"choices": [{"delta": {"tool_calls": [p]}}]} for p in pieces]
        server, url = self.talker(say)
        self.bench(url, self.turns([50, 120]))
        messages = server.seen[1]["messages"]
        self.assertEqual([m["role"] for m in messages], ["user", "assistant", "tool", "tool", "user"])
        self.assertIsNone(messages[1]["content"])
        self.assertEqual([(c["id"], c["type"], c["function"]) for c in messages[1]["tool_calls"]],
                         [("a", "function", {"name": "look", "arguments": '{"at": "x"}'}),
                          ("b", "function", {"name": "go", "arguments": "{}"})])
        self.assertEqual([m["tool_call_id"] for m in messages[2:4]], ["a", "b"])

    def test_a_history_beyond_the_asked_length_gets_one_word_and_is_told(self):
        server, url = self.talker(lambda body: spread("and " * 200))
        done = self.bench(url, self.turns([90, 50]))
        self.assertEqual(len(server.seen[1]["messages"][-1]["content"].split()), 1)
        self.assertIn("1 of 1 later turns asked for less input than their sessions had said", done.stderr)
        rows = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
        self.assertEqual([r.get("long_history") for r in rows], [None, True])
        self.assertEqual(read_json(self.run_path + "/summary.json")["fidelity"]["long_histories"], 1)

    def test_rows_with_messages_go_unchanged(self):
        own = [{"role": "user", "content": "mine"}]
        server, url = self.talker(lambda body: spread("ok"))
        self.bench(url, self.turns([50, 60, 90], t1={"messages": own}))
        self.assertEqual(server.seen[1]["messages"], own)
        self.assertEqual([m["role"] for m in server.seen[2]["messages"]], ["user", "assistant", "user"])

    def test_text_completions_go_on_in_one_text(self):
        server, url = self.talker(lambda body: [{"choices": [{"text": ' "so" it'}]}])
        self.bench(url, self.turns([50, 90]), "--api", "completions")
        first, second = (body["prompt"] for body in server.seen)
        self.assertTrue(second.startswith(first + ' "so" it '))

    def test_after_a_failure_a_turn_goes_with_what_there_is(self):
        rows = [{"request_id": f"t{i}", "session_id": "s", "timestamp": i * 400, "input_length": 50 + 40 * i,
                 "output_length": 3} for i in range(3)]
        workload = self.write("w.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
        server, url = self.talker(lambda body: None if len(server.seen) == 2 else spread("ok"))
        self.bench(url, workload)
        self.assertEqual([len(body["messages"]) for body in server.seen], [1, 3, 3])
        self.assertEqual(server.seen[2]["messages"][:2], server.seen[1]["messages"][:2])
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["failed"], 1)

    def test_what_has_no_conversation_is_refused(self):
        url = "http://127.0.0.1:1/v1"
        done = self.bench(url, self.turns([50, 90]), "--api", "embeddings", expect=2)
        self.assertIn("--thread-replies: --api embeddings has no conversation", done.stderr)
        lonely = self.write("l.jsonl", '{"timestamp": 0, "input_length": 9, "output_length": 1}\n' * 2)
        done = self.bench(url, lonely, expect=2)
        self.assertIn("no two requests of the workload are of one session", done.stderr)

    def test_the_mocks_cache_and_truth_log_follow(self):
        log = self.path("truth.jsonl")
        mock, url = self.start_mock("--engine", "a100-llama-3-8b-tp1", "--template-tokens", 9,
                                    "--log", log, "--force")
        self.bench(url, self.turns([400, 700, 1100]))
        self.assertEqual(self.got(), [400, 700, 1100])
        rows = sorted(read_lines(pathlib.Path(self.run_path) / "requests.jsonl"),
                      key=lambda r: r["request_id"])
        cached = [r["usage"].get("cached_input", 0) for r in rows]
        self.assertEqual(cached[0], 0)
        for before, now in zip((400, 700), cached[1:]):
            self.assertGreater(now, before - 17)  # all that was asked before, up to a block
            self.assertLessEqual(now, before + 4)
        mock.terminate()
        mock.communicate(timeout=60)
        truth = {t["x_request_id"]: t["billed"] for t in read_lines(log)}
        for row, got, from_cache in zip(rows, self.got(), cached):
            billed = truth[row["request_id"]]
            self.assertEqual((billed["prompt_tokens"], billed["prompt_tokens_details"]["cached_tokens"]),
                             (got, from_cache))

    def outputs(self):
        rows = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
        return [r["usage"]["output"] for r in sorted(rows, key=lambda r: r["request_id"])]

    def test_over_every_api_prompts_grow_by_what_was_answered(self):
        longer = {f"t{i}": {"output_length": 30 + i} for i in range(3)}
        for api in ("chat", "responses", "messages"):
            for stream in ((), ("--no-stream",)):
                with self.subTest(api=api, stream=stream):
                    _, url = self.start_mock("--template-tokens", 9, "--ttft-ms", 1, "--itl-ms", 0.1)
                    self.bench(url, self.turns([400, 700, 1100]), "--api", api, *stream)
                    self.assertEqual(self.got(), [400, 700, 1100])
                    self.bench(url, self.turns([100, 50, 50], **longer), "--api", api, *stream)
                    got, said = self.got(), self.outputs()
                    self.assertEqual((got[0], said), (100, [30, 31, 32]))
                    for i in (1, 2):  # and a word that is asked anew
                        self.assertEqual(got[i], got[i - 1] + said[i - 1] + 1)

    def test_over_every_api_called_tools_are_carried(self):
        look = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}},
                                               "required": ["at"]}}
        bodies = {
            "chat": {"tools": [{"type": "function", "function": look}], "tool_choice": "required"},
            "responses": {"tools": [{"type": "function", **look}], "tool_choice": "required"},
            "messages": {"tools": [{"name": "look", "input_schema": look["parameters"]}],
                         "tool_choice": {"type": "any"}},
        }
        for api, body in bodies.items():
            with self.subTest(api=api):
                _, url = self.start_mock("--ttft-ms", 1, "--itl-ms", 0.1)
                self.bench(url, self.turns([100, 50, 50], t0={"output_length": 40}, t1={"output_length": 40}),
                           "--api", api, "--body", json.dumps(body))
                summary = accounting_adds_up(self, self.run_path)
                self.assertEqual(summary["accounting"]["completed"], 3)
                self.assertEqual(summary["fidelity"]["threaded_turns"], 2)
                got = self.got()
                for before, now in zip(got, got[1:]):
                    self.assertGreater(now, before + 2)  # the call and its result, beside the word

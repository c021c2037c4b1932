"""farebox record: what the rows of a recording say."""
import json
import os
import re
import signal
import unittest

from recording import KEY, STREAM_HEAD, RecordCase, chat_body, chat_events, chat_stream, chunk, whole
from support import read_lines, wait_until

SECRET_WORDS = "the umbrella is under the stairs"


class RecordRowsTest(RecordCase):
    def test_a_retry_is_one_row_with_an_attempt_more(self):
        answers = iter([whole("503", b'{"error": {"message": "busy"}}'), whole("429", b"{}"), chat_stream()])
        r = self.record(self.endpoint(lambda head, body: next(answers, chat_stream())).url)
        for status in (503, 429, 200):
            self.assertEqual(r.ask(chat_body("again"))[0], status)
        r.ask(chat_body("again"))
        r.ask(chat_body("other"))
        self.assertEqual(r.stop()["retries"], 2)
        self.assertEqual([row.get("attempts", 1) for row in r.rows()], [3, 1, 1])
        self.assertEqual([row.get("status", "ok") for row in r.rows()], ["ok"] * 3)

    def test_rows_say_who_asked_which_tools_were_called_and_how_it_ended(self):
        server = self.endpoint(lambda head, body: chat_stream(tools=("search", "read_file")))
        r = self.record(server.url, "--label", "user=X-User", "--label", "team=x-team")
        call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]}
        r.ask(chat_body("find it"), x_user="anna")
        r.ask(chat_body("find it", call, {"role": "tool", "tool_call_id": "c", "content": "found"}))
        r.stop()
        one, two = r.rows()
        self.assertEqual((one["initiator"], two["initiator"]), ("user", "agent"))
        self.assertEqual(one["tools_called"], ["search", "read_file"])
        self.assertEqual((one["finish_reason"], one["model"], one["class"]), ("tool_calls", "m", "chat"))
        self.assertEqual((one["labels"], two.get("labels")), ({"user": "anna"}, None))
        self.assertEqual((two["session_id"], two["after"]), (one["session_id"], [one["request_id"]]))
        self.assertGreater(one["end_ms"], 0)
        self.assertLessEqual(one["first_token_ms"], one["end_ms"])
        self.assertEqual((one["input_length"], one["output_length"]), (9, 2))

    def test_conversations_that_open_alike_stay_two(self):
        r = self.record(self.endpoint(lambda head, body: chat_stream()).url)
        answer = {"role": "assistant", "content": "onetwo"}
        r.ask(chat_body("hello"))
        r.ask(chat_body("hello"))
        r.ask(chat_body("hello", answer, "and a"))
        r.ask(chat_body("hello", answer, "and b"))
        r.ask(chat_body("hello", answer, "and a", answer, "more"))
        r.stop()
        sessions = [row["session_id"] for row in r.rows()]
        self.assertEqual(len(set(sessions)), 2)
        self.assertEqual(sessions[2], sessions[4])
        self.assertNotEqual(sessions[2], sessions[3])

    def test_sessions_may_be_named_by_a_header_or_a_field(self):
        server = self.endpoint(lambda head, body: chat_stream())
        by_header = self.record(server.url, "--session-from", "header:X-Session")
        by_field = self.record(server.url, "--session-from", "field:metadata.user_id", name="field.jsonl")
        for name in ("a", "b", "a"):
            by_header.ask(chat_body("x" + name), X_Session=name)
            by_field.ask(chat_body("y" + name, metadata={"user_id": name}))
        for r in (by_header, by_field):
            self.assertEqual(r.stop()["sessions"], 2)
            self.assertEqual([row["session_id"] for row in r.rows()], ["a", "b", "a"])
            self.assertEqual(r.rows()[2]["after"], [r.rows()[0]["request_id"]])

    def test_no_key_and_no_content_is_written_unless_asked_for(self):
        def answer(head, body):
            words = SECRET_WORDS.split() + [KEY]
            return chat_stream(words=words) if b"fail" not in body else whole("401", json.dumps(
                {"error": {"message": f"Incorrect API key provided: {KEY}. {SECRET_WORDS}"}}).encode())
        server = self.endpoint(answer)
        plain = self.record(server.url)
        keeping = self.record(server.url, "--content", name="kept.jsonl")
        for r in (plain, keeping):
            for text in (SECRET_WORDS, SECRET_WORDS + " fail"):
                r.ask(chat_body(text, user="someone-private"), path=f"/v1/chat/completions?key={KEY}",
                      x_api_key=KEY, api_key=KEY)
            r.stop()
        written = open(plain.trace).read() + plain.said + plain.notes
        for word in SECRET_WORDS.split()[1:] + ["someone-private", KEY, "own-secret"]:
            self.assertNotRegex(written, rf"\b{re.escape(word)}\b")
        kept = open(keeping.trace).read() + keeping.said + keeping.notes
        self.assertIn(SECRET_WORDS, kept)
        self.assertNotIn(KEY, kept)
        self.assertEqual(keeping.rows()[0]["body"]["messages"][0]["content"], SECRET_WORDS)
        self.assertEqual(os.stat(plain.trace).st_mode & 0o077, 0)

    def test_shared_beginnings_are_numbers_in_the_order_in_which_they_came(self):
        text = " ".join(f"word{i}" for i in range(200))
        server = self.endpoint(lambda head, body: chat_stream(usage=(len(body) // 5, 1)))
        random_key = [self.record(server.url, name=f"r{i}.jsonl") for i in range(2)]
        lasting = [self.record(server.url, "--key-file", self.path("key"), name=f"k{i}.jsonl") for i in range(2)]
        for r in random_key + lasting:
            for tail in ("", " one", " two"):
                r.ask(chat_body(text + tail))
            r.stop()
        ids = [[row["hash_ids"] for row in r.rows()] for r in random_key + lasting]
        self.assertEqual(ids[0][0], list(range(len(ids[0][0]))))
        shared = os.path.commonprefix(ids[0])
        self.assertGreater(len(shared), 0.8 * len(ids[0][0]))
        self.assertEqual(ids[2], ids[3])
        self.assertGreater(min(ids[2][0]), 1 << 20)
        self.assertEqual(os.stat(self.path("key")).st_mode & 0o077, 0)

    def test_files_go_on_in_the_next_one(self):
        r = self.record(self.endpoint(lambda head, body: chat_stream()).url, "--max-size", "2000")
        for i in range(10):
            r.ask(chat_body(f"hi {i}"))
        r.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.traces()) > 2, "a further file")
        r.ask(chat_body("last"))
        end = r.stop()
        names = self.traces()
        self.assertEqual(end["files"], len(names))
        rows = [row for name in names for row in read_lines(self.path(name))[1:]]
        self.assertEqual(len(rows), 11)
        for name in names:
            self.assertLessEqual(os.stat(self.path(name)).st_size, 2000)
            if len(read_lines(self.path(name))) > 1:
                self.farebox("workload", "info", self.path(name))

    def traces(self):
        return sorted(p.name for p in self.scratch.glob("trace*.jsonl"))

    def test_answers_without_usage_are_estimated_and_said_to_be(self):
        def answer(head, body):
            return [STREAM_HEAD] + [chunk(e) for e in chat_events() if b"usage" not in e] + [b"0\r\n\r\n"]
        r = self.record(self.endpoint(answer).url)
        r.ask(chat_body("a question of some forty characters, or so"))
        self.assertEqual(r.stop()["estimated"], 1)
        row = r.rows()[0]
        self.assertEqual((row["usage_from"], row["output_length"]), ("estimated", 2))
        self.assertNotIn("usage", row)
        self.assertIn(row["input_length"], range(8, 16))
        self.assertIn("include_usage", r.notes)

    def test_options_that_make_no_sense_are_told(self):
        url = "http://127.0.0.1:9/v1"
        for words, message in (
                ((), "--to is missing"), (("--to", url), "-o is missing"),
                (("--to", "127.0.0.1:9", "-o", "t"), "is no endpoint"),
                (("--to", "http://u:p@127.0.0.1:9", "-o", "t"), "user or a password"),
                (("--to", url, "-o", "t", "--label", "user"), "NAME=HEADER"),
                (("--to", url, "-o", "t", "--session-from", "x"), "header:NAME or field:PATH"),
                (("--to", url, "-o", "t.gz"), "convert"),
                (("--to", url, "-o", "t", "--listen", "8088"), "HOST:PORT"),
                (("--to", url, "-o", "t", "--key-file", self.write("short", "abc")), "32 hex digits")):
            self.assert_refused(self.farebox("record", *words, expect=2), message)


if __name__ == "__main__":
    unittest.main()

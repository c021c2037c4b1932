"""Answers as real servers send them: what a user reads of those that are odd, and of those that failed.

Which bodies are understood is the matter of tests/unit/check_answers.c; here are the run's own words. Recorded
answers are not part of the project: FAREBOX_CASES names their folder.
"""
import json
import os
import pathlib
import unittest

from support import ROOT, Case, Handler, Server, read_json

CASES = pathlib.Path(os.environ.get("FAREBOX_CASES", ROOT.parent / "shared" / "cases")) / "wire"


def chunk(delta, **more):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, **more}]}) + "\n\n"


TEXT = chunk({"content": "a "}) + chunk({"content": "b "})
STOP = chunk({}, finish_reason="stop")
USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":60,"completion_tokens":2}}\n\n'
DONE = "data: [DONE]\n\n"


class Player(Handler):
    """Plays the server's answer, event by event, to whoever asks for a stream; others get its whole one."""

    def do_GET(self):
        self.reply(200, '{"data":[{"id":"m"}]}')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = sum(len(m["content"].split()) for m in asked["messages"])
        if not asked.get("stream"):
            whole = {"choices": [{"message": {"content": self.server.whole}, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": words + 7, "completion_tokens": 1}}
            self.reply(200, json.dumps(whole))
            return
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in self.server.events:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:  # whoever has failed does not listen on
            self.close_connection = True


class Answers(Case):
    def play(self, body, kind="text/event-stream", status=200, whole="a"):
        """The URL of a server of the answer."""
        if isinstance(body, str):
            body = body.encode()
        server = Server(("127.0.0.1", 0), Player)
        server.events = [e + b"\n\n" for e in body.split(b"\n\n") if e]
        server.kind, server.status, server.whole = kind, status, whole
        self.run_server(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    def bench(self, url, *words, requests=3, run="run", **more):
        rows = [{"timestamp": i * 5, "input_length": 60, "output_length": 8, "request_id": f"r{i}"}
                for i in range(requests)]
        trace = self.write("trace.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        return self.farebox("bench", "--url", url, "--trace", trace, "-o", self.path(run), "--force", *words, **more)

    def summary(self, run="run"):
        return read_json(self.path(run) + "/summary.json")


class Told(Answers):
    """What was odd is said once, counted, and kept."""

    def test_a_line_a_kind_with_its_count(self):
        done = self.bench(self.play("data: null\n\n" + TEXT + USAGE + DONE))
        self.assertIn("! 3 answers gave no finish_reason: ", done.stdout)
        self.assertIn("! 3 answers held events that are no JSON", done.stdout)
        self.assertEqual(self.summary()["oddities"], {"no_finish_reason": 3, "not_json": 3})
        for record in self.records(self.path("run")).values():
            self.assertEqual(record["odd"], ["no_finish_reason", "not_json"])

    def test_one_answer_is_singular(self):
        done = self.bench(self.play(TEXT + STOP + USAGE), requests=1)
        self.assertIn("! 1 answer ended without the event that ends a stream: ", done.stdout)

    def test_a_regular_run_says_nothing_of_it(self):
        done = self.bench(self.play(TEXT + STOP + USAGE + DONE))
        self.assertNotIn("! 3 answer", done.stdout)
        self.assertNotIn("oddities", self.summary())
        self.assertNotIn('"odd"', pathlib.Path(self.path("run"), "requests.jsonl").read_text())

    def test_the_page_says_it_and_reading_the_records_anew_finds_it(self):
        self.bench(self.play(TEXT + STOP + USAGE))
        self.farebox("report", self.path("run"))
        page = pathlib.Path(self.path("run"), "report.html").read_text()
        self.assertIn("<b>3 answers</b> ended without the event that ends a stream", page)
        pathlib.Path(self.path("run"), "summary.json").unlink()
        self.assertEqual(self.farebox_json("report", self.path("run"))["oddities"], {"no_end_mark": 3})

    def test_parts_merge_to_the_sum(self):
        url = self.play(TEXT + USAGE + DONE)
        for part in (1, 2):
            self.bench(url, "--shard", f"{part}/2", requests=5, run=f"part{part}")
        counts = [self.summary(f"part{part}")["oddities"]["no_finish_reason"] for part in (1, 2)]
        self.farebox("merge", self.path("part1"), self.path("part2"), "-o", self.path("all"))
        self.assertEqual(sum(counts), 5)
        self.assertEqual(self.summary("all")["oddities"], {"no_finish_reason": 5})

    def test_silence_completes_streamed_or_not(self):
        url = self.play(chunk({"role": "assistant", "content": ""}) + STOP + USAGE + DONE, whole="")
        for words in ((), ("--no-stream",)):
            done = self.bench(url, *words, "--assert", "failed=0")
            self.assertIn("! 3 answers came whole but held no text", done.stdout)
            self.assertEqual(self.summary()["oddities"], {"no_text": 3})
            self.assertEqual(self.summary()["ttft_ms"]["count"], 0)

    def test_an_answer_that_the_server_ended_fails(self):
        done = self.bench(self.play(TEXT + chunk({}, finish_reason="abort") + DONE), expect=1)
        words = 'the server ended the answer with finish_reason "abort"'
        self.assertEqual((done.stdout + done.stderr).count(words), 1)  # at the end, and not in the table, too
        self.assertEqual(self.summary()["accounting"]["failed_by"], {"error_event": 3})

    def test_the_first_chunks_tokens_are_kept(self):
        many = chunk({"content": "one two three four five six"}) + chunk({"content": " seven"}) + STOP
        self.bench(self.play(many + USAGE.replace(":2}", ":7}") + DONE))
        for record in self.records(self.path("run")).values():
            self.assertEqual(record["first_chunk_tokens"], 6)


# Of each recorded answer: the failure or None, words of the message, what was odd, and figures of the record.
RECORDED = {
    "01-answer-ended-by-error": ("error_event", "Provider disconnected", None, {"chunks": 3}),
    "07-thinking-as-parts": (None, None, None, {"chunks": 8, "reasoning_chunks": True}),
    "09-reasoning-details": (None, None, ["repeats"], {"chunks": 8, "reasoning_chunks": True}),
    "10-one-chunk-tpot": (None, None, None, {"chunks": 1, "first_chunk_tokens": 8}),
    "12-no-done": (None, None, ["no_end_mark"], {"chunks": 3}),
    "14-no-finish-reason": (None, None, ["no_finish_reason"], {"chunks": 3}),
    "15-sse-as-json": (None, None, ["content_type"], {"chunks": 3, "streamed": True}),
    "18-empty-error-member": (None, None, None, {"chunks": 3}),
    "19-keepalive-data": (None, None, ["not_json"], {"chunks": 3}),
    "20-bad-utf8": (None, None, ["bad_text"], {"chunks": 3}),
    "22-error-without-data": ("error_event", "request (6009 tokens) exceeds the context", None, {}),
    "25-error-as-detail": ("error_event", "Not authenticated", None, {}),
    "41-tokens-without-text": (None, None, ["no_text"], {"chunks": 0}),
}


class Recorded(Answers):
    def test_recorded_answers_are_understood(self):
        if not CASES.exists():
            self.skipTest(f"{CASES} is not there (FAREBOX_CASES names the folder above it)")
        for name, (error, message, odd, figures) in RECORDED.items():
            with self.subTest(name):
                self.check(CASES / name, error, message, odd, figures)

    def check(self, case, error, message, odd, figures):
        head = case / "headers"
        lines = head.read_text().split("\n") if head.exists() else ["200", "content-type: text/event-stream"]
        url = self.play((case / "body").read_bytes(), lines[1].partition(": ")[2], int(lines[0]))
        self.bench(url, "--slo", "tpot=1000", run=case.name, expect=1 if error else 0)
        for record in self.records(self.path(case.name)).values():
            self.assertEqual(record.get("error"), error, record)
            self.assertIn(message or "", record.get("message", ""))
            if odd or not error:
                self.assertEqual(record.get("odd"), odd)
            self.assertEqual({key: record.get(key) for key in figures}, figures)
        summary = self.summary(case.name)
        tpot = summary["tpot_ms"]
        self.assertEqual(tpot["count"], 3 if figures.get("chunks", 0) > 1 and not error else 0)
        if tpot["count"] == 0 and not odd:
            self.assertEqual(summary["goodput_fraction"], 0)


if __name__ == "__main__":
    unittest.main()

"""farebox record: what passes is unchanged, whatever breaks, and costs what the endpoint says."""
import decimal
import hashlib
import json
import pathlib
import random
import re
import resource
import signal
import socket
import ssl
import threading
import unittest

from recording import STREAM_HEAD, RecordCase, chat_body, chat_events, chat_stream, chunk, request
from support import Handler, Server, interrupt, read_lines, wait_until

PLAN = {"book": "own", "as_of": "2026-11-01", "currency": "USD", "plans": [
    {"name": "own/token", "per_mtok": {"input": "2.513", "cached_input": "0.6257", "output": "10.021"}}]}


class RecordTest(RecordCase):
    # ---- money ----

    def test_the_bill_of_a_recording_is_that_of_the_endpoints_own_ledger(self):
        mock, url = self.start_mock("--log", self.path("truth.jsonl"), "--ttft-ms", "2", "--itl-ms", "0.1")
        r = self.record(url, "--plans", self.write("plan.json", json.dumps(PLAN)))
        for api in ("chat", "completions", "responses", "messages", "embeddings", "rerank"):
            self.farebox("bench", "--url", r.url, "--api", api, "--scenario", "chat",
                         "-n", "12", "--speed", "1000", "--no-probe", "-o", f"run-{api}", "--quiet")
        end = r.stop()
        mock.send_signal(signal.SIGINT)
        mock.communicate(timeout=60)
        price = {k: decimal.Decimal(v) for k, v in PLAN["plans"][0]["per_mtok"].items()}
        owed, answered = decimal.Decimal(0), 0
        for t in read_lines(self.path("truth.jsonl")):
            u = t["usage"]
            answered += t["outcome"] == "completed" and t["status"] == 200 and bool(u)
            owed += (u.get("uncached_input", 0) * price["input"] + u.get("cached_input", 0) * price["cached_input"] +
                     (u.get("output", 0) + u.get("reasoning", 0)) * price["output"]) / 1000000
        self.assertGreater(owed, 0)
        bill = self.farebox_json("bill", r.trace, "--plans", self.path("plan.json"))
        self.assertEqual(decimal.Decimal(bill["plans"][0]["total_usd"]), owed)
        self.assertEqual(decimal.Decimal(end["spent_usd"]["own/token"]), owed)
        self.assertEqual(end["rows"], answered)
        self.assertEqual({row["class"] for row in r.rows()},
                         {"chat", "completions", "responses", "messages", "embeddings", "rerank"})

    def test_a_recording_replayed_hits_the_same_share_of_the_cache(self):
        def hits(log, ids=None):
            billed = [t["billed"] for t in read_lines(log) if not ids or t["x_request_id"] in ids]
            return (sum(b["prompt_tokens_details"]["cached_tokens"] for b in billed) /
                    sum(b["prompt_tokens"] for b in billed))
        engine = ("--engine", "rtx4090-llama-3.1-8b-tp1")
        mock, url = self.start_mock("--log", self.path("one.jsonl"), *engine)
        r = self.record(url)
        rng = random.Random(4)
        words = [f"w{i}" for i in range(500)]
        system = {"role": "system", "content": " ".join(rng.choices(words, k=300))}
        for talk in range(4):
            messages = [system]
            for turn in range(5):
                messages.append({"role": "user", "content": " ".join(rng.choices(words, k=rng.randrange(20, 120)))})
                status, body, _ = r.ask(json.dumps({"model": "m", "max_tokens": 2, "messages": messages}).encode())
                self.assertEqual(status, 200)
                messages.append(json.loads(body)["choices"][0]["message"])
        r.stop()
        mock.send_signal(signal.SIGINT)
        mock.communicate(timeout=60)
        rows = r.rows()
        self.assertEqual([len({row["session_id"] for row in rows}), sum("after" in row for row in rows)], [4, 16])
        mock, url = self.start_mock("--log", self.path("two.jsonl"), *engine)
        self.farebox("bench", "--url", url, "--trace", r.trace, "--speed", "20", "-o", "again", "--quiet")
        mock.send_signal(signal.SIGINT)
        mock.communicate(timeout=60)
        first, again = hits(self.path("one.jsonl")), hits(self.path("two.jsonl"), {row["request_id"] for row in rows})
        self.assertGreater(first, 0.5)
        self.assertAlmostEqual(first, again, delta=0.01)

    # ---- unchanged ----

    def test_streams_pass_byte_for_byte_their_framing_included(self):
        def pieces(seed):
            rng = random.Random(seed)
            yield STREAM_HEAD
            for _ in range(rng.randrange(300, 500)):
                data = rng.randbytes(rng.choice((1, 7, 80, 80, 300, 5000)))
                yield b"%X;own=%d\r\n%s\r\n" % (len(data), rng.randrange(9), data)
            yield b"0\r\nX-Trailer: %d\r\n\r\n" % seed
            yield None
        server = self.endpoint(lambda head, body: pieces(json.loads(body)["seed"]))
        r = self.record(server.url)
        bad = []

        def one(seed):
            want = hashlib.sha256(b"".join(p for p in list(pieces(seed))[1:] if p)).digest()
            got = r.raw(request(json.dumps({"seed": seed}).encode()))
            if hashlib.sha256(got.partition(b"\r\n\r\n")[2]).digest() != want:
                bad.append(seed)
        for start in range(0, 60, 20):
            threads = [threading.Thread(target=one, args=(s,)) for s in range(start, start + 20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        self.assertEqual(bad, [])
        self.assertEqual(r.stop()["requests"], 60)

    def test_headers_pass_both_ways_and_only_the_connections_own_do_not(self):
        server = self.endpoint(lambda head, body: [
            b"HTTP/1.1 418 I'm a Teapot\r\nx-rAtelimit-remaining:  7\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nno"])
        r = self.record(server.url)
        got = r.raw(b"POST /v1/x/%20y?key=a%2Fb HTTP/1.1\r\nHost: here\r\naUthorization: Bearer k\r\nX-Empty:\r\n"
                    b"X-Two: 1\r\nX-Two: 2\r\nAccept-Encoding: br, zstd\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
                    b"Content-Length: 3\r\n\r\nabc")
        self.assertEqual(got, b"HTTP/1.1 418 I'm a Teapot\r\nx-rAtelimit-remaining:  7\r\nSet-Cookie: a=1\r\n"
                              b"Set-Cookie: b=2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        head = server.heads[0]
        self.assertTrue(head.startswith(b"POST /v1/x/%20y?key=a%2Fb HTTP/1.1\r\n"), head)
        for line in (b"\r\naUthorization: Bearer k\r\n", b"\r\nX-Empty:", b"\r\nX-Two: 1\r\n", b"\r\nX-Two: 2\r\n",
                     b"\r\nAccept-Encoding: identity\r\n", b"\r\nContent-Length: 3\r\n",
                     b"\r\nHost: 127.0.0.1:%d\r\n" % server.server_address[1]):
            self.assertIn(line, head)
        for name in (b"x-hop", b"user-agent", b"accept:", b"content-type", b"expect"):
            self.assertNotIn(name, head.lower())
        self.assertEqual([r.stop()[k] for k in ("requests", "passed", "rows")], [1, 1, 0])

    def test_a_chunk_is_handed_on_before_the_next_one_is_made(self):
        gate = threading.Event()

        def answer(head, body):
            yield STREAM_HEAD
            for e in chat_events(words=[str(i) for i in range(20)]):
                yield chunk(e)
                self.assertTrue(gate.wait(30))
                gate.clear()
            yield b"0\r\n\r\n"
        r = self.record(self.endpoint(answer).url)
        with socket.create_connection(("127.0.0.1", r.port), timeout=30) as s:
            s.sendall(request(chat_body("hi")))
            got = b""
            for e in chat_events(words=[str(i) for i in range(20)]):
                while not got.endswith(chunk(e)):
                    data = s.recv(65536)
                    self.assertTrue(data)
                    got += data
                gate.set()
        r.stop()

    def test_callers_of_http_1_0_and_answers_that_end_with_the_connection_are_served(self):
        closes = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}"
        server = self.endpoint(lambda head, body: chat_stream() if b"/chat/" in head else [closes, None])
        r = self.record(server.url)
        self.assertEqual(r.raw(request(b"{}", version="1.0", headers=b"")).partition(b"\r\n\r\n")[2],
                         b"".join(chat_events()))
        got = r.raw(request(b"{}", path="/v1/other", headers=b""))
        self.assertTrue(got.startswith(b"HTTP/1.1 200 OK\r\n") and got.endswith(b"Connection: close\r\n\r\n{}"), got)
        status, body, headers = r.ask(None, path="/v1/models", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        r.stop()

    def test_many_requests_go_over_one_connection(self):
        r = self.record(self.endpoint(lambda head, body: chat_stream()).url)
        one = request(chat_body("hi"), headers=b"")
        got = r.raw(one * 4 + request(chat_body("hi")))
        self.assertEqual(got.count(b"[DONE]"), 5)
        end = r.stop()
        self.assertEqual((end["rows"], end["connections"]), (5, 1))

    def test_an_endpoint_with_a_certificate_is_reached(self):
        cert, key = self.certificate()
        server = Server(("127.0.0.1", 0), Handler)
        Handler.do_POST = lambda h: h.reply(200, json.dumps(
            {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
             "usage": {"prompt_tokens": 4, "completion_tokens": 1}}))
        self.addCleanup(lambda: delattr(Handler, "do_POST"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.run_server(server)
        to = f"https://127.0.0.1:{server.server_address[1]}/v1"
        trusting, strict = self.record(to, "--cacert", cert), self.record(to, name="other.jsonl")
        self.assertEqual(trusting.ask(chat_body("hi"))[0], 200)
        self.assertEqual(strict.ask(chat_body("hi"))[0], 502)
        trusting.stop()
        strict.stop()
        self.assertEqual(trusting.rows()[0]["output_length"], 1)
        self.assertEqual(strict.rows()[0]["status"], "failed")

    # ---- what breaks ----

    def test_an_endpoint_may_die_at_any_byte(self):
        answer = b"".join(chat_stream())
        at = iter(range(len(answer)))
        server = self.endpoint(lambda head, body: [answer[:next(at)], None])
        r = self.record(server.url)
        for cut in range(0, len(answer)):
            got = r.raw(request(chat_body(f"hi {cut}"), headers=b""))
            head, _, body = got.partition(b"\r\n\r\n")
            if cut < len(STREAM_HEAD):
                self.assertEqual(got, b"", cut)
            else:
                self.assertEqual(body, answer[len(STREAM_HEAD):cut], cut)
        end = r.stop()
        self.assertEqual((end["rows"], end["lost"]), (len(answer), 0))
        done = answer.index(b"[DONE]")
        for row in r.rows():
            cut = int(row["request_id"][1:]) - 1
            if not done < cut < done + len(b"[DONE]\n\n"):
                self.assertEqual(row.get("status", "ok"), "ok" if cut > done else "failed", (cut, row))

    def test_a_caller_may_leave_at_any_byte(self):
        hold = threading.Event()

        def answer(head, body):
            yield from chat_stream()[:3]
            hold.wait(30)
            yield None
        server = self.endpoint(answer)
        r = self.record(server.url)
        asked = request(chat_body("hi", max_tokens=5))
        for cut in range(len(asked)):
            with socket.create_connection(("127.0.0.1", r.port), timeout=30) as s:
                s.sendall(asked[:cut])
        for wanted in range(1, 60):
            with socket.create_connection(("127.0.0.1", r.port), timeout=30) as s:
                s.sendall(request(chat_body(f"hi {wanted}", max_tokens=5)))
                got = 0
                while got < wanted * 3:
                    got += len(s.recv(3))
        end = r.stop()
        hold.set()
        self.assertEqual((end["requests"], end["rows"], end["aborted"]), (59, 59, 59))
        self.assertEqual({row["status"] for row in r.rows()}, {"aborted"})

    def test_a_slow_caller_slows_only_itself_and_costs_no_memory(self):
        size = 192 << 20

        def answer(head, body):
            if b"/chat/" in head:
                yield from chat_stream()
                return
            yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
            for _ in range(size >> 20):
                yield bytes(1 << 20)
        r = self.record(self.endpoint(answer).url)
        with socket.create_connection(("127.0.0.1", r.port), timeout=30) as slow:
            slow.sendall(request(b"{}", path="/v1/large"))
            self.assertTrue(slow.recv(100))
            for _ in range(50):
                self.assertEqual(r.ask(chat_body("hi"))[0], 200)
            got = 100
            while data := slow.recv(1 << 20):
                got += len(data)
            self.assertGreater(got, size)
        peak = int(re.search(r"VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{r.process.pid}/status").read_text())[1])
        r.stop()
        self.assertLess(peak, 64 << 10, "KiB")

    def test_a_full_disk_stops_the_trace_and_not_the_traffic(self):
        limit = 4000
        r = self.record(self.endpoint(lambda head, body: chat_stream()).url,
                        preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        for i in range(40):
            self.assertEqual(r.ask(chat_body(f"hi {i}"))[0], 200)
        end = r.stop(expect=1)
        self.assertEqual(end["rows"] + end["lost"], 40)
        self.assertGreater(end["lost"], 20)
        self.assertEqual(len(r.rows()), end["rows"])
        self.assertIn("could not be written", r.notes)

    def test_what_is_no_request_is_refused_and_what_is_too_large(self):
        r = self.record(self.endpoint(lambda head, body: chat_stream()).url)
        for raw, status in (
                (b"GET / HTTP/2.0\r\n\r\n", 505), (b"nonsense\r\n\r\n", 400), (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
                (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
                (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
                (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
                (b"GET / HTTP/1.1\r\nX : y\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nX: y\nZ: 1\r\n\r\n", 400),
                (b"GET / HTTP/1.1\r\nX: " + b"y" * 70000 + b"\r\n\r\n", 431),
                (b"POST / HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n", 413)):
            self.assertTrue(r.raw(raw).startswith(b"HTTP/1.1 %d " % status), (raw[:60], status))
        with socket.create_connection(("127.0.0.1", r.port), timeout=30) as s:
            s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4000001\r\n")
            sent = 0
            try:
                while sent <= 64 << 20:
                    s.sendall(bytes(1 << 20))
                    sent += 1 << 20
                got = s.recv(100)
            except OSError:
                got = b"HTTP/1.1 413 "
        self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)
        self.assertEqual(r.ask(chat_body("hi"))[0], 200)
        end = r.stop()
        self.assertEqual((end["refused"], end["rows"]), (12, 1))

    def test_the_first_signal_lets_what_is_under_way_end_and_the_second_cuts_it(self):
        gate, begun = threading.Event(), threading.Event()

        def answer(head, body):
            pieces = chat_stream()
            yield from pieces[:2]
            begun.set()
            gate.wait(60)
            yield from pieces[2:]
        for second in (False, True):
            gate.clear()
            begun.clear()
            r = self.record(self.endpoint(answer).url, name=f"trace-of-{second}.jsonl")
            got = []
            asker = threading.Thread(target=lambda: got.append(r.raw(request(chat_body("hi")))))
            asker.start()
            self.assertTrue(begun.wait(30))
            interrupt(r.process)
            wait_until(lambda: self.refuses(r.port), "the end of listening")
            self.assertIsNone(r.process.poll())
            if second:
                interrupt(r.process)
            else:
                gate.set()
            said, notes = r.process.communicate(timeout=60)
            gate.set()
            asker.join()
            self.assertEqual(r.process.returncode, 0, notes)
            self.assertEqual(json.loads(said)["aborted"], int(second))
            self.assertEqual(b"[DONE]" in got[0], not second)

    @staticmethod
    def refuses(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False


if __name__ == "__main__":
    unittest.main()

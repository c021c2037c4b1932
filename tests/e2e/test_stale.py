"""Servers that say keep-alive and close: no request fails by it, and every one is said."""
import json
import socket
import ssl
import threading

from support import Case, accounting_adds_up

ANSWER = (b'data: {"choices":[{"delta":{"content":" t"}}]}\n\n' * 3 +
          b'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n'
          b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n\n'
          b"data: [DONE]\n\n")


class Server:
    """Raw sockets, a thread a connection. `kind` is what becomes of a connection after `answers`:

    eats     the next request is read, and the connection closed
    cuts     the same in the middle of the request
    begins   the same after the first bytes of a status line
    closes   it is closed behind the last answer
    says     the same, as the answer's header said
    http10   every answer is of HTTP/1.0
    """

    def __init__(self, case, kind, answers, tls=None):
        self.kind, self.answers, self.tls, self.requests = kind, answers, tls, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self.accept, daemon=True).start()
        case.addCleanup(self.listener.close)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def read(self, connection, partly):
        """One request; False at the connection's end, or inside one that is only read partly."""
        have = b""
        while b"\r\n\r\n" not in have:
            piece = connection.recv(1 if partly else 65536)
            if not piece or partly:
                return False
            have += piece
        head, _, body = have.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)
        with self.lock:
            self.requests += 1
        return True

    def converse(self, connection):
        done = 0
        while self.read(connection, self.kind == "cuts" and done == self.answers):
            if done == self.answers:
                if self.kind == "begins":
                    connection.sendall(b"HTTP/1.1 2")
                return
            done += 1
            if self.kind == "http10":
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" +
                                   ANSWER)
                return
            last = done == self.answers
            word = b"close" if self.kind == "says" and last else b"keep-alive"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               b"Connection: %s\r\nContent-Length: %d\r\n\r\n" %
                               (word, len(ANSWER)) + ANSWER)
            if last and self.kind in ("says", "closes"):
                return

    def serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.converse(connection)
        except OSError:
            pass
        finally:
            connection.close()


class Stale(Case):
    N = 60

    def bench(self, server, *words, expect=0):
        load = self.write("load.jsonl", json.dumps({"timestamp": 0, "input_length": 20,
                                                    "output_length": 3}) + "\n")
        done = self.farebox("bench", "--url", server.url, "--model", "m", "--no-probe", "--trace",
                            load, "--concurrency", 3, "-n", self.N, "-o", "run", *words,
                            expect=expect)
        summary = accounting_adds_up(self, self.path("run"))
        return done, summary["accounting"], summary["fidelity"]

    def test_what_dies_under_a_request_is_opened_anew(self):
        for kind in ("eats", "cuts"):
            with self.subTest(kind=kind):
                server = Server(self, kind, 5)
                done, counts, fidelity = self.bench(server, "--force")
                self.assertEqual((counts["completed"], counts["attempts"]), (self.N, self.N))
                self.assertGreater(fidelity["stale_connections"], self.N // 5 - 4)
                self.assertEqual(fidelity["hidden_resends"], 0)
                if kind == "eats":  # twice what was resent, once all else
                    self.assertEqual(server.requests, self.N + fidelity["stale_connections"])
                said = " ".join(done.stderr.split())
                self.assertIn(f"closed {fidelity['stale_connections']} kept connections", said)
                if "✓" in done.stdout:
                    self.assertIn(f"{fidelity['stale_connections']} stale connections opened anew",
                                  " ".join(done.stdout.split()))

    def test_a_close_behind_an_answer_fails_nothing(self):
        for kind, answers in (("closes", 5), ("closes", 1), ("says", 2), ("http10", 1)):
            with self.subTest(kind=kind, answers=answers):
                server = Server(self, kind, answers)
                _, counts, fidelity = self.bench(server, "--force")
                self.assertEqual(counts["completed"], self.N)
                if kind != "closes":  # it was said: nothing was stale
                    self.assertEqual(fidelity["stale_connections"], 0)

    def test_an_answer_that_began_is_not_asked_for_again(self):
        server = Server(self, "begins", 5)
        _, counts, fidelity = self.bench(server)
        self.assertEqual(fidelity["stale_connections"], 0)
        self.assertGreater(counts["failed_by"]["reset"], 0)
        self.assertEqual(server.requests, self.N)  # none went out twice

    def test_the_same_over_tls(self):
        crt, key = self.certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        _, counts, fidelity = self.bench(Server(self, "eats", 5, context), "--cacert", crt)
        self.assertEqual(counts["completed"], self.N)
        self.assertGreater(fidelity["stale_connections"], self.N // 5 - 4)

"""Bench over HTTP/2: nghttpx in front of a mock, with and without TLS, and what can go wrong there."""
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading
import unittest

from support import Case, accounting_adds_up, read_lines, takes_times

# Debian puts it where only root's PATH looks.
NGHTTPX = shutil.which("nghttpx", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin")
INSTANTS = ("scheduled_ns", "ready_ns", "sent_ns", "first_byte_ns", "first_token_ns",
            "last_token_ns", "done_ns")
GOAWAY = 7
HEADERS = 1


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Farewell:
    """Stands before an HTTP/2 server and says GOAWAY in its name, once: when stream `at` of the
    first connection is answered, streams above `last` are disowned."""

    def __init__(self, port, at, last):
        self.port, self.at, self.last = port, at, last
        self.said = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.sockets = []
        self.threads = []
        self.start(self.accept)

    def start(self, work, *words):
        thread = threading.Thread(target=work, args=words, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                for s in (client, server):
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets += [client, server]
                self.start(self.forward, client, server)
                self.start(self.answer, server, client)
        except OSError:
            pass

    @staticmethod
    def forward(client, server):
        try:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def answer(self, server, client):
        try:
            with server.makefile("rb") as frames:
                while len(head := frames.read(9)) == 9:
                    client.sendall(head + frames.read(int.from_bytes(head[:3], "big")))
                    stream = int.from_bytes(head[5:], "big")
                    if not self.said and head[3] == HEADERS and stream >= self.at:
                        self.said = True
                        client.sendall(struct.pack(">BHBBIII", 0, 8, GOAWAY, 0, 0, self.last, 0))
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for s in [self.listener, *self.sockets]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        for thread in self.threads:
            thread.join(10)


@unittest.skipUnless(NGHTTPX, "nghttpx is not there (Debian's nghttp2-proxy)")
class Http2(Case):
    def setUp(self):
        super().setUp()
        self.run_path = self.path("run")
        self.cert, self.key = self.certificate()

    def proxy(self, backend, *words, frontend=None, port=None):
        """nghttpx before the mock at URL backend: without TLS, unless frontend says otherwise."""
        port = port or free_port()
        address = frontend or f"127.0.0.1,{port};no-tls"
        host, _, number = backend.split("/")[2].partition(":")
        process = subprocess.Popen(
            [NGHTTPX, "--conf=/dev/null", "--single-process", "--no-ocsp", f"--frontend={address}",
             f"--backend={host},{number}", *words, self.key, self.cert],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, process)
        self.assertTrue(any("Created worker" in line for line in process.stderr), address)
        return process, port

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()

    def plain(self, *mock_words):
        """A mock behind HTTP/2 without TLS, with room for 1,000 streams: its URL."""
        _, port = self.proxy(self.mock(*mock_words), "--frontend-http2-max-concurrent-streams=1000")
        return f"http://127.0.0.1:{port}/v1"

    def secure(self, *proxy_words, mock_words=("--ttft-ms", 50, "--itl-ms", 10)):
        port = free_port()
        self.proxy(self.mock(*mock_words), *proxy_words, frontend=f"127.0.0.1,{port}")
        return f"https://127.0.0.1:{port}/v1"

    def trace(self, count, gap_ms, tokens):
        return self.write("w.jsonl", "".join(
            f'{{"timestamp": {i * gap_ms}, "input_length": 20, "output_length": {tokens}}}\n'
            for i in range(count)))

    def bench(self, url, workload, *words, **more):
        done = self.farebox("bench", "--url", url, "--http2", "--cacert", self.cert, "--trace",
                            workload, "--no-probe", "--model", "m", "-o", self.run_path, "--force",
                            *words, **more)
        self.summary = accounting_adds_up(self, self.run_path)
        self.accounting = self.summary["accounting"]
        self.fidelity = self.summary["fidelity"]
        self.records = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
        for r in self.records:
            times = [r[k] for k in INSTANTS if k in r]
            self.assertEqual(times, sorted(times), r)
        # Every attempt went over a new connection or one that was there, unless none could be made.
        reached = [r for r in self.records if r.get("error") != "connect"]
        self.assertEqual(sum(r["connects"] for r in self.records), self.fidelity["connects"])
        self.assertEqual(self.fidelity["reuses"], sum(r["connects"] == 0 for r in reached))
        return done

    def test_many_streams_share_a_connection(self):
        workload = self.trace(300, 1, 20)
        for url in (self.plain("--ttft-ms", 50, "--itl-ms", 10), self.secure()):
            with self.subTest(url):
                done = self.bench(url, workload, "--concurrency", 100)
                self.assertEqual(self.accounting["completed"], 300)
                self.assertEqual((self.fidelity["connects"], self.fidelity["reuses"]), (1, 299))
                self.assertEqual(self.fidelity["http2_answers"], 300)
                self.assertEqual(self.fidelity["http1_answers"], 0)
                self.assertIn("over HTTP/2", done.stdout)
                self.assertGreaterEqual(self.summary["ttft_ms"]["min"], 50)

    @takes_times
    def test_the_time_to_first_token_is_the_endpoints(self):
        url = self.secure()
        workload = self.trace(100, 5, 10)

        def measure():
            self.bench(url, workload)
            ttft = self.summary["ttft_ms"]
            self.assertGreaterEqual(ttft["min"], 50)
            return ttft, self.fidelity["client_limited"] and self.fidelity["reason"]
        self.assertLess(self.unless_void(measure)["p50"], 60)

    def test_more_streams_than_a_connection_takes(self):
        url = self.secure("--frontend-http2-max-concurrent-streams=100")
        self.bench(url, self.trace(400, 1, 20), "--concurrency", 200)
        self.assertEqual(self.accounting["completed"], 400)
        self.assertEqual(self.fidelity["hidden_resends"], 0)
        self.assertGreaterEqual(self.fidelity["connects"], 2)
        self.assertLessEqual(self.fidelity["connects"], 101)

    def test_a_cancelled_stream_leaves_the_others_alone(self):
        self.bench(self.plain("--ttft-ms", 20, "--itl-ms", 10), self.trace(200, 5, 20),
                   "--cancel", "0.5:3")
        self.assertGreater(self.accounting["cancelled"], 50)
        self.assertEqual(self.accounting["completed"] + self.accounting["cancelled"], 200)
        self.assertEqual(self.fidelity["connects"], 1)

    def test_time_limits_end_a_stream_not_the_connection(self):
        url = self.plain("--ttft-ms", 20, "--itl-ms", 5, "--fault", "stall=5000@20%",
                         "--fault", "stall-after=2:5000@20%")
        self.bench(url, self.trace(100, 5, 10), "--timeout-first", "500ms", "--timeout-gap", "500ms")
        self.assertEqual(set(self.accounting["failed_by"]), {"timeout_first_token", "timeout_gap"})
        self.assertEqual(self.accounting["completed"] + self.accounting["failed"], 100)
        self.assertEqual(self.fidelity["connects"], 1)

    def test_a_reset_stream_is_a_reset(self):
        url = self.plain("--ttft-ms", 5, "--itl-ms", 5, "--fault", "reset-after=2@30%")
        workload = self.trace(100, 5, 10)
        self.bench(url, workload)
        self.assertGreater(self.accounting["failed"], 10)
        self.assertEqual(set(self.accounting["failed_by"]), {"reset"})
        self.bench(url, workload, "--retry", 20, "--retry-backoff", "5ms")
        self.assertEqual(self.accounting["completed"], 100)
        self.assertEqual(self.accounting["attempts"], len(self.records))
        self.assertEqual({r["error"] for r in self.records if r["status"] == "failed"}, {"reset"})
        self.assertEqual(self.fidelity["connects"], 1)

    def test_a_proxy_that_dies_and_comes_back(self):
        backend = self.mock("--ttft-ms", 100, "--itl-ms", 10)
        first, port = self.proxy(backend, "--accesslog-file=/dev/stderr")
        bench = self.start("bench", "--url", f"http://127.0.0.1:{port}/v1", "--http2", "--trace",
                           self.trace(150, 20, 10), "--no-probe", "--model", "m", "-o", self.run_path)
        for _ in range(5):  # answers that have gone through
            first.stderr.readline()
        first.kill()
        first.wait()
        self.proxy(backend, port=port)
        bench.communicate(timeout=60)
        accounting = accounting_adds_up(self, self.run_path)["accounting"]
        records = sorted(read_lines(pathlib.Path(self.run_path) / "requests.jsonl"),
                         key=lambda r: r["scheduled_ns"])
        self.assertEqual((accounting["scheduled"], accounting["attempts"]), (150, 150))
        self.assertGreater(accounting["failed"], 0)
        self.assertLessEqual(set(accounting["failed_by"]), {"connect", "reset", "truncated"})
        self.assertEqual(records[0]["status"], "completed")
        self.assertEqual(records[-1]["status"], "completed")

    def test_goaway_costs_the_disowned_streams_one_attempt(self):
        _, port = self.proxy(self.mock("--ttft-ms", 100, "--itl-ms", 10))
        workload = self.trace(100, 10, 10)
        for words in ((), ("--retry", 1, "--retry-backoff", "5ms")):
            with self.subTest(words):
                farewell = Farewell(port, at=81, last=71)
                try:
                    self.bench(farewell.url, workload, *words)
                finally:
                    farewell.close()
                lost = [r for r in self.records if r["status"] == "failed"]
                self.assertGreaterEqual(len(lost), 5)
                self.assertEqual({r["error"] for r in lost}, {"reset"})
                self.assertEqual(self.accounting["failed"], 0 if words else len(lost))
                self.assertEqual(self.accounting["attempts"], 100 + (len(lost) if words else 0))
                self.assertGreaterEqual(self.fidelity["connects"], 2)

    def test_an_endpoint_that_refuses_http2_is_told(self):
        url = self.secure("--npn-list=http/1.1")
        done = self.bench(url, self.trace(40, 1, 5), "--concurrency", 10)
        self.assertEqual(self.accounting["completed"], 40)
        self.assertEqual((self.fidelity["http1_answers"], self.fidelity["http2_answers"]), (40, 0))
        self.assertIn("40 of 40 answers came over HTTP/1.1", done.stderr)
        self.assertNotIn("HTTP/2", done.stdout)

    def test_an_endpoint_without_http2_or_tls_fails_at_once(self):
        self.bench(self.mock(), self.trace(20, 1, 5), expect=1, timeout=30)
        self.assertEqual(self.accounting["failed"], 20)

    def test_unix_socket_and_unchecked_certificates(self):
        self.proxy(self.mock("--ttft-ms", 5, "--itl-ms", 1), frontend=f"unix:{self.path('s')}")
        done = self.bench("https://localhost/v1", self.trace(50, 1, 5), "--unix-socket",
                          self.path("s"), "--insecure")
        self.assertEqual(self.accounting["completed"], 50)
        self.assertEqual(self.fidelity["http2_answers"], 50)
        self.assertEqual(self.fidelity["connects"], 1)
        self.assertIn("certificates were not checked", done.stderr)

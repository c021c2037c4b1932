"""Peers that mean no good: endpoints that never end, lie or flood, and callers that smuggle. Each costs bounded time
and memory, and every request of the run is accounted for under the right class."""
import concurrent.futures
import itertools
import re
import socket
import ssl
import struct
import subprocess
import threading
import zlib

from support import Case, accounting_adds_up, peak_mib, read_lines

BEYOND_MIB = 64
AT_ONCE = 6
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TOKEN = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
END = (b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}\n\n'
       b"data: [DONE]\n\n")
GOOD = TOKEN + END
BLOCK = 1 << 16


def gzipped(piece, times=1):
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(z.compress(piece) for _ in range(times)) + z.flush()


def whole(body, head=HEAD, length=None):
    return head + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def forever(first, again):
    """Sends `first`, and then `again` until the other side leaves."""
    def answer(connection):
        connection.sendall(first)
        while True:
            connection.sendall(again)
    return answer


def bytes_then_wait(data):
    def answer(connection):
        connection.sendall(data)
        while connection.recv(BLOCK):
            pass
    return answer


def bytes_then_close(data):
    def answer(connection):
        connection.sendall(data)
    return answer


class Peer:
    """Listens, and treats every connection's request as `answer` says."""

    def __init__(self, answer, context=None, reads=True):
        self.answer, self.context, self.reads = answer, context, reads
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.open, self.threads = [], []
        self.begin(self.accept)

    def begin(self, work, *words):
        thread = threading.Thread(target=work, args=words, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                self.begin(self.serve, connection)
        except OSError:
            pass

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            connection.settimeout(30)
            if self.reads:
                self.read_request(connection)
            self.answer(connection)
        except OSError:
            pass
        finally:
            connection.close()

    @staticmethod
    def read_request(connection):
        have = b""
        while b"\r\n\r\n" not in have:
            more = connection.recv(BLOCK)
            if not more:
                raise OSError("left")
            have += more
        head, _, body = have.partition(b"\r\n\r\n")
        wanted = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        while len(body) < wanted:
            body += connection.recv(BLOCK)

    def close(self):
        for s in [self.listener, *self.open]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        for thread in self.threads:
            thread.join(10)


class Hostile(Case):
    """A run of a few requests against a peer: bounded, classified, accounted."""
    COUNT = 2
    LIMIT_S = 30
    READS = True  # its peers read a request of HTTP/1.1 before they answer

    def setUp(self):
        super().setUp()
        self.runs = itertools.count()
        self.trace = self.write("w.jsonl", "".join(
            f'{{"timestamp": {i}, "input_length": 20, "output_length": 3}}\n' for i in range(self.COUNT)))

    def peer(self, answer, context=None, reads=None):
        peer = Peer(answer, context, self.READS if reads is None else reads)
        self.addCleanup(peer.close)
        return f"{'https' if context else 'http'}://127.0.0.1:{peer.port}/v1"

    def run_against(self, url, *words):
        """The records of a run with time limits, and the most memory that it had."""
        run = self.path(f"run-{next(self.runs)}")
        process = self.start("bench", "--url", url, "--model", "m", "--no-probe", "--trace", self.trace, "-o", run,
                             "--quiet", "--timeout-first", "1s", "--timeout-gap", "1s", "--timeout-total", "2s", *words)
        timer = threading.Timer(self.LIMIT_S, process.kill)
        timer.start()
        try:
            said = process.stderr.read()
            mib = peak_mib(process)
        finally:
            timer.cancel()
        self.assertIn(process.returncode, (0, 1), said)
        accounting_adds_up(self, run)
        return read_lines(run + "/requests.jsonl"), mib

    def base_mib(self, *words):
        records, mib = self.run_against(self.peer(bytes_then_close(whole(GOOD)), reads=True), *words)
        self.assertEqual([r["status"] for r in records], ["completed"] * self.COUNT)
        return mib

    def assert_each(self, cases, *words, base=None, context=None):
        """Of each peer: the run ends, within its memory, and every request has the class that is named."""
        base = base or self.base_mib(*words)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:  # most of them wait for a time limit
            runs = {name: pool.submit(self.run_against, self.peer(answer, context), *words)
                    for name, (answer, _) in cases.items()}
        for name, (_, classes) in cases.items():
            with self.subTest(name):
                records, mib = runs[name].result()
                self.assertLessEqual(mib, base + BEYOND_MIB)
                for r in records:
                    self.assertIn(r.get("error", "none"), classes.split(), r)


class Endless(Hostile):
    def test_headers_and_interim_answers(self):
        self.assert_each({
            "header after header": (forever(HEAD, b"X-A: " + b"a" * 1000 + b"\r\n"), "too_large"),
            "one header": (forever(HEAD + b"X-A: ", b"a" * BLOCK), "too_large"),
            "the status line": (forever(b"HTTP/1.1 200 ", b"a" * BLOCK), "too_large"),
            "the first byte": (forever(b"", b"a" * BLOCK), "http too_large"),
            "100": (forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50), "http too_large timeout_first_token"),
            "102": (forever(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 50), "http too_large timeout_first_token"),
            "103": (forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50),
                    "http too_large timeout_first_token"),
            "cookies": (forever(HEAD, b"Set-Cookie: a=b\r\n" * 100), "too_large"),
            "101 and silence": (bytes_then_wait(b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
                                "http timeout_first_token"),
        })

    def test_bodies(self):
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        self.assert_each({
            "tokens": (forever(HEAD + b"\r\n", TOKEN * 100), "timeout_total too_large"),
            "comments": (forever(HEAD + b"\r\n", b": x\n\n" * 1000), "timeout_first_token"),
            "empty lines": (forever(HEAD + b"\r\n", b"\n" * BLOCK), "timeout_first_token too_large"),
            "blanks": (forever(JSON_HEAD + b"\r\n", b" \t" * BLOCK), "timeout_first_token too_large"),
            "zeros": (forever(HEAD + b"\r\n", bytes(BLOCK)), "timeout_first_token too_large"),
            "a line": (forever(HEAD + b"\r\n", b"a" * BLOCK), "too_large timeout_first_token"),
            "an event": (forever(HEAD + b"\r\n", b"data: x\n" * 1000), "too_large timeout_first_token"),
            "a string": (forever(JSON_HEAD + b'\r\n{"a":"', b"a" * BLOCK), "too_large timeout_first_token"),
            "words of an error": (forever(b"HTTP/1.1 500 X\r\n\r\n", b"a" * BLOCK), "server_error"),
            "behind the end": (forever(HEAD + b"\r\n" + GOOD, b"a" * BLOCK), "none too_large"),
            "an extension of a chunk": (forever(chunked + b"5;", b"a" * BLOCK), "timeout_first_token http"),
            "a chunk's size": (forever(chunked, b"0" * BLOCK), "http"),
            "trailers": (forever(chunked + b"%x\r\n%s\r\n0\r\n" % (len(GOOD), GOOD), b"X-A: aaaa\r\n" * 100),
                         "none too_large"),
        })


class Lies(Hostile):
    def test_lengths(self):
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        self.assert_each({
            "too long, and silence": (bytes_then_wait(whole(TOKEN, length=10**6)), "timeout_gap"),
            "too long, and the end": (bytes_then_close(whole(TOKEN, length=10**6)), "truncated"),
            "too short": (bytes_then_close(whole(GOOD, length=20)), "truncated"),
            "zero": (bytes_then_close(whole(GOOD, length=0)), "truncated"),
            "below zero": (bytes_then_close(whole(GOOD, length=-5)), "http"),
            "2^63 - 1": (bytes_then_close(whole(b"{}", JSON_HEAD, 2**63 - 1)), "truncated"),
            "a chunk of 2^72": (bytes_then_wait(chunked + b"ffffffffffffffffff\r\nabc"), "http"),
            "a chunk below zero": (bytes_then_wait(chunked + b"-5\r\nabc"), "http"),
            "closed for writing": (lambda c: (c.sendall(HEAD + b"\r\n" + TOKEN), c.shutdown(socket.SHUT_WR),
                                              c.recv(1)), "truncated"),
            "closed before": (lambda c: (c.shutdown(socket.SHUT_WR), c.recv(1)), "reset"),
        })

    def test_encodings_that_nobody_asked_for(self):
        self.assert_each({
            "gzip": (bytes_then_close(whole(gzipped(GOOD), HEAD + b"Content-Encoding: gzip\r\n")), "malformed"),
            "a bomb": (bytes_then_close(whole(gzipped(b"a" * BLOCK, 4096), HEAD + b"Content-Encoding: gzip\r\n")),
                       "malformed"),
            "a bomb as transfer coding": (bytes_then_close(
                HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + gzipped(b"a" * BLOCK, 4096)),
                "malformed too_large http timeout_first_token"),
            "no gzip": (bytes_then_close(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
                        "http malformed"),
            "UTF-16": (bytes_then_close(whole(GOOD.decode().encode("utf-16"))), "malformed"),
            "HTTP/0.9": (bytes_then_close(GOOD), "http"),
            "HTTP/3.7": (bytes_then_close(b"HTTP/3.7 200 OK\r\n\r\n" + GOOD), "http"),
        })

    def test_redirects_are_not_followed(self):
        away = b"HTTP/1.1 %d F\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        self.assert_each({
            "to itself": (bytes_then_close(away % (302, b"/v1/chat/completions")), "http"),
            "to a file": (bytes_then_close(away % (307, b"file:///etc/passwd")), "http"),
            "to another host": (bytes_then_close(away % (308, b"http://127.0.0.1:1/v1/chat/completions")), "http"),
            "to nowhere": (bytes_then_close(b"HTTP/1.1 301 F\r\nContent-Length: 0\r\n\r\n"), "http"),
            "far": (bytes_then_close(away % (301, b"http://" + b"a" * 90000)), "http"),
        })

    def test_json(self):
        deep = b'{"a":' * 10**5 + b"1" + b"}" * 10**5
        usage = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":%s}\n\ndata: [DONE]\n\n'
        self.assert_each({
            "a deep event": (bytes_then_close(whole(b"data: " + deep + b"\n\n")), "malformed"),
            "a deep event among good ones": (bytes_then_close(whole(b"data: " + deep + b"\n\n" + GOOD)), "none"),
            "a deep body": (bytes_then_close(whole(b"[" * 10**6, JSON_HEAD)), "malformed"),
            "keys twice": (bytes_then_close(whole(
                b'data: {"choices":[{"delta":{"content":"x"}}],"choices":[{"delta":{"content":"y"}}]}\n\n' + END)),
                "none"),
            "10^5 keys": (bytes_then_close(whole(b"data: {" + b'"a":1,' * 10**5 + b'"choices":[]}\n\n' + GOOD)), "none"),
            "usage twice": (bytes_then_close(whole(
                TOKEN + usage % b'{"prompt_tokens":9,"prompt_tokens":7,"completion_tokens":1}')), "none"),
            "usage beyond all bounds": (bytes_then_close(whole(
                TOKEN + usage % b'{"prompt_tokens":1e308,"completion_tokens":-4}')), "none"),
            "a zero in a header": (bytes_then_close(whole(GOOD, HEAD + b"X-\0: a\0b\r\n")), "http"),
        })


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_HEADERS = 4
OK = b"\x88"  # :status 200, of HPACK's static table


def literal(name, value):
    """A header that goes into HPACK's dynamic table: shorter than 127 bytes, and than 16,511."""
    length = bytes([len(value)]) if len(value) < 127 else bytes([127, (len(value) - 127) & 127 | 128,
                                                                  (len(value) - 127) >> 7])
    return b"\x40" + bytes([len(name)]) + name + length + value


class Http2Floods(Hostile):
    """Frames by hand, to a client that was promised HTTP/2 without TLS."""
    READS = False

    @staticmethod
    def after_asked(first, again=b""):
        """Says SETTINGS, waits for a request's headers, and then floods."""
        def answer(connection):
            connection.sendall(frame(SETTINGS, 0, 0))
            seen = b""
            while not re.search(rb"\x01[\x04\x05\x24\x25]\0\0\0\x01", seen):
                more = connection.recv(BLOCK)
                if not more:
                    return
                seen += more
            connection.sendall(first)
            while again:
                connection.sendall(again)
            while connection.recv(BLOCK):
                pass
        return answer

    def test_floods_end_with_the_time_limits(self):
        head = frame(HEADERS, END_HEADERS, 1, OK)
        bomb = literal(b"a", b"b" * 4000)
        say = self.after_asked
        timed = "timeout_first_token timeout_total http reset"
        late = timed + " too_large truncated"
        self.assert_each({
            "SETTINGS": (say(b"", frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 4096)) * 100), timed),
            "PING": (say(b"", frame(PING, 0, 0, b"12345678") * 100), timed),
            "CONTINUATION": (say(frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, literal(b"x", b"y" * 90) * 100)),
                             late),
            "an HPACK bomb": (say(frame(HEADERS, 0, 1, OK + bomb + b"\xbe" * 10000),
                                  frame(CONTINUATION, 0, 1, b"\xbe" * 16000)), late),
            "an HPACK bomb of one frame": (say(frame(HEADERS, END_HEADERS, 1, OK + bomb + b"\xbe" * 10000)), late),
            "an index that is not there": (say(frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f")), late),
            "WINDOW_UPDATE": (say(b"", frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 100), timed),
            "a window beyond 2^31": (say(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 2), timed),
            "PUSH_PROMISE": (say(b"", frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82") * 10), timed),
            "a frame too long": (say(b"\xff\xff\xff" + struct.pack(">BBI", DATA, 0, 1), b"a" * BLOCK), timed),
            "frames of a kind that is none": (say(b"", frame(99, 0, 0, b"x" * 1000) * 10), timed),
            "GOAWAY": (say(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0))), timed),
            "GOAWAY without end": (say(b"", frame(GOAWAY, 0, 0, struct.pack(">II", 2**31 - 1, 0) + b"x" * 100)), timed),
            "RST_STREAM": (say(frame(RST_STREAM, 0, 1, struct.pack(">I", 11))), timed),
            "DATA of a stream that nobody opened": (say(frame(DATA, 0, 99, b"x")), timed),
            "HTTP/1.1 instead": (bytes_then_close(whole(GOOD)), "none http reset"),
        }, "--http2", base=self.base_mib())

class Tls(Hostile):
    """Certificates and versions that are not to be trusted."""

    def make(self, name, *words):
        cert, key = self.path(name + ".pem"), self.path(name + ".key")
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                               "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", cert, *words],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context, cert

    def expired(self):
        """A certificate of the year 2020, from an authority of its own."""
        right, _ = self.certificate()
        key, cert, request = self.path("old.key"), self.path("old.pem"), self.path("old.csr")
        self.write("index", "")
        self.write("serial", "01")
        config = self.write("ca.cnf", f"[ca]\ndefault_ca=c\n[c]\ndir={self.scratch}\ndatabase=$dir/index\n"
                            "new_certs_dir=$dir\nserial=$dir/serial\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n"
                            "[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:127.0.0.1\n")
        for words in (("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                       "-keyout", key, "-out", request),
                      ("ca", "-batch", "-config", config, "-selfsign", "-keyfile", key, "-in", request, "-out", cert,
                       "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-notext")):
            done = subprocess.run(["openssl", *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context, cert

    def test_certificates(self):
        answer = {"": (bytes_then_close(whole(GOOD)), "none")}
        refused = {"": (bytes_then_close(whole(GOOD)), "tls")}
        base = self.base_mib()
        context, cert = self.expired()
        self.assert_each(refused, "--cacert", cert, base=base, context=context)
        good, cert = self.make("self", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
        self.assert_each(refused, base=base, context=good)  # signed by itself, and not known here
        self.assert_each(answer, "--cacert", cert, base=base, context=good)
        other, cert = self.make("other", "-days", "2", "-addext", "subjectAltName=DNS:elsewhere.example")
        self.assert_each(refused, "--cacert", cert, base=base, context=other)
        self.assert_each(answer, "--insecure", base=base, context=other)

    def test_versions_and_what_is_no_tls(self):
        context, cert = self.make("old", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            self.assert_each({version.name: (bytes_then_close(whole(GOOD)), "tls")}, "--cacert", cert,
                             base=self.base_mib(), context=context)


class Smuggling(Case):
    """Requests that two servers would cut differently: refused, and the connection ends with them."""
    BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":1}'
    SECOND = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"

    def ask(self, port, data, half_closed=False):
        """The statuses that come, until the other side closes or says nothing for a second."""
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            s.sendall(data)
            if half_closed:
                s.shutdown(socket.SHUT_WR)
            s.settimeout(1)
            came = b""
            try:
                while more := s.recv(BLOCK):
                    came += more
            except TimeoutError:
                return re.findall(rb"HTTP/1.1 (\d+)", came), False
            except ConnectionResetError:
                pass
            return re.findall(rb"HTTP/1.1 (\d+)", came), True

    def servers(self):
        url = self.mock("--ttft-ms", "1", "--itl-ms", "0.1")
        recorder = self.start("record", "--listen", "127.0.0.1:0", "--to", url, "-o", self.path("t.jsonl"))
        own = int(url.split(":")[2].split("/")[0])
        for line in recorder.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found and int(found[1]) != own:
                return {"mock": own, "recorder": int(found[1])}
        raise AssertionError("the recorder did not say where it listens")

    def test_two_ends_of_one_request_are_refused(self):
        post = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
        n, body, second = len(self.BODY), self.BODY, self.SECOND
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (n, body)
        length, coded = b"Content-Length: %d\r\n" % n, b"Transfer-Encoding: chunked\r\n"
        refused = {
            "two lengths": post + length + b"Content-Length: 0\r\n\r\n" + body,
            "two lengths, the other way round": post + b"Content-Length: 0\r\n" + length + b"\r\n" + body,
            "a list of lengths": post + b"Content-Length: %d, 0\r\n\r\n" % n + body,
            "a length with a sign": post + b"Content-Length: +%d\r\n\r\n" % n + body,
            "a length in hexadecimal": post + b"Content-Length: 0x%x\r\n\r\n" % n + body,
            "a length below zero": post + b"Content-Length: -1\r\n\r\n" + body,
            "length, then chunks": post + b"Content-Length: 6\r\n" + coded + b"\r\n" + chunks + second,
            "chunks, then length": post + coded + b"Content-Length: 6\r\n\r\n" + chunks + second,
            "two codings": post + coded + b"Transfer-Encoding: identity\r\n\r\n" + chunks + second,
            "two codings in one": post + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks + second,
            "a coding with another name": post + b"Transfer-Encoding: xchunked\r\n\r\n" + chunks + second,
            "a coding behind a blank": post + b"Transfer-Encoding : chunked\r\n" + length + b"\r\n" + body,
            "chunks of HTTP/1.0": post.replace(b"1.1", b"1.0") + coded + b"\r\n" + chunks,
            "two hosts": post + b"Host: y\r\n" + length + b"\r\n" + body,
            "a line without a name": post + b"Foo\r\n" + length + b"\r\n" + body,
            "a lone CR": post + b"X: a\rContent-Length: 0\r\n" + length + b"\r\n" + body,
            "a chunk below zero": post + coded + b"\r\n-1\r\n" + body + b"\r\n0\r\n\r\n",
            "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        }
        for who, port in self.servers().items():
            for name, data in refused.items():
                with self.subTest(server=who, request=name):
                    statuses, closed = self.ask(port, data)
                    self.assertEqual(len(statuses), 1, statuses)
                    self.assertIn(statuses[0], (b"400", b"413", b"501", b"505"))
                    self.assertTrue(closed, "the connection is still open")
            with self.subTest(server=who, request="half closed"):
                self.assertEqual(self.ask(port, post + length + b"\r\n" + body[:9], True)[0][:1] in ([], [b"400"]), True)
            self.assertEqual(self.ask(port, post + length + b"Connection: close\r\n\r\n" + body), ([b"200"], True))
            self.assertEqual(self.ask(port, post + length * 2 + b"Connection: close\r\n\r\n" + body), ([b"200"], True))

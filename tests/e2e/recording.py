"""What the tests of farebox record share: an endpoint that sends given bytes, and a recorder in front of it."""
import http.client
import json
import re
import socket
import socketserver
import subprocess

from support import FAREBOX, Case, interrupt, read_lines

KEY = "sk-own-secret-0123456789"


class Raw(socketserver.ThreadingTCPServer):
    """An endpoint that answers each request with the bytes that answer(head, body) gives, and ends the
    connection where that says so."""
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer):
        self.answer = answer
        self.heads = []
        super().__init__(("127.0.0.1", 0), RawHandler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class RawHandler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = self.rfile.read(int(length[1])) if length else b""
                self.server.heads.append(head)
                for piece in self.server.answer(head, body):
                    if piece is None:
                        return
                    self.wfile.write(piece)
        except OSError:
            pass


def event(data):
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Own: a  b\r\nTransfer-Encoding: chunked\r\n\r\n"


def chat_events(words=("one", "two"), usage=(9, 2), tools=()):
    deltas = [{"content": w} for w in words]
    deltas += [{"tool_calls": [{"index": i, "id": "c", "type": "function",
                                "function": {"name": name, "arguments": "{}"}}]} for i, name in enumerate(tools)]
    for delta in deltas:
        yield event({"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})
    yield event({"id": "x", "object": "chat.completion.chunk",
                 "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if tools else "stop"}]})
    yield event({"id": "x", "object": "chat.completion.chunk", "choices": [],
                 "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}})
    yield event("[DONE]")


def chat_stream(**more):
    return [STREAM_HEAD] + [chunk(e) for e in chat_events(**more)] + [b"0\r\n\r\n"]


def whole(status, body, kind="application/json"):
    return [f"HTTP/1.1 {status} Fine\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body]


def chat_body(*messages, **more):
    made = [m if isinstance(m, dict) else {"role": "user", "content": m} for m in messages]
    return json.dumps({"model": "m", "stream": True, "messages": made, **more}).encode()


class Recording:
    def __init__(self, case, to, *words, preexec=None, name="trace.jsonl"):
        self.case, self.trace = case, case.path(name)
        self.process = subprocess.Popen([FAREBOX, "record", "--listen", "127.0.0.1:0", "--to", to, "-o", self.trace,
                                         "--json", *map(str, words)], text=True, cwd=case.scratch, preexec_fn=preexec,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        case.addCleanup(case.end, self.process)
        first = self.process.stdout.readline()
        case.assertTrue(first, "the recorder did not start")
        self.url = json.loads(first)["url"]
        self.port = json.loads(first)["port"]

    def ask(self, body, path="/v1/chat/completions", method="POST", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request(method, path, body, {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}",
                                           **{k.replace("_", "-"): v for k, v in headers.items()}})
            answer = c.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            c.close()

    def raw(self, request, until_closed=True):
        """All bytes that come back on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            s.sendall(request)
            got = b""
            try:
                while data := s.recv(65536):
                    got += data
            except ConnectionResetError:
                pass
            return got

    def stop(self, expect=0):
        interrupt(self.process)
        self.said, self.notes = self.process.communicate(timeout=60)
        self.case.assertEqual(self.process.returncode, expect, self.notes)
        return json.loads(self.said)

    def rows(self):
        lines = read_lines(self.trace)
        self.case.assertEqual(list(lines[0]), ["start"])
        return lines[1:]


def request(body, path="/v1/chat/completions", version="1.1", headers=b"Connection: close\r\n"):
    return (b"POST %s HTTP/%s\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" %
            (path.encode(), version.encode(), headers, len(body))) + body


class RecordCase(Case):
    def endpoint(self, answer):
        server = Raw(answer)
        self.run_server(server)
        return server

    def record(self, to, *words, **more):
        return Recording(self, to, *words, **more)

"""What the end-to-end tests share: running the program as a user would, and a mock to talk to."""
import collections
import decimal
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.pop("COLUMNS", None)  # what is read is as wide as it is where nobody says how wide
FAREBOX = os.environ.get("FAREBOX", str(ROOT / "build" / "farebox"))
TRACES = pathlib.Path(os.environ.get("FAREBOX_TRACES", ROOT.parent / "shared" / "traces"))
SANITIZED = "FAREBOX_SANITIZED" in os.environ  # the program is one that is slow and large, for what it finds (sanitized)
TRIES = 2  # of a measurement that may be void: a machine that is busy stays so
AGAIN_S = 20  # one that took longer is not made again
Timed = collections.namedtuple("Timed", "summary truth void")


def usd(value, decimals=4):
    """Money as people read it: "1,234.56", or with four decimals where there is more than cents."""
    value = decimal.Decimal(value)
    if value and abs(value) < decimal.Decimal(1).scaleb(-decimals):
        decimals = 1 - value.adjusted()
    text = f"{round(value, decimals):,.{decimals}f}"
    whole, _, rest = text.partition(".")
    return text if rest[2:].strip("0") else f"{whole}.{rest[:2]}"


def takes_times(test):
    """Marks a test, or all of a class, as one that measures: it runs when nothing else does (run.py)."""
    test.takes_times = True
    return test


def own(name):
    """Path of a small file of our own, in the form of a recorded one (tests/data/README.md)."""
    return str(ROOT / "tests" / "data" / name)


def trace(name):
    """Path of a recorded trace; skips the test, with the reason, where it is absent."""
    path = TRACES / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not there (FAREBOX_TRACES names its folder)")
    return str(path)


def wait_until(holds, what, limit_s=60):
    """Waits for a condition; a machine that is slow only takes longer."""
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{limit_s} s have passed without {what}")
        time.sleep(0.01)


def has_written(path):
    path = pathlib.Path(path)
    return path.exists() and path.stat().st_size > 0


def interrupt(process):
    """Sends SIGINT and waits until it was taken: two at once would be one."""
    process.send_signal(signal.SIGINT)
    status = pathlib.Path(f"/proc/{process.pid}/status")

    def taken():
        found = re.search(r"^ShdPnd:\s*([0-9a-f]+)", status.read_text(), re.M) if status.exists() else None
        return process.poll() is not None or not found or not int(found[1], 16) >> signal.SIGINT - 1 & 1
    wait_until(taken, "the signal being taken")


def cpu_s(process):
    """User time of a running process."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def peak_mib(process):
    """Waits for the end of a process: the most memory that it had resident, without what a sanitizer keeps, which is
    most by far: nothing is counted there."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return 0 if SANITIZED else used.ru_maxrss / 1024


def contents(folder):
    """The bytes of every file below a folder, by path."""
    folder = pathlib.Path(folder)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def read_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # no connection waits for a machine that is busy


class Handler(http.server.BaseHTTPRequestHandler):
    """What the endpoints of the tests' own share; each says what it does."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, text, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


class Case(unittest.TestCase):
    """A test with a scratch folder of its own and a way to run the program."""

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="farebox-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def path(self, name):
        return str(self.scratch / name)

    def write(self, name, text):
        path = self.scratch / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return str(path)

    def farebox(self, *words, expect=0, stdin=None, timeout=120, env=None):
        """Runs the program, checks its exit status (None: any), gives the finished process."""
        done = subprocess.run([FAREBOX, *map(str, words)], input=stdin, text=True, cwd=self.scratch,
                              capture_output=True, timeout=timeout * (5 if SANITIZED else 1),
                              env={**os.environ, "NO_COLOR": "1", **(env or {})})
        if expect is not None:
            self.assertEqual(done.returncode, expect,
                             f"farebox {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        return done

    def farebox_json(self, *words, **more):
        return json.loads(self.farebox(*words, "--json", **more).stdout)

    def start(self, *words):
        """Starts the program in the background; it is ended with the test."""
        process = subprocess.Popen([FAREBOX, *map(str, words)], text=True, cwd=self.scratch,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()
        process.stderr.close()

    def start_mock(self, *words):
        """A mock endpoint on a free port: its process and its base URL."""
        process = self.start("mock", "--listen", "127.0.0.1:0", *words)
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        self.assertIsNotNone(found, line)
        return process, found.group()

    def mock(self, *words):
        """The base URL of one that is there until the test has ended."""
        return self.start_mock(*words)[1]

    def run_server(self, server):
        """Serves in a thread until the test has ended."""
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def certificate(self):
        """Paths of a certificate of 127.0.0.1 and of its key; skips the test where none can be made."""
        if not shutil.which("openssl"):
            self.skipTest("openssl is not there to make a certificate")
        cert, key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
        return cert, key

    def unless_void(self, measure, tries=TRIES):
        """What measure() gives in the first try that is not void.

        measure gives (value, why it is void or None). A try in which the client or the mock was late
        says nothing about times: it is said and made again, unless it took long, and where all are
        void the test is skipped with the reason. No test of times fails because a machine is busy.
        """
        begin = time.monotonic()
        for number in range(1, tries + 1):
            value, void = measure()
            if not void:
                return value
            print(f"VOID {self.id()} ({number} of {tries}): {void}", flush=True)
            if time.monotonic() - begin > AGAIN_S:
                break
        self.skipTest(f"void {number} time{'s' * (number > 1)}, at last: {void}")

    def bench_timed(self, mock_words, bench_words, run, late_ms=1):
        """Runs bench against a mock of its own: the run's summary, the mock's truth log by request,
        and why the run says nothing about times (None: it does)."""
        log = self.path("truth.jsonl")
        mock, url = self.start_mock("--log", log, "--force", *mock_words)
        self.farebox("bench", "--url", url, *bench_words, "-o", run, "--force")
        mock.send_signal(signal.SIGINT)
        said, _ = mock.communicate(timeout=60)
        late = re.search(r"late by p50 \S+ p99 ([0-9.]+)", said)
        summary = accounting_adds_up(self, run)
        truth = {t["x_request_id"]: t for t in read_lines(log) if t["due_ns"]}
        return Timed(summary, truth, why_void(summary["fidelity"], late, late_ms))

    def simulate_as_read(self, truth, engine, *more):
        """The simulator's records of the requests as the mock read them, and the first instant."""
        read = sorted(truth.values(), key=lambda t: t["read_ns"])
        rows = [{"timestamp": (t["read_ns"] - read[0]["read_ns"]) / 1e6,
                 "input_length": t["billed"]["prompt_tokens"],
                 "output_length": t["billed"]["completion_tokens"],
                 "request_id": t["x_request_id"], "priority": t.get("priority", 0)} for t in read]
        seen = self.write("seen.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        self.farebox("sim", "--engine", engine, *more, "--trace", seen, "-o", "model", "--quiet",
                     "--force")
        return self.records(self.path("model")), read[0]["read_ns"]

    def assert_clocks_agree(self, truth, engine, *more):
        """What the mock owed, by its log, is what the simulator says, to the nanosecond."""
        model, start_ns = self.simulate_as_read(truth, engine, *more)
        for name, served in truth.items():
            due = served["due_ns"]
            self.assertEqual((due[0] - start_ns, due[-1] - start_ns),
                             (model[name]["first_token_ns"], model[name]["last_token_ns"]), name)

    @staticmethod
    def records(run):
        """The final records of a run, by request."""
        lines = read_lines(pathlib.Path(run) / "requests.jsonl")
        return {r["request_id"]: r for r in lines if r["final"]}

    def assert_refused(self, done, *parts):
        """The message on standard error has all these parts, and nothing came out."""
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")


def why_void(fidelity, late, late_ms):
    if fidelity["client_limited"]:
        return f"the client was late: {fidelity['reason']}"
    if not late:
        return "the mock said nothing of its lateness"
    if float(late.group(1)) > late_ms:
        return f"the mock was late by {late.group(1)} ms (p99)"
    return None


# The accounting of docs/architecture.md, which holds in every run.
def accounting_adds_up(case, run):
    summary = read_json(pathlib.Path(run) / "summary.json")
    a = summary["accounting"]
    case.assertEqual(a["scheduled"], a["completed"] + a["failed"] + a["cancelled"] + a["unsent"])
    finals = [r for r in read_lines(pathlib.Path(run) / "requests.jsonl") if r["final"]]
    case.assertEqual(a["scheduled"], len(finals))
    for status in ("completed", "failed", "cancelled", "unsent"):
        case.assertEqual(a[status], sum(r["status"] == status for r in finals))
    case.assertEqual(sum(a["failed_by"].values()), a["failed"])
    case.assertEqual(sum(a["unsent_by"].values()), a["unsent"])
    return summary

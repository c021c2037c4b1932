"""What the end-to-end tests share: running the program as a user would, and a mock to talk to."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAREBOX = os.environ.get("FAREBOX", str(ROOT / "build" / "farebox"))
TRACES = pathlib.Path(os.environ.get("FAREBOX_TRACES", ROOT.parent / "shared" / "traces"))


def trace(name):
    """Path of a recorded trace; skips the test, with the reason, where it is absent."""
    path = TRACES / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not there (FAREBOX_TRACES names its folder)")
    return str(path)


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def read_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


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
                              capture_output=True, timeout=timeout,
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

    def mock(self, *words):
        """A mock endpoint on a free port; gives its base URL."""
        process = self.start("mock", "--listen", "127.0.0.1:0", *words)
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        self.assertIsNotNone(found, line)
        return found.group()

    def bench_trusted(self, mock_words, bench_words, run, tries=3, late_ms=1):
        """Runs bench against a mock of its own until both kept time: (summary, kept).

        A run in which the client was the limit, or the mock late, says nothing about latencies:
        it is void and made again. On a machine that stays too busy the last one is given, with
        False, for everything but its latencies.
        """
        for _ in range(tries):
            mock = self.start("mock", "--listen", "127.0.0.1:0", *mock_words)
            url = re.search(r"http://\S+", mock.stdout.readline()).group()
            self.farebox("bench", "--url", url, *bench_words, "-o", run, "--force")
            mock.send_signal(signal.SIGINT)
            said, _ = mock.communicate(timeout=20)
            late = re.search(r"late by p50 \S+ p99 ([0-9.]+)", said)
            summary = accounting_adds_up(self, run)
            kept = not summary["fidelity"]["client_limited"] and late and float(late.group(1)) <= late_ms
            if kept:
                break
        return summary, kept

    def assert_refused(self, done, *parts):
        """The message on standard error has all these parts, and nothing came out."""
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")


# The sums of DESIGN §4 that hold in every run.
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

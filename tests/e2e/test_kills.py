"""SIGKILL at random instants: what is there can be read, a second is the most that is lost, and all goes on.

FAREBOX_KILLS=200 kills so often (make check-kill); without it some twenty times.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

from support import FAREBOX, Case, contents, has_written, read_json, read_lines, wait_until

KILLS = int(os.environ.get("FAREBOX_KILLS", "20"))
SHIM = os.environ.get("FAREBOX_FAILING_IO")
SLACK_S = 0.5  # beside the second that is promised: the machine may be busy
RATES = "rate=11,12,13,14,15,16"


class Kills(Case):
    def setUp(self):
        super().setUp()
        self.dice = random.Random(18)
        self.trace = self.write("w.jsonl", "".join(
            f'{{"timestamp": {i * 5}, "input_length": 60, "output_length": 8}}\n' for i in range(800)))

    def kill_after(self, process, most_s):
        """Kills it within so many seconds from now; the instant, of the monotonic clock. False: it had ended."""
        try:
            process.communicate(timeout=self.dice.random() * most_s)
            return 0
        except subprocess.TimeoutExpired:
            at_ns = time.monotonic_ns()
            process.kill()
            process.communicate()
            return at_ns

    def bench(self, url, *more):
        return ("bench", "--url", url, "--model", "m", "--no-probe", "--trace", self.trace, *more)

    def assert_kept(self, kept, truth, killed_ns):
        """Every answer whose last chunk was due a second before the kill is there."""
        due = {t["x_request_id"] for t in truth
               if t["due_ns"] and killed_ns and t["due_ns"][-1] < killed_ns - int((1 + SLACK_S) * 1e9)}
        self.assertEqual(sorted(due - kept), [])
        return len(due)

    def test_a_bench_loses_a_second_at_most(self):
        sure = 0
        for turn in range(max(3, KILLS // 8)):
            run, log = self.path(f"run{turn}"), self.path(f"truth{turn}.jsonl")
            mock, url = self.start_mock("--log", log, "--ttft-ms", "5", "--itl-ms", "1")
            process = self.start(*self.bench(url, "-o", run, "-q"))
            wait_until(lambda: has_written(run + "/requests.jsonl"), "a record")
            killed_ns = self.kill_after(process, 3.5)
            mock.send_signal(signal.SIGINT)
            mock.communicate(timeout=20)
            self.farebox("report", run, "--no-plots", "--no-html")
            sure += self.assert_kept(self.ids(run + "/requests.jsonl"), read_lines(log), killed_ns)
        self.assertGreater(sure, 20)

    @staticmethod
    def ids(path):
        whole = pathlib.Path(path).read_bytes()
        lines = whole[:whole.rfind(b"\n") + 1].decode().splitlines()
        return {line.split('"request_id": "', 1)[1].split('"', 1)[0] for line in lines}

    def test_a_recording_loses_no_row(self):
        for turn in range(max(2, KILLS // 20)):
            trace = self.path(f"recorded{turn}.jsonl")
            upstream = self.mock("--ttft-ms", "5", "--itl-ms", "1")
            recorder = self.start("record", "--listen", "127.0.0.1:0", "--to", upstream, "-o", trace, "--json")
            url = json.loads(recorder.stdout.readline())["url"]
            client = self.start(*self.bench(url, "-o", self.path(f"client{turn}"), "-q"))
            wait_until(lambda: pathlib.Path(trace).read_text().count("\n") > 2, "rows")
            time.sleep(self.dice.random())  # the instant is drawn, not waited for
            seen = pathlib.Path(trace).read_bytes().count(b"\n")
            recorder.kill()
            recorder.communicate()
            client.kill()
            info = self.farebox_json("workload", "info", trace)
            self.assertGreaterEqual(info["requests"] + 1, seen)  # a line is the start

    def test_a_sweep_of_sim_goes_on_to_the_same_bytes(self):
        words = ("sim", "--trace", self.trace, "--sweep", RATES, "-o")
        whole = self.path("whole")
        started = time.monotonic()
        self.farebox(*words, whole)
        span, expected, killed = time.monotonic() - started, contents(whole), 0
        for turn in range(max(4, KILLS // 3)):
            sweep = self.path(f"sweep{turn}")
            for _ in range(2):
                killed += bool(self.kill_after(self.start(*words, sweep, "--resume"), span))
            self.farebox(*words, sweep, "--resume")
            self.assertEqual(without_paths(contents(sweep)), without_paths(expected), turn)
        self.assertGreater(killed, turn // 2)

    def test_a_sweep_of_bench_keeps_its_points(self):
        url = self.mock("--ttft-ms", "5", "--itl-ms", "1")
        for turn in range(max(2, KILLS // 20)):
            sweep = self.path(f"bench{turn}")
            words = self.bench(url, "-n", "20", "--sweep", "rate=50,70,90", "-o", sweep, "-q")
            process = self.start(*words)
            wait_until(lambda: os.path.exists(sweep + "/sweep.jsonl") and len(self.points(sweep)) > turn % 2, "a point")
            self.kill_after(process, 0.4)
            points, before = self.points(sweep), contents(sweep)
            self.farebox(*words, "--resume")
            self.assertEqual(self.points(sweep)[:len(points)], points)
            for point in points[1:]:
                folder = f"rate-{point['value']:g}/"
                for name in (n for n in before if n.startswith(folder)):
                    self.assertEqual(contents(sweep)[name], before[name], name)
            self.assertEqual(len(self.points(sweep)), 4)

    @staticmethod
    def points(sweep):
        text = pathlib.Path(sweep, "sweep.jsonl").read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def test_a_kill_before_any_call_leaves_what_force_takes(self):
        """Of a run that replaces an earlier one, the clean-up included: killed before each of its calls in turn."""
        if not SHIM:
            self.skipTest("FAREBOX_FAILING_IO names no library to preload (make e2e builds it)")
        run, log = self.path("run"), self.path("calls.log")
        words = ("sim", "--trace", self.trace, "-n", "9", "-o", run, "--force")

        def shimmed(**settings):
            names = {f"FAILING_IO_{name.upper()}": str(value) for name, value in settings.items()}
            return subprocess.run([FAREBOX, *words], cwd=self.scratch, capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "LD_PRELOAD": SHIM, "FAILING_IO_UNDER": str(self.scratch),
                                       "ASAN_OPTIONS": "verify_asan_link_order=0", **names})
        self.farebox(*words)
        shimmed(log=log)
        calls = pathlib.Path(log).read_text().splitlines()
        numbers = range(1, len(calls) + 1)
        for number in numbers if KILLS >= 200 else self.dice.sample(numbers, 12):
            with self.subTest(call=calls[number - 1]):
                self.assertEqual(shimmed(kill=number).returncode, -signal.SIGKILL)
                self.farebox("report", run, "--no-plots", "--no-html")
                self.assertEqual(read_json(run + "/summary.json")["accounting"]["completed"], 9)
                for beside in self.scratch.glob("run.*"):
                    self.farebox(*words[:-2], beside, "--force")
                    subprocess.run(["rm", "-r", str(beside)], check=True)
                self.farebox(*words)


def without_paths(files):
    """Runs name the place that they were written to in no file; how a sweep was told to go on is an option."""
    return {name: text for name, text in files.items() if not name.startswith("plots/") and
            not name.endswith("run.json")}

"""What must not be lost: records on a full disk, and an earlier run where a new one comes to nothing."""
import os
import pathlib
import re
import signal
import subprocess

from support import FAREBOX, Case, contents, cpu_s, has_written, interrupt, read_json, read_lines, wait_until

WORKLOAD = "".join(f'{{"timestamp": {i * 20}, "input_length": 60, "output_length": 8}}\n' for i in range(400))


class Lost(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.write("w.jsonl", WORKLOAD)
        self.run_path = self.path("run")

    def limited(self, kib, *words):
        """Runs the program with a limit of file size, which stands for a full disk."""
        return subprocess.run(["bash", "-c", f'ulimit -f {kib}; exec "$@"', "bash", FAREBOX, *map(str, words)],
                              text=True, cwd=self.scratch, capture_output=True, timeout=60)

    def bench_words(self, url, *more):
        return ("bench", "--url", url, "--model", "m", "--no-probe", "--trace", self.trace, *more)


class FullDisk(Lost):
    def assert_kept(self, done, run):
        """Every line is whole, the number is said, and nothing looks like a run that ended well."""
        self.assertEqual(done.returncode, 1, done.stderr)
        kept = read_lines(pathlib.Path(run) / "requests.jsonl")
        self.assertIn("cannot be written", done.stderr)
        self.assertIn(f"with {len(kept)} whole records", done.stderr)
        self.assertFalse(os.path.exists(run + "/summary.json"))
        self.assertNotIn("written to", done.stdout)
        return len(kept)

    def test_bench_stops_sending(self):
        mock, url = self.start_mock("--ttft-ms", "5", "--itl-ms", "1")
        done = self.limited(40, *self.bench_words(url, "-o", self.run_path))
        kept = self.assert_kept(done, self.run_path)
        mock.send_signal(signal.SIGINT)
        said, _ = mock.communicate(timeout=20)
        served = int(re.search(r"(\d+) requests:", said).group(1))
        self.assertGreater(kept, 20)
        self.assertLess(served, 350, said)
        self.farebox("report", self.run_path, "--no-plots", "--no-html")

    def test_sim_stops_and_keeps_the_earlier_run(self):
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path)
        before = pathlib.Path(self.run_path, "requests.jsonl").read_bytes()
        done = self.limited(40, "sim", "--trace", self.trace, "-o", self.run_path, "--force")
        self.assert_kept(done, self.run_path + ".new")
        self.assertIn(f"{self.run_path} keeps the earlier run; the new one is in {self.run_path}.new", done.stderr)
        self.assertEqual(pathlib.Path(self.run_path, "requests.jsonl").read_bytes(), before)

    def test_a_sweep_ends(self):
        done = self.limited(40, "sim", "--trace", self.trace, "--sweep", "rate=10,20,30", "-o", self.path("sweep"))
        self.assert_kept(done, self.path("sweep/rate-10"))
        self.assertFalse(os.path.exists(self.path("sweep/rate-20")))

    def test_a_disk_that_is_full_from_the_start(self):
        """What could not even begin leaves nothing in the way of its repetition."""
        words = ("sim", "--trace", self.trace, "-o", self.run_path)
        done = self.limited(0, *words)
        self.assertEqual(done.returncode, 1)
        self.assertIn("run.json cannot be written", done.stderr)
        self.farebox(*words)


class Force(Lost):
    def test_a_run_that_came_to_nothing_replaces_nothing(self):
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path)
        words = self.bench_words("http://127.0.0.1:1/v1", "-n", "20", "-o", self.run_path, "--force")
        for new in (".new", ".new-2"):
            done = self.farebox(*words, expect=1)
            self.assertIn(f"{self.run_path} keeps the earlier run; the new one is in {self.run_path}{new}\n",
                          done.stderr)
            self.assertEqual(len(read_lines(self.run_path + "/requests.jsonl")), 400)
            self.assertEqual(read_json(self.run_path + new + "/summary.json")["accounting"]["completed"], 0)
        self.farebox("report", self.run_path, "--no-plots", "--no-html")

    def test_a_refused_run_leaves_no_trace(self):
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path)
        self.farebox(*self.bench_words("ftp://x/v1", "-o", self.run_path, "--force"), expect=2)
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["run", "w.jsonl"])

    def test_after_a_kill_both_are_readable(self):
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path)
        url = self.mock()
        process = self.start(*self.bench_words(url, "-o", self.run_path, "--force"))
        new = pathlib.Path(self.run_path + ".new", "requests.jsonl")
        wait_until(lambda: has_written(new), "a record")
        process.kill()
        process.wait()
        for run, least in ((self.run_path, 400), (self.run_path + ".new", 1)):
            self.assertGreaterEqual(len(read_lines(run + "/requests.jsonl")), least)
            self.farebox("report", run, "--no-plots", "--no-html")
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path + ".new", "--force")

    def test_a_new_run_takes_the_place(self):
        self.farebox("sim", "--trace", self.trace, "-o", self.run_path)
        self.write("run/notes.txt", "mine")
        self.farebox("sim", "--trace", self.trace, "-n", "7", "-o", self.run_path, "--force")
        self.assertEqual(len(read_lines(self.run_path + "/requests.jsonl")), 7)
        self.assertEqual(pathlib.Path(self.run_path, "notes.txt").read_text(), "mine")
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["run", "w.jsonl"])
        done = subprocess.run([FAREBOX, "sim", "--trace", self.trace, "-o", ".", "--force"], cwd=self.run_path,
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("current directory", done.stderr)

    def test_a_sweep_that_came_to_nothing_replaces_nothing(self):
        sweep = self.path("sweep")
        self.farebox("sim", "--trace", self.trace, "--sweep", "rate=10,20", "-n", "50", "-o", sweep)
        before = contents(sweep)
        done = self.farebox(*self.bench_words("http://127.0.0.1:1/v1", "-n", "9", "--sweep", "rate=10,20", "-o",
                                              sweep, "--force"))
        self.assertIn(f"{sweep} keeps what was there; the new runs are in {sweep}.new", done.stderr)
        self.assertEqual(before, contents(sweep))
        self.farebox("sim", "--trace", self.trace, "--sweep", "rate=10,30", "-n", "50", "-o", sweep, "--force")
        points = [p["value"] for p in read_lines(sweep + "/sweep.jsonl")[1:]]
        self.assertEqual(points, [10, 30])
        self.assertTrue(os.path.exists(sweep + "/rate-30/summary.json"))


class Instants(Lost):
    """Times are int64 nanoseconds: what would be due after 100 years is refused, before anything is made."""

    def refused(self, *words):
        done = self.farebox(*words, expect=2)
        self.assertRegex(done.stderr, "years, and a run ends at 100|too rare for this time")
        self.assertFalse(os.path.exists(self.run_path))

    def test_what_would_be_due_in_centuries_is_refused(self):
        slow = self.write("slow.jsonl", "".join('{"timestamp": %d, "input_length": 6, "output_length": 2}\n'
                                                % (i * 40_000_000_000) for i in range(2)))
        for command in (("sim",), ("bench", "--url", "http://127.0.0.1:1/v1", "--model", "m", "--no-probe")):
            to = ("-o", self.run_path)
            for rate in ("1e-9", "1e-300", "1e-7"):
                self.refused(*command, "--scenario", "chat", "--rate", rate, "-n", "500", *to)
            self.refused(*command, "--trace", slow, "--speed", "1e-3", *to)
        self.refused("bench", "--url", "http://127.0.0.1:1/v1", "--trace", slow, "--speed", "1e-3", "--dry-run")
        for words in (("--trace", slow, "--speed", "1e-6"), ("--trace", self.trace, "--rate", "1e-9")):
            self.farebox("sim", *words, "-d", "60s", "-o", self.run_path, "--force")
        self.farebox("sim", "--trace", slow, "-o", self.run_path, "--force")
        for r in read_lines(self.run_path + "/requests.jsonl"):
            self.assertGreaterEqual(r["done_ns"], r["sent_ns"])


class Interrupts(Lost):
    def test_generation_and_dry_runs_end(self):
        endless = ("--scenario", "chat", "-n", "400000000")
        for words in (("workload", "gen", "chat", "-n", "400000000", "-o", self.path("big.jsonl")),
                      ("bench", "--url", "http://127.0.0.1:1/v1", *endless, "--dry-run"), ("sim", *endless)):
            for signals in (1, 2):
                with self.subTest(words=words, signals=signals):
                    process = self.start(*words)
                    # Well within the generation, of which nothing is told.
                    wait_until(lambda: cpu_s(process) > 0.2, "work")
                    for _ in range(signals):
                        interrupt(process)
                    self.assertEqual(process.wait(10), 130)
        self.assertFalse(os.path.exists(self.path("big.jsonl")))

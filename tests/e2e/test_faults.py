"""Faults of the surroundings: kills, places that cannot be replaced, absurd input, signals while waiting."""
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import time

from support import FAREBOX, Case, contents, has_written, peak_mib, read_json, read_lines, wait_until

ROW = '{"timestamp": %d, "input_length": 60, "output_length": 8}\n'
PRESET = "rtx4090-llama-3.1-8b-tp1"


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.write("w.jsonl", "".join(ROW % (i * 20) for i in range(40)))
        self.run_path = self.path("run")

    def sim(self, *words, out=None, **more):
        return self.farebox("sim", "--trace", self.trace, "-o", out or self.run_path, *words, **more)


class Places(Faults):
    """What could not be replaced in the end is refused before the first request."""

    def assert_refused_untouched(self, done, said, folder):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(said, done.stderr)
        self.assertEqual(contents(folder), self.before)
        self.assertEqual([p.name for p in self.scratch.iterdir() if ".new" in p.name or ".old" in p.name], [])

    def test_the_current_directory_and_those_above_it(self):
        self.sim()
        inside = pathlib.Path(self.run_path, "mine")
        inside.mkdir()
        self.before = contents(self.run_path)
        for here, out in ((self.run_path, "."), (self.run_path, self.run_path), (self.run_path, "../run/"),
                          (inside, ".."), (inside, self.run_path)):
            for sweep in ((), ("--sweep", "rate=5,9")):
                done = subprocess.run([FAREBOX, "sim", "--trace", self.trace, "-o", out, "--force", *sweep], cwd=here,
                                      text=True, capture_output=True, timeout=60)
                self.assert_refused_untouched(done, "the current directory", self.run_path)

    def test_a_mount_point(self):
        """In a name space of its own, where that may be had."""
        self.sim()
        self.before = contents(self.run_path)
        pathlib.Path(self.path("point")).mkdir()
        script = ('mount --bind "$1" "$2" || exit 77; shift 2; "$@"', "bash", self.run_path, self.path("point"))
        try:
            done = subprocess.run(["unshare", "-m", "bash", "-c", *script, FAREBOX, "sim", "--trace", self.trace, "-o",
                                   self.path("point"), "--force"], text=True, capture_output=True, timeout=60)
        except FileNotFoundError:
            self.skipTest("no unshare")
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest(f"no name space with mounts: {done.stderr}")
        self.assert_refused_untouched(done, "it is a mount point", self.run_path)

    def test_a_parent_that_is_not_writable(self):
        """Nor another user's directory in one that is, where only owners rename (as in /tmp)."""
        self.sim(out=self.path("parent/run"))
        self.before = contents(self.path("parent/run"))
        who = self.plain_user()
        for mode, status, said in ((0o555, 1, "run.new, beside the run that it would replace, cannot be made"),
                                   (0o1777, 2, "cannot be renamed (Operation not permitted)")):
            if mode == 0o1777 and not who:
                break  # all is ours
            os.chmod(self.path("parent"), mode)
            self.addCleanup(os.chmod, self.path("parent"), 0o755)
            done = subprocess.run([FAREBOX, "sim", "--trace", self.trace, "-o", self.path("parent/run"), "--force"],
                                  text=True, capture_output=True, timeout=60, **who)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(said, done.stderr)
            self.assertEqual(contents(self.path("parent/run")), self.before)
            self.assertEqual(os.listdir(self.path("parent")), ["run"])

    def plain_user(self):
        """Root may write everywhere: then somebody else runs the program."""
        if os.geteuid() != 0:
            return {}
        who = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chmod(self.scratch, 0o755)
        try:
            subprocess.run([FAREBOX, "--version"], capture_output=True, check=True, **who)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no other user may run the program here")
        return who

    def test_a_file(self):
        kept = self.write("precious", "mine")
        for words in ((), ("--force",), ("--force", "--sweep", "rate=5,9"), ("--sweep", "rate=5,9")):
            done = self.sim(*words, out=kept, expect=None)
            self.assertIn(done.returncode, (1, 2), done.stderr)
            self.assertRegex(done.stderr, "not a directory|exists; --force|File exists")
            self.assertEqual(pathlib.Path(kept).read_text(), "mine")
            self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["precious", "w.jsonl"])

    def test_a_link_is_followed_and_stays(self):
        self.sim(out=self.path("real"))
        os.symlink("real", self.run_path)
        self.sim("-n", "7", "--force")
        self.assertTrue(os.path.islink(self.run_path))
        self.assertEqual(len(read_lines(self.path("real/requests.jsonl"))), 7)
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["real", "run", "w.jsonl"])

    def test_two_runs_at_once(self):
        """The second is refused, whether there is an earlier run or not; the first does not notice."""
        url = self.mock("--ttft-ms", "5", "--itl-ms", "1")
        words = ("bench", "--url", url, "--model", "m", "--no-probe", "--trace", self.trace, "-o", self.run_path)
        for number, grows in enumerate((self.run_path, self.run_path + ".new")):
            first = self.start(*words, "--speed", "0.3", "--force")
            records = pathlib.Path(grows, "requests.jsonl")
            wait_until(lambda: has_written(records), "a record")
            for more in ((), ("--force",)):
                done = self.farebox(*words, *more, expect=2)
                self.assertRegex(done.stderr, "another run is being written there|exists already")
            done = self.sim("--force", "--sweep", "rate=5,9", out=grows, expect=2)
            self.assertIn("another run is being written there", done.stderr)
            out, err = first.communicate(timeout=60)
            self.assertEqual(first.returncode, 0, err)
            self.assertEqual(len(read_lines(self.run_path + "/requests.jsonl")), 40, number)
            self.assertEqual(read_json(self.run_path + "/summary.json")["accounting"]["completed"], 40)
        self.sim("--force")


class Replaced(Faults):
    def test_nothing_of_the_earlier_run_stays_and_all_that_is_not_its(self):
        self.sim("--plans", "openai/o3")
        self.farebox("report", self.run_path, "--plans", "openai/o3")
        for kind in ("vllm", "aiperf", "csv"):
            self.farebox("report", self.run_path, "--export", kind)
        made = set(contents(self.run_path))
        mine = {"notes.txt", "summary.json.bak", "bill.json.old", "plots/paper.svg", "aiperf/settings.yaml", "x/y/z"}
        for name in mine:
            path = pathlib.Path(self.run_path, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("mine")
        self.sim("-n", "7", "--force")
        self.sim("-n", "7", out=self.path("fresh"))
        now = contents(self.run_path)
        self.assertEqual(set(now), mine | set(contents(self.path("fresh"))))
        self.assertGreater(len(made - set(now)), 8)
        self.assertEqual({now[name] for name in mine}, {b"mine"})
        self.assertFalse(os.path.exists(self.run_path + ".new"))

    def test_nor_points_of_an_earlier_sweep(self):
        self.sim("--sweep", "rate=10,20,30")
        self.farebox("report", self.run_path + "/rate-20")
        self.write("run/rate-20/notes.txt", "mine")
        self.sim("--sweep", "rate=10,40", "--force")
        names = set(contents(self.run_path))
        self.assertEqual({n.split("/")[0] for n in names if n.startswith("rate-")}, {"rate-10", "rate-20", "rate-40"})
        self.assertEqual({n for n in names if n.startswith("rate-20")}, {"rate-20/notes.txt"})
        self.assertFalse(os.path.exists(self.run_path + ".new"))

    def test_records_that_are_not_ours_are_not_replaced(self):
        log = self.write("requests.jsonl", "GET /\n")
        folder = pathlib.Path(self.run_path)
        folder.mkdir()
        os.rename(log, folder / "requests.jsonl")
        done = self.sim("--force", expect=2)
        self.assertIn("holds something that is no run", done.stderr)
        self.assertEqual((folder / "requests.jsonl").read_text(), "GET /\n")


class Kills(Faults):
    def assert_readable(self, folder):
        records = read_lines(folder + "/requests.jsonl")
        self.farebox("report", folder, "--no-plots", "--no-html")
        return len(records)

    def test_at_any_instant_nothing_is_lost(self):
        """SIGKILL at random: an earlier run or a whole new one is in its place, and of each run that stands
        there whole, every file."""
        dice = random.Random(11)
        self.sim("-n", "30")
        started = time.monotonic()
        self.sim("-n", "20", "--force")
        span = time.monotonic() - started
        replaced = 0
        for turn in range(40):
            count = 21 + turn % 9
            process = self.start("sim", "--trace", self.trace, "-n", count, "-o", self.run_path, "--force", "-q")
            try:
                process.communicate(timeout=span * dice.random() * 1.2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            kept = self.assert_readable(self.run_path)
            replaced += kept == count
            self.assertEqual(read_json(self.run_path + "/summary.json")["accounting"]["completed"], kept)
            for name in ("engine.json", "histograms.json", "timeline.jsonl", "run.json"):
                self.assertTrue(os.path.exists(f"{self.run_path}/{name}"), (turn, name))
            for beside in self.scratch.glob("run.*"):  # what a kill left can be replaced as well
                self.sim("--force", out=str(beside))
                self.assertEqual(self.assert_readable(str(beside)), 40)
                subprocess.run(["rm", "-r", str(beside)], check=True)
        self.assertGreater(replaced, 0)

    def test_all_files_are_there_before_the_place_is_taken(self):
        """Followed by strace, else not: which renames and exchanges happen in which order."""
        url = self.mock()
        words = ("bench", "--url", url, "--url", url, "--model", "m", "--no-probe", "--trace", self.trace)
        last = {"run": ("engine.json", ("sim", "--trace", self.trace)), "live": ("endpoints.json", words),
                "sweep": ("sweep.json", ("sim", "--trace", self.trace, "--sweep", "rate=10,20"))}
        for name, (file, command) in last.items():
            out = self.path(name)
            self.farebox(*command, "-o", out)
            try:
                done = subprocess.run(["strace", "-f", "-o", self.path("calls"), "-e", "trace=rename,renameat2",
                                       FAREBOX, *command, "-o", out, "--force"], cwd=self.scratch,
                                      env={**os.environ, "LSAN_OPTIONS": "detect_leaks=0"},  # it cannot under strace
                                      capture_output=True, text=True, timeout=120)
            except FileNotFoundError:
                self.skipTest("no strace")
            self.assertEqual(done.returncode, 0, done.stderr)
            calls = pathlib.Path(self.path("calls")).read_text().splitlines()
            written = [i for i, call in enumerate(calls) if f'/{file}"' in call]
            taken = [i for i, call in enumerate(calls) if "RENAME_EXCHANGE" in call]
            self.assertEqual((len(written), len(taken)), (1, 1), (name, calls))
            self.assertLess(written[0], taken[0], (name, calls))


class Waiting(Faults):
    def test_a_signal_ends_what_waits_for_its_input(self):
        out = ("-o", self.path("out"))
        live = ("bench", "--url", "http://127.0.0.1:1/v1", "--model", "m", "--no-probe")
        for words in (("workload", "info", "-"), ("bill", "-", "--plans", "openai/o3"),
                      ("bill", self.trace, "--plans", "-"), ("workload", "convert", "-", *out),
                      ("workload", "fit", "-", *out), ("prices", "check", "-"),
                      ("sim", "--trace", "-", *out), ("sim", "--config", "-"), (*live, "--trace", "-", *out),
                      (*live, "--trace", self.trace, "--api-key-file", "-", *out),
                      ("engine", "calibrate", "-", "--engine", PRESET, *out), ("workload", "info", self.fifo())):
            for sent in ("", ROW % 0 * 3):
                for number in (signal.SIGINT, signal.SIGTERM):
                    with self.subTest(words=words, sent=sent, signal=number):
                        self.interrupt(words, sent, number)
        self.assertEqual(list(self.scratch.glob("out*")), [])

    def test_a_stream_without_end(self):
        process = self.begin(("workload", "convert", "-", "-o", self.path("out.jsonl")))
        lines = "".join(ROW % i for i in range(4000))
        end = time.monotonic() + 1
        while time.monotonic() < end:
            process.stdin.write(lines)
        process.send_signal(signal.SIGINT)
        end = time.monotonic() + 10
        try:
            while time.monotonic() < end:
                process.stdin.write(lines)
        except BrokenPipeError:
            pass
        self.assertEqual(process.wait(10), 130)
        self.assertEqual(list(self.scratch.glob("out*")), [])

    def test_two_signals_leave_no_half_written_file(self):
        """The second comes while the file is written, which a slow device would make long."""
        trace = self.write("big.jsonl", "".join(ROW % i for i in range(400_000)))
        removed = 0
        for _ in range(8):
            process = self.start("workload", "convert", trace, "-o", self.path("out.jsonl"))
            while process.poll() is None and not list(self.scratch.glob("out.jsonl.*")):
                time.sleep(0.001)
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
            removed += process.wait() == 130
            self.assertEqual(list(self.scratch.glob("out.jsonl.*")), [])
        self.assertGreater(removed, 0)

    def fifo(self):
        os.mkfifo(self.path("fifo"))
        self.held = os.open(self.path("fifo"), os.O_RDWR)
        self.addCleanup(os.close, self.held)
        return self.path("fifo")

    def begin(self, words):
        process = subprocess.Popen([FAREBOX, *map(str, words)], text=True, cwd=self.scratch, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: [process.kill(), process.wait(), process.stdout.close(), process.stderr.close()])
        return process

    @staticmethod
    def waits(process):
        """It sleeps, as the kernel says."""
        return pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

    def interrupt(self, words, sent, number):
        process = self.begin(words)
        try:
            process.stdin.write(sent)
            process.stdin.flush()
        except BrokenPipeError:
            pass
        wait_until(lambda: process.poll() is not None or self.waits(process), "a process that waits")
        process.send_signal(number)
        self.assertEqual(process.wait(10), 130, process.stderr.read())


class Absurd(Faults):
    """A line of a gigabyte, which the file holds as a hole, is told by file and line."""

    def refused(self, *words, most_mib):
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        process = subprocess.Popen([FAREBOX, *map(str, words)], cwd=self.scratch, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=limit)
        err = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        peak = peak_mib(process)
        self.assertEqual(process.returncode, 2, err)
        self.assertLess(peak, most_mib, words)
        return err

    def lengthen(self, path):
        with open(path, "r+b") as file:
            file.seek(0, 2)
            file.write(b'{"request_id": "')
            file.truncate(file.tell() + (1 << 30))
            file.seek(0, 2)
            file.write(b'"}\n')

    def test_in_a_trace(self):
        self.lengthen(self.trace)
        for words in (("workload", "info", self.trace), ("bill", self.trace, "--plans", "openai/o3"),
                      ("sim", "--trace", self.trace, "-o", self.run_path)):
            self.assertRegex(self.refused(*words, most_mib=320), r"w\.jsonl:41: this line is longer than \d+ bytes")
        self.assertFalse(os.path.exists(self.run_path))

    def test_in_a_run(self):
        self.sim()
        self.sim(out=self.path("other"))
        self.lengthen(self.run_path + "/requests.jsonl")
        for words in (("report", self.run_path, "--no-plots"), ("diff", self.run_path, self.path("other")),
                      ("bill", self.run_path, "--plans", "openai/o3"),
                      ("engine", "calibrate", self.run_path, "--engine", PRESET)):
            self.assertRegex(self.refused(*words, most_mib=320), r"run/requests\.jsonl:41: this line is longer than")


class CutRuns(Faults):
    """engine calibrate on a result file of which a part is missing."""

    def result_file(self):
        rows = self.write("load.jsonl", "".join(json.dumps(
            {"timestamp": i * 40, "input_length": 200 + i * 37 % 900, "output_length": 20 + i * 53 % 300}) + "\n"
            for i in range(120)))
        slow = self.farebox_json("engine", "show", PRESET) | {"k": 1.2}
        self.farebox("sim", "--trace", rows, "--engine", self.write("slow.json", json.dumps(slow)), "-o", self.run_path)
        return [{"input_toks": r["asked"]["input"], "output_toks": r["asked"]["output"],
                 "queued_ts": r["sent_ns"] / 1e9, "first_token_ts": r["first_token_ns"] / 1e9,
                 "last_token_ts": r["last_token_ns"] / 1e9} for r in self.records(self.run_path).values()]

    def calibrate(self, text):
        done = self.farebox("engine", "calibrate", self.write("result.jsonl", text), "--engine", PRESET, "--fit", "k",
                            "--json")
        return json.loads(done.stdout), done.stderr

    def refuse(self, text, why):
        done = self.farebox("engine", "calibrate", self.write("result.jsonl", text), "--engine", PRESET, expect=2)
        self.assertIn(why, done.stderr)

    def test_a_cut_is_told(self):
        rows = self.result_file()
        text = "".join(json.dumps(r) + "\n" for r in rows)
        result, said = self.calibrate(text)
        self.assertEqual(result["cut"], "no", said)
        self.assertNotIn("cut", said)
        self.assertIsNotNone(result["constants"]["k"]["relative_error"])
        self.assertAlmostEqual(result["constants"]["k"]["after"], 1.2, delta=0.02)
        end = max(r["last_token_ts"] for r in rows)
        for share in (0.3, 0.8):
            torn = text[:int(len(text) * share)].rstrip("\n")
            self.refuse(torn, f"result.jsonl was cut: of its {int(share * 120)} requests 0 ended early enough")
            at = share * end
            seen = [{k: v for k, v in r.items() if not k.endswith("_ts") or v <= at} for r in rows
                    if r["queued_ts"] <= at]
            endless = sum("last_token_ts" not in r for r in seen)
            self.assertGreater(endless, 5)
            opened, said = self.calibrate("".join(json.dumps(r) + "\n" for r in seen))
            self.assertIn(f"{endless} requests begin and have no end", said)
            self.assertEqual(opened["cut"], "killed")
            self.assertIsNone(opened["constants"]["k"]["relative_error"])
            self.assertAlmostEqual(opened["constants"]["k"]["after"], 1.2, delta=0.02)


class Series(Faults):
    def test_runs_of_a_longer_series_do_not_stay_among_the_new(self):
        words = ("bench", "--url", self.mock(), "--model", "m", "--no-probe", "--trace", self.trace, "--speed", "10",
                 "-o", self.run_path)
        self.farebox(*words, "--repeat", "3")
        before = contents(self.run_path)
        for more in (("--repeat", "2"), ("--repeat", "3", "--model", "n")):
            done = self.farebox(*words, *more, "--force", expect=2)
            self.assertIn("is of an earlier series", done.stderr)
            self.assertEqual(contents(self.run_path), before)
        self.farebox(*words, "--repeat", "4", "--force", expect=0)
        self.assertEqual(sorted(os.listdir(self.run_path)), ["1", "2", "3", "4"])

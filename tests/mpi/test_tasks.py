"""Sweeps, capacities and forecasts over several ranks: every byte is what one process makes, whoever did which part
of it, and what is interrupted, killed or refused ends as it does there."""
import os
import shutil
import signal
import subprocess

import hosts
from hosts import FAREBOX
from test_failures import HANG_S, rank_processes
from test_one_run import Case

ENGINE = ("--engine", "rtx4090-llama-3.1-8b-tp1")
SWEEP = ("sim", "--mix", "chat:0.6,rag:0.4", *ENGINE, "--slo", "ttft=2s", "-n", "150")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Tasks(Case):
    offsets = {"node-b": 3}

    def made(self, ranks, words, expect=0):
        """What the command prints, and the files that it makes in `out`; ranks 0 = by farebox itself."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        process = self.fleet.start(ranks, *words) if ranks else subprocess.Popen(
            [FAREBOX, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        told, notes = process.communicate(timeout=60)
        self.assertEqual(process.returncode, expect, told + notes)
        ours = [line for line in notes.splitlines() if line.startswith("farebox: ")] # and not mpirun's
        return told, contents(out), ours

    def check_same(self, *words, files, ranks=(1, 2, 7)):
        alone = self.made(0, words)
        self.assertLessEqual(files, set(alone[1]))
        for ranks in ranks:
            with self.subTest(ranks=ranks):
                told, made, notes = self.made(ranks, words)
                self.assertEqual(told, alone[0])
                self.assertEqual(notes, alone[2])
                self.assertEqual(sorted(made), sorted(alone[1]))
                self.assertEqual([name for name in made if made[name] != alone[1][name]], [])

    def test_a_sweep_is_the_same_over_any_number_of_ranks(self):
        self.check_same(*SWEEP, "--sweep", "rate=0.5,1,2,3", "--plans", "plans.json", "--assert", "ttft_p99=400", "-o", "out",
                        files={"sweep.jsonl", "sweep.json", "rate-3/requests.jsonl", "rate-3/bill.json"})

    def test_a_sweep_of_a_trace_is_too(self):
        rows = "".join(f'{{"timestamp": {i * 20}, "input_length": {60 + i}, "output_length": 40}}\n' for i in range(200))
        (self.folder / "t.jsonl").write_text(rows)
        self.check_same("sim", "--trace", "t.jsonl", *ENGINE, "--sweep", "concurrency=1,2,8", "--json", "-o", "out",
                        files={"concurrency-8/summary.json", "plots/sweep.svg"}, ranks=(3,))

    def test_a_capacity_is_the_same(self):
        self.check_same("plan", "capacity", "--scenario", "chat", *ENGINE, "--slo", "ttft=2s", "--slo", "tpot=50", "-n", "200",
                        "--seeds", "3", "--demand", "20", "--json", "-o", "out", files={"capacity.json"})

    def test_a_forecast_is_the_same(self):
        self.farebox("workload", "gen", "chat", "--rate", "0.005", "--duration", "8d", "-o", "week.jsonl")
        self.check_same("plan", "forecast", "week.jsonl", "--plans", "demo", "--samples", "60", "--budget", "20", "--scenarios",
                        "low=0,high=10", "-o", "out", files={"forecast.json"})

    def test_an_error_has_its_words_and_its_status(self):
        words = ("sim", "--scenario", "chat", "--sweep", "rate=0.00001,0.00002", "--duration", "1s", "-o", "out")
        alone = self.made(0, words, expect=2)
        told = self.made(2, words, expect=2)
        self.assertIn("no session of chat begins", alone[2][-1])
        self.assertEqual(alone[2], told[2])


class Ended(Case):
    offsets = {"node-b": 0, "node-c": 0}
    words = ("sim", "--scenario", "chat", *ENGINE, "-n", "2500", "--sweep", "rate=0.5,0.6,0.7,0.8,0.9,1,1.1,1.2", "-o")

    def begin(self, directory):
        """A sweep of which a point is done, and not all are."""
        self.scratch = self.folder / (directory + "-scratch")
        self.scratch.mkdir()
        process = self.fleet.start(3, *self.words, directory, env={**os.environ, "TMPDIR": str(self.scratch)})
        log = self.folder / directory / "sweep.jsonl"
        hosts.wait_until(lambda: log.exists() and log.read_text().count("\n") > 1 or process.poll() is not None, "a point")
        self.assertIsNone(process.poll(), "the sweep ended before anything was done to it")
        return process

    def check_resumed(self, directory):
        """What is there is gone on with, and comes to what nobody had interrupted."""
        self.assertGreater((self.folder / directory / "sweep.jsonl").read_text().count("\n"), 1)
        self.farebox(*self.words, directory, "--resume", "-q")
        whole = self.folder / "whole"
        if not whole.exists():
            self.farebox(*self.words, "whole", "-q")
        made, expected = contents(self.folder / directory), contents(whole)
        self.assertEqual(sorted(made), sorted(expected))
        self.assertEqual([name for name in made if made[name] != expected[name]], [])

    def test_an_interrupted_sweep_keeps_its_points_and_is_gone_on_with(self):
        process = self.begin("stopped")
        process.send_signal(signal.SIGUSR1) # which mpirun passes on
        out, err = process.communicate(timeout=HANG_S)
        self.assertEqual(process.returncode, 130)
        self.assertIn("interrupted; what is done is kept", err)
        self.assertEqual([path.name for path in self.scratch.glob("farebox-task-*")], [])
        self.check_resumed("stopped")

    def test_a_killed_rank_is_named_and_its_sweep_gone_on_with(self):
        process = self.begin("killed")
        os.kill(rank_processes("killed")[2], signal.SIGKILL)
        out, err = process.communicate(timeout=HANG_S)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("rank 2 (node-c) is gone", err)
        self.check_resumed("killed")

    def test_a_rank_that_has_no_room_for_files_is_named(self):
        process = self.fleet.start(3, *self.words, "full", env={**os.environ, "TMPDIR": "/nowhere"})
        out, err = process.communicate(timeout=HANG_S)
        self.assertNotEqual(process.returncode, 0)
        self.assertRegex(err, r"farebox: rank [12] \(node-[bc]\): /nowhere/\S+ cannot be made: No such file")

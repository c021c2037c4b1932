"""A rank that dies, one that hangs, a host that is cut off, at any instant: it is named, nothing hangs, nothing is
counted twice, and what was measured can be read."""
import os
import pathlib
import random
import signal
import subprocess
import time

import hosts
from hosts import FAREBOX_MPI
from test_one_run import Case

TIMES = 20 if os.environ.get("FAREBOX_MPI_LONG") else 3
SEED = int(os.environ.get("FAREBOX_MPI_SEED", "19"))
HANG_S = 30  # nothing lasts longer than that behind a failure
RANKS = 3    # on the hub, node-b and node-c


def rank_processes(directory):
    """Process ids by rank, of the job that writes there."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if command[0].decode() == FAREBOX_MPI and directory.encode() in command:
                words = (entry / "environ").read_bytes().split(b"\0")
                found.update({int(w.partition(b"=")[2]): int(entry.name) for w in words
                              if w.startswith(b"OMPI_COMM_WORLD_RANK=")})
        except OSError:
            pass
    return found


class Failures(Case):
    offsets = {"node-b": 0, "node-c": 0}

    def setUp(self):
        self.random = random.Random(f"{SEED} {self.id()}")

    def begin(self, directory, seconds):
        process = self.fleet.start(RANKS, "bench", "--url", self.url, "-o", directory, "--scenario", "chat", "--rate", "30",
                                   "--duration", f"{seconds}s", "--prompt-salt", "fixed")
        records = [self.folder / directory / f"rank-{i}" / "requests.jsonl" for i in range(RANKS)]
        try:
            hosts.wait_until(lambda: all(map(pathlib.Path.exists, records)), "every rank's part having begun")
        except AssertionError:
            process.kill()
            self.fail(f"not every rank's part has begun: {process.communicate()}")
        return process

    def instant(self, process):
        """Some instant of the run: also its very beginning, before anything is sent."""
        at = self.random.uniform(0, 3)
        time.sleep(at)
        self.assertIsNone(process.poll(), "the run was over before anything failed")
        return at

    def end(self, process, failed_at):
        try:
            out, err = process.communicate(timeout=HANG_S - (time.monotonic() - failed_at))
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail(f"{HANG_S} s behind the failure something hangs: {process.communicate()}")
        return out + err

    def check_readable(self, directory):
        """The run has whole records, each once, and a summary that counts them."""
        records = self.records(directory)
        ids = [r["request_id"] for r in records]
        self.assertEqual(len(ids), len(set(ids)))
        accounting = self.read(directory, "summary.json")["accounting"]
        self.assertEqual(accounting["scheduled"], len(records))
        return accounting

    def check_parts(self, directory, ranks):
        """These ranks' parts are whole: merge takes them."""
        parts = [f"{directory}/rank-{i}" for i in ranks]
        self.farebox("merge", *parts, "-o", directory + "-merged")
        return self.check_readable(directory + "-merged")

    def check_lost(self, directory, rank, told):
        self.assertIn(f"rank {rank} ({['hub', 'node-b', 'node-c'][rank]}) was last heard of", told)
        lost = [p["rank"]["number"] for p in self.read(directory, "summary.json")["fidelity"]["parts"] if p["rank"]["lost"]]
        self.assertEqual(lost, [rank])

    def test_a_rank_that_is_killed(self):
        for i in range(TIMES):
            run, rank = f"killed-{i}", self.random.randrange(RANKS)
            process = self.begin(run, 8)
            with self.subTest(rank=rank, at=self.instant(process)):
                os.kill(rank_processes(run)[rank], signal.SIGKILL)
                told = self.end(process, time.monotonic())
                self.assertNotEqual(process.returncode, 0)
                self.check_parts(run, [r for r in range(RANKS) if r != rank])
                if rank == 0: # who would write the run is gone: what it had written is there
                    self.assertIn("rank 0", told)
                    continue
                self.check_lost(run, rank, told)
                self.check_readable(run)

    def test_a_rank_that_hangs_for_more_than_5_s_is_named_and_nothing_is_lost(self):
        for i in range(TIMES):
            run, rank = f"stopped-{i}", self.random.randrange(1, RANKS)
            process = self.begin(run, 4)
            with self.subTest(rank=rank, at=self.instant(process)):
                failed_at, pid = time.monotonic(), rank_processes(run)[rank]
                os.kill(pid, signal.SIGSTOP)
                time.sleep(5.6) # this long it hangs
                os.kill(pid, signal.SIGCONT)
                told = self.end(process, failed_at)
                self.assertEqual(process.returncode, 0, told)
                host = ["hub", "node-b", "node-c"][rank]
                self.assertIn(f"rank {rank} ({host}) has not been heard of for 5 s", told)
                self.assertIn(f"rank {rank} ({host}) is back after", told)
                accounting = self.check_readable(run)
                self.assertEqual(self.check_parts(run, range(RANKS)), accounting)
                fidelity = self.read(run, "summary.json")["fidelity"]
                self.assertTrue(fidelity["client_limited"])
                self.assertIn(f"rank {rank} ({host})", fidelity["reason"])

    def test_a_host_that_is_cut_off(self):
        for i in range(TIMES):
            run, rank = f"cut-{i}", self.random.randrange(1, RANKS)
            host = ["hub", "node-b", "node-c"][rank]
            process = self.begin(run, 4)
            with self.subTest(host=host, at=self.instant(process)):
                failed_at = time.monotonic()
                self.fleet.cut(host)
                told = self.end(process, failed_at)
                self.assertNotEqual(process.returncode, 0)
                self.check_lost(run, rank, told)
                self.check_readable(run)
                # On the host itself the part ends by itself, as nobody answers.
                hosts.wait_until(lambda: rank not in rank_processes(run), "the rank's end", HANG_S)
                self.assertTrue((self.folder / run / f"rank-{rank}" / "summary.json").exists())
                self.check_parts(run, range(RANKS))
            self.fleet.mend(host)


class Ends(Case):
    offsets = {"node-b": 0}

    def test_a_signal_that_is_passed_on_drains_all_ranks(self):
        process = self.fleet.start(2, "bench", "--url", self.url, "-o", "drained", "--scenario", "chat", "--rate", "30",
                                   "--duration", "60s")
        rows = self.folder / "drained" / "requests.jsonl"
        hosts.wait_until(lambda: rows.exists() and rows.stat().st_size, "a first record")
        process.send_signal(signal.SIGUSR1)
        out, err = process.communicate(timeout=HANG_S)
        self.assertIn("interrupted: what was measured so far is in drained", err)
        accounting = self.read("drained", "summary.json")["accounting"]
        self.assertEqual(accounting["cancelled"], 0)
        self.assertEqual(accounting["completed"], accounting["scheduled"])
        self.assertGreater(accounting["not_due"], 0)

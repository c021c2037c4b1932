"""Memory that runs out: an allocation fails at each place where one is made. The program ends with one line and
status 1, leaves nothing half written, and the earlier result as it was; or it goes on to the same result.

A place is the stack of calls above an allocation (tests/faults/failing_alloc.c). FAREBOX_MEMORY_ALL=1 has every place of
every command fail, and one of each call site with all that follow (make check-memory); without it, a few of each command.
"""
import bisect
import collections
import concurrent.futures
import contextlib
import functools
import gzip
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading

from support import FAREBOX, SANITIZED, Case, contents, own

SHIM = os.environ.get("FAREBOX_FAILING_ALLOC")
ALL = "FAREBOX_MEMORY_ALL" in os.environ
FEW = 4  # places of a command, where not all are tried
SEED = os.environ.get("FAREBOX_MEMORY_SEED", "1")
LIMIT_S = 60
TOGETHER = 4
Place = collections.namedtuple("Place", "hash number stack")
End = collections.namedtuple("End", "status out err files reached")
# As gnuplot takes its input and gives a picture; what it draws is no part of these tests.
GNUPLOT = "#!/bin/sh\ncat >/dev/null\necho '<svg xmlns=\"http://www.w3.org/2000/svg\"><title>Gnuplot</title></svg>'\n"
PRESET = "rtx4090-llama-3.1-8b-tp1"
ROW = '{"timestamp": %d, "input_length": %d, "output_length": %d, "hash_ids": [0, %d]}\n'


def is_whole(name, text):
    """A file that somebody can read to its end."""
    if name.endswith((".jsonl", ".json")):
        lines = text.splitlines() if name.endswith("l") else [text]
        try:
            return all(json.loads(line) is not None for line in lines) and (name.endswith("n") or text[-1:] in (b"\n", b""))
        except ValueError:
            return False
    ends = {".html": b"</html>", ".svg": b"</svg>", ".csv": b"\n", ".gp": b"\n"}
    end = ends.get(pathlib.PurePath(name).suffix)
    return end is None or text.rstrip(b"\n").endswith(end.rstrip(b"\n"))


@functools.lru_cache(maxsize=None)
def functions():
    """Where the program's functions begin, and their names; empty where nm is not there."""
    nm = shutil.which("nm")
    lines = subprocess.run([nm, FAREBOX], capture_output=True, text=True).stdout.splitlines() if nm else []
    found = sorted((int(w[0], 16), w[2]) for w in map(str.split, lines) if len(w) == 3 and w[1] in "tT")
    return [at for at, _ in found], [name for _, name in found]


def function_at(address):
    starts, names = functions()
    at = bisect.bisect_right(starts, address) - 1
    return names[at] if at >= 0 else "?"


def call_site(stack):
    """The program's own call that wanted memory: none of the functions that all others allocate by."""
    ours = [int(word, 16) for word in stack if word != "0"]
    return next((at for at in ours if not function_at(at).startswith(("mem_", "buffer_", "library_"))), tuple(stack))


class Failing(Case):
    """Each place of a command where it allocates fails, in a folder of its own that holds what `given` has."""

    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("the sanitizers have allocators of their own")
        if not SHIM:
            self.skipTest("FAREBOX_FAILING_ALLOC names no library to preload (make e2e builds it)")
        self.write("w.jsonl", "".join(ROW % (i * 20, 600 + i * 37 % 400, 2 + i * 5 % 9, 1 + i // 4) for i in range(40)))
        gnuplot = pathlib.Path(self.path("bin/gnuplot"))
        gnuplot.parent.mkdir()
        gnuplot.write_text(GNUPLOT)
        gnuplot.chmod(0o755)
        self.settings = {**os.environ, "NO_COLOR": "1", "PATH": f"{gnuplot.parent}:{os.environ['PATH']}"}
        self.give("w.jsonl")

    def give(self, *names):
        """What stands in the folder before the command begins."""
        self.given = {**getattr(self, "given", {}), **{n: t for n, t in contents(self.scratch).items()
                                                       if n.split("/")[0] in names}}

    # ---- one run ----

    def run_plain(self, words, folder, settings):
        done = subprocess.run([FAREBOX, *map(str, words)], cwd=folder, env=settings, text=True, capture_output=True,
                              timeout=LIMIT_S)
        return done.returncode, done.stdout, done.stderr

    def one(self, run, words, **fault):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="case-", dir=self.scratch))
        done = self.path(folder.name + ".done")
        settings = {f"FAILING_ALLOC_{name.upper()}": str(value) for name, value in fault.items()}
        try:
            for name, text in self.given.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(text)
            status, out, err = run(words, folder, {**self.settings, "LD_PRELOAD": SHIM, "FAILING_ALLOC_DONE": done,
                                                   **settings})
            return End(status, out, err, contents(folder), os.path.exists(done))
        except subprocess.TimeoutExpired:
            return End("hangs", "", "", {}, True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def places(self, run, words):
        listed = self.path("places")
        whole = self.one(run, words, list=listed)
        lines = [line.split() for line in pathlib.Path(listed).read_text().splitlines()]
        os.unlink(listed)
        return [Place(w[0], int(w[1]), w[2:]) for w in lines], whole

    def fail_at(self, run, words, place, goes_on):
        """The allocation's number is the same in every run of one thread; else it is looked for from the start."""
        fault = {"at": place.hash, **({"on": 1} if goes_on else {})}
        got = self.one(run, words, **{"from": place.number}, **fault)
        return got if got.reached else self.one(run, words, **fault)

    # ---- what is right ----

    def wrong(self, whole, got, same, later):
        """What is wrong with how the command took its failure, or None."""
        cut = [n for n, text in got.files.items() if n not in self.given and not is_whole(n, text)]
        if cut:
            return f"half written: {cut}"
        if got.status == whole.status:
            changed = (got.out, got.files) != (whole.out, whole.files)
            return "another result, and nobody says so" if same and changed else None
        if got.status != 1:
            return f"exit status {got.status}"
        known = whole.err.splitlines()
        said = [line for line in got.err.splitlines() if line not in known and not line.startswith("farebox: warning: ")]
        if len(said) != 1 or not said[0].startswith("farebox: "):
            return f"{len(said)} lines of error"
        for name, text in self.given.items():
            now = got.files.get(name)
            if now is None and name not in later or same and now not in (None, text, whole.files.get(name)):
                return f"{name} is neither as it was nor as it is made"
        left = [n for n in got.files if n not in self.given and n not in whole.files and ".new/" not in n]
        return f"leaves {left}" if left else None

    @staticmethod
    def chosen(places, sites):
        """Each place, and whether all that follow fail, too: so for one of each call site."""
        if ALL:
            return [(p, False) for p in places] + [(p, True) for p in sites.values()]
        dice = random.Random(SEED)
        return [(p, dice.random() < 0.5) for p in dice.sample(places, FEW)]

    def fail_each(self, *words, status=0, same=True, later=(), run=None):
        """same: a command that goes on has the same result to the byte; later: what is made when the new result stands in
        the place of the earlier one."""
        run = run or self.run_plain
        places, whole = self.places(run, words)
        self.assertEqual(whole.status, status, whole.err)
        self.assertGreater(len(places), 20)
        sites = {call_site(p.stack): p for p in places}
        chosen = self.chosen(places, sites)
        counts, bad = collections.Counter(), []
        with concurrent.futures.ThreadPoolExecutor(TOGETHER if ALL else 2) as pool:
            ends = pool.map(lambda job: self.fail_at(run, words, *job), chosen)
            for (place, on), got in zip(chosen, ends):
                wrong = self.wrong(whole, got, same, later) if got.reached else None
                counts["never met again" if not got.reached else "went on" if got.status == status else "ended"] += 1
                if wrong:
                    where = " < ".join(function_at(int(at, 16)) if at != "0" else "-" for at in place.stack[:18])
                    bad.append(f"{wrong}{', all that follow fail' if on else ''}: {where}\n{got.err[-400:]}")
                    print("WRONG", bad[-1], flush=True)
        print(f"{' '.join(map(str, words))}: {len(sites)} call sites, {len(places)} "
              f"places, {len(chosen)} failed: {dict(counts)}", flush=True)
        self.assertEqual(bad, [])


class Files(Failing):
    """Commands that read and write files."""

    def test_info(self):
        self.fail_each("workload", "info", "w.jsonl", "--plots", "plots")
        self.fail_each("workload", "info", own("azure.csv"), "--json")

    def test_convert(self):
        self.write("w.jsonl.gz", gzip.compress(self.given["w.jsonl"]))
        self.write("out.csv", "earlier\n")
        self.give("w.jsonl.gz", "out.csv")
        self.fail_each("workload", "convert", "w.jsonl", "-o", "out.jsonl.gz")
        self.fail_each("workload", "convert", "w.jsonl.gz", "-o", "out.csv", "--force")

    def test_bill(self):
        self.fail_each("bill", "w.jsonl", "--plans", "openai/*,anthropic/*", "-o", "bill")

    def test_sim(self):
        words = ("sim", "--trace", "w.jsonl", "-o", "run", "--plans", "openai/o3")
        self.fail_each(*words)
        self.farebox(*words, "-n", "7", "-q")
        self.give("run")
        self.fail_each(*words, "--force", later=("run/bill.json",))

    def test_sim_sweep(self):
        self.fail_each("sim", "--scenario", "chat", "--requests", "60", "--sweep", "rate=5,9", "-o", "out")

    def test_report(self):
        self.farebox("sim", "--trace", "w.jsonl", "-o", "run", "-q")
        self.give("run")
        self.fail_each("report", "run", "--plans", "openai/o3", "-f")
        for kind in ("otlp", "sqlite", "csv", "vllm", "aiperf"):
            start = ("--start", "2026-11-01T00:00:00Z") if kind in ("otlp", "sqlite") else ()
            self.fail_each("report", "run", "--export", kind, "-o", "exported", *start)

    def test_merge(self):
        for part in "12":
            self.farebox("bench", "--url", "mock:constant", "--trace", "w.jsonl", "--speed", "20", "--model", "m",
                         "--no-probe", "--prompt-salt", "s", "--shard", f"{part}/2", "-o", "p" + part, "-q")
        self.give("p1", "p2")
        self.fail_each("merge", "p1", "p2", "-o", "run")

    def test_decide(self):
        self.farebox("sim", "--trace", "w.jsonl", "-o", "run", "-q")
        self.write("few.jsonl", "".join(self.given["w.jsonl"].decode().splitlines(True)[:10]))
        self.give("run", "few.jsonl")
        words = ("decide", "few.jsonl", "--slo", "ttft=2000", "--goodput", "0.9", "--draws", "40", "--seeds", "2",
                 "--probe-requests", "100", "--volume", "2000", "-o", "out", "-q", "--candidates")
        self.fail_each(*words, "run+openai/o3,openai/o3")
        if ALL:  # an engine is simulated again and again
            self.fail_each(*words, f"{PRESET}+0.35,openai/o3")


class Bench(Failing):
    def words(self, url):
        return ("bench", "--url", url, "--model", "m", "--trace", "w.jsonl", "--speed", "20", "-o", "run")

    def test_bench_of_a_mock_within(self):
        self.fail_each(*self.words("mock:constant"), same=False)

    def test_bench(self):
        url = self.mock("--ttft-ms", "2", "--itl-ms", "1")
        words = (*self.words(url), "--plans", "openai/o3")
        self.farebox(*words, "-q")
        self.give("run")
        self.fail_each(*words, "--force", same=False, later=("run/bill.json",))


def ask(url, path, body):
    """What an endpoint answers, whatever becomes of it."""
    try:
        with contextlib.closing(http.client.HTTPConnection(url.split("/")[2], timeout=10)) as connection:
            connection.request("POST" if body else "GET", path, json.dumps(body) if body else None,
                               {"Content-Type": "application/json"})
            return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None


MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is the fare to the airport?"}]
CHAT = {"model": "m", "messages": MESSAGES, "max_tokens": 4}
ASKED = (("/v1/models", None), ("/v1/chat/completions", CHAT), ("/v1/chat/completions", {**CHAT, "stream": True}),
         ("/v1/messages", {**CHAT, "messages": MESSAGES[1:]}), ("/v1/responses", {"model": "m", "input": "hello"}),
         ("/v1/embeddings", {"model": "m", "input": ["one", "two"]}), ("/v1/chat/completions", {"model": "m"}))


class Servers(Failing):
    """The mock and the recorder: asked a few things, then told to end."""

    def run_server(self, words, folder, settings):
        process = subprocess.Popen([FAREBOX, *map(str, words)], cwd=folder, env=settings, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        over = threading.Timer(LIMIT_S, process.kill)
        over.start()
        try:
            first = process.stdout.readline()
            url = next((word.strip('",') for word in first.split() if "http://" in word), None)
            for path, body in ASKED if url else ():
                ask(url, path, body)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LIMIT_S)
            return process.returncode, out, err
        finally:
            over.cancel()
            process.kill()
            process.wait()

    def test_mock(self):
        self.fail_each("mock", "--listen", "127.0.0.1:0", "--ttft-ms", "1", "--itl-ms", "1", "--log", "log.jsonl", same=False,
                       run=self.run_server)

    def test_record(self):
        self.fail_each("record", "--listen", "127.0.0.1:0", "--to", self.mock("--ttft-ms", "1", "--itl-ms", "1"), "-o",
                       "recorded.jsonl", "--plans", "openai/o3", "--content", same=False, run=self.run_server)

"""Every call of the system on a file fails once (tests/faults/failing_io.c): the earlier result is intact, one
message says why, the exit status is 1, and nothing half-written stays.

FAREBOX_IO_ALL=1 fails every call of every command (make check-io); without it the first and the last of each kind.
"""
import collections
import contextlib
import errno
import http.client
import json
import os
import pathlib
import random
import re
import signal
import subprocess

from support import FAREBOX, Case, contents

SHIM = os.environ.get("FAREBOX_FAILING_IO")
ALL = os.environ.get("FAREBOX_IO_ALL")
FEW = 14  # faults of each command, where not all are tried
ROW = '{"timestamp": %d, "input_length": %d, "output_length": 8, "model": "openai/o3"}\n'
ASKED = {"model": "m", "messages": [{"role": "user", "content": "what is the fare?"}], "max_tokens": 4}
PRESET = "rtx4090-llama-3.1-8b-tp1"
# What each call can meet. "short" is half of what was asked, which is no fault, as an interruption is none.
FAULTS = {"write": ("ENOSPC", "EIO", "EINTR", "short"), "read": ("EIO", "EINTR", "short"),
          "fsync": ("EIO", "ENOSPC", "EINTR"), "open": ("EIO", "EMFILE"), "create": ("ENOSPC", "EIO"),
          "make": ("ENOSPC", "EIO"), "rename": ("EIO", "ENOSPC"), "exchange": ("EIO", "ENOSPC", "EINVAL"),
          "close": ("EIO",), "unlink": ("EIO",), "rmdir": ("EIO",)}
FAULTS |= {"pwrite": FAULTS["write"], "pread": FAULTS["read"], "fdatasync": FAULTS["fsync"]}
HARMLESS = ("EINTR", "short", "EINVAL")  # but for zlib, which does not go on after an interrupted write
TEMPORARY = re.compile(r"\.farebox-\w{6}$|farebox-\w{6}$|-journal$")

WHY = re.compile("No space left on device|Input/output error|Too many open files|Interrupted system call|disk is full|"
                 "disk I/O error|unable to open database|readonly database|disk image is malformed")

Call = collections.namedtuple("Call", "number name path")


class Failing(Case):
    def setUp(self):
        super().setUp()
        if not SHIM:
            self.skipTest("FAREBOX_FAILING_IO names no library to preload (make e2e builds it)")
        self.place = self.scratch / "place"
        self.rows = "".join(ROW % (i * 20, 60 + i % 7) for i in range(40))
        self.trace = self.write("w.jsonl", self.rows)
        self.tried = self.failed = 0

    def run_with(self, words, **fault):
        settings = {f"FAILING_IO_{name.upper()}": str(value) for name, value in fault.items()}
        return subprocess.run([FAREBOX, *map(str, words)], cwd=self.scratch, text=True, capture_output=True, timeout=60,
                              env={**os.environ, "LD_PRELOAD": SHIM, "FAILING_IO_UNDER": str(self.scratch),
                                   "ASAN_OPTIONS": "verify_asan_link_order=0", **settings})

    def calls(self, words):
        log = self.path("calls.log")
        done = self.run_with(words, log=log)
        self.assertEqual(done.returncode, 0, (words, done.stderr))
        lines = pathlib.Path(log).read_text().splitlines()
        os.unlink(log)
        return [Call(int(number), name, path) for number, name, path in (line.split(" ", 2) for line in lines)]

    def chosen(self, calls):
        """Each call with each of its faults: all of them, or a few, drawn anew for each command."""
        first = {(call.name, call.path): call for call in reversed(calls)}  # a disk does not go bad between two reads
        every = [(call, how) for call in calls for how in FAULTS.get(call.name, ())
                 if how in HARMLESS or call.name not in ("open", "read", "pread") or call is first[call.name, call.path]]
        every += [(call, "full") for call in {c.name: c for c in reversed(calls)}.values()]
        return every if ALL else random.Random(str(calls[-1].number)).sample(every, min(FEW, len(every)))

    def reset(self, before):
        """The scratch folder holds these files, and no other."""
        subprocess.run(["find", str(self.scratch), "-mindepth", "1", "-delete"], check=True)
        for name, text in before.items():
            path = self.scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)

    def fail_each(self, *words, keeps=(), whole=(), may_stay=(), same=True):
        """keeps: files of an earlier result, each old or new; whole: folders, old or new as a whole;
        may_stay: what a command that failed may leave."""
        before = contents(self.scratch)
        calls = self.calls(words)
        after = contents(self.scratch)
        for call, how in self.chosen(calls):
            self.reset(before)
            done = self.run_with(words, **self.fault(call, how))
            with self.subTest(words=" ".join(map(str, words)), call=call, how=how):
                self.assess(done, call, how, before, after, may_stay, same)
                if done.returncode:
                    self.assert_kept(before, after, keeps, whole, same)
        self.reset(before)

    @staticmethod
    def fault(call, how):
        if how == "full":
            return {"from": call.number, "how": errno.ENOSPC}
        fault = {"at": call.number, "how": how if how == "short" else getattr(errno, how)}
        if call.name in ("open", "read", "pread") and how not in HARMLESS:
            fault["stays"] = 1  # a bad sector is bad the next time, too
        return fault

    def assert_kept(self, before, after, keeps, whole, same):
        def part(files, prefix):
            found = {name: text for name, text in files.items() if name == prefix or name.startswith(prefix + "/")}
            return found if same else sorted(found)
        now = contents(self.scratch)
        for folder in whole:
            self.assertIn(part(now, folder), [part(before, folder), part(after, folder)])
        for prefix in keeps:
            for name, text in before.items():
                if name == prefix or name.startswith(prefix + "/"):
                    self.assertIn(now.get(name), [text, after.get(name)], name)

    def assess(self, done, call, how, before, after, may_stay, same):
        now = contents(self.scratch)
        self.tried += 1
        self.failed += done.returncode != 0
        if how in HARMLESS and not (how == "EINTR" and ".gz" in call.path):
            self.assertEqual(done.returncode, 0, done.stderr)
        if done.returncode == 0:
            self.assert_whole(done, now, after, same)
            return
        self.assertEqual(done.returncode, 1, done.stderr)
        said = [line for line in done.stderr.replace("\n  ", " ").splitlines()
                if WHY.search(line) and not line.startswith("farebox: warning: no plot")]
        self.assertEqual(len(said), 1, done.stderr)
        others = [n for n in now if n not in before and not any(re.match(may, n) for may in may_stay)]
        if call.name not in ("unlink", "rmdir"):  # which is how temporaries go
            self.assertEqual(others, [], done.stderr)
            self.assertEqual([n for n in now if TEMPORARY.search(n)], [], done.stderr)

    def assert_whole(self, done, now, after, same):
        """All is as without a fault, or what is not is said."""
        told = done.stderr + done.stdout
        left = [name for name in now if name not in after]
        self.assertTrue(all(name.split("/")[0] + " has what is left" in told for name in left), (left, told))
        lacking = [name for name in after if name not in now and not ("plots/" in name and "no plot: " in told)]
        self.assertEqual(lacking, [], told)
        if same and "recomputed" not in told and "no plot: " not in told:
            changed = [name for name in after if now[name] != after[name] and not WHY.search(now[name].decode("latin"))]
            self.assertEqual(changed, [])

    def tearDown(self):
        print(f"{self.id().rpartition('.')[2]}: {self.tried} faults, of which {self.failed} ended the command")


RUN = (r"run/",)
NEW = (r"run\.new/",)


class Runs(Failing):
    """sim and bench: a run that is new leaves its records, one that replaces leaves the earlier one."""

    def sim(self, *more):
        self.farebox("sim", "--trace", self.trace, "-o", "run", "-q", *more)

    def test_sim(self):
        self.fail_each("sim", "--trace", self.trace, "-o", "run", may_stay=RUN)

    def test_sim_that_replaces(self):
        self.sim("-n", "7")
        self.fail_each("sim", "--trace", self.trace, "-o", "run", "--force", whole=("run",), may_stay=NEW)

    def test_a_sweep_that_replaces(self):
        words = ("sim", "--trace", self.trace, "-n", "9", "-o", "run", "--sweep")
        self.farebox(*words, "rate=5,9")
        self.fail_each(*words, "rate=5,10", "--force", whole=("run",), may_stay=NEW)

    def test_bench_that_replaces(self):
        words = ("bench", "--url", "mock:constant", "--trace", self.trace, "--speed", "50", "--model", "m", "--no-probe",
                 "-o", "run")
        self.sim("-n", "7")
        self.fail_each(*words, "--force", whole=("run",), may_stay=NEW, same=False)

    def test_merge(self):
        for part in "12":
            self.farebox("bench", "--url", "mock:constant", "--trace", self.trace, "--speed", "50", "--model", "m",
                         "--no-probe", "--shard", f"{part}/2", "-o", "p" + part)
        self.fail_each("merge", "p1", "p2", "-o", "run", whole=("p1", "p2"), may_stay=RUN)
        self.sim("-n", "7")
        self.fail_each("merge", "p1", "p2", "-o", "run", "--force", whole=("p1", "p2", "run"), may_stay=NEW)


class Reports(Failing):
    """What is written into a run, or made of one: whole and new, or as it was."""

    def setUp(self):
        super().setUp()
        self.farebox("sim", "--trace", self.trace, "-n", "12", "-o", "run", "-q")
        self.farebox("sim", "--trace", self.trace, "-n", "9", "-o", "base", "-q")
        self.write("run/server.jsonl", '{"source": ""}\n')  # the server's own metrics: of nobody

    def test_report(self):
        self.farebox("report", "base", "--no-plots", "-o", "run/report.html")
        self.fail_each("report", "run", "--no-plots", keeps=("run",))

    def test_plots(self):
        self.fail_each("report", "run", may_stay=(r"run/plots/[^.]+\.(svg|png)$", "run/report.html$"))

    def test_exports(self):
        for kind in ("vllm", "aiperf", "csv", "otlp", "sqlite"):
            self.fail_each("report", "run", "--export", kind, keeps=("run/requests.jsonl", "run/summary.json"),
                           may_stay=(r"run/aiperf/[^.]+\.jsonl?$",))
            self.farebox("report", "run", "--export", kind)
            self.fail_each("report", "run", "--export", kind, "--plans", "openai/o3", keeps=("run",),
                           may_stay=("run/bill.json$",))

    def test_bill_of_a_run(self):
        self.farebox("bill", "base", "--plans", "openai/o3")
        os.rename(self.path("base/bill.json"), self.path("run/bill.json"))
        self.fail_each("bill", "run", "--plans", "openai/o3", keeps=("run",))

    def test_bill_in_a_directory(self):
        words = ("bill", "run", "--plans", "openai/o3", "--no-plots", "-o", "out")
        self.fail_each(*words)
        self.farebox("bill", "base", "--plans", "openai/o3", "-o", "out", "--no-plots")
        self.fail_each(*words, "--force", whole=("out",))

    def test_decide(self):
        words = ("decide", self.trace, "--candidates", "run+openai/o3,openai/o3", "--slo", "ttft=500", "--draws", "40",
                 "--seeds", "2", "-n", "100", "--volume", "2000", "-o", "out")
        made = (r"out/decide\.json$", r"out/index\.html$", r"out/plots/[^.]+\.(svg|png)$")
        if ALL:
            self.fail_each(*words, may_stay=made)
        self.farebox(*words)
        self.fail_each(*words, "--force", keeps=("out",), may_stay=made)

    def test_diff(self):
        self.write("gate.xml", "<earlier/>")
        self.fail_each("diff", "run", "run", "--junit", "gate.xml", "--force", keeps=("gate.xml", "run"))


class Files(Failing):
    """Commands that write a file."""

    def earlier(self, name, *words, status=0):
        text = self.write(name, "earlier\n")
        self.fail_each(*words, "-o", name, "--force", keeps=(name,))
        os.unlink(text)
        self.fail_each(*words, "-o", name)

    def test_workloads(self):
        for name in ("out.jsonl", "out.jsonl.gz"):
            self.earlier(name, "workload", "convert", self.trace)
        self.earlier("out.jsonl", "workload", "gen", "chat", "-n", "50")
        self.earlier("out.jsonl", "workload", "anonymise", self.trace)
        self.earlier("out.jsonl", "workload", "transform", self.trace, "-t", "rate=2")
        self.earlier("fitted.json", "workload", "fit", self.trace)

    def test_engines(self):
        self.farebox("sim", "--trace", self.trace, "--engine", PRESET, "-o", "run", "-q")
        self.earlier("preset.json", "engine", "calibrate", "run", "--engine", PRESET, "--fit", "k")

    def test_prices(self):
        listed = {"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "litellm_provider": "p",
                        "mode": "chat"}}
        self.earlier("book.json", "prices", "import", "--litellm", self.write("list.json", json.dumps(listed)))
        self.earlier("invoice.csv", "prices", "invoice", self.trace, "--plan", "openai/o3")

    def test_plans(self):
        days = self.write("days.jsonl", "".join(ROW % (i * 3_600_000, 900 + i % 7 * 50) for i in range(24 * 16)))
        words = ("plan", "forecast", days, "--plans", "openai/o3", "--start", "2026-11-01", "-o", "out")
        made = (r"out/forecast.json$", r"out/plots/forecast.(svg|png)$")
        self.fail_each(*words, may_stay=made)
        self.farebox(*words)
        self.fail_each(*words, "--force", keeps=("out",), may_stay=made)

    def test_input_that_cannot_be_read(self):
        for words in (("workload", "info", self.trace), ("bill", self.trace, "--plans", "openai/o3"),
                      ("workload", "show", self.trace)):
            self.fail_each(*words)


class Recorder(Failing):
    """The recorder goes on for its callers, whatever becomes of the trace; it says so once it ends."""

    def setUp(self):
        super().setUp()
        self.upstream = self.mock("--ttft-ms", "1", "--itl-ms", "1")

    def run_with(self, words, **fault):
        settings = {f"FAILING_IO_{name.upper()}": str(value) for name, value in fault.items()}
        process = subprocess.Popen([FAREBOX, *map(str, words)], cwd=self.scratch, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={
                                       **os.environ, "LD_PRELOAD": SHIM, "FAILING_IO_UNDER": str(self.scratch),
                                       "ASAN_OPTIONS": "verify_asan_link_order=0", **settings})
        line = process.stdout.readline()
        if line:
            host = json.loads(line)["url"].split("/")[2]
            for _ in range(3):
                with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
                    connection.request("POST", "/v1/chat/completions", json.dumps(ASKED), {"Content-Type": "application/json"})
                    self.assertEqual(connection.getresponse().status, 200)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def assert_kept(self, before, after, keeps, whole, same):
        """The trace is the earlier one, or a new one of whole lines."""
        text = contents(self.scratch).get("trace.jsonl")
        self.assertTrue(text or "trace.jsonl" not in before)
        if text and text != before.get("trace.jsonl"):
            self.assertEqual(list(json.loads(text.splitlines()[0])), ["start"])
            self.assertTrue(text.endswith(b"\n") and all(map(json.loads, text.splitlines())))

    def test_record(self):
        words = ("record", "--listen", "127.0.0.1:0", "--to", self.upstream, "--json", "-o", "trace.jsonl")
        self.fail_each(*words, may_stay=("trace.jsonl$",), same=False)
        self.write("trace.jsonl", self.rows)
        self.fail_each(*words, "--force", same=False)

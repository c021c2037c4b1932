#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py (unittest) and closes with one line of counts.

Of several files those that take long are begun first; one runs on each core, and one more, since
most of them wait rather than work (their CPU seconds stand beside). Tests that measure
(support.takes_times) are left out of that and follow file by file, each alone, or not at all
(--no-times). One file runs here.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
COUNTS = re.compile(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
LONG = ["test_docs", "test_sim", "test_server_metrics", "test_bench", "test_prices_import", "test_plan", "test_peers",
        "test_apis", "test_merge", "test_prompts"]  # begun first: none is waited for
TIMES = {"--no-times": False, "--times": True}  # which half of a file's tests


def tests_of(outcomes):
    """How many tests, each once however many of its subtests ended so."""
    return len({getattr(test, "test_case", test).id() for test, _ in outcomes})


def takes_times(test):
    return getattr(test, "takes_times", getattr(getattr(test, test._testMethodName, None), "takes_times", False))


def load(name, half=None):
    """A file's tests: all, or those that measure (True), or the others (False)."""
    suite, tests = unittest.TestLoader().discover(str(HERE), pattern=name + ".py"), []

    def collect(part):
        for item in part:
            if isinstance(item, unittest.TestSuite):
                collect(item)
            elif half is None or takes_times(item) == half:
                tests.append(item)
    collect(suite)
    return unittest.TestSuite(tests)


def run_here(name, half):
    suite = load(name, half)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed = tests_of(result.failures + result.errors) + len(result.unexpectedSuccesses)
    skipped = tests_of(result.skipped)
    for test, reason in result.skipped:
        print(f"SKIP {test}: {reason}")
    print(f"e2e: {result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or result.testsRun == 0 else 0


def run_apart(name, half):
    """((seconds, CPU seconds), output, status) of half a file in a process of its own."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([sys.executable, str(HERE / "run.py"), name, half], stdout=output,
                                 stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return (time.monotonic() - start, used.ru_utime + used.ru_stime), output.read(), child.returncode


def run_all(names, with_times=True):
    counts, bad, seconds = [0, 0, 0], 0, {}

    def take(name, outcome):
        nonlocal bad
        took, output, status = outcome
        seconds[name] = [sum(both) for both in zip(seconds.get(name, (0, 0)), took)]
        found = COUNTS.search(output)
        for i in range(3):
            counts[i] += int(found[i + 1]) if found else i == 1
        bad += status != 0
        print(f"== {name}: {took[0]:.0f} s\n{output}", flush=True)

    begin = time.monotonic()
    others = sorted((n for n in names if load(n, False).countTestCases()), key=lambda n: (LONG.index(n) if n in LONG else len(LONG), n))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        running = {pool.submit(run_apart, name, "--no-times"): name for name in others}
        for done in concurrent.futures.as_completed(running):
            take(running[done], done.result())
    alone = time.monotonic()
    for name in names if with_times else []:
        if load(name, True).countTestCases():
            take(name, run_apart(name, "--times"))
    print("e2e seconds (of CPU): " + ", ".join(
        f"{name.removeprefix('test_')} {s:.0f} ({cpu:.0f})" for name, (s, cpu) in
        sorted(seconds.items(), key=lambda item: -item[1][0])))
    print(f"e2e took {alone - begin:.0f} s for what runs beside each other, "
          f"{time.monotonic() - alone:.0f} s for what measures")
    print(f"e2e: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if bad else 0


def main():
    sys.path.insert(0, str(HERE))
    half = TIMES.get(sys.argv[-1])
    wanted = [word.removesuffix(".py") for word in sys.argv[1:] if word not in TIMES] or ["test_*"]
    names = sorted({p.stem for word in wanted for p in HERE.glob(word + ".py")})
    return run_here(names[0], half) if len(names) == 1 else run_all(names, half is not False)


if __name__ == "__main__":
    sys.exit(main())

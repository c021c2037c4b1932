#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py (unittest) and closes with one line of counts.

Of several files those that take long are begun first, and one runs on each core. Tests that measure
(support.takes_times) are left out of that and follow file by file, each alone. One file runs here.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
COUNTS = re.compile(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
LONG = ["test_docs", "test_bench", "test_sim", "test_prices_import"]  # begun first: none is waited for
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
    """(seconds, output, status) of half a file in a process of its own."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, str(HERE / "run.py"), name, half], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return time.monotonic() - start, done.stdout, done.returncode


def run_all(names):
    counts, bad, seconds = [0, 0, 0], 0, {}

    def take(name, outcome):
        nonlocal bad
        took, output, status = outcome
        seconds[name] = seconds.get(name, 0) + took
        found = COUNTS.search(output)
        for i in range(3):
            counts[i] += int(found[i + 1]) if found else i == 1
        bad += status != 0
        print(f"== {name}: {took:.0f} s\n{output}", flush=True)

    begin = time.monotonic()
    others = sorted((n for n in names if load(n, False).countTestCases()), key=lambda n: (n not in LONG, n))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run_apart, name, "--no-times"): name for name in others}
        for done in concurrent.futures.as_completed(running):
            take(running[done], done.result())
    alone = time.monotonic()
    for name in names:
        if load(name, True).countTestCases():
            take(name, run_apart(name, "--times"))
    print("e2e seconds: " + ", ".join(f"{name.removeprefix('test_')} {s:.0f}" for name, s in
                                      sorted(seconds.items(), key=lambda item: -item[1])))
    print(f"e2e took {alone - begin:.0f} s for what runs beside each other, "
          f"{time.monotonic() - alone:.0f} s for what measures")
    print(f"e2e: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if bad else 0


def main():
    sys.path.insert(0, str(HERE))
    wanted = (sys.argv[1] if len(sys.argv) > 1 else "test_*").removesuffix(".py")
    names = sorted(p.stem for p in HERE.glob(wanted + ".py"))
    return run_here(names[0], TIMES.get(sys.argv[-1])) if len(names) == 1 else run_all(names)


if __name__ == "__main__":
    sys.exit(main())

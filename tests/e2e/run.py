#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py (unittest) and closes with one line of counts.

Several files run beside each other, one on each core, the longest first; those that
take times (they ask support.py for it by name) follow, each alone. One file runs here.
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
TAKES_TIMES = re.compile(r"\b(bench_timed|unless_void)\(|client was the limit")
COUNTS = re.compile(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
LONG = ["test_docs", "test_bench", "test_http2", "test_sim"]  # begun first, so that none is waited for


def tests_of(outcomes):
    """How many tests, each once however many of its subtests ended so."""
    return len({getattr(test, "test_case", test).id() for test, _ in outcomes})


def run_here(name):
    sys.path.insert(0, str(HERE))
    suite = unittest.TestLoader().discover(str(HERE), pattern=name + ".py")
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed = tests_of(result.failures + result.errors) + len(result.unexpectedSuccesses)
    skipped = tests_of(result.skipped)
    for test, reason in result.skipped:
        print(f"SKIP {test}: {reason}")
    print(f"e2e: {result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or result.testsRun == 0 else 0


def run_apart(name):
    """(seconds, output, status) of a file in a process of its own."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, str(HERE / "run.py"), name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return time.monotonic() - start, done.stdout, done.returncode


def run_all(names):
    timed = [n for n in names if TAKES_TIMES.search((HERE / f"{n}.py").read_text())]
    others = sorted((n for n in names if n not in timed), key=lambda n: (n not in LONG, n))
    counts, bad, seconds = [0, 0, 0], 0, {}

    def take(name, outcome):
        nonlocal bad
        seconds[name], output, status = outcome
        found = COUNTS.search(output)
        for i in range(3):
            counts[i] += int(found[i + 1]) if found else i == 1
        bad += status != 0
        print(f"== {name}: {seconds[name]:.0f} s\n{output}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run_apart, name): name for name in others}
        for done in concurrent.futures.as_completed(running):
            take(running[done], done.result())
    for name in timed:
        take(name, run_apart(name))
    print("e2e seconds: " + ", ".join(f"{name.removeprefix('test_')} {s:.0f}" for name, s in
                                      sorted(seconds.items(), key=lambda item: -item[1])))
    print(f"e2e: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if bad else 0


def main():
    wanted = (sys.argv[1] if len(sys.argv) > 1 else "test_*").removesuffix(".py")
    names = sorted(p.stem for p in HERE.glob(wanted + ".py"))
    return run_here(names[0]) if len(names) == 1 else run_all(names)


if __name__ == "__main__":
    sys.exit(main())

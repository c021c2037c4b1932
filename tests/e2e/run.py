#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py (unittest) and closes with one line of counts."""
import pathlib
import sys
import unittest

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here))
wanted = sys.argv[1] if len(sys.argv) > 1 else "test_*"
suite = unittest.TestLoader().discover(str(here), pattern=wanted.removesuffix(".py") + ".py")
result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
def tests_of(outcomes):
    """How many tests, each once however many of its subtests ended so."""
    return len({getattr(test, "test_case", test).id() for test, _ in outcomes})


failed = tests_of(result.failures + result.errors) + len(result.unexpectedSuccesses)
skipped = tests_of(result.skipped)
for test, reason in result.skipped:
    print(f"SKIP {test}: {reason}")
print(f"e2e: {result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or result.testsRun == 0 else 0)

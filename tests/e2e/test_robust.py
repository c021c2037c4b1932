"""Surroundings that give less than usual, and get no more than they need: memory, and gnuplot."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from support import FAREBOX, Case

# The allocation number FAIL_AT, counted from the program's own start, finds no memory.
FAILING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
static long left = -1;
static void *(*real_malloc)(size_t), *(*real_calloc)(size_t, size_t), *(*real_realloc)(void *, size_t);
static int (*real_main)(int, char **, char **);
static int fails(void)
{
    if (left <= 0 || --left > 0) return 0;
    errno = ENOMEM; /* as every allocator does: glibc insists on it where it makes a thread */
    return 1;
}
void *malloc(size_t n)
{
    if (!real_malloc) real_malloc = dlsym(RTLD_NEXT, "malloc");
    return fails() ? NULL : real_malloc(n);
}
extern void *__libc_calloc(size_t, size_t);
void *calloc(size_t n, size_t m) { return fails() ? NULL : __libc_calloc(n, m); }
void *realloc(void *p, size_t n)
{
    if (!real_realloc) real_realloc = dlsym(RTLD_NEXT, "realloc");
    return fails() ? NULL : real_realloc(p, n);
}
static int begin(int argc, char **argv, char **env)
{
    left = atol(getenv("FAIL_AT"));
    return real_main(argc, argv, env);
}
int __libc_start_main(int (*m)(int, char **, char **), int argc, char **argv, void (*i)(void), void (*f)(void),
                      void (*r)(void), void *end)
{
    int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void),
                 void *) = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = m;
    return start(begin, argc, argv, i, f, r, end);
}
"""


class Memory(Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("cc"):
            raise unittest.SkipTest("no cc, which makes the allocator that fails")
        source, self.library = self.write("failing.c", FAILING), self.path("failing.so")
        made = subprocess.run(["cc", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], capture_output=True,
                              text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        rows = "".join(f'{{"timestamp": {i * i % 977 * 10}, "input_length": {40 + i * 7 % 90}, '
                       f'"output_length": {5 + i * 3 % 40}}}\n' for i in range(300))
        self.trace = self.write("w.jsonl", rows)

    def run_out(self, at, *words):
        """The program with its `at`-th allocation refused: no signal ends it, and it says why."""
        done = subprocess.run([FAREBOX, *words], cwd=self.scratch, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LD_PRELOAD": self.library, "FAIL_AT": str(at)})
        self.assertGreaterEqual(done.returncode, 0, (at, done.stderr))
        if done.returncode:
            self.assertIn("farebox:", done.stderr, at)
        return done.returncode

    def test_no_memory_is_a_message(self):
        ends = [self.run_out(at, "workload", "info", self.trace) for at in range(1, 160)]
        self.assertGreater(ends.count(1), 20)

    def test_a_bench_without_memory_ends_with_a_message(self):
        words = ("bench", "--url", "mock:constant", "--trace", self.trace, "-n", "3", "--rate", "100", "--no-probe",
                 "-o", self.path("run"), "--force")
        ends = [self.run_out(at, *words) for at in range(1, 150, 4)]
        self.assertGreater(ends.count(1), 5)


class Times(Case):
    """Simulated times that no clock of 64 bits holds are refused before they are wrong."""

    def setUp(self):
        super().setUp()
        self.trace = self.write("w.jsonl", '{"timestamp": 0, "input_length": 60, "output_length": 100000000}\n' * 2)

    def sim(self, engine):
        return self.farebox("sim", "--trace", self.trace, "--engine", self.write("p.json", json.dumps(engine)),
                            "-o", self.path("run"), "--force", expect=2).stderr

    def test_an_answer_of_centuries(self):
        self.assertIn("would pass 150 years", self.sim({"kind": "constant", "ttft_ms": 1, "itl_ms": 1e7}))

    def test_steps_of_hours(self):
        preset = self.farebox_json("engine", "show", "rtx4090-llama-3.1-8b-tp1")
        for key, value in (("k", 5e5), ("c1", 4665.1), ("w1", 65536), ("ap", 1e6), ("s1", 1e6)):
            self.assertRegex(self.sim(preset | {key: value}), r"p\.json.*a full step of \d+ tokens would take more than an hour")


class Gnuplot(Case):
    def test_the_key_does_not_reach_it(self):
        trace = self.write("w.jsonl", '{"timestamp": 0, "input_length": 9, "output_length": 3}\n' * 3)
        self.farebox("sim", "--trace", trace, "-o", self.path("run"))
        seen = self.path("seen")
        folder = pathlib.Path(self.path("bin"))
        folder.mkdir()
        (folder / "gnuplot").write_text(f'#!/bin/sh\n(env; echo "arguments: $*") >{seen}\ncat >/dev/null\necho drawn\n')
        (folder / "gnuplot").chmod(0o755)
        self.farebox("report", self.path("run"), env={"OPENAI_API_KEY": "sk-canary-0123456789", "MY_TOKEN": "canary",
                                                     "PATH": f"{folder}:{os.environ['PATH']}", "HOME": "/nowhere",
                                                     "GNUPLOT_PS_DIR": "/ps"})
        said = pathlib.Path(seen).read_text()
        self.assertNotIn("canary", said)
        self.assertIn("GNUPLOT_PS_DIR=/ps", said)
        self.assertIn("HOME=/nowhere", said)
        self.assertIn("arguments: -d", said)


class Results(Case):
    def test_an_ab_whose_runs_are_gone_is_shown_as_far_as_it_goes(self):
        self.write("compare.json", json.dumps({
            "schema_version": 1, "options": "0000000000000000", "answer": ["A is faster."], "sides": [{"side": "A"}, {"side": "B"}],
            "runs": [{"side": side, "pair": 1, "whole": True} for side in "AB"]}))
        self.farebox("report", self.scratch, "--no-plots", "-o", self.path("page.html"))
        self.assertIn("A is faster.", pathlib.Path(self.path("page.html")).read_text())

#!/usr/bin/env python3
"""Is `farebox diff` calibrated? Whole runs through the program itself: `sim`, then `diff --json`.

Per load PAIRS pairs of equal runs of the same requests on a jittering engine, and PAIRS in which
the second engine is 5% slower; then 20 equal pairs of real `bench` runs against `mock`. At most
18 of 200 equal pairs may show any finding (of 20 bench pairs: 4, which a 5% chance exceeds once in
400); mean and p50 of E2E must be found in 180 of 200 slower ones.

PAIRS=20 tries it out; LOADS, REQUESTS and BENCH_PAIRS likewise.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FAREBOX = os.environ.get("FAREBOX", "build/farebox")
PAIRS = int(os.environ.get("PAIRS", "200"))
BENCH_PAIRS = int(os.environ.get("BENCH_PAIRS", "20"))
REQUESTS = int(os.environ.get("REQUESTS", "5000"))
LOADS = [float(x) for x in os.environ.get("LOADS", "0.5,0.8,0.9").split(",")]
SCENARIO = {"scenario": "calibrate", "arrivals": {"process": "poisson", "rate_rps": 1},
            "classes": [{"class": "c", "weight": 1,
                         "input": {"distribution": "lognormal", "median": 245, "sigma": 1.0,
                                   "min": 1, "max": 4000},
                         "output": {"distribution": "lognormal", "median": 110, "sigma": 0.8,
                                    "min": 2, "max": 1000}}]}


def farebox(*words, ok=(0,)):
    done = subprocess.run([FAREBOX, *map(str, words)], capture_output=True, text=True)
    if done.returncode not in ok:
        sys.exit(f"farebox {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def engine(folder, slower):
    """The measured preset, jittering 5%, its steps `slower` times as long; gives the file."""
    preset = json.loads(pathlib.Path("sim/engine/presets/rtx4090-llama-3.1-8b-tp1.json").read_text())
    preset["jitter_cv"], preset["k"] = 0.05, preset.get("k", 1) * slower
    path = folder / f"engine-{slower}.json"
    path.write_text(json.dumps(preset))
    return path


def findings(before, after):
    """Names of what changed, of all that was compared."""
    report = json.loads(farebox("diff", before, after, "--json", "--quiet", ok=(0, 1)))
    return {(c["metric"], c["statistic"]) for c in report["comparisons"] if c["changed"]}


def simulate(trace, preset, seed, out):
    farebox("sim", "--trace", trace, "--engine", preset, "--seed", seed, "-o", out,
            "--no-intervals", "--quiet")


def sim_pair(folder, load, rate, pair, slower):
    here = pathlib.Path(tempfile.mkdtemp(dir=folder))
    trace = here / "t.jsonl"
    farebox("workload", "gen", folder / "scenario.json", "--rate", rate, "--requests", REQUESTS,
            "--seed", 1000 + pair, "-o", trace, "--quiet")
    simulate(trace, folder / "engine-1.json", 2 * pair, here / "a")
    simulate(trace, folder / f"engine-{slower}.json", 2 * pair + 1, here / "b")
    found = findings(here / "a", here / "b")
    shutil.rmtree(here)
    return found


def judge_load(folder, load, capacity):
    good = True
    for slower in (1, 1.05):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            all_found = list(pool.map(
                lambda pair: sim_pair(folder, load, load * capacity, pair, slower), range(PAIRS)))
        any_, mean, p50 = (sum(f(x) for x in all_found) for f in (
            bool, lambda x: ("e2e_scheduled_ms", "mean") in x,
            lambda x: ("e2e_scheduled_ms", "p50") in x))
        fine = any_ <= 0.09 * PAIRS if slower == 1 else min(mean, p50) >= 0.9 * PAIRS
        print(f"sim    {'equal' if slower == 1 else '5% slower':10} {load:4.0%} {PAIRS:6} "
              f"{any_:6} {mean:9} {p50:8}{'' if fine else '  MISSED'}", flush=True)
        good = good and fine
    return good


def judge_bench(folder):
    found = 0
    words = ("--url", "mock:constant", "--scenario", "chat", "--rate", 300, "--requests", 1500)
    for pair in range(BENCH_PAIRS):
        runs = [folder / f"bench-{pair}-{side}" for side in "ab"]
        for run in runs:
            farebox("bench", *words, "--seed", pair + 1, "-o", run, "--quiet")
        found += bool(findings(*runs))
        for run in runs:
            shutil.rmtree(run)
    fine = found <= 0.2 * BENCH_PAIRS
    print(f"bench  equal       mock {BENCH_PAIRS:6} {found:6}{'' if fine else '  MISSED'}")
    return fine


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="farebox-calibrate-"))
    try:
        (folder / "scenario.json").write_text(json.dumps(SCENARIO))
        for slower in (1, 1.05):
            engine(folder, slower)
        # Capacity: what a full engine completes per second.
        full = folder / "full"
        farebox("sim", "--scenario", folder / "scenario.json", "--engine", folder / "engine-1.json",
                "--requests", 3000, "--concurrency", 200, "-o", full, "--no-intervals", "--quiet")
        capacity = json.loads((full / "summary.json").read_text())["all"]["request_throughput_rps"]
        print(f"{REQUESTS} requests a run, capacity {capacity:.2f} requests/s\n"
              "runs   pairs      load  pairs    any  E2E mean  E2E p50", flush=True)
        good = [judge_load(folder, load, capacity) for load in LOADS]
        good.append(judge_bench(folder) if BENCH_PAIRS else True)
    finally:
        shutil.rmtree(folder)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

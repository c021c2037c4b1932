#!/usr/bin/env python3
"""Is `farebox diff` calibrated? Whole runs through the program itself: `sim`, then `diff --json`.

Per load PAIRS pairs of equal runs of the same requests on a jittering engine, and PAIRS in which
the second engine is 5% slower; then 20 equal pairs of real `bench` runs against `mock`. At most
18 of 200 equal pairs may show any finding (of 20 bench pairs: 4, which a 5% chance exceeds once in
400); mean and p50 of E2E must be found in 180 of 200 slower ones.

The equal runs are compared once more after 2% of the requests of each have failed, in stretches of
ten on average that the two runs do not share: again at most 18 of 200. And with 2% of the requests
of the first run failing one by one and 4% of the second's: the failed share must be found in 180.
"Apart" is the same of runs of other requests, which cannot be paired.

The gate's table comes first: pairs of 2,000 requests judged by `--fail-on 'ttft_p99>10%'` alone, equal
and with the second run's TTFTs above the first one's p95 made 30% longer. Equal pairs may FAIL in 10
of 200; of the longer ones 190 must at 50% load and 165 at 80% in paired runs, 135 at 50% in others.

PAIRS=20 tries it out; LOADS, REQUESTS and BENCH_PAIRS likewise; PARTS=gate takes one of gate, diff, bench.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

FAREBOX = os.environ.get("FAREBOX", "build/farebox")
PAIRS = int(os.environ.get("PAIRS", "200"))
BENCH_PAIRS = int(os.environ.get("BENCH_PAIRS", "20"))
REQUESTS = int(os.environ.get("REQUESTS", "5000"))
PARTS = os.environ.get("PARTS", "gate,diff,bench").split(",")
GATE_REQUESTS = 2000
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


def thinned(run, share, stretch, seed):
    """A copy of the run in which `share` of the requests failed, `stretch` in a row on average."""
    copy, chance, failing = run.with_name(f"{run.name}-{share}-{stretch}"), random.Random(seed), False
    lines = (run / "requests.jsonl").read_text().splitlines(keepends=True)
    for i, line in enumerate(lines):
        failing = chance.random() < (1 - 1 / stretch if failing
                                     else share / (1 - share) / stretch)
        if failing:
            lines[i] = line.replace('"status": "completed"', '"status": "failed", "error": "server_error"')
    copy.mkdir()
    (copy / "requests.jsonl").write_text("".join(lines))
    shutil.copy(run / "summary.json", copy)
    return copy


def sim_pair(folder, rate, pair, slower, apart):
    """What is found in the pair as it is, with stretches of failures, and with more failures."""
    here = pathlib.Path(tempfile.mkdtemp(dir=folder))
    for side, preset in (("a", 1), ("b", slower)):
        farebox("workload", "gen", folder / "scenario.json", "--rate", rate, "--requests", REQUESTS,
                "--seed", 1000 + pair + (apart and side == "b") * 500, "-o", here / f"{side}.jsonl",
                "--quiet")
        simulate(here / f"{side}.jsonl", folder / f"engine-{preset}.json", 2 * pair + (side == "b"),
                 here / side)
    a, b = here / "a", here / "b"
    found = [findings(a, b)]
    if slower == 1:
        found.append(findings(thinned(a, 0.02, 10, 4 * pair), thinned(b, 0.02, 10, 4 * pair + 1)))
        found.append(findings(thinned(a, 0.02, 1, 4 * pair + 2), thinned(b, 0.04, 1, 4 * pair + 3)))
    shutil.rmtree(here)
    return found


LOOKED_FOR = (("e2e_scheduled_ms", "mean"), ("e2e_scheduled_ms", "p50"), ("failed_fraction", "share"))


def judge_load(folder, load, capacity, apart):
    good = True
    for slower in (1, 1.05):
        if apart and slower != 1:
            continue
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            pairs = list(pool.map(lambda pair: sim_pair(folder, load * capacity, pair, slower, apart),
                                  range(PAIRS)))
        names = ("equal", "+ failures", "2% to 4%") if slower == 1 else ("5% slower",)
        for name, all_found in zip(names, zip(*pairs)):
            any_ = sum(map(bool, all_found))
            mean, p50, failed = (sum(what in x for x in all_found) for what in LOOKED_FOR)
            fine = {"5% slower": min(mean, p50) >= 0.9 * PAIRS,
                    "2% to 4%": failed >= 0.9 * PAIRS}.get(name, any_ <= 0.09 * PAIRS)
            print(f"{'apart' if apart else 'sim':6} {name:10} {load:4.0%} {PAIRS:6} {any_:6} "
                  f"{mean:9} {p50:8} {failed:7}{'' if fine else '  MISSED'}", flush=True)
            good = good and fine
    return good


def with_longer_tail(run, limit_ns, factor):
    """A copy of the run whose times to the first token are `factor` as long where above the limit."""
    copy = run.with_name(f"{run.name}-longer")
    lines = (run / "requests.jsonl").read_text().splitlines()
    for i, line in enumerate(lines):
        r = json.loads(line)
        ttft = r["first_token_ns"] - r["sent_ns"]
        if ttft > limit_ns:
            later = round(ttft * (factor - 1))
            for key in ("first_token_ns", "first_output_ns", "last_token_ns", "done_ns"):
                if key in r:
                    r[key] += later
            lines[i] = json.dumps(r)
    copy.mkdir()
    (copy / "requests.jsonl").write_text("\n".join(lines) + "\n")
    shutil.copy(run / "summary.json", copy)
    return copy


def p95_ttft(run):
    records = map(json.loads, (run / "requests.jsonl").read_text().splitlines())
    ttfts = sorted(r["first_token_ns"] - r["sent_ns"] for r in records)
    return ttfts[int(0.95 * (len(ttfts) - 1))]


def verdict(before, after):
    report = json.loads(farebox("diff", before, after, "--fail-on", "ttft_p99>10%", "--json", "--quiet",
                                ok=(0, 1)))
    return report["verdict"]


def gate_pair(folder, rate, pair):
    """The verdicts of (the same requests, others) × (equal, longer tail)."""
    here = pathlib.Path(tempfile.mkdtemp(dir=folder))
    for name, other in (("a", 0), ("paired", 0), ("apart", 1)):
        farebox("workload", "gen", folder / "scenario.json", "--rate", rate, "--requests",
                GATE_REQUESTS, "--seed", 1000 + pair + 500 * other, "-o", here / f"{name}.jsonl",
                "--quiet")
        simulate(here / f"{name}.jsonl", folder / "engine-1.json",
                 2 * pair + (name != "a") + 1000 * other, here / name)
    limit = p95_ttft(here / "a")
    found = [verdict(here / "a", run) for b in ("paired", "apart")
             for run in (here / b, with_longer_tail(here / b, limit, 1.3))]
    shutil.rmtree(here)
    return found


GATE_KINDS = ("paired", "equal"), ("paired", "+30 %"), ("apart", "equal"), ("apart", "+30 %")
GATE_LEAST = {("paired", 0.5): 0.95, ("paired", 0.8): 0.825, ("apart", 0.5): 0.675}


def judge_gate(folder, load, capacity):
    good = True
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pairs = list(pool.map(lambda pair: gate_pair(folder, load * capacity, pair), range(PAIRS)))
    for (how, tail), all_ in zip(GATE_KINDS, zip(*pairs)):
        counts = [all_.count(v) for v in ("fail", "undecided", "pass")]
        fine = (counts[0] <= 0.05 * PAIRS if tail == "equal"
                else counts[0] >= GATE_LEAST.get((how, load), 0) * PAIRS)
        print(f"{how:7} {tail:6} {load:4.0%} {PAIRS:6} {counts[0]:6} {counts[1]:10} {counts[2]:6}"
              f"{'' if fine else '  MISSED'}", flush=True)
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
        good = []
        if "gate" in PARTS:
            print(f"--fail-on 'ttft_p99>10%', {GATE_REQUESTS} requests a run, capacity {capacity:.2f} "
                  "requests/s\nruns    tail   load  pairs   FAIL  UNDECIDED   PASS", flush=True)
            good += [judge_gate(folder, load, capacity) for load in LOADS]
        if "diff" in PARTS or "bench" in PARTS:
            print(f"{REQUESTS} requests a run, capacity {capacity:.2f} requests/s\n"
                  "runs   pairs      load  pairs    any  E2E mean  E2E p50  failed", flush=True)
        if "diff" in PARTS:
            good += [judge_load(folder, load, capacity, apart) for apart in (False, True)
                     for load in LOADS]
        if "bench" in PARTS and BENCH_PAIRS:
            good.append(judge_bench(folder))
    finally:
        shutil.rmtree(folder)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

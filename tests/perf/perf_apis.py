#!/usr/bin/env python3
"""Latencies over each API against the mock, of one workload and seed, beside those of chat: the middle
of interleaved runs. Goal: within 2 %. A round in which the client or the mock was late is left out."""
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

APIS = ("chat", "completions", "responses", "messages")
METRICS = ("ttft_ms", "tpot_ms", "e2e_ms")
ROUNDS = 5
FAREBOX = os.environ["FAREBOX"]


def one(folder, api, words):
    """p50 of each metric, or None where the run says nothing about times."""
    mock = subprocess.Popen([FAREBOX, "mock", "--listen", "127.0.0.1:0", "--ttft-ms", "60", "--itl-ms", "4"],
                            stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", mock.stdout.readline()).group()
        subprocess.run([FAREBOX, "bench", "--url", url, "--api", api, "--trace", folder / "w.jsonl", "--no-probe",
                        "--model", "m", "-o", folder / "run", "--force", "--quiet", *words],
                       check=True, stdout=subprocess.DEVNULL)
    finally:
        mock.send_signal(signal.SIGINT)
    late = re.search(r"late by p50 \S+ p99 ([0-9.]+)", mock.communicate()[0])
    summary = json.loads((folder / "run" / "summary.json").read_text())
    if summary["fidelity"]["client_limited"] or not late or float(late[1]) > 1:
        return None
    return {m: summary[m]["p50"] for m in METRICS if summary.get(m)}


def compare(folder, words):
    rounds = [r for r in ({api: one(folder, api, words) for api in APIS} for _ in range(ROUNDS)) if all(r.values())]
    print(f"latencies over each API of those over chat{' (--no-stream)' if words else ''}, "
          f"{len(rounds)} of {ROUNDS} rounds")
    if not rounds:
        print("  void: the machine is busy")
        return True
    good = True
    middle = {api: {m: statistics.median(r[api][m] for r in rounds) for m in rounds[0][api]} for api in APIS}
    for api in APIS:
        ratios = {m: value / middle["chat"][m] for m, value in middle[api].items()}
        good &= all(abs(ratio - 1) <= 0.02 for ratio in ratios.values())
        print(f"  {api:<12}" + "".join(f" {m} {middle[api][m]:9.3f} ({ratio:.3f})" for m, ratio in ratios.items()))
    return good


def main():
    with tempfile.TemporaryDirectory(prefix="farebox-") as name:
        folder = pathlib.Path(name)
        rows = [{"timestamp": i * 25, "input_length": 100 + i, "output_length": 10 + i % 20} for i in range(80)]
        (folder / "w.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        good = [compare(folder, words) for words in ((), ("--no-stream",))]
    print("goal: within 2 % of chat", "met" if all(good) else "MISSED")
    return 0 if all(good) else 1


sys.exit(main())

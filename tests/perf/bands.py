#!/usr/bin/env python3
"""Do the forecast's 90 % bands hold the truth, and how wide are they?

Months whose law is known (clients that stay, with days, weekends and shares of their own) and
months drawn anew from public traces (RAGPulse's days and sessions; ServeGen's clients, in
FAREBOX_TRACES), each cut into a sample and the 30 days after it, whose cost at $0.50 and $2.15
per million tokens is the truth. FAREBOX is the program; BEFORE one to compare with, whose bands
for the same samples give the ratio of widths. MONTHS synthetic (400) and PUBLIC drawn (100).
Months in which users come and go are in tests/unit/check_forecast.c.
"""
import concurrent.futures
import functools
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

FAREBOX = os.environ.get("FAREBOX", "build/farebox")
BEFORE = os.environ.get("BEFORE")
TRACES = pathlib.Path(os.environ.get("FAREBOX_TRACES", "../shared/traces"))
SAMPLES = (7, 14, 28)
REQUESTS = 10000  # of a sample, about
DAY_MS = 86400e3
PLAN = {"name": "token", "per_mtok": {"input": "0.50", "output": "2.15"}}
BOOK = {"book": "t", "as_of": "2026-11-01", "currency": "USD", "plans": [PLAN]}


def poisson(r, mean):
    if mean > 50:
        return max(0, round(r.gauss(mean, math.sqrt(mean))))
    k, p, least = 0, r.random(), math.exp(-mean)
    while p > least:
        k, p = k + 1, p * r.random()
    return k


def request(at_ms, tokens_in, tokens_out, **more):
    return {"timestamp": at_ms, "input_length": tokens_in, "output_length": tokens_out, **more}


def clients_that_stay(r, days, per_day):
    """8 to 60 clients of Pareto shares, each with lengths and daily noise of its own."""
    weights = [r.paretovariate(1.1) for _ in range(r.randint(8, 60))]
    clients = [(w / sum(weights), r.gauss(7, 0.8), r.gauss(5, 0.6), r.uniform(0, 0.35))
               for w in weights]
    week = r.choice(([1, 1.1, 1.15, 1.05, 0.9, 0.4, 0.3], [1] * 7))
    noise = r.uniform(0.02, 0.1)
    rows = []
    for day in range(days):
        level = per_day * week[day % 7] * math.exp(r.gauss(0, noise))
        for name, (share, tokens_in, tokens_out, own) in enumerate(clients):
            for _ in range(poisson(r, level * share * math.exp(r.gauss(0, own)))):
                at = day + min(max(r.gauss(0.55, 0.2), 0), 0.999)
                rows.append(request(at * DAY_MS, int(r.lognormvariate(tokens_in, 0.6)) + 1,
                                    int(r.lognormvariate(tokens_out, 0.6)) + 1,
                                    labels={"user": f"client {name}"}))
    return rows


@functools.cache
def rag_pulse():
    """The sessions of each of its fourteen days; the second week's clock begins again at 0."""
    days = [{} for _ in range(14)]
    week, before = 0, 0.0
    for line in (TRACES / "ragpulse/0_trace.jsonl").read_text().splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        at = float(row["timestamp"])
        week, before = week + (at < before - 300000), at
        day = min(int(at // 86400), 6) + 7 * min(week, 1)
        days[day].setdefault(row["session_id"], []).append(
            (at % 86400, int(row["input_length"]), int(row["output_length"])))
    return days


def drawn_days(r, days, _per_day):
    """Each day from that weekday of one of the two weeks, its sessions drawn with replacement."""
    rows = []
    for day in range(days):
        sessions = list(rag_pulse()[day % 7 + 7 * r.randrange(2)].values())
        for number in range(poisson(r, len(sessions))):
            for at, tokens_in, tokens_out in r.choice(sessions):
                rows.append(request((day * 86400 + at) * 1e3, tokens_in, tokens_out,
                                    session_id=f"{day} {number}"))
    return rows


def drawn_clients(r, days, per_day):
    """ServeGen's clients of DeepSeek-R1, each a user."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as out:
        subprocess.run([FAREBOX, "workload", "gen", str(TRACES / "servegen/deepseek-r1.tgz"),
                        "--rate", str(per_day / 86400), "--arrival", "scenario", "-d", f"{days}d",
                        "--seed", str(r.randrange(1 << 30)), "-o", out.name, "--force"],
                       check=True, capture_output=True)
        rows = [json.loads(line) for line in open(out.name)]
    return [request(x["timestamp"], x["input_length"], x["output_length"],
                    labels={"user": x["class"]}) for x in rows]


def cost(rows):
    return sum(x["input_length"] * 0.50e-6 + x["output_length"] * 2.15e-6 for x in rows)


def band(program, folder, days):
    out = subprocess.run([program, "plan", "forecast", f"{folder}/sample.jsonl", "--plans",
                          f"{folder}/book.json", "--span", f"{days}d", "--samples", "200",
                          "--json"], check=True, capture_output=True, text=True).stdout
    bill = json.loads(out)["scenarios"][0]["plans"][0]["bill_usd"]
    return bill["p5"], bill["p95"]


def month(job):
    kind, law, days, seed = job
    r = random.Random(f"{kind} {days} {seed}")
    rows = sorted(law(r, days + 30, REQUESTS / days), key=lambda x: x["timestamp"])
    sample = [x for x in rows if x["timestamp"] < days * DAY_MS]
    truth = cost(rows) - cost(sample)
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "book.json").write_text(json.dumps(BOOK))
        with open(f"{folder}/sample.jsonl", "w") as out:
            out.writelines(json.dumps(x) + "\n" for x in sample)
        bands = [band(program, folder, days) for program in (FAREBOX, BEFORE) if program]
    return (kind, days), truth, bands


def line(name, months):
    held = [sum(b[i][0] <= truth <= b[i][1] for truth, b in months) / len(months)
            for i in range(len(months[0][1]))]
    width = [statistics.median((b[i][1] - b[i][0]) / truth for truth, b in months)
             for i in range(len(held))]
    text = f"{name:28} {len(months):5}   {held[0]:6.1%}  {width[0]:6.1%}"
    if BEFORE:
        ratio = statistics.median((b[0][1] - b[0][0]) / (b[1][1] - b[1][0]) for _, b in months)
        text += f"   {held[1]:6.1%}  {width[1]:6.1%}   {ratio:.2f}"
    print(text, flush=True)
    return held[0]


def main():
    laws = [("clients that stay", clients_that_stay, int(os.environ.get("MONTHS", "400")))]
    public = int(os.environ.get("PUBLIC", "100")) // 2
    if (TRACES / "ragpulse").is_dir() and (TRACES / "servegen").is_dir():
        laws += [("RAGPulse", drawn_days, public), ("ServeGen", drawn_clients, public)]
    else:
        print(f"SKIP months from public traces: {TRACES} has no ragpulse and servegen")
    jobs = [(kind, law, SAMPLES[i % len(SAMPLES)], i) for kind, law, n in laws for i in range(n)]
    found = {}
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for key, truth, bands in pool.map(month, jobs):
            found.setdefault(key, []).append((truth, bands))
    print(f"{'months':28} {'':5}   {'held':>6}  {'width':>6}" + "   before: held, width, ratio" *
          bool(BEFORE))
    for (kind, days), months in sorted(found.items()):
        line(f"{kind}, {days} days", months)
    good = True
    for name, kinds in (("all synthetic", {"clients that stay"}),
                        ("all drawn from traces", {"RAGPulse", "ServeGen"})):
        months = [m for (kind, _), some in found.items() if kind in kinds for m in some]
        if months:
            good = line(name, months) >= 0.85 and good
    sys.exit(0 if good else "the bands hold the truth in fewer than 85 % of these months")


if __name__ == "__main__":
    main()

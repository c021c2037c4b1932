#!/usr/bin/env python3
"""Writes the generated files of tests/data/ and prints the figures that the tests expect of them.

The files have the form of recorded traces, and nothing in them was recorded: lengths, times and
names are drawn here from fixed seeds. The figures are worked out here from the drawn rows, in plain
Python that shares nothing with the program. `make.py` alone prints; `make.py --write` writes too.
The servingsim files need a built program (FAREBOX, default build/farebox): see make_servingsim.
"""
import datetime
import decimal
import gzip
import io
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WRITE = "--write" in sys.argv
USD = decimal.Decimal


def put(name, data):
    if WRITE:
        (HERE / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def quantile(values, q):
    """Type 7."""
    x = sorted(values)
    place = q * (len(x) - 1)
    low = int(place)
    return x[low] + (place - low) * (x[min(low + 1, len(x) - 1)] - x[low])


def figures(name, rows):
    """rows: (time in seconds, input, output)."""
    times, inputs, outputs = zip(*rows)
    gaps = [b - a for a, b in zip(times, times[1:])]
    duration = times[-1] - times[0]
    print(f"{name}: {len(rows)} requests, {duration:.3f} s, {len(rows) / duration:.6f} rps, "
          f"cv {statistics.pstdev(gaps) / statistics.mean(gaps):.3f}")
    for kind, x in (("input", inputs), ("output", outputs)):
        print(f"  {kind}: mean {statistics.mean(x):.2f} p50 {quantile(x, 0.5)} p99 {quantile(x, 0.99):.2f} "
              f"sum {sum(x)} zero {sum(v == 0 for v in x)}")


def cost(rows, price_in, price_out):
    return sum(USD(i) * USD(price_in) + USD(o) * USD(price_out) for _, i, o in rows) / 10**6


def lognormal(rng, median, sigma, least=1, most=10**6):
    return max(least, min(most, round(median * math.exp(rng.gauss(0, sigma)))))


def make_azure():
    """Arrivals in bursts, as of people who code: gamma gaps."""
    rng = random.Random(11)
    start, at, rows = datetime.datetime(2026, 3, 2, 9, 30, 0), 0, []
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    for _ in range(2000):
        rows.append((at / 1e7, lognormal(rng, 1200, 1.0, 3, 20000), lognormal(rng, 90, 0.9, 1, 2000)))
        when = start + datetime.timedelta(microseconds=at // 10)
        lines.append(f"{when:%Y-%m-%d %H:%M:%S.%f}{at % 10},{rows[-1][1]},{rows[-1][2]}")
        at += round(rng.gammavariate(0.4, 1.0) * 1e7)
    put("azure.csv", "\r\n".join(lines) + "\r\n")
    figures("azure.csv", rows)
    print("  bill at 0.50 and 2.15:", cost(rows, "0.50", "2.15"))
    print("  bill of the first 500:", cost(rows[:500], "0.50", "2.15"),
          sum(r[1] for r in rows[:500]), sum(r[2] for r in rows[:500]))
    each = [float(USD(i) * USD("0.50") + USD(o) * USD("2.15")) / 1e6 for _, i, o in rows]
    mean = statistics.mean(each)
    print(f"  per request: mean {mean:.10f} cv {statistics.pstdev(each) / mean:.5f} "
          f"max/median {max(each) / quantile(each, 0.5):.4f}")
    print("  share of input", float(sum(r[1] for r in rows) * USD("0.5") / 10**6 / cost(rows, "0.50", "2.15")))
    print("  over 16000 or 4000:", sum(r[1] > 16000 or r[2] > 4000 for r in rows))
    ends, peak = 0, 0
    for k, (t, _, _) in enumerate(rows):
        while rows[ends][0] <= t - 60:
            ends += 1
        peak = max(peak, k - ends + 1)
    print("  most in a sliding minute:", peak)
    minutes = {}
    for t, _, _ in rows:
        minutes[int(t // 60)] = minutes.get(int(t // 60), 0) + 1
    print("  most in a minute from the start:", max(minutes.values()))
    print("  routes:", sum(i < 300 for _, i, _ in rows), sum(300 <= i < 1500 for _, i, _ in rows),
          sum(i >= 1500 for _, i, _ in rows))


def make_mooncake():
    """Sessions whose turns repeat what was said, and three system prompts; blocks of 512 tokens."""
    rng = random.Random(12)
    next_id, live, rows, at = 100, [], [], 0
    system = [[0, 1, 2], [0, 3], [0]]
    for k in range(400):
        at += round(rng.expovariate(1 / 700)) if k else 0
        if live and rng.random() < 0.55:
            blocks = live.pop(rng.randrange(len(live)))
        else:
            blocks = list(rng.choice(system))
        more = 1 + min(40, int(rng.expovariate(1 / 5)))
        blocks = blocks + list(range(next_id, next_id + more))
        next_id += more
        tail = rng.randint(1, 512)
        rows.append((at, 512 * (len(blocks) - 1) + tail, lognormal(rng, 120, 0.8, 1, 2000), blocks))
        if tail == 512 or rng.random() < 0.7:
            live.append(blocks[:-1] if tail < 512 else blocks)
            if not live[-1]:
                live.pop()
    put("mooncake.jsonl", "".join(json.dumps(dict(zip(
        ("timestamp", "input_length", "output_length", "hash_ids"), r))) + "\n" for r in rows))
    figures("mooncake.jsonl", [(t / 1000, i, o) for t, i, o, _ in rows])
    for name, hits in caches(rows).items():
        total = sum(r[1] for r in rows)
        money = sum((r[1] - h) * 50 + h * 5 + r[2] * 300 for r, h in zip(rows, hits))
        print(f"  {name}: {100 * sum(hits) / total:.2f} % hit, bill {money}e-7 USD")
    for size in (100000, 1000000):
        hits = lru(rows, size // 512)
        print(f"  lru {size}: hits {sum(hits)}")
    print("  over 16000:", sum(r[1] > 16000 for r in rows), "over 32000:", sum(r[1] > 32000 for r in rows))


def hit_tokens(row, blocks):
    """The blocks at the front that are there, in tokens: the last block may be partial."""
    return min(512 * blocks, row[1])


def caches(rows):
    none, infinite, ttl, seen, used = [], [], [], set(), {}
    for row in rows:
        at, ids = row[0], row[3]
        none.append(0)
        n = 0
        while n < len(ids) and ids[n] in seen:
            n += 1
        infinite.append(hit_tokens(row, n))
        seen.update(ids)
        n = 0
        while n < len(ids) and ids[n] in used and at - used[ids[n]] <= 300000:
            n += 1
        hit = hit_tokens(row, n)
        ttl.append(0 if hit < 1024 else hit // 128 * 128)
        for i in ids:
            used[i] = at
    return {"none": none, "infinite": infinite, "ttl:300s,min=1024,step=128": ttl}


def lru(rows, size):
    """The least used block leaves, of one request's the last first."""
    held, hits, clock = {}, [], 0
    for row in rows:
        ids, n = row[3], 0
        while n < len(ids) and ids[n] in held:
            n += 1
        hits.append(hit_tokens(row, n))
        for i in reversed(ids):
            clock += 1
            held[i] = clock
        while len(held) > size:
            del held[min(held, key=held.get)]
    return hits


def make_burstgpt():
    rng = random.Random(13)
    at, rows = 7, []
    lines = ["Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"]
    for k in range(60):
        failed = k % 15 == 9
        i, o = lognormal(rng, 300, 0.9), 0 if failed else lognormal(rng, 180, 0.8)
        rows.append((at, i, o))
        lines.append(f"{at},{'GPT-4' if k % 4 == 2 else 'ChatGPT'},{i},{o},{i + o},"
                     f"{'API log' if k % 5 == 4 else 'Conversation log'}")
        at += 1 + int(rng.expovariate(1 / 90))
    put("burstgpt_1.csv", "\n".join(lines) + "\n")
    figures("burstgpt_1.csv", rows)
    print("  row 3:", lines[3])
    lines = ["Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"]
    for k in range(12):
        session = "" if k in (4, 9) else f"00000000-0000-4000-8000-{k % 5:012d}"
        i, o = lognormal(rng, 300, 0.9), 0 if k == 7 else lognormal(rng, 180, 0.8)
        lines.append(f"{17280095 + 31 * k}.0,{session},{3 + k},GPT-4,{i},{o},{i + o},Conversation log")
    put("burstgpt_3.csv", "\n".join(lines) + "\n")


def make_ragpulse():
    """Two weeks of office hours; the clock starts anew with the second."""
    rng = random.Random(14)
    rows = []
    for week in range(2):
        at = 0
        rows.append((week, 40, 2400, 210))  # this and the last: so that it spans the week
        while True:
            at += rng.expovariate(1) * 150
            day, hour = int(at // 86400), at % 86400 / 3600
            if at >= 7 * 86400:
                break
            busy = math.exp(-((hour - 14) / 4) ** 2) * (0.3 if day >= 5 else 1)
            if rng.random() < 0.35 * busy + 0.01:
                rows.append((week, int(at), lognormal(rng, 2600, 0.35), lognormal(rng, 230, 0.6)))
        rows.append((week, 604790, 2600, 230))
    lines = []
    for k, (_, at, i, o) in enumerate(rows):
        ids = {"sys_prompt": [1, 2, 10 + k % 3], "passages_ids": [100 + rng.randrange(300) for _ in range(3)],
               "history": [500 + k % 7], "web_search": [], "user_input": [1000 + k]}
        lines.append(json.dumps({"timestamp": str(at), "input_length": i, "output_length": o, "hash_ids": ids,
                                 "session_id": f"{k:04x}-own"}))
    first = sum(r[0] == 0 for r in rows)
    put("ragpulse.jsonl", "\n".join(lines[:first]) + "\n\n" + "\n".join(lines[first:]) + "\n")
    flat = [(w * 604800 + at, i, o) for w, at, i, o in rows]
    figures("ragpulse.jsonl", flat)
    print(f"  {first} in the first week, last at {flat[first - 1][0]}, next at {flat[first][0]}")
    print("  weeks at 0.50 and 2.15:", cost(flat[:first], "0.50", "2.15"), cost(flat[first:], "0.50", "2.15"))


def make_servegen():
    """Twelve clients over a day, the first three with most of the load."""
    rng = random.Random(15)
    out = io.BytesIO()
    clients = []
    with tarfile.open(fileobj=out, mode="w") as tar:
        for c in range(12):
            level, rates, lines = (2.0, 1.2, 0.8, *[0.05] * 9)[c], [], []
            for w in range(144):
                rate = round(level * (1 + 0.5 * math.sin(2 * math.pi * (w / 144 + c / 12))), 4)
                kind = "Weibull" if c % 4 == 3 else "Gamma"
                if c >= 3 and w % 9 == c % 9:
                    lines.append(f"{600 * w},0,0,,0,0")
                    rate = 0.0
                else:
                    lines.append(f"{600 * w},{rate},{1 + c % 3 * 0.25},{kind},{0.8 + 0.1 * (c % 3)},{1 / max(rate, 1e-9):.6f}")
                rates.append(rate)
            clients.append(rates)
            lengths = {str(t): {"input_tokens": str({50 + 10 * c: 0.25, 400 + 10 * c: 0.75}),
                                "output_tokens": str({80: 0.5, 300 + c: 0.5}),
                                "reason_ratio": str({0.25: 0.5, 0.75: 0.5})} for t in (0, 43200)}
            for name, text in (("trace.csv", "\n".join(lines) + "\n"), ("dataset.json", json.dumps(lengths))):
                info = tarfile.TarInfo(f"data/own/chunk-{c + 1}-{name}")
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
    put("servegen.tgz", gzip.compress(out.getvalue(), mtime=0))
    sums = sorted((sum(r) for r in clients), reverse=True)
    print("servegen.tgz: share of the first three", sum(sums[:3]) / sum(sums), "two", sum(sums[:2]) / sum(sums))


def make_usl():
    """λ = 500, σ = 0.04, κ = 0.0009, and a noise of a thousandth."""
    rng = random.Random(16)
    lines = ["# made by make.py: lambda 500, sigma 0.04, kappa 0.0009", "concurrency,throughput"]
    for n in range(1, 33):
        x = 500 * n / (1 + 0.04 * (n - 1) + 0.0009 * n * (n - 1))
        lines.append(f"{n},{x * (1 + rng.gauss(0, 0.001)):.2f}")
    put("usl.csv", "\n".join(lines) + "\n")


def make_servingsim():
    """A run of 120 requests as vLLM's request log would have it: the times are the simulator's own
    at the time of making, so that a later engine is held against this one."""
    rng = random.Random(17)
    program = os.environ.get("FAREBOX", str(HERE.parents[1] / "build" / "farebox"))
    if not WRITE or not os.access(program, os.X_OK):
        return
    rows, at = [], 0.0
    for k in range(120):
        rows.append({"timestamp": round(at, 3), "input_length": lognormal(rng, 700, 0.7, 16, 4000),
                     "output_length": lognormal(rng, 300, 0.6, 8, 1200), "request_id": f"bench-{k}"})
        at += rng.expovariate(1 / 150)
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder, "t.jsonl")
        trace.write_text("".join(json.dumps(r) + "\n" for r in rows))
        subprocess.run([program, "sim", "--trace", trace, "--engine", "rtx4090-llama-3.1-8b-tp1", "-o",
                        f"{folder}/run", "--quiet"], check=True)
        records = [json.loads(line) for line in pathlib.Path(folder, "run/requests.jsonl").read_text().splitlines()]
    zero, lines = 5000.25, []
    records.sort(key=lambda r: r["scheduled_ns"])
    for r in records:
        due, first, last = (round(zero + r[key] / 1e9, 9) for key in
                            ("scheduled_ns", "first_token_ns", "last_token_ns"))
        lines.append(json.dumps({
            "request_id": r["request_id"], "input_toks": r["asked"]["input"], "output_toks": r["asked"]["output"],
            "arrival_time": round(1772442000.5 + r["scheduled_ns"] / 1e9, 6), "queued_ts": due,
            "scheduled_ts": due, "first_token_ts": first, "last_token_ts": last}))
    put("servingsim.jsonl", "\n".join(lines) + "\n")
    put("servingsim.csv", seconds_of(records))
    print("servingsim.jsonl: last token after", max(r["last_token_ns"] for r in records) / 1e9, "s")
    print("  second row queued after ns", records[1]["scheduled_ns"], "input", records[1]["asked"]["input"])


def seconds_of(records):
    """Running requests and KV use at each second, from first and last tokens: blocks of 16 of 2,588."""
    lines, end = ["t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct"], max(
        r["last_token_ns"] for r in records)
    for t in range(1, int(end / 1e9) + 1):
        at, running, waiting, blocks = t * 1e9, 0, 0, 0
        for r in records:
            if r["first_token_ns"] <= at < r["last_token_ns"]:
                done = (at - r["first_token_ns"]) / (r["last_token_ns"] - r["first_token_ns"])
                running += 1
                blocks += math.ceil((r["asked"]["input"] + done * r["asked"]["output"]) / 16)
            elif r["scheduled_ns"] <= at < r["first_token_ns"]:
                waiting += 1
        lines.append(f"{t}.0,0.0,0.0,{running},{waiting},{min(100, 100 * blocks / 2588):.2f}")
    return "\n".join(lines) + "\n"


for make in (make_azure, make_mooncake, make_burstgpt, make_ragpulse, make_servegen, make_usl, make_servingsim):
    make()

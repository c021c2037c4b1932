#!/usr/bin/env python3
"""Many streams through farebox record at once: are they the same to the byte, and how late is a chunk?

record_long.py [STREAMS [CHUNKS [PER_SECOND]]]: so many streams of so many chunks each, as fast as they go,
or PER_SECOND chunks of all streams together. Prints the hashes that differ and what the recorder says of
its delays; exit status 1 where a stream was changed. Endpoint and clients are processes of their own.
"""
import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

FAREBOX = os.environ.get("FAREBOX", "build/farebox")
STREAMS, CHUNKS = (int(n) for n in (sys.argv[1:3] + ["500", "2000"][len(sys.argv) - 1:])[:2])
RATE = float(sys.argv[3]) if len(sys.argv) > 3 else 0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def pieces(seed):
    rng = random.Random(seed)
    for i in range(CHUNKS):
        delta = {"id": f"c{seed}", "choices": [{"index": 0, "delta": {"content": "w" * rng.randrange(1, 40)}}]}
        event = f"data: {json.dumps(delta)}\n\n".encode()
        yield b"%x\r\n%s\r\n" % (len(event), event)
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    yield b"%x\r\n%s\r\n0\r\n\r\n" % (len(end), end)


async def serve(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
    seed = json.loads(await reader.readexactly(length))["seed"]
    writer.write(HEAD)
    begun = time.monotonic() + random.Random(seed).random() * (STREAMS / RATE if RATE else 0)
    for i, piece in enumerate(pieces(seed)):
        if RATE:
            await asyncio.sleep(max(0, begun + i * STREAMS / RATE - time.monotonic()))
        writer.write(piece)
        await writer.drain()
        if not RATE:
            await asyncio.sleep(0)  # each chunk is a write of its own
    writer.close()


async def endpoint(ready):
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    os.write(ready, b"%d\n" % server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def ask(port, seed):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": "m", "seed": seed, "stream": True,
                       "messages": [{"role": "user", "content": f"{seed}"}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" %
                 (len(body), body))
    await reader.readuntil(b"\r\n\r\n")
    got, want = hashlib.sha256(), hashlib.sha256()
    while data := await reader.read(1 << 16):
        got.update(data)
    writer.close()
    for piece in pieces(seed):
        want.update(piece)
    return got.digest() == want.digest()


async def clients(port):
    return await asyncio.gather(*(ask(port, seed) for seed in range(STREAMS)))


def main():
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        asyncio.run(endpoint(into))
    port = int(os.read(out, 16))
    with tempfile.TemporaryDirectory() as work:
        recorder = subprocess.Popen([FAREBOX, "record", "--listen", "127.0.0.1:0", "--to", f"http://127.0.0.1:{port}/v1",
                                     "-o", f"{work}/t.jsonl", "--json", "--quiet"], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        try:
            begun = time.monotonic()
            same = asyncio.run(clients(json.loads(recorder.stdout.readline())["port"]))
            took = time.monotonic() - begun
            with open(f"/proc/{recorder.pid}/schedstat") as seen:
                waited = int(seen.read().split()[1]) / 1e9 / took  # for a CPU that others had
        finally:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
            recorder.send_signal(signal.SIGINT)
            end = json.loads(recorder.communicate(timeout=60)[0])
        rows = sum(1 for _ in open(f"{work}/t.jsonl")) - 1
    d = end["delay_ms"]
    print(f"  {STREAMS} streams of {CHUNKS} chunks: {same.count(True)} the same, {same.count(False)} changed; {rows} rows; "
          f"{STREAMS * CHUNKS / took:,.0f} chunks/s")
    print(f"  {end['chunks']:,} pieces handed on within p50 {d['p50']:.3f}, p99 {d['p99']:.3f}, max {d['max']:.3f} ms; "
          f"the relay took {end['busy']:.0%} of a CPU; load average {os.getloadavg()[0]:.1f}")
    if RATE:
        verdict = ("void: the relay was CPU-bound" if end["busy"] > 0.85 else
                   f"void: the relay waited for a CPU {waited:.1%} of the time" if waited > 0.005 else
                   "met" if d["p99"] <= 0.3 else "MISSED")
        print(f"  p99 at {RATE:,.0f} chunks/s: goal 0.3 ms  {verdict}")
    return 0 if all(same) and rows == STREAMS else 1


sys.exit(main())

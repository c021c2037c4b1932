"""Numbers of any size, in options, files and answers: taken as they are, or refused with the place.

`make check-numbers` tries 100,000 with a program whose undefined behaviour and bad reads are caught; here it is some.
The options and their ranges are those of `farebox man --json`, the keys of files those of files of our own."""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading

import random_bills
from hard_numbers import NONSENSE, UNITS, Dice, change, dump, gather_keys, given, in_range
from support import FAREBOX, ROOT, SANITIZED, Case, Handler, Server, interrupt, own

COUNT = int(os.environ.get("FAREBOX_NUMBERS", "24"))  # of each kind
SEED = int(os.environ.get("FAREBOX_NUMBERS_SEED", "1"))
LONGEST_S = 40 if SANITIZED else 10  # beyond, a command hangs
ROOM = 3 << 30  # bytes of address space of a program that is watched by nobody
PRESET = "rtx4090-llama-3.1-8b-tp1"
Tried = collections.namedtuple("Tried", "words changed must much status out err")

ROWS = [{"timestamp": i * 400, "input_length": 600 + i * 37 % 400, "output_length": 2 + i * 5 % 9, "hash_ids": [0, i],
         "delay": 3, "after": [f"r{i - 1}"], "request_id": f"r{i}", "session_id": f"s{i // 3}", "priority": 1,
         "first_token_ms": 20.5, "end_ms": 300, "attempts": 1, "cost_usd": "0.012", "block_size": 512,
         "usage": {"cached_input": 60, "cache_write": 20, "cache_write_1h": 5, "reasoning": 1,
                   "tools": {"web_search": 2}, "units": {"audio_second": 3}}} for i in range(12)]
del ROWS[0]["after"], ROWS[0]["delay"]
PLAN = {"book": "b", "currency": "USD", "plans": [
    {"name": "a", "seller": "S", "per_mtok": {"input": "0.5", "cached_input": "0.05", "output": "2"}},
    {"name": "b", "seller": "S", "subscription": {"price": "80", "period": "month", "beyond": "queue",
                                                  "includes": {"requests": 1000, "per": "day"}},
     "limits": {"rpm": 30, "tpm": 100000, "max_input_tokens": 16000, "max_output_tokens": 4000}}]}
SLO = ["--slo", "ttft=500"]
FEW = ["--requests", "100", "--seeds", "2"]

# What each command is run with before an option is added.
BASES = {
    "demo": None, "prices import": None, "completion": None, "man": None,  # that run others, or take no number
    "workload gen": ["chat", "-o", "out.jsonl", "--requests", "30"],
    "workload show": ["chat", "--requests", "60"],
    "workload info": ["w.jsonl"],
    "workload convert": ["w.jsonl", "-o", "out.jsonl"],
    "workload fit": ["azure.csv", "-o", "s.json"],
    "workload transform": ["w.jsonl", "-t", "time=0.5", "-o", "out.jsonl"],
    "workload anonymise": ["w.jsonl", "-o", "out.jsonl"],
    "bench": ["--url", "mock:constant", "--trace", "w.jsonl", "--speed", "20", "-o", "out", "--dry-run"],
    "mock": ["--listen", "127.0.0.1:0"],
    "record": ["--listen", "127.0.0.1:0", "--to", "http://127.0.0.1:9/v1", "-o", "out.jsonl"],
    "sim": ["--trace", "w.jsonl", "-o", "out"],
    "engine list": [], "engine show": [PRESET],
    "engine derive": ["--model", "qwen3-32b-fp8", "--gpu", "l40s", "--tp", "2"],
    "engine fit": ["grid.json"],
    "engine calibrate": ["run", "--engine", PRESET],
    "bill": ["w.jsonl", "--plans", "plans.json"],
    "reconcile": ["run", "i.jsonl", "--plan", "demo/token"],
    "decide": ["--trace", "w.jsonl", *SLO, "--candidates", "plans.json,constant+1", "--volume", "1000",
               "--requests", "40", "--draws", "40", "--seeds", "2", "--probe-requests", "100"],
    "plan capacity": ["--trace", "w.jsonl", "--engine", PRESET, *SLO, "--demand", "20", *FEW],
    "plan fleet": ["--trace", "w.jsonl", "--offer", f"{PRESET}=2/h", *SLO, "--slot", "1h", *FEW],
    "plan forecast": ["w.jsonl", "--plans", "plans.json", "--samples", "20"],
    "merge": ["run", "run", "-o", "out"],
    "report": ["run", "--no-plots", "-o", "page.html"],
    "diff": ["run", "run"],
    "prices list": [], "prices check": ["plans.json"],
    "prices quote": ["--plans", "openai/o3", "--input", "100"],
    "prices invoice": ["w.jsonl", "--plan", "demo/token", "-o", "i2.jsonl"],
}
# Where a number stands in an option of words, by its unit; {} is it.
HOLES = {
    "RPS|STAGES": ["{}", "{}:10s", "5:{}s", "5-{}:10s", "5:10s,+{},5:10s"], "N|STAGES": ["{}", "{}:10s", "2-{}:10s"],
    "TIME|auto": ["{}", "{}s"], "none|auto|TIME": ["{}", "{}s"], "I/N": ["{}/4", "1/{}"],
    "NAME:SHARE,...": ["chat:{}", "chat:0.5,rag:{}"], "METRIC=TIME": ["ttft={}"], "METRIC=MS": ["ttft={}"],
    "METRIC_STAT=X": ["ttft_p99={}", "goodput_fraction={}"], "USD": ["{}"], "PERCENT/month": ["{}%/month"],
    "SHARE:CHUNKS": ["{}:3", "0.1:{}"], "MODEL=FACTORS": ["m=in:{}", "m=out:{}"], "WxH": ["{}x10", "10x{}"],
    "NAME=N": ["web_search={}"], "KEY=VALUES": ["rate={}", "rate=1,{}", "concurrency={}", "rate=1..{}"],
    "OFFSET": ["{}", "+{}:00"], "INSTANT": ["{}", "2026-{}-01T00:00:00Z"], "X%|USD": ["{}", "{}%"],
    "'FIGURE>X'": ["ttft_p99>{}", "ttft_p99>{}%", "failed>{}pp", "goodput<{}%", "ttft_p99>{}ms"],
    "CHANGE": ["time={}", "rate={}", "sample={}", "truncate=tokens:{}", "cache=tokens:{}", "retry={}"],
    "NAME=...": ["time={}", "rate={}", "sample={}", "truncate=tokens:{}", "retry={}", "window={}:5", "tools={}"],
    "FROM:TO": ["{}:10", "1:{}"], "LIST": ["{}", "500,{}"], "CODE=USD": ["EUR={}"],
    "EFFECT[@WHEN]": ["stall={}", "status=503@{}%", "status={}", "reset-after={}", "stall=5@{}-20s", "no-done@#{}"],
    "USD|NAME=USD[,...]": ["{}", PRESET + "={}"], "ENGINE=USD/h[,...]": [PRESET + "={}/h", "constant=3/h,start:{}m"],
    "ENGINE=PERCENT[,...]": [PRESET + "={}%", PRESET + "=30%,term:{}d", PRESET + "=30%,most:{}"],
    "FROM-TO[:N][,...]": ["{}h-5h", "1h-{}h", "1h-5h:{}"], "NAME=PERCENT,...": ["a={}"],
    "KIND[=VALUE]": ["missing-here={}", "discount={}%", "day-boundary={}"],
    "CONDITION": ["failed>{}%", "failures>{}", "ttft_p99>{}s", "ttft_p99>5s over {}s"],
    "JSON": ['{{"num_speculative_tokens": {}, "synthetic_acceptance_length": 2}}',
             '{{"num_speculative_tokens": 3, "synthetic_acceptance_length": {}}}',
             '{{"metric": "concurrency", "target": {}, "max_replicas": 8, "cold_start_s": 1}}',
             '{{"metric": "concurrency", "target": 20, "max_replicas": {}, "cold_start_s": {}}}'],
    "MODEL=TEMPLATE:TOKENS": ["m=1:{}", "m={}:1"], "DATE": ["{}", "2026-{}-01"],
}
# Words in which nothing is a number.
WORDS = {"DIR", "FILE", "PLAN|FILE[,...]", "PLAN|FILE", "PLAN", "PLAN|FILE#PLAN", "NAME", "FIELD=COLUMN,...", "FIELD=PATH,...",
         "ORDER", "FORM", "URL", "TEXT", "API", "JSON|@FILE", "KEY", "NAME: VALUE", "FILE|none", "NAME|none", "PATH",
         "SCENARIO|FILE", "auto|URL[,...]", "NAME=PATTERN", "TEXT|fixed", "HOST:PORT", "PRESET", "PRESET[,...]",
         "NAME=HEADER", "header:NAME|field:PATH", "MODEL,MODEL,MODEL", "GPU", "TYPE", "NAME,...", "KEY=VALUE", "NAME[,...]", "N", "VALUE"}
SERVERS = {"mock", "record"}
# Of these a large number is a lot of work.
MUCH = {"requests": 1000, "volume": 1000, "draws": 1000, "samples": 1000, "probe-requests": 1000, "seeds": 8}


def grid():
    """Step times: 8 ms of weights, 0.05 ms a token, 20 ns a token of KV."""
    rows = [["dec", 0, 0, batch, context, max(8, 3 + 0.05 * batch) + 2e-5 * batch * context]
            for batch in (1, 4, 16, 64, 256) for context in (128, 1024, 8192)]
    rows += [["mix", q, 0, 16, 1024, 6 + 0.05 * q] for q in (64, 256, 1024)]
    rows += [["pre", q, prefix, 0, 0, max(8, 3 + 0.05 * q) + 2 + 1e-6 * q * (prefix + q / 2)]
             for q in (64, 256, 1024, 4096) for prefix in (0, 1024, 8192)]
    return {"model": "Qwen/Qwen3-32B", "system": "h200_sxm", "backend": "own", "kw": {"tp_size": 2}, "rows": rows}


def said(err):
    """The line that says what is wrong."""
    lines = [line for line in err.splitlines() if "runtime error" in line or "ERROR: Addr" in line or
             "out of memory" in line]
    return (lines or err.splitlines()[-1:] or ["nothing said"])[0]


def json_of(*patterns):
    return [json.loads(p.read_text()) for pattern in patterns for p in sorted(ROOT.glob(pattern))]


def lines_of(path):
    """The rows of a file of JSON lines, or of one JSON value; none where it is neither."""
    text = path.read_bytes().lstrip(bytes(range(128, 256))).decode(errors="replace")  # a seed's choice of options
    for part in (text.splitlines()[:12], [text]):
        try:
            return [json.loads(line) for line in part if line]
        except ValueError:
            continue
    return []


def limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


def run_server(words, folder, env):
    """What serves is ended as soon as it says where."""
    p = subprocess.Popen([FAREBOX, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         errors="replace", preexec_fn=limit, env=env)
    late = threading.Timer(LONGEST_S, p.kill)
    late.start()
    line = p.stdout.readline()
    if line:
        p.send_signal(signal.SIGINT)
    out, err = p.communicate()
    late.cancel()
    return (0 if p.returncode == 130 else p.returncode), line + out, err


def run_command(words, folder, env):
    """What takes long is interrupted: "long" where it then ends as told, else "hangs"."""
    p = subprocess.Popen([FAREBOX, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         errors="replace", preexec_fn=limit, env=env, stdin=subprocess.DEVNULL)
    try:
        out, err = p.communicate(timeout=LONGEST_S)
        return p.returncode, out, err
    except subprocess.TimeoutExpired:
        interrupt(p)
    try:
        out, err = p.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGINT)
    try:
        out, err = p.communicate(timeout=LONGEST_S)
        return "long" if p.returncode == 130 else p.returncode, out, err
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        return "hangs", "", ""


# Usage as several APIs tell it.
USAGES = [
    {"prompt_tokens": 90, "completion_tokens": 6, "total_tokens": 96, "prompt_tokens_details": {"cached_tokens": 40},
     "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0}, "cost": 0.0012},
    {"input_tokens": 50, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 7, "output_tokens": 6},
    {"promptTokenCount": 90, "candidatesTokenCount": 6, "thoughtsTokenCount": 3, "cachedContentTokenCount": 4},
    {"prompt_tokens": 90, "completion_tokens": 6, "reasoning_tokens": 3, "cost": {"total_cost": 0.5, "input_cost": 0.1}},
]


class Telling(Handler):
    """Three words, and a usage with numbers that nobody should give: of each request another one."""

    def do_GET(self):
        self.reply(404, "{}")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            usage, changed = change(self.server.dice.choice(USAGES), self.server.dice, self.server.keys)
            self.server.told.append(changed)
        usage = dump(usage)
        if not body.get("stream"):
            self.reply(200, '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "one two three"}, '
                            f'"finish_reason": "stop"}}], "usage": {usage}}}')
            return
        events = [json.dumps({"choices": [{"index": 0, "delta": {"content": w}, "finish_reason": None}]})
                  for w in ("one ", "two ", "three ")]
        events += ['{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}', f'{{"choices": [], "usage": {usage}}}']
        self.reply(200, "".join(f"data: {e}\n\n" for e in events) + "data: [DONE]\n\n", "text/event-stream")


class Numbers(Case):
    def setUp(self):
        super().setUp()
        self.dice = Dice(SEED)
        (self.scratch / "seeds").mkdir()
        self.files = {"w.jsonl": "".join(json.dumps(r) + "\n" for r in ROWS), "plans.json": json.dumps(PLAN),
                      "azure.csv": "".join(pathlib.Path(own("azure.csv")).read_text().splitlines(True)[:30])}
        for name, text in self.files.items():
            self.write("seeds/" + name, text)
        self.files["grid.json"] = json.dumps(grid())
        for words in (["sim", "--trace", "seeds/w.jsonl", "-o", "seeds/run", "--plans", "openai/o3"],
                      ["prices", "invoice", "seeds/run", "--plan", "demo/token", "-o", "seeds/i.jsonl", "--start",
                       "2026-11-01T00:00:00Z"]):
            done = self.farebox(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.files["i.jsonl"] = (self.scratch / "seeds/i.jsonl").read_text()

    def run_one(self, words, files, changed, must=None, much=False):
        """`must`: "refuse" or None, what the value asks for; `much`: that is a lot of work."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="farebox-", dir=self.scratch))
        for name, text in {**self.files, **files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        (folder / "run").symlink_to(self.scratch / "seeds/run")
        run = run_server if words[0] in SERVERS else run_command
        try:
            return Tried(words, changed, must, much, *run(words, folder, {**os.environ, "NO_COLOR": "1"}))
        finally:
            shutil.rmtree(folder)

    @staticmethod
    def wrong(t, place):
        """What is wrong with how a command ended; `place`: what a refusal has to name."""
        if t.status == "long":
            return None if t.much else "takes long without being asked for much"
        if t.status not in (0, 1, 2) or "runtime error" in t.err or "AddressSanitizer" in t.err:
            return "undefined behaviour" if "runtime error" in t.err else f"status {t.status}"
        if "out of memory" in t.err:
            return "asks for more memory than there is"
        if t.must == "refuse" and t.status != 2:
            return f"is no value, and is taken with status {t.status}"
        if t.status == 2 and not any(p in t.err for p in place):
            return "refused without the place"
        if t.status == 2 and not t.err.splitlines()[-1].startswith("farebox: "):
            return "not refused in one line"
        named = any(re.search("nan|inf|-0|=-", c, re.I) for c in t.changed)  # as a name, it may be shown
        if t.status == 0 and not named and re.search(r"(?<![\w.=-])-?(nan|inf)(?![\w-])", t.out):
            return "nan or inf on the screen"
        if t.status == 0 and not named and re.search(r"(?<![\w.,:/+-])-0(\.0+)?(?![\w.:-])", t.out):
            return "a zero with a sign"
        return None

    def try_all(self, name, tasks):
        counts, faults = collections.Counter(), []
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("FAREBOX_NUMBERS_JOBS", "2"))) as pool:
            for (task, place), t in zip(tasks, pool.map(lambda task: self.run_one(*task[0]), tasks)):
                counts[t.status] += 1
                if bad := self.wrong(t, place):
                    faults.append(f"{bad}: {' '.join(t.words)} [{'; '.join(t.changed)}] {said(t.err)}")
        print(f"NUMBERS {name}: {sum(counts.values())} tried, by status {dict(counts)}, {len(faults)} wrong", flush=True)
        self.assertEqual(faults, [], f"{len(faults)} of {name}\n" + "\n".join(faults))

    def tables(self):
        return {c["name"]: c["options"] for c in json.loads(self.farebox("man", "--json").stdout)["commands"]}

    def test_every_option_says_its_range(self):
        tables = self.tables()
        self.assertEqual(set(BASES), set(tables))
        units = set()
        for command, options in tables.items():
            for o in options:
                if o["type"] in ("count", "number", "duration"):
                    self.assertIn("max", o, f"{command} --{o['name']} has no upper end")
                elif o["type"] in ("text", "list") and "choices" not in o:
                    units.add(o["unit"])
        self.assertEqual({u for u in units if u not in HOLES and u not in WORDS and not re.fullmatch(r"[a-z0-9|]+", u)},
                         set(), "do options of these units hold numbers?")

    def option_value(self, o):
        """A text for an option, and "refuse" where it must not be taken."""
        if o["type"] not in ("count", "number", "duration"):
            text = self.dice.choice(NONSENSE) if self.dice.random() < 0.3 else self.dice.number()
            return self.dice.choice(HOLES[o["unit"]]).replace("{}", text).replace("{{", "{").replace("}}", "}"), None
        text = self.dice.choice(NONSENSE) if self.dice.random() < 0.2 else \
            self.dice.number(o.get("min"), o.get("max"), o["type"] == "count")
        if text and (o["type"] == "duration" and self.dice.random() < 0.5 or self.dice.random() < 0.03):
            text += self.dice.choice(UNITS)
        value = given(o, text)
        return text, "refuse" if value is None or in_range(o, value) is False else None

    def option_tasks(self, count):
        takes = {name: [o for o in options if o["type"] in ("count", "number", "duration") or o.get("unit") in HOLES]
                 for name, options in self.tables().items() if BASES[name] is not None}
        names = [name for name, options in takes.items() for _ in range(min(len(options), 4))]
        for _ in range(count):
            name = self.dice.choice(names)
            words, changed, must, much, places = [*name.split(), *BASES[name]], [], None, False, ["--", "does not fit"]
            for option in self.dice.sample(takes[name], min(len(takes[name]), self.dice.choice((1, 1, 1, 2)))):
                text, refuse = self.option_value(option)
                flag = f"--{option['name']}"
                if flag in words and option["type"] != "list":
                    at = words.index(flag)
                    del words[at:at + 2]
                changed.append(f"{flag}={text}")
                words.append(changed[-1])
                places += [option["name"], option["name"].replace("-", "_"), option["name"].rstrip("s"), f'"{text}"',
                           text if len(text) > 3 else '"']
                must = must or refuse
                much = much or (given(option, text) or 0) > MUCH[option["name"]] \
                    if option["name"] in MUCH else much
            if not much or COUNT >= 1000:
                yield (words, {}, changed, must, much), places

    def test_options(self):
        self.try_all("options", list(self.option_tasks(COUNT * 3)))

    def file_tasks(self, count, seeds, name, commands, lines=False):
        """Numbers of a JSON file changed, or of one line of a file of lines."""
        keys = gather_keys(seeds)
        for _ in range(count):
            if lines:
                rows = list(seeds)
                at = self.dice.randrange(len(rows))
                rows[at], changed = change(rows[at], self.dice, keys)
                text = "".join(dump(r) + "\n" for r in rows)
            else:
                value, changed = change(self.dice.choice(seeds), self.dice, keys)
                text = dump(value)
            must = "refuse" if not lines and any(re.search(r"=(NaN|-?Infinity|nan|[+]1|01|0x10|\.5|1\.)$", c)
                                                 for c in changed) else None
            much = True  # a file may describe long work; what an interrupt does not end hangs all the same
            yield (self.dice.choice(commands), {name: text}, changed, must, much), [pathlib.Path(name).name, " --"]

    def test_presets(self):
        run = ["sim", "--trace", "w.jsonl", "--engine", "p.json", "-o", "out"]
        capacity = ["plan", "capacity", "--trace", "w.jsonl", "--engine", "p.json", *SLO, *FEW]
        fleet = ["plan", "fleet", "--trace", "w.jsonl", "--offer", "p.json=2/h", *SLO, *FEW]
        calibrate = ["engine", "calibrate", "run", "--engine", "p.json", "--fit", "w0"]
        seeds = json_of("sim/engine/presets/*.json") + [json.loads(self.farebox("engine", "show", p, "--json").stdout)
                                                         for p in (PRESET, "constant")]
        self.try_all("presets", list(self.file_tasks(COUNT, seeds, "p.json", [
            run, run, ["engine", "show", "p.json"], capacity, fleet, calibrate])))

    def test_grids(self):
        self.try_all("grids", list(self.file_tasks(COUNT // 6, [grid()], "grid.json", [["engine", "fit", "grid.json"]])))

    def test_scenarios(self):
        gen = ["workload", "gen", "s.json", "-o", "out.jsonl"]
        commands = [gen, gen + ["-n", "40"], ["sim", "--scenario", "s.json", "-n", "40", "-o", "out"],
                    ["workload", "show", "s.json"], gen + ["--rate", "5", "-d", "20s"]]
        seeds = json_of("workloads/scenario/scenarios/*.json", "tests/data/*scenario*.json")
        for s in seeds:
            s["requests"] = min(s.get("requests", 100), 100)
        self.try_all("scenarios", list(self.file_tasks(COUNT, seeds, "s.json", commands)))

    def test_plans(self):
        seeds = [{**b, "plans": [p]} for b in json_of("sim/cost/book/books/*.json") for p in b["plans"]][::7]
        seeds += [{"book": "b", "plans": random_bills.case(seed)["plans"]} for seed in range(min(COUNT, 400))]
        commands = [["bill", "w.jsonl", "--plans", "p.json"], ["prices", "check", "p.json"],
                    ["bill", "w.jsonl", "--plans", "p.json", "--volume", "3000"],
                    ["plan", "forecast", "w.jsonl", "--plans", "p.json", "--samples", "40"],
                    ["prices", "quote", "--plans", "p.json", "--input", "1000", "--output", "10"],
                    ["prices", "list", "--plans", "p.json"],
                    ["prices", "invoice", "w.jsonl", "--plan", "p.json", "-o", "i2.jsonl"]]
        self.try_all("plans", list(self.file_tasks(COUNT, seeds, "p.json", commands)))

    def test_configurations(self):
        """Options as a file gives them."""
        seeds = [{"requests": 30, "duration": "20s", "rate": 5, "burstiness": 2, "seed": 7,
                  "goodput": 0.9, "max-in-flight": 8, "warmup": "1s", "block-size": 16}]
        command = ["sim", "--scenario", "chat", "--config", "c.json", "-o", "out"]
        self.try_all("configurations", [((*task[:4], True), place + ["--"]) for task, place in
                                        self.file_tasks(COUNT // 3, seeds, "c.json", [command])])

    def test_traces(self):
        commands = [["workload", "info", "t.jsonl"], ["bill", "t.jsonl", "--plans", "plans.json"],
                    ["sim", "--trace", "t.jsonl", "-o", "out"], ["workload", "fit", "t.jsonl", "-o", "s.json"],
                    ["workload", "transform", "t.jsonl", "-t", "time=0.5", "-o", "o.jsonl"]]
        logs = ROOT / "tests/fuzz/seeds/fuzz_trace"
        for path in (None, *sorted(ROOT.glob("tests/data/*.jsonl")), *sorted(p for p in logs.iterdir() if p.is_file())):
            rows = ROWS if not path else lines_of(path)
            count = COUNT if not path else max(COUNT // 12, 1)
            with self.subTest(path=path):
                self.try_all(f"traces {path.name if path else 'canonical'}", list(self.file_tasks(
                    count if rows else 0, rows, "t.jsonl", commands, lines=True)))

    def test_tables(self):
        """Of rows of commas, one field."""
        commands = [["workload", "info", "t.csv"], ["bill", "t.csv", "--plans", "plans.json"],
                    ["sim", "--trace", "t.csv", "-o", "out"]]
        tasks = []
        for name in ("azure", "burstgpt_1", "burstgpt_3", "servingsim", "lengths"):
            lines = pathlib.Path(own(name + ".csv")).read_text().splitlines()[:20]
            for _ in range(max(COUNT // 8, 1)):
                rows = [line.split(",") for line in lines]
                row = self.dice.choice(rows[1:])
                text = self.dice.choice(NONSENSE) if self.dice.random() < 0.3 else self.dice.number()
                row[self.dice.randrange(len(row))] = text
                tasks.append(((self.dice.choice(commands), {"t.csv": "\n".join(map(",".join, rows)) + "\n"},
                               [name, text]), ["t.csv"]))
        self.try_all("tables", tasks)

    def test_runs(self):
        """Files of a run, as a bill, a report, a comparison and a fit read them."""
        commands = [["workload", "info", "own/requests.jsonl"], ["bill", "own", "--plans", "plans.json"],
                    ["report", "own", "--no-plots"], ["diff", "run", "own"], ["merge", "own", "run", "-o", "out"],
                    ["report", "own", "--export", "csv", "-o", "x"], ["report", "own", "--export", "otlp", "-o", "x"],
                    ["engine", "calibrate", "own", "--engine", PRESET, "--fit", "k"]]
        whole = {f"own/{p.name}": p.read_text() for p in (self.scratch / "seeds/run").iterdir() if p.is_file()}
        for name, lines in (("requests.jsonl", True), ("summary.json", False), ("histograms.json", False),
                            ("timeline.jsonl", True), ("engine.json", False), ("run.json", False), ("bill.json", False)):
            values = [json.loads(line) for line in whole["own/" + name].splitlines()] if lines else \
                [json.loads(whole["own/" + name])]
            tasks = [((words, {**whole, **files}, changed), place + ["own"]) for (words, files, changed, *_), place in
                     self.file_tasks(max(COUNT // 6, 1), values, "own/" + name, commands, lines=lines)]
            self.try_all(f"runs {name}", tasks)

    def test_shares_of_no_tokens_are_no_figures(self):
        row = {"timestamp": 5, "input_length": 0, "output_length": 0, "usage": {"cached_input": 0}}
        for more in ({}, {"hash_ids": [1], "block_size": 16}):
            trace = self.write("none.jsonl", (json.dumps({**row, **more}) + "\n") * 2)
            for words in (["workload", "info", trace], ["workload", "show", trace], ["bill", trace, "--plans", "demo"],
                          ["sim", "--trace", trace, "-o", "none", "--force", "--plans", "demo"]):
                self.assertNotRegex(self.farebox(*words).stdout, r"(?<![\w.=-])-?(nan|inf)(?![\w-])")

    def test_the_longest_row_that_is_written_can_be_read(self):
        """A prefix block for each token: as many as a line may have, and one more."""
        most = 1 << 23
        for blocks in (most, most + 1):
            s = {"requests": 1, "block_size": 1, "arrivals": {"rate_rps": 1},
                 "classes": [{"class": "a", "input": blocks, "output": 3}]}
            made = self.farebox("workload", "gen", self.write("long.json", json.dumps(s)), "-o", self.path("long.jsonl"),
                                "--force", expect=2 if blocks > most else 0)
            if blocks > most:
                self.assertRegex(made.stderr, "at most 8388608 prefix blocks, found 8388609: a larger block_size")
            else:
                told = self.farebox_json("workload", "info", self.path("long.jsonl"))
                self.assertEqual((told["requests"], told["input_tokens"]["max"]), (1, most))

    def test_answers(self):
        """Whatever a server counts: no answer fails of it, and what is kept can be read, billed and added up."""
        server = Server(("127.0.0.1", 0), Telling)
        server.dice, server.keys, server.lock, server.told = self.dice, gather_keys(USAGES), threading.Lock(), []
        self.run_server(server)
        count = max(COUNT, 40)
        trace = self.write("t.jsonl", "".join(json.dumps({"timestamp": i, "input_length": 90, "output_length": 6}) + "\n"
                                              for i in range(count)))
        for more in ([], ["--no-stream"]):
            run = self.path("told" + "".join(more))
            self.farebox("bench", "--url", f"http://127.0.0.1:{server.server_address[1]}/v1", "--model", "m", "--no-probe",
                         "--trace", trace, "-o", run, "--max-in-flight", "8", *more)
            for r in self.records(run).values():
                u = r["usage"]
                self.assertEqual(r["status"], "completed")
                self.assertGreater(u["output"] + u.get("reasoning", 0), 0, u)
                self.assertLessEqual(max(u.values(), key=lambda v: v if isinstance(v, int) else 0), 10**8, u)
            for words in (["report", run, "--no-plots"], ["bill", run, "--plans", "demo/token"], ["workload", "info", run],
                          ["report", run, "--export", "csv", "-o", run + ".csv"]):
                shown = self.farebox(*words)
                self.assertNotRegex(shown.stdout, r"(?<![\w.])-?(nan|inf)(?![\w-])")
        print(f"NUMBERS answers: {len(server.told)} tried")

"""report --export otlp and sqlite: what collectors and databases take, with the run's own figures, and a
trace that we read back as the run."""
import decimal
import json
import pathlib
import re
import sqlite3
import stat

from support import Case, read_json, read_lines

START_NS = 1793534400 * 10**9  # 2026-11-01T12:00:00Z
S = 10**9

# key -> what its value is in OTLP's JSON mapping: ids in hex, 64 bits in strings, enums as numbers
SPAN = {"traceId": r"(?!0+$)[0-9a-f]{32}", "spanId": r"(?!0+$)[0-9a-f]{16}",
        "parentSpanId": r"(?!0+$)[0-9a-f]{16}", "startTimeUnixNano": r"\d+", "endTimeUnixNano": r"\d+"}
VALUES = {"stringValue": str, "intValue": str, "doubleValue": (int, float), "boolValue": bool,
          "arrayValue": dict}


def record(row, sent, **more):
    """A line of requests.jsonl: streamed, a first token after 20 ms, done after 200."""
    line = {"request_id": f"r{row}", "attempt": 1, "final": True, "endpoint": "https://api.mistral.ai/v1",
            "model": "m/one", "scheduled_ns": sent - 5_000_000, "ready_ns": sent - 1_000_000, "sent_ns": sent,
            "first_byte_ns": sent + 10_000_000, "first_token_ns": sent + 20_000_000,
            "first_output_ns": sent + 20_000_000, "last_token_ns": sent + 190_000_000,
            "done_ns": sent + 200_000_000, "status": "completed", "http_status": 200, "finish_reason": "stop",
            "asked": {"input": 100, "output": 30}, "usage": {"uncached_input": 90, "output": 30},
            "usage_from": "server", "streamed": True, "chunks": 30, "connects": 0} | more
    return {key: value for key, value in line.items() if value is not None}


NO_TOKENS = {"first_token_ns": None, "first_output_ns": None, "last_token_ns": None, "usage": None,
             "usage_from": None, "finish_reason": None, "chunks": 0}
RECORDS = [
    record(1, 1 * S, session_id="a", labels={"team": "x", "cost \"centre\"": "7"}, cost_usd="0.000000000000000001",
           **{"class": "chat"}),
    record(2, 2 * S, session_id="a", final=False, status="failed", error="rate_limited", http_status=429,
           message="slow \"down\"", **NO_TOKENS),
    record(2, 3 * S, session_id="a", attempt=2, scheduled_ns=2 * S - 5_000_000, first_output_ns=3 * S + 60_000_000,
           usage={"uncached_input": 1000, "cached_input": 400, "cache_write": 30, "cache_write_1h": 20, "output": 50,
                  "reasoning": 25}, cost_usd="1.5"),
    record(3, 4 * S, service="batch",
           usage={"uncached_input": 100, "output": 40, "image_input": 64, "audio_input": 32, "cached_image_input": 16,
                  "video_input": 8, "audio_output": 10, "image_output": 5}),
    record(4, 5 * S, status="cancelled", finish_reason=None, usage={"uncached_input": 90, "output": 3}),
    record(5, 6 * S, status="failed", error="connect", http_status=None, first_byte_ns=None, done_ns=6 * S + 1,
           model=None, **NO_TOKENS),
    record(6, 7 * S, attempt=0, status="unsent", error="cap", sent_ns=None, ready_ns=None, first_byte_ns=None,
           done_ns=None, http_status=None, **NO_TOKENS),
]


class OpenExports(Case):
    def run_of(self, records, name="run", started="2026-11-01T12:00:00Z", **more):
        """A run of our own making, with the run.json that says when it began and by which API."""
        run = pathlib.Path(self.path(name))
        run.mkdir()
        (run / "run.json").write_text(json.dumps(
            {"schema_version": 1, "command": "bench" if started else "sim", "versions": {"farebox": "0.1.0"},
             "options": {"api": "chat"}} | ({"started": started} if started else {}) | more))
        (run / "requests.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        return str(run)

    def fails(self, status, why, *words):
        self.assertIn(why, self.farebox(*words, expect=status).stderr)

    def export(self, kind, *words):
        return self.farebox("report", *words, "--no-tables", "--export", kind)

    def told(self, kind, *words):
        """What an export says, without its lines' ends."""
        return " ".join(self.export(kind, *words).stdout.split())

    # ---- OpenTelemetry ----

    def spans(self, path):
        """The spans of a file, each line of which is held against OTLP's JSON mapping."""
        spans = []
        for line in pathlib.Path(path).read_bytes().splitlines(keepends=True):
            self.assertLessEqual(len(line), 4_000_000)
            payload = json.loads(line)
            self.assertEqual(list(payload), ["resourceSpans"])
            for of_resource in payload["resourceSpans"]:
                self.assertEqual(set(of_resource), {"resource", "scopeSpans"})
                self.attributes(of_resource["resource"])
                for of_scope in of_resource["scopeSpans"]:
                    self.assertEqual(of_scope["scope"]["name"], "farebox")
                    spans += of_scope["spans"]
        for span in spans:
            self.check_span(span)
        self.assertEqual(len({s["spanId"] for s in spans}), len(spans))
        return spans

    def check_span(self, span):
        self.assertLessEqual(set(span), set(SPAN) | {"name", "kind", "attributes", "events", "status"})
        for key, pattern in SPAN.items():
            if key in span:
                self.assertRegex(span[key], f"^{pattern}$")
        begin, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        self.assertLessEqual(begin, end)
        for event in span.get("events", []):
            self.assertEqual(set(event), {"timeUnixNano", "name"})
            self.assertTrue(begin <= int(event["timeUnixNano"]) <= end, span)
        self.assertIn(span["kind"], (1, 3))
        self.assertLessEqual(set(span["status"]), {"code", "message"})
        self.assertIn(span["status"].get("code", 0), (0, 2))

    def attributes(self, holder):
        """key -> value, each of the one type that its name says."""
        found = {}
        for attribute in holder["attributes"]:
            self.assertEqual(set(attribute), {"key", "value"})
            (kind, value), = attribute["value"].items()
            self.assertIsInstance(value, VALUES[kind])
            if kind == "intValue":
                self.assertRegex(value, r"^\d+$")
                value = int(value)
            if kind == "arrayValue":
                value = [v["stringValue"] for v in value["values"]]
            self.assertNotIn(attribute["key"], found)
            found[attribute["key"]] = value
        return found

    def exported(self, records=RECORDS, **more):
        run = self.run_of(records, **more)
        self.farebox("report", run, "--no-tables", "--export", "otlp")
        return self.spans(run + "/otlp.jsonl")

    def test_an_attempt_is_a_span_of_the_conventions(self):
        spans = self.exported()
        calls = [s for s in spans if s["kind"] == 3]
        self.assertEqual(len(calls), 6)
        first, a = calls[0], self.attributes(calls[0])
        self.assertEqual(first["name"], "chat m/one")
        self.assertEqual(int(first["startTimeUnixNano"]), START_NS + S)
        self.assertEqual(int(first["endTimeUnixNano"]), START_NS + S + 200_000_000)
        self.assertEqual([(e["name"], int(e["timeUnixNano"]) - START_NS - S) for e in first["events"]],
                         [("farebox.first_token", 20_000_000), ("farebox.last_token", 190_000_000)])
        for key, value in {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "mistral_ai",
                           "gen_ai.request.model": "m/one", "gen_ai.conversation.id": "a",
                           "gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": 0.02,
                           "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 90,
                           "gen_ai.usage.output_tokens": 30, "server.address": "api.mistral.ai",
                           "server.port": 443, "http.response.status_code": 200, "farebox.queue_ms": 4.0,
                           "farebox.send_lag_ms": 1.0, "farebox.label.team": "x",
                           "farebox.label.cost \"centre\"": "7",
                           "farebox.cost_usd": "0.000000000000000001"}.items():
            self.assertEqual(a[key], value, key)
        self.assertEqual(first["status"], {})
        self.assertNotIn("error.type", a)

    def test_cached_written_and_pictures_are_inside_the_input(self):
        by = {(a["farebox.request.id"], a["farebox.attempt"]): a for a in
              (self.attributes(s) for s in self.exported() if s["kind"] == 3)}
        used = by["r2", 2]
        self.assertEqual([used[f"gen_ai.usage.{key}"] for key in
                          ("input_tokens", "cache_read.input_tokens", "cache_write.input_tokens", "output_tokens",
                           "reasoning.output_tokens")], [1450, 400, 50, 75, 25])
        seen = by["r3", 1]
        self.assertEqual([seen[f"gen_ai.usage.{key}"] for key in
                          ("input_tokens", "image.input_tokens", "image.cache_read.input_tokens",
                           "audio.input_tokens", "video.input_tokens", "output_tokens", "audio.output_tokens")],
                         [220, 80, 16, 32, 8, 55, 10])
        self.assertNotIn("gen_ai.usage.input_tokens", by["r2", 1])

    def test_failures_cancellations_and_retries_are_said(self):
        spans = self.exported()
        calls = {(a["farebox.request.id"], a["farebox.attempt"]): (s, a) for s, a in
                 ((s, self.attributes(s)) for s in spans if s["kind"] == 3)}
        span, a = calls["r2", 1]
        self.assertEqual((span["status"], a["error.type"]), ({"code": 2, "message": "slow \"down\""}, "rate_limited"))
        span, a = calls["r4", 1]
        self.assertEqual((span["status"]["code"], a["error.type"], a["gen_ai.response.finish_reasons"]),
                         (2, "cancelled", ["error"]))
        span, a = calls["r5", 1]
        self.assertEqual((span["name"], a["error.type"]), ("chat", "connect"))
        self.assertNotIn("gen_ai.response.finish_reasons", a)
        again, a = calls["r2", 2]
        self.assertEqual(a["http.request.resend_count"], 1)
        request = next(s for s in spans if s["name"] == "request")
        session = next(s for s in spans if s["name"] == "session")
        for attempt in (again, calls["r2", 1][0]):
            self.assertEqual((attempt["parentSpanId"], attempt["traceId"]), (request["spanId"], session["traceId"]))
        self.assertEqual(request["parentSpanId"], session["spanId"])
        self.assertEqual(int(request["startTimeUnixNano"]), START_NS + 2 * S)
        self.assertEqual(request["status"], {})  # its last attempt went well
        self.assertEqual(calls["r1", 1][0]["parentSpanId"], session["spanId"])
        self.assertNotIn("parentSpanId", session)
        self.assertEqual(self.attributes(session)["farebox.requests"], 2)
        self.assertNotIn("parentSpanId", calls["r3", 1][0])
        self.assertNotEqual(calls["r3", 1][0]["traceId"], session["traceId"])

    def test_what_is_left_out_is_told_and_ids_stay(self):
        run = self.run_of(RECORDS)
        told = self.told("otlp", run)
        self.assertIn("wrote " + run + "/otlp.jsonl", told)
        self.assertIn("1 requests that were never sent have no span", told)
        once = pathlib.Path(run + "/otlp.jsonl").read_bytes()
        pathlib.Path(run).rename(self.path("moved"))
        self.export("otlp", self.path("moved"))
        again = pathlib.Path(self.path("moved/otlp.jsonl")).read_bytes()
        self.assertEqual(again, once.replace(b'"run"', b'"moved"'))
        other = self.run_of(RECORDS, "other", seed=2)
        self.export("otlp", other)
        ids = {s["spanId"] for s in self.spans(other + "/otlp.jsonl")}
        self.assertTrue(ids.isdisjoint(s["spanId"] for s in self.spans(self.path("moved/otlp.jsonl"))))

    def test_a_large_run_goes_into_payloads_that_a_collector_takes(self):
        labels = {f"label_{i}": "x" * 100 for i in range(40)}
        spans = self.exported([record(i, i * S, session_id=f"s{i % 7}", labels=labels) for i in range(1, 1201)])
        self.assertEqual(len(spans), 1207)
        self.assertGreater(len(read_lines(pathlib.Path(self.path("run/otlp.jsonl")))), 1)

    def test_it_reads_back_as_the_run(self):
        run = self.run_of(RECORDS)
        self.export("otlp", run)
        self.farebox("workload", "convert", run, "-o", self.path("ours.jsonl"))
        self.farebox("workload", "convert", run + "/otlp.jsonl", "-o", self.path("theirs.jsonl"))
        keep = ("input_length", "output_length", "usage", "cost_usd", "model", "class", "status")
        ours, theirs = ([r for r in read_lines(pathlib.Path(self.path(name))) if "input_length" in r]
                        for name in ("ours.jsonl", "theirs.jsonl"))
        ours = [r for r in ours if r["request_id"] != "r5"]  # failed before any usage: no call of a model
        self.assertEqual([{key: r.get(key) for key in keep} for r in theirs],
                         [{key: r.get(key) for key in keep} for r in ours])
        self.assertEqual([r.get("session_id") for r in theirs][:2], ["a", "a"])
        self.assertEqual(theirs[0]["labels"]["team"], "x")
        self.assertEqual([(r["first_token_ms"], r["end_ms"]) for r in theirs], [(20, 200)] * 4)
        self.assertEqual([r["timestamp"] - theirs[0]["timestamp"] for r in theirs], [0, 2000, 3000, 4000])

    def test_a_simulation_reads_back_with_its_times(self):
        run = self.path("run")
        self.farebox("sim", "--scenario", "support", "--engine", "rtx4090-llama-3.1-8b-tp1", "--requests", 200, "-o",
                     run)
        told = self.told("otlp", run)
        self.assertIn("from 1970-01-01T00:00:00Z on (--start)", told)
        keys = ("requests", "input_tokens", "output_tokens", "duration_s", "interarrival", "sessions")
        ours, theirs = (self.farebox_json("workload", "info", path) for path in (run, run + "/otlp.jsonl"))
        self.assertEqual([theirs[k] for k in keys], [ours[k] for k in keys])
        self.export("otlp", run, "--start", "2026-11-01T12:00:00Z")
        first = min(int(s["startTimeUnixNano"]) for s in self.spans(run + "/otlp.jsonl"))
        self.assertEqual(first - START_NS, min(r["sent_ns"] for r in read_lines(pathlib.Path(run + "/requests.jsonl"))
                                               if "sent_ns" in r))

    # ---- SQLite ----

    def database(self, path):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.addCleanup(db.close)
        db.row_factory = sqlite3.Row
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        return db

    def test_a_database_has_every_record_and_exact_money(self):
        run = self.run_of(RECORDS)
        self.export("sqlite", run)
        db = self.database(run + "/run.sqlite")
        rows = db.execute("SELECT * FROM attempts ORDER BY row").fetchall()
        self.assertEqual(len(rows), len(RECORDS))
        for row, line in zip(rows, RECORDS):
            for key in ("request_id", "session_id", "attempt", "model", "class", "status", "error", "message",
                        "http_status", "finish_reason", "cost_usd", *(k for k in line if k.endswith("_ns"))):
                self.assertEqual(row[key], line.get(key), key)
            for key, tokens in line.get("usage", {}).items():
                self.assertEqual(row[key], tokens, key)
            self.assertEqual(row["final"], line["final"])
        self.assertIsNone(rows[1]["uncached_input"])
        self.assertEqual(json.loads(rows[0]["labels"]), RECORDS[0]["labels"])
        exact, real = db.execute("SELECT cost_usd, cost FROM attempts_real WHERE row = 1").fetchone()
        self.assertEqual((exact, real), ("0.000000000000000001", 1e-18))
        retried = db.execute("SELECT * FROM requests WHERE request_id = 'r2'").fetchone()
        self.assertEqual((retried["attempts"], retried["turn"], retried["input_tokens"], retried["output_tokens"]),
                         (2, 1, 1450, 75))
        self.assertAlmostEqual(retried["ttft_ms"], 1020)  # from the first attempt's sending
        self.assertAlmostEqual(retried["scheduled_unix_s"], START_NS / S + 1.995, places=5)
        started = db.execute("SELECT started, started_unix_ns, command FROM runs").fetchone()
        self.assertEqual(tuple(started), ("2026-11-01T12:00:00Z", START_NS, "bench"))

    def test_its_figures_are_those_of_the_summary_and_the_bill(self):
        run = self.path("run")
        self.farebox("sim", "--scenario", "agent", "--engine", "rtx4090-llama-3.1-8b-tp1", "--requests", 300,
                     "--record", "chunks", "--plans", "demo", "-o", run)
        self.assertIn("has no dates (--start)", self.told("sqlite", run))
        summary, bill = read_json(run + "/summary.json"), read_json(run + "/bill.json")
        db = self.database(run + "/run.sqlite")
        one = lambda sql, *values: db.execute(sql, values).fetchone()[0]
        for metric in ("ttft_ms", "tpot_ms", "e2e_scheduled_ms"):
            for part, whole in (("window", summary), ("all", summary["all"])):
                row = db.execute("SELECT * FROM metrics WHERE metric = ? AND part = ?", (metric, part)).fetchone()
                for key in ("count", "mean", "p50", "p99", "max"):
                    self.assertEqual(row[key], whole[metric][key])
            self.assertEqual(one("SELECT value FROM summary WHERE key = ?", f"all.{metric}.p99"),
                             summary["all"][metric]["p99"])
        self.assertAlmostEqual(one("SELECT max(ttft_ms) FROM requests"), summary["all"]["ttft_ms"]["max"], places=5)
        self.assertAlmostEqual(one("SELECT avg(tpot_ms) FROM requests"), summary["all"]["tpot_ms"]["mean"], places=4)
        self.assertEqual(one("SELECT count(*) FROM chunks"), one("SELECT sum(chunks) FROM attempts"))
        self.assertEqual(one("SELECT sum(completed) FROM timeline"), summary["accounting"]["completed"])
        plans = db.execute("SELECT * FROM bills_real").fetchall()
        self.assertEqual([(p["plan"], p["total_usd"], p["rank"]) for p in plans],
                         [(p["plan"], p["total_usd"], p["rank"]) for p in bill["plans"]])
        for plan in plans:
            parts = db.execute("SELECT usd FROM bill_parts WHERE plan = ? AND caps = ? AND kind = 'line'",
                               (plan["plan"], plan["caps"])).fetchall()
            self.assertEqual(sum(decimal.Decimal(p[0]) for p in parts), decimal.Decimal(plan["total_usd"]))
            self.assertAlmostEqual(plan["total"], float(plan["total_usd"]))
        self.assertEqual(json.loads(one("SELECT summary FROM runs")), summary)
        self.assertEqual(one("SELECT count(*) FROM charges"), 0)
        self.export("sqlite", run, "--plans", "demo")
        db = self.database(run + "/run.sqlite")
        usage = {p["plan"]: decimal.Decimal(p["lines"].get("usage", {"total_usd": 0})["total_usd"])
                 for p in bill["plans"]}
        for plan, total in usage.items():
            charges = db.execute("SELECT charge_usd FROM charges JOIN requests USING (run_id, request_id)"
                                 " WHERE plan = ? AND charge_usd IS NOT NULL", (plan,)).fetchall()
            self.assertGreater(len(charges), 0)
            self.assertEqual(sum(decimal.Decimal(c[0]) for c in charges), total, plan)

    def test_several_runs_go_into_one_file(self):
        runs = [self.run_of(RECORDS, "one"), self.run_of(RECORDS[:1], "two", seed=2)]
        self.export("sqlite", *runs, "-o", self.path("all.sqlite"))
        db = self.database(self.path("all.sqlite"))
        self.assertEqual([tuple(r) for r in db.execute(
            "SELECT name, count(*) FROM attempts JOIN runs USING (run_id) GROUP BY run_id")], [("one", 7), ("two", 1)])
        self.export("otlp", *runs, "-o", self.path("all.jsonl"))
        self.assertEqual(len(self.spans(self.path("all.jsonl"))), 6 + 2 + 2)
        self.fails(2, "takes one run at a time", "report", *runs, "--export", "csv", "-o", self.path("x.csv"))

    # ---- both ----

    def test_nothing_is_replaced_or_half_written(self):
        run = self.run_of(RECORDS)
        for kind in ("otlp", "sqlite"):
            path = pathlib.Path(self.path(kind))
            path.write_text("mine")
            self.fails(2, "--force replaces it", "report", run, "--export", kind, "-o", str(path))
            self.assertEqual(path.read_text(), "mine")
            lines = pathlib.Path(run + "/requests.jsonl")
            whole = lines.read_text()
            lines.write_text(whole.replace('"r3"', "3", 1))
            self.fails(2, "requests.jsonl:4", "report", run, "--export", kind, "-f", "-o", str(path))
            lines.write_text(whole)
            self.assertEqual(path.read_text(), "mine")
            self.assertEqual(list(pathlib.Path(self.path("")).glob("*.farebox-*")), [])
            self.export(kind, run, "-f", "-o", str(path))
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o111, 0)
            self.assertNotEqual(path.read_bytes()[:4], b"mine")
        self.fails(2, "standard output", "report", run, "--export", "sqlite", "-o", "-")
        self.fails(2, "no regular file", "report", run, "--export", "sqlite", "-o", "/dev/null")
        self.fails(2, "--start goes with", "report", run, "--export", "csv", "--start", "2026-11-01")
        self.fails(2, "--start", "report", run, "--export", "otlp", "--start", "yesterday")
        pathlib.Path(run + "/bill.json").write_text("{\"plans\": [")
        self.fails(2, "bill.json cannot be taken", "report", run, "--export", "sqlite")
        self.assertFalse(pathlib.Path(run + "/run.sqlite").exists())

    def test_to_standard_output_comes_the_export_alone(self):
        run = self.run_of(RECORDS)
        out = self.export("otlp", run, "-o", "-").stdout
        self.assertEqual([list(json.loads(line)) for line in out.splitlines()], [["resourceSpans"]])

    def test_secrets_do_not_leave_with_a_run(self):
        secret = "sk-very-secret-key"
        run = self.path("run")
        url = self.mock("--ttft-ms", 1, "--itl-ms", 1)
        self.farebox("bench", "--url", url.replace("//", f"//user:{secret}@"), "--scenario", "chat", "--rate", 50,
                     "-n", 5, "-o", run, env={"OPENAI_API_KEY": secret})
        for kind in ("otlp", "sqlite"):
            path = self.path(kind)
            self.export(kind, run, "-o", path)
            self.assertNotIn(secret.encode(), pathlib.Path(path).read_bytes())
        self.assertTrue(all(re.match(r"http://.*127\.0\.0\.1", self.attributes(s)["farebox.endpoint"])
                            for s in self.spans(self.path("otlp")) if s["kind"] == 3))

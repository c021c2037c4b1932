"""Bench against endpoints of every kind: TLS, sockets, keys, faults, several at once."""
import json
import os
import pathlib
import queue
import shutil
import signal
import socketserver
import ssl
import subprocess

from support import (FAREBOX, Case, Handler, Server, accounting_adds_up, has_written, own, peak_mib, read_json,
                     read_lines, trace, wait_until)

ROWS = "".join('{"timestamp": %d, "input_length": 60, "output_length": 5}\n' % (i * 5)
               for i in range(20))


class Counting(Handler):
    """A small endpoint of its own: counts words, answers whole or streaming."""

    def do_GET(self):
        self.reply(200, json.dumps({"data": [{"id": "own-model"}]}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((dict(self.headers), body))
        words = len(body["messages"][0]["content"].split())
        usage = {"prompt_tokens": words + 3, "completion_tokens": body["max_tokens"],
                 "prompt_tokens_details": {"cached_tokens": int(words * self.server.cached)}}
        if not body.get("stream"):
            self.reply(200, json.dumps({"choices": [{"message": {"content": "x"},
                                                     "finish_reason": "stop"}], "usage": usage}))
            return
        events = [{"choices": [{"delta": {"content": " t"}}]}] * body["max_tokens"]
        events += [{"choices": [{"delta": {}, "finish_reason": "length"}]},
                   {"choices": [], "usage": usage}]
        text = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
        self.reply(200, text, "text/event-stream")


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128  # a Unix socket refuses at once whom its queue has no room for


class Endpoints(Case):
    def setUp(self):
        super().setUp()
        self.workload = self.write("w.jsonl", ROWS)
        self.run_path = self.path("run")

    def serve(self, server):
        server.seen = []
        server.cached = 0
        self.run_server(server)
        return server

    def plain(self):
        server = self.serve(Server(("127.0.0.1", 0), Counting))
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def bench(self, *words, **more):
        if "--force" in words:  # a run in which nothing completes would replace none
            shutil.rmtree(self.run_path, ignore_errors=True)
        return self.farebox("bench", "--trace", self.workload, "-o", self.run_path, *words, **more)

    def completed(self, count=20):
        summary = accounting_adds_up(self, self.run_path)
        self.assertEqual(summary["accounting"]["completed"], count)
        return summary

    def test_model_key_headers_and_body_arrive_and_the_key_stays_secret(self):
        server, url = self.plain()
        key = self.write("key", "sk-very-secret\n")
        done = self.bench("--url", url, "--api-key-file", key, "--header", "X-Team: blue",
                          "--body", '{"ignore_eos": true}', "--record", "chunks,text,raw")
        self.completed()
        asked = {h.get("X-Request-Id") for h, _ in server.seen}
        self.assertLessEqual({f"r{i}" for i in range(1, 21)}, asked)
        headers, body = server.seen[-1]
        self.assertEqual(headers["Authorization"], "Bearer sk-very-secret")
        self.assertEqual(headers["X-Team"], "blue")
        self.assertEqual(body["model"], "own-model")
        self.assertIs(body["ignore_eos"], True)
        self.assertEqual(body["max_tokens"], 5)
        for path in pathlib.Path(self.run_path).rglob("*"):
            if path.is_file():
                self.assertNotIn(b"very-secret", path.read_bytes(), path)
        self.assertNotIn("very-secret", done.stdout + done.stderr)
        record = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")[0]
        self.assertEqual(record["usage"]["uncached_input"], 60)
        self.assertEqual(record["text"], " t" * 5)

    def test_a_requests_own_body_wins_and_still_asks_for_usage(self):
        server, url = self.plain()
        row = {"timestamp": 0, "input_length": 60, "output_length": 5,
               "body": {"stream": True, "temperature": 0.5, "max_tokens": 7}}
        self.workload = self.write("own.jsonl", json.dumps(row) + "\n")
        self.bench("--url", url, "--body", '{"temperature": 1, "max_tokens": 3, "top_p": 0.1}')
        _, body = server.seen[-1]
        self.assertEqual({k: body[k] for k in ("temperature", "max_tokens", "top_p")},
                         {"temperature": 0.5, "max_tokens": 7, "top_p": 0.1})
        self.assertEqual(body["stream_options"], {"include_usage": True})
        self.completed(1)

    def silent(self):
        """An endpoint that reads and never answers: (method of each request as it comes, URL)."""
        asked = queue.Queue()

        class Silent(socketserver.BaseRequestHandler):
            def handle(self):
                while data := self.request.recv(65536):
                    if data.startswith((b"GET", b"POST")):
                        asked.put(data.split()[0].decode())
        server = self.serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent))
        return asked, f"http://127.0.0.1:{server.server_address[1]}/v1"

    def probe(self):
        return read_json(self.run_path + "/summary.json")["fidelity"]["probes"][0]

    def test_a_probe_waits_no_longer_than_a_request(self):
        asked, url = self.silent()
        done = self.bench("--url", url, "--timeout-total", "300ms", "-n", "1", expect=1, timeout=20)
        self.assertRegex(done.stderr, r"GET /models: no answer within 0\.[34]")
        self.assertRegex(self.probe()["note"], r"GET /models: no answer within 0\.[34]")
        self.assertEqual([asked.get(), asked.get()], ["GET", "POST"])
        self.assertTrue(asked.empty())
        self.bench("--url", url, "--timeout-total", "300ms", "-n", "1", "--model", "m", "--force",
                   expect=1, timeout=20)
        self.assertIn("a first request: no answer within", self.probe()["note"])
        self.assertEqual(self.probe()["requests"], 1)

    def test_an_interrupt_ends_the_probe_and_nothing_is_sent(self):
        asked, url = self.silent()
        process = self.start("bench", "--trace", self.workload, "-o", self.run_path, "--url", url)
        self.assertEqual(asked.get(timeout=20), "GET")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertTrue(asked.empty())
        summary = accounting_adds_up(self, self.run_path)
        self.assertEqual(summary["accounting"]["attempts"], 0)
        self.assertEqual(self.probe()["note"], "interrupted")

    def test_what_the_probe_measured_is_written(self):
        _, url = self.plain()
        self.bench("--url", url)
        self.assertEqual(self.probe(), {"endpoint": url, "model": "own-model", "measured": True,
                                        "tokens_per_word": 1, "template_tokens": 3, "turn_tokens": 0,
                                        "word_tokens": None, "context_tokens": None, "requests": 3,
                                        "input_tokens": 8 + 3 + 64 + 3 + 1024 + 3, "note": None,
                                        "remarks": None})

    def test_prompts_differ_between_runs_unless_fixed(self):
        server, url = self.plain()

        def first_prompt(*words):
            del server.seen[:]
            self.bench("--url", url, "--no-probe", "--force", *words)
            first = min(server.seen, key=lambda s: int(s[0]["X-Request-Id"][1:]))
            return first[1]["messages"][0]["content"]
        self.assertNotEqual(first_prompt(), first_prompt())
        self.assertEqual(first_prompt("--prompt-salt", "fixed"),
                         first_prompt("--prompt-salt", "fixed"))

    def test_shards_together_are_the_whole(self):
        _, url = self.plain()

        def requests(*words):
            self.bench("--url", url, "--force", "--rate", "400", *words)
            rows = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
            return [(r["request_id"], r["scheduled_ns"]) for r in rows]
        whole = requests()
        parts = requests("--shard", "1/2") + requests("--shard", "2/2", "--workers", "2")
        self.assertEqual(sorted(whole), sorted(parts))
        done = self.bench("--url", url, "--force", "--shard", "3/2", expect=2)
        self.assertIn("expected I/N", done.stderr)

    def test_a_cache_warmer_than_the_workload_is_told(self):
        server, url = self.plain()
        blocks = self.write("b.jsonl", "".join(
            json.dumps({"timestamp": i, "input_length": 64, "output_length": 5, "block_size": 16,
                        "hash_ids": [1, 2, 3 + 2 * i, 4 + 2 * i]}) + "\n" for i in range(20)))

        def warnings(workload, share):
            server.cached = share
            return self.farebox("bench", "--url", url, "--trace", workload, "-o", self.run_path,
                                "--force").stderr
        self.assertNotIn("from its cache", warnings(blocks, 0.45))
        self.assertIn("prefixes imply 48 % at most", warnings(blocks, 0.9))
        self.assertIn("no two prompts", warnings(self.workload, 0.2))

    def test_answers_of_another_length_are_told(self):
        _, url = self.plain()
        self.assertNotIn("tokens long", self.bench("--url", url).stderr)
        done = self.bench("--url", url, "--force", "--body", '{"max_tokens": 3}')
        self.assertIn("3 tokens long where 5 were asked for", done.stderr)

    def test_run_json_repeats_an_open_loop(self):
        _, url = self.plain()

        def times(*words):
            self.farebox("bench", *words, "-o", self.run_path, "--force")
            rows = read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
            return sorted((r["request_id"], r["scheduled_ns"]) for r in rows)
        first = times("--url", url, "--trace", self.workload, "--rate", "400", "--seed", "5")
        shutil.copy(pathlib.Path(self.run_path) / "run.json", self.path("again.json"))
        self.assertEqual(first, times("--config", self.path("again.json")))

    def test_whole_answers(self):
        _, url = self.plain()
        self.bench("--url", url, "--no-stream")
        summary = self.completed()
        self.assertEqual(summary["ttft_ms"]["count"], 0)
        self.assertEqual(summary["e2e_ms"]["count"], 20)

    def test_unix_socket(self):
        path = self.path("s")
        self.serve(UnixServer(path, Counting))
        self.bench("--url", "http://localhost/v1", "--unix-socket", path)
        self.completed()

    def test_tls_is_verified(self):
        cert, key = self.certificate()
        server = Server(("127.0.0.1", 0), Counting)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # handshakes that are refused, on purpose
        self.serve(server)
        url = f"https://127.0.0.1:{server.server_port}/v1"
        self.bench("--url", url, expect=1)
        self.assertEqual(accounting_adds_up(self, self.run_path)["accounting"]["failed_by"],
                         {"tls": 20})
        self.assertEqual(server.seen, [])
        done = self.bench("--url", url, "--cacert", cert, "--force")
        self.assertIs(self.completed()["fidelity"]["insecure"], False)
        self.assertNotIn("not checked", done.stdout + done.stderr)
        done = self.bench("--url", url, "--insecure", "--force")
        self.completed()
        self.assertIn("certificates were not checked", done.stderr)
        page = self.farebox("report", self.run_path, "--no-plots")
        for table in (done.stdout, page.stdout):
            self.assertIn("! certificates were not checked (--insecure)", table)
        self.assertIs(read_json(self.run_path + "/summary.json")["fidelity"]["insecure"], True)
        self.assertIn("✗ Certificates were not checked</b> (--insecure)",
                      pathlib.Path(self.run_path, "report.html").read_text())

    def test_two_endpoints_share_the_load(self):
        a, first = self.plain()
        b, second = self.plain()
        self.bench("--url", first, "--url", second, "--share", 1, "--share", 0, "--no-probe",
                   "--model", "m")
        self.completed()
        self.assertEqual((len(a.seen), len(b.seen)), (20, 0))
        self.bench("--url", first, "--url", second, "--force", "--no-probe", "--model", "m")
        self.completed()
        self.assertGreater(len(b.seen), 2)
        each = read_json(pathlib.Path(self.run_path) / "endpoints.json")
        self.assertEqual(each[second]["accounting"]["completed"], len(b.seen))
        names = {r["endpoint"] for r in read_lines(pathlib.Path(self.run_path) / "requests.jsonl")}
        self.assertEqual(names, {first, second})

    def test_an_endpoint_that_dies_and_comes_back(self):
        workload = self.write("long.jsonl", "".join(
            '{"timestamp": %d, "input_length": 20, "output_length": 3}\n' % (i * 20)
            for i in range(150)))
        first, url = self.start_mock("--ttft-ms", 5, "--itl-ms", 1)
        address = url.split("/")[2]
        bench = self.start("bench", "--url", url, "--trace", workload, "-o", self.run_path)
        requests = pathlib.Path(self.run_path) / "requests.jsonl"
        wait_until(lambda: has_written(requests), "a record")
        first.kill()
        first.wait()
        wait_until(lambda: '"failed"' in requests.read_text(), "a failure while it is away")
        second = self.start("mock", "--listen", address, "--ttft-ms", 5, "--itl-ms", 1)
        self.assertIn(address, second.stdout.readline())
        bench.communicate(timeout=60)
        summary = accounting_adds_up(self, self.run_path)
        records = sorted(read_lines(requests), key=lambda r: r["scheduled_ns"])
        failed = [i for i, r in enumerate(records) if r["status"] == "failed"]
        self.assertEqual(summary["accounting"]["scheduled"], 150)
        self.assertTrue(failed)
        self.assertLessEqual({records[i]["error"] for i in failed}, 
                             {"connect", "reset", "truncated"})
        self.assertEqual(records[0]["status"], "completed")
        self.assertEqual(records[-1]["status"], "completed")

    def test_a_killed_run_keeps_what_is_a_second_old(self):
        # Two requests at once, and then nothing for a minute: no later record pushes them out.
        workload = self.write("sparse.jsonl", "".join(
            '{"timestamp": %d, "input_length": 20, "output_length": 3}\n' % ms
            for ms in (0, 100, 60000)))
        url = self.mock("--ttft-ms", 5, "--itl-ms", 1)
        bench = self.start("bench", "--url", url, "--trace", workload, "-o", self.run_path)
        requests = pathlib.Path(self.run_path) / "requests.jsonl"
        wait_until(lambda: has_written(requests) and requests.read_text().count("\n") == 2, "two records")
        bench.kill()
        bench.wait()
        self.assertEqual([r["status"] for r in read_lines(requests)], ["completed"] * 2)

    def test_prompts_come_out_as_long_as_asked(self):
        self.check_prompts(trace("azure2023/AzureLLMInferenceTrace_conv_first10000.csv"), 27)

    def test_prompts_of_our_own_trace_come_out_as_long_as_asked(self):
        self.check_prompts(own("azure.csv"), 110)

    def check_prompts(self, path, template):
        url = self.mock("--tokens-per-word", 1.3, "--template-tokens", template)
        self.farebox("bench", "--url", url, "--trace", path, "--rate", 500, "-n", 1500, "-o",
                     self.run_path)
        asked = read_json(pathlib.Path(self.run_path) / "summary.json")["asked"]
        self.assertLessEqual(asked["input_error_p99"], 0.01)
        short = [r for r in read_lines(pathlib.Path(self.run_path) / "requests.jsonl")
                 if r["asked"]["input"] < template + 1]
        self.assertGreater(len(short), 0)
        self.assertEqual(asked["too_short_for_endpoint"], len(short))

    def test_endpoints_of_one_url_are_told_apart_by_their_models(self):
        server, url = self.plain()
        self.bench("--url", url, "--url", url, "--model", "a", "--model", "b", "--no-probe")
        each = read_json(pathlib.Path(self.run_path) / "endpoints.json")
        asked = {name: sum(body["model"] == name for _, body in server.seen) for name in "ab"}
        self.assertEqual({name: each[f"{url} {name}"]["accounting"]["completed"] for name in "ab"},
                         asked)
        self.assertGreater(min(asked.values()), 1)

    def test_a_load_that_is_only_a_burst_is_sent(self):
        url = self.mock("--ttft-ms", 1, "--itl-ms", 1)
        self.bench("--url", url, "--no-probe", "--model", "m", "--rate", "+20")
        due = {r["scheduled_ns"] for r in read_lines(pathlib.Path(self.run_path) / "requests.jsonl")}
        self.completed()
        self.assertEqual(due, {0})

    def test_repeats_give_one_json_document(self):
        url = self.mock("--ttft-ms", 1, "--itl-ms", 1)
        runs = json.loads(self.bench("--url", url, "--repeat", 3, "--json").stdout)
        self.assertEqual([run["accounting"]["completed"] for run in runs], [20] * 3)
        self.assertEqual(runs[2], read_json(pathlib.Path(self.run_path) / "3" / "summary.json"))

    def test_only_streams_can_be_cancelled(self):
        done = self.bench("--url", "http://127.0.0.1:9/v1", "--no-stream", "--cancel", "1:1", expect=2)
        self.assertIn("--no-stream", done.stderr)

    def peak_of(self, *words):
        """Peak resident memory of a run of the program, in MiB."""
        process = subprocess.Popen([FAREBOX, *map(str, words)], cwd=self.scratch,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = peak_mib(process)
        self.assertEqual(process.returncode, 0)
        return peak

    def test_memory_does_not_grow_with_the_requests(self):
        # Beside the workload itself, which is begun anew. 100 bytes a request would be 5.5 MB more.
        url = self.mock("--ttft-ms", 0, "--itl-ms", 0)
        peaks = [self.peak_of("bench", "--url", url, "--no-probe", "--model", "m", "--trace",
                              self.workload, "--concurrency", 32, "-n", count, "-o", self.run_path,
                              "--force") for count in (5000, 60000)]
        self.assertLess(peaks[1], peaks[0] + 3)

    def test_the_selftest_measures_this_machine(self):
        limits = self.farebox_json("bench", "--selftest")
        for key in ("clock_step_ns", "timer_late_p99_ms", "requests_per_s", "requests_per_cpu_s",
                    "chunks_per_s", "chunks_per_cpu_s", "streams", "send_lag_p99_ms", "open_files"):
            self.assertGreater(limits[key], 0, key)
        self.assertLess(limits["clock_step_ns"], 1e6)
        # 200 streams of 100 a second ask for 20,000 chunks a second, and no client makes more
        self.assertLess(limits["chunks_per_s"], 21000)

    def test_retries_are_attempts_of_their_own(self):
        url = self.mock("--ttft-ms", 1, "--itl-ms", 1, "--fault", "status=503@40%")
        self.bench("--url", url, "--no-probe", "--model", "m", "--retry", 5, "--retry-backoff",
                   "5ms")
        accounting = self.completed()["accounting"]
        self.assertGreater(accounting["retried"], 2)
        self.assertGreater(accounting["attempts"], 20)

    def test_faults_are_told_apart(self):
        cases = (
            ("status=500", "server_error"), ("status=429", "rate_limited"), ("status=401", "auth"),
            ("status=404", "bad_request"), ("reset", "reset"), ("reset-after=2", "reset"),
            ("truncate-after=2", "truncated"), ("no-done", None), ("no-finish", "truncated"),
            ("malformed-after=2", None), ("error-after=2", "error_event"),
            ("utf8-after=2", None), ("huge-after=2:6000000", "too_large"),
            ("stall=3000", "timeout_first_token"), ("stall-after=2:3000", "timeout_gap"),
            ("huge-after=2:1000000", None), ("crlf", None), ("drip=7:1", None),
            ("tokens-per-chunk=3", None), ("ping-after=2", None), ("buffer", None),
            ("duplicate-after=2", None),
        )
        workload = self.write("f.jsonl", ROWS[:ROWS.index("\n", 1) * 3 + 3])
        for fault, failure in cases:
            with self.subTest(fault):
                url = self.mock("--ttft-ms", 5, "--itl-ms", 5, "--fault", fault)
                shutil.rmtree(self.run_path, ignore_errors=True)
                limits = [part for limit in ("first", "gap") for part in
                          (f"--timeout-{limit}", "300ms" if limit in (failure or "") else "60s")]
                self.farebox("bench", "--trace", workload, "-o", self.run_path, "--url", url,
                             "--no-probe", "--model", "m", "--force", *limits, expect=1 if failure else 0)
                accounting = accounting_adds_up(self, self.run_path)["accounting"]
                self.assertEqual(accounting["scheduled"], accounting["attempts"])
                self.assertEqual(accounting["failed_by"],
                                 {failure: accounting["scheduled"]} if failure else {})

    def test_bad_options_are_refused(self):
        url = "http://127.0.0.1:9/v1"
        cases = (
            (["--url", url, "--rate", "ten"], "no load"),
            (["--url", url, "--rate", 5, "--concurrency", 5], "choose one"),
            (["--url", url, "--api", "chatt"], "expected chat, completions, embeddings"),
            (["--url", url, "--slo", "tfft=5"], "ttft"),
            (["--url", url, "--assert", "ttft_p98=5"], "ttft_p98"),
            (["--url", url, "--cancel", "2"], "SHARE:CHUNKS"),
            (["--url", url, "--body", "[]"], "--body"),
            (["--url", url, "--max-cost", "5"], "--plans"),
            (["--url", "ftp://x"], "https://api.example.com/v1"),
            ([], "--url"),
        )
        for words, part in cases:
            with self.subTest(words):
                done = self.bench(*words, expect=2)
                self.assertIn(part, done.stderr)
                self.assertFalse(os.path.exists(self.run_path))

    def test_a_dry_run_sends_nothing(self):
        server, url = self.plain()
        done = self.bench("--url", url, "--dry-run")
        self.assertIn("nothing was sent", done.stdout)
        self.assertEqual(server.seen, [])
        self.assertFalse(os.path.exists(self.run_path))

    def test_requests_beyond_a_workload_that_is_not_begun_anew_are_told(self):
        turns = self.write("turns.jsonl", "".join(json.dumps(
            {"request_id": f"r{i}", "input_length": 9, "output_length": 1, "timestamp": 0,
             **({"after": ["r0"]} if i else {})}) + "\n" for i in range(3)))

        def told(*words):
            return self.farebox("bench", "--url", "mock:constant", "--dry-run", "-n", 30, *words)
        own = told("--trace", self.workload)
        self.assertIn("--requests 30: the workload holds 20 and is not begun anew at its own times",
                      own.stderr)
        self.assertIn("requests     20\n", own.stdout)
        waits = told("--trace", turns, "--concurrency", 2)
        self.assertIn("holds 3 and is not begun anew where its requests wait", waits.stderr)
        self.assertIn("requests     3\n", waits.stdout)
        for words in (["--rate", 5], ["--concurrency", 2]):
            anew = told("--trace", self.workload, *words)
            self.assertEqual(anew.stderr, "")
            self.assertIn("begun anew 1 time", anew.stdout)
        self.assertEqual(told("--scenario", "chat").stderr, "")
        _, url = self.plain()
        done = self.bench("--url", url, "-n", 30, "--no-probe", "--repeat", 2)
        self.assertEqual(done.stderr.count("--requests 30"), 1)

    def test_repeats_take_turns(self):
        a, first = self.plain()
        b, second = self.plain()
        self.bench("--url", first, "--url", second, "--repeat", 2, "--no-probe", "--model", "m")
        for turn, server in (("1-1", a), ("1-2", b), ("2-1", a), ("2-2", b)):
            accounting = accounting_adds_up(self, pathlib.Path(self.run_path) / turn)["accounting"]
            self.assertEqual(accounting["completed"], 20)
            self.assertEqual(len(server.seen), 40)

    def test_every_second_turn_goes_backwards(self):
        server, url = self.plain()
        self.bench("--url", url, "--repeat", 3, "--no-probe", "--model", "a", "--model", "b")
        asked = [body["model"] for _, body in server.seen]
        self.assertEqual(asked, ["a"] * 20 + ["b"] * 40 + ["a"] * 40 + ["b"] * 20)
        for turn in ("1-1", "2-1", "3-1"):
            first = read_lines(pathlib.Path(self.run_path) / turn / "requests.jsonl")[0]
            self.assertEqual(first["model"], "a")

    def test_a_missed_assertion_ends_no_repeat(self):
        _, url = self.plain()
        done = self.bench("--url", url, "--repeat", 3, "--no-probe", "--model", "m", "--assert",
                          "ttft_p99=0.000001", expect=1)
        self.assertIn("3 of 3 runs missed an assertion", done.stderr)
        for turn in "123":
            accounting = accounting_adds_up(self, pathlib.Path(self.run_path) / turn)["accounting"]
            self.assertEqual(accounting["completed"], 20)

    def test_an_endpoint_that_is_not_there_ends_the_repeats(self):
        self.bench("--url", "http://127.0.0.1:9/v1", "--repeat", 3, "--no-probe", "--model", "m",
                   "--assert", "ttft_p99=1", expect=1)
        self.assertEqual(os.listdir(self.run_path), ["1"])

    def test_a_budget_stops_the_run(self):
        server, url = self.plain()
        plans = self.write("p.json", json.dumps(
            {"plans": [{"name": "a/b", "per_request": "0.01"}]}))
        self.bench("--url", url, "--no-probe", "--plans", plans, "--max-cost", "0.05", expect=1)
        summary = accounting_adds_up(self, self.run_path)
        self.assertEqual(len(server.seen), 5)
        self.assertEqual(summary["accounting"]["completed"], 5)
        self.assertEqual(summary["accounting"]["unsent_by"], {"budget": 1})
        self.assertEqual(summary["accounting"]["not_due"], 14)

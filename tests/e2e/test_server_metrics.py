"""bench beside a server's own metrics: what is asked of whom, what is kept, and that nothing of it harms the run."""
import json
import os
import pathlib
import threading
import time

from support import Case, Handler, Server, accounting_adds_up, peak_mib, read_json, read_lines, wait_until

ROWS = "".join(json.dumps({"timestamp": 60 * i, "input_length": 50, "output_length": 8}) + "\n" for i in range(40))
VLLM = ("# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\"} 4\n"
        "vllm:num_requests_waiting{engine=\"0\"} 2\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.5\n")


class Metrics(Handler):
    """Answers every GET with what the server's `answer(handler)` does, and notes the request."""

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        self.server.answer(self)


class ServerMetrics(Case):
    def exporter(self, answer):
        server = Server(("127.0.0.1", 0), Metrics)
        server.seen, server.answer, server.block_on_close = [], answer, False
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_port}/metrics"

    def texts(self, text, status=200):
        return self.exporter(lambda handler: handler.reply(status, text, "text/plain"))

    def bench(self, url, *more, **how):
        path = pathlib.Path(self.path("run"))
        done = self.farebox("bench", "--url", url, "--trace", self.write("w.jsonl", ROWS), "-o", path, "--force",
                            *more, **how)
        return done, read_json(path / "summary.json"), path

    def quick_mock(self):
        return self.mock("--ttft-ms", "5", "--itl-ms", "2")

    def assert_unharmed(self, summary):
        accounting_adds_up(self, self.path("run"))
        self.assertEqual(summary["accounting"]["completed"], 40)

    def test_what_the_server_counted_is_what_we_did(self):
        done, summary, path = self.bench(self.quick_mock(), "--server-metrics", "auto")
        server = summary["server"]
        self.assertRegex(done.stderr, r"server metrics from http://127\.0\.0\.1:\d+/metrics: vLLM, \d+ of \d+ known")
        self.assertEqual(server["requests_finished"], summary["accounting"]["completed"])
        self.assertEqual(server["generated_tokens"], summary["all"]["output_tokens"])
        self.assertEqual(server["prompt_tokens"], summary["all"]["input_tokens"])
        self.assertEqual((server["ours_completed"], server["ours_output_tokens"]), (40, 320))
        self.assertNotIn("differs", server)
        self.assertEqual(server["scrapes_failed"], 0)
        self.assertIn("it counted 40 requests", done.stdout)
        lines = read_lines(path / "server.jsonl")
        self.assertEqual(len(lines), server["scrapes_ok"])
        self.assertGreaterEqual(len(lines), 4)  # before the start, once a second, at the end
        self.assertLess(lines[0]["t_ns"], 0)
        self.assertGreater(lines[-1]["t_ns"], summary["last_due_s"] * 1e9)
        for before, after in zip(lines[1:-2], lines[2:-1]):
            self.assertAlmostEqual(after["t_ns"] - before["t_ns"], 1e9, delta=0.4e9)
        self.assertIsNone(lines[0]["gpu_power_w"])
        queues = [line["queue"] for line in lines if 0 <= line["t_ns"] <= summary["duration_s"] * 1e9]
        self.assertAlmostEqual(server["queue"]["mean"], sum(queues) / len(queues), 5)

    def test_somebody_else_at_the_server_is_noticed(self):
        url = self.quick_mock()
        other = self.start("bench", "--url", url, "--scenario", "chat", "--concurrency", "2", "--requests", "1M",
                           "-o", self.path("other"), "--quiet")
        wait_until(lambda: pathlib.Path(self.path("other/requests.jsonl")).exists() and
                   pathlib.Path(self.path("other/requests.jsonl")).stat().st_size, "the other's first answers")
        done, summary, _ = self.bench(url, "--server-metrics", "auto", "--no-probe")
        self.end(other)
        self.assertGreater(summary["server"]["requests_finished"], 40)
        self.assertIn("somebody else is using it", summary["server"]["differs"])
        self.assertIn("somebody else is using it", done.stdout)

    def test_power_gives_the_energy_of_a_token_and_several_sources_are_one(self):
        _, gpu = self.texts('DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="A"} 250\n'
                            'DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="B"} 150\nDCGM_FI_DEV_GPU_UTIL{gpu="0"} 80\n')
        done, summary, path = self.bench(self.quick_mock(), "--server-metrics", f"auto,{gpu}")
        server, lines = summary["server"], read_lines(path / "server.jsonl")
        times = [line["t_ns"] for line in lines if line["server"] == "DCGM"]
        self.assertEqual([s["server"] for s in server["sources"]], ["vLLM", "DCGM"])
        self.assertEqual(server["gpu_power_w"], {"mean": 400, "max": 400})
        self.assertAlmostEqual(server["energy_j"], 400 * (times[-1] - times[0]) / 1e9, 2)
        self.assertAlmostEqual(server["j_per_token"], server["energy_j"] / 320, 4)
        self.assertIn("J per generated token", done.stdout)
        self.assertIn("DCGM, 2 of 3 known names", done.stderr)

    def test_other_metrics_by_pattern(self):
        _, url = self.texts("pool_load{pool=\"a\"} 2\npool_load{pool=\"b\"} 4\nmy_queue 7\n")
        done, summary, path = self.bench(self.quick_mock(), "--server-metrics", url, "--server-metric",
                                         "load=mean(pool_*)", "--server-metric", "queue=my_queue")
        self.assertEqual(summary["server"]["other"]["load"], {"mean": 3, "max": 3, "increase": 0})
        self.assertEqual(summary["server"]["queue"]["max"], 7)
        self.assertEqual(read_lines(path / "server.jsonl")[0]["other"], {"load": 3})
        self.assertIn("load 3.0", done.stdout)
        self.assertIn("no server that is known", done.stderr)

    def test_a_source_that_fails_is_counted_and_said_and_the_run_goes_on(self):
        for answer, said in [(lambda h: h.reply(503, "starting"), "HTTP status 503"),
                             (lambda h: h.reply(200, "<!doctype html><p>hello</p>"), "begins with \"<!doctype"),
                             (lambda h: h.reply(200, ""), "an empty answer"),
                             (lambda h: h.reply(200, "\0\1\2{{{\"\n" * 1000), "no metrics in the answer"),
                             (lambda h: h.close_connection or h.connection.close(), "server metrics from")]:
            with self.subTest(said):
                _, url = self.exporter(answer)
                done, summary, path = self.bench(self.quick_mock(), "--server-metrics", url)
                self.assert_unharmed(summary)
                self.assertIn(said, done.stderr)
                self.assertEqual(summary["server"]["scrapes_ok"], 0)
                self.assertEqual(summary["server"]["scrapes_failed"], len(read_lines(path / "server.jsonl")))
                self.assertTrue(all(line["error"] for line in read_lines(path / "server.jsonl")))
                self.assertIn("none of", done.stdout)
        done, summary, _ = self.bench(self.quick_mock(), "--server-metrics", "http://127.0.0.1:1/metrics")
        self.assert_unharmed(summary)

    def test_a_source_that_hangs_costs_the_run_nothing(self):
        over = threading.Event()
        self.addCleanup(over.set)
        _, url = self.exporter(lambda handler: over.wait(60))
        begin = time.monotonic()
        done, summary, _ = self.bench(self.quick_mock(), "--server-metrics", url)
        self.assertLess(time.monotonic() - begin, 20)
        self.assert_unharmed(summary)
        self.assertLess(summary["duration_s"], 10)
        self.assertIn("no answer yet", done.stderr)
        self.assertRegex(done.stderr, r"no answer within \d")

    def test_an_answer_without_an_end_is_cut(self):
        line = b"x{a=\"" + b"y" * 4000 + b"\"} 1\n"

        def endless(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 30))
            handler.end_headers()
            try:
                for _ in range((1 << 30) // len(line)):
                    handler.wfile.write(line)
            except OSError:
                handler.server.cut = True
            handler.close_connection = True
        server, url = self.exporter(endless)
        process = self.start("bench", "--url", self.quick_mock(), "--trace", self.write("w.jsonl", ROWS), "-o",
                             self.path("run"), "--server-metrics", url)
        said = process.stderr.read()
        self.assertLess(peak_mib(process), 150)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(server.cut)
        self.assertEqual(len(server.seen), 1)
        self.assertIn("more than 16 MiB; not asked again", said)
        self.assert_unharmed(read_json(self.path("run/summary.json")))

    def test_a_server_that_comes_late_is_asked_until_it_answers(self):
        answers = iter([503, 503])

        def late(handler):
            status = next(answers, 200)
            handler.reply(status, VLLM if status == 200 else "")
        _, url = self.exporter(late)
        _, summary, _ = self.bench(self.quick_mock(), "--server-metrics", url)
        self.assertEqual(summary["server"]["scrapes_failed"], 2)
        self.assertGreater(summary["server"]["scrapes_ok"], 0)
        self.assertEqual(summary["server"]["running"]["max"], 4)

    def test_keys_go_to_the_endpoint_only_and_are_written_nowhere(self):
        key, password = "sk-farebox-0123456789abcdef", "Tr0ub4dor-and-3"
        exporter, gpu = self.texts(VLLM)
        echo, own = self.exporter(lambda h: h.reply(401, f"no: {password}"))
        seen, api = [], self.keyed_api(key)
        own = own.replace("http://", f"http://me:{password}@") + "?token=abcdefgh12345678"
        path = pathlib.Path(self.path("run"))
        done = self.farebox("bench", "--url", api, "--trace", self.write("w.jsonl", ROWS), "-o", path,
                            "--server-metrics", f"auto,{gpu}", "--server-metrics", own, "--header",
                            "X-Tenant-Key: @" + self.write("tenant", "tenant-secret-7777"),
                            env={"OPENAI_API_KEY": key})
        metrics = [headers for path_, headers in self.api.seen if path_ == "/metrics"]
        self.assertTrue(metrics and all(h.get("Authorization") == f"Bearer {key}" for h in metrics))
        self.assertTrue(exporter.seen and echo.seen)
        for path_, headers in exporter.seen:
            self.assertNotIn("Authorization", headers)
            self.assertNotIn("X-Tenant-Key", headers)
        self.assertTrue(all(h["Authorization"].startswith("Basic ") and "X-Tenant-Key" not in h
                            for _, h in echo.seen))
        written = done.stdout + done.stderr + "".join(p.read_text() for p in path.iterdir() if p.is_file())
        for secret in (key, password, "abcdefgh12345678", "tenant-secret-7777"):
            self.assertNotIn(secret, written)
        self.assertIn("(hidden)@127.0.0.1", read_json(path / "run.json")["options"]["server-metrics"][1])
        self.assertIn("every user of this machine can read the secret in --server-metrics", done.stderr)
        again = self.farebox("bench", "--config", path / "run.json", "-o", self.path("again"), expect=2,
                             env={"OPENAI_API_KEY": key})
        self.assertIn("is not in run.json", again.stderr)

    def keyed_api(self, key):
        """An endpoint with /metrics of its own, which both want the key."""
        events = [{"choices": [{"delta": {"content": " t"}}]}] * 8 + \
            [{"choices": [{"delta": {}, "finish_reason": "length"}]},
             {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 8}}]
        stream = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"
        whole = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "length"}],
                            "usage": {"prompt_tokens": 50, "completion_tokens": 8}})

        class Api(Metrics):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.reply(200, stream if body.get("stream") else whole,
                           "text/event-stream" if body.get("stream") else "application/json")
        self.api = Server(("127.0.0.1", 0), Api)
        self.api.seen = []
        self.api.answer = lambda h: h.reply(200, VLLM if h.path == "/metrics" else '{"data": [{"id": "m"}]}') \
            if h.headers.get("Authorization") == f"Bearer {key}" else h.reply(401, "who?")
        self.run_server(self.api)
        return f"http://127.0.0.1:{self.api.server_port}/v1"

    def test_auto_finds_metrics_behind_a_prefix(self):
        url = self.keyed_api("k-123456789")
        self.api.answer = lambda h: h.reply(200, VLLM) if h.path == "/pool/metrics" else h.reply(404, "no")
        done, summary, _ = self.bench(url.replace("/v1", "/pool/v1"), "--model", "m", "--server-metrics", "auto",
                                      "--no-probe", expect=None)
        self.assertIn("/pool/metrics", summary["server"]["sources"][0]["url"])
        self.assertGreater(summary["server"]["scrapes_ok"], 0)

    def test_a_saved_run_shows_it_all_again(self):
        _, gpu = self.texts("DCGM_FI_DEV_POWER_USAGE 300\n")
        done, summary, path = self.bench(self.quick_mock(), "--server-metrics", f"auto,{gpu}")
        shown = self.farebox("report", path, "--gnuplot-script").stdout
        line = next(line for line in done.stdout.splitlines() if line.startswith("server "))
        self.assertIn(line, shown)
        script = (path / "plots" / "timeline.gp").read_text()
        for label in ("in flight (requests)", "at the server (requests)", "at the server (%)", "GPU power (W)"):
            self.assertIn(label, script)
        self.assertEqual(len(set(line for line in script.splitlines() if line.startswith("set xrange"))), 1)
        page = (path / "report.html").read_text()
        self.assertIn("What the server said of itself", page)
        self.assertIn("energy per generated token", page)
        again = self.farebox_json("report", path, "--no-plots", "--no-html")
        self.assertEqual(again["server"], summary["server"])
        os.remove(path / "summary.json")  # as a run that was killed
        recomputed = self.farebox_json("report", path, "--no-plots", "--no-html")
        self.assertEqual(recomputed["server"], summary["server"])

    def test_a_run_that_asks_nobody_has_nothing_of_it(self):
        _, summary, path = self.bench(self.quick_mock())
        self.assertNotIn("server", summary)
        self.assertFalse((path / "server.jsonl").exists())
        self.farebox("report", path, "--gnuplot-script")
        self.assertNotIn("at the server", (path / "plots" / "timeline.gp").read_text())
        self.assertNotIn("said of itself", (path / "report.html").read_text())

    def test_the_runs_of_a_series_are_asked_each(self):
        self.farebox("bench", "--url", self.quick_mock(), "--trace", self.write("w.jsonl", ROWS), "--repeat", "2",
                     "--server-metrics", "auto", "-o", self.path("series"))
        for number in "12":
            server = read_json(self.path(f"series/{number}/summary.json"))["server"]
            self.assertEqual(server["requests_finished"], 40)

    def test_what_makes_no_sense_is_refused(self):
        for words, said in [(["--server-metric", "x=y"], "give that too"),
                            (["--server-metrics", "localhost:8000"], "expected auto, or a URL"),
                            (["--server-metrics", ""], "expected auto, or a URL"),
                            (["--server-metrics", "auto", "--server-metric", "X"], "NAME=PATTERN")]:
            done = self.farebox("bench", "--url", "mock:constant", "--trace", self.write("w.jsonl", ROWS), *words,
                                expect=2)
            self.assertIn(said, done.stderr)

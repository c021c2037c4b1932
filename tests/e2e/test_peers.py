"""Manners of peers: waiting for an endpoint that loads, and stopping when one is past saturation."""
import base64
import json
import socket
import struct
import threading
import unittest
import zlib

from support import Case, Handler, Server, accounting_adds_up, has_written, read_json, read_lines, wait_until

ANSWER = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": 9, "completion_tokens": 1}})
STREAM = ('data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
          'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}\n\n'
          "data: [DONE]\n\n")
SHORT = ("--scenario", "chat", "--rate", "50", "--requests", "10", "--no-probe", "--quiet")


class Loading(Handler):
    """Lists its models from the start, as TGI and gateways do, and answers 503 until so many were asked."""

    def do_GET(self):
        self.reply(200, '{"data": [{"id": "m"}]}')

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.asked += 1
            asked = self.server.asked
        if asked <= self.server.refuses:
            self.reply(self.server.status, '{"error": {"message": "Loading model"}}')
        elif self.headers["Accept"] == "text/event-stream":
            self.reply(200, STREAM, "text/event-stream")
        else:
            self.reply(200, ANSWER)


class WaitReady(Case):
    def loading(self, refuses, status=503):
        server = Server(("127.0.0.1", 0), Loading)
        server.asked, server.refuses, server.status, server.lock = 0, refuses, status, threading.Lock()
        self.run_server(server)
        return server, f"http://127.0.0.1:{server.server_address[1]}/v1"

    def test_a_model_that_loads_is_waited_for_and_then_measured(self):
        server, url = self.loading(2)
        done = self.farebox("bench", "--url", url, "--wait-ready", "60s", "-o", "run", *SHORT[:-1])
        self.assertIn("waiting for " + url, done.stderr)
        self.assertIn("HTTP status 503: Loading model", done.stderr)
        self.assertEqual(accounting_adds_up(self, self.path("run"))["accounting"]["completed"], 10)
        self.assertEqual(server.asked, 2 + 1 + 10)

    def test_the_time_is_over_and_nothing_was_written(self):
        _, url = self.loading(10**9)
        done = self.farebox("bench", "--url", url, "--wait-ready", "1s", "-o", "run", *SHORT, expect=1)
        self.assert_refused(done, "was not ready within 1 s (--wait-ready)", "Loading model")
        self.assertFalse((self.scratch / "run").exists())

    def test_a_refused_key_and_a_missing_model_are_not_waited_for(self):
        for status in (401, 403, 404):
            server, url = self.loading(10**9, status)
            done = self.farebox("bench", "--url", url, "--wait-ready", "1h", "-o", "run", *SHORT, expect=1)
            self.assert_refused(done, "will not get ready by waiting", f"HTTP status {status}: Loading model")
            self.assertEqual(server.asked, 1)

    def test_each_of_several_endpoints_is_waited_for(self):
        one, first = self.loading(1)
        two, second = self.loading(2)
        self.farebox("bench", "--url", first, "--url", second, "--wait-ready", "60s", "-o", "run", *SHORT)
        self.assertEqual(one.asked + two.asked, 1 + 2 + 2 + 10)

    def test_a_server_that_does_not_listen_yet_is_waited_for(self):
        with socket.socket() as held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))  # bound, and does not listen: connections are refused
            port = held.getsockname()[1]
            log = self.path("said")
            with open(log, "w") as said:
                bench = self.start("bench", "--url", f"http://127.0.0.1:{port}/v1", "--wait-ready", "60s", "-o",
                                   "run", *SHORT[:-1])
                reader = threading.Thread(target=lambda: said.write(bench.stderr.readline()), daemon=True)
                reader.start()
                reader.join(60)
            self.assertTrue(has_written(log))
            self.assertIn("waiting for", open(log).read())
        server = Server(("127.0.0.1", port), Loading)
        server.asked, server.refuses, server.status, server.lock = 0, 0, 503, threading.Lock()
        self.run_server(server)
        wait_until(lambda: bench.poll() is not None, "the end of the run")
        self.assertEqual(bench.returncode, 0)

    def test_only_the_first_run_of_a_series_waits(self):
        server, url = self.loading(1)
        self.farebox("bench", "--url", url, "--wait-ready", "60s", "--repeat", "3", "-o", "runs", *SHORT)
        self.assertEqual(server.asked, 1 + 1 + 30)


class StopWhen(Case):
    def stopped(self, *words, expect=0):
        done = self.farebox("bench", "--scenario", "chat", "--no-probe", "-o", "run", "--force", *words, expect=expect)
        return done, accounting_adds_up(self, self.path("run"))

    def test_a_slow_endpoint_is_sent_no_more_and_the_result_says_so(self):
        url = self.mock("--ttft-ms", "300", "--itl-ms", "1")
        condition = "ttft_p50>200ms over 1s"
        done, summary = self.stopped("--url", url, "--rate", "50", "--duration", "60s", "--stop-when", condition)
        told = summary["stopped"]
        self.assertEqual(told["condition"], condition)
        self.assertRegex(told["reason"], r"^ttft_p50 was .* over the last 1 s")
        self.assertLess(told["at_s"], 30)
        self.assertIn(f"--stop-when '{condition}'", done.stdout)
        self.assertEqual(read_json(self.path("run/run.json"))["stopped"], told)
        self.assertEqual(summary["accounting"]["failed"] + summary["accounting"]["cancelled"], 0)  # it drained
        self.assertLess(summary["last_due_s"], told["at_s"] + 1)

    def test_what_was_planned_and_not_due_is_accounted(self):
        url = self.mock("--ttft-ms", "300", "--itl-ms", "1")
        _, summary = self.stopped("--url", url, "--rate", "50", "--requests", "3000", "--max-in-flight", "5",
                                  "--stop-when", "queue_p50>1 over 1s")
        a = summary["accounting"]
        self.assertEqual(a["scheduled"] + a["not_due"], 3000)
        self.assertGreater(a["not_due"], 0)
        self.assertEqual(a["unsent_by"], {"saturated": a["unsent"]})
        self.assertGreater(a["unsent"], 0)

    def test_a_dead_server_stops_the_run_though_nothing_ends(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1024)  # connections open, nothing is read or answered
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
            done, summary = self.stopped("--url", url, "--model", "m", "--rate", "50", "--duration", "300s", "--drain",
                                         "100ms", "--stop-when", "ttft_p50>500ms over 1s", expect=1)
        self.assertIn("above 500 ms", summary["stopped"]["reason"])
        self.assertEqual(summary["accounting"]["cancelled"], summary["accounting"]["scheduled"])

    def test_failures_in_a_row_stop_the_run(self):
        url = self.mock("--fault", "status=503")
        _, summary = self.stopped("--url", url, "--rate", "100", "--duration", "300s", "--stop-when", "failures>20",
                                  expect=1)
        self.assertEqual(summary["stopped"]["condition"], "failures>20")
        self.assertGreater(summary["accounting"]["failed"], 20)

    def test_an_endpoint_that_keeps_up_is_not_stopped(self):
        _, summary = self.stopped("--url", "mock:constant", "--rate", "50", "--duration", "3s", "--stop-when",
                                  "ttft_p99>60s over 1s", "--stop-when", "failed>50% over 1s")
        self.assertNotIn("stopped", summary)
        self.assertNotIn("stopped", read_json(self.path("run/run.json")))

    def test_run_json_of_a_stopped_run_repeats_it(self):
        url = self.mock("--ttft-ms", "300", "--itl-ms", "1")
        self.stopped("--url", url, "--rate", "50", "--duration", "60s", "--stop-when", "ttft_p50>200 over 1s")
        self.farebox("bench", "--config", self.path("run/run.json"), "-o", "again")
        self.assertEqual(read_json(self.path("again/summary.json"))["stopped"]["condition"], "ttft_p50>200 over 1s")

    def test_a_stopped_level_of_a_sweep_is_saturated_and_higher_ones_are_left_out(self):
        url = self.mock("--ttft-ms", "300", "--itl-ms", "1")
        done = self.farebox("bench", "--url", url, "--scenario", "chat", "--no-probe", "--sweep", "rate=20,40,80",
                            "--duration", "20s", "--slo", "ttft=100000", "--stop-when", "ttft_p50>200 over 1s", "-o",
                            "sweep")
        sweep = read_json(self.path("sweep/sweep.json"))
        self.assertEqual([p["value"] for p in sweep["points"]], [20])
        self.assertTrue(sweep["points"][0]["stopped"])
        self.assertEqual((sweep["skipped"], sweep["knee"]), (2, None))
        self.assertIn("2 higher loads were left out", done.stdout)

    def test_a_stopped_probe_does_not_hold(self):
        url = self.mock("--ttft-ms", "300", "--itl-ms", "1")
        self.farebox("bench", "--url", url, "--scenario", "chat", "--no-probe", "--find-max", "--rate", "40",
                     "--requests", "60", "--max-requests", "100", "--slo", "ttft=100000", "--stop-when",
                     "ttft_p50>200 over 1s", "-o", "found", expect=1)
        found = read_json(self.path("found/find-max.json"))
        self.assertTrue(found["probes"][0]["stopped"])
        self.assertEqual(found["fails_at_rps"], 40)

    def test_a_condition_that_is_none_is_refused_before_anything_is_sent(self):
        for words, says in ((("ttft_p50",), "expected FIGURE>LIMIT"), (("ttft_p42>3",), "unknown figure")):
            done = self.farebox("bench", "--url", "http://127.0.0.1:1/v1", "--scenario", "chat", "--stop-when", *words,
                                expect=2)
            self.assert_refused(done, "--stop-when", says)


class Keeping(Handler):
    """Answers everything with one token, and keeps what it was asked."""

    def do_POST(self):
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.reply(200, ANSWER)


def png_size(data):
    """Checks every part of a PNG file of one bit a pixel: its size, and its pixels."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds, packed, head = 8, [], b"", None
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        checksum, = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        assert checksum == zlib.crc32(kind + body), kind
        kinds.append(kind)
        head = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else head
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    assert (kinds[0], kinds[-1], head[2:]) == (b"IHDR", b"IEND", (1, 0, 0, 0, 0)), (kinds, head)
    pixels, row = zlib.decompress(packed), 1 + (head[0] + 7) // 8
    assert len(pixels) == row * head[1] and not any(pixels[::row])
    return head[:2], pixels


class Images(Case):
    TRACE = ('{"timestamp": 0, "input_length": 40, "output_length": 3, '
             '"images": [{"width": 1024, "height": 768}, {"width": 30, "height": 9}], "labels": {"a": "b"}}\n'
             '{"timestamp": 1, "input_length": 40, "output_length": 3}\n')

    def asked(self, *words):
        server = Server(("127.0.0.1", 0), Keeping)
        server.bodies = []
        self.run_server(server)
        self.farebox("bench", "--url", f"http://127.0.0.1:{server.server_address[1]}/v1", "--model", "m", "--no-probe",
                     "--no-stream", "--quiet", "-o", "run", "--force", *words)
        return [body["messages"][0]["content"] for body in server.bodies]

    @staticmethod
    def pictures(content):
        urls = [part["image_url"]["url"] for part in content[1:]]
        return [png_size(base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True)) for url in urls]

    def test_a_trace_with_images_is_written_as_it_was_read(self):
        trace = self.write("in.jsonl", self.TRACE)
        self.farebox("workload", "convert", trace, "-o", "out.jsonl")
        self.assertEqual((self.scratch / "out.jsonl").read_text(), self.TRACE)
        done = self.farebox("workload", "convert", trace, "--to", "csv", "-o", "out.csv")
        self.assertIn("images", done.stderr)

    def test_a_scenario_gives_its_images_to_every_request(self):
        image = {"width": 640, "height": 480}
        scenario = self.write("pictures.json", json.dumps({
            "scenario": "pictures", "arrivals": {"process": "poisson", "rate_rps": 5}, "requests": 4,
            "classes": [{"images": [image, image], "input": 20, "output": 3}]}))
        self.farebox("workload", "gen", scenario, "-o", "made.jsonl")
        rows = read_lines(self.path("made.jsonl"))
        self.assertEqual([r["images"] for r in rows if "images" in r], [[image, image]] * 4)

    def test_images_are_sent_as_pictures_of_their_size_beside_the_text(self):
        contents = self.asked("--trace", self.write("in.jsonl", self.TRACE))
        with_images = [c for c in contents if isinstance(c, list)]
        self.assertEqual(len(contents), 2)
        self.assertEqual([p["type"] for p in with_images[0]], ["text", "image_url", "image_url"])
        self.assertEqual(len(with_images[0][0]["text"].split()), 40)
        self.assertEqual([size for size, _ in self.pictures(with_images[0])], [(1024, 768), (30, 9)])
        self.assertEqual(read_json(self.path("run/summary.json"))["asked"]["images"], 2)

    def test_no_two_pictures_are_alike_and_a_seed_makes_them_again(self):
        words = ("--scenario", "chat", "--concurrency", "1", "--requests", "5", "--image-count", "3", "--image-size",
                 "512x300", "--prompt-salt", "fixed")
        first, again = self.asked(*words), self.asked(*words)
        seen = [pixels for content in first for size, pixels in self.pictures(content)]
        self.assertEqual(len(seen), 15)
        self.assertEqual(len(set(seen)), 15)
        self.assertEqual(first, again)
        self.assertLess(max(len(p["image_url"]["url"]) for c in first for p in c[1:]), 1000)

    def test_the_mock_counts_their_tokens_and_the_texts_length_is_compared_without_them(self):
        run = ("--url", "mock:constant", "--scenario", "chat", "--concurrency", "1", "--requests", "4", "--quiet")
        self.farebox("bench", *run, "-o", "text")
        self.farebox("bench", *run, "--image-count", "2", "--image-size", "2048x4096", "-o", "images")
        text, images = (read_json(self.path(f"{name}/summary.json")) for name in ("text", "images"))
        self.assertEqual(images["all"]["input_tokens"], text["all"]["input_tokens"] + 4 * 2 * 1105)
        self.assertEqual(images["asked"]["images"], 8)
        self.assertNotIn("images", text["asked"])
        self.assertEqual(images["all"]["image_input_tokens"], 4 * 2 * 1105)
        self.assertEqual(images["asked"]["input_error_p99"], text["asked"]["input_error_p99"])
        self.farebox("bench", *run, "--api", "messages", "--image-count", "2", "-o", "untold")
        self.assertIsNone(read_json(self.path("untold/summary.json"))["asked"]["input_error_p99"])

    def test_what_cannot_be_is_refused_before_anything_is_sent(self):
        trace = self.write("in.jsonl", self.TRACE)
        chat = ("--url", "http://127.0.0.1:1/v1", "--scenario", "chat", "--rate", "5", "--requests", "5")
        for words, says in (((*chat, "--image-count", "1", "--api", "completions"), "takes none beside a prompt"),
                            ((*chat, "--image-count", "1", "--api", "rerank"), "takes none beside a prompt"),
                            ((*chat, "--image-size", "1024"), "WIDTHxHEIGHT"),
                            ((*chat, "--image-size", "0x5"), "WIDTHxHEIGHT"),
                            (("--url", "http://127.0.0.1:1/v1", "--trace", trace, "--image-count", "1"),
                             "images of its own")):
            self.assert_refused(self.farebox("bench", *words, expect=2), says)
        bad = self.write("bad.jsonl", self.TRACE.replace('"height": 9', '"depth": 9'))
        self.assert_refused(self.farebox("workload", "info", bad, expect=2), "bad.jsonl:1:", "depth")


if __name__ == "__main__":
    unittest.main()

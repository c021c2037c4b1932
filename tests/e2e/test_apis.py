"""One workload over every API: what bench counts and measures does not depend on the words in which
it is told. Tokens and classes are held against the mock's truth log, request by request; latencies
against those of chat."""
import json
import pathlib
import shutil
import signal
import statistics

from support import Case, accounting_adds_up, read_lines, takes_times

APIS = ("chat", "completions", "responses", "messages")
ENGINE = "rtx4090-llama-3.1-8b-tp1"


class Rows(Case):
    def rows(self, count, gap_ms, **more):
        """Prompts and answers of many lengths, of which every second begins as one before it."""
        lines = []
        for i in range(count):
            blocks = [i % 4 + 1, 100 + i] if i % 2 else [200 + i]
            row = {"timestamp": i * gap_ms, "input_length": 512 * len(blocks) - 37 * (i % 5),
                   "output_length": 3 + 5 * i % 29, "hash_ids": blocks, "request_id": f"r{i}", **more}
            lines.append(json.dumps(row) + "\n")
        return self.write("w.jsonl", "".join(lines))


class Apis(Rows):
    def against_mock(self, workload, api, *words, mock=()):
        """Runs against a mock of its own: the records and the truth log, both by request."""
        log, run = self.path("truth.jsonl"), self.path("run")
        shutil.rmtree(run, ignore_errors=True)
        process, url = self.start_mock("--log", log, "--force", *mock)
        self.farebox("bench", "--url", url, "--api", api, "--trace", workload, "--model", "m", "-o", run, *words)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        accounting_adds_up(self, pathlib.Path(run))
        records = self.records(run)
        return records, {t["x_request_id"]: t for t in read_lines(log) if t["x_request_id"] in records}

    def assert_same(self, records, truth, streams):
        for name, record in records.items():
            served = truth[name]
            usage = {k: v for k, v in record["usage"].items() if v}
            self.assertEqual(usage, {k: v for k, v in served["usage"].items() if v}, name)
            self.assertEqual(record["usage_from"], "server")
            self.assertEqual(record["status"], "completed")
            self.assertEqual(record["streamed"], streams)
            self.assertEqual(record["chunks"], len(served["due_ns"]) if streams else 0, name)
            self.assertNotIn("odd", record)
            if streams:  # nothing arrives before it was due
                self.assertGreaterEqual(record["first_token_ns"] - record["sent_ns"],
                                        served["due_ns"][0] - served["read_ns"])

    def test_tokens_and_classes_are_those_of_the_truth_log(self):
        workload, told = self.rows(40, 15), {}
        for api in APIS:
            for words in ((), ("--no-stream",)):
                with self.subTest(api=api, words=words):
                    records, truth = self.against_mock(workload, api, "--no-probe", *words, mock=("--engine", ENGINE))
                    self.assertEqual(len(truth), 40)
                    self.assert_same(records, truth, streams=not words)
                    told[api, words] = {n: (r["asked"], r["usage"]["output"], r["finish_reason"])
                                        for n, r in records.items()}
                    if not words and api != "messages":  # where a cache is asked for by marks alone
                        self.assertTrue(any(r["usage"].get("cached_input") for r in records.values()))
        for key, lengths in told.items():  # and one workload asks all of them for the same
            self.assertEqual(lengths, told["chat", ()], key)

    def test_reasoning_has_its_class(self):
        for api, body in (("chat", "{}"), ("responses", "{}"), ("messages", '{"thinking": {"type": "adaptive"}}')):
            for words in ((), ("--no-stream",)):
                with self.subTest(api=api, words=words):
                    records, truth = self.against_mock(self.rows(12, 10), api, "--no-probe", "--body", body, *words,
                                                       mock=("--ttft-ms", 4, "--itl-ms", 1, "--reasoning-tokens", 4))
                    self.assert_same(records, truth, streams=not words)
                    self.assertTrue(all(r["usage"]["reasoning"] for r in records.values()))


@takes_times
class Latencies(Rows):
    REPEATS = 3
    METRICS = ("ttft_ms", "tpot_ms", "e2e_ms")

    def test_are_the_same_over_every_api(self):
        workload = self.rows(40, 25)

        def one(api, repeat):
            run = self.bench_timed(("--ttft-ms", 60, "--itl-ms", 4),
                                   ("--trace", workload, "--api", api, "--no-probe", "--model", "m"),
                                   self.path(f"{api}{repeat}"))
            return [run.summary[m]["p50"] for m in self.METRICS], run.void

        def measure():
            """The middle of interleaved runs, so that what else the machine does meets all alike."""
            seen, why = {api: [] for api in APIS}, None
            for repeat in range(self.REPEATS):
                for api in APIS:
                    values, void = one(api, repeat)
                    seen[api].append(values)
                    why = why or void
            return {api: [statistics.median(column) for column in zip(*runs)] for api, runs in seen.items()}, why
        middle = self.unless_void(measure)
        for api in APIS:
            for metric, value, chat in zip(self.METRICS, middle[api], middle["chat"]):
                with self.subTest(api=api, metric=metric):
                    self.assertAlmostEqual(value / chat, 1, delta=0.02)

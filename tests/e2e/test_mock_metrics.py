"""The mock's /metrics: valid Prometheus text under vLLM's names, and figures that agree with each other."""
import json
import pathlib
import urllib.request

import exposition
from support import Case, read_json

REQUEST = ["vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds",
           "vllm:request_decode_time_seconds", "vllm:request_inference_time_seconds",
           "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds",
           "vllm:request_prompt_tokens", "vllm:request_generation_tokens"]


class MockMetrics(Case):
    def metrics(self, url):
        with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=20) as answer:
            self.assertIn("text/plain; version=0.0.4", answer.headers["Content-Type"])
            return exposition.read(answer.read().decode())

    def run_against(self, url, *more):
        path = self.path("run")
        rows = "".join(json.dumps({"timestamp": 10 * i, "input_length": 100 + 7 * i, "output_length": 1 + i % 12})
                       + "\n" for i in range(40))
        self.farebox("bench", "--url", url, "--trace", self.write("w.jsonl", rows), "--no-probe", "--seed", "3",
                     "-o", path, *more)
        return read_json(pathlib.Path(path) / "summary.json")

    def assert_consistent(self, metrics, summary):
        def value(name, **labels):
            return exposition.value(metrics, name, engine="0", **labels)
        finished = value("vllm:request_success_total")
        # some were over before the client hung up
        self.assertLessEqual(value("vllm:request_success_total", finished_reason="abort"),
                             summary["accounting"]["cancelled"])
        self.assertEqual(finished, summary["accounting"]["attempts"])
        for name in REQUEST:
            self.assertEqual(value(name + "_count"), finished, name)
        self.assertAlmostEqual(value("vllm:request_inference_time_seconds_sum"),
                               value("vllm:request_prefill_time_seconds_sum") +
                               value("vllm:request_decode_time_seconds_sum"), 6)
        self.assertLessEqual(value("vllm:request_queue_time_seconds_sum") +
                             value("vllm:request_inference_time_seconds_sum"),
                             value("vllm:e2e_request_latency_seconds_sum") + 1e-6)
        return value

    def test_a_mock_that_served_nothing_says_so_validly(self):
        metrics = self.metrics(self.mock())
        self.assertEqual(exposition.value(metrics, "vllm:request_success_total"), 0)
        self.assertEqual(metrics["vllm:num_requests_running"][0], "gauge")
        self.assertEqual(metrics["vllm:iteration_tokens_total_count"][0], "histogram")

    def test_an_engine_with_steps_counts_what_it_did(self):
        url = self.mock("--engine", "rtx4090-llama-3.1-8b-tp1")
        summary = self.run_against(url)
        metrics = self.metrics(url)
        value = self.assert_consistent(metrics, summary)
        prompt, generated = value("vllm:prompt_tokens_total"), value("vllm:generation_tokens_total")
        self.assertEqual(generated, summary["all"]["output_tokens"])
        self.assertEqual(prompt, summary["all"]["input_tokens"])
        self.assertEqual(value("vllm:iteration_tokens_total_sum"), prompt + generated)
        self.assertEqual(value("vllm:request_prompt_tokens_sum"), prompt)
        self.assertEqual(value("vllm:request_generation_tokens_sum"), generated)
        self.assertEqual(value("vllm:prefix_cache_queries_total"), prompt)
        self.assertEqual(value("vllm:prefix_cache_hits_total"), summary["all"]["cached_input_tokens"])
        self.assertEqual(value("vllm:prompt_tokens_cached_total"), summary["all"]["cached_input_tokens"])
        (labels, one), = metrics["vllm:cache_config_info"][1].items()
        labels = dict(labels)
        self.assertEqual((one, labels["block_size"], labels["enable_prefix_caching"]), (1, "16", "True"))
        self.assertGreater(int(labels["num_gpu_blocks"]), 1000)

    def test_requests_that_a_client_drops_are_counted_in_every_distribution(self):
        url = self.mock("--ttft-ms", "20", "--itl-ms", "5")
        summary = self.run_against(url, "--cancel", "0.5:3")
        self.assertGreater(summary["accounting"]["cancelled"], 3)
        metrics = self.metrics(url)
        value = self.assert_consistent(metrics, summary)
        self.assertGreater(value("vllm:request_success_total", finished_reason="abort"), 0)
        self.assertEqual(value("vllm:iteration_tokens_total_sum"),
                         value("vllm:prompt_tokens_total") + value("vllm:generation_tokens_total"))
        self.assertEqual(value("vllm:prefix_cache_queries_total"), 0)  # it has none

    def test_the_queue_time_is_that_of_a_full_engine(self):
        url = self.mock("--ttft-ms", "50", "--itl-ms", "10", "--max-num-seqs", "1")
        path = self.write("w.jsonl", '{"timestamp": 0, "input_length": 9, "output_length": 6}\n' * 3)
        self.farebox("bench", "--url", url, "--trace", path, "--no-probe", "-o", self.path("queue"))
        metrics = self.metrics(url)
        # each answer takes 50 + 5 × 10 ms, one behind the other: 0 + 100 + 200 ms in the queue
        self.assertAlmostEqual(exposition.value(metrics, "vllm:request_queue_time_seconds_sum"), 0.3, delta=0.03)
        self.assertAlmostEqual(exposition.value(metrics, "vllm:request_prefill_time_seconds_sum"), 0.15, delta=0.01)
        self.assertAlmostEqual(exposition.value(metrics, "vllm:request_decode_time_seconds_sum"), 0.15, delta=0.01)
        self.assertAlmostEqual(exposition.value(metrics, "vllm:request_time_per_output_token_seconds_sum"), 0.03,
                               delta=0.003)

    def test_a_model_named_with_quotes_does_not_break_the_text(self):
        metrics = self.metrics(self.mock("--model", 'a "b" \\ c'))
        (labels, _), = metrics["vllm:num_requests_running"][1].items()
        self.assertEqual(dict(labels)["model_name"], 'a \\"b\\" \\\\ c')

    def test_the_reader_of_the_test_refuses_what_is_wrong(self):
        head = "# HELP x h\n# TYPE x histogram\n"
        for text in ["x 1\n", "# TYPE x counter\nx 1\n", head + 'x_bucket{le="1"} 2\nx_bucket{le="+Inf"} 1\n'
                     "x_sum 1\nx_count 1\n", head + 'x_bucket{le="+Inf"} 1\nx_sum 1\nx_count 2\n',
                     "# HELP x_total h\n# TYPE x_total counter\nx_total 1\nx_total 2\n",
                     "# HELP x h\n# TYPE x gauge\nx{a=b} 1\n", "# HELP x h\n# TYPE x gauge\nx 1"]:
            with self.assertRaises(exposition.Wrong, msg=text):
                exposition.read(text)

"""report --export: other tools' keys, figures that equal the summary's, and files that we read back."""
import csv
import pathlib
import statistics

from support import Case, read_json, read_lines


def finals(run):
    return [r for r in read_lines(pathlib.Path(run) / "requests.jsonl") if r["final"]]


class Exports(Case):
    def sim(self, *words):
        run = self.path("run")
        self.farebox("sim", "--scenario", "chat", "--engine", "rtx4090-llama-3.1-8b-tp1",
                     "--requests", 300, "-o", run, *words)
        return run

    def export(self, kind, run, *words):
        return self.farebox("report", run, "--no-tables", "--export", kind, *words).stdout

    def test_vllm_figures_and_arrays(self):
        run = self.sim("--record", "chunks", "--slo", "ttft=500")
        self.export("vllm", run)
        result, whole = read_json(run + "/vllm.json"), read_json(run + "/summary.json")["all"]
        for ours, theirs in (("request_throughput_rps", "request_throughput"),
                             ("output_throughput_tps", "output_throughput"),
                             ("total_throughput_tps", "total_token_throughput"),
                             ("goodput_rps", "request_goodput"), ("duration_s", "duration"),
                             ("input_tokens", "total_input_tokens"),
                             ("output_tokens", "total_output_tokens")):
            self.assertAlmostEqual(result[theirs], whole[ours], delta=1e-5 + 1e-8 * whole[ours],
                                   msg=theirs)
        for ours, theirs in (("ttft_ms", "ttft"), ("tpot_ms", "tpot"), ("chunk_gap_ms", "itl"),
                             ("e2e_ms", "e2el")):
            self.assertAlmostEqual(result[f"mean_{theirs}_ms"], whole[ours]["mean"], delta=1e-4)
            self.assertAlmostEqual(result[f"median_{theirs}_ms"], whole[ours]["p50"], delta=1e-4)
            self.assertAlmostEqual(result[f"p99_{theirs}_ms"], whole[ours]["p99"], delta=1e-4)
        self.assertAlmostEqual(result["std_ttft_ms"] / 1e3, statistics.pstdev(result["ttfts"]))
        self.assertEqual((result["completed"], result["failed"]), (300, 0))
        rows = sorted(finals(run), key=lambda r: r["sent_ns"])
        self.assertEqual(result["output_lens"], [r["asked"]["output"] for r in rows])
        self.assertEqual(result["start_times"], [r["sent_ns"] / 1e9 for r in rows])
        self.assertEqual(result["errors"], [""] * 300)
        for row, ttft, gaps in zip(rows, result["ttfts"], result["itls"]):
            self.assertEqual(len(gaps), row["chunks"] - 1)
            self.assertAlmostEqual(ttft + sum(gaps), (row["done_ns"] - row["sent_ns"]) / 1e9,
                                   places=7)

    def test_vllm_reads_back_as_the_same_workload(self):
        run = self.sim("--record", "chunks")
        self.export("vllm", run, "-o", self.path("v.json"))
        self.export("aiperf", run, "-o", self.path("a"))
        ours = self.farebox_json("workload", "info", run)
        for other in ("v.json", "a/profile_export.jsonl"):
            theirs = self.farebox_json("workload", "info", self.path(other))
            for key in ("requests", "input_tokens", "output_tokens"):
                self.assertEqual(theirs[key], ours[key], f"{other}: {key}")
            self.assertAlmostEqual(theirs["duration_s"], ours["duration_s"], delta=1e-6)

    def test_without_chunks_it_says_so_and_leaves_them_out(self):
        run = self.sim()
        said = self.export("vllm", run)
        result = read_json(run + "/vllm.json")
        self.assertIn("--record chunks", said)
        for key in ("itls", "mean_itl_ms", "max_output_tokens_per_s"):
            self.assertNotIn(key, result)
        self.assertIsNone(result["request_goodput"])
        self.assertEqual(result["request_rate"], "inf")

    def test_aiperf_rows_and_statistics(self):
        run = self.sim("--record", "chunks", "--slo", "tpot=50")
        self.export("aiperf", run)
        rows = read_lines(run + "/aiperf/profile_export.jsonl")
        result = read_json(run + "/aiperf/profile_export_aiperf.json")
        whole = read_json(run + "/summary.json")["all"]
        for ours, theirs in (("ttft_ms", "time_to_first_token"), ("e2e_ms", "request_latency"),
                             ("tpot_ms", "inter_token_latency"),
                             ("chunk_gap_ms", "inter_chunk_latency")):
            self.assertEqual(result[theirs]["unit"], "ms")
            self.assertAlmostEqual(result[theirs]["avg"], whole[ours]["mean"], delta=1e-4)
            self.assertAlmostEqual(result[theirs]["p99"], whole[ours]["p99"], delta=1e-4)
        self.assertAlmostEqual(result["request_throughput"]["avg"],
                               whole["request_throughput_rps"], delta=1e-5)
        self.assertAlmostEqual(result["goodput"]["avg"], whole["goodput_rps"], delta=1e-5)
        self.assertEqual(result["good_request_count"]["avg"] % 1, 0)
        latencies = [r["metrics"]["request_latency"]["value"] for r in rows]
        self.assertAlmostEqual(result["request_latency"]["std"], statistics.pstdev(latencies))
        for row in rows:
            self.assertIsNone(row["error"])
            span = row["metadata"]["request_end_ns"] - row["metadata"]["request_start_ns"]
            self.assertAlmostEqual(row["metrics"]["request_latency"]["value"], span / 1e6)

    def test_failures_of_a_live_run(self):
        url = self.mock("--ttft-ms", 5, "--itl-ms", 1, "--fault", "status=500@30%")
        run = self.path("run")
        self.farebox("bench", "--url", url, "--scenario", "chat", "--requests", 60, "--rate", 100,
                     "-o", run)
        self.export("vllm", run)
        self.export("aiperf", run)
        self.export("csv", run)
        accounting = read_json(run + "/summary.json")["accounting"]
        result = read_json(run + "/vllm.json")
        self.assertGreater(result["failed"], 0)
        self.assertEqual((result["completed"], result["failed"], result["request_rate"]),
                         (accounting["completed"], accounting["failed"], 100))
        self.assertEqual(sum(e != "" for e in result["errors"]), accounting["failed"])
        self.assertEqual(result["output_lens"].count(0), accounting["failed"])
        bad = [r for r in read_lines(run + "/aiperf/profile_export.jsonl") if r["error"]]
        self.assertEqual({r["error"]["code"] for r in bad}, {500})
        self.assertEqual(len(bad), accounting["failed"])
        with open(run + "/requests.csv", newline="") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), accounting["scheduled"])
        self.assertEqual(sum(l["status"] == "failed" for l in lines), accounting["failed"])

    def test_csv_times(self):
        run = self.sim()
        self.export("csv", run, "-o", self.path("r.csv"))
        records = {r["request_id"]: r for r in finals(run)}
        with open(self.path("r.csv"), newline="") as file:
            for line in csv.DictReader(file):
                r = records.pop(line["request_id"])
                self.assertAlmostEqual(float(line["ttft_scheduled_ms"]),
                                       (r["first_token_ns"] - r["scheduled_ns"]) / 1e6, places=6)
                self.assertEqual(int(line["output_tokens"]), r["asked"]["output"])
        self.assertEqual(records, {})

    def test_a_wrong_kind_is_refused(self):
        done = self.farebox("report", self.path("x"), "--export", "guidellm", expect=2)
        self.assert_refused(done, "vllm, aiperf, csv, otlp or sqlite")

"""Parts of a run in several processes, merged: the run that one process would have made."""
import json
import pathlib
import shutil
import unittest

from support import Case, accounting_adds_up, read_json, read_lines


class Merge(Case):
    def part(self, index, of, run, *words, **more):
        shard = ("--shard", f"{index}/{of}") if of else ()
        return self.farebox("bench", "--url", self.url, "--scenario", "chat", "--rate", 150, "-n", 150,
                            "--seed", 5, "--prompt-salt", "one", "--slo", "ttft=200", *shard, *words,
                            "-o", self.path(run), "--quiet", **more)

    def setUp(self):
        super().setUp()
        self.url = self.mock("--ttft-ms", 5, "--itl-ms", 1)

    def test_the_parts_make_the_whole(self):
        for i in (1, 2, 3):
            self.part(i, 3, f"part-{i}", "--cancel", "0.2:5")
        self.part(1, 0, "alone", "--cancel", "0.2:5")
        parts = [self.path(f"part-{i}") for i in (3, 1, 2)]
        printed = self.farebox_json("merge", *parts, "-o", self.path("whole"))
        whole, alone = pathlib.Path(self.path("whole")), pathlib.Path(self.path("alone"))
        merged, one = accounting_adds_up(self, whole), accounting_adds_up(self, alone)
        self.assertEqual(printed, merged)
        # What was asked, and of whom: the same requests at the same times, the same ones cancelled.
        self.assertEqual(merged["accounting"], one["accounting"])
        self.assertGreater(merged["accounting"]["cancelled"], 5)
        for key in ("asked", "slo", "load", "last_due_s", "steady_rate_from_s", "steady_rate_until_s"):
            self.assertEqual(merged[key], one[key])
        due = [sorted((r["request_id"], r["scheduled_ns"], r["status"])
                      for r in read_lines(run / "requests.jsonl")) for run in (whole, alone)]
        self.assertEqual(*due)
        ends = [r["done_ns"] for r in read_lines(whole / "requests.jsonl")]
        self.assertEqual(ends, sorted(ends))
        # The gaps of all parts, though no record kept its chunks.
        gaps = [read_json(pathlib.Path(p) / "summary.json")["chunk_gap_ms"]["count"] for p in parts]
        self.assertEqual(merged["chunk_gap_ms"]["count"], sum(gaps))
        self.assertEqual(merged["chunk_gap_ms"]["count"], one["chunk_gap_ms"]["count"])
        self.assertEqual(len(merged["fidelity"]["parts"]), 3)
        # And it is a run like any other.
        self.farebox("report", whole, "--no-plots", "--no-html")
        self.farebox("bill", whole, "--plans", "demo")

    def test_one_limited_part_makes_a_limited_run(self):
        for i in (1, 2):
            self.part(i, 2, f"part-{i}")
        parts = [pathlib.Path(self.path(f"part-{i}")) for i in (1, 2)]
        def judge(part, **verdict):
            summary = read_json(part / "summary.json")
            summary["fidelity"] |= verdict
            (part / "summary.json").write_text(json.dumps(summary))
        judge(parts[0], client_limited=False, reason=None)
        judge(parts[1], client_limited=True, reason="send lag p99 is 48 ms")
        done = self.farebox("merge", *parts, "-o", self.path("limited"))
        says = "The client was the limit: in 1 of 2 parts: send lag p99 is 48 ms"
        self.assertIn(says, done.stdout)
        fidelity = read_json(self.path("limited/summary.json"))["fidelity"]
        self.assertIs(fidelity["client_limited"], True)
        # The same words wherever the run is shown, and a comparison with it warns.
        self.assertIn(says, self.farebox("report", self.path("limited"), "--no-plots").stdout)
        page = pathlib.Path(self.path("limited/report.html")).read_text()
        self.assertIn("in 1 of 2 parts: send lag p99 is 48 ms", page)
        done = self.farebox("diff", parts[0], self.path("limited"))
        self.assertIn("the client was the limit of", done.stderr)
        self.assertNotIn("the client was the limit of " + str(parts[0]), done.stderr)
        self.farebox("report", parts[0], self.path("limited"), "--no-plots", "-o", self.path("two.html"))
        side_by_side = pathlib.Path(self.path("two.html")).read_text().split("<details>")[0]
        self.assertEqual(side_by_side.count("the client was the limit"), 1)
        self.assertEqual(side_by_side.count("the client kept up"), 1)
        # A part that does not say leaves the whole unsaid.
        judge(parts[1], client_limited=None, reason=None)
        done = self.farebox("merge", *parts, "-o", self.path("unsaid"))
        self.assertNotIn("can be trusted", done.stdout)
        self.assertNotIn("client_limited", read_json(self.path("unsaid/summary.json"))["fidelity"])

    def test_what_is_no_part_is_refused(self):
        for i in (1, 2):
            self.part(i, 3, f"part-{i}", "-d", "1s")
        self.part(1, 0, "alone", "-d", "1s")
        one, two = self.path("part-1"), self.path("part-2")
        copy = self.path("copy")
        shutil.copytree(one, copy)
        out = self.path("whole")
        for words, says in (((one, copy), "both part 1 of 3"), ((one, self.path("alone")), "--shard"),
                            ((one, self.path("nothing")), "no run directory"), ((one,), "two parts")):
            done = self.farebox("merge", *words, "-o", out, expect=2)
            self.assertIn(says, done.stderr)
            self.assertFalse(pathlib.Path(out).exists())
        self.farebox("bench", "--url", self.url, "--scenario", "rag", "--rate", 150, "-n", 20,
                     "--slo", "ttft=200", "--shard", "3/3", "--prompt-salt", "one", "-o",
                     self.path("other"), "--quiet")
        done = self.farebox("merge", one, two, self.path("other"), "-o", out, expect=2)
        self.assertIn("workload", done.stderr)
        done = self.farebox("merge", one, two, "-o", out)
        self.assertIn("1 of 3 parts are missing, part 3", done.stderr)
        self.farebox("merge", one, two, "-o", out, expect=2)
        self.farebox("merge", one, two, "-o", out, "--force")
        # Onto one of the parts, or with a part that is cut short: nothing is lost.
        records = pathlib.Path(one) / "requests.jsonl"
        before, whole = records.read_text(), (pathlib.Path(out) / "requests.jsonl").read_text()
        done = self.farebox("merge", one, two, "-o", one + "/.", "--force", expect=2)
        self.assertIn("one of the parts", done.stderr)
        self.assertEqual(records.read_text(), before)
        for cut, says in ((before[:-20], "cut short"),
                          (before[:before.rstrip().rindex("\n") + 1], "other requests")):
            records.write_text(cut)
            done = self.farebox("merge", one, two, "-o", out, "--force", expect=2)
            self.assertIn(says, done.stderr)
            self.assertEqual((pathlib.Path(out) / "requests.jsonl").read_text(), whole)
            self.farebox("merge", one, two, "-o", self.path("new"), expect=2)
            self.assertFalse(pathlib.Path(self.path("new")).exists())

    def test_gaps_and_the_start_are_those_of_all_parts(self):
        self.part(1, 2, "part-1", "--record", "chunks")
        self.part(2, 2, "part-2")
        parts = [pathlib.Path(self.path(f"part-{i}")) for i in (1, 2)]
        merged = self.farebox_json("merge", *parts, "-o", self.path("whole"))
        self.assertEqual(merged["chunk_gap_ms"]["count"],
                         sum(read_json(p / "summary.json")["chunk_gap_ms"]["count"] for p in parts))
        self.assertEqual(read_json(pathlib.Path(self.path("whole")) / "run.json")["started"],
                         min(read_json(p / "run.json")["started"] for p in parts))


if __name__ == "__main__":
    unittest.main()

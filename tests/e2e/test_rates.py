"""A rate is in requests per second, whatever the workload's sessions are like, in every command."""
import json
import pathlib
import unittest

from support import Case, read_json, read_lines

MINUTE = ("--rate", 5, "-d", "60s", "--seed", 4)


class Rates(Case):
    def made(self, scenario, *words):
        return self.farebox_json("workload", "gen", scenario, *words, "-o", self.path("t.jsonl"), "-f")

    def told(self, *words):
        return self.farebox_json("bench", "--url", "mock:constant", *words, "--dry-run")

    def simulated(self, *words, name="run"):
        self.farebox("sim", *words, "-q", "-f", "-o", self.path(name))
        return read_json(self.path(f"{name}/summary.json"))

    def test_every_command_means_the_same_requests(self):
        for scenario in ("agent", "mixed-service", "chat"):
            with self.subTest(scenario):
                requests = self.made(scenario, *MINUTE)["requests"]
                self.assertTrue(100 < requests < 700, requests)
                dry = self.told("--scenario", scenario, *MINUTE)
                self.assertEqual(dry["requests"] + dry["not_due"], requests)
                counts = self.simulated("--scenario", scenario, *MINUTE)["accounting"]
                self.assertEqual(counts["scheduled"] + counts["not_due"], requests)

    def test_a_run_is_the_trace_that_gen_writes(self):
        self.made("support", *MINUTE)
        rows = [row["timestamp"] for row in read_lines(self.path("t.jsonl")) if "timestamp" in row]
        self.simulated("--scenario", "support", *MINUTE)
        first = [r["scheduled_ns"] / 1e6 for r in read_lines(self.path("run/requests.jsonl"))
                 if r["request_id"].endswith(".1")]
        begin = min(first)  # a file begins with its first request
        for row, due in zip(sorted(rows), sorted(first), strict=True):
            self.assertAlmostEqual(row, due - begin, delta=1e-3)

    def test_of_a_trace_its_requests_over_its_sessions(self):
        lines = [{"request_id": f"s{s}.{k}", "input_length": 9, "output_length": 2,
                  **({"after": [f"s{s}.{k - 1}"], "delay": 100} if k else {"timestamp": 0})}
                 for s in range(200) for k in range(5)]
        trace = self.write("turns.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        load = ("--trace", trace, "--rate", 50, "--arrival", "constant", "--ttft-ms", 1, "--itl-ms", 1)
        summary = self.simulated(*load)
        firsts = sorted(r["scheduled_ns"] for r in read_lines(self.path("run/requests.jsonl"))
                        if r["request_id"].endswith(".0"))
        self.assertEqual(firsts, [k * 100_000_000 for k in range(200)])
        self.assertAlmostEqual(summary["steady_rate_from_s"], 4 * (0.1 + 0.002), delta=0.001)
        self.assertEqual(summary["steady_rate_until_s"], 20)
        dry = self.told("--trace", trace, "--rate", 50, "--arrival", "constant", "-d", "20s")
        self.assertEqual(dry["requests"] + dry["not_due"], 1000)
        self.assertAlmostEqual(dry["steady_rate_from_s"], 0.4, delta=1e-9)

    def test_a_load_that_outlasts_its_sessions_is_told(self):
        self.made("support", "-n", 40)
        load = ("--trace", self.path("t.jsonl"), "--rate", 5, "-d", "60s")
        for command in (("bench", "--url", "mock:constant", "--dry-run"), ("sim", "-o", self.path("run"))):
            done = self.farebox(*command, *load)
            self.assertIn("it asks for about 300 requests, the workload holds 40 and is not begun anew", done.stderr)
        self.assertNotIn("begun anew", self.farebox("bench", "--url", "mock:constant", "--dry-run", *load[:-1], "7s").stderr)

    def test_the_run_says_when_the_rate_is_reached(self):
        for words, says in ((("-d", "60s"), "! the rate is not reached: "), (("-d", "30m"), "\nsteady rate  from ")):
            done = self.farebox("sim", "--scenario", "support", "--rate", 5, *words, "-q", "-f", "-o", self.path("run"))
            self.assertIn(says, done.stdout)
            steady = read_json(self.path("run/summary.json"))["steady_rate_from_s"]
            self.assertTrue(100 < steady < 500, steady)
        late = [r for r in read_lines(self.path("run/requests.jsonl")) if r["scheduled_ns"] > steady * 1e9]
        self.assertAlmostEqual(len(late) / (1800 - steady) / 5, 0.98, delta=0.08)
        self.farebox("report", self.path("run"), "--no-plots", "--no-tables", "-q")
        self.assertIn("95 % of --rate reached", pathlib.Path(self.path("run/report.html")).read_text())
        self.assertIsNone(self.simulated("--scenario", "support", "-n", 50)["steady_rate_from_s"])
        self.assertEqual(self.simulated("--scenario", "chat", *MINUTE)["steady_rate_from_s"], 0)
        made = self.made("support", *MINUTE)
        self.assertTrue(100 < made["steady_rate_from_s"] < 500)
        # So many requests end the sessions' beginning, though their turns go on long after it.
        counted = self.simulated("--scenario", "support", "--rate", 5, "-n", 600)
        self.assertLess(counted["steady_rate_until_s"], 160)
        self.assertGreater(counted["last_due_s"], counted["steady_rate_from_s"])
        self.assertAlmostEqual(made["requests_per_session"], 3.392, delta=0.002)

    def test_a_day_curve_is_for_own_times_or_asked_for(self):
        night = ("mixed-service", "--rate", 20, "-d", "10m", "--seed", 2)
        self.assertAlmostEqual(self.made(*night)["requests"] / 12000, 1, delta=0.1)
        self.assertLess(self.made(*night, "--arrival", "scenario")["requests"] / 12000, 0.65)
        dry = self.told("--scenario", "mixed-service", *night[1:], "--arrival", "scenario")
        self.assertIsNone(dry["steady_rate_from_s"])  # the day's curve goes on
        self.assertLess((dry["requests"] + dry["not_due"]) / 12000, 0.65)

    def test_points_of_a_sweep_have_their_rates(self):
        self.farebox("sim", "--scenario", "agent", "--sweep", "rate=2,4", "-d", "200s", "-q", "-o", self.path("s"))
        for rate in (2, 4):
            counts = read_json(self.path(f"s/rate-{rate}/summary.json"))["accounting"]
            made = self.made("agent", "--rate", rate, "-d", "200s")["requests"]
            self.assertEqual(counts["scheduled"] + counts["not_due"], made)

    def test_a_rate_that_was_not_reached_does_not_hold(self):
        for requests, says in ((300, None), (6000, "yes")):
            self.farebox("sim", "--scenario", "support", "--sweep", "rate=5", "-n", requests, "--slo", "ttft=1000",
                         "-q", "-f", "-o", self.path("s"))
            point = read_json(self.path("s/sweep.json"))["points"][0]
            self.assertEqual((point["goodput_fraction"], point["sustained"]), (1, says))

    def test_repeats_have_other_arrivals_of_the_same_requests(self):
        self.farebox("bench", "--url", "mock:constant", "--scenario", "chat", "--rate", 200, "-n", 20,
                     "--repeat", 2, "--no-probe", "-q", "-o", self.path("r"))
        one, two = ({r["request_id"]: r for r in read_lines(self.path(f"r/{k}/requests.jsonl"))} for k in (1, 2))
        self.assertEqual({i: r["asked"] for i, r in one.items()}, {i: r["asked"] for i, r in two.items()})
        self.assertNotEqual({i: r["scheduled_ns"] for i, r in one.items()},
                            {i: r["scheduled_ns"] for i, r in two.items()})

    def test_stages_end_a_scenario(self):
        load = ("--rate", "10:10s,10-30:10s,+50", "--seed", 3)
        made = self.made("rag", *load)
        self.assertAlmostEqual(made["requests"], 350, delta=70)
        self.assertAlmostEqual(made["duration_s"], 20, delta=1)
        self.assertEqual(self.told("--scenario", "rag", *load)["requests"], made["requests"])

    def test_transforms_come_before_the_rate(self):
        counts = self.simulated("--scenario", "chat", *MINUTE, "--transform", "sample=0.5")["accounting"]
        self.assertAlmostEqual(counts["scheduled"], 300, delta=70)

    def test_a_time_too_short_for_a_session_is_told(self):
        done = self.farebox("sim", "--scenario", "agent", "--rate", 5, "-d", "1ms", "-o", self.path("run"), expect=2)
        self.assert_refused(done, "no session of agent begins", "28.4 requests a session", "longer --duration")

    def test_what_would_have_no_effect_is_refused(self):
        trace = self.path("t.jsonl")
        self.made("chat", "-n", 5)
        chat = ("--scenario", "chat")
        cases = [(("--trace", trace, "--rate", 5, "--arrival", "scenario"), "a trace has no process of its own"),
                 ((*chat, "--rate", "5:10s", "--arrival", "scenario"), "takes one rate"),
                 ((*chat, "--rate", 5, "--arrival", "constant", "--burstiness", 2), "the shape of gamma arrivals"),
                 ((*chat, "--rate", 5, "--arrival", "weekly"), "poisson, constant, gamma or scenario"),
                 ((*chat, "--arrival", "constant"), "are about arrivals at --rate"),
                 ((*chat, "--sweep", "concurrency=1,2", "--arrival", "constant", "-o", self.path("s")),
                  "are about arrivals at --rate"),
                 ((*chat, "--rate", 5, "--transform", "rate=2"), "leave one of the two out")]
        for words, says in cases:
            for command in (("bench", "--url", "mock:constant", "--dry-run"), ("sim",)):
                with self.subTest(command[0], words=words):
                    self.assert_refused(self.farebox(*command, *words, expect=2), says)


if __name__ == "__main__":
    unittest.main()

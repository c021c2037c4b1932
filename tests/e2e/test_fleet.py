"""farebox plan fleet: replicas by hour, of least cash."""
import json
import pathlib
import unittest
from decimal import Decimal

from support import Case, read_json

ENGINE = "rtx4090-llama-3.1-8b-tp1"
HOURS = [600, 600, 9000, 600]  # of a horizon; the third is busy


def trace(hours):
    rows = []
    for t, count in enumerate(hours):
        rows += [json.dumps({"timestamp": 3600000 * t + 3600000 * i // count, "input_length": 900,
                             "output_length": 60}) for i in range(count)]
    return "\n".join(rows) + "\n"


class Fleet(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.write("hours.jsonl", trace(HOURS))
        self.api = self.write("api.json", json.dumps({"plans": [
            {"name": "api", "per_mtok": {"input": "1.00", "output": "1.00"}}]}))

    def words(self, *words):
        return ["plan", "fleet", "--trace", self.trace, "--slo", "ttft=2s", "--slo", "tpot=30ms", "-n", 300,
                "--seeds", 2, "--offer", f"{ENGINE}=0.60/h,unit:1h,start:5m", *words]

    def plan(self, *words):
        return self.farebox_json(*self.words(*words))

    def check_sums(self, found):
        self.assertEqual(Decimal(found["cash_usd"]),
                         Decimal(found["replicas_usd"]) + Decimal(found["commitments_usd"])
                         + Decimal(found["spill_usd"]))
        units = sum(Decimal(o["replica_hour_usd"]) * o["units"] * Decimal(str(o["unit_s"])) / 3600
                    for o in found["offers"])
        self.assertEqual(Decimal(found["replicas_usd"]), units)
        self.assertEqual([s["requests"] for s in found["slots"]], HOURS)
        for key in ("met", "spilled"):
            self.assertEqual(found[key], sum(s[key] for s in found["slots"]))

    def test_the_busy_hour_gets_replicas_and_the_sums_agree(self):
        found = self.plan("-o", "out")
        self.check_sums(found)
        replicas = [s["replicas"][0] for s in found["slots"]]
        self.assertEqual([replicas[0], replicas[1], replicas[3]], [1, 1, 1])
        self.assertGreater(replicas[2], 1)
        self.assertEqual((found["missed_slots"], found["spilled"], found["unserved"]), (0, 0, 0))
        self.assertIsNone(found["held_out"])
        self.assertEqual(read_json(self.path("out/fleet.json")), found)
        for name in ("fleet.svg", "fleet.png"):
            self.assertTrue(pathlib.Path(self.path(f"out/plots/{name}")).exists())
        again = self.farebox(*self.words("-o", "out"), expect=2)
        self.assertIn("--force replaces it", again.stderr)

    def test_a_cheap_api_takes_what_no_replica_is_worth(self):
        found = self.plan("--spill", f"{self.api}#api")
        self.check_sums(found)
        # 600 requests of 960 tokens are $0.576 there, and an hour of a replica $0.60.
        self.assertGreater(found["spilled"], 0)
        alone = self.plan()
        self.assertLess(Decimal(found["cash_usd"]), Decimal(alone["cash_usd"]))

    def test_a_commitment_runs_in_every_hour_and_says_what_is_owed(self):
        found = self.plan("--commit", f"{ENGINE}=50%,term:30d,most:1")
        self.check_sums(found)
        self.assertEqual(found["commitments"][0]["replicas"], 1)
        self.assertEqual(Decimal(found["commitments_usd"]), Decimal("0.30") * len(HOURS))
        shown = self.farebox(*self.words("--commit", f"{ENGINE}=50%,term:30d,most:1")).stdout
        self.assertIn("are owed after them", shown)
        self.assertLessEqual(max(map(len, shown.splitlines()[2:])), 80)

    def test_two_days_of_a_scenario_are_judged_three_ways(self):
        day = self.write("day.json", json.dumps({
            "scenario": "day", "duration_s": 14400,
            "arrivals": {"process": "poisson", "rate_rps": 0.5},
            "classes": [{"class": "a", "weight": 1,
                         "input": {"distribution": "constant", "value": 500},
                         "output": {"distribution": "constant", "value": 40}}]}))
        found = self.farebox_json("plan", "fleet", "--scenario", day, "--slo", "ttft=2s", "-n", 200, "--seeds", 2,
                                  "--offer", f"{ENGINE}=0.60/h")
        held = found["held_out"]
        self.assertEqual((held["is"], held["slots"]), ("another draw", 4))
        for way in ("foresight", "last_period", "reactive"):
            self.assertGreater(Decimal(held[way]["cash_usd"]), 0)
            self.assertEqual(held[way]["requests"], held["foresight"]["requests"])
            self.assertEqual(held[way]["missed_slots"], 0)
        # One replica of four hours and its start, whichever way it was found.
        self.assertEqual({held[way]["cash_usd"] for way in ("foresight", "last_period")}, {"3"})

    def test_what_makes_no_sense_is_refused_with_what_would(self):
        for words, told in ((("--commit", "other=30%"), "no offer that is not spot"),
                            (("--interrupt", "1h-2h"), "no offer is spot"),
                            (("--spill", "demo/flat"), "paid by use alone"),
                            (("--offer", f"{ENGINE}=0.60/h"), "twice"),
                            (("--offer", f"{ENGINE}=0.60"), "14/h")):
            done = self.farebox(*self.words(*words), expect=2)
            self.assertIn(told, done.stderr.replace("\n", " "))

    def test_too_few_replicas_are_named_with_the_slot(self):
        words = [f"{w},most:1" if str(w).endswith("start:5m") else w for w in self.words()]
        done = self.farebox(*words, expect=1)
        self.assertIn("no fleet serves slot 3", done.stderr)
        self.assertIn("--spill PLAN", done.stderr)


if __name__ == "__main__":
    unittest.main()

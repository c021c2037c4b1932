"""One result of each kind that a report takes, made small: for the tests of pages."""
import json

PRESET = "rtx4090-llama-3.1-8b-tp1"
SIM = ("sim", "--scenario", "chat", "--engine", PRESET, "-n", 80, "-q")
HOSTILE = "<script>window.pwned=1</script>\"'&<img src=x onerror=\"window.pwned=1\">"


def comparison(metric, statistic, title, before, after, change, ends, winner, headline=True):
    return {"metric": metric, "statistic": statistic, "title": title, "before": before, "after": after, "change": change,
            "change_is": "ratio", "ci95": ends, "p_adjusted": 0.001, "changed": winner is not None, "better": "less",
            "verdict": "higher" if winner else "no_difference", "winner": winner, "headline": headline, "pairs": [],
            "regression": False, "not_compared": None}


def compare_json(name="next"):
    """An A/B of three pairs, as bench writes it."""
    return {
        "schema_version": 1, "command": "bench", "whole": True, "pairs": 3, "pairs_asked": 3, "order": "AB BA AB",
        "unit": "pair", "method": "paired t on log ratios, Holm over 2 figures",
        "answer": [f"{name} is 12 % slower (9 … 15) in TTFT, scheduled, p50.", "It is $0.069 dearer per thousand."],
        "doubts": ["B failed 3.2 % of its requests: its latencies are of those that it answered."],
        "sides": [{"side": "A", "name": "now", "url": "http://a/v1", "model": "m", "plan": None},
                  {"side": "B", "name": name, "url": "http://b/v1", "model": None, "plan": None}],
        "runs": [{"path": f"{pair}-{side}", "side": "AB"[side - 1], "pair": pair, "whole": True, "spent_usd": None}
                 for pair in (1, 2, 3) for side in (1, 2)],
        "cost": {"per_1000_a_usd": "0.343", "per_1000_b_usd": "0.412", "difference_usd": "0.069"},
        "comparisons": [
            comparison("ttft_scheduled_ms", "p50", "TTFT, scheduled", 20.1, 22.5, 0.12, [0.09, 0.15], "A"),
            comparison("e2e_ms", "p50", "E2E, sent", 500, 502, 0.004, [-0.01, 0.02], None)],
        "notes": ["the answers differ in length"]}


def make(case, hostile=False):
    """Into the test's folder: ab, reps, sweep, find, cap, engines, fc, bill, dec, story. The search is written by hand, as it takes
    a live endpoint."""
    case.farebox(*SIM, "--rate", 2, "--slo", "ttft=500", "-o", "run")
    for folder, names in (("reps", "123"), ("ab", ("1-1", "1-2", "2-1", "2-2", "3-1", "3-2"))):
        for seed, name in enumerate(names):
            case.farebox(*SIM, "--rate", 2, "--seed", seed, "-o", f"{folder}/{name}")
    case.write("ab/compare.json", json.dumps(compare_json(HOSTILE if hostile else "next")))
    case.farebox(*SIM, "--sweep", "rate=1,2,4,8", "--slo", "ttft=1000", "-o", "sweep")
    (case.scratch / "find").mkdir()
    case.write("find/find-max.json", json.dumps({
        "rate_rps": 4, "rate_is": "measured", "fails_at_rps": 5, "client_limited_at_rps": None, "goodput": 0.99, "ended": None,
        "probes": [{"rate_rps": r, "scheduled": 100, "failed": 0, "goodput_fraction": g, "request_throughput_rps": r,
                    "ttft_ms_p99": 100 * r, "tpot_ms_p99": 20, "e2e_ms_p99": 900 * r, "client_limited": r == 6}
                   for r, g in ((2, 1), (4, 0.995), (5, 0.9), (6, 0.4))]}))
    capacity = ("plan", "capacity", "--scenario", "chat", "--slo", "ttft=2000", "--seeds", 2, "--requests", 200, "--demand", 20, "-q")
    case.farebox(*capacity, "--engine", PRESET, "--growth", "10%/month", "--months", 3, "--gpu-hour", "0.6", "-o", "cap")
    case.farebox(*capacity, "--engine", f"{PRESET},l40s-llama-3.1-8b-tp1", "--gpu-hour", "1", "-o", "engines")
    case.farebox("workload", "gen", "mixed-service", "--rate", "0.004", "--arrival", "scenario", "--duration", "14d", "-q",
                 "-o", "t.jsonl")
    start = ("--start", "2026-11-02T00:00:00Z")
    case.farebox("plan", "forecast", "t.jsonl", "--plans", "demo/token,demo/flat", "--samples", 50, "--budget", 20, "--commit", *start,
                 "-q", "-o", "fc")
    case.farebox("bill", "t.jsonl", "--plans", "demo,openai/gpt-4o", *start, "-q", "-o", "bill")
    case.write("plans.json", json.dumps({"plans": [
        {"name": HOSTILE if hostile else "token", "per_mtok": {"input": "0.5", "output": "2"}},
        {"name": "seat", "subscription": {"price": "40", "period": "month", "beyond": "reject",
                                          "includes": {"requests": 5000, "per": "month"}}}]}))
    case.farebox("decide", "chat", "-n", 200, "--volume", 2000, "--slo", "ttft=2000", "--goodput", "0.9", "--draws", 40,
                 "--seeds", 2, "--probe-requests", 100, "--candidates", f"run+plans.json,{PRESET}+0.6,demo/token", "-q",
                 "-o", "dec")
    case.farebox("decide", "--story", "agent", "chat", "-n", 60, "--volume", 3000, "-q", "-o", "story")


KINDS = ("run", "reps", "ab", "sweep", "find", "cap", "engines", "fc", "bill", "dec", "story")

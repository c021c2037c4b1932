"""Random plans and requests: every figure of a bill against a biller that is slow and obvious (slow_bill.py).

FAREBOX_BILL_PAIRS=10000 asks for so many pairs of a plan and a workload (make check-bills), from
FAREBOX_BILL_SEED on. A case that fails is written out: its plans and rows, and what differs.
"""
import datetime
import itertools
import json
import math
import os
import random
from fractions import Fraction as F

import random_bills
import screen_bill
import slow_bill
from support import Case

PAIRS = int(os.environ.get("FAREBOX_BILL_PAIRS", 300))
SEED = int(os.environ.get("FAREBOX_BILL_SEED", 1))


def close(a, b):
    """Statistics: to six digits, as they are printed."""
    if a is None or b is None:
        return a is None and (b is None or math.isnan(b))
    return math.isclose(a, b, rel_tol=2e-5, abs_tol=1e-12)


def month_of(start):
    """Of a workload that begins so, in milliseconds: 30 days where nobody knows."""
    return 30 * slow_bill.DAY if start is None else \
        (slow_bill.add_months(start, 1) - start) // datetime.timedelta(milliseconds=1)


def month_rows(rows, start, volume):
    """So many requests a month: the sessions in the order of the file, again and again, evenly. None: not in whole
    milliseconds, or the last of them outlasts the month."""
    sessions = {}
    for i, row in enumerate(rows):
        sessions.setdefault(row.get("session_id", i), []).append(row)
    kinds, length, out = list(sessions.values()), month_of(start), []
    count = max(math.floor(F(volume * len(kinds), len(rows)) + F(1, 2)), 1)
    for j in range(count):
        begin, rest = divmod(length * (2 * j + 1), 2 * count)
        if rest:
            return None
        session = kinds[j % len(kinds)]
        first = min(row["timestamp"] for row in session)
        out += [row | {"timestamp": begin + row["timestamp"] - first} |
                ({"session_id": f"s{j}"} if "session_id" in row else {}) for row in session]
    return out if max(row["timestamp"] for row in out) < length else None


def quantile(values, p):
    at = (len(values) - 1) * p
    low = int(at)
    return float(values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * F(at - low))


class Slow:
    """A case as the slow biller has it."""
    def __init__(self, case):
        self.case = case
        self.start = datetime.datetime.fromisoformat(case["start"][:-1]) if case["start"] else None
        self.rows = slow_bill.make_rows(case["rows"])
        self.bills = [self.bill(plan) for plan in case["plans"]]

    def bill(self, plan, rows=None, n=None, max_wait=None):
        return slow_bill.Bill(plan, self.rows if rows is None else rows, self.start,
                              self.case["max_wait"] if max_wait is None else max_wait, self.case["duration"], n)

    def ranking(self):
        ranked = [b for b in self.bills if b.is_ranked()]
        return sorted(ranked, key=lambda b: (b.truncated() > 0, b.total, b.n))


def figures(slow):
    """What bill.json says of a plan: {key: value}; money as fractions."""
    b, served = slow, slow.served
    out = {"plan": b.raw["name"], "total_usd": b.total, "subscriptions": b.n, "periods": b.periods,
           "requests": len(b.rows), "served": len(served.ok), "rejected": len(b.rows) - len(served.ok),
           "included": sum(f == "included" for f in served.fate.values()),
           "delayed": served.delayed, "truncated": b.truncated(), "unpriced": len(b.lacks())}
    fates = [f for f in served.fate.values() if f not in ("paid", "included")]
    out["rejected_by"] = {f: fates.count(f) for f in set(fates)}
    out["delay_max_ms"] = served.longest
    out["unpriced_what"] = set().union(*(b.charges[r.number]["lacks"] for r in served.ok)) if served.ok else set()
    out["lines"] = {k: v for k, v in b.lines.items() if v}
    parts = {}
    for r in served.ok:
        charge = b.charges[r.number]
        for part, amount in [*charge["parts"].items(), ("retries", charge["retries"])]:
            parts[part] = parts.get(part, 0) + amount
    for r in served.ok:
        parts["fees"] = parts.get("fees", 0)
    out["parts"] = {k: v for k, v in parts.items() if v}
    count = len(served.ok)
    out["mean"] = slow_bill.rounded(b.usage / count) if count else F(0)
    out["per_used_request"] = slow_bill.rounded(b.total / count) if count else F(0)
    cap = b.plan.limits.get("max_output_tokens", 10**12)
    tokens = sum(r.input + min(r.output, cap) for r in served.ok)
    out["usd_per_mtok"] = slow_bill.rounded(b.total * 10**6 / tokens) if tokens else F(0)
    need, label = b.needed()
    out["quotas_needed"], out["quotas_needed_for"] = need or None, label
    waste = {"retries_usd": "retries", "failed_usd": "failed", "aborted_usd": "aborted"}
    out["waste"] = {k: F(0) for k in waste}
    for r in served.ok:
        out["waste"]["retries_usd"] += b.charges[r.number]["retries"]
        if r.status != "ok":
            out["waste"][r.status + "_usd"] += b.charges[r.number]["last"]
    good = sum(r.status == "ok" for r in served.ok)
    out["waste"]["usage_per_good_request_usd"] = slow_bill.rounded(b.usage / good) if good else F(0)
    out["waste"]["good_requests"] = good
    return out


def shown(plan):
    """The same of the program's JSON."""
    out = {k: plan.get(k) for k in ("plan", "subscriptions", "periods", "requests", "served", "rejected", "included",
                                    "delayed", "truncated", "unpriced", "rejected_by", "quotas_needed",
                                    "quotas_needed_for")}
    out |= {"total_usd": F(plan["total_usd"]), "delay_max_ms": plan["delay_max_ms"] or 0,
            "unpriced_what": set(plan["unpriced_what"]), "usd_per_mtok": F(plan["usd_per_mtok"]),
            "lines": {k: F(v["total_usd"]) for k, v in plan["lines"].items() if F(v["total_usd"])},
            "parts": {k: F(v["usd"]) for k, v in plan["parts"].items()},
            "mean": F(plan["per_request_usd"]["mean"]),
            "per_used_request": F(plan["per_request_usd"]["per_used_request"]),
            "waste": {k: F(v) for k, v in plan["waste"].items() if k != "cache_misses_usd"}}
    return out


def price_of_one(flat, model):
    """What a request costs under a flat plan: its cash over the requests served, or its price for each."""
    if flat.plan.by_period:
        return flat.total / len(flat.served.ok)
    rate = next(r for r in flat.plan.rates if model is None or slow_bill.matches(r.get("models"), model))
    return F(rate.get("per_request", 0))


def standard_charge(rate, tokens_in, tokens_out, cached):
    """Tokens in and out of a standard request, outside of all hours."""
    table = slow_bill.table_of(rate, rate, F(1) if "standard" not in rate.get("multipliers", {}) else
                               F(rate["multipliers"]["standard"]), tokens_in, tokens_out)
    return table.get("input", 0) * (tokens_in - cached) + table.get("cached_input", 0) * cached + \
        table.get("output", 0) * tokens_out + F(rate.get("per_request", 0))


def thresholds(rate, what):
    """Inputs or outputs at which a tier begins."""
    tiers = rate.get("tiers", [])
    return sorted([t[what + "_over"] + 1 for t in tiers if what + "_over" in t] +
                  [t[what + "_from"] for t in tiers if what + "_from" in t])


def count_dearer(slow, token, flat, paid):
    """Requests that both serve at a price, and that cost more by the token than what was paid, or than flat."""
    alone = slow_bill.Plan({k: v for k, v in flat.raw.items() if k not in ("free", "provisioned")} |
                           ({"subscription": {"price": "0", "period": "day"}} if flat.plan.sub else {}) |
                           {"limits": {k: v for k, v in flat.plan.limits.items() if k.startswith("max_")}})
    one = token.plan if token.n < 2 else slow_bill.Plan(token.raw)
    served, count = slow_bill.Served(one, slow.rows, slow.start, slow.case["duration"]), 0
    for row in slow.rows:
        if served.fate[row.number] != "paid" or slow_bill.caps_allow(alone, row):
            continue
        charge = slow_bill.charge_row(one, row, slow.start, served.begin[row.number])
        other = slow_bill.charge_row(alone, row, slow.start, row.due)
        if not charge["lacks"] and (flat.plan.quotas or not other["lacks"]):
            count += charge["total"] > (paid if flat.plan.by_period else other["total"])
    return count


class Bills(Case):
    maxDiff = None

    def run_case(self, case, *more):
        start = [json.dumps({"start": case["start"]})] if case["start"] else []
        self.write("t.jsonl", "\n".join(start + [json.dumps(r) for r in case["rows"]]) + "\n")
        self.write("p.json", json.dumps({"plans": case["plans"]}))
        return self.farebox_json("bill", "t.jsonl", "--plans", "p.json", *self.words(case), *more)

    @staticmethod
    def words(case):
        words = ["--max-wait", f"{case['max_wait']}ms"] if case["max_wait"] else []
        if case["duration"]:
            words += ["--ttft-ms", case["duration"][0], "--tpot-ms", case["duration"][1]]
        return words

    def check_screen(self, case, bill):
        """What a person reads of the same bill has the figures of its JSON."""
        done = self.farebox("bill", "t.jsonl", "--plans", "p.json", *self.words(case), "--wide")
        screen_bill.check(self, bill, done.stdout)

    def check_plan(self, bill, got):
        wanted = figures(bill)
        got_figures = shown(got)
        self.assertEqual({k: v for k, v in got_figures.items() if v != wanted[k]},
                         {k: wanted[k] for k, v in got_figures.items() if v != wanted[k]})
        self.check_statistics(bill, got["per_request_usd"])
        self.assertTrue(close(got["utilisation"], bill.utilisation()), (got["utilisation"], bill.utilisation()))

    def check_statistics(self, bill, got):
        values = sorted(bill.charges[r.number]["total"] for r in bill.served.ok)
        for key, p in (("min", 0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)):
            self.assertTrue(close(got[key], quantile(values, F(str(p))) if values else None), key)
        if values and sum(values):
            mean = sum(values) / len(values)
            deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
            self.assertTrue(close(got["cv"] or None, deviation / float(mean) or None), "cv")

    def check_ranking(self, slow, bill):
        self.assertEqual(bill["ranking"], [b.raw["name"] for b in slow.ranking()])
        ranks = {name: i + 1 for i, name in enumerate(bill["ranking"])}
        self.assertEqual([p["rank"] for p in bill["plans"]], [ranks.get(p["plan"]) for p in bill["plans"]])

    def check_split(self, slow, bill):
        """Of every pair: no split of the requests that one can make costs less than it says."""
        if not slow.case["split"]:
            return
        plans = {p["name"]: p for p in slow.case["plans"]}
        for pair in bill["split"]["pairs"]:
            least = self.least_split(slow, plans[pair["token_plan"]], plans[pair["flat_plan"]])
            if pair["unserved"]:
                continue
            total, below = F(pair["total_usd"]), F(pair["none_below_usd"])
            self.assertLessEqual(below, least, pair)
            self.assertGreaterEqual(total, least, pair)
            if pair["exact"] or self.is_promised(plans[pair["flat_plan"]], slow):
                self.assertEqual((total, pair["exact"]), (least, True), pair)
        if bill["split"]["pairs"]:
            self.assertEqual(F(bill["split"]["none_below_usd"]),
                             min(F(p["none_below_usd"]) for p in bill["split"]["pairs"] if not p["unserved"]))

    @staticmethod
    def is_promised(plan, slow):
        """Counts in calendar or rolling windows, all of a weight."""
        entries = plan["subscription"]["includes"]
        entries = entries if isinstance(entries, list) else [entries]
        some = any("models" in e for e in entries)
        rolls = any(e.get("window") == "rolling" for e in entries)
        return all("requests" in e and e.get("window") != "session" for e in entries) and \
            "weights" not in plan and not (some and rolls) and \
            not (plan["subscription"]["beyond"] == "pay" and "limits" in plan) and slow.case["max_wait"] == 0

    def least_split(self, slow, token, flat):
        """Every choice of requests for the flat plan, for one of it, two, and so on."""
        each, least = {}, None
        for row in slow.rows:
            one = slow.bill(token, [row])
            each[row.number] = one.total if one.is_ranked() and not one.truncated() else None
        in_numbers = slow_bill.Plan(flat).in_numbers
        for size in range(len(slow.rows) + 1):
            for some in itertools.combinations(slow.rows, size):
                rest = [each[r.number] for r in slow.rows if r not in some]
                if None in rest:
                    continue
                for n in itertools.count(1) if in_numbers and some else [1]:
                    if some and n > 1 and least is not None and sum(rest) + n * F(flat["subscription"]["price"]) >= least:
                        break  # more of it only cost more
                    part = self.part_of(slow, flat, list(some), n)
                    if part is not None and (least is None or sum(rest) + part < least):
                        least = sum(rest) + part
                    if part is None and n > 4 * len(slow.rows):
                        break  # no number of it serves them
        return least

    @staticmethod
    def part_of(slow, flat, some, n):
        """What n of it charge for these, if nobody waits; None: it does not serve all of them."""
        if not some:
            return F(0)
        bill = slow.bill(flat, some, n, 0)
        return bill.total if bill.is_ranked() and not bill.truncated() else None

    def check_break_even(self, slow, bill):
        """Each answer is the first value at which the two plans change places."""
        plans = {b.raw["name"]: b for b in slow.bills}
        for pair in bill["break_even"]:
            token, flat = plans[pair["token_plan"]], plans[pair["flat_plan"]]
            paid = price_of_one(flat, pair["model"])
            self.assertEqual(F(pair["flat_price_usd"]), slow_bill.rounded(token.usage / len(token.served.ok)))
            rate = next(r for r in token.plan.rates if pair["model"] is None
                        or slow_bill.matches(r.get("models"), pair["model"]))
            inputs, outputs = pair["mean_input_tokens"], pair["mean_output_tokens"]

            def charge(tokens_in, tokens_out, cached=0):
                return standard_charge(rate, tokens_in, tokens_out, cached)
            self.check_first(pair["input_tokens"], lambda n: charge(n, outputs) > paid,
                             flat.plan.limits.get("max_input_tokens"), thresholds(rate, "input"))
            self.check_first(pair["output_tokens"], lambda n: charge(inputs, n, 0) > paid,
                             flat.plan.limits.get("max_output_tokens"), thresholds(rate, "output"))
            mean = token.usage / len(token.served.ok)
            self.check_first(pair["utilisation"], lambda share: F(share, 10**6) * mean > paid, None, (10**6 + 1,), 10**6)
            self.check_first(pair["cache_hit_ratio"], lambda share: charge(inputs, outputs, F(share * inputs, 10**6))
                             <= paid, None, (10**6 + 1,), 10**6)
            self.assertEqual(pair["requests_dearer_than_flat"], count_dearer(slow, token, flat, paid), pair)

    def check_first(self, answer, is_dearer, cap, steps, unit=1):
        """Between two thresholds the token price only rises: the first value at or behind one of them."""
        found = None
        for low, high in itertools.pairwise([0, *steps, *([2**32] if unit == 1 else [])]):
            if found is None and is_dearer(low):
                found = low
            elif found is None and is_dearer(high - 1):
                while low < high:
                    middle = (low + high) // 2
                    low, high = (low, middle) if is_dearer(middle) else (middle + 1, high)
                found = low
        wanted = "never" if found is None else "always" if found == 0 else \
            "beyond the cap" if cap and found > cap else "at"
        self.assertEqual((answer["answer"], round((answer["value"] or 0) * unit)), (wanted, found or 0))

    def check_ladder(self, slow, bill):
        """By scan: the first of the plans in a few months of the ladder is the one that it names."""
        case, r = slow.case, random.Random(len(bill["plans"]) + bill["workload"]["input_tokens"])
        span = max(row["timestamp"] for row in case["rows"])
        if not case["split"] or span >= 7 * slow_bill.DAY:
            return
        plans = [p | ({"subscription": p["subscription"] | {"period": "month"}} if "subscription" in p else {})
                 for p in case["plans"]]
        plans[0]["per_mtok"] = {c: r.choice(["40", "200", "900"]) for c in ("input", "output")}
        here = r.randrange(2, 9)
        ladder = self.run_case(case | {"plans": plans}, "--volume", here)["ladder"]
        self.assertEqual((ladder["here_requests"], ladder["to_requests"]), (here, 10 * here))
        for volume in [here, *r.sample(range(1, 10 * here + 1), 4)]:
            rows = month_rows(case["rows"], slow.start, volume)
            if rows is not None:
                month = Slow(case | {"plans": plans, "rows": rows})
                self.check_rung(ladder, volume, month.ranking())

    def check_rung(self, ladder, volume, ranking):
        def run_of(kind):
            return next(x for x in ladder[kind] if x["requests_from"] <= volume <= x["requests_to"])
        interval, step = run_of("intervals"), run_of("steps")
        first = ranking[0] if ranking else None
        told = f"at {volume} a month: {interval}"
        if interval["plan_proven"]:
            self.assertEqual(interval["plan"], first and first.raw["name"], told)
        if step["proven"] and first:
            self.assertEqual((step["plan"], step["subscriptions"]), (first.raw["name"], first.n), told)
        for end in ("from", "to"):
            if step["requests_" + end] == volume and step[f"total_{end}_usd"] is not None and first:
                self.assertEqual(F(step[f"total_{end}_usd"]), first.total, told)

    CONCLUSIONS = [check_ranking, check_split, check_break_even, check_ladder]  # (self, slow, bill): one more conclusion is one more of them

    def check_case(self, seed):
        case = random_bills.case(seed)
        bill, slow = self.run_case(case), Slow(case)
        try:
            for got, wanted in zip(bill["plans"], slow.bills, strict=True):
                self.check_plan(wanted, got)
            self.check_screen(case, bill)
            for conclusion in self.CONCLUSIONS:
                conclusion(self, slow, bill)
        except AssertionError as different:
            told = "\n".join([f"seed {seed}", json.dumps(case["start"]), *map(json.dumps, case["rows"]),
                              *map(json.dumps, case["plans"]),
                              f"max_wait {case['max_wait']} duration {case['duration']}"])
            raise AssertionError(f"{told}\n{different}") from None
        return len(case["plans"])

    def test_random_bills_are_as_a_slow_biller_has_them(self):
        pairs, seed = 0, SEED
        while pairs < PAIRS:
            pairs += self.check_case(seed)
            seed += 1

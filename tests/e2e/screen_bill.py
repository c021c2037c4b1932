"""The screen of `farebox bill` read back: every figure of it is held against the JSON of the same bill.

A sentence that is not known here fails the test: a new one needs its line.
"""
import re
from decimal import ROUND_HALF_EVEN, Decimal as D

N = r"([\d,]+)"
USD = r"\$([\d,]+(?:\.\d+)?)"
COLUMNS = re.compile(r"^ *(\d+|–|\?|≈) (.+?) +([\d.,]+) +([\d,]+|–) +([\d.,]+|–) +([\d.,]+|–) +([\d.,]+|–)(?: +([\d.,]+×|–))?"
                     r" +([\d.]+|–)  +(.*)$")


def number(text):
    return int(text.replace(",", ""))


def same_money(shown, exact):
    """As printed: rounded to the places that are shown."""
    shown, exact = D(shown.replace(",", "")), abs(D(exact))
    return shown == exact.quantize(D(1).scaleb(shown.as_tuple().exponent), ROUND_HALF_EVEN)


def same_number(shown, exact):
    if shown == "–":
        return True
    shown = D(shown.rstrip("×").replace(",", ""))
    finest = max(D(1).scaleb(shown.as_tuple().exponent), D(1).scaleb(shown.adjusted() - 5))  # the JSON has six digits
    return exact is not None and abs(shown - D(repr(exact))) <= finest * D("1.01")


class Screen:
    def __init__(self, test, bill, text):
        self.test, self.bill = test, bill
        self.plans = {p["plan"]: p for p in bill["plans"]}
        head, rows, sentences = text.split("\n\n")[:3]
        self.head, self.rows = re.sub(r"\n  +", " ", head), re.sub(r"\n {4,}", "  ", rows).splitlines()[1:]
        self.sentences = re.sub(r"\n  +", " ", sentences).splitlines()

    def check_head(self):
        w = self.bill["workload"]
        found = re.search(rf"· {N} requests?\b", self.head)
        self.test.assertEqual(number(found[1]), w["requests"])
        if w["input_tokens"] < 100000 and w["output_tokens"] < 100000:
            found = re.search(rf"{N} tokens in, {N} out", self.head)
            self.test.assertEqual((number(found[1]), number(found[2])), (w["input_tokens"], w["output_tokens"]))

    def check_row(self, line):
        found = COLUMNS.match(line)
        self.test.assertIsNotNone(found, line)
        rank, name, total, count, each, p50, p99, most, cv, served = found.groups()
        most = most or "–"
        p = self.plans[name.strip()]
        stats = p["per_request_usd"]
        self.test.assertEqual(rank, str(p["rank"] or "–"), line)
        self.test.assertTrue(same_money(total, p["total_usd"]), line)
        self.test.assertEqual(number(count) if count != "–" else 0, p["subscriptions"], line)
        self.test.assertTrue(each == "–" or same_money(each, stats["per_used_request"]), line)
        for shown, key in ((p50, "p50"), (p99, "p99")):
            self.test.assertTrue(same_number(shown, stats[key]), f"{key}: {line}")
        varies = p50 != "–"
        if varies:
            self.test.assertTrue(same_number(most, stats["max_over_median"]) and (cv == "–" and not stats["mean"] or same_number(cv, stats["cv"])), line)
        self.check_served(p, " ".join(served.split()))
        return p["plan"]

    def check_served(self, p, served):
        if self.bill["workload"]["completed"] == 0:
            return self.test.assertEqual(served, "nothing")
        words = served.split(" (")[0].split(",")[0]
        whole = f"{p['served']:,} of {p['requests']:,}" if p["rejected"] else "all"
        self.test.assertTrue(served.startswith(whole), f"{served}: {words}, not {whole}")
        why = {"model": "model", "no_model": "no model named", "input_cap": "input cap", "too_large": "too large",
               "quota": "quota", "rate": "rate limit", "no_initiator": "no initiator"}
        for key, count in p["rejected_by"].items():
            self.test.assertIn(f"{count:,} {why[key]}", served)
        for key, pattern in (("delayed", rf", {N} queued"), ("truncated", rf", {N} truncated"),
                             ("unpriced", rf", {N} without a price for ")):
            found = re.search(pattern, served)
            self.test.assertEqual(number(found[1]) if found else 0, p[key], served)
        if p["unpriced"]:
            self.test.assertEqual(served.split("without a price for ")[1].split(", "), p["unpriced_what"])

    # ---- sentences ----

    def cheapest(self, name, of_it, total, rest):
        self.test.assertEqual(name, self.bill["ranking"][0])
        first = self.plans[name]
        self.test.assertTrue(same_money(total, first["total_usd"]))
        self.test.assertEqual(number(of_it or "1"), max(first["subscriptions"], 1))
        if len(self.bill["ranking"]) < 2:
            return
        second = self.plans[self.bill["ranking"][1]]
        difference = D(second["total_usd"]) - D(first["total_usd"])
        found = re.search(rf", {USD} (less|more) than (\S+)", rest)
        if difference == 0:
            self.test.assertIn(f"and {second['plan']} costs the same", rest)
        else:
            self.test.assertTrue(same_money(found[1], difference), rest)
            self.test.assertEqual(found[2], "less" if difference > 0 else "more")
            self.test.assertTrue(found[3].rstrip(".;,").startswith(second["plan"]), rest)

    def nothing_serves_all(self, rest):
        self.test.assertEqual(self.bill["ranking"], [], rest)

    def dearest(self, name, times, shares):
        p = self.plans[name]
        self.test.assertTrue(same_number(times, p["per_request_usd"]["max_over_median"]))
        shown = [(part, share) for share, part in re.findall(r"(-?[\d.]+) % (\w+)", shares)]
        self.test.assertEqual({part for part, _ in shown}, set(p["parts"]))
        for part, share in shown:
            self.test.assertTrue(same_number(share, 100 * p["parts"][part]["variance_share"]), (name, part))

    def of_it(self, name, count, rest):
        p = self.plans[name]
        self.test.assertEqual(number(count), p["subscriptions"])
        turned = re.search(rf"would turn {N} requests? away", rest)
        self.test.assertEqual(number(turned[1]) if turned else None, p.get("rejected_by_one"))

    def breaks_even(self, token, flat, mean, rest):
        flat, model = re.fullmatch(r"(.+?)(?:, for (.+))?", flat).groups()
        pair = next(b for b in self.bill["break_even"] if (b["token_plan"], b["flat_plan"]) == (token, flat))
        self.test.assertTrue(same_money(mean, pair["flat_price_usd"]))
        self.test.assertEqual(model, pair["model"])
        out = re.search(rf"with {N} tokens out (.*?);", rest)
        self.test.assertEqual(number(out[1]), pair["mean_output_tokens"])
        answer, value = pair["input_tokens"]["answer"], pair["input_tokens"]["value"]
        words = {"never": "no input is dearer", "always": "every input is dearer"}.get(
            answer, f"the token price is higher from {value or 0:,} in")
        self.test.assertIn(words, out[2])
        self.test.assertEqual("never within it" in out[2], answer == "beyond the cap")
        wins = re.search(rf"flat wins for {N} of {N} requests", rest)
        self.test.assertEqual((number(wins[1]), number(wins[2])),
                              (pair["requests_dearer_than_flat"], self.plans[token]["served"]))
        each = re.search(rf"for each, {USD}\)", rest)
        if each:
            self.test.assertTrue(same_money(each[1], self.plans[flat]["per_request_usd"]["per_used_request"]))

    def split(self, found, moved, flat, of_it, rest, token, total, less):
        s = self.bill["split"]
        best = s["best"]
        self.test.assertEqual((number(moved), flat, number(of_it or "1"), number(rest), token),
                              (best["to_flat"], best["flat_plan"], max(best["subscriptions"], 1), best["to_token"],
                               best["token_plan"]))
        self.test.assertTrue(same_money(total, best["total_usd"]))
        self.test.assertEqual(bool(found), D(s["none_below_usd"]) < D(best["total_usd"]))
        shown = re.search(rf"{USD} less than (.+) alone", less)
        if shown:
            self.test.assertTrue(same_money(shown[1], s["saved_against_cheapest_usd"]))
            self.test.assertEqual(shown[2], self.bill["ranking"][0])

    def no_split(self, found):
        s = self.bill["split"]
        saved = D(s.get("saved_against_cheapest_usd", 0))
        self.test.assertTrue(saved <= 0 or s["best"]["to_flat"] == 0, s["best"])
        if not found and self.bill["ranking"]:
            self.test.assertGreaterEqual(
                D(s["none_below_usd"]), min(D(s["best"]["total_usd"]),
                                            D(self.plans[self.bill["ranking"][0]]["total_usd"])))

    def none_below(self, below, gap):
        s = self.bill["split"]
        self.test.assertTrue(same_money(below, s["none_below_usd"]))
        if gap:
            self.test.assertTrue(same_money(gap, D(s["best"]["total_usd"]) - D(s["none_below_usd"])))

    def left_out(self, plans):
        for entry in self.bill["split"]["left_out"]:
            self.test.assertIn(f"{entry['plan']} ({entry['why']})", plans)

    def waste(self, wasted, percent, name, rest):
        w, p = self.plans[name]["waste"], self.plans[name]
        lost = sum(D(w[k]) for k in ("retries_usd", "failed_usd", "aborted_usd"))
        self.test.assertTrue(same_money(wasted, lost))
        self.test.assertTrue(same_number(percent, float(lost / D(p["lines"]["usage"]["total_usd"]) * 100)))
        good = re.search(rf"a good request cost {USD}", rest)
        self.test.assertEqual(bool(good), w["good_requests"] > 0)
        if good:
            self.test.assertTrue(same_money(good[1], w["usage_per_good_request_usd"]))

    def anything(self, *_):
        """A remark without a figure of the bill."""

    KNOWN = [
        (rf"Cheapest that serves everything, .*?: (\S+?)(?: \({N} of it\))? at {USD}(.*)", cheapest),
        (r"No plan serves all of it(.*)", nothing_serves_all),
        (r"Nothing was served, so no plan is ranked(.*)", nothing_serves_all),
        (r"(\S+): the dearest request costs ([\d.,]+)× the median one; variance: (.*)\.", dearest),
        (rf"(\S+): {N} of it, because its limit of (.*)", of_it),
        (rf"(\S+) against (.+?): breaks even at {USD} a request; (.*)\.", breaks_even),
        (rf"Best split( found)?: {N} requests to (\S+)(?: \({N} of it\))? as its limits allow, the other {N} to "
         rf"(\S+): {USD}(.*)\.", split),
        (r"No split between a flat and a token plan( that was found)? saves anything\.", no_split),
        (rf"No split of them can be below {USD}(?:, {USD} less than this one)?\.", none_below),
        (r"Left out of the splits: (.*)\.", left_out),
        (rf"Waste: {USD} \(([\d.]+) %\) of (\S+)'s charges went to (.*)\.", waste),
        (r"No start is known: .*|Concurrency limits were not checked: .*|\d+ more pairs of plans are .*", anything),
        (r"\S+: what its units can serve is not known.*", anything),
        (r"\S+: it charges by the session, and no request says which one it belongs to: .*", anything),
        (r"\S+ does not sell .*|\S+: its prices depend on the label .*|\S+: prices in .*", anything),
        (r"Left out of the ladder: .*|The volume ladder is left out: .*", anything),
        (r"No request names the model that counted its tokens: .*", anything),
        (r"\d+ of \d+ requests do not name the model that counted their tokens: .*", anything),
    ]

    def check_sentence(self, line):
        for pattern, check in self.KNOWN:
            found = re.fullmatch(pattern, line)
            if found:
                return check(self, *found.groups())
        return self.test.fail(f"a sentence that no figure is held against: {line}")


def check(test, bill, text):
    """Raises where a figure on the screen is not that of the JSON, or a sentence is unknown."""
    screen = Screen(test, bill, text)
    screen.check_head()
    names = [screen.check_row(line) for line in screen.rows]
    test.assertEqual(sorted(names), sorted(screen.plans))
    test.assertEqual([n for n in names if screen.plans[n]["rank"]], bill["ranking"])
    for line in screen.sentences:
        screen.check_sentence(line)
    for p in bill["plans"]:
        test.assertEqual(sum(D(line["total_usd"]) for line in p["lines"].values()), D(p["total_usd"]), p["plan"])

"""What a plan charges for a few requests, worked out slowly and in the open: docs/billing.md, line by line.

Nothing here is shared with the program: plans are the JSON of a price book, requests the rows of a
trace, money is a Fraction of USD, windows are lists of all that was ever taken, and how many of a plan
to buy is found by trying one after the other.
"""
import calendar
import datetime
import fnmatch
from fractions import Fraction as F

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000  # times are whole milliseconds from the start
LENGTHS = {"second": 1000, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY,
           "year": 365 * DAY}
CLASSES = ["input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning"]
WORDS = {"input": "input tokens", "cached_input": "cached input", "cache_write": "cache writes",
         "cache_write_1h": "1-hour cache writes", "output": "output tokens", "reasoning": "reasoning tokens"}
PARENT = {"cached_input": "input", "cache_write": "input", "cache_write_1h": "cache_write", "reasoning": "output"}
PARTS = {"input": "input", "cached_input": "cached", "cache_write": "input", "cache_write_1h": "input",
         "output": "output", "reasoning": "reasoning"}
RATE_LIMITS = {"rpm": ("requests", MINUTE), "rph": ("requests", HOUR), "rpd": ("requests", DAY),
               "tpm": ("tokens", MINUTE), "tpd": ("tokens", DAY), "input_tpm": ("input_tokens", MINUTE),
               "output_tpm": ("output_tokens", MINUTE)}
NEVER = None


def rounded(amount, unit=F(1, 10**12), mode="half_even"):
    whole, rest = divmod(amount / unit, 1)
    up = {"half_even": rest > F(1, 2) or (rest == F(1, 2) and whole % 2 == 1), "half_up": rest >= F(1, 2),
          "up": rest > 0, "down": False}[mode]
    return (whole + up) * unit


def length_of(text):
    if text in LENGTHS:
        return LENGTHS[text]
    return int(text[:-1]) * {"s": 1000, "m": MINUTE, "h": HOUR, "d": DAY}[text[-1]]


def matches(patterns, name):
    if patterns is None:
        return True
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return name is not None and any(fnmatch.fnmatchcase(name, p) for p in patterns)


def instant(start, at_ms):
    """A date and time of day; without a start as if the first request came at midnight of 1970-01-01."""
    return (start or datetime.datetime(1970, 1, 1)) + datetime.timedelta(milliseconds=at_ms)


def hours_hold(entry, start, at_ms):
    at = instant(start, at_ms)
    if "days" in entry and at.strftime("%a").lower() not in entry["days"]:
        return False
    if "start" not in entry or entry["start"] == entry["end"]:
        return True
    now, begin, end = at.strftime("%H:%M"), entry["start"], entry["end"]
    return begin <= now < end if begin < end else now >= begin or now < end


def weight_of(entries, row, start, at_ms):
    for entry in entries or []:
        timed = "start" in entry or "days" in entry
        if matches(entry.get("models"), row.model) and matches(entry.get("classes"), row.kind) and \
                (not timed or (at_ms is not None and hours_hold(entry, start, at_ms))):
            return F(entry["weight"])
    return F(1)


class Row:
    def __init__(self, number, trace):
        usage = trace.get("usage", {})
        self.number, self.due = number, trace["timestamp"]
        self.input, self.output = trace["input_length"], trace["output_length"]
        self.model, self.kind = trace.get("model"), trace.get("class")
        self.service, self.session = trace.get("service", "standard"), trace.get("session_id")
        self.initiator, self.status = trace.get("initiator"), trace.get("status", "ok")
        self.attempts = trace.get("attempts", 1)
        self.tools, self.units = usage.get("tools", {}), usage.get("units", {})
        self.tokens = {c: usage.get(c, 0) for c in CLASSES}
        self.tokens["input"] = self.input - sum(self.tokens[c] for c in CLASSES[1:4])
        self.tokens["output"] = self.output - self.tokens["reasoning"]
        self.later = False  # not the first of its session
        self.charges = {}  # worked out before: they do not depend on how many of a plan one has


def make_rows(trace):
    rows, begun = [Row(i, t) for i, t in enumerate(trace)], set()
    for row in sorted(rows, key=lambda r: r.due):
        row.later = row.session in begun
        if row.session is not None:
            begun.add(row.session)
    return rows


class Quota:
    """One allowance or limit, of n of the plan."""
    def __init__(self, entry, kind, beyond, n, amount=None, pooled=False):
        units = ("requests", "tokens", "input_tokens", "output_tokens", "usd", "credits", "calls", "count")
        self.unit = next(u for u in units if u in entry)
        amount = F(entry[self.unit]) if amount is None else amount
        if self.unit == "credits":
            amount *= F(entry["credit_usd"])
        self.label, self.kind = entry.get("label", self.unit), kind
        self.unit = "usd" if self.unit == "credits" else self.unit
        self.of = entry.get("tool", entry.get("unit"))
        self.month = entry["per"] == "month"
        self.length = length_of(entry["per"])
        self.window = entry.get("window", "calendar")
        self.beyond = entry.get("beyond", "pay" if self.of else beyond)
        self.models, self.classes, self.counts = entry.get("models"), entry.get("classes"), entry.get("counts")
        self.rollover, self.pooled = entry.get("rollover", False), pooled
        self.one, self.amount = amount, amount * n
        self.settled = self.of is not None or (self.unit == "usd" and self.beyond == "pay")

    def is_for(self, row):
        return matches(self.models, row.model) and matches(self.classes, row.kind)

    def bounds(self, start, at):
        """The calendar or anchored window around an instant."""
        if self.window != "calendar":
            return at // self.length * self.length, (at // self.length + 1) * self.length
        zero = instant(start, 0)
        if self.month:
            first = instant(start, at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            days = calendar.monthrange(first.year, first.month)[1]
            begin = (first - zero) // datetime.timedelta(milliseconds=1)
            return begin, begin + days * DAY
        # counted from 1970-01-01, a Thursday; what is made of whole weeks from a Monday
        shift = 3 * DAY if self.length % (7 * DAY) == 0 else 0
        unix = (instant(start, at) - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
        begin = (unix + shift) // self.length * self.length - shift - (unix - at)
        return begin, begin + self.length


class Window:
    """What was taken of a quota, and when."""
    def __init__(self, quota, start):
        self.q, self.start, self.taken, self.sessions = quota, start, [], []

    def session_at(self, at):
        return next((s for s in self.sessions if s <= at < s + self.q.length), None)

    def used(self, begin, end):
        return sum((amount for at, amount in self.taken if begin <= at < end), F(0))

    def carried(self, begin):
        """What the window before left for this one: what was carried into it is used first, and ends with it."""
        if not self.q.rollover or begin <= self.q.bounds(self.start, 0)[0]:
            return F(0)
        before, end = self.q.bounds(self.start, begin - 1)
        used = self.used(before, end)
        return self.q.amount - max(used - self.carried(before), 0) if used else self.q.amount

    def room(self, now, need):
        """The earliest time from now on at which it fits, if nothing else is taken; NEVER."""
        q = self.q
        if need > q.amount:
            return NEVER
        if q.window == "rolling":
            while self.used(now - q.length + 1, now + 1) + need > q.amount:
                now = min(at for at, amount in self.taken if at > now - q.length and amount) + q.length
            return now
        if q.window == "session":
            begin = self.session_at(now)
            if begin is None or self.used(begin, begin + q.length) + need <= q.amount:
                return now
            return begin + q.length
        begin, end = q.bounds(self.start, now)
        return now if self.used(begin, end) + need <= q.amount + self.carried(begin) else end

    def take(self, at, need):
        if self.q.window == "session" and self.session_at(at) is None:
            self.sessions.append(at)
        self.taken.append((at, need))


class Plan:
    """A plan of a book, n of it."""
    def __init__(self, plan, n=1, units=None):
        self.raw, self.n, self.name = plan, max(n, 1), plan["name"]
        self.rates = plan["rates"] if "rates" in plan else [plan]
        self.sub, self.prov = plan.get("subscription"), plan.get("provisioned")
        self.limits, self.billed = plan.get("limits", {}), plan.get("billed", {})
        self.quotas, self.rate_limits = [], []
        n = self.n
        for key in plan:  # in the order of the file
            if key == "subscription":
                self.add_quotas(self.sub.get("includes", []), self.sub.get("beyond", "pay"), n * self.sub.get("seats", 1))
            elif key == "free":
                self.add_quotas(plan["free"], "pay", n)
            elif key == "limits":
                for name in self.limits:
                    if name in RATE_LIMITS:
                        unit, length = RATE_LIMITS[name]
                        entry = {unit: self.limits[name], "label": name, "per": f"{length // 1000}s",
                                 "window": self.limits.get("window", "calendar")}
                        self.rate_limits.append(Quota(entry, "rate", self.limits.get("beyond", "queue"), n))
            elif key == "provisioned" and "tokens_per_minute" in self.prov:
                entry = {"tokens": 0, "label": "provisioned", "per": "minute", "window": "rolling",
                         **({"counts": self.prov["counts"]} if "counts" in self.prov else {})}
                beyond = self.prov.get("beyond", "reject")
                quota = Quota(entry, "quota" if beyond == "pay" else "rate", beyond, n,
                              F(self.prov["tokens_per_minute"]) * self.prov.get("units", 1), pooled=True)
                (self.quotas if beyond == "pay" else self.rate_limits).append(quota)
        self.seats = (self.sub or {}).get("seats", 1)
        self.concurrency = self.limits.get("concurrency", 0) * n
        self.charged = plan.get("charged_per", "request")

    def add_quotas(self, entries, beyond, n):
        for entry in [entries] if isinstance(entries, dict) else entries:
            quota = Quota(entry, "quota", beyond, n)
            quota.one *= self.seats if hasattr(self, "seats") else (self.sub or {}).get("seats", 1) \
                if entries is not self.raw.get("free") else 1
            self.quotas.append(quota)

    @property
    def by_period(self):
        return bool(self.sub or self.prov)

    @property
    def in_numbers(self):
        return bool((self.sub and F(self.sub["price"]) > 0) or
                    (self.prov and "tokens_per_minute" in self.prov and "units" not in self.prov))

    def rate_of(self, row):
        return next((r for r in self.rates if row.model is None or matches(r.get("models"), row.model)), None)

    def goes_along(self, row):
        return (self.charged == "turn" and row.initiator == "agent") or (self.charged == "session" and row.later)


# ---- the charge of one request ----

def mtok_prices(prices):
    return {c: F(p) / 10**6 for c, p in prices.get("per_mtok", {}).items()}


def has_tokens(prices):
    return bool(prices) and (bool(prices.get("per_mtok")) or bool(prices.get("tiers")))


def look_up(base, tier, token):
    """tier[class], base[class], tier[parent], base[parent]"""
    while token is not None:
        for prices in (tier, base):
            if token in prices:
                return prices[token]
        token = PARENT.get(token)
    return None


def prices_in_force(rate, service, start, at):
    """Tokens' prices by class for a request of given lengths, and the price of a request."""
    own = rate.get("services", {}).get(service)
    window = None
    for entry in rate.get("windows", []) if at is not None and start is not None else []:
        date = instant(start, at)
        day = datetime.datetime.fromisoformat
        if hours_hold(entry, start, at) and ("from" not in entry or date >= day(entry["from"])) and \
                ("until" not in entry or date < day(entry["until"])):
            window = entry
    factor = F(1) if has_tokens(own) else F(rate.get("multipliers", {}).get(service, 1))
    prices = own if has_tokens(own) else rate
    if window and has_tokens(window):
        prices, factor = window, F(rate.get("multipliers", {}).get(service, 1))
    if window:
        factor *= F(window.get("multiplier", 1))
    each = next((p["per_request"] for p in (window or {}, own or {}, rate) if "per_request" in p), "0")
    return prices, factor, F(each)


def table_of(rate, prices, factor, total_in, total_out):
    tiers = []
    for tier in prices.get("tiers", []):
        kind = next(k for k in tier if k.endswith(("_over", "_from")))
        asked = total_in if kind.startswith("input") else total_out
        if asked > tier[kind] if kind.endswith("_over") else asked >= tier[kind]:
            tiers.append((tier[kind] + kind.endswith("_over"), mtok_prices(tier)))
    tier = max(tiers, key=lambda t: t[0])[1] if tiers else {}
    table = {c: look_up(mtok_prices(prices), tier, c) for c in CLASSES}
    table = {c: p * factor for c, p in table.items() if p is not None}
    storage = rate.get("cache_storage")
    for c in ("cache_write", "cache_write_1h") if storage and F(storage["per_mtok_hour"]) else ():
        table[c] = table.get(c, 0) + F(storage["per_mtok_hour"]) / 10**6 * F(storage.get("hours", 1))
    return table


def fee_of(fees, name, count):
    if name not in fees:
        return None
    fee = fees[name] if isinstance(fees[name], dict) else {"price": fees[name]}
    if count == 0:
        return F(0)
    count, step = max(count, F(fee.get("minimum", 0))), F(fee.get("step", 0))
    return F(fee["price"]) * (-(-count // step) * step if step else count)


def charge_usage(plan, rate, row, tokens, extras, start, at):
    """(by part, by line of fees, total, what has no price) of one attempt."""
    total_in, total_out = sum(tokens[c] for c in CLASSES[:4]), sum(tokens[c] for c in CLASSES[4:])
    prices, factor, each = prices_in_force(rate, row.service, start, at)
    table = table_of(rate, prices, factor, total_in, total_out)
    rounding = plan.raw.get("rounding")
    on = rounding and rounding.get("on", "request")

    def cut(amount):
        return rounded(amount, F(rounding["to"]), rounding.get("mode", "half_even"))
    parts, fees, lacks = {}, {"tools": F(0), "units": F(0)}, set()
    for c in CLASSES:
        amount = table.get(c, 0) * tokens[c]
        parts[PARTS[c]] = parts.get(PARTS[c], 0) + (cut(amount) if on == "class" else amount)
        if table and tokens[c] and c not in table:
            lacks.add(WORDS[c])
    known = row.service in rate.get("multipliers", {}) or row.service in rate.get("services", {})
    usual = prices_in_force(rate, row.service, None, None)
    if row.service != "standard" and not known and table_of(rate, usual[0], usual[1], 0, 0):
        lacks.add("its service")
    fee = F(0)
    if not plan.goes_along(row):
        fee += each * weight_of(rate.get("weights"), row, start, at if start else None)
    for kind, key, counts in (("tools", "per_tool", row.tools), ("units", "per_unit", row.units)):
        for name, count in counts.items() if extras else ():
            price = fee_of(rate.get(key, {}), name, F(count))
            if price is None and F(count):
                lacks.add("tools or units")
            fees[kind] += price or 0
    total = sum(parts.values()) + fee + sum(fees.values())
    whole = max(total, F(plan.raw.get("minimum_per_request", 0)))
    if on == "request":
        whole = cut(whole)
    parts["fees"] = whole - (total - fee - sum(fees.values()))
    return parts, fees, whole, lacks


def capped(plan, tokens, caps=True):
    """The output cap cuts the end of the answer: what is visible first."""
    tokens, cap = dict(tokens), plan.limits.get("max_output_tokens") if caps else None
    over = tokens["output"] + tokens["reasoning"] - cap if cap else 0
    for c in ("output", "reasoning"):
        less = min(max(over, 0), tokens[c])
        tokens[c] -= less
        over -= less
    return tokens


def charge_row(plan, row, start, at):
    """What a served request is billed, all its attempts."""
    if (id(plan.raw), at) not in row.charges:  # the plan is kept with it: no other one may take its id
        row.charges[id(plan.raw), at] = plan.raw, charge_attempts(plan, row, start, at)
    return row.charges[id(plan.raw), at][1]


def charge_attempts(plan, row, start, at):
    rate, failed = plan.rate_of(row), plan.billed.get("failed", "none")
    failed = failed.get("default", "none") if isinstance(failed, dict) else failed
    aborted = plan.billed.get("aborted", "delivered")
    what = {"ok": "delivered", "failed": failed, "aborted": aborted}[row.status]
    out = {"parts": {}, "fees": {"tools": F(0), "units": F(0)}, "last": F(0), "retries": F(0), "lacks": set()}

    def billed(what, tokens):
        tokens = dict(tokens)
        if what == "input":
            tokens["output"] = tokens["reasoning"] = 0
        if what == "full":
            tokens["output"] += max(row.output - tokens["output"] - tokens["reasoning"], 0)
        return capped(plan, tokens)
    if row.attempts > 1 and plan.billed.get("retried", "each") == "each" and failed != "none":
        tokens = billed(failed, billed("input", row.tokens))
        each = charge_usage(plan, rate, row, tokens, False, start, at)[2]
        out["retries"] = each * (row.attempts - 1)
    if what != "none":
        parts, fees, out["last"], out["lacks"] = charge_usage(plan, rate, row, billed(what, row.tokens), True, start, at)
        out["parts"], out["fees"] = parts, fees
    out["total"] = out["last"] + out["retries"]
    return out


# ---- serving ----

def need_of(plan, quota, row, start, charge):
    if quota.settled or not quota.is_for(row):
        return F(0)
    if quota.unit == "usd":
        return charge
    cap = plan.limits.get("max_output_tokens")
    output = min(row.output, cap) if cap else row.output
    if quota.unit == "requests":
        if plan.goes_along(row):
            return F(0)
        failed = plan.billed.get("failed", "none")
        failed = failed.get("default", "none") if isinstance(failed, dict) else failed
        counted = row.attempts if plan.billed.get("retried", "each") == "each" and failed != "none" else 1
        return weight_of(plan.rate_of(row).get("weights"), row, start, row.due) * counted
    if quota.counts is None:
        return F({"tokens": row.input + output, "input_tokens": row.input, "output_tokens": output}[quota.unit])
    tokens, left = dict(row.tokens), output
    for c in ("reasoning", "output"):
        tokens[c] = min(tokens[c], left)
        left -= tokens[c]
    which = {"tokens": CLASSES, "input_tokens": CLASSES[:4], "output_tokens": CLASSES[4:]}[quota.unit]
    return sum((tokens[c] * F(quota.counts.get(c, 1)) for c in which), F(0))


def caps_allow(plan, row):
    """None, or why a request is never served."""
    if plan.rate_of(row) is None:
        return "model"
    if row.model is None and (len(plan.rates) > 1 or any(q.models for q in plan.quotas)):
        return "no_model"
    if plan.charged == "turn" and row.initiator is None:
        return "no_initiator"
    if row.input > plan.limits.get("max_input_tokens", 10**12) or \
            row.input + min(row.output, plan.limits.get("max_output_tokens", 10**12)) > \
            plan.limits.get("max_total_tokens", 10**12):
        return "input_cap"
    return None


class Served:
    """Every request's fate under n of a plan, and when it starts."""
    def __init__(self, plan, rows, start, duration=None):
        self.plan, self.start, self.duration = plan, start, duration
        self.windows = [Window(q, start) for q in plan.quotas + plan.rate_limits]
        self.fate, self.begin, self.running, self.last = {}, {}, [], 0
        self.used = F(0)
        for row in sorted(rows, key=lambda r: r.due):
            self.begin[row.number] = row.due
            self.fate[row.number] = self.place(row)
        self.rows = rows
        self.ok = [r for r in rows if self.fate[r.number] in ("paid", "included")]
        delays = [self.begin[r.number] - r.due for r in self.ok]
        self.delayed, self.longest, self.waited = sum(d > 0 for d in delays), max(delays, default=0), sum(delays)
        self.last_start = max([r.due for r in rows] + [self.begin[r.number] for r in rows])

    def ends_after(self, at):
        return sum(units for end, units in self.running if end > at)

    def slots(self, row):
        return weight_of(self.plan.limits.get("concurrency_units"), row, self.start, row.due)

    def place(self, row):
        plan = self.plan
        why = caps_allow(plan, row)
        if why:
            return why
        charge = charge_row(plan, row, self.start, row.due)["total"] \
            if any(q.unit == "usd" and not q.settled for q in plan.quotas) else F(0)
        needs = [need_of(plan, w.q, row, self.start, charge) for w in self.windows]
        limited = self.duration is not None and plan.concurrency
        waits = plan.limits.get("beyond", "queue") == "queue"
        for w, need in zip(self.windows, needs):
            most = w.q.amount if w.q.pooled else w.q.one
            if need > most and (w.q.beyond == "queue" or (w.q.beyond == "reject" and not w.q.pooled)):
                return "too_large"
        if limited and self.slots(row) > plan.limits["concurrency"]:
            return "too_large"
        now = max(row.due, self.last)
        while True:
            before = now
            for w, need in zip(self.windows, needs):
                if w.q.beyond == "queue" and w.q.is_for(row):
                    now = w.room(now, need)
            while limited and waits and self.ends_after(now) + self.slots(row) > plan.concurrency:
                now = min(end for end, _ in self.running if end > now)
            if now == before:
                break
        self.last = now
        quota, room = False, True
        for w, need in zip(self.windows, needs):
            if not w.q.is_for(row):
                continue
            fits = w.q.beyond == "queue" or w.room(now, need) == now
            if not fits and w.q.beyond == "reject":
                return w.q.kind
            if w.q.kind == "quota" and not w.q.settled:
                quota, room = True, room and fits
        if limited and not waits and self.ends_after(now) + self.slots(row) > plan.concurrency:
            return "rate"
        for w, need in zip(self.windows, needs):
            if w.q.is_for(row):
                w.take(now, need if w.q.kind == "rate" or room else F(0))
        if limited:
            output = min(row.output, plan.limits.get("max_output_tokens", 10**12))
            self.running.append((now + self.duration[0] + self.duration[1] * output, self.slots(row)))
        self.begin[row.number] = now
        if quota and room:
            self.used += needs[0] if plan.quotas else 0
            return "included"
        return "paid"


# ---- the bill ----

def add_months(date, months):
    month = date.month - 1 + months
    year, month = date.year + month // 12, month % 12 + 1
    return date.replace(year=year, month=month, day=min(date.day, calendar.monthrange(year, month)[1]))


def periods_begun(length, start, first, until):
    """Of a subscription from its first request on; months and years are anniversaries where the start is known."""
    months, elapsed = {30 * DAY: 1, 365 * DAY: 12}.get(length), max(until - first, 0)
    if start is None or months is None:
        return elapsed // length + 1
    begin, n = instant(start, first), 1
    while add_months(begin, n * months) - begin <= datetime.timedelta(milliseconds=elapsed):
        n += 1
    return n


def sums_by_window(quota, rows, begin, start, amounts):
    """Amounts of the rows by window of a quota: {its begin: sum}; rolling ones lie as if anchored."""
    quota.window = "anchored" if quota.window == "rolling" else quota.window
    sums, opened = {}, None
    for row in sorted(rows, key=lambda r: (begin[r.number], r.number)):
        at = begin[row.number]
        if quota.window != "session":
            opened = quota.bounds(start, at)[0]
        elif opened is None or at >= opened + quota.length:
            opened = at
        sums[opened] = sums.get(opened, 0) + amounts[row.number]
    return sums


def covered(credit, rows, begin, start, charges):
    rows = [r for r in rows if credit.is_for(r)]
    window = Window(credit, start)
    window.taken = sorted(sums_by_window(credit, rows, begin, start, charges).items())
    for i, (at, charge) in enumerate(window.taken):  # what is taken of a window says what the next one has
        window.taken[i] = (at, min(charge, credit.amount + window.carried(at)))
    return sum((taken for _, taken in window.taken), F(0))


def free_calls(plan, quota, served, rows, charges):
    """What free calls or units save: of each window those of the requests that started first."""
    kind, key = ("units", "per_unit") if quota.unit == "count" else ("tools", "per_tool")
    saved, used = F(0), {}
    order = sorted((r for r in rows if quota.is_for(r)), key=lambda r: (served.begin[r.number], r.number))
    window = Window(quota, served.start)
    for row in order:
        at, count = served.begin[row.number], F(getattr(row, kind).get(quota.of, 0))
        if quota.window == "session":
            if window.session_at(at) is None:
                window.sessions.append(at)
            first = window.session_at(at)
            room = quota.amount - window.used(first, first + quota.length)
        else:
            if quota.window == "rolling":
                quota.window = "anchored"
            first, end = quota.bounds(served.start, at)
            room = quota.amount + window.carried(first) - window.used(first, end)
        taken = min(count, max(room, 0))
        if not taken:
            continue
        window.taken.append((at, taken))
        fees = plan.rate_of(row).get(key, {})
        less = (fee_of(fees, quota.of, count) or 0) - (fee_of(fees, quota.of, count - taken) or 0)
        saved += min(less, charges[row.number]["fees"][kind])
    return saved


class Bill:
    """n of a plan for the rows; None: as many as are best within the longest wait."""
    def __init__(self, raw, rows, start, max_wait=0, duration=None, n=None):
        self.raw, self.rows, self.start, self.max_wait, self.duration = raw, rows, start, max_wait, duration
        self.plan = Plan(raw)
        self.n = n if n is not None else self.choose()
        self.make(max(self.n, 1))

    # the count that serves all it can within the wait, and costs least
    def choose(self):
        if not self.plan.in_numbers:
            return int(self.plan.by_period)
        price = self.period_price(self.plan)
        many = len(self.rows) * max([r.attempts for r in self.rows], default=1) * 4 + 1  # nobody waits for anybody
        served, best, n = len(self.with_count(many).served.ok), None, 1
        while best is None or n * price <= best[0]:
            bill = self.with_count(n)
            if len(bill.served.ok) == served and bill.served.longest <= self.max_wait:
                best = min(best or (bill.total, n), (bill.total, n))
            n += 1
        return best[1]

    def with_count(self, n):
        return Bill(self.raw, self.rows, self.start, self.max_wait, self.duration, n)

    @staticmethod
    def period_price(plan):
        if plan.sub:
            return F(plan.sub["price"]) * plan.seats
        return F(plan.prov["price"]) * plan.prov.get("units", 1)

    def make(self, n):
        raw, rows, start = self.raw, self.rows, self.start
        plan = self.plan = Plan(raw, n)
        served = self.served = Served(plan, rows, start, self.duration)
        zero = {"parts": {}, "fees": {"tools": F(0), "units": F(0)}, "last": F(0), "retries": F(0), "total": F(0),
                "lacks": set()}
        self.charges = {r.number: charge_row(plan, r, start, served.begin[r.number])
                        if served.fate[r.number] == "paid" else zero for r in rows}
        ok = served.ok
        totals = {r.number: self.charges[r.number]["total"] for r in rows}
        self.usage = sum((totals[r.number] for r in ok), F(0))
        self.first, self.span = min((r.due for r in rows), default=0), max((r.due for r in rows), default=0)
        until = max(self.span, served.last_start)
        lines = self.lines = {"usage": self.usage}
        volume = self.discount(ok, totals)
        included = sum((covered(q, ok, served.begin, start, totals) for q in plan.quotas
                        if q.unit == "usd" and q.settled), F(0))
        included += sum((free_calls(plan, q, served, ok, self.charges) for q in plan.quotas if q.of), F(0))
        lines["included_credit"] = -min(included, self.usage - volume)
        lines["volume_discount"] = -volume
        lines["minimum"] = self.minimum(ok, totals, until)
        lines["credit_fee"] = self.credit_fee(sum(lines[k] for k in ("usage", "included_credit", "volume_discount")))
        self.periods, lines["setup"] = 0, F(0)
        if plan.prov:
            count = plan.prov.get("units", 1) * n
            self.periods = periods_begun(length_of(plan.prov.get("per", "hour")), start, self.first, until)
            lines["provisioned"] = F(plan.prov["price"]) * count * self.periods
            lines["setup"] += F(plan.prov.get("setup", 0)) * count
        if plan.sub:
            self.periods = periods_begun(length_of(plan.sub["period"]), start, self.first, until)
            lines["subscription"] = F(plan.sub["price"]) * plan.seats * n * self.periods
            lines["setup"] += F(plan.sub.get("setup", 0)) * n
        self.total = sum(lines.values())
        rounding = raw.get("rounding")
        if rounding and rounding.get("on") == "bill":
            lines["rounding"] = rounded(self.total, F(rounding["to"]), rounding.get("mode", "half_even")) - self.total
            self.total += lines["rounding"]

    def anchored(self, per):
        return Quota({"usd": "0", "per": per, "window": "anchored"}, "quota", "pay", 1)

    def discount(self, rows, totals):
        volume, off = self.raw.get("volume"), F(0)
        for charge in sums_by_window(self.anchored(volume.get("per", "month")), rows, self.served.begin, self.start,
                                     totals).values() if volume else ():
            steps = volume["steps"]
            for i, step in enumerate(steps):
                upper = F(steps[i + 1]["over_usd"]) if i + 1 < len(steps) else charge
                above = min(charge, upper) - F(step["over_usd"])
                off += rounded(above * F(step["off_percent"]) / 100) if above > 0 else 0
        return off

    def minimum(self, rows, totals, until):
        least = self.raw.get("minimum")
        if not least:
            return F(0)
        quota = self.anchored(least.get("per", "month"))
        sums = sums_by_window(quota, rows, self.served.begin, self.start, totals).values()
        unused = until // quota.length + 1 - len(sums)
        return sum(max(F(least["usd"]) - s, 0) for s in sums) + unused * F(least["usd"])

    def credit_fee(self, net):
        fee, out = self.raw.get("credit_fee"), F(0)
        if not fee or net <= 0:
            return out
        bonus = F(fee.get("bonus_percent", 0))
        out = -rounded(net * bonus / (100 + bonus))
        net += out
        percent, least = F(fee.get("percent", 0)), F(fee.get("minimum", 0))
        if net <= 0 or (percent == 0 and least == 0):
            return out
        purchase = F(fee.get("top_up", 0)) or net
        return out + max(rounded(purchase * percent / 100), least) * -(-net // purchase)

    # what the bill says of itself
    def lacks(self):
        return [r for r in self.served.ok if self.charges[r.number]["lacks"]]

    def utilisation(self):
        """What was used of the first quota, over what its windows have; of units their capacity over the span."""
        plan, until = self.plan, max(self.span, self.served.last_start)
        quota = plan.quotas[0] if plan.quotas else None
        if quota and not quota.settled and quota.amount:
            if quota.window == "session":
                windows = len(self.served.windows[0].sessions)
            elif quota.window == "rolling":
                windows = until // quota.length + 1
            elif quota.month and quota.window == "calendar":
                first, last = instant(self.start, 0), instant(self.start, until)
                windows = (last.year - first.year) * 12 + last.month - first.month + 1
            else:
                windows = (quota.bounds(self.start, until)[0] - quota.bounds(self.start, 0)[0]) // quota.length + 1
            if windows:
                return float(self.served.used / (quota.amount * windows))
        if plan.prov and "tokens_per_minute" in plan.prov and self.span:
            cap = plan.limits.get("max_output_tokens", 10**12)
            units = plan.prov.get("units", 1) * max(self.n, 1)
            return float(sum(r.input + min(r.output, cap) for r in self.served.ok) /
                         (F(plan.prov["tokens_per_minute"]) * units * self.span / MINUTE))
        return None

    def truncated(self):
        cap = self.plan.limits.get("max_output_tokens")
        return sum(r.output > cap for r in self.served.ok) if cap else 0

    def is_ranked(self):
        return len(self.served.ok) == len(self.rows) and self.served.longest <= self.max_wait and not self.lacks() \
            and any(r.status == "ok" for r in self.rows)

    def needed(self):
        """The largest need of any limit, as if all that is bought were one: (count, label)."""
        plan, best = Plan(self.raw), (0, None)
        taken = [Window(q, self.start) for q in plan.quotas + plan.rate_limits]
        running = []
        for row in sorted(self.rows, key=lambda r: r.due):
            charge = charge_row(plan, row, self.start, row.due)["total"] if plan.rate_of(row) and \
                any(q.unit == "usd" and not q.settled for q in plan.quotas) else F(0)
            if caps_allow(plan, row):
                continue
            needs = [need_of(plan, w.q, row, self.start, charge) for w in taken]
            slots = weight_of(plan.limits.get("concurrency_units"), row, self.start, row.due)
            if any(w.q.beyond != "pay" and not w.q.pooled and need > w.q.amount for w, need in zip(taken, needs)) or \
                    (self.duration and plan.concurrency and slots > plan.concurrency):
                continue
            for w, need in zip(taken, needs):
                if not w.q.is_for(row):
                    continue
                w.take(row.due, need)
            for w in taken:
                q, now = w.q, row.due
                if q.beyond == "pay":
                    continue
                if q.window == "rolling":
                    used = w.used(now - q.length + 1, now + 1)
                elif q.window == "session":
                    begin = w.session_at(now)
                    used = w.used(begin, begin + q.length) if begin is not None else F(0)
                else:
                    used = w.used(*q.bounds(self.start, now))
                count = -(-used // q.amount) if q.amount else 0
                if count > best[0]:
                    best = (int(count), q.label)
            if self.duration and plan.concurrency:
                output = min(row.output, plan.limits.get("max_output_tokens", 10**12))
                running = [(e, u) for e, u in running if e > row.due]
                running.append((row.due + self.duration[0] + self.duration[1] * output, slots))
                count = -(-sum(u for _, u in running) // plan.concurrency)
                if count > best[0]:
                    best = (int(count), "concurrency")
        return best

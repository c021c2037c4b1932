"""Random plans over the whole language of a price book, and random requests that meet their limits."""
import random


def prices(r, whole, words=("input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning")):
    finer = r.choice(["", "", "e-3"])
    return {c: f"{r.randrange(4000)}.{r.randrange(1000):03d}{finer}" for c in words
            if r.random() < 0.6 or (whole and c == "input")}


def prices_set(r):
    out = {}
    if r.random() < 0.2:
        out["per_request"] = f"{r.randrange(9)}.{r.randrange(1000)}"
        return out
    out["per_mtok"] = prices(r, True)
    if r.random() < 0.4:
        by = r.choice(["input", "input", "output"])
        low, high = (300, 1200) if by == "input" else (40, 200)
        out["tiers"] = [{f"{by}_over": r.randrange(low // 2, low), "per_mtok": prices(r, False)},
                        {f"{by}_from": r.randrange(low + 1, high), "per_mtok": prices(r, False)}]
        r.shuffle(out["tiers"])
    if r.random() < 0.3:
        out["per_request"] = f"0.{r.randrange(1, 1000)}"
    return out


def rate(r, kinds):
    out = prices_set(r)
    if "windows" in kinds and r.random() < 0.3:
        out["windows"] = [{"start": f"{r.randrange(24):02d}:30", "end": f"{r.randrange(24):02d}:00", **prices_set(r)},
                          {"days": r.sample(["mon", "tue", "wed", "sat"], 2), "from": "2026-10-31",
                           "until": "2026-11-03", "multiplier": "0.5"}][:r.randrange(1, 3)]
    if r.random() < 0.2:
        out["per_tool"] = {"search": f"0.{r.randrange(1, 100)}"}
    if r.random() < 0.2:
        out["per_unit"] = {"image": {"price": f"0.{r.randrange(1, 100)}", "step": "1", "minimum": "3"}}
    if r.random() < 0.25:
        out["weights"] = r.sample([{"models": "m1", "weight": "3"}, {"classes": "c*", "weight": "0"},
                                   {"models": ["m*"], "classes": "d", "weight": "0.5"}, {"weight": "2"},
                                   *([{"start": "06:00", "end": "18:00", "days": ["sun", "mon"], "weight": "1.5"}]
                                     if "windows" in kinds else [])], r.randrange(1, 3))
    if r.random() < 0.1:
        out["cache_storage"] = {"per_mtok_hour": "4500", "hours": "0.25"}
    if r.random() < 0.3:
        out["multipliers"] = {"batch": "0.5"}
    if r.random() < 0.2:
        out["services"] = {"priority": prices_set(r)}
    return out


def window(r):
    return {"per": r.choice(["hour", "hour", "2h", "5h", "day", "week", "month", "minute"]),
            **({"window": r.choice(["calendar", "rolling", "anchored", "session"])} if r.random() < 0.7 else {})}


def quota(r, beyond):
    kind = r.choice(["requests", "requests", "requests", "tokens", "input_tokens", "output_tokens", "usd", "credits"])
    out = {"requests": lambda: {"requests": r.randrange(1, 6)},
           "tokens": lambda: {"tokens": r.randrange(400, 6000)},
           "input_tokens": lambda: {"input_tokens": r.randrange(300, 5000)},
           "output_tokens": lambda: {"output_tokens": r.randrange(100, 900)},
           "usd": lambda: {"usd": f"{r.randrange(1, 9)}.5"},
           "credits": lambda: {"credits": r.randrange(100, 900), "credit_usd": "0.01"}}[kind]() | window(r)
    if r.random() < 0.6:
        out["beyond"] = r.choice(beyond)
    if kind.endswith("tokens") and r.random() < 0.3:
        out["counts"] = {"output": 4, "cached_input": "0.1"}
    if r.random() < 0.2 and out.get("window", "calendar") in ("calendar", "anchored"):
        out["rollover"] = True
    if r.random() < 0.2:
        out[r.choice(["models", "classes"])] = r.choice(["m1", "c*"])
    return out


def free_of(r):
    out = r.choice([{"tool": "search", "calls": r.randrange(1, 4)}, {"unit": "image", "count": r.randrange(1, 9)}])
    out |= window(r)
    if r.random() < 0.3 and out.get("window", "calendar") in ("calendar", "anchored"):
        out["rollover"] = True
    return out


def terms(r):
    out = {}
    if r.random() < 0.5:
        sub = {"price": r.choice(["0", "1", "2.5", "7", "12", "20"]), "period": r.choice(["month", "month", "day", "week", "5h"])}
        if r.random() < 0.85:
            sub["includes"] = [quota(r, ["queue", "reject", "pay"]) for _ in range(r.choice([1, 1, 2]))]
            if len(sub["includes"]) == 1 and r.random() < 0.7:
                sub["includes"] = sub["includes"][0]
            if r.random() < 0.5:
                sub["beyond"] = r.choice(["queue", "reject", "pay"])
        if r.random() < 0.2:
            sub["seats"] = 2
        if r.random() < 0.2:
            sub["setup"] = "3"
        out["subscription"] = sub
    elif r.random() < 0.3:
        out["provisioned"] = {"unit": "U", "price": r.choice(["1", "3"]), "per": r.choice(["hour", "day", "month"])}
        if r.random() < 0.8:
            out["provisioned"]["tokens_per_minute"] = r.randrange(500, 4000)
            if r.random() < 0.4:
                out["provisioned"]["counts"] = {"output": 4, "cached_input": "0.1"}
            if r.random() < 0.6:
                out["provisioned"]["beyond"] = r.choice(["reject", "queue", "pay"])
        if r.random() < 0.4:
            out["provisioned"]["units"] = r.randrange(1, 3)
        if r.random() < 0.2:
            out["provisioned"]["setup"] = "2"
    if r.random() < 0.15:
        out["free"] = free_of(r) if r.random() < 0.6 else quota(r, ["pay"])
    if r.random() < 0.4:
        limits = {}
        for name, low, high in (("rpm", 1, 4), ("rpd", 3, 9), ("tpm", 900, 5000), ("rph", 2, 6), ("output_tpm", 200, 900)):
            if r.random() < 0.25:
                limits[name] = r.randrange(low, high)
        if r.random() < 0.2:
            limits["concurrency"] = r.randrange(1, 4)
            if r.random() < 0.3:
                limits["concurrency_units"] = [{"models": "m1", "weight": "2"}]
        for name, low, high in (("max_input_tokens", 700, 1500), ("max_output_tokens", 100, 280), ("max_total_tokens", 900, 1700)):
            if r.random() < 0.15:
                limits[name] = r.randrange(low, high)
        if r.random() < 0.5:
            limits["beyond"] = r.choice(["queue", "reject"])
        if r.random() < 0.4:
            limits["window"] = r.choice(["calendar", "rolling", "anchored", "session"])
        if limits:
            out["limits"] = limits
    if r.random() < 0.2:
        out["billed"] = {"failed": r.choice(["none", "input", "delivered", "full"]),
                         "aborted": r.choice(["none", "input", "delivered", "full"]), "retried": r.choice(["each", "final"])}
    if r.random() < 0.15:
        out["rounding"] = {"to": r.choice(["0.01", "0.001"]), "mode": r.choice(["half_even", "half_up", "up", "down"]),
                           "on": r.choice(["class", "request", "bill"])}
    if r.random() < 0.1:
        out["charged_per"] = r.choice(["turn", "session"])
    if r.random() < 0.1:
        out["minimum_per_request"] = "0.4"
    if r.random() < 0.1:
        out["minimum"] = {"usd": "25", "per": r.choice(["day", "month", "hour"])}
    if r.random() < 0.1:
        out["volume"] = {"per": r.choice(["day", "month"]), "steps": [{"over_usd": "5", "off_percent": "10"},
                                                                     {"over_usd": "20", "off_percent": "12.5"}]}
    if r.random() < 0.1:
        out["credit_fee"] = r.choice([{"percent": "5.5", "minimum": "0.8"}, {"percent": "5.5", "top_up": "10"},
                                      {"percent": "3", "bonus_percent": "10"}])
    return out


def plan(r, name, kinds):
    out = {"name": name}
    if r.random() < 0.2:
        out["rates"] = [{"models": ["m1", "x"], **rate(r, kinds)}, rate(r, kinds)]
    elif r.random() < 0.8:
        out |= rate(r, kinds)
    more = terms(r)
    if not out.keys() & {"rates", "per_mtok", "per_request"}:
        more.setdefault("subscription", {"price": "7", "period": "month", "includes": quota(r, ["queue", "reject"]),
                                         "beyond": r.choice(["queue", "reject"])})
        if "beyond" in more.get("provisioned", {}):
            more.pop("provisioned")
    return out | more


def simple_plans(r):
    """A plan by the token and some with an allowance: what a split is for."""
    allowance = {"requests": r.randrange(1, 5), **r.choice([
        {"per": "day"}, {"per": "hour"}, {"per": "5h", "window": "rolling"}, {"per": "month"},
        {"per": "day", "window": "rolling"}, {"per": "2h", "window": "session"}, {"per": "day", "window": "anchored"}])}
    other = r.choice([{"usd": "4", "per": "day", "beyond": "pay"}, {"tokens": r.randrange(900, 4000), "per": "day"},
                      {"usd": "4", "per": "5h", "beyond": "reject"},
                      [{"requests": 2, "per": "hour"}, {"requests": 4, "per": "day"}],
                      [{"requests": 1, "per": "2h", "window": "rolling"}, {"requests": 3, "per": "day", "window": "rolling"}],
                      [{"requests": 3, "per": "day"}, {"requests": 1, "per": "hour", "models": "m1"}]])
    period = r.choice(["month", "day", "week", "5h"])
    first = {"name": "allowance", "subscription": {"price": r.choice(["1", "2.5", "4"]), "period": period,
             "includes": allowance, "beyond": r.choice(["queue", "reject", "pay"])}}
    if first["subscription"]["beyond"] == "pay":
        first["per_request"] = f"{r.randrange(3)}.{r.randrange(10)}"
    second = {"name": "other", "subscription": {"price": r.choice(["1", "3"]), "period": period, "includes": other,
              "beyond": r.choice(["queue", "reject"])}, "per_mtok": prices(r, True, ("input", "output"))}
    token = {"name": "token", "per_mtok": {"input": f"{r.randrange(500, 4000)}", "output": f"{r.randrange(500, 9000)}"}}
    if r.random() < 0.3:
        second["weights"] = [{"models": "m1", "weight": r.choice(["2", "3", "0"])}]
    if r.random() < 0.3:
        first["limits"] = {"rpm": 1}
    return [token, first, second]


def trace(r, most):
    """Rows that fall into few windows, now and then over days; and whether the start is known."""
    wide = r.choice([30 * 60_000, 6 * 3_600_000, 30 * 3_600_000, 40 * 86_400_000])
    columns = {c for c in ("model", "class", "service", "session", "initiator", "status", "attempts", "usage", "extras")
               if r.random() < 0.4}
    rows, at = [], 0
    for _ in range(r.randrange(1, most + 1)):
        row = {"timestamp": at, "input_length": r.randrange(1, 2000), "output_length": r.randrange(1, 300)}
        if "model" in columns and r.random() < 0.9:
            row["model"] = r.choice(["m1", "m2"])
        if "class" in columns and r.random() < 0.9:
            row["class"] = r.choice(["c1", "d"])
        if "service" in columns:
            row["service"] = r.choice(["standard", "batch", "priority"])
        if "session" in columns and r.random() < 0.9:
            row["session_id"] = r.choice(["s1", "s2", "s3"])
        if "initiator" in columns and r.random() < 0.95:
            row["initiator"] = r.choice(["user", "agent"])
        if "status" in columns:
            row["status"] = r.choice(["ok", "ok", "failed", "aborted"])
        if "attempts" in columns:
            row["attempts"] = r.choice([1, 1, 2, 3])
        usage = {}
        if "usage" in columns:
            third = row["input_length"] // 4 + 1
            usage = {"cached_input": r.randrange(third), "cache_write": r.randrange(third),
                     "cache_write_1h": r.randrange(third), "reasoning": r.randrange(row["output_length"])}
        if "extras" in columns and r.random() < 0.7:
            usage |= {"tools": {"search": r.randrange(4)}, "units": {"image": r.randrange(6)}}
        if usage:
            row["usage"] = usage
        rows.append(row)
        at += r.choice([0, 1, r.randrange(60_000), r.randrange(wide // 4)])
    return rows, r.choice([None, "2026-11-01T00:00:00Z", "2026-10-31T21:30:00Z", "2026-01-31T05:00:00Z"])


def case(seed):
    """{"plans", "rows", "start", "max_wait", "duration", "split"} of a seed."""
    r = random.Random(seed)
    split = seed % 5 == 0
    rows, start = trace(r, 6 if split else 12)
    kinds = {"windows"} if start else set()
    plans = simple_plans(r) if split else [plan(r, f"p{i}", kinds) for i in range(4)]
    for row in rows if split else ():
        row.pop("usage", None), row.pop("service", None), row.pop("status", None), row.pop("attempts", None)
    return {"plans": plans, "rows": rows, "start": start, "split": split,
            "max_wait": 0 if split else r.choice([0, 0, 0, 30_000, 2 * 3_600_000, 100 * 86_400_000]),
            "duration": r.choice([None, (1500, 20)])}

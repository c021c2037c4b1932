"""Imported price lists against a second, independent reading of them.

For each list: every entry is in the book or among the findings, and 100 random usages of every
plan, priced by the program, equal exact decimals worked out here from the list's own numbers. The
lists are not part of the project: FAREBOX_PRICING names their folder.
"""
import datetime
import decimal
import fractions
import json
import os
import pathlib
import random
import re

from support import ROOT, Case

FOLDER = pathlib.Path(os.environ.get("FAREBOX_PRICING", ROOT.parent / "shared" / "pricing"))
USAGES = 100
SCALE = 10**36  # totals and prices as integers of 1e-36 USD: every product is exact
decimal.getcontext().prec = 120

CLASSES = ["input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning", "image_input", "audio_input",
           "video_input", "cached_image_input", "cached_audio_input", "image_output", "audio_output"]
PARENT = {"cached_input": "input", "cache_write": "input", "cache_write_1h": "cache_write", "reasoning": "output",
          "image_input": "input", "audio_input": "input", "video_input": "input", "cached_image_input": "cached_input",
          "cached_audio_input": "cached_input", "image_output": "output", "audio_output": "output"}


def meant(number, per, decimals):
    """A list's number as a book has it: artefacts snapped, the rest as written; scaled."""
    d = decimal.Decimal(number)
    if len(d.normalize().as_tuple().digits) > 12:
        short = decimal.Context(prec=12, rounding=decimal.ROUND_HALF_EVEN).plus(d).normalize()
        if len(short.as_tuple().digits) <= 9:
            d = short
    d = (d / per).quantize(decimal.Decimal(1).scaleb(-decimals), rounding=decimal.ROUND_HALF_EVEN)
    return int(d * SCALE)


def token(number, per=1):
    return meant(number, per, 24)


def fee(number, per=1):
    return meant(number, per, 18)


def times(price, factor):
    exact = fractions.Fraction(price) * factor
    unit = SCALE // 10**24
    return round(exact / unit) * unit  # half to even, at what a plan can hold


class Prices:
    """Prices of one service or window: {class: price} and {class: [(first input, price)]}."""

    def __init__(self):
        self.base, self.tiers, self.request = {}, {}, 0

    def add(self, name, first, price):
        if first == 0:
            self.base[name] = price
        else:
            self.tiers.setdefault(name, []).append((first, price))

    def times(self, factor):
        p = Prices()
        p.request = self.request
        p.base = {c: times(v, factor) for c, v in self.base.items()}
        p.tiers = {c: [(first, times(v, factor)) for first, v in t] for c, t in self.tiers.items()}
        return p

    def parent(self, name):
        """Whose price a class without one has. What is cached without a price for that costs what it costs elsewhere."""
        if name.startswith("cached_") and "cached_input" not in self.base and "cached_input" not in self.tiers:
            return {"cached_image_input": "image_input", "cached_audio_input": "audio_input"}.get(name, "input")
        return PARENT.get(name)

    def of(self, name, total):
        while name:
            passed = [t for t in self.tiers.get(name, []) if t[0] <= total]
            if passed:
                return max(passed)[1]
            if name in self.base:
                return self.base[name]
            name = self.parent(name)
        return 0


class Entry:
    def __init__(self):
        self.standard = Prices()
        self.services = {}
        self.windows = []  # (active(instant), Prices)
        self.tools, self.units = {}, {}
        self.variants = {}  # in a region, at a speed: name -> Entry

    def times(self, factor):
        """The same where every price of a token is multiplied."""
        e = Entry()
        e.standard = self.standard.times(factor)
        e.services = {k: p.times(factor) for k, p in self.services.items()}
        e.windows = [(active, p.times(factor)) for active, p in self.windows]
        e.tools = self.tools
        e.units = {k: p * factor.numerator // factor.denominator if k.endswith("_token") else p
                   for k, p in self.units.items()}
        return e

    def at(self, service, instant):
        for active, prices in reversed(self.windows):
            if instant and active(instant):
                return prices
        return self.services.get(service, self.standard)


# ---- LiteLLM ----

LITELLM_CLASS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cached_input",
    "input_cost_per_token_cache_hit": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_1h",
    "input_cost_per_image_token": "image_input",
    "input_cost_per_audio_token": "audio_input",
    "input_cost_per_video_token": "video_input",
    "cache_read_input_image_token_cost": "cached_image_input",
    "cache_read_input_audio_token_cost": "cached_audio_input",
    "output_cost_per_image_token": "image_output",
    "output_cost_per_audio_token": "audio_output",
}
LITELLM_ODD_UNITS = {
    "cache_creation_input_audio_token_cost": "cache_write_audio_token",
    "citation_cost_per_token": "citation_token",
    "input_cost_per_query": "query",
    "input_cost_per_text_message": "text_message",
    "cost_per_second": "second",
    "ocr_cost_per_page": "page",
    "annotation_cost_per_page": "annotation_page",
    "ocr_cost_per_credit": "credit",
}
SUFFIX = {"_priority": "priority", "_flex": "flex", "_batches": "batch"}
OTHERS = ["ultrafast", "balanced", "decisions"]  # services that plans have no name for: plans of their own


def litellm_unit(key):
    if key in LITELLM_ODD_UNITS:
        return LITELLM_ODD_UNITS[key]
    m = re.fullmatch(r"(input|output)_cost_per_(audio|video)_per_second", key)
    if m:
        return f"{m[1]}_{m[2]}_second"
    m = re.fullmatch(r"(input|output)_cost_per_(\w+)", key)
    return f"{m[1]}_{m[2]}" if m and "_above_" not in key else None


def off_peak_hours(hours):
    spans = []
    for text in [hours] if isinstance(hours, str) else hours:
        start, end = (int(t[:2]) * 60 + int(t[3:]) for t in text.split("-"))
        spans.append((start, end))
    return lambda m: any(s <= m < e if s < e else m >= s or m < e for s, e in spans)


ZONES = {"UTC": 0, "Asia/Shanghai": 8}


def off_peak_rule(rule, zone):
    hours, days = off_peak_hours(rule["hours_utc"]), [int(d) for d in rule.get("weekdays", range(1, 8))]
    local = datetime.timedelta(hours=ZONES[zone])
    return lambda t: hours(t.hour * 60 + t.minute) and (t + local).isoweekday() in days


def litellm_off_peak(raw, e):
    """At these hours some classes have one price, whatever the length; the others keep theirs."""
    prices = Prices()
    prices.request, prices.base, prices.tiers = e.standard.request, dict(e.standard.base), dict(e.standard.tiers)
    for key, value in raw.items():
        if key in LITELLM_CLASS:
            prices.base[LITELLM_CLASS[key]] = token(value)
            prices.tiers.pop(LITELLM_CLASS[key], None)
    rules = [{"hours_utc": raw["hours_utc"]}] if "hours_utc" in raw else []
    for rule in rules + raw.get("windows", []):
        e.windows.append((off_peak_rule(rule, raw.get("weekday_timezone", "UTC")), prices))


def litellm_entry(raw):
    e, raw_services, factors, others = Entry(), {}, {}, {}
    step = 0 if raw.get("litellm_provider") == "xai" else 1
    off_peak = None
    for key, value in raw.items():
        if key == "off_peak_pricing":
            off_peak = value
        if key == "provider_specific_entry":
            factors.update({k: fractions.Fraction(v) for k, v in value.items() if k in ("us", "eu", "fast")})
        if key == "search_context_cost_per_query":
            sizes = {k.rsplit("_", 1)[1]: fee(v) for k, v in value.items()}
            e.tools["web_search"] = sizes["medium"]
            if len(set(sizes.values())) > 1:
                e.tools.update({"web_search_" + k: v for k, v in sizes.items()})
        if key == "tiered_pricing":
            for tier in value:
                if "range" not in tier:
                    continue  # by the number of results: left out
                low = int(tier["range"][0])
                for k, v in tier.items():
                    if k != "range":
                        e.standard.add(LITELLM_CLASS[k], low + step if low else 0, token(v))
        if not isinstance(value, decimal.Decimal) or "_dbu_" in key:
            continue
        base, service, first = key, "standard", 0
        for suffix, name in SUFFIX.items():
            if base.endswith(suffix):
                base, service = base.removesuffix(suffix), name
        for name in OTHERS:
            if base.endswith("_" + name):
                base, service = base.removesuffix("_" + name), name
        m = re.fullmatch(r"(.*)_above_(\d+)k_tokens", base)
        if m:
            base, first = m[1], int(m[2]) * 1000 + step
        if base in LITELLM_CLASS:
            where = e.standard if service == "standard" else raw_services.setdefault(service, Prices())
            where.add(LITELLM_CLASS[base], first, token(value))
        elif base == "input_cost_per_request":
            e.standard.request = fee(value)
        elif key.startswith("regional_processing_uplift_multiplier_"):
            factors[key.rsplit("_", 1)[1]] = fractions.Fraction(value)
        elif key in ("fedramp_uplift_multiplier", "regional_endpoint_uplift_multiplier"):
            factors["fedramp" if key[0] == "f" else "regional"] = fractions.Fraction(value)
        elif base == "code_interpreter_cost_per_session":
            e.tools["code_interpreter"] = fee(value)
        elif service == "standard" and first == 0 and litellm_unit(base):
            e.units[litellm_unit(base)] = fee(value)
    for service, own in raw_services.items():
        full = Prices()
        full.request = e.standard.request
        own_output = "output" in own.base or "output" in own.tiers
        for c in CLASSES:
            if c == "reasoning" and c not in own.base and own_output:
                full.tiers[c] = own.tiers.get(c, [])  # the service's reasoning is its output
            elif c in own.base:
                full.base[c] = own.base[c]
                full.tiers[c] = own.tiers.get(c, [])
            else:
                if c in e.standard.base:
                    full.base[c] = e.standard.base[c]
                tiers = dict(e.standard.tiers.get(c, []))
                tiers.update(dict(own.tiers.get(c, [])))
                full.tiers[c] = list(tiers.items())
        if service in OTHERS:
            others[service] = Entry()
            others[service].standard, others[service].tools, others[service].units = full, e.tools, e.units
        else:
            e.services[service] = full
    if off_peak:
        litellm_off_peak(off_peak, e)
    e.variants = others | {name: e.times(factor) for name, factor in factors.items()}
    return e


def litellm(text):
    return {name: litellm_entry(raw) if name != "sample_spec" else Entry() for name, raw in text.items()}


# ---- genai-prices ----

GENAI_CLASS = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_image_mtok": "image_input",
    "input_audio_mtok": "audio_input",
    "input_video_mtok": "video_input",
    "cache_image_read_mtok": "cached_image_input",
    "cache_audio_read_mtok": "cached_audio_input",
    "output_image_mtok": "image_output",
    "output_audio_mtok": "audio_output",
}
GENAI_UNIT = {
    "output_video_mtok": ("output_video_token", 10**6),
    "output_citation_mtok": ("citation_token", 10**6),
    "audio_hours": ("audio_hour", 1),
    "input_audio_hours": ("input_audio_hour", 1),
    "output_audio_hours": ("output_audio_hour", 1),
    "input_mchars": ("input_character", 10**6),
    "output_mchars": ("output_character", 10**6),
    "input_gpixels": ("input_pixel", 10**9),
    "input_document_kpages": ("page", 1000),
    "input_annotated_document_kpages": ("annotation_page", 1000),
    "rerank_searches_kcount": ("query", 1000),
    "input_text_messages_kcount": ("text_message", 1000),
}
GENAI_TOOL = {"web_searches_kcount": "web_search", "storage_searches_kcount": "file_search",
              "social_searches_kcount": "social_search", "code_executions_kcount": "code_execution"}


def genai_prices(raw, e):
    p = Prices()
    for key, value in raw.items():
        if key in GENAI_CLASS and isinstance(value, dict):
            p.add(GENAI_CLASS[key], 0, token(value["base"], 10**6))
            for tier in value["tiers"]:
                p.add(GENAI_CLASS[key], int(tier["start"]) + 1, token(tier["price"], 10**6))
        elif key in GENAI_CLASS:
            p.add(GENAI_CLASS[key], 0, token(value, 10**6))
        elif key == "requests_kcount":
            p.request = fee(value, 1000)
        elif key in GENAI_TOOL:
            e.tools[GENAI_TOOL[key]] = fee(value, 1000)
        else:
            unit, per = GENAI_UNIT[key]
            e.units[unit] = fee(value, per)
    return p


def genai_variant(raw, standard):
    """The standard prices, with those of the variant in their place."""
    own, full = genai_prices(raw, Entry()), Prices()
    full.request = own.request or standard.request
    for c in CLASSES:
        if c == "reasoning" and c not in own.base and "output" in own.base:
            continue
        source = own if c in own.base else standard
        if c in source.base:
            full.base[c], full.tiers[c] = source.base[c], source.tiers.get(c, [])
    return full


def genai_holds(variant, day):
    constraint = variant.get("constraint") or {}
    return "start_time" not in constraint and not (day and constraint.get("start_date", "") > day)


def genai_variants(model, e, day):
    """What holds on the list's day; of several for one condition the first, price by price."""
    found = {}
    for variant in model.get("price_variants", []):
        (key, value), *more = variant["when"].items()
        if more or not variant["prices"] or not genai_holds(variant, day):
            continue
        found[key, value] = variant["prices"] | found.get((key, value), {})
    for (key, value), prices in found.items():
        if value in ("batch", "flex", "priority") and key in ("processing", "service_tier"):
            e.services[value] = genai_variant(prices, e.standard)
        else:
            name = value if key in ("speed", "service_tier", "processing") else f"{key} {value}"
            own = e.variants[name] = Entry()
            own.standard, own.units = genai_variant(prices, e.standard), e.units
            own.tools = e.tools | {GENAI_TOOL[k]: fee(v, 1000) for k, v in prices.items() if k in GENAI_TOOL}


def genai_condition(c):
    if "start_date" in c:
        start = datetime.datetime.fromisoformat(c["start_date"]).replace(tzinfo=datetime.timezone.utc)
        return lambda t: t >= start
    start, end = (datetime.time.fromisoformat(c[k].rstrip("Z")) for k in ("start_time", "end_time"))
    if start < end:
        return lambda t: start <= t.time() < end
    return lambda t: t.time() >= start or t.time() < end


def genai_model(model, day):
    e, raw = Entry(), model["prices"]
    sets = raw if isinstance(raw, list) else [{"prices": raw}]
    for s in sets:
        prices = genai_prices(s["prices"], e)
        if s.get("constraint"):
            e.windows.append((genai_condition(s["constraint"]), prices))
            if day and s["constraint"].get("start_date", "9") <= day:
                e.frozen = prices
        else:
            e.standard = prices
    dated = all("start_date" in s.get("constraint", {"start_date": ""}) for s in sets)
    timed = Entry()
    timed.standard = e.standard
    genai_variants(model, timed, day)
    if day and e.windows and dated and (timed.services or timed.variants):
        e.standard, e.windows = getattr(e, "frozen", e.standard), []
    genai_variants(model, e, day)
    if e.windows:
        e.services = {}
    return e


def genai(text, day=None):
    return {provider["id"] + "/" + model["id"]: genai_model(model, day)
            for provider in text for model in provider["models"]}


# ---- OpenRouter ----

OPENROUTER_CLASS = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cached_input",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
    "image_token": "image_input",
    "image_output": "image_output",
    "audio": "audio_input",
    "audio_output": "audio_output",
    "input_audio_cache": "cached_audio_input",
}
OPENROUTER_UNIT = {
    "image": "input_image",
}


def openrouter(text):
    entries = {}
    for model in text["data"]:
        e = Entry()
        for key, value in model["pricing"].items():
            if key in OPENROUTER_CLASS:
                e.standard.add(OPENROUTER_CLASS[key], 0, token(value))
            elif key in OPENROUTER_UNIT:
                e.units[OPENROUTER_UNIT[key]] = fee(value)
            elif key == "web_search":
                e.tools["web_search"] = fee(value)
        for override in model["pricing"].get("overrides", []):
            for key, value in override.items():
                if key in OPENROUTER_CLASS:
                    e.standard.add(OPENROUTER_CLASS[key], int(override["min_prompt_tokens"]), token(value))
        entries[model["id"]] = e
    return entries


# ---- usages ----

INSTANTS = [None, "2024-05-05T12:00:00Z", "2026-07-29T23:59:59Z", "2026-07-30T00:00:00Z", "2026-09-01T00:29:59Z",
            "2026-09-01T00:30:00Z", "2026-11-01T16:29:59Z", "2027-03-01T16:30:00Z", "2027-01-01T00:00:00Z"]
PARSED = {i: i and datetime.datetime.fromisoformat(i.replace("Z", "+00:00")) for i in INSTANTS}
EDGES = [32000, 128000, 200000, 256000, 272000, 512000]


def random_usage(rng, plan, e):
    """One line for the program, and the charge that it must give."""
    total = rng.choice([rng.randrange(2000), rng.randrange(10**6), rng.choice(EDGES) + rng.randrange(-1, 2)])
    cached = int(total * rng.random() ** 2)
    write = int((total - cached) * rng.random())
    write_1h = int((total - cached - write) * rng.random())
    output = rng.randrange(20000)
    reasoning = int(output * rng.random())
    service = rng.choice(["standard", "batch", "flex", "priority"])
    instant = rng.choice(INSTANTS)
    prices = e.at(service, PARSED[instant])
    counts = [total - cached - write - write_1h, cached, write, write_1h, output - reasoning, reasoning]
    media = ""
    for name in CLASSES[6:]:  # pictures and sound are part of what is left of the text
        whole = 4 if name.endswith("output") else 0
        counts.append(int(counts[whole] * rng.random() ** 4))
        counts[whole] -= counts[-1]
        media += f',"{name}":{counts[-1]}'
    usd = prices.request + sum(n * prices.of(c, total) for n, c in zip(counts, CLASSES))
    extras = []
    for kind, fees in (("tools", e.tools), ("units", e.units)):
        used = {}
        for name, price in fees.items():
            micro = rng.choice([0, 1000000 * rng.randrange(50), rng.randrange(10**10)])
            used[name] = f"{micro // 10**6}.{micro % 10**6:06}"
            assert micro * price % 10**6 == 0
            usd += micro * price // 10**6
        if used:
            extras.append(f',"{kind}":{{' + ",".join(f'"{k}":{v}' for k, v in used.items()) + "}")
    at = f',"at":"{instant}"' if instant else ""
    line = (f'{{"plan":{plan},"input":{total},"cached_input":{cached},"cache_write":{write},'
            f'"cache_write_1h":{write_1h},"output":{output},"reasoning":{reasoning}{media},"service":"{service}"'
            f'{at}{"".join(extras)}}}\n')
    return line, usd


def scaled(text):
    whole, _, decimals = text.partition(".")
    return int(whole + decimals.ljust(36, "0"))


class Import(Case):
    def import_list(self, option, file):
        path = FOLDER / file
        if not path.exists():
            self.skipTest(f"{path} is not there (FAREBOX_PRICING names its folder)")
        book = self.path("book.json")
        report = self.farebox_json("prices", "import", option, path, "-o", book)
        plans = self.farebox_json("prices", "check", book)[0]["plans"]
        raw = json.loads(path.read_text(), parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        return raw, report, book, plans

    def check_accounting(self, entries, report, plans):
        """Nothing is lost: each entry is a plan or a finding, and the counts say so."""
        left_out = {f["entry"] for f in report["findings"] if f["change"] == "left_out"}
        partly = {f["entry"] for f in report["findings"] if f["change"] == "in_part"} - left_out
        self.assertEqual(report["read"], len(entries))
        self.assertEqual(report["read"], report["represented"] + report["partly"] + report["left_out"])
        self.assertEqual(report["left_out"], len(left_out))
        self.assertEqual(report["partly"], len(partly))
        variants = {f"{name} ({v})": e.variants[v] for name, e in entries.items() for v in e.variants}
        self.assertEqual(report["variants"], len(variants))
        self.assertEqual(plans, report["represented"] + report["partly"] + len(variants))
        self.assertEqual(sum(report["left_out_by"].values()), report["left_out"])
        self.assertEqual(sum(f["change"] == "snapped" for f in report["findings"]), report["snapped"])
        self.assertEqual(sum(f["change"] == "rounded" for f in report["findings"]), report["rounded"])
        self.assertLessEqual(left_out, set(entries))
        return {name: e for name, e in entries.items() if name not in left_out} | variants

    def check_charges(self, book, entries):
        rng = random.Random(20261101)
        lines, expected = [], []
        for name, e in entries.items():
            plan = json.dumps(name)
            for _ in range(USAGES):
                line, usd = random_usage(rng, plan, e)
                lines.append(line)
                expected.append((usd, name))
        usages = self.write("usages.jsonl", "".join(lines))
        quotes = self.farebox("prices", "quote", "--plans", book, "--usages", usages).stdout.splitlines()
        self.assertEqual(len(quotes), USAGES * len(entries))
        for quote, line, (usd, name) in zip(quotes, lines, expected):
            total, plan = quote.split("\t")
            if plan != name or scaled(total) != usd:
                self.fail(f"{line}  gave {quote}, not {decimal.Decimal(usd) / SCALE}")
        self.assertGreater(sum(usd > 0 for usd, _ in expected), len(expected) // 2)

    def check_list(self, option, file, read):
        raw, report, book, plans = self.import_list(option, file)
        entries = read(raw)
        represented = self.check_accounting(entries, report, plans)
        self.check_charges(book, represented)
        return report

    def test_litellm(self):
        report = self.check_list("--litellm", "litellm_model_prices_and_context_window.json", litellm)
        self.assertEqual(report["read"], 2986)
        self.assertEqual(report["represented"], 2883)
        self.assertEqual(report["partly"], 2)
        self.assertEqual(report["variants"], 50)
        self.assertEqual(report["left_out_by"], {"the list's own sample, not a model": 1, "no price given": 98,
                                                 "price by the number of results asked for": 2})
        self.assertEqual((report["snapped"], report["rounded"]), (31, 8))

    def test_genai_prices(self):
        report = self.check_list("--genai-prices", "genai-prices_v2.json", genai)
        self.assertEqual(report["read"], 1466)
        self.assertEqual((report["represented"], report["partly"]), (1309, 0))
        self.assertEqual(report["left_out_by"], {"no price given": 157})

    def test_price_variants_of_a_small_list(self):
        variants = [{"when": {"processing": "batch"}, "prices": {"input_mtok": 1.25, "output_mtok": 5}},
                    {"when": {"service_tier": "priority"},
                     "prices": {"input_mtok": {"base": 5, "tiers": [{"start": 200000, "price": 8}]}}},
                    {"when": {"speed": "fast"}, "prices": {"input_mtok": 20}}]
        models = [{"id": "plain", "match": {"equals": "plain"}, "prices": {"input_mtok": 3, "output_mtok": 9}},
                  {"id": "varied", "match": {"equals": "varied"},
                   "prices": {"input_mtok": 2.5, "cache_read_mtok": 0.25, "output_mtok": 10,
                              "output_reasoning_mtok": 10},
                   "price_variants": variants}]
        path = self.write("list.json", json.dumps([{"id": "seller", "name": "Seller", "models": models}]))
        raw, report, book, plans = self.import_list("--genai-prices", pathlib.Path(path))
        entries = self.check_accounting(genai(raw), report, plans)
        self.assertEqual((report["represented"], report["partly"], report["variants"]), (2, 0, 1))
        self.check_charges(book, entries)
        quote = self.farebox("prices", "quote", "--plans", f"{book}#seller/varied", "--input", "1000000",
                             "--service", "batch")
        self.assertIn("1.25", quote.stdout)

    def test_unknown_keys_are_said(self):
        path = self.write("list.json", '{"m": {"input_cost_per_token": 1e-06, "night_rate": {"input": 5e-07}}}')
        done = self.farebox("prices", "import", "--litellm", path, "-o", self.path("book.json"))
        self.assertIn("1 entry has keys that this version of farebox does not know", done.stderr)
        done = self.farebox("prices", "import", "--litellm", path, "--all")
        self.assertIn("night_rate", done.stdout)

    def test_a_small_litellm_list(self):
        entries = {
            "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of a list"},
            "plain": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "litellm_provider": "a",
                      "cache_read_input_token_cost": 2.5e-07, "input_cost_per_token_batches": 1.25e-06,
                      "output_cost_per_token_batches": 5e-06},
            "tiers": {"input_cost_per_token": 3e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
                      "output_cost_per_token": 1.5e-05, "output_cost_per_token_above_200k_tokens": 2.25e-05,
                      "cache_creation_input_token_cost": 3.75e-06, "litellm_provider": "a",
                      "cache_creation_input_token_cost_above_1hr": 6e-06},
            "artefact": {"input_cost_per_token": 2.9999999999999997e-06, "output_cost_per_token": 1.2e-05,
                         "litellm_provider": "a"},
            "search": {"input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06, "litellm_provider": "a",
                       "search_context_cost_per_query": {"search_context_size_low": 0.01,
                                                         "search_context_size_medium": 0.02,
                                                         "search_context_size_high": 0.03}},
            "image": {"litellm_provider": "a", "mode": "image_generation", "output_cost_per_image": 0.04},
            "night": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06, "litellm_provider": "a",
                      "off_peak_pricing": {
                          "input_cost_per_token": 1e-06, "weekday_timezone": "Asia/Shanghai",
                          "windows": [{"hours_utc": ["16:00-01:00"], "weekdays": [1, 2]},
                                      {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}},
            "kept": {"input_cost_per_token": 1e-06, "cache_creation_input_token_cost_above_12hr": 3e-06,
                     "cache_creation_input_token_cost_above_12hr_above_272k_tokens_flex": 2e-06,
                     "input_cost_per_token_ultrafast": 9e-06, "litellm_provider": "a"},
            "abroad": {"input_cost_per_token": 5e-06, "input_cost_per_token_above_200k_tokens": 1e-05,
                       "output_cost_per_token": 3e-05, "input_cost_per_token_flex": 2.5e-06,
                       "regional_processing_uplift_multiplier_eu": 1.1, "litellm_provider": "a",
                       "provider_specific_entry": {"fast": 6.0, "switch": 1}},
            "free": {"litellm_provider": "a", "mode": "chat"}}
        report = self.check_list("--litellm", self.write("list.json", json.dumps(entries)), litellm)
        self.assertEqual((report["read"], report["represented"], report["partly"]), (10, 8, 0))
        self.assertEqual(report["variants"], 3)
        self.assertEqual(report["left_out_by"],
                         {"the list's own sample, not a model": 1, "no price given": 1})
        self.assertEqual((report["snapped"], report["rounded"]), (1, 0))

    def test_a_small_openrouter_list(self):
        def model(name, **pricing):
            return {"id": name, "name": name, "context_length": 1000, "pricing": pricing}
        models = [
            model("s/plain", prompt="0.000001", completion="0.000005", input_cache_read="0.0000001"),
            model("s/tier", prompt="0.000002", completion="0.00001", web_search="0.01",
                  overrides=[{"min_prompt_tokens": 200000, "prompt": "0.000004", "completion": "0.000015"}]),
            model("s/artefact", prompt="0.00000029999999999999997", completion="0.0000012"),
            model("s/router", prompt="-1", completion="-1")]
        report = self.check_list("--openrouter", self.write("list.json", json.dumps({"data": models})), openrouter)
        self.assertEqual((report["read"], report["represented"], report["partly"], report["left_out"]), (4, 3, 0, 1))
        self.assertEqual(report["left_out_by"],
                         {"negative price: a router that charges what its choice costs": 1})
        self.assertEqual(report["snapped"], 1)

    def test_bundled_books_are_good_and_listed_by_their_names(self):
        books = sorted((ROOT / "sim/cost/book/books").glob("*.json"))
        checked = self.farebox("prices", "check", *map(str, books))
        self.assertEqual(checked.stdout.count(": good: "), len(books))
        everything = json.loads(self.farebox("prices", "list", "--json").stdout)["plans"]
        listed = 0
        for book in books:
            listed += len(json.loads(self.farebox("prices", "list", book.stem, "--json").stdout)["plans"])
        self.assertEqual(listed, len(everything))

    def test_openrouter(self):
        report = self.check_list("--openrouter", "openrouter_models_2026-08-01.json", openrouter)
        self.assertEqual(report["read"], 336)
        self.assertEqual((report["represented"], report["partly"], report["left_out"]), (331, 0, 5))
        self.assertEqual(report["left_out_by"],
                         {"negative price: a router that charges what its choice costs": 5})
        self.assertEqual(report["snapped"], 12)

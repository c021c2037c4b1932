"""genai-prices: calc_price beside the plans of its own data, which its package holds as objects."""
import datetime
import decimal
import fractions
import importlib.metadata
import json

from genai_prices import data_snapshot
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices, Usage

import differential
import test_prices_import as lists

DAY = "2026-11-28"  # whose dated prices count
CLASSES = lists.CLASSES
INSTANTS = ["2026-11-28T12:00:00Z", "2026-08-16T23:59:59Z", "2026-08-17T02:00:00Z", "2026-11-28T06:00:00Z",
            "2026-11-28T10:00:00Z", "2027-01-02T03:59:59Z", "2026-10-12T00:00:00Z", "2026-11-28T23:30:00Z"]


def price(value):
    if isinstance(value, TieredPrices):
        return {"base": value.base, "tiers": [{"start": t.start, "price": t.price} for t in value.tiers]}
    return value


def prices(model_price):
    return {k: price(v) for k, v in vars(model_price).items() if v is not None and not k.startswith("_")}


def constraint(c):
    if isinstance(c, StartDateConstraint):
        return {"start_date": c.start_date.isoformat()}
    return {"start_time": c.start_time.strftime("%H:%M:%SZ"), "end_time": c.end_time.strftime("%H:%M:%SZ")}


def conditional(c, **more):
    return {**more, "prices": prices(c.prices), **({"constraint": constraint(c.constraint)} if c.constraint else {})}


def model_json(model):
    flat = isinstance(model.prices, ModelPrice)
    out = {"id": model.id, "match": {},
           "prices": prices(model.prices) if flat else [conditional(c) for c in model.prices]}
    if model.price_variants:
        out["price_variants"] = [conditional(v, when=v.when) for v in model.price_variants]
    return out


class Library:
    name, option, import_options = "genai-prices", "--genai-prices", ["--as-of", DAY]

    def __init__(self):
        self.version = importlib.metadata.version("genai-prices")
        self.providers = data_snapshot.get_snapshot().providers
        data = [{"id": p.id, "name": p.name, "models": [model_json(m) for m in p.models]} for p in self.providers]
        self.text = json.dumps(data, default=lambda d: int(d) if d == int(d) else float(d))
        exact = json.loads(self.text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        self.read = lists.genai(exact, DAY)
        self.models = {f"{p.id}/{m.id}": (p, m) for p in self.providers for m in p.models}
        self.raw = {f"{p['id']}/{m['id']}": m for p in exact for m in p["models"]}

    def list_json(self):
        return self.text

    def entries(self):
        return len(self.names)

    def keep(self, plans):
        self.names = [n for n, e in self.read.items() if n in plans and "input" in e.standard.base]

    def draw(self, rng):
        name = rng.choice(self.names)
        e = self.read[name]
        service = rng.choice(["standard", *e.services])
        variant = rng.choice([None, *e.variants]) if service == "standard" else None
        plan = name + (f" ({variant})" if variant else "")
        at = rng.choice(INSTANTS) if e.windows and not variant else INSTANTS[0]
        counts = {c: 0 for c in CLASSES}
        counts.update(differential.draw_counts(rng, CLASSES, lists.EDGES))
        return differential.Case(plan, counts, service, at, entry=name, variant=variant)

    def usage(self, case):
        c = case.counts
        output = c["output"] + c["reasoning"] + c["image_output"] + c["audio_output"]
        return Usage(
            input_tokens=case.total(), cache_read_tokens=c["cached_input"] + c["cached_image_input"] +
            c["cached_audio_input"], cache_write_tokens=c["cache_write"] + c["cache_write_1h"],
            cache_write_1h_tokens=c["cache_write_1h"], input_audio_tokens=c["audio_input"] + c["cached_audio_input"],
            cache_audio_read_tokens=c["cached_audio_input"],
            input_image_tokens=c["image_input"] + c["cached_image_input"],
            cache_image_read_tokens=c["cached_image_input"], input_video_tokens=c["video_input"], output_tokens=output,
            output_reasoning_tokens=c["reasoning"], output_image_tokens=c["image_output"],
            output_audio_tokens=c["audio_output"])

    def context(self, case):
        for variant in self.raw[case.entry].get("price_variants", []):
            (key, value), *more = variant["when"].items()
            if case.service != "standard" and value == case.service:
                return {key: value}
            if case.variant and not more and case.variant in (value, f"{key} {value}"):
                return {key: value}
        return None

    def quote(self, case):
        provider, model = self.models[case.entry]
        when = datetime.datetime.fromisoformat(case.at.replace("Z", "+00:00"))
        found = model.calc_price(self.usage(case), provider, genai_request_timestamp=when,
                                 price_context=self.context(case))
        return fractions.Fraction(found.total_price)

    def price(self, case, rules):
        e, total = self.read[case.entry], case.total()
        if case.variant:
            e = e.variants[case.variant]
        at = datetime.datetime.fromisoformat(case.at.replace("Z", "+00:00"))
        found = e.at(case.service, at)
        usd = found.request + sum(n * found.of(c, total) for c, n in case.counts.items())
        return fractions.Fraction(usd, lists.SCALE)

    def rules_for(self, case):
        return []

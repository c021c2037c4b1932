"""tokencost: calculate_cost_by_tokens beside the plans of its own list, which has LiteLLM's form."""
import decimal
import fractions
import importlib.metadata
import json
import pathlib

import tokencost
from tokencost.costs import calculate_cost_by_tokens

import differential
import test_prices_import as lists

CLASSES = ["input", "cached_input", "output", "reasoning"]  # it knows input, cached and output


class Library:
    name, option, import_options = "tokencost", "--litellm", []

    def __init__(self):
        self.version = importlib.metadata.version("tokencost")
        self.text = (pathlib.Path(tokencost.__file__).parent / "model_prices.json").read_text()
        self.raw = json.loads(self.text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        self.read = lists.litellm(self.raw)

    def list_json(self):
        return self.text

    def entries(self):
        return len(self.names)

    def keep(self, plans):
        known = tokencost.constants.TOKEN_COSTS
        self.names = [n for n, r in self.raw.items()
                      if n in plans and n in known and n == n.lower() and "input_cost_per_token" in r]

    def draw(self, rng):
        name = rng.choice(self.names)
        counts = {c: 0 for c in lists.CLASSES}
        cached = "cache_read_input_token_cost" in self.raw[name]
        drawn = [c for c in CLASSES if cached or c != "cached_input"]
        counts.update(differential.draw_counts(rng, drawn, lists.EDGES))
        return differential.Case(name, counts, entry=name)

    def quote(self, case):
        c = case.counts
        asked = {"input": c["input"], "cached": c["cached_input"], "output": c["output"] + c["reasoning"]}
        try:
            return sum((fractions.Fraction(calculate_cost_by_tokens(n, case.entry, kind))
                        for kind, n in asked.items() if n), fractions.Fraction(0))
        except (KeyError, decimal.InvalidOperation):
            return None  # it has no price of that kind

    def price(self, case, rules):
        e, total = self.read[case.entry], case.total()
        usd = 0 if "T3" in rules else e.standard.request
        for c, n in case.counts.items():
            c = "output" if c == "reasoning" and "T2" in rules else c
            usd += n * e.standard.of(c, 0 if "T1" in rules else total)
        return fractions.Fraction(usd, lists.SCALE)

    def rules_for(self, case):
        e = self.read[case.entry]
        met = {"T1": bool(e.standard.tiers), "T2": "reasoning" in e.standard.base, "T3": e.standard.request > 0}
        return [rule for rule, true in met.items() if true]

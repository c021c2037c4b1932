"""LiteLLM: generic_cost_per_token and batch_cost_calculator beside the plans of its own map."""
import datetime
import decimal
import fractions
import importlib.metadata
import json
import pathlib

import litellm
from litellm.cost_calculator import batch_cost_calculator
from litellm.litellm_core_utils.llm_cost_calc.utils import generic_cost_per_token
from litellm.types.utils import (CacheCreationTokenDetails, CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper,
                                 Usage)

import differential
import test_prices_import as lists

CLASSES = lists.CLASSES
INSTANTS = [None, "2026-11-02T00:30:00Z", "2026-11-03T02:00:00Z", "2026-11-07T12:00:00Z", "2026-11-06T18:00:00Z",
            "2026-11-08T17:00:00Z", "2026-11-04T10:00:00Z", "2026-11-04T09:59:00Z"]
ASKS = {"github_copilot", "chatgpt"}  # their lookup wants to sign in
BATCH = ["input", "cached_input", "cache_write", "output", "reasoning"]  # what its batch calculator knows


class Library:
    name, option, import_options = "litellm", "--litellm", []

    def __init__(self):
        self.version = importlib.metadata.version("litellm")
        path = pathlib.Path(litellm.__file__).parent / "model_prices_and_context_window_backup.json"
        self.text = path.read_text()
        self.raw = json.loads(self.text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        self.read = lists.litellm(self.raw)

    def list_json(self):
        return self.text

    def entries(self):
        return len(self.names)

    def keep(self, plans):
        """Models of tokens that LiteLLM finds under the very name of the entry."""
        self.names = []
        for name, raw in self.raw.items():
            if name not in plans or "input_cost_per_token" not in raw or raw["litellm_provider"] in ASKS:
                continue
            try:
                info = litellm.get_model_info(model=name, custom_llm_provider=raw["litellm_provider"])
            except Exception:  # its own lookup refuses the name
                continue
            if info["key"] == name and not raw.get("output_cost_per_token", 0) is None:
                self.names.append(name)

    def draw(self, rng):
        name = rng.choice(self.names)
        raw, variants = self.raw[name], self.read[name].variants
        region = rng.choice([r for r in variants if r in ("eu", "us", "fedramp", "regional")] + [None]) \
            if "provider_specific_entry" not in raw else None
        batch = "input_cost_per_token_batches" in raw or rng.random() < 0.1
        service = rng.choice(["standard", "standard", "flex", "priority"] + ["batch"] * batch)
        tier = rng.choice([v for v in variants if v == "ultrafast"] + [None])
        if tier and not region:
            service = "standard"
        else:
            tier = None
        counts = {c: 0 for c in CLASSES}
        counts.update(differential.draw_counts(rng, BATCH if service == "batch" else CLASSES, lists.EDGES))
        at = rng.choice(INSTANTS) if "off_peak_pricing" in raw and service != "batch" else None
        variant = region or tier
        return differential.Case(name + (f" ({variant})" if variant else ""), counts, service, at, entry=name,
                                 region=region, tier=tier)

    def usage(self, case):
        c = case.counts
        cached = c["cached_input"] + c["cached_image_input"] + c["cached_audio_input"]
        written = c["cache_write"] + c["cache_write_1h"]
        longer = "12h" if "cache_creation_input_token_cost_above_12hr" in self.raw[case.entry] else "1h"
        shorter = "30m" if longer == "12h" else "5m"
        details = CacheCreationTokenDetails(**{f"ephemeral_{longer}_input_tokens": c["cache_write_1h"],
                                               f"ephemeral_{shorter}_input_tokens": c["cache_write"]})
        prompt = PromptTokensDetailsWrapper(
            cached_tokens=cached, text_tokens=c["input"] + c["cached_input"],
            audio_tokens=c["audio_input"] + c["cached_audio_input"],
            image_tokens=c["image_input"] + c["cached_image_input"], video_tokens=c["video_input"],
            cache_creation_tokens=written, cache_creation_token_details=details,
            cached_tokens_details={"text_tokens": c["cached_input"], "audio_tokens": c["cached_audio_input"],
                                   "image_tokens": c["cached_image_input"]})
        output = c["output"] + c["reasoning"] + c["image_output"] + c["audio_output"]
        completion = CompletionTokensDetailsWrapper(reasoning_tokens=c["reasoning"], text_tokens=c["output"],
                                                    audio_tokens=c["audio_output"], image_tokens=c["image_output"])
        return Usage(prompt_tokens=case.total(), completion_tokens=output, total_tokens=case.total() + output,
                     prompt_tokens_details=prompt, completion_tokens_details=completion)

    def quote(self, case):
        provider = self.raw[case.entry]["litellm_provider"]
        residency = case.region if case.region != "regional" else None
        location = "europe-west4" if case.region == "regional" else None
        if case.service == "batch":
            parts = batch_cost_calculator(self.usage(case), case.entry, provider, data_residency=residency,
                                          vertex_location=location)
            if parts == (0.0, 0.0):
                return None  # it finds no such model, and says 0
        else:
            when = datetime.datetime.fromisoformat((case.at or "2026-11-04T08:00:00Z").replace("Z", "+00:00"))
            service = case.tier or (None if case.service == "standard" else case.service)
            parts = generic_cost_per_token(case.entry, self.usage(case), provider, service_tier=service,
                                           data_residency=residency, vertex_location=location, current_time=when)
        return fractions.Fraction(parts[0]) + fractions.Fraction(parts[1])

    def entry_of(self, case):
        e = self.read[case.entry]
        if case.tier:
            return e.variants[case.tier]
        return e.variants[case.region] if case.region else e

    def price(self, case, rules):
        """By our reading of the list; under the rules of docs/differential.md as LiteLLM reads it."""
        e, total = self.entry_of(case), case.total()
        at = case.at and datetime.datetime.fromisoformat(case.at.replace("Z", "+00:00"))
        prices = e.at(case.service, at)
        if "L4" in rules:
            return self.half(e.standard, case)
        usd = 0 if "L3" in rules else prices.request
        for c, n in case.counts.items():
            usd += n * self.rate(e, prices, c, total, case, rules)
        return fractions.Fraction(usd, lists.SCALE)

    def rate(self, e, prices, c, total, case, rules):
        standard, asked = e.standard, c
        if "L1" in rules and c in CACHED:
            return prices.of("input", total) // 2
        if "L2" in rules and c in ("output", "reasoning", "audio_output") and not has(standard, c):
            return standard.of("image_output", total)
        if "L9" in rules and c in CACHED:
            c = "input"
        while c not in prices.base and not prices.tiers.get(c) and prices.parent(c):
            c = prices.parent(c)
        if "L8" in rules and asked == "cache_write_1h":
            return prices.base.get(c, 0)
        if "L5" in rules and not prices.tiers.get(c) and passes(standard, c, total):
            return standard.of(c, total)
        if "L6" in rules and c == "cache_write":
            return prices.of("input", total)
        if "L7" in rules and c in ("output", "reasoning"):
            return prices.of("output", total) // 2
        return prices.of(c, total)

    def half(self, standard, case):
        """Without a batch price: half of the standard ones of any length, cache hits free where they have none."""
        c = case.counts
        read = standard.base.get("cached_input", 0)
        write = standard.base.get("cache_write", standard.base["input"])
        usd = (c["input"] * standard.base["input"] + c["cached_input"] * read + c["cache_write"] * write +
               (c["output"] + c["reasoning"]) * standard.base.get("output", 0))
        return fractions.Fraction(usd, 2 * lists.SCALE)

    def rules_for(self, case):
        """Those whose condition the case meets."""
        raw, e = self.raw[case.entry], self.entry_of(case)
        service = case.service not in ("standard", "batch") or case.tier
        batch = case.service == "batch"
        met = {
            "L1": raw["litellm_provider"] == "fireworks_ai" and "cache_read_input_token_cost" not in raw,
            "L2": not e.standard.base.get("output") and "image_output" in e.standard.base,
            "L3": e.standard.request > 0,
            "L4": batch and "input_cost_per_token_batches" not in raw,
            "L5": service and any(passes(e.standard, c, case.total()) for c in CLASSES),
            "L6": batch and "cache_creation_input_token_cost_batches" not in raw,
            "L7": batch and "output_cost_per_token_batches" not in raw,
            "L9": "cached_input" not in e.standard.base and any(case.counts[c] for c in CACHED),
            "L8": service and case.counts["cache_write_1h"] > 0,
        }
        return [rule for rule, true in met.items() if true]


CACHED = ("cached_input", "cached_image_input", "cached_audio_input")


def has(prices, c):
    return c in prices.base and (c != "output" or prices.base[c] > 0)


def passes(prices, c, total):
    return any(first <= total for first, _ in prices.tiers.get(c, []))

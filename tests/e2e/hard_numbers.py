"""Numbers as nobody should give them, as options and in files; and what a program may say of them (test_numbers)."""
import copy
import json
import math
import random
import re

EDGES = [0, -1, 1, 2, 3, 0.5, 1e-3, 1e-9, 1e-12, 1e-300, 5e-324, 999, 1e4, 1e5, 1e6, 1e7, 1e9, 1e12, 1e15, 1e18,
         1e19, 1e20, 1e30, 1e100, 1e308, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**53 + 1,
         2**63 - 1, 2**63, 2**64 - 1, 2**64, 9223372036, 9223372037, 9.3e15, -0.5, -1e-9, -1e9, -1e18, -2**63, -1e300,
         "1e400", "-1e400", "-0", "0e0", "1e-400", "0." + "3" * 80, "9" * 400]
# What is no number in any place: nothing that takes one may take these.
NONSENSE = ["", " ", "nan", "NaN", "inf", "-inf", "Infinity", "1..2", "--1", "0x10", "12abc", "1e", "e5", ".", "1_000",
            "1,000", "\u0661\u0662", "\uff11\uff12", "\u00bd", "12\u00b2", "1\u00a0000", "true", "null", "1 2", "1;2"]
UNITS = ["s", "ms", "us", "m", "h", "d"]
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400}


class Dice(random.Random):
    """Draws texts of numbers: an edge, a magnitude by chance, one in or beside the bounds, or near a value."""

    def number(self, low=None, high=None, whole=False, near=None):
        low = max(low or 0, 0)
        kind = self.randrange(6 if high or near else 3)
        if kind == 0:
            value = self.choice(EDGES)
        elif kind == 1 and not whole:
            value = self.choice((1, 1, 1, -1)) * 10 ** self.uniform(-12, 22)
        elif kind < 3:
            value = round(10 ** self.uniform(0, 20))
        elif near:
            value = near * 10 ** self.choice((0, 0, 1, 3, 6, 9, -3)) * self.choice((1, 2, 0.5, self.random()))
        elif kind == 3:
            value = self.choice((low, high, high, high * 1.000001, low * 0.999999))
        else:
            value = max(low, min(high, math.exp(self.uniform(math.log(low or 1e-9), math.log(high)))))
        if isinstance(value, float) and abs(value) < 2**63 and (value == math.floor(value) or whole):
            value = int(value)
        return str(value)


def plain(text):
    """The value of a number as every option and file may write it; None: it is none."""
    return float(text) if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.A) else None


def given(option, text):
    """The value that the text means to an option; None: it is no value of its type."""
    if option["type"] == "count":
        found = re.fullmatch(r"(\d+)([kMG]?)", text, re.A)
        return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]] if found else None
    if option["type"] == "number":
        return plain(text)
    found = re.fullmatch(r"(.*?)(ns|us|ms|s|m|h|d|)", text, re.A | re.S)
    value = plain(found[1]) if found else None
    return value * SECONDS[found[2]] if value is not None else None


def in_range(option, value):
    """None where it is too near to an end to tell."""
    low, high = option["min"], option["max"]
    if option["type"] != "count" and (math.isclose(value, low, rel_tol=1e-9) or math.isclose(value, high, rel_tol=1e-9)
                                      or abs(value) < 1e-9):
        return None
    return (value > low if option["above_min"] else value >= low) and value <= high


class Literal(float):
    """A number with a text of its own, which need not be one that a float can hold."""
    def __new__(cls, text):
        self = super().__new__(cls, 0)
        self.text = text
        return self


def dump(value):
    """JSON in which a Literal stands as it is."""
    if isinstance(value, Literal):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value)


def places(value, path=()):
    """Every number of a JSON value, texts of digits among them: the ways to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, path + (key,))
    elif isinstance(value, list):
        for i, inner in enumerate(value[:6]):
            yield from places(inner, path + (i,))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) or value is None:
        yield path
    elif isinstance(value, str) and value[:1].isdigit():
        yield path


def gather_keys(values):
    """Names of numbers by the name of what holds them."""
    keys = {}
    for value in values:
        for path in places(value):
            if isinstance(path[-1], str):
                keys.setdefault(path[:-1][-1:] or ("",), set()).add(path[-1])
    return {k: sorted(v) for k, v in keys.items()}


def new_value(dice, was):
    """What stands in place of a number: its text, and what is written."""
    near = was if isinstance(was, (int, float)) and not isinstance(was, Literal) else None
    text = dice.number(near=near, whole=isinstance(was, int) and dice.random() < 0.8)
    kind = dice.random()
    if kind < 0.05:
        return "null", None
    if kind < 0.15:
        text = dice.choice(NONSENSE)
        return repr(text), text
    if kind < 0.18:
        text = dice.choice(("NaN", "Infinity", "-Infinity", "nan", "1.", ".5", "+1", "01", "0x10", "[1]", "{}", "true"))
        return text, Literal(text)
    if isinstance(was, str) and kind < 0.85:
        return repr(text), text + (dice.choice(UNITS) if dice.random() < 0.1 else "")
    return text, Literal(text)


def change(value, dice, keys):
    """A copy with one to three numbers changed, or a key added that others have there; and what was changed."""
    value = copy.deepcopy(value)
    found, changed = list(places(value)), []
    for _ in range(dice.choice((1, 1, 1, 2, 3)) if found else 0):
        path = dice.choice(found)
        holder = value
        for step in path[:-1]:
            holder = holder[step]
            if not isinstance(holder, (dict, list)):
                break
        if not isinstance(holder, (dict, list)):
            continue
        more = keys.get(path[:-1][-1:] or ("",), [])
        key = dice.choice(more) if isinstance(holder, dict) and more and dice.random() < 0.3 else path[-1]
        text, holder[key] = new_value(dice, holder.get(key) if isinstance(holder, dict) else holder[key])
        changed.append(f"{'.'.join(map(str, path[:-1] + (key,)))}={text}")
    return value, changed

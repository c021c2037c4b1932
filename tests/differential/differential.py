"""The charges of farebox beside those of public libraries, on random usages of their own price lists.

For each library: its own list is imported, random usages are quoted by farebox and by the library, and
our own reading of the list must give farebox's figure to the last digit. Where the library's differs, a
rule must explain it: a switch under which the same reading gives the library's figure instead. The rules
stand in docs/differential.md with who is right; a difference under no rule fails the run, and so does a
rule that the page does not have.
"""
import collections
import fractions
import importlib
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
FAREBOX = os.environ.get("FAREBOX", str(ROOT / "build" / "farebox"))
PAGE = ROOT / "docs" / "differential.md"
SEED = 20261130
CLOSE = fractions.Fraction(1, 10**9)  # of the figure: libraries that add binary floating point
FLOOR = fractions.Fraction(1, 10**15)  # USD


def rules_of_the_page():
    """{"litellm": {"L1", ...}} from the page's tables."""
    found = collections.defaultdict(set)
    for rule in re.findall(r"^\| ([LGT]\d+) \|", PAGE.read_text(), re.M):
        found[{"L": "litellm", "G": "genai-prices", "T": "tokencost"}[rule[0]]].add(rule)
    return found


def farebox(*arguments, text=None):
    done = subprocess.run([FAREBOX, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"farebox {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def close(a, b):
    return abs(a - b) <= max(FLOOR, CLOSE * max(abs(a), abs(b)))


class Case:
    """A usage: the plan, what is used by class in disjoint counts, and under which conditions."""

    def __init__(self, plan, counts, service="standard", at=None, **more):
        self.plan, self.counts, self.service, self.at = plan, counts, service, at
        self.__dict__.update(more)

    def total(self):
        return sum(n for c, n in self.counts.items() if not is_output(c))

    def line(self):
        c = self.counts
        output = sum(n for k, n in c.items() if is_output(k))
        row = {"plan": self.plan, "input": self.total(), "output": output, "service": self.service}
        row.update({k: n for k, n in c.items() if k not in ("input", "output")})
        if self.at:
            row["at"] = self.at
        return json.dumps(row)


def is_output(name):
    return name in ("output", "reasoning", "image_output", "audio_output")


def draw_counts(rng, classes, edges):
    """Disjoint counts of some classes, often at a tier's edge."""
    total = rng.choice([rng.randrange(2000), rng.randrange(10**6), rng.choice(edges) + rng.randrange(-1, 2)])
    counts = {c: 0 for c in classes}
    inputs = [c for c in classes if not is_output(c)]
    rest = total
    for c in rng.sample(inputs, len(inputs)):
        if c != "input" and rng.random() < 0.4:
            counts[c] = int(rest * rng.random() ** 2)
            rest -= counts[c]
    counts["input"] = rest
    counts["output"] = rng.randrange(20000)
    for c in classes:
        if is_output(c) and c != "output" and rng.random() < 0.4:
            counts[c] = int(counts["output"] * rng.random())
            counts["output"] -= counts[c]
    return counts


def explain(library, case, theirs):
    """The fewest rules under which our reading of the list gives their figure; None."""
    names = library.rules_for(case)
    for size in range(1, min(len(names), 4) + 1):
        for rules in itertools.combinations(names, size):
            if close(library.price(case, frozenset(rules)), theirs):
                return rules
    return None


class Outcome:
    def __init__(self):
        self.equal, self.refused, self.unexplained = 0, 0, []
        self.by_rule = collections.Counter()
        self.examples = {}

    def add(self, library, case, ours):
        theirs = library.quote(case)
        mine = library.price(case, frozenset())
        if mine != ours:
            self.unexplained.append((case, ours, mine, "our own reading of the list"))
        if theirs is None:
            self.refused += 1
        elif close(ours, theirs):
            self.equal += 1
        else:
            rules = explain(library, case, theirs)
            if rules is None:
                self.unexplained.append((case, ours, theirs, "under no rule"))
            for rule in rules or ():
                self.by_rule[rule] += 1
                self.examples.setdefault(rule, (case, ours, theirs))


def compare(library, count, folder):
    rng = random.Random(SEED)
    source, book = folder / "list.json", folder / "book.json"
    source.write_text(library.list_json())
    farebox("prices", "import", library.option, source, "-o", book, "--force", *library.import_options)
    plans = {p["name"] for p in json.loads(book.read_text())["plans"]}
    library.keep(plans)
    cases = [library.draw(rng) for _ in range(count)]
    usages = folder / "usages.jsonl"
    usages.write_text("".join(c.line() + "\n" for c in cases))
    quotes = farebox("prices", "quote", "--plans", book, "--usages", usages).splitlines()
    if len(quotes) != len(cases):
        raise SystemExit(f"{library.name}: {len(quotes)} quotes of {len(cases)} usages")
    outcome = Outcome()
    for case, quote in zip(cases, quotes):
        outcome.add(library, case, fractions.Fraction(quote.split("\t")[0]))
    return outcome


def usd(f):
    return f"{float(f):.12g}"


def show(library, count, outcome, page):
    """Prints what came of it; how many faults there are."""
    print(f"{library.name} {library.version}: {count} usages of {library.entries()} entries: {outcome.equal} agree, "
          f"{outcome.refused} it refuses, {count - outcome.equal - outcome.refused} differ")
    faults = 0
    for rule, n in sorted(outcome.by_rule.items()):
        case, ours, theirs = outcome.examples[rule]
        known = rule in page
        faults += not known
        print(f"  {rule} {n:6} {'' if known else 'NOT IN docs/differential.md '}e.g. {case.plan}: "
              f"{usd(ours)}, theirs {usd(theirs)}")
    for case, ours, theirs, why in outcome.unexplained[:5]:
        print(f"  {why}: {case.line()} {case.__dict__}\n    farebox {usd(ours)}, theirs {usd(theirs)}")
    return faults + len(outcome.unexplained)


COUNTS = {"litellm": 16000, "genai-prices": 14000, "tokencost": 6000}


def main(names):
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # its own list; nothing is fetched
    page, faults, passed, total = rules_of_the_page(), 0, 0, 0
    scale = float(os.environ.get("SCALE", "1"))
    for name in names:
        module = importlib.import_module("library_" + name.replace("-", "_"))
        library, count = module.Library(), int(COUNTS[name] * scale)
        with tempfile.TemporaryDirectory() as folder:
            outcome = compare(library, count, pathlib.Path(folder))
        failed = show(library, count, outcome, page[name])
        faults, passed, total = faults + (failed > 0), passed + (failed == 0), total + count
    print(f"differential: {total} usages quoted against {len(names)} libraries")
    print(f"differential: {passed} passed, {faults} failed, {3 - len(names)} skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

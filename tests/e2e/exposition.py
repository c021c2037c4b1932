"""A strict reader of Prometheus' text format 0.0.4, for tests: what it does not like is an error."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)")
KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}


class Wrong(AssertionError):
    """The text is not as the format has it."""


def _family(name, kinds):
    """The metric that a sample belongs to: a histogram's has endings."""
    for ending in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(ending)
        if base != name and kinds.get(base) == "histogram":
            return base
    return name


def read(text):
    """{name: (type, {labels as a sorted tuple of pairs: value})} by sample name; checks the text on the way."""
    kinds, helps, samples, closed, last = {}, set(), {}, set(), None
    if not text.endswith("\n"):
        raise Wrong("the last line has no end")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        def check(holds, what):
            if not holds:
                raise Wrong(f"line {number}: {what}: {line!r}")
        if line.startswith("# "):
            _, word, name, rest = (line.split(" ", 3) + [""])[:4]
            check(word in ("HELP", "TYPE") and re.fullmatch(NAME, name), "no comment of ours")
            check(name not in closed and name not in samples, "comes behind the metric's samples")
            if word == "HELP":
                check(name not in helps, "a second HELP")
                helps.add(name)
            else:
                check(name not in kinds and rest in KINDS, "a second or an unknown TYPE")
                kinds[name] = rest
            continue
        found = SAMPLE.fullmatch(line)
        check(found, "no sample")
        name = found[1]
        family = _family(name, kinds)
        check(family in kinds and family in helps, "no TYPE and HELP before it")
        check(family not in closed, "the metric's samples do not stand together")
        if last not in (None, family):
            closed.add(last)
            check(family not in closed, "the metric's samples do not stand together")
        last = family
        labels = re.findall(LABEL, found[2] or "")
        check(len({k for k, _ in labels}) == len(labels), "a label twice")
        key = tuple(sorted(labels))
        series = samples.setdefault(name, {})
        check(key not in series, "the same series twice")
        series[key] = float(found[found.re.groups])
        check(kinds[family] != "counter" or series[key] >= 0, "a counter below 0")
    for family, kind in kinds.items():
        if kind == "histogram":
            _check_histogram(family, samples)
        elif kind == "counter" and not family.endswith("_total"):
            raise Wrong(f"{family}: a counter's name ends with _total")
    return {name: (kinds[_family(name, kinds)], series) for name, series in samples.items()}


def _check_histogram(family, samples):
    """Buckets grow with their bound up to +Inf, which is the count; the sum is there."""
    rows = {}
    for labels, value in samples.get(family + "_bucket", {}).items():
        le = float(dict(labels)["le"].replace("+Inf", "inf"))
        rows.setdefault(tuple(p for p in labels if p[0] != "le"), []).append((le, value))
    if not rows or rows.keys() != samples.get(family + "_count", {}).keys() or \
            rows.keys() != samples.get(family + "_sum", {}).keys():
        raise Wrong(f"{family}: buckets, sum and count are not of the same series")
    for labels, buckets in rows.items():
        buckets.sort()
        counts = [count for _, count in buckets]
        if counts != sorted(counts):
            raise Wrong(f"{family}: a bucket holds less than a smaller one: {buckets}")
        if buckets[-1][0] != float("inf") or counts[-1] != samples[family + "_count"][labels]:
            raise Wrong(f"{family}: the +Inf bucket is not the count")


def value(metrics, name, **labels):
    """The sum of the series whose labels are those."""
    return sum(v for key, v in metrics[name][1].items() if labels.items() <= dict(key).items())

"""What the documentation shows still happens: every command runs and prints what is shown.

What a command prints twice in the same way must stand there to the last figure. Where some of its
lines vary from run to run, as all that was measured does, those are compared by their words, and the
others, which may be the same by chance, figure by figure within a tenth. A page is run a second time
only to tell these apart, where something is not exactly as shown. A figure that is measured and rough
enough to come out the same twice by chance (MEASURED) is never compared.
"""
import difflib
import os
import re
import shutil
import unittest

import shown

PAGES = ["README.md", *sorted(str(p.relative_to(shown.ROOT)) for p in
                              (shown.ROOT / "docs").glob("*.md"))]
WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d[:.\d]*(?: UTC|Z)?|(?<=\"created\":)\d+")
MEASURED = re.compile(r"\bsteady from [\d.]+")
ALIKE = 0.75  # of the words, where what was measured decides which sentences are said


def differences(expected, printed, again):
    """What of the shown text is not so, as a text; empty where all is well."""
    expected, printed, again = (
        MEASURED.sub("steady from", WALL_CLOCK.sub("then", text)) for text in (expected, printed, again))
    if printed == again:
        return "" if printed == expected else diff(expected, printed)
    if difflib.SequenceMatcher(None, shown.shape(expected), shown.shape(printed)).ratio() < ALIKE:
        return diff(expected, printed)
    lasting = set(printed.splitlines()) & set(again.splitlines())
    by_words = {}
    for line in expected.splitlines():
        by_words.setdefault(words(line), []).append(figures(line))
    wrong = [line for line in printed.splitlines() if line in lasting and words(line) in by_words
             and not any(near(figures(line), those) for those in by_words[words(line)])]
    return "\n".join(f"printed twice, and shown otherwise: {line}" for line in wrong)


def figures(line):
    return [float(f.replace(",", "")) for f in re.findall(r"\d[\d,]*(?:\.\d+)?", line)]


def near(some, others):
    """Within a tenth, or two of what is counted in ones."""
    return len(some) == len(others) and all(
        abs(a - b) <= max(2 if a == int(a) else 0, 0.1 * max(a, b)) for a, b in zip(some, others))


def words(line):
    return re.sub(r"[^A-Za-z]+", " ", line).strip()


def diff(expected, printed):
    return "\n".join(difflib.unified_diff(expected.splitlines(), printed.splitlines(), "shown", "printed",
                                          lineterm=""))


class Documentation(unittest.TestCase):
    def run_page(self, commands):
        """What the commands print, in a folder of their own."""
        folder = shown.scratch()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        outputs = []
        for command, _ in commands:
            printed, status = shown.run(command, folder)
            self.assertEqual(status, 0, f"{command}\n{printed}")
            outputs.append(printed)
        return outputs

    def check(self, page):
        text = (shown.ROOT / page).read_text()
        commands = [c for block in shown.FENCE.findall(text) for c in shown.commands_of(block)]
        first = self.run_page(commands)
        unlike = [i for i, (_, expected) in enumerate(commands) if expected != first[i]]
        second = self.run_page(commands[:unlike[-1] + 1]) if unlike else []
        for i in unlike:
            command, expected = commands[i]
            with self.subTest(page=page, command=command):
                wrong = differences(expected, first[i], second[i])
                self.assertEqual(wrong, "", f"\n{command}\n{wrong}")

    def test_there_are_commands(self):
        self.assertGreater(sum(len(shown.FENCE.findall((shown.ROOT / p).read_text())) for p in PAGES), 20)


def add_page(page):
    name = "test_" + re.sub(r"\W", "_", os.path.basename(page).removesuffix(".md").lower())
    setattr(Documentation, name, lambda self: self.check(page))


for each in PAGES:
    add_page(each)

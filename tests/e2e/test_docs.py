"""What the documentation shows still happens: every command runs and prints what is shown."""
import difflib
import pathlib
import shutil
import unittest

import shown

PAGES = ["README.md", *sorted(str(p.relative_to(shown.ROOT)) for p in
                              (shown.ROOT / "docs").glob("*.md"))]


class Documentation(unittest.TestCase):
    def check(self, page):
        text = (shown.ROOT / page).read_text()
        blocks = shown.FENCE.findall(text)
        folder = shown.scratch()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        for block in blocks:
            for command, expected in shown.commands_of(block):
                with self.subTest(page=page, command=command):
                    printed, status = shown.run(command, folder)
                    self.assertEqual(status, 0, printed)
                    before, now = shown.shape(expected), shown.shape(printed)
                    ratio = difflib.SequenceMatcher(None, before, now).ratio()
                    self.assertGreaterEqual(ratio, 0.75, "\n".join(difflib.unified_diff(
                        before, now, "shown", "printed", lineterm="")))
        return len(blocks)

    def test_every_command_shown_runs_and_prints_what_is_shown(self):
        blocks = sum(self.check(page) for page in PAGES if (shown.ROOT / page).exists())
        self.assertGreater(blocks, 0)

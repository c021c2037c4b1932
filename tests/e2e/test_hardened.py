"""The program is built so that a fault of it ends it, in place of being used."""
import shutil
import subprocess
import unittest

from support import FAREBOX, SANITIZED


@unittest.skipIf(SANITIZED, "a sanitizer takes the place of what is looked for")
@unittest.skipUnless(shutil.which("readelf"), "no readelf")
class Hardened(unittest.TestCase):
    def told(self, *words):
        return subprocess.run(["readelf", "-W", *words, FAREBOX], text=True, capture_output=True, check=True).stdout

    def test_it_lies_at_another_address_in_every_process(self):
        self.assertRegex(self.told("-h"), r"Type:\s+DYN")
        self.assertRegex(self.told("-d"), r"FLAGS_1\).*\bPIE\b")

    def test_what_the_loader_has_written_nobody_writes_later(self):
        self.assertIn("GNU_RELRO", self.told("-l"))
        self.assertRegex(self.told("-d"), r"BIND_NOW|FLAGS_1\).*\bNOW\b")

    def test_no_page_is_written_and_run(self):
        for line in self.told("-l").splitlines():
            self.assertNotRegex(line, r"\bRWE\b")
        self.assertRegex(self.told("-l"), r"GNU_STACK.*\bRW\b")

    def test_buffers_on_the_stack_and_lengths_are_checked(self):
        called = self.told("--dyn-syms")
        self.assertIn("__stack_chk_fail", called)
        for name in ("__snprintf_chk", "__fprintf_chk"):
            self.assertIn(name, called)

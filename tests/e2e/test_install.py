"""make install and make uninstall: what comes, whose links hold, and that exactly it goes again."""
import pathlib
import re
import shutil
import subprocess
import unittest

from support import FAREBOX, ROOT, Case

SCRIPT = ROOT / ".ci" / "package" / "install"


class Install(Case):
    def setUp(self):
        super().setUp()
        self.prefix = self.scratch / "some where" / "usr"  # a blank in a path is no reason to fail
        self.prefix.mkdir(parents=True)

    def install(self, program=FAREBOX):
        return subprocess.run([SCRIPT, program, self.prefix], cwd=ROOT, check=True, capture_output=True, text=True)

    def uninstall(self, expect=0):
        done = subprocess.run([SCRIPT, "--remove", self.prefix], cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def there(self):
        return sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*"))

    def test_program_page_and_completion_work_where_they_are(self):
        self.install()
        done = subprocess.run([self.prefix / "bin" / "farebox", "--version"], capture_output=True, text=True,
                              check=True)
        self.assertTrue(done.stdout.startswith("farebox "))
        page = self.prefix / "share" / "man" / "man1" / "farebox.1"
        self.assertTrue(page.read_text().startswith(".TH FAREBOX 1"))
        if shutil.which("man"):
            told = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, check=True,
                                  env={"MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
            self.assertEqual(told.stderr, "")
        completion = self.prefix / "share" / "bash-completion" / "completions" / "farebox"
        subprocess.run(["bash", "-c", "source \"$1\" && complete -p farebox", "-", completion], check=True,
                       capture_output=True)

    def test_links_of_the_pages_hold(self):
        self.install()
        pages = list((self.prefix / "share" / "doc" / "farebox").rglob("*.md"))
        self.assertGreater(len(pages), 20)
        for page in pages:
            for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
                if "://" not in link and not link.startswith("mailto:"):
                    self.assertTrue((page.parent / link).exists(), f"{page.name} links to {link}")

    def test_what_others_put_there_stays(self):
        mine = self.prefix / "share" / "man" / "man1" / "mine.1"
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        before = self.there()
        self.install()
        later = self.prefix / "share" / "doc" / "other" / "README"
        later.parent.mkdir()
        later.write_text("other")
        self.uninstall()
        self.assertEqual(self.there(), sorted(before + ["share/doc", "share/doc/other", "share/doc/other/README"]))

    def test_a_second_installation_takes_the_place_of_the_first(self):
        self.install()
        once = self.there()
        old = self.prefix / "share" / "doc" / "farebox" / "docs" / "gone.md"
        old.write_text("of the version before")
        listed = self.prefix / "share" / "farebox" / "installed"
        listed.write_text(listed.read_text() + "f share/doc/farebox/docs/gone.md\n")
        self.install()
        self.assertEqual(self.there(), once)
        self.uninstall()
        self.assertEqual(self.there(), [])

    def test_nothing_is_removed_where_nothing_was_installed(self):
        (self.prefix / "bin").mkdir()
        (self.prefix / "bin" / "farebox").write_text("somebody's own")
        self.assertIn("nothing to remove", self.uninstall(expect=1).stderr)
        self.assertEqual(self.there(), ["bin", "bin/farebox"])


if __name__ == "__main__":
    unittest.main()

"""Where results go: nothing is overwritten by mistake, and no failure to write goes unnoticed."""
import json
import os
import pathlib
import stat
import subprocess
import threading

from support import FAREBOX, Case

PRICES = {"data": [{"id": "a/b", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]}


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.path("t.jsonl")
        self.farebox("workload", "gen", "chat", "-n", 40, "-o", self.trace)
        self.run = self.path("run")
        self.farebox("sim", "--trace", self.trace, "-o", self.run)
        self.list = self.write("list.json", json.dumps(PRICES))

    def writers(self):
        """Every command that writes a file which the user names."""
        return [("bill", self.trace, "--plans", "demo", "-o"),
                ("prices", "import", "--openrouter", self.list, "-o"),
                ("report", self.run, "--no-plots", "--no-tables", "-o"),
                ("report", self.run, "--no-tables", "--export", "csv", "-o"),
                ("workload", "gen", "chat", "-n", 5, "-o"),
                ("workload", "convert", self.trace, "-o"),
                ("workload", "fit", self.trace, "-o"),
                ("workload", "transform", self.trace, "-t", "sample=0.5", "-o")]

    def test_an_existing_file_is_replaced_only_by_force(self):
        for words in self.writers():
            there = self.write("there", "precious")
            self.assert_refused(self.farebox(*words, there, expect=2), "there exists", "--force")
            self.assertEqual(pathlib.Path(there).read_text(), "precious", words)
            self.farebox(*words, there, "--force")
            self.assertNotIn("precious", pathlib.Path(there).read_text())
        there = self.write("there", "precious")
        done = self.farebox("mock", "--listen", "127.0.0.1:0", "--log", there, expect=2)
        self.assert_refused(done, "there exists", "--force")
        self.assertEqual(pathlib.Path(there).read_text(), "precious")

    def test_no_input_is_written_over(self):
        plans = self.path("book.json")
        self.farebox("prices", "import", "--openrouter", self.list, "-o", plans)
        link = self.path("link")
        os.symlink(self.trace, link)
        records = os.path.join(self.run, "requests.jsonl")
        for words, target in [
                (("bill", self.trace, "--plans", "demo"), self.trace),
                (("bill", self.trace, "--plans", "demo"), link),
                (("bill", self.trace, "--plans", f"demo,{plans}#*"), plans),
                (("bill", self.run, "--plans", "demo"), records),
                (("report", self.run, "--no-plots"), records),
                (("prices", "import", "--openrouter", self.list), self.list),
                (("workload", "convert", self.trace), self.trace)]:
            before = pathlib.Path(target).read_bytes()
            self.assert_refused(self.farebox(*words, "-o", target, "--force", expect=2), "is read")
            self.assertEqual(pathlib.Path(target).read_bytes(), before)

    def test_a_run_takes_its_own_bill_and_page_again_and_again(self):
        for _ in range(2):
            self.farebox("bill", self.run, "--plans", "demo")
            self.farebox("report", self.run, "--no-plots")
            self.farebox("report", self.run, "--export", "aiperf")
        self.farebox("report", self.run, "--export", "aiperf", "-o", self.path("new"))
        done = self.farebox("report", self.run, "--export", "aiperf", "-o", self.path("new"), expect=2)
        self.assert_refused(done, "profile_export.jsonl exists")

    def test_what_is_no_file_is_written_through(self):
        for words in self.writers():
            fifo, got = self.path("fifo"), []
            os.mkfifo(fifo)
            reader = threading.Thread(target=lambda: got.append(pathlib.Path(fifo).read_text()))
            reader.start()
            self.farebox(*words, fifo)
            reader.join(20)
            self.assertTrue(stat.S_ISFIFO(os.stat(fifo).st_mode), words)
            self.assertGreater(len(got[0]), 20, words)
            os.unlink(fifo)
            # A link to the device: where this fails, the link is lost and not the machine's device.
            null = self.path("null")
            os.symlink("/dev/null", null)
            self.farebox(*words, null)
            self.assertTrue(stat.S_ISCHR(os.stat(null).st_mode), words)
            os.unlink(null)

    def test_a_dash_is_standard_output_or_refused(self):
        for words in self.writers():
            self.farebox(*words, self.path("as-file.json"))
            done = self.farebox(*words, "-")
            self.assertFalse(os.path.exists(self.path("-")), words)
            self.assertEqual(done.stdout, pathlib.Path(self.path("as-file.json")).read_text(), words)
            self.assert_refused(self.farebox(*words, "-", "--json", expect=2),
                                "both want standard output")
            os.unlink(self.path("as-file.json"))
        for words in (("sim", "--trace", self.trace), ("demo",),
                      ("report", self.run, "--export", "aiperf")):
            self.assert_refused(self.farebox(*words, "-o", "-", expect=2), "directory", "(-)")
        self.assertFalse(os.path.exists(self.path("-")))

    def test_a_standard_output_that_fails_is_told(self):
        """A full disk and a closed stream, for what prints much, little, or through others."""
        plans = ("--plans", "demo")
        commands = [("bill", self.trace, *plans, "--json"), ("report", self.run, "--no-plots", "--json"),
                    ("sim", "--trace", self.trace, "-o", self.path("again"), "--force", "--json"),
                    ("plan", "forecast", self.trace, *plans, "--span", "30d", "--samples", 20, "--json"),
                    ("prices", "list"), ("prices", "list", "--json"),
                    ("prices", "import", "--openrouter", self.list, "--json"),
                    ("workload", "fit", self.trace, "-o", "-"), ("workload", "convert", self.trace, "-o", "-"),
                    ("bill", self.trace, *plans), ("workload", "info", self.trace),
                    ("man",), ("completion", "bash"), ("--help",), ("bill", "--help"), ("--version",)]
        for words in commands:
            shell = 'exec "$@" >/dev/full', 'exec "$@" >&-'
            for how in shell:
                done = subprocess.run(["sh", "-c", how, "sh", FAREBOX, *map(str, words)], text=True,
                                      cwd=self.scratch, stderr=subprocess.PIPE, timeout=60)
                self.assertEqual(done.returncode, 1, (words, how, done.stderr))
                last = done.stderr.splitlines()[-1]
                self.assertRegex(last, "^farebox: standard output cannot be written", (words, how))

    def test_a_plot_is_whole_or_told_and_not_there(self):
        """A limit of file size stands for the full disk: gnuplot itself would end well."""
        plots = self.path("plots")
        for words, folder in [(("report", self.run, "--no-tables", "--no-html"), self.run + "/plots"),
                              (("workload", "info", self.trace, "--plots", plots), plots)]:
            for kib in (0, 1, 12):
                done = subprocess.run(["bash", "-c", f'ulimit -f {kib}; "$@" | cat; exit $PIPESTATUS', "bash",
                                       FAREBOX, *words], text=True, capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 1, (words, kib, done.stderr))
                self.assertRegex(done.stderr.splitlines()[-1], "^farebox: .*File too large")
                for file in pathlib.Path(folder).iterdir():
                    self.assertIn(file.read_bytes()[-8:], (b"</svg>\n\n", b"IEND\xaeB`\x82"), file)
        self.farebox("workload", "info", self.trace, "--plots", plots)
        self.assertTrue(pathlib.Path(plots, "workload.svg").read_text().rstrip().endswith("</svg>"))
        self.assertTrue(pathlib.Path(plots, "workload.png").read_bytes().endswith(b"IEND\xaeB`\x82"))

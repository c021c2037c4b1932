"""How it looks at a terminal: no line longer than it is wide, nothing said when `head` has seen enough,
and what the shells are told to offer."""
import json
import os
import pty
import re
import shutil
import subprocess
import termios
import unicodedata
import unittest

from support import FAREBOX, Case
from test_engine_fit import steps

# What each command is run with; {…} are files that setUp made. A command that the help lists and that
# stands neither here nor in SERVES fails the test.
RUNS = {
    "demo": [["-n", "40"]],
    "workload gen": [["--list"], ["chat", "-n", "20", "-o", "gen.jsonl"]],
    "workload info": [["{day}"]],
    "workload show": [["{day}"], ["agent"]],
    "workload convert": [["{day}", "-o", "converted.jsonl"]],
    "workload fit": [["{day}", "-o", "fitted.json"]],
    "workload transform": [["--list"], ["{day}", "-t", "rate=2", "-o", "faster.jsonl"]],
    "workload anonymise": [["{day}", "-o", "nameless.jsonl"]],
    "bench": [["--url", "mock:constant", "-s", "chat", "-n", "30", "--rate", "100", "--slo", "ttft=500ms",
               "--plans", "demo", "-o", "bench"],
              ["--url", "mock:constant", "-s", "chat", "-n", "200", "--dry-run", "--plans", "demo"]],
    "sim": [["--trace", "{day}", "--engine", "h100-llama-3.1-8b-tp1", "--slo", "ttft=0.5s", "-o", "sim",
             "--plans", "curated"],
            ["-s", "chat", "-n", "200", "--engine", "rtx4090-llama-3.1-8b-tp1", "--sweep", "rate=1,2,400",
             "--slo", "ttft=500ms", "-o", "sweep"]],
    "engine list": [[]],
    "engine derive": [["--model", "llama-3.1-8b", "--gpu", "h100", "-o", "derived.json"]],
    "engine fit": [["{grid}"]],
    "engine calibrate": [["{run}", "--engine", "rtx4090-llama-3.1-8b-tp1", "--fit", "k", "-o", "fit.json"]],
    "bill": [["{day}", "--plans", "curated,november-2026", "--start", "2026-11-01T00:00:00Z"],
             ["{day}", "--plans", "oxlo,openai/gpt-4o", "--by", "class", "--volume", "2000"],
             ["{day}", "{named}", "--plans", "demo", "--ladder"],
             ["{day}", "--plans", "demo", "--what-if", "all"]],
    "reconcile": [["{day}", "{invoice}", "--plan", "openai/gpt-4o"]],
    "plan capacity": [["-s", "chat", "-n", "200", "--engine", "rtx4090-llama-3.1-8b-tp1", "--slo", "ttft=1s",
                       "--demand", "20", "--gpu-hour", "0.6", "--plans", "demo", "--seeds", "2"],
                      ["-s", "chat", "-n", "100", "--engine", "rtx4090-llama-3.1-8b-tp1,h100-llama-3.1-8b-tp1",
                       "--slo", "ttft=1s", "--demand", "20", "--gpu-hour", "0.6", "--seeds", "2"]],
    "plan fleet": [["-s", "{hours}", "--slo", "ttft=1s", "-n", "100", "--seeds", "2", "--spill", "demo/token",
                    "--offer", "rtx4090-llama-3.1-8b-tp1=0.60/h",
                    "--offer", "rtx4090-llama-3.1-8b-tp1=0.20/h,spot",
                    "--commit", "rtx4090-llama-3.1-8b-tp1=40%", "--interrupt", "1h-2h"]],
    "plan forecast": [["{day}", "--plans", "demo", "--span", "30d", "--samples", "20", "--growth", "10",
                       "--budget", "100", "--assume-stationary", "--commit"]],
    "decide": [["chat", "-n", "100", "--volume", "2000", "--slo", "ttft=1s", "--candidates",
                "{run}+demo/token,demo/flat,rtx4090-llama-3.1-8b-tp1+0.6", "--draws", "40", "--seeds", "2",
                "--probe-requests", "200"],
               ["--story", "{day}", "chat", "-n", "100", "--volume", "3000"]],
    "merge": [["{part}", "{rest}", "-o", "merged"]],
    "report": [["{run}", "--plans", "oxlo", "--no-plots", "--no-html"]],
    "diff": [["{run}", "{other}", "--plans", "openai/gpt-4o"]],
    "prices list": [[], ["oxlo"]],
    "prices check": [["{book}"]],
    "prices import": [["--openrouter", "{prices}", "-o", "imported.json"]],
    "prices quote": [["--plans", "openai", "--input", "1000", "--output", "500"]],
    "prices invoice": [["{day}", "--plan", "openai/gpt-4o", "-o", "another.jsonl"]],
}
SERVES = {"mock", "record"}           # until they are stopped: only their help ends
NOT_FOR_PEOPLE = {"man", "completion", "engine show"}  # for a pager, a shell, a file
FAILS = {"diff": 1, "reconcile": 1, "plan capacity": 1}  # may find what they look for


def columns(text):
    """What a terminal gives to a line."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


class Terminal(Case):
    @classmethod
    def setUpClass(cls):
        """What all runs read: made once, in a folder of its own."""
        maker = cls()
        Case.setUp(maker)
        cls.addClassCleanup(maker.doCleanups)
        cls.files = {name: maker.path(file) for name, file in (
            ("day", "day.jsonl"), ("named", "模型的一天.jsonl"), ("run", "one"), ("other", "two"),
            ("part", "part"), ("rest", "rest"), ("invoice", "invoice.jsonl"))}
        engine = ("--engine", "h100-llama-3.1-8b-tp1", "--seed", 3)
        maker.farebox("workload", "gen", "mixed-service", "-n", 400, "-o", cls.files["day"])
        shutil.copy(cls.files["day"], cls.files["named"])
        maker.farebox("sim", "--trace", cls.files["day"], *engine, "-o", cls.files["run"])
        maker.farebox("sim", "--trace", cls.files["day"], *engine, "--replicas", 2, "-o", cls.files["other"])
        maker.farebox("prices", "invoice", cls.files["day"], "--plan", "openai/gpt-4o", "-o",
                      cls.files["invoice"])
        for i, name in enumerate(("part", "rest"), 1):
            maker.farebox("bench", "--url", "mock:constant", "-s", "chat", "-n", 20, "--rate", 200, "--shard",
                          f"{i}/2", "--prompt-salt", "x", "--no-probe", "-o", cls.files[name])
        cls.files["hours"] = maker.write("hours.json", json.dumps(
            {"scenario": "hours", "duration_s": 7200, "arrivals": {"process": "poisson", "rate_rps": 0.1},
             "classes": [{"class": "a", "weight": 1, "input": {"distribution": "constant", "value": 500},
                          "output": {"distribution": "constant", "value": 40}}]}))
        cls.files["book"] = maker.write("book.json", '{"plans": [{"name": "a/b", "per_request": "1"}]}')
        cls.files["prices"] = maker.write("prices.json", '{"data": [{"id": "a/模型", "pricing": '
                                          '{"prompt": "0.000001", "completion": "0.000002"}}]}')
        cls.files["grid"] = maker.write("grid.json", json.dumps(
            {"model": "Qwen/Qwen3-32B", "system": "h200_sxm", "backend": "own", "kw": {"tp_size": 2},
             "rows": steps()}))

    def commands(self):
        """Those that the help lists."""
        text = self.farebox("--help", env={"COLUMNS": "200"}).stdout
        return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", text, re.M)

    def lines_of(self, words, width, expect=None):
        done = self.farebox(*words, env={"COLUMNS": str(width)}, expect=expect)
        for line in (done.stdout + done.stderr).splitlines():
            if len(line.split()) > 2 or columns(line.strip()) < width - 24:  # else a path: it stays whole
                self.assertLessEqual(columns(line), width, f"farebox {' '.join(map(str, words))}\n{line}")
            self.assertNotRegex(line, r"\d\.?\d*e[+-]\d", words)
        return done

    def test_no_line_of_any_command_is_longer_than_the_terminal(self):
        known = set(RUNS) | SERVES | NOT_FOR_PEOPLE
        self.assertEqual(set(self.commands()), known, "tell RUNS what the new command is run with")
        for command in sorted(known):
            self.lines_of([*command.split(), "--help"], 80, 0)
        for command, runs in RUNS.items():
            for words in runs:
                filled = [word.format(**self.files) if "{" in word else word for word in words]
                with self.subTest(command=command, words=words):
                    done = self.lines_of([*command.split(), *filled], 80)
                    self.assertIn(done.returncode, (0, FAILS.get(command, 0)), done.stderr)

    def test_a_wider_terminal_and_wide_show_all_columns(self):
        """What 80 columns have no room for is named there, and is there in the wide form."""
        sweep = ("sim", "-s", "chat", "-n", 200, "--engine", "rtx4090-llama-3.1-8b-tp1", "--sweep", "rate=1,2",
                 "--slo", "ttft=500ms", "-o", "sweep", "--force")
        for words, head, narrow in ((sweep, "E2E p50", "--wide shows"), (("report", self.files["run"], "--no-plots",
                                    "--no-html"), "TTFT p50", "  TTFT  "), (("bill", self.files["day"], "--plans",
                                    "demo"), "p50", "max/med")):
            at_80 = self.lines_of(words, 80, 0).stdout
            self.assertIn(narrow, at_80)
            table_80 = "\n".join(line for line in at_80.splitlines() if "--wide" not in line)
            self.assertNotIn(head, table_80)
            for text in (self.lines_of(words, 140, 0).stdout, self.farebox(*words, "--wide").stdout,
                         self.farebox(*words, "--wide", env={"COLUMNS": "80"}).stdout):
                self.assertIn(head, text)
                self.assertNotIn("--wide shows", text)

    def test_without_a_terminal_it_is_80_columns_wide(self):
        """Tables are; lists keep an entry a line, for the programs that read them."""
        words = ("report", self.files["run"], "--no-plots", "--no-html", "--plans", "demo")
        for told in ({}, {"COLUMNS": "none"}):
            text = self.farebox(*words, env=told).stdout
            self.assertEqual(text.split(), self.farebox(*words, env={"COLUMNS": "80"}).stdout.split())
            for line in text[text.index("p99.9"):].splitlines():
                self.assertLessEqual(columns(line), 80, line)
        listed = self.farebox("workload", "gen", "--list").stdout.splitlines()
        self.assertGreater(max(map(columns, listed)), 80)
        self.assertFalse([line for line in listed if line.startswith(" ")])

    def at_terminal(self, width, *words):
        """What a terminal of this width gets, its line ends as they are written."""
        main, side = pty.openpty()
        termios.tcsetwinsize(side, (24, width))
        process = subprocess.Popen([FAREBOX, *map(str, words)], stdin=side, stdout=side, stderr=side,
                                   cwd=self.scratch)
        os.close(side)
        text = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            text += part
        os.close(main)
        self.assertEqual(process.wait(60), 0, text)
        return text.decode().replace("\r\n", "\n")

    def test_a_terminal_is_asked_how_wide_it_is(self):
        bench = ("bench", "--url", "mock:constant", "-s", "chat", "-n", 60, "--rate", 60, "--slo", "ttft=500ms",
                 "--plans", "demo", "-o", "bench", "--force")
        for width in (80, 120):
            text = re.sub("\x1b\\[[0-9;]*[mK]", "", self.at_terminal(width, *bench))
            for line in re.split("[\r\n]", text):
                self.assertLessEqual(columns(line), width, line)
            self.assertEqual(width > 100, "p99 lies in" in text.split("p99.9")[1].splitlines()[0], text)

    def test_head_is_enough(self):
        """A reader that leaves is no failure, and nothing is said; what was to be written is written."""
        day, run = self.files["day"], self.files["run"]
        for words in (["prices", "list"], ["--help"], ["bill", "--help"], ["man"], ["completion", "zsh"],
                      ["report", run, "--no-plots", "--no-html", "--json"], ["workload", "convert", day, "-o", "-"],
                      ["bill", day, "--plans", "demo"],
                      ["sim", "--trace", day, "-o", "headed", "--force", "--plans", "curated"]):
            done = subprocess.run(["bash", "-c", '"$@" | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}', "bash",
                                   FAREBOX, *words, *(["--quiet"] if words[0] == "sim" else [])],
                                  cwd=self.scratch, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, (words, done.stderr))
            self.assertNotIn("farebox: ", done.stderr, words)
        self.assertTrue(os.path.exists(self.path("headed/summary.json")))

    def test_the_version_has_a_letter(self):
        self.assertEqual(self.farebox("-V").stdout, self.farebox("--version").stdout)


class Completion(Case):
    OFFERS = (("bill --plans oxlo/pro-", "oxlo/pro-2026-03"), ("bill --plans demo,oxlo/pro-", "demo,oxlo/pro-2026-03"),
              ("sim --engine rtx4", "rtx4090-llama-3.1-8b-tp1"), ("sim -s emb", "embeddings"),
              ("sim --slo ttft_s", "ttft_scheduled="), ("bill --period d", "day"), ("workload inf", "info"),
              ("completion fi", "fish"), ("engine show rtx4", "rtx4090-llama-3.1-8b-tp1"),
              ("bench --arrival g", "gamma"), ("bill --ladd", "--ladder"), ("diff --wid", "--wide"))

    def shell(self, name, script):
        """Runs a script that has the completion; skips where the shell is not there."""
        if not shutil.which(name):
            self.skipTest(f"{name} is not there")
        completion = self.write("completion", self.farebox("completion", name).stdout)
        path = os.path.dirname(os.path.abspath(FAREBOX)) + os.pathsep + os.environ["PATH"]
        done = subprocess.run([name, "-c", script.replace("COMPLETION", completion)], cwd=self.scratch,
                              capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": path,
                                                                               "HOME": str(self.scratch)})
        self.assertEqual(done.stderr, "", name)
        return done.stdout.splitlines()

    def test_bash_offers_what_the_program_knows(self):
        script = "source COMPLETION 2>/dev/null\nask() { COMP_WORDS=(farebox $1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
        script += "_farebox farebox; echo \"${COMPREPLY[*]}\"; }\ncompopt() { :; }\n"
        said = self.shell("bash", script + "\n".join(f"ask '{words}'" for words, _ in self.OFFERS))
        self.assertEqual([line.split() for line in said], [[offer] for _, offer in self.OFFERS])

    def test_fish_offers_what_the_program_knows(self):
        asks = "\n".join(f"echo (complete -C 'farebox {words}' | string replace -r '\\t.*' '')"
                         for words, _ in self.OFFERS)
        said = self.shell("fish", f"source COMPLETION\n{asks}")
        self.assertEqual([line.split() for line in said], [[offer] for _, offer in self.OFFERS])

    def test_zsh_offers_what_the_program_knows(self):
        """A stand-in for _arguments shows what zsh would be told of the option, and its words then."""
        said = self.shell("zsh", "compdef() { :; }\ncompset() { :; }\ncompadd() { print -l -- ${(P)@[-1]}; }\n"
                          "source COMPLETION\n_farebox_list plan; _farebox_list preset; _farebox_list metric")
        for name in ("oxlo/premium", "rtx4090-llama-3.1-8b-tp1", "ttft_scheduled="):
            self.assertIn(name, said)
        told = self.shell("zsh", "compdef() { :; }\n_arguments() { print -l -- $@; }\nsource COMPLETION\n"
                          "words=(farebox sim ''); CURRENT=3; _farebox")
        spec = {line.split("[")[0].lstrip("*"): line for line in told if "[" in line}
        self.assertTrue(spec["--engine="].endswith(":PRESET:{_farebox_offer preset}"), spec["--engine="])
        self.assertIn(":{_farebox_offer plan files}", spec["--plans="])
        self.assertNotIn("{", spec["--quiet"])

    def test_every_shell_knows_every_option(self):
        """What the help of a command lists, its scripts hold."""
        options = set(re.findall(r"^  (?:-\w, |    )--([a-z0-9-]+)", self.farebox("bill", "--help").stdout, re.M))
        self.assertGreater(len(options), 20)
        for shell, form in (("bash", "--{} "), ("zsh", "--{}"), ("fish", " -l {} ")):
            script = self.farebox("completion", shell).stdout
            for option in options:
                self.assertIn(form.format(option), script, shell)
        self.assertIn("expected bash, zsh or fish", self.farebox("completion", "csh", expect=2).stderr)


if __name__ == "__main__":
    unittest.main()

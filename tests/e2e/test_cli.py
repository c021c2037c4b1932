"""The command line itself: help, unknown words, configuration files."""
import json
import pathlib
import re

from support import Case


class CommandLine(Case):
    def commands(self):
        text = self.farebox("--help").stdout
        return [m.group(1).strip() for m in re.finditer(r"^  ([a-z][a-z ]*?)  +\S", text, re.M)]

    def test_every_command_has_help_and_is_in_the_man_page(self):
        commands = self.commands()
        self.assertIn("workload info", commands)
        man = self.farebox("man").stdout
        for command in commands:
            done = self.farebox(*command.split(), "--help")
            self.assertIn(f"usage: farebox {command}", done.stdout)
            self.assertIn("--config FILE", done.stdout)
            self.assertIn(f".SS farebox {command}", man.replace("\\-", "-"))

    def test_near_misses_are_named(self):
        self.assert_refused(self.farebox("bnech", expect=2), 'did you mean "bench"')
        self.assert_refused(self.farebox("workload", "info", "--jsn", "x", expect=2),
                            "did you mean --json?")
        self.assert_refused(self.farebox("workload", expect=2), "farebox workload info")
        self.assertIn("usage", self.farebox(expect=2).stderr)

    def test_a_configuration_file_gives_options(self):
        config = self.write("c.json", json.dumps({"requests": 7, "seed": 3}))
        out = self.path("t.jsonl")
        self.farebox("workload", "gen", "chat", "--config", config, "-o", out)
        self.assertEqual(len(open(out).readlines()), 7)
        again = self.path("u.jsonl")
        self.farebox("workload", "gen", "chat", "-n", 7, "--seed", 3, "-o", again)
        self.assertEqual(open(out).read(), open(again).read())
        wrong = self.write("c.json", '{\n  "reqests": 7}')
        done = self.farebox("workload", "gen", "chat", "--config", wrong, "-o", out, expect=2)
        self.assert_refused(done, "c.json:2:3", 'did you mean --requests?')

    def test_completion_offers_commands_and_options(self):
        script = self.farebox("completion", "bash").stdout
        for word in ("workload", "--trace", "complete -o filenames -F _farebox farebox"):
            self.assertIn(word, script)
        self.assert_refused(self.farebox("completion", "tcsh", expect=2), "expected bash, zsh or fish")

    def test_no_text_from_a_file_steers_the_terminal(self):
        row = {"timestamp": 0, "input_length": 10, "output_length": 5, "class": "\x1b[31mRED\x9b1m",
               "model": "m\x1b]0;pwn\x07", "session_id": "s\r\x1b[2K"}
        trace = self.write("t\x1b[1m.jsonl", json.dumps(row) + "\n")
        run = self.path("run\x1b[1m")
        binary = self.write("b\x1b[1m.csv", b"\x7fELF\x02\x01\x1b[31m\xff\xfe\n")
        sim = ("sim", "--trace", trace, "-o", run, "--force")
        forecast = ("plan", "forecast", trace, "--plans", "demo")
        for words, status in [(sim, 0), ((*sim, "--json"), 0),
                              (("bill", trace, "--plans", "demo", "--by", "class"), 0),
                              (("workload", "info", trace), 0), (("report", run, "--no-plots"), 0),
                              (("bill", binary, "--plans", "demo"), 2),
                              ((*forecast, "--history", binary), 2)]:
            done = self.farebox(*words, expect=status)
            for text in (done.stdout, done.stderr):
                self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f]", words)

    def test_json_is_one_document_or_refused(self):
        runs = [self.path("a"), self.path("b")]
        for seed, run in enumerate(runs):
            self.farebox("sim", "--scenario", "chat", "-n", 20, "--seed", seed, "-o", run)
        report = ("report", "--no-plots", "--no-html")
        one = self.farebox_json(*report, runs[0])
        two = self.farebox_json(*report, *runs)
        self.assertEqual(two, [one, self.farebox_json(*report, runs[1])])
        scenarios = self.farebox_json("workload", "gen", "--list")
        self.assertIn("chat", [s["name"] for s in scenarios])
        transforms = self.farebox_json("workload", "transform", "--list")
        self.assertIn("window", [t["name"] for t in transforms])
        for item in scenarios + transforms:
            self.assertTrue(item["about"])
        demo = self.farebox_json("demo", "-n", 20, "-o", self.path("demo"))
        self.assertEqual(demo["summary"]["accounting"]["scheduled"], 20)
        self.assertEqual({p["plan"] for p in demo["bill"]["plans"]}, {"demo/token", "demo/flat"})
        self.assertEqual((demo["bill"]["period"]["name"], demo["story"]["volume"]), ("month", 20000))
        page = (self.scratch / "demo" / "report.html").read_text()
        flat = [p for p in demo["bill"]["plans"] if p["plan"] == "demo/flat"][0]
        self.assertEqual((flat["total_usd"], flat["subscriptions"]), ("80", 1))
        self.assertNotIn("this once", page)
        self.assert_refused(self.farebox("demo", "-o", self.path("demo"), expect=2), "demo-story exists: --force replaces it")
        for words in (("--volume", 100), ("--volume", 100, "--plans", "demo", "--export", "csv")):
            self.assert_refused(self.farebox("report", runs[0], *words, expect=2), "it goes with --plans")
        for words in (("completion", "bash"), ("completion", "fish")):
            self.assert_refused(self.farebox(*words, "--json", expect=2), "leave --json out")

    def test_what_would_silently_be_nothing_is_refused(self):
        trace = self.path("t.jsonl")
        self.farebox("workload", "gen", "chat", "-n", 3, "-o", trace)
        bench = ("bench", "--url", "mock:constant", "--scenario", "chat", "-n", 3, "--dry-run")
        for words in [("bill", trace, "--plans", "demo", "-n", 0), (*bench, "-d", "0s"),
                      (*bench, "--max-in-flight", 0), ("plan", "forecast", trace, "--plans", "demo", "--span", "0s"),
                      *(("workload", "gen", "chat", "-o", self.path("x"), *w)
                        for w in (("-d", "0s"), ("-n", 0))),
                      *(("sim", "--trace", trace, *w) for w in (("-c", 0), ("-d", "0s"), ("-n", 0)))]:
            self.assert_refused(self.farebox(*words, expect=2), "is out of range: expected")
        for rate in (0, -1, "1e9", "nan"):
            for words in (bench, ("workload", "gen", "chat", "-o", self.path("x")), ("sim", "--scenario", "chat")):
                self.assert_refused(self.farebox(*words, "--rate", rate, expect=2), "expected a number above 0")
        self.farebox("bill", trace, "--plans", "demo", "--ttft-ms", 0, "--tpot-ms", 20)

    def test_an_option_of_one_value_is_given_once(self):
        out = ("-o", self.path("run"))
        for words, name in ((("sim", "--scenario", "chat", "--scenario", "rag", *out), "scenario"),
                            (("sim", "-s", "chat", "--scenario=rag", *out), "scenario"),
                            (("sim", "-s", "chat", "-n", 3, "-n3", *out), "requests"),
                            (("sim", "-s", "chat", "--rate", 5, "-r", 6, *out), "rate"),
                            (("sim", "-s", "chat", "-d", "5s", "-d", "6s", *out), "duration"),
                            (("sim", "-s", "chat", "--seed", 1, "--seed", 1, *out), "seed"),
                            (("sim", "-s", "chat", *out, *out), "output"),
                            (("sim", "-s", "chat", "--force", "--force=false", *out), "force"),
                            (("sim", "--config", "a.json", "--config", "b.json"), "config"),
                            (("workload", "gen", "chat", "-o", "-", "-o", "-"), "output"),
                            (("bill", "x", "--plans", "demo", "--by", "team", "--by", "model"), "by")):
            self.assert_refused(self.farebox(*words, expect=2), f"--{name} is given twice: it takes one value")
        self.assertFalse(pathlib.Path(self.path("run")).exists())
        config = self.write("c.json", '{"requests": 3, "slo": ["ttft=5"]}')
        self.farebox("sim", "--config", config, "-s", "chat", "-n", 4, "-q", "-q", "--slo", "ttft=500",
                     "--slo", "tpot=50", *out)
        summary = json.loads(pathlib.Path(self.path("run/summary.json")).read_text())
        self.assertEqual(summary["accounting"]["scheduled"], 4)
        self.assertEqual(summary["slo"], {"ttft_ms": 500, "tpot_ms": 50})

    def test_a_configuration_says_each_thing_once(self):
        out = ("workload", "gen", "chat", "-o", self.path("t.jsonl"), "--config")
        twice = self.write("twice.json", '{"requests": 3,\n "seed": 1,\n "requests": 4}')
        self.assert_refused(self.farebox(*out, twice, expect=2), "twice.json:3:", '"requests" stands twice')
        nested = self.write("nested.json", json.dumps({"config": twice}))
        self.assert_refused(self.farebox(*out, nested, expect=2), "nested.json:1:", "command line")
        within = self.write("run.json", json.dumps({"schema_version": 1, "options": {"requests": 3}})
                            .replace('3}', '3, "requests": 3}'))
        self.assert_refused(self.farebox(*out, within, expect=2), "stands twice")

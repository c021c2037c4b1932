"""The README's week of a platform, with a simulated endpoint for each of the two and seconds for minutes."""
import json
import os
import pathlib
import re
import shlex

from support import Case

SHORT = {"5m": "1s", "3m": "1s", "rate=5,10,20": "rate=5,10"}


class Week(Case):
    takes_times = True

    def test_the_readmes_week_goes_from_loads_to_growth(self):
        readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
        section = readme.split("## A platform's week")[1].split("\n## ")[0]
        commands = [shlex.split(line)[1:] for line in section.splitlines() if line.startswith("    farebox ")]
        self.assertLessEqual(len(commands), 12)
        self.assertEqual([" ".join(words[:2]) for words in commands if words[0] == "plan"], ["plan capacity"])
        urls = {"OLD": self.mock("--ttft-ms", 10, "--itl-ms", 1), "NEW": self.mock("--ttft-ms", 40, "--itl-ms", 1)}
        said = []
        for words in commands:
            words = [urls.get(word, SHORT.get(word, word)) for word in words]
            if words[0] == "plan":
                words += ["--seeds", "2", "-n", "300"]
            # a search on a busy machine may find that its client was the limit: that is 2
            done = self.farebox(*words, expect=None if "--find-max" in words else 0)
            self.assertIn(done.returncode, (0, 2), done.stderr)
            said.append(" ".join(done.stdout.split()))
        ab = json.loads(pathlib.Path(self.path("results/ab/compare.json")).read_text())
        first = next(c for c in ab["comparisons"] if c["metric"].startswith("ttft") and c["statistic"] == "p50")
        self.assertGreater(first["after"], first["before"])
        self.assertTrue(all(sentence.split()[0] in said[2] for sentence in ab["answer"]), said[2])
        self.assertRegex(said[3], r"(FAIL|UNDECIDED) +ttft_p99")
        self.assertTrue(re.search(r"in 12 months +62.8 requests/s", said[5]), said[5])
        self.assertGreater(os.path.getsize(self.path("week.html")), 20000)
        self.assertIn("<testsuite", pathlib.Path(self.path("gate.xml")).read_text())

"""Every command ends within a second of the second SIGINT or SIGTERM, whatever it is at."""
import os
import pathlib
import re
import signal
import subprocess

from support import FAREBOX, Case, cpu_s, wait_until

LIMIT_S = 4  # a second is promised; a machine that is busy has its time beside it
ROW = '{"timestamp": %d, "input_length": 60, "output_length": 8, "model": "openai/o3"}\n'
PLANS = ("--plans", "openai/o3")
PRESET = "rtx4090-llama-3.1-8b-tp1"
ENDLESS = ("--scenario", "chat", "-n", "400000000")
NOWHERE = "http://127.0.0.1:1/v1"
# What each command is at when the signals come: "-" is an input that does not end, RUN a run whose records do not.
BUSY = {
    "workload gen": ("chat", "-n", "400000000", "-o", "out"),
    "workload info": ("-",), "workload show": ("-",), "workload convert": ("-", "-o", "out"),
    "workload fit": ("-", "-o", "out"), "workload transform": ("-", "-t", "rate=2", "-o", "out"),
    "workload anonymise": ("-", "-o", "out"),
    "bench": ("--url", "mock:constant", "--scenario", "chat", "--rate", "5", "-d", "1h", "--no-probe", "-o", "out"),
    "mock": ("--listen", "127.0.0.1:0"),
    "record": ("--listen", "127.0.0.1:0", "--to", NOWHERE, "-o", "out"),
    "sim": ("--scenario", "chat", "-n", "1000000", "-o", "out"),
    "engine fit": ("-",), "engine calibrate": ("-", "--engine", PRESET, "-o", "out"),
    "bill": ("-", *PLANS), "reconcile": ("-", "invoice.csv", "--plan", "openai/o3"),
    "plan capacity": ("--scenario", "chat", "--engine", PRESET, "--slo", "ttft=500ms", "--demand", "20000"),
    "plan forecast": ("-", *PLANS), "decide": ("-", "--slo", "ttft=500", "--candidates", "openai/o3"),
    "plan fleet": ("--trace", "-", "--offer", f"{PRESET}=1/h", "--slo", "ttft=500"),
    "merge": ("RUN", "RUN2", "-o", "out"), "report": ("RUN", "--no-plots"), "diff": ("RUN", "RUN2"),
    "prices check": ("-",), "prices import": ("--litellm", "-", "-o", "out"),
    "prices invoice": ("-", "--plan", "openai/o3", "-o", "out"),
    "demo": ("-o", "out"),
}
AT_ONCE = {"engine list": (), "engine show": (PRESET,), "engine derive": ("--help",), "prices list": (),
           "prices quote": ("--help",), "man": (), "completion": ("bash",)}  # they end by themselves


class Signals(Case):
    def setUp(self):
        super().setUp()
        self.trace = self.write("w.jsonl", "".join(ROW % (i * 20) for i in range(40)))
        self.farebox("prices", "invoice", self.trace, "--plan", "openai/o3", "-o", "invoice.csv")
        for name in ("RUN", "RUN2"):
            self.farebox("bench", "--url", "mock:constant", "--trace", self.trace, "--speed", "50", "--model", "m",
                         "--no-probe", "--shard", "1/2" if name == "RUN" else "2/2", "-o", name)
        for name in ("RUN", "RUN2"):
            records = pathlib.Path(self.path(name), "requests.jsonl")
            records.unlink()
            os.mkfifo(records)
            self.addCleanup(os.close, os.open(records, os.O_RDWR))

    def begin(self, words):
        process = subprocess.Popen([FAREBOX, *words], text=True, cwd=self.scratch, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: [process.kill(), process.wait(), process.stdin.close()])
        return process

    @staticmethod
    def is_busy(process):
        """It has worked for a while, or sleeps after it began to."""
        status = pathlib.Path(f"/proc/{process.pid}/stat")
        asleep = status.read_text().rpartition(")")[2].split()[0] == "S"
        caught = int(re.search(r"^SigCgt:\s*(\w+)", status.with_name("status").read_text(), re.M)[1], 16)
        return process.poll() is not None or (caught >> signal.SIGINT - 1 & 1 and (asleep or cpu_s(process) > 0.1))

    def test_every_command(self):
        listed = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", self.farebox("--help").stdout, re.M)
        self.assertGreater(len(listed), 25)
        self.assertEqual(sorted(set(listed) - set(BUSY) - set(AT_ONCE)), [], "what is it at when a signal comes?")
        for command in listed:
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(command=command, signal=number):
                    words = (*command.split(), *BUSY.get(command, AT_ONCE.get(command)))
                    subprocess.run(["rm", "-rf", self.path("out")], check=True)
                    self.end_twice(self.begin(words), number, command in AT_ONCE)

    def end_twice(self, process, number, at_once):
        if not at_once:
            wait_until(lambda: self.is_busy(process), "work")
        for left in (1, 0):
            process.send_signal(number)
            if left:  # two at once would be one
                wait_until(lambda: process.poll() is not None or self.was_taken(process, number), "a signal taken")
        self.assertIn(process.wait(LIMIT_S), (0, 130, -number) if at_once else (0, 130))

    @staticmethod
    def was_taken(process, number):
        text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"^ShdPnd:\s*(\w+)", text, re.M)
        return not found or not int(found[1], 16) >> number - 1 & 1

#!/usr/bin/env python3
"""The commands that the documentation shows: run them, compare or regenerate their output.

A fenced block that starts with ```console holds commands (lines that begin with "$ ") and what they
print. `shown.py --write FILE...` runs every block and puts the real output in its place; the test
of the documentation runs them too and compares the shapes (figures vary, the words do not).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
os.environ["COLUMNS"] = "80"  # pages show what a terminal of 80 columns has


def farebox():
    return os.environ.get("FAREBOX", str(ROOT / "build" / "farebox"))


def commands_of(block):
    """[(command, shown output)]; a command may go on after a backslash."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and not found[-1][1] and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(shown)) for command, shown in found]


def run(command, folder):
    """Output and status of a command as the reader would see it; `make demo` is the program's."""
    actual = command.replace("make demo", "farebox demo --force")
    with tempfile.TemporaryDirectory() as bin_folder:
        os.symlink(farebox(), os.path.join(bin_folder, "farebox"))
        done = subprocess.run(["bash", "-c", actual], cwd=folder, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={**os.environ, "NO_COLOR": "1",
                                   "PATH": bin_folder + os.pathsep + os.environ["PATH"]})
    lines = [line.rstrip() for line in done.stdout.strip("\n").splitlines()]
    return "\n".join(lines), done.returncode


def scratch():
    """A folder like a checkout: what the examples read is there, what they write goes nowhere."""
    folder = tempfile.mkdtemp(prefix="farebox-docs-")
    for name in ("workloads", "sim"):
        os.symlink(ROOT / name, os.path.join(folder, name))
    return folder


def shape(text):
    """The words without the figures, one entry a line."""
    return [re.sub(r"[^A-Za-z]+", " ", line).strip() for line in text.splitlines()
            if re.search("[A-Za-z]", line)]


def rewrite(path):
    folder = scratch()

    def replace(match):
        out = []
        for command, _ in commands_of(match.group(1)):
            shown, status = run(command, folder)
            if status != 0:
                sys.exit(f"{path}: `{command}` exits with {status}:\n{shown}")
            out.append(f"$ {command}" + (f"\n{shown}" if shown else ""))
        return "```console\n" + "\n".join(out) + "\n```"

    text = pathlib.Path(path).read_text()
    pathlib.Path(path).write_text(FENCE.sub(replace, text))
    shutil.rmtree(folder)


if __name__ == "__main__":
    for name in sys.argv[2:] if sys.argv[1:2] == ["--write"] else sys.exit(__doc__):
        rewrite(name)
        print(f"{name}: regenerated")

"""Hosts of our own on one machine: network and UTS namespaces, joined by a bridge, each with an address, a
name and a clock of its own. Nothing of it is seen outside, and nothing reaches beyond it.

    fleet = Fleet({"node-b": 5, "node-c": -5})      # seconds that their CLOCK_MONOTONIC is ahead
    process = fleet.start(3, "bench", "--url", fleet.mock(), ...)
    fleet.cut("node-b")                             # no packet comes or goes any more
    fleet.close()

The process that makes a fleet must be alone in its own namespaces: see run, which sees to that. It is on the
host "hub", where rank 0 runs; the others follow in their order.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAREBOX = os.environ.get("FAREBOX", str(ROOT / "build" / "farebox"))
FAREBOX_MPI = os.environ.get("FAREBOX_MPI", str(ROOT / "build" / "farebox-mpi"))
NETWORK = "10.99.0"
AGENT = """#!/bin/sh
host=$1
shift
exec nsenter --target "$(cat {folder}/$host.pid)" --net --uts --time -- sh -c "$*"
"""


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, capture_output=True, **options).stdout


def wait_until(holds, what, limit_s=30):
    end = time.monotonic() + limit_s
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"{limit_s} s have passed without {what}")
        time.sleep(0.01)
    return found


def only_child(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


class Fleet:
    made = 0  # what the kernel has not yet put away of an earlier one has other names

    def __init__(self, offsets, slots=1):
        Fleet.made += 1
        self.bridge = f"br{Fleet.made}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="farebox-mpi-"))
        self.hosts, self.keepers, self.mocks, self.jobs = list(offsets), {}, [], 0
        self.offsets = {"hub": 0, **offsets}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + f"{NETWORK}.1 hub\n" + "".join(
            f"{NETWORK}.{i + 2} {host}\n" for i, host in enumerate(self.hosts)))
        run("mount", "--bind", str(self.folder / "hosts"), "/etc/hosts")
        for i, host in enumerate(self.hosts):
            self.add(host, offsets[host], f"{NETWORK}.{i + 2}", self.link_of(host))
        self.hostfile = self.folder / "hostfile"
        self.hostfile.write_text("".join(f"{host} slots={slots}\n" for host in ["hub", *self.hosts]))
        self.agent = self.folder / "agent"
        self.agent.write_text(AGENT.format(folder=self.folder))
        self.agent.chmod(0o755)

    def add(self, host, offset_s, address, link):
        keeper = subprocess.Popen(["unshare", "--net", "--uts", "--time", "--monotonic", str(offset_s), "--fork",
                                   "--kill-child", "sh", "-c", f"hostname {host} && exec sleep 3600"])
        self.keepers[host] = keeper
        pid = wait_until(lambda: only_child(keeper.pid), f"{host} being there")
        inside = ("nsenter", "--target", str(pid), "--net", "--uts")
        wait_until(lambda: run(*inside, "hostname").strip() == host, f"{host} having its name")
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        run("ip", "link", "set", link, "master", self.bridge, "up")
        run(*inside, "ip", "addr", "add", address + "/24", "dev", "eth0")
        run(*inside, "ip", "link", "set", "eth0", "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        (self.folder / f"{host}.pid").write_text(str(pid))

    def link_of(self, host):
        return f"v{Fleet.made}-{self.hosts.index(host)}"

    def cut(self, host):
        run("ip", "link", "set", self.link_of(host), "down")

    def mend(self, host):
        run("ip", "link", "set", self.link_of(host), "up")
        pid = (self.folder / f"{host}.pid").read_text()
        reach = ["nsenter", "--target", pid, "--net", "curl", "--silent", "--max-time", "1", self.url + "/models"]
        wait_until(lambda: subprocess.run(reach, capture_output=True).returncode == 0, f"{host} being reached again")

    def command(self, ranks, *words, settings=()):
        self.jobs += 1
        scratch = self.folder / f"job-{self.jobs}"  # what a job that was cut off left there is in nobody's way
        scratch.mkdir()
        # A connection that is dead is to be found out in seconds, and what is to be written at the end
        # needs some: docs/scale.md.
        mca = [("oob_tcp_keepalive_time", "3"), ("oob_tcp_keepalive_intvl", "2"),
               ("oob_tcp_keepalive_probes", "2"), ("odls_base_sigkill_timeout", "3"),
               ("orte_tmpdir_base", str(scratch)), ("plm_rsh_agent", str(self.agent)), ("plm_rsh_no_tree_spawn", "1"), ("btl", "tcp,vader,self"),
               ("btl_tcp_if_include", f"{NETWORK}.0/24"), ("oob_tcp_if_include", f"{NETWORK}.0/24"), *settings]
        return ["mpirun", "--allow-run-as-root", "--oversubscribe", "--np", str(ranks), "--hostfile",
                str(self.hostfile), *(w for name, value in mca for w in ("--mca", name, value)),
                FAREBOX_MPI, *words]

    def start(self, ranks, *words, settings=(), **options):
        return subprocess.Popen(self.command(ranks, *words, settings=settings), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=self.folder, **options)

    def mock(self, *words):
        """A mock on the hub; its port's URL."""
        process = subprocess.Popen([FAREBOX, "mock", "--listen", f"{NETWORK}.1:0", *words], text=True,
                                   stdout=subprocess.PIPE)
        self.mocks.append(process)
        self.url = re.search(r"http://\S+", process.stdout.readline())[0]
        return self.url

    def close(self):
        for mock in self.mocks:
            mock.kill()
            mock.communicate()
        run("umount", "/etc/hosts")
        for host in self.hosts:
            run("ip", "link", "del", self.link_of(host))
        run("ip", "link", "del", self.bridge)
        shutil.rmtree(self.folder)
        for keeper in self.keepers.values():
            keeper.send_signal(signal.SIGKILL)
            keeper.wait()


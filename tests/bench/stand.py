# SPDX-License-Identifier: BSD-2-Clause
"""stand - one server at one end of a veth pair, the load generator at the other.

The server's NAPI is a thread of its own on SERVER_CPU; the generator, and the
NAPI of the client's device, are on CLIENT_CPU. Where the server is an XDP
program alone, its NAPI thread has real-time priority as the generator has, so
that other work of the machine does not get in between; where it hands packets
to a process on the same core it has not, or the process would never run.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess

from lib.netns import SIOCETHTOOL, Namespace, command, die_with_parent, veth
from lib.process import until

CLIENT_CPU, SERVER_CPU = 0, 1
CLIENT_DEVICE, SERVER_DEVICE = "cl", "sv"
CLIENT_MAC, SERVER_MAC = "02:be:4c:00:00:01", "02:be:4c:00:00:02"
SERVER, SERVER_V6 = "198.51.100.1", "2001:db8:53::1"
CLIENT, CLIENT_V6 = "198.51.100.2", "2001:db8:c1::2"
ETHTOOL_SGRO = 0x2C
PRIORITY_SERVER, PRIORITY_CLIENT = 1, 2
NICE = -20

TAILORED, STATIC, REFLECT = range(3)


def affinity(pid, cpu):
    """Every thread of a process is on that CPU, before all that has no business there."""
    for task in map(int, os.listdir(f"/proc/{pid}/task")):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(task, {cpu})
            os.setpriority(os.PRIO_PROCESS, task, NICE)


def napi_threads(device, before=()):
    """Kernel threads of a device's NAPI, those aside that are known already."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
            if file.read().startswith(f"napi/{device}-"):
                found.add(int(pid))
    return found - set(before)


class Load:
    """What the queries of a run are like; see query.h."""

    def __init__(self, names=10000, networks=1, records=2, count=65536, opt=1, ecs=1, mix=0,
                 miss=0.0):
        self.fields = (names, networks, records, count, opt, ecs, mix, int(miss * 1e6))
        self.count = count

    def words(self):
        return " ".join(map(str, self.fields))


class Stand:
    """A pair of namespaces. `server` is started by start(); the generator waits for orders."""

    def __init__(self, run, name, build, room):
        self.name = name
        self.build = build
        self.room = room
        self.stack = contextlib.ExitStack()
        self.blast = None
        self.loaded = None
        self.threads = {}  # NAPI, by device
        self.client = self.space(f"{run}-{name}c")
        self.server = self.space(f"{run}-{name}s")
        veth(self.client, CLIENT_DEVICE, self.server, SERVER_DEVICE)
        self.address()

    def space(self, name):
        space = Namespace(name)
        self.stack.callback(space.remove)
        return space

    def address(self):
        """Addresses and neighbours that need not be asked for."""
        self.client.ip("link", "set", CLIENT_DEVICE, "address", CLIENT_MAC)
        self.server.ip("link", "set", SERVER_DEVICE, "address", SERVER_MAC)
        self.server.add_address(SERVER_DEVICE, f"{SERVER}/24")
        self.server.add_address(SERVER_DEVICE, f"{SERVER_V6}/64")
        self.server.ip("route", "add", "default", "via", CLIENT, "dev", SERVER_DEVICE)
        self.server.ip("-6", "route", "add", f"{CLIENT_V6}/128", "dev", SERVER_DEVICE)
        for address in (CLIENT, CLIENT_V6):
            self.server.ip("neigh", "replace", address, "lladdr", CLIENT_MAC, "dev", SERVER_DEVICE,
                           "nud", "permanent")
        for key in ("all", SERVER_DEVICE):
            self.server.sysctl(f"net.ipv4.conf.{key}.rp_filter", 0)

    def popen(self, space, *words, **options):
        with space.entered():
            child = subprocess.Popen(words, preexec_fn=die_with_parent, **options)
        self.stack.callback(self.end, child)
        return child

    def end(self, child):
        child.terminate()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()

    def helper(self, space, *words):
        """A program of ours that says when it is ready, and ends with its standard input."""
        child = self.popen(space, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not child.stdout.readline():
            raise RuntimeError(f"{' '.join(words)} did not start")
        return child

    def threaded(self, space, device, cpu, priority, start):
        """Does what brings up a device's NAPI, which becomes a thread on that CPU."""
        before = napi_threads(device)
        result = start()
        # `ip netns exec` mounts the /sys of that namespace.
        command("ip", "netns", "exec", space.name, "sh", "-c",
                f"echo 1 >/sys/class/net/{device}/threaded")
        for pid in until(lambda: napi_threads(device, before), f"NAPI thread of {device}"):
            os.sched_setaffinity(pid, {cpu})
            if priority:
                os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(priority))
            else:
                os.setpriority(os.PRIO_PROCESS, pid, NICE)
            self.threads[device] = pid
        return result

    def receive_offload(self):
        """GRO on: without XDP it is what gives the server's device a NAPI of its own."""
        with self.server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_SGRO, 1))
            request = struct.pack("16sP", SERVER_DEVICE.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))

    def start_xdp(self, start):
        """`start` attaches the server's XDP program."""
        return self.threaded(self.server, SERVER_DEVICE, SERVER_CPU, PRIORITY_SERVER, start)

    def start_sockets(self, start):
        self.threaded(self.server, SERVER_DEVICE, SERVER_CPU, 0, self.receive_offload)
        return start()

    def server_priority(self, priority):
        """Of the server's NAPI thread: 0 where a process there is to run too."""
        policy = os.SCHED_FIFO if priority else os.SCHED_OTHER
        os.sched_setscheduler(self.threads[SERVER_DEVICE], policy, os.sched_param(priority))

    def start_client(self):
        self.blast = self.threaded(
            self.client, CLIENT_DEVICE, CLIENT_CPU, PRIORITY_CLIENT,
            lambda: self.helper(self.client, "taskset", "-c", str(CLIENT_CPU),
                                f"{self.build}/bench-blast", "ask", CLIENT_DEVICE, str(self.room)))

    def order(self, words):
        self.blast.stdin.write(words + "\n")
        self.blast.stdin.flush()
        line = self.blast.stdout.readline()
        answer = json.loads(line or '{"error": "the generator has ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {words}: {answer['error']}")
        return answer

    def load(self, load):
        if self.loaded != load.fields:
            self.order(f"load {load.words()}")
            self.loaded = load.fields

    def growth(self):
        return self.order("growth")["growth"]

    def server_ns(self):
        """Time that the server's NAPI thread has run."""
        with open(f"/proc/{self.threads[SERVER_DEVICE]}/schedstat") as file:
            return int(file.read().split()[0])

    def run(self, load, kind, ms, rate=0):
        """One run; its replies a second and what it is made of."""
        self.load(load)
        before = self.server_ns()
        result = self.order(f"run {ms} {int(rate)} {kind}")
        # Of the whole run, its beginning and end included: what the server's core did for a reply.
        result["server_ns"] = (self.server_ns() - before) / max(1, result["replies_all"])
        if result["wrong"]:
            raise RuntimeError(f"{self.name}: {result['wrong']} of {result['sampled']} sampled "
                               f"replies are wrong: {result['why']}")
        result["sent_per_s"] = result["sent"] / result["seconds"]
        result["replies_per_s"] = result["replies"] / result["seconds"]
        return result

    def close(self):
        self.stack.close()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""daemon.py BUILD - the daemon without XDP beside knotd and nsd, on loopback.

    tests/bench/daemon.py BUILD [ROUNDS [MS]]
    tests/bench/daemon.py BUILD instructions

One worker each, pinned to one core, the asker to another; the same zone, the
same queries, rounds of one server after the other, so that a busy machine is
busy for all. Everything is in a network namespace of its own, which ends with
this program. Writes BUILD/bench-daemon.json; the table has medians over the
rounds: replies a second, and the server's processor time for one reply, which
other load on the machine disturbs less. `ratio` is anamed against the better
of the two others: over 1 is faster.

With `instructions` each server runs once under callgrind for every kind of
query: instructions in user space for one query, above those of a run without
queries. That number does not depend on what else the machine does.
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from lib.process import copy_binary, until  # noqa: E402

HOSTS, CUTS = 100_000, 1_000
KINDS = {"static": HOSTS, "nxdomain": HOSTS, "referral": CUTS}
WINDOW = 512

ANAMED = """\
listen: [ 127.0.0.1@{port} ]
zones:
  - name: example.test
    file: {folder}/zone
server:
  workers: 1
  control-socket: {folder}/anamed.sock
  state-dir: {folder}
"""

KNOT = """\
server:
    listen: 127.0.0.1@{port}
    rundir: "{folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: example.test
    file: "{folder}/zone"
    zonefile-sync: -1
    journal-content: none
"""

# minimal-responses: no authority and additional data that nobody asked for; the others send none.
NSD = """\
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    minimal-responses: yes
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: example.test
    zonefile: "{folder}/zone"
"""


def write_zone(path, hosts, cuts):
    with open(path, "w", encoding="ascii") as out:
        out.write("$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 host 1 7200 3600 1209600 60\n"
                  "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n")
        for i in range(hosts):
            out.write(f"h{i} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n")
        for i in range(cuts):
            out.write(f"d{i} NS ns1.d{i}\nd{i} NS ns2.d{i}\n"
                      f"ns1.d{i} A 192.0.2.3\nns2.d{i} A 192.0.2.4\n")


class Server:
    """One of the three, running from a copy of its binary on the server's core."""

    def __init__(self, name, port, folder, words, conf, pin=("taskset", "-c", "0")):
        self.name, self.port = name, port
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        os.link(os.path.join(folder, "zone"), os.path.join(self.folder, "zone"))
        self.conf = os.path.join(self.folder, "conf")
        with open(self.conf, "w", encoding="ascii") as out:
            out.write(conf.format(port=port, folder=self.folder))
        self.words = [*pin, *words, self.conf]
        self.child = None

    def start(self):
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log)
        until(self.answers, f"{self.name} answers ({self.folder}/log)", 120)

    def answers(self):
        if self.child.poll() is not None:
            with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                raise AssertionError(f"{self.name} has ended: {log.read()}")
        done = subprocess.run(["kdig", f"@127.0.0.1", "-p", str(self.port), "h7.example.test", "A",
                               "+short", "+timeout=1", "+retry=0"], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        return done.stdout == b"10.0.0.7\n"

    def processes(self):
        """Its pid and those of its children."""
        found, new = [], [self.child.pid]
        while new:
            found += new
            new = [int(pid) for parent in new for task in [f"/proc/{parent}/task/{parent}/children"]
                   if os.path.exists(task) for pid in open(task, encoding="ascii").read().split()]
        return found

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(10)


def ask(build, server, kind, ms):
    words = ["taskset", "-c", "1", os.path.join(build, "bench-daemon-load"), str(server.port), kind, str(KINDS[kind]), str(ms),
             str(WINDOW), *map(str, server.processes())]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    if result["wrong"] or not result["replies"]:
        raise AssertionError(f"{server.name}, {kind}: {result}")
    return {"server": server.name, "kind": kind, **result}


def summary(rounds, server, kind):
    mine = [r for r in rounds if r["server"] == server and r["kind"] == kind]
    return {
        "replies_per_s": round(statistics.median(r["replies"] / r["ms"] * 1000 for r in mine)),
        "processor_us": round(statistics.median(r["processor_ns"] / r["replies"] for r in mine)
                              / 1000, 3),
        "octets": mine[-1]["octets"],
        "lost": sum(r["lost"] for r in mine),
    }


def report(rounds, names):
    table = {kind: {name: summary(rounds, name, kind) for name in names} for kind in KINDS}
    print(f"{'':10}{'':10}{'replies/s':>12}{'us/reply':>10}{'octets':>8}{'lost':>6}")
    for kind, row in table.items():
        for name, cell in row.items():
            print(f"{kind:10}{name:10}{cell['replies_per_s']:>12}{cell['processor_us']:>10}"
                  f"{cell['octets']:>8}{cell['lost']:>6}")
        others = [cell for name, cell in row.items() if name != "anamed"]
        mine = row["anamed"]
        row["ratio"] = {
            "replies": round(mine["replies_per_s"] / max(c["replies_per_s"] for c in others), 3),
            "processor": round(min(c["processor_us"] for c in others) / mine["processor_us"], 3),
        }
        print(f"{kind:10}{'ratio':10}{row['ratio']['replies']:>12}{row['ratio']['processor']:>10}")
    return table


def make_servers(build, folder, pin):
    knotd, nsd = copy_binary("/usr/sbin/knotd", folder), copy_binary("/usr/sbin/nsd", folder)
    return [
        Server("anamed", 5301, folder, [os.path.join(build, "anamed"), "--config"], ANAMED, *pin),
        Server("knotd", 5302, folder, [knotd, "-c"], KNOT, *pin),
        Server("nsd", 5303, folder, [nsd, "-d", "-c"], NSD, *pin),
    ]


def run(build, rounds, ms, folder):
    write_zone(os.path.join(folder, "zone"), HOSTS, CUTS)
    servers, done = make_servers(build, folder, []), []
    try:
        for server in servers:
            server.start()
        for _ in range(rounds):
            for kind in KINDS:
                done += [ask(build, server, kind, ms) for server in servers]
    finally:
        for server in servers:
            server.stop()
    table = report(done, [server.name for server in servers])
    with open(os.path.join(build, "bench-daemon.json"), "w", encoding="ascii") as out:
        json.dump({"summary": table, "rounds": done}, out, indent=1)


# ---- instructions ----

def counted(server, use):
    """What all its processes ran, from start to stop, and what use() gave."""
    try:
        server.start()
        result = use()
    finally:
        server.stop()
    with open(os.path.join(server.folder, "log"), encoding="utf-8", errors="replace") as log:
        return sum(map(int, re.findall(r"Collected\s*: (\d+)", log.read()))), result


def count(build, folder):
    names = 1000
    write_zone(os.path.join(folder, "zone"), names, names)
    KINDS.update(dict.fromkeys(KINDS, names))
    table = {}
    pin = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    for server in make_servers(build, folder, [pin]):
        counted(server, lambda: None)  # from then on there is a state to start from
        base, _ = counted(server, lambda: None)
        for kind in KINDS:
            whole, asked = counted(server, lambda k=kind, s=server: ask(build, s, k, 2000))
            table.setdefault(kind, {})[server.name] = round((whole - base) / asked["sent"])
    print(f"{'instructions':14}" + "".join(f"{name:>10}" for name in table["static"]))
    for kind, row in table.items():
        print(f"{kind:14}" + "".join(f"{number:>10}" for number in row.values()))
    with open(os.path.join(build, "bench-daemon-instructions.json"), "w", encoding="ascii") as out:
        json.dump(table, out, indent=1)


def main():
    if os.environ.get("BENCH_DAEMON_NS") != str(os.getppid()):
        os.environ["BENCH_DAEMON_NS"] = str(os.getpid())
        sys.exit(subprocess.call(["unshare", "--net", "--", sys.executable, *sys.argv]))
    build = os.path.abspath(sys.argv[1])
    what = sys.argv[2] if len(sys.argv) > 2 else "5"
    ms = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    folder = tempfile.mkdtemp(prefix="anamed-bench-daemon-")
    begin = time.monotonic()
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        if what == "instructions":
            count(build, folder)
        else:
            run(build, int(what), ms, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"bench-daemon: {what} {'' if what == 'instructions' else 'rounds, '}"
          f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()

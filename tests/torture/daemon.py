#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/torture/daemon.py BUILD SECONDS - reloads, and a daemon that is killed, under full load.

Every name of the zone has one version (tests/torture/torture.h); a reload goes on to the
next. What the kernel answers must go over to it at one instant: nothing of the old zone
after the first answer of the new one. When the reload has returned, the daemon answers
nothing old either.
"""

import json
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))

from lib.cases import Bench, case, equal, run_cases, true  # noqa: E402
from lib.lab import CLIENTS, EDGE, Lab  # noqa: E402
from lib.process import until  # noqa: E402
from lib.standard import edge_config  # noqa: E402

NAMES = 200
RATE = 60000
RECORDS = 12
SECONDS = 4
# What waits in a socket when a reload returns is answered by then.
SETTLE_S = 0.5


def zone_text(version):
    """Every name with the addresses that torture.h asks of this version."""
    lines = [
        "$ORIGIN torture.test.",
        "@ 3600 SOA ns host 1 3600 600 86400 300",
        "@ 3600 NS ns.elsewhere.test.",
    ]
    for name in range(NAMES):
        count, ttl = 1 + (version * 7 + name) % RECORDS, 1000 + version % 1000
        for place in range(count):
            words = f"{name >> 16:x}:{name & 0xffff:x}:{version >> 16:x}:{version & 0xffff:x}"
            lines.append(f"t{name:06} {ttl} AAAA 2001:db8:{words}:{place:x}:{count << 8:x}")
    return "\n".join(lines) + "\n"


class Watch:
    """The load and the judge, in the client's device."""

    def __init__(self, bench):
        edge = json.loads(bench.lab.edge_space.run("ip", "-j", "link", "show", "client"))[0]
        self.child = bench.lab.client_space.popen(
            [f"{bench.build}/tests/torture/torture", "watch", "edge", CLIENTS[0], EDGE,
             edge["address"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        bench.stack.callback(self.child.kill)
        self.read()

    def read(self):
        """A line of JSON; what comes before it says what is wrong."""
        while True:
            line = self.child.stdout.readline()
            true(line, "the watch ended")
            if line.startswith("{"):
                return json.loads(line)
            print("     " + line, end="")

    def tell(self, *words):
        self.child.stdin.write(" ".join(map(str, words)) + "\n")
        self.child.stdin.flush()
        return self.read()


class Story:
    """An edge with its zone at some version, under load."""

    def __init__(self, bench):
        self.version = 1
        self.edge = bench.edge(
            edge_config(interfaces=[{"name": "client", "xdp": "native"}],
                        server={"miss-limit": "0"}),
            {"torture.test": zone_text(1)},
        )
        self.watch = Watch(bench)
        self.watch.tell("begin", NAMES, RATE)
        until(lambda: self.edge.hits() > NAMES, "answers by the kernel")

    def write_next(self):
        text = zone_text(self.version + 1)
        self.version += 1
        self.watch.tell("newest", self.version)
        self.edge.write_zone("torture.test", text)

    def end(self, most_lost):
        result = self.watch.tell("end")
        print(f"     {json.dumps(result)}")
        equal((result["code"], result["faults"]), (0, 0), "faults")
        true(result["replies"] > 10000, "replies")
        true(result["replies"] >= result["sent"] * (1 - most_lost), "lost replies")
        return result


@case("reloads under full load: the kernel goes over at one instant, then the daemon too")
def reloads(bench):
    story, end = Story(bench), time.monotonic() + SECONDS
    while time.monotonic() < end:
        story.write_next()
        story.edge.reload()
        time.sleep(SETTLE_S)
        story.watch.tell("oldest", story.version)
    result = story.end(0.5)
    true(result["replies"] - result["by_daemon"] > result["sent"] / 4, "answers by the kernel")
    true(story.version > 3, "reloads")


@case("a daemon killed while it reloads: the next one takes over, nothing old comes after new")
def killed(bench):
    story, end, kills, adopted = Story(bench), time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < end:
        story.write_next()
        story.edge.process.signal(1)
        time.sleep(random.uniform(0, 0.08))
        story.edge.kill()
        kills += 1
        story.edge.start()
        stats = story.edge.stats()["publish"]
        adopted += stats["adopted"] + stats["adopted_dropped"]
    story.edge.reload()
    time.sleep(SETTLE_S)
    story.watch.tell("oldest", story.version)
    time.sleep(SETTLE_S)
    story.end(0.9)
    true(kills > 2, "kills")
    true(adopted > 0, "owners that were taken over, or given up as half written or old")


def main():
    global SECONDS
    SECONDS = float(sys.argv[2])
    with Lab("torture") as lab:
        run_cases("torture", lambda: Bench(lab, os.path.abspath(sys.argv[1])), sys.argv[3:])


main()

# SPDX-License-Identifier: BSD-2-Clause
"""story - an edge under full load, whose every reply is judged in the client's device.

Every name of the zone has one version (tests/torture/torture.h).
"""

import json
import os
import subprocess
import time

from lib.cases import equal, true
from lib.lab import CLIENTS, EDGE
from lib.process import until
from lib.standard import edge_config

NAMES = 200
RATE = 60000
RECORDS = 12


def zone_text(version, names=NAMES):
    """Every name with the addresses that torture.h asks of this version."""
    lines = [
        "$ORIGIN torture.test.",
        "@ 3600 SOA ns host 1 3600 600 86400 300",
        "@ 3600 NS ns.elsewhere.test.",
    ]
    for name in range(names):
        count, ttl = 1 + (version * 7 + name) % RECORDS, 1000 + version % 1000
        for place in range(count):
            words = f"{name >> 16:x}:{name & 0xffff:x}:{version >> 16:x}:{version & 0xffff:x}"
            lines.append(f"t{name:06} {ttl} AAAA 2001:db8:{words}:{place:x}:{count << 8:x}")
    return "\n".join(lines) + "\n"


def be_of(edge, build, version):
    """From its next start on the edge is of another build, with pins of that ABI version."""
    edge.build = build
    edge.process.words[0] = f"{build}/anamed"
    edge.pins = os.path.join(os.path.dirname(edge.pins), version)
    edge.write_config({"maps": {"pin-dir": edge.pins}})


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

    def __init__(self, bench, build=None, rate=RATE):
        self.version = 1
        self.edge = bench.edge(
            edge_config(interfaces=[{"name": "client", "xdp": "native"}],
                        server={"miss-limit": "0"}),
            {"torture.test": zone_text(1)},
            start=False,
        )
        if build:
            be_of(self.edge, *build)
        self.edge.start()
        self.watch = Watch(bench)
        self.watch.tell("begin", NAMES, rate)
        until(lambda: self.edge.hits() > NAMES, "answers by the kernel")

    def measure(self, rate):
        """The load anew, once the kernel has every answer; gives the program's id."""
        passed = -1
        while passed != (passed := self.edge.counters()["pass_owner_miss"]):
            time.sleep(0.1)
        self.watch.tell("end")
        self.watch.tell("begin", NAMES, rate)
        return self.edge.program_id("client")

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

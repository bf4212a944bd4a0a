#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""misses.py BUILD [SECONDS] - what a query costs that the kernel passes up.

    tests/bench/misses.py BUILD [SECONDS]

Client, edge, resolver and the targets' server in namespaces. Three figures:

- the rate of misses that need nobody: referrals below a cut, which are never
  the kernel's, asked by dnsperf through the program and up to the daemon, at
  its best, and beside it the same questions with nothing attached;
- how long a client waits for the first flattening of an owner: the target's
  own server one hop away, no resolver, one question at a time;
- and with many first questions at once.

Writes BUILD/bench-misses.json. The generator, the edge and the servers share
the machine's cores: the rates are what is left of them, a lower bound.
"""

import json
import os
import re
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True

from lib.ask import query_wire  # noqa: E402
from lib.lab import EDGE, Lab  # noqa: E402
from lib.standard import ZONE, authoritative, content_network, edge_config  # noqa: E402

NAMES, OWNERS, AT_ONCE = 20_000, 300, 300
SO_RCVBUFFORCE = 33
BUFFER = 8 << 20  # the usual one holds some 260 replies, and they come while we still ask
BASE = {"server": {"miss-limit": "0", "workers": 1}, "upstreams": [authoritative()]}


def config(**more):
    return edge_config(**{**BASE, **more})


def zones():
    owners = [f"first-{number} ANAME www.cdn.test." for number in range(OWNERS + AT_ONCE)]
    return {"example.test": ZONE + "\n".join(owners) + "\n"}


def rate(lab, seconds):
    """(replies a second, share lost) of questions below the cut."""
    path = os.path.join(lab.folder, "misses")
    with open(path, "w") as file:
        file.writelines(f"n{number}.child.example.test A\n" for number in range(NAMES))
    text = lab.client_space.run("dnsperf", "-s", EDGE, "-d", path, "-l", str(seconds), "-c", "8",
                                "-q", "400", "-e")
    sent = int(re.search(r"Queries sent:\s+(\d+)", text)[1])
    lost = int(re.search(r"Queries lost:\s+(\d+)", text)[1])
    return float(re.search(r"Queries per second:\s+([\d.]+)", text)[1]), lost / sent


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def waits(values):
    return {"median_ms": round(statistics.median(values) * 1000, 3),
            "p99_ms": round(percentile(values, 0.99) * 1000, 3),
            "max_ms": round(max(values) * 1000, 3)}


def one_by_one(lab):
    took = []
    for number in range(OWNERS):
        reply = lab.client.ask(f"first-{number}.example.test", "A")
        assert reply and len(reply.addresses) == 2, f"owner {number}: {reply}"
        took.append(reply.took_s)
    return waits(took)


def all_at_once(lab):
    began, took = {}, []
    with lab.client.socket(socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        sock.connect((EDGE, 53))
        sock.settimeout(3)
        for number in range(OWNERS, OWNERS + AT_ONCE):
            packet = query_wire(f"first-{number}.example.test", "A")
            began[number] = time.monotonic()
            sock.send(number.to_bytes(2, "big") + packet[2:])
        for got in range(AT_ONCE):
            try:
                reply = sock.recv(4096)
            except TimeoutError:
                raise AssertionError(f"only {got} of {AT_ONCE} first questions were answered")
            assert not reply[3] & 15 and reply[7] == 2, "an answer with two addresses"
            took.append(time.monotonic() - began[int.from_bytes(reply[:2], "big")])
    return waits(took)


def measure(lab, build, seconds):
    edge = lab.edge(build, config(), zones()).start()
    before = edge.counters()
    through, lost = rate(lab, seconds)
    passed = edge.counters()["pass_owner_miss"] - before["pass_owner_miss"]
    found = {"misses_per_s": round(through), "lost": round(lost, 4), "passed_up": passed,
             "first": one_by_one(lab), "first_at_once": all_at_once(lab)}
    lab.end_edge(edge)
    edge = lab.edge(build, config(interfaces=None), zones()).start()
    found["without_program_per_s"], _ = rate(lab, seconds)
    lab.end_edge(edge)
    return found


def main():
    build = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with Lab("misses") as lab:
        lab.start_cdn(content_network())
        found = measure(lab, build, seconds)
    with open(os.path.join(build, "bench-misses.json"), "w") as file:
        json.dump(found, file, indent=1)
    print(f"misses that need nobody   {found['misses_per_s']:9,} a second "
          f"({found['lost']:.1%} lost), without the program {found['without_program_per_s']:,.0f}")
    for key, text in (("first", "first flattening"), ("first_at_once", f"{AT_ONCE} at once")):
        wait = found[key]
        print(f"{text:25} {wait['median_ms']:9.2f} ms median, {wait['p99_ms']:.2f} ms of 99 in 100, "
              f"{wait['max_ms']:.2f} ms at most")
    assert found["passed_up"] > found["misses_per_s"], "the questions did not go up"


main()

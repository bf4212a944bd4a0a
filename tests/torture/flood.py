#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/torture/flood.py BUILD SECONDS - one network sends misses faster than any daemon answers.

The maps hold 16 names of 8000, so the flood goes up, as far as its network's share allows.
Another network asks below a cut, which is never the kernel's: it gets all of its answers,
without waiting behind the flood, as it has to without the limit.
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))

from lib.cases import Bench, case, equal, run_cases, true  # noqa: E402
from lib.lab import CLIENTS, Lab  # noqa: E402
from lib.process import until  # noqa: E402
from lib.standard import ZONES, edge_config  # noqa: E402
from story import Watch, zone_text  # noqa: E402

NAMES = 8000
FLOOD = 1000000
LIMIT, BURST = 500, 1000
OTHERS = 100
# A device's ring of 256 frames overflows for all alike while the host gives its core to others.
TRIES = 3
# Without a flood an answer takes a fifth of a millisecond.
LATE_MS = 5


def start(bench, limit):
    edge = bench.edge(
        edge_config(
            interfaces=[{"name": "client", "xdp": "native"}], maps={"owners": "16"},
            server={"miss-limit": str(limit), "miss-burst": str(BURST), "miss-slip": "0",
                    "workers": "1"}),
        {"torture.test": zone_text(1, NAMES), **ZONES})
    watch = Watch(bench)
    watch.tell("begin", NAMES, FLOOD)
    before = edge.counters()["pass_owner_miss"]
    until(lambda: edge.counters()["pass_owner_miss"] > before + 100, "the flood's misses")
    return edge, watch


def ask_again(bench, name):
    """As a resolver does; what comes at the first time only counts as in time."""
    for _ in range(TRIES):
        reply = bench.client.ask(name, "A", source=CLIENTS[1], timeout_s=0.3)
        if reply:
            return reply
    return None


def ask_others(bench):
    """Of another network's questions: (lost, lost or late)."""
    lost = late = 0
    for number in range(OTHERS):
        begin = time.monotonic()
        reply = ask_again(bench, f"y{number}.child.example.test")
        took_s = time.monotonic() - begin
        lost += not reply
        late += took_s * 1000 > LATE_MS
        time.sleep(0.01)
    print(f"     {OTHERS} questions of another network: {lost} lost, {late} lost or late")
    return lost, late


@case("a flood of misses from one network: another one gets all its answers, and at once")
def flood(bench):
    edge, watch = start(bench, LIMIT)
    begin, before = time.monotonic(), edge.counters()
    lost, late = ask_others(bench)
    after, took_s = edge.counters(), time.monotonic() - begin
    result = watch.tell("end")
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    print(f"     in {took_s:.1f} s: {grown}")
    equal(lost, 0, "answers of the other network that were lost")
    true(late < OTHERS / 5, "answers of the other network come at once")
    true(grown["miss_drop"] > 10 * grown["pass_owner_miss"], "the flood is dropped")
    true(grown["pass_owner_miss"] <= LIMIT * took_s + BURST + 2 * OTHERS, "the flood's share")
    equal((result["code"], result["faults"]), (0, 0), "faults")


@case("the same flood without the limit: the other network waits, or loses")
def drowned(bench):
    edge, watch = start(bench, 0)
    _, late = ask_others(bench)
    watch.tell("end")
    equal(edge.counters()["miss_drop"], 0, "dropped in the kernel")
    true(late > OTHERS / 5, "nobody waits without the limit: the flood is none")


def main():
    with Lab("flood") as lab:
        run_cases("torture", lambda: Bench(lab, os.path.abspath(sys.argv[1])), sys.argv[3:])


main()

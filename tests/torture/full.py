#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/torture/full.py BUILD SECONDS - a daemon whose maps hold an eighth of what is asked for.

Names are asked for by Zipf's law, so it is known what share of the queries exact LRU and the
best choice of names would answer. What is hot stays in the kernel, what becomes hot comes in for what
has become cold, the daemon answers the rest, and elements go in no faster than the limit.
"""

import math
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))

from lib.cases import Bench, case, equal, run_cases, true  # noqa: E402
from lib.lab import Lab  # noqa: E402
from lib.process import until  # noqa: E402
from lib.standard import edge_config  # noqa: E402
from story import Watch, zone_text  # noqa: E402

NAMES = 8000
OWNERS = 1024
RATE = 8000
# So many of the hottest become the coldest: 35 of 100 queries are for them.
EXCHANGED = 16
# user/kernel/evict.c: in a minute the maps may be turned over once.
EVICTIONS = OWNERS / 60
SECONDS = 4


def harmonic(first, last):
    return sum(1 / rank for rank in range(first, last + 1))


def share_of_lru():
    """What exact LRU of so many names answers (Che's approximation)."""
    weights = [1 / rank / harmonic(1, NAMES) for rank in range(1, NAMES + 1)]
    least, most = 0.0, 1e9
    while most - least > 1:
        age = (least + most) / 2
        held = sum(1 - math.exp(-weight * age) for weight in weights)
        least, most = (age, most) if held < OWNERS else (least, age)
    return sum(weight * (1 - math.exp(-weight * least)) for weight in weights)


BEST = harmonic(1, OWNERS) / harmonic(1, NAMES)
LRU = share_of_lru()
# What the kernel has to answer; samples of a second are noisy.
WANTED = 0.9 * LRU


class Meter:
    """What the kernel answers, and what goes into the maps, since the last look."""

    def __init__(self, edge):
        self.edge = edge
        self.look()

    def look(self):
        """(share that the kernel answered, queries, elements put in, seconds)"""
        before = getattr(self, "at", None)
        stats, counters = self.edge.stats()["publish"], self.edge.counters()
        self.at = (counters["hit"], counters["pass_owner_miss"] + counters["pass_audience_miss"],
                   stats["evicted"], time.monotonic())
        if not before:
            return None
        hits, misses, evicted, seconds = (now - then for now, then in zip(self.at, before))
        return hits / max(1, hits + misses), hits + misses, evicted, seconds


def no_storm(evicted, seconds):
    true(evicted <= EVICTIONS * (seconds + 1) + 1, f"{evicted} evictions in {seconds:.1f} s")


def measure(meter, what, least=0.0, most=1.0):
    meter.look()
    time.sleep(max(1, SECONDS / 4))
    share, queries, evicted, seconds = meter.look()
    print(f"     {what}: {share:.1%} of {queries} queries by the kernel (LRU {LRU:.1%}, best choice {BEST:.1%}),"
          f" {evicted / seconds:.0f} evictions a second")
    no_storm(evicted, seconds)
    true(least <= share <= most, f"{what}: a share of {share:.3f}")
    return share


def metrics(edge):
    """Prometheus samples of the maps."""
    text = edge.space.run("curl", "-s", "http://127.0.0.1:9553/metrics")
    return dict(line.split(" ") for line in text.splitlines() if line.startswith("anamed_maps_"))


@case("maps that are full: what is hot is in the kernel, the daemon answers the rest, no storm")
def full(bench):
    edge = bench.edge(
        edge_config(
            interfaces=[{"name": "client", "xdp": "native"}], server={"miss-limit": "0"},
            maps={"owners": str(OWNERS), "slots": "4K", "slots-large": "2K"}),
        {"torture.test": zone_text(1, NAMES)})
    watch, meter = Watch(bench), Meter(edge)
    watch.tell("begin", NAMES, RATE, 0)
    until(lambda: edge.stats()["publish"]["owners"] >= OWNERS - 1, "full maps")
    measure(meter, "full", WANTED)

    watch.tell("zipf", EXCHANGED)
    share, *_ = (meter.look(), time.sleep(0.5), meter.look())[2]
    print(f"     others are hot: {share:.1%} at once")
    begin = time.monotonic()
    until(lambda: (meter.look(), time.sleep(1), meter.look())[2][0] > WANTED,
          "the kernel to have what is hot now", 30)
    print(f"     in the kernel again after {time.monotonic() - begin:.1f} s")
    measure(meter, "afterwards", WANTED)

    stats, shown = edge.stats()["publish"], metrics(edge)
    result = watch.tell("end")
    print(f"     {result}, evicted {stats['evicted']}, held back {stats['held_back']}")
    equal((result["code"], result["faults"]), (0, 0), "faults")
    true(result["replies"] >= 0.99 * result["sent"], "lost replies")
    true(stats["evicted"] >= EXCHANGED and stats["held_back"] > 0, "evictions, and some not made")
    for name, key in (("evictions", "evicted"), ("held_back", "held_back")):
        true(0 < stats[key] <= float(shown[f"anamed_maps_{name}_total"]), f"{name} in the metrics")


def main():
    global SECONDS
    SECONDS = float(sys.argv[2])
    with Lab("full") as lab:
        run_cases("torture", lambda: Bench(lab, os.path.abspath(sys.argv[1])), sys.argv[3:])


main()

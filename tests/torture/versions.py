#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/torture/versions.py BUILD SECONDS - the ABI version changes under full load.

BUILD/older holds an anamed of ABI version 1. The newer one makes its maps beside the older
one's, fills them, and puts its program into the same link: no query is lost, nothing old
comes after new, and what was flattened is in the new maps before they answer.
"""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))

from lib import cdn, standard  # noqa: E402
from lib.ask import Load, Question, right  # noqa: E402
from lib.cases import Bench, case, equal, run_cases, true  # noqa: E402
from lib.edge import ABI  # noqa: E402
from lib.lab import Lab  # noqa: E402
from lib.process import until  # noqa: E402
from story import Story, be_of  # noqa: E402

OLDER = "v1"
# Queries a second of which none may be lost.
STEADY = 20000
# How long daemons live at most that are killed while they take over.
LIVES_S = (0.1, 0.3, 0.6)
FLATTENED = 64
SECONDS = 4


def older(bench):
    return f"{bench.build}/older", OLDER


def newer(bench):
    return bench.build, ABI


def rounds():
    """Twice at least, and until the time is over."""
    end, number = time.monotonic() + SECONDS, 0
    while number < 2 or time.monotonic() < end:
        yield number
        number += 1


def in_place(edge, program):
    """The newer program has the link, and its own maps answer."""
    until(lambda: edge.program_id("client") != program, "the newer program in the link")
    until(lambda: edge.hits() > STEADY / 2, "answers out of the newer maps")
    true(not os.path.exists(os.path.join(os.path.dirname(edge.pins), OLDER)), "older pins left")


@case("a newer version takes over under load: no query is lost, nothing old comes after new")
def takes_over(bench):
    for _ in rounds():
        story = Story(bench, older(bench))
        program = story.measure(STEADY)
        story.write_next()
        story.edge.stop()
        be_of(story.edge, *newer(bench))
        story.edge.start()
        in_place(story.edge, program)
        result = story.end(0)
        true(result["by_daemon"] < result["sent"] / 2, "answers by the kernel")
        bench.close()


@case("a newer version that is killed while it takes over: the next one does it")
def killed(bench):
    waiting = done = 0
    for _ in rounds():
        story = Story(bench, older(bench))
        program = story.measure(STEADY)
        story.write_next()
        story.edge.kill()
        be_of(story.edge, *newer(bench))
        for most in LIVES_S:
            story.edge.process.start()
            time.sleep(random.uniform(0, most))
            story.edge.kill()
            waiting += story.edge.program_id("client") == program
            done += story.edge.program_id("client") != program
        story.edge.start()
        in_place(story.edge, program)
        # Whoever is killed after the swap leaves maps that have not all the names yet.
        story.end(0.5)
        bench.close()
    true(waiting, "kills before the swap")
    print(f"     killed before the swap {waiting} times, after it {done} times")


def flattened_network():
    return cdn.Cdn([standard.name(f"f{number}", 300, number % 200) for number in range(FLATTENED)])


def flattened_zone():
    lines = ["$ORIGIN example.test.", "@ 300 SOA ns host 1 3600 600 86400 300", "@ 300 NS ns",
             "ns 300 A 192.0.2.53"]
    lines += [f"f{number} 300 ANAME f{number}.cdn.test." for number in range(FLATTENED)]
    return "\n".join(lines) + "\n"


def questions():
    """Of each name a client of a network of his own."""
    for number in range(FLATTENED):
        addresses, _ = standard.addresses(number % 200, 0, 2, 1)
        yield Question(f"f{number}.example.test", "A", {right(addresses, 24)},
                       ecs=standard.NET1)


def start_flattened(bench):
    edge = bench.edge(standard.edge_config(
        upstreams=[standard.authoritative()],
        server={"miss-limit": "0"}),
        {"example.test": flattened_zone()}, start=False)
    be_of(edge, *older(bench))
    return edge.start()


@case("what was flattened is in the newer maps before they answer, with upstream gone")
def flattened(bench):
    edge = start_flattened(bench)
    load = Load(bench.client, list(questions()))
    load.run(count=4 * FLATTENED)
    equal((load.wrong, load.lost), (0, 0), f"wrong and lost answers of the older: {load.faults}")
    edge.stop()
    bench.lab.knot.process.kill()
    program, over = edge.program_id("client"), threading.Event()
    asking = threading.Thread(target=load.run, kwargs={"stop": over.is_set})
    asking.start()
    try:
        be_of(edge, *newer(bench))
        edge.start()
        until(lambda: edge.program_id("client") != program, "the newer program in the link")
        until(lambda: edge.hits() > 10 * FLATTENED, "answers out of the newer maps")
    finally:
        over.set()
        asking.join()
        bench.lab.knot.start()
    counters = edge.counters()
    equal((load.wrong, load.lost), (0, 0), f"wrong and lost answers: {load.faults}")
    equal(counters["pass_owner_miss"] + counters["pass_audience_miss"], 0,
          "queries that found nothing in the newer maps")


def main():
    global SECONDS
    SECONDS = float(sys.argv[2])
    with Lab("versions") as lab:
        lab.start_cdn(flattened_network())
        run_cases("torture", lambda: Bench(lab, os.path.abspath(sys.argv[1])), sys.argv[3:])


main()

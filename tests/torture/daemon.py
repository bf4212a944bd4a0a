#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/torture/daemon.py BUILD SECONDS - reloads, and a daemon that is killed, under full load.

A reload goes on to the next version of every name. What the kernel answers must go over to
it at one instant: nothing of the old zone after the first answer of the new one. When the
reload has returned, the daemon answers nothing old either. What the kernel has is answered
while its program is replaced (BUILD/other has another one), and whoever is killed meanwhile.
"""

import contextlib
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))

from lib.cases import Bench, case, run_cases, true  # noqa: E402
from lib.lab import Lab  # noqa: E402
from story import Story  # noqa: E402

SECONDS = 4
# Queries a second of which none may be lost.
STEADY = 20000
# What waits in a socket when a reload returns is answered by then.
SETTLE_S = 0.5


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


@case("the program replaced under load, both daemon and anamectl killed in the middle: none lost")
def replaced(bench):
    story, end, programs = Story(bench), time.monotonic() + SECONDS, set()
    programs.add(story.measure(STEADY))
    while time.monotonic() < end:
        for life_s in (5, random.uniform(0, 0.3)):
            upgrade = bench.lab.edge_space.popen(
                [f"{bench.build}/other/anamectl", "--config", story.edge.conf, "xdp", "upgrade"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            if life_s < 1:
                story.edge.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                upgrade.wait(life_s)
            upgrade.kill()
            upgrade.wait()
            programs.add(story.edge.program_id("client"))
        story.edge.start()
    story.end(0)
    true(len(programs) > 3, "programs, one after the other")


def main():
    global SECONDS
    SECONDS = float(sys.argv[2])
    with Lab("torture") as lab:
        run_cases("torture", lambda: Bench(lab, os.path.abspath(sys.argv[1])), sys.argv[3:])


main()

# SPDX-License-Identifier: BSD-2-Clause
"""sweeps - how the cost grows: names, networks, addresses, queries that miss, cores."""

import json
import os
import subprocess

import servers
from rounds import Rounds, median, spread
from stand import REFLECT, STATIC, TAILORED, Load

NAMES = (100, 1000, 10000, 100000, 1000000)
TEN_MILLION, TEN_MILLION_MIB = 10000000, 20000  # and the memory that has to be free
NETWORKS = (1, 4, 16)
RECORDS = (1, 2, 8)
MISSES = (0.0, 0.01, 0.1)
ROUNDS = 3
RUN_MS = 300
COST_RUNS, COST_ROUNDS = 300000, 5
CORE_ROUNDS = 9
QUICK_COST_RUNS, QUICK_COST_ROUNDS = 50000, 5


def cost_words(stand, load, cpu, runs, rounds):
    words = load.words().rsplit(" ", 1)[0].split()
    return ("taskset", "-c", str(cpu), f"{stand.build}/bench-cost", "sv", stand.program(),
            str(runs), str(rounds), *words)


def cost(stand, load, quick=False):
    """Nanoseconds of the program by itself, and the verifier's count."""
    runs, rounds = (QUICK_COST_RUNS, QUICK_COST_ROUNDS) if quick else (COST_RUNS, COST_ROUNDS)
    found = json.loads(stand.server.run(*cost_words(stand, load, 1, runs, rounds)))
    values = sorted(item["ns"] for item in found["rounds"])
    return {"ns": values[len(values) // 2], "min": values[0], "max": values[-1],
            "insns": found["insns"]}


def point(bench, floor, load, names=10000, networks=1, records=2, misses=(0.0,)):
    """One stand of these sizes beside the floor."""
    stand = bench.stand(servers.Anamed, "sweep", names, networks, records)
    points = []
    for miss in misses:
        asked = Load(names=names, networks=networks, records=records, miss=miss, **load)
        if miss:
            stand.server_priority(0)
        rounds = Rounds(bench)
        rounds.count, rounds.ms = ROUNDS, RUN_MS
        rounds.add("floor", floor, asked, REFLECT)
        rounds.add("anamed", stand, asked, TAILORED)
        rounds.run()
        result = rounds.result()
        points.append({
            "names": names, "networks": networks, "records": records, "hit_ratio": 1 - miss,
            "replies_per_s": result["replies_per_s"]["anamed"],
            "server_ns": result["server_ns"]["anamed"],
            "floor_ns": result["server_ns"]["floor"],
            "ratio": rounds.ratio("anamed", "floor"),
            "cost": None if miss else cost(stand, asked),
        })
    points[0]["memory"] = {"maps": stand.memory(), "daemon_rss": stand.resident()}
    bench.take_down(stand)
    return points


def available_mib():
    with open("/proc/meminfo") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["MemAvailable"].split()[0]) // 1024


def floor_of(bench):
    return next(stand for stand in bench.stands if stand.name == "floor")


def ten_million(bench):
    """One point, which takes minutes to restore; left out, and that is said, where memory lacks."""
    free = available_mib()
    if free < TEN_MILLION_MIB:
        bench.notes.append(f"ten million names: left out: {free} MiB of memory are free, "
                           f"{TEN_MILLION_MIB} are wanted")
        bench.say(bench.notes[-1])
        return []
    bench.say(f"{TEN_MILLION} names")
    return point(bench, floor_of(bench), {}, names=TEN_MILLION)


def static(bench, floor):
    """Zone data, asked for once: one answer for everyone, no look-up by network."""
    stand = bench.stand(servers.Anamed, "static", 10000, static=True)
    asked = Load()
    stand.server_priority(0)
    for _ in range(40):
        if stand.run(asked, STATIC, 300, 20000) and len(stand.edge.map_dump("owners")) >= 9900:
            break
    stand.server_priority(1)
    rounds = Rounds(bench)
    rounds.count, rounds.ms = ROUNDS, RUN_MS
    rounds.add("floor", floor, asked, REFLECT)
    rounds.add("anamed", stand, asked, STATIC)
    rounds.run()
    result = rounds.result()
    found = {"replies_per_s": result["replies_per_s"]["anamed"],
             "ratio": rounds.ratio("anamed", "floor")}
    bench.take_down(stand)
    return found


def at_once(stand, load, cpus):
    """Queries a second that the program answers by itself on so many CPUs at the same time."""
    children = [stand.popen(stand.server, *cost_words(stand, load, cpu, COST_RUNS, CORE_ROUNDS),
                            stdout=subprocess.PIPE, text=True) for cpu in range(cpus)]
    found = [json.loads(child.communicate()[0])["rounds"] for child in children]
    # The first and last of a CPU's rounds may have had it for themselves.
    return sum(1e9 / median([item["ns"] for item in rounds[1:-1]]) for rounds in found)


def cores(bench):
    """The program by itself on one CPU and on more: what they share of maps and slots costs."""
    stand = bench.stand(servers.Anamed, "cores", 10000)
    counts = [1 << i for i in range((os.cpu_count() or 1).bit_length())]
    runs = {count: [] for count in counts}
    for _ in range(ROUNDS):
        for count in counts:
            runs[count].append(at_once(stand, Load(), count))
    bench.take_down(stand)
    return [{"cores": count, "queries_per_s": spread(runs[count]),
             "ratio": median([more / one for more, one in zip(runs[count], runs[1])])}
            for count in counts]


def run(bench):
    """All of them but the largest, one parameter at a time."""
    floor = floor_of(bench)
    found = {"names": [], "networks": [], "records": [], "hit_ratio": []}
    for names in NAMES:
        bench.say(f"{names} names")
        found["names"] += point(bench, floor, {}, names=names)
    for networks in NETWORKS:
        bench.say(f"{networks} networks a name")
        found["networks"] += point(bench, floor, {}, networks=networks)
    for records in RECORDS:
        bench.say(f"{records} addresses")
        found["records"] += point(bench, floor, {}, records=records)
    bench.say("queries that miss")
    found["hit_ratio"] = point(bench, floor, {}, misses=MISSES)
    bench.say("cores")
    found["cores"] = cores(bench)
    bench.say("zone data")
    found["static"] = static(bench, floor)
    return found

# SPDX-License-Identifier: BSD-2-Clause
"""sweeps - how the cost grows: names, networks, addresses, queries that miss."""

import json

import servers
from rounds import Rounds
from stand import REFLECT, STATIC, TAILORED, Load

NAMES = (100, 1000, 10000, 100000, 1000000)
TEN_MILLION, TEN_MILLION_MIB = 10000000, 20000  # and the memory that has to be free
NETWORKS = (1, 4, 16)
RECORDS = (1, 2, 8)
MISSES = (0.0, 0.01, 0.1)
ROUNDS = 3
RUN_MS = 300
COST_RUNS, COST_ROUNDS = 300000, 5
QUICK_COST_RUNS, QUICK_COST_ROUNDS = 50000, 5


def cost(stand, load, quick=False):
    """Nanoseconds of the program by itself, and the verifier's count."""
    runs, rounds = (QUICK_COST_RUNS, QUICK_COST_ROUNDS) if quick else (COST_RUNS, COST_ROUNDS)
    words = load.words().rsplit(" ", 1)[0].split()
    text = stand.server.run("taskset", "-c", "1", f"{stand.build}/bench-cost", "sv",
                            stand.program(), str(runs), str(rounds), *words)
    found = json.loads(text)
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
    bench.say("zone data")
    found["static"] = static(bench, floor)
    return found

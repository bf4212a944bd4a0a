#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tests/bench/geo.py BUILD [--quick] - the program's time where answers are by region.

Names and queries four times, with the client subnet of the query from all
over the address space: seven answers for as many regions; the same names with
seven for seven networks, so the same answers without geo; the same with one
for everyone; seven times the names with one each, so as many answers, none
of which depends on the client. The program's own time, without driver and
wire, of many short rounds the tenth percentile. Into BUILD/bench.json: `geo`
has the nanoseconds, `ratios.geo` the speed beside the second, `geo_everyone`
beside the third, `geo_as_many` beside the fourth.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

NAMES, RUNS, ROUNDS = 10000, 32768, 31
QUICK = 1000, 16384, 31


def policy(rng):
    """Six regions and the rest, each of 2 000 networks from all over."""
    rules = []
    for number in range(6):
        networks = set()
        while len(networks) < 2000:
            length = rng.randint(12, 24)
            address = rng.getrandbits(32) >> (32 - length) << (32 - length)
            networks.add(f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}."
                         f"{address & 255}/{length}")
        rules.append({"region": f"r{number}", "networks": sorted(networks)})
    return [{"name": "bench", "rules": rules, "default": "rest"}]


def main():
    build = sys.argv[1]
    names, runs, rounds = QUICK if "--quick" in sys.argv else (NAMES, RUNS, ROUNDS)
    folder = tempfile.mkdtemp(prefix="anamed-bench-geo-")
    pins = f"/sys/fs/bpf/anamed-bench-geo-{os.getpid()}"
    try:
        path = os.path.join(folder, "anamed.conf")
        with open(path, "w") as file:
            json.dump({"zones": [{"name": "bench.example", "file": "z"}],
                       "policies": policy(random.Random(1))}, file)
        run = subprocess.run([os.path.join(build, "bench-geo"), pins, str(names), str(runs),
                              str(rounds), path], capture_output=True, text=True)
    finally:
        shutil.rmtree(folder, True)
        shutil.rmtree(pins, True)
    if run.returncode:
        sys.exit(run.stderr)
    figures = json.loads(run.stdout)
    assert figures["missed"] == 0, figures
    out = os.path.join(build, "bench.json")
    result = {}
    if os.path.exists(out):
        with open(out) as file:
            result = json.load(file)
    ratios = result.setdefault("ratios", {})
    ratios["geo"] = round(figures["networks_ns"] / figures["geo_ns"], 3)
    ratios["geo_everyone"] = round(figures["everyone_ns"] / figures["geo_ns"], 3)
    ratios["geo_as_many"] = round(figures["as_many_ns"] / figures["geo_ns"], 3)
    result["geo"] = figures
    with open(out, "w") as file:
        json.dump(result, file, indent=1)
    print(f"program alone, {names} names: everyone {figures['everyone_ns']} ns, "
          f"as many {figures['as_many_ns']} ns, by network {figures['networks_ns']} ns, "
          f"by region {figures['geo_ns']} ns; speed by region {ratios['geo']} of by network, "
          f"{ratios['geo_as_many']} of as many, {ratios['geo_everyone']} of everyone")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""report - the ratios, whether a run counts, and the table for people."""

import os
import platform
import time

from rounds import SATURATION, median, ratio
from servers import with_slack

OWN = {
    "floor": ("anamed", "floor"),
    "floor_without_ecs": ("anamed_without_ecs", "floor_without_ecs"),
    "floor_mix": ("anamed_mix", "floor_mix"),
    "floor_grow": ("anamed", "floor_grow"),
    "names_1m_over_10k": ("anamed_1m", "anamed"),
    "names_1m_over_10k_mix": ("anamed_1m_mix", "anamed_mix"),
}
PEERS = ("knot_xdp", "knot_udp", "nsd_udp", "pdns_alias")


def over_peer(result, name):
    """Over the better of the peer's rate under flood and its best rate with little loss."""
    flood = result["replies_per_s"].get(name, {}).get("median", 0)
    best = max(flood, result["peers"].get(name, {}).get("best_rate", 0))
    return result["replies_per_s"]["anamed"]["median"] / best if best else None


def saturation(runs):
    """What the generator sent over what the floor answered, in the worst of the rounds."""
    return min(run["sent"] / max(1, run["replies"]) for run in runs["floor"])


def busy(runs, name):
    """Share of the server's core that a reply's time, and the replies, come to."""
    return median([run["server_ns"] * run["replies_per_s"] * 1e-9 for run in runs[name]])


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                     platform.machine())
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(),
            "load_average": os.getloadavg()[0]}


def finish(result, quick):
    runs = result["runs"]
    result["ratios"] = {name: ratio(runs, *pair, by="replies_per_s")
                        for name, pair in OWN.items()}
    result["ratios"].update({name: over_peer(result, name) for name in PEERS})
    result["ratios_by_core"] = {name: ratio(runs, *pair) for name, pair in OWN.items()}
    result["bytes_per_answer"] = round(result["memory"]["a1m"]["octets_each"], 1)
    result["saturation"] = saturation(runs)
    result["server_busy"] = {name: busy(runs, name) for name in runs}
    result["saturated"] = result["saturation"] >= SATURATION
    result["quick"] = quick
    result["machine"] = machine()
    result["when"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return result


def octets_of_answers(maps):
    """Kernel memory that grows with names and answers."""
    return sum(maps.get(name, 0) for name in ("owners", "front", "audiences", "slots", "cells"))


def octets_a_network(points):
    """What a name's further networks take, each."""
    few, many = points[0], points[-1]
    answers = [with_slack(point["names"] * point["networks"]) for point in (few, many)]
    octets = [octets_of_answers(point["memory"]["maps"]) for point in (few, many)]
    return round((octets[1] - octets[0]) / (answers[1] - answers[0]), 1)


def rate(value):
    return f"{value / 1000:9.0f}" if value >= 10000 else f"{value / 1000:9.1f}"


def show(result):
    print("\nThousand replies a second, arrived at the client under flood; what the server's core "
          "took for one:")
    print(f"{'':20}{'median':>9}{'least':>9}{'most':>9}{'sent':>9}{'ns':>8}{'best < 1 % lost':>17}")
    for name, row in result["replies_per_s"].items():
        sent = median([run["sent_per_s"] for run in result["runs"][name]])
        best = result["peers"].get(name, {}).get("best_rate")
        took = "" if name in PEERS else f"{result['server_ns'][name]['median']:.0f}"
        print(f"{name:20}{rate(row['median'])}{rate(row['min'])}{rate(row['max'])}{rate(sent)}"
              f"{took:>8}{rate(best) if best else '':>17}")
    print("\nanamed's rate over (replies that arrived; by the time of the server's core):")
    for name, value in result["ratios"].items():
        by_core = result["ratios_by_core"].get(name)
        print(f"{name:20}{value:9.2f}" + (f"{by_core:9.2f}" if by_core else "") if value
              else f"{name:20}        -")
    print("\nThe program by itself, ns a query:")
    for name, cost in result["cost"].items():
        print(f"{name:22}{cost['ns']:9.0f}   ({cost['min']:.0f}-{cost['max']:.0f}; "
              f"{cost['insns']} instructions verified)")
    print(f"\n{result['bytes_per_answer']} octets of kernel memory a name with one answer "
          f"of two addresses")
    print(f"saturation {result['saturation']:.2f} (at least {SATURATION} counts; "
          f"{result['unsaturated_runs_repeated']} runs repeated)")
    for note in result["notes"]:
        print(f"note: {note}")


def show_sweeps(result):
    sweeps = result["sweeps"]
    print("\nGrowth: ns of the server's core a reply, share of the reflector's rate, program alone:")
    for name in ("names", "networks", "records", "hit_ratio"):
        for point in sweeps[name]:
            alone = f"{point['cost']['ns']:9.0f}" if point["cost"] else ""
            print(f"{name:12}{point[name]:>10}{point['server_ns']['median']:9.0f}"
                  f"{point['ratio']:8.2f}{alone}")
    for point in sweeps["cores"]:
        print(f"cores       {point['cores']:>10} {rate(point['queries_per_s']['median'])} thousand "
              f"a second by the program alone, {point['ratio']:.2f} of one")
    static = sweeps["static"]
    print(f"zone data     {rate(static['replies_per_s']['median'])} thousand a second, "
          f"{static['ratio']:.2f} of the reflector")
    print(f"{result['bytes_per_network']} octets of kernel memory for each further network of a name")

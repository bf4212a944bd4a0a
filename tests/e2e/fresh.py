# SPDX-License-Identifier: BSD-2-Clause
"""Freshness: hot names never miss, cold ones expire, changes arrive."""

import time

from lib.ask import Load, Question, right
from lib.cases import case, equal, true
from lib.check import is_right, warm
from lib.process import until
from lib.standard import NET1, NET2, ZONES, authoritative, edge_config

MISSES = ("pass_owner_miss", "pass_audience_miss", "pass_expired", "pass_ask")


def questions(name, cdn_name, *networks):
    return [
        Question(name, "A", [right(cdn_name.addresses(net, "A"), cdn_name.scope(net))], net)
        for net in networks
    ]


def misses(edge):
    counters = edge.counters()
    return sum(counters[name] for name in MISSES)


@case("a name that is asked for never misses, over several TTLs")
def hot_name(bench):
    edge = bench.edge(edge_config(upstreams=[authoritative()]), ZONES)
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1, NET2)
    before = edge.counters()
    load = Load(bench.client, questions("quick.example.test", quick, NET1, NET2), window=2)
    load.run(seconds=9)
    after = edge.counters()
    equal((load.lost, load.wrong, load.stale), (0, 0, 0), f"of {load.sent}: {load.faults}")
    missed = {name: after[name] - before[name] for name in MISSES if after[name] > before[name]}
    equal(missed, {}, "misses")
    equal(after["hit"] - before["hit"], load.sent, "kernel hits")
    true(edge.stats()["flatten"]["refreshed"] >= 6, "refreshed ahead of four TTLs, two networks")


@case("a name that nobody asks for is left to expire")
def cold_name(bench):
    edge = bench.edge(edge_config(upstreams=[authoritative()]), ZONES)
    warm(bench, edge, "quick.example.test", NET1)
    # One TTL, and the refresh that the last query may have earned.
    until(lambda: "fresh" not in edge.ctl("answers"), "the end of its time", 8, 0.1)
    lookups = edge.stats()["flatten"]["lookups"]
    time.sleep(4.5)  # two more TTLs
    equal(edge.stats()["flatten"]["lookups"], lookups, "look-ups for nobody")
    before = edge.counters()["pass_expired"]
    is_right(
        bench.client.ask("quick.example.test", "A", NET1), bench.lab.cdn.name("quick"), NET1
    )
    equal(edge.counters()["pass_expired"], before + 1, "passed up as expired")


def time_to_arrive(bench, name, cdn_name, limit_s):
    """Seconds from the CDN's change until the edge gives it; the name is asked all the while."""
    new = ["198.19.250.1", "198.19.250.2"]
    cdn_name.change(NET1, new)
    bench.lab.knot.reload()
    began = time.monotonic()

    def arrived():
        reply = bench.client.ask(name, "A", NET1)
        return set(reply.addresses) == set(new)

    until(arrived, "the new address", limit_s, 0.02)
    took = time.monotonic() - began
    is_right(bench.client.ask(name, "A", NET1), cdn_name, NET1)
    other = bench.client.ask(name, "A", NET2)
    is_right(other, cdn_name, NET2)
    return took


@case("a change of the CDN's address arrives when the TTL says so")
def change_arrives(bench):
    edge = bench.edge(edge_config(), ZONES)
    warm(bench, edge, "quick.example.test", NET1, NET2)
    time_to_arrive(bench, "quick.example.test", bench.lab.cdn.name("quick"), 6)


@case("freshness 1s: with an authoritative upstream a change arrives in about a second, TTL 20")
def freshness(bench):
    edge = bench.edge(
        edge_config(upstreams=[authoritative()], answers={"freshness": "1s"}), ZONES
    )
    warm(bench, edge, "example.test", NET1)
    before = misses(edge)
    took = time_to_arrive(bench, "example.test", bench.lab.cdn.name("www"), 4)
    true(took < 2.0, f"{took:.2f} s")
    # The other network is the only one that had to be fetched for a query.
    true(misses(edge) - before <= 1, f"{misses(edge) - before} misses while hot")


@case("flush forgets an answer at once")
def flush(bench):
    edge = bench.edge(edge_config(upstreams=[authoritative()]), ZONES)
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1, NET2)
    www.change(NET1, ["198.19.250.3"])
    bench.lab.knot.reload()
    edge.ctl("flush", "example.test", NET1)
    is_right(bench.client.ask("example.test", "A", NET1), www, NET1)
    is_right(bench.client.ask("example.test", "A", NET2), www, NET2)

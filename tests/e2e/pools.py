# SPDX-License-Identifier: BSD-2-Clause
"""Pools in the kernel: shares, clients that stay, and deaths that no reply survives."""

import threading
import time

from lib.ask import Load, Question, right
from lib.cases import case, equal, true
from lib.check import from_kernel, until_from_kernel
from lib.process import until
from lib.standard import edge_config

ONE, TWO, THREE, FOUR = (f"198.19.66.{i}" for i in (1, 2, 3, 4))
CDN = "www.cdn.test"
# First results come at once, the third after an hour: what the case forces is what counts.
CHECK = {"name": "web", "kind": "tcp", "port": 9, "interval": "1h", "timeout": "100ms"}

ZONES = {"example.test": """\
$TTL 300
$ORIGIN example.test.
@       SOA     ns host 1 3600 600 86400 300
@       NS      ns
ns      A       198.51.100.1
all     ANAME   all.pool.test.
too     ANAME   all.pool.test.
first   ANAME   first.pool.test.
weights ANAME   weights.pool.test.
clients ANAME   clients.pool.test.
places  ANAME   places.pool.test.
""" + "".join(f"o{i} ANAME all.pool.test.\n" for i in range(30))}


def addresses(*members):
    return [{"address": address, "weight": weight} for address, weight in members]


POOLS = [
    {"name": "all.pool.test", "check": "web", "members": addresses((ONE, 1), (TWO, 1), (THREE, 1))},
    {"name": "first.pool.test", "mode": "failover", "check": "web",
     "members": [{"address": ONE}, {"aname": CDN}]},
    {"name": "weights.pool.test", "mode": "weighted", "check": "web",
     "members": addresses((ONE, 3), (TWO, 2)) + [{"pool": "pair.pool.test", "weight": 5}]},
    {"name": "pair.pool.test", "check": "web", "members": addresses((THREE, 1), (FOUR, 1))},
    {"name": "clients.pool.test", "mode": "consistent", "check": "web",
     "members": addresses((ONE, 1), (TWO, 1), (THREE, 2))},
    {"name": "places.pool.test", "mode": "geo", "policy": "world", "check": "web",
     "members": [{"pool": "weights.pool.test", "region": "eu"},
                 {"pool": "clients.pool.test", "region": "us"}, {"address": FOUR}]},
]
POLICIES = [{"name": "world", "default": "asia",
             "rules": [{"region": "eu", "networks": ["192.0.2.0/24"]},
                       {"region": "us", "networks": ["203.0.0.0/8"]}]}]


def pool_edge(bench, **more):
    edge = bench.edge(edge_config(**more), ZONES, start=False)
    edge.write_config({"checks": [CHECK], "pools": POOLS, "policies": POLICIES})
    return edge.start()


def ask(bench, name, ecs=None):
    return bench.client.ask(f"{name}.example.test", "A", ecs)


def given(bench, edge, name, ecs=None):
    return from_kernel(edge, lambda: ask(bench, name, ecs)).addresses


def force(edge, address, how):
    edge.ctl("force", f"web/{address}", how)


def chi_square(counts, shares):
    total = sum(counts)
    return sum((count - share * total) ** 2 / (share * total)
               for count, share in zip(counts, shares))


@case("pools: a member that dies is in no kernel answer from then on, of any owner")
def death(bench):
    edge = pool_edge(bench)
    names = ["all", "too"] + [f"o{i}" for i in range(30)]
    for name in names:
        equal(set(ask(bench, name).addresses), {ONE, TWO, THREE})
        until_from_kernel(edge, lambda: ask(bench, name))
    force(edge, TWO, "down")
    for name in names:
        for _ in range(3):
            equal(set(given(bench, edge, name)), {ONE, THREE}, name)
    force(edge, TWO, "up")
    for name in names:
        equal(set(given(bench, edge, name)), {ONE, TWO, THREE}, name)


@case("pools: all down: panic, said in the log; the kernel gives all of them")
def panic(bench):
    edge = pool_edge(bench)
    ask(bench, "all")
    for address in (ONE, TWO, THREE):
        force(edge, address, "down")
    until(lambda: set(ask(bench, "all").addresses) == {ONE, TWO, THREE}, 2)
    until_from_kernel(edge, lambda: ask(bench, "all"))
    equal(set(given(bench, edge, "all")), {ONE, TWO, THREE})
    force(edge, THREE, "up")
    until(lambda: ask(bench, "all").addresses == [THREE], 2)
    equal(given(bench, edge, "all"), [THREE])


@case("pools: failover to a CDN and back, each from the kernel, without a question upstream")
def failover(bench):
    edge = pool_edge(bench)
    cdn = set(bench.lab.cdn.name("www").addresses("192.0.2.0/24", "A"))
    equal(ask(bench, "first", "192.0.2.0/24").addresses, [ONE])
    until_from_kernel(edge, lambda: ask(bench, "first", "192.0.2.0/24"))
    force(edge, ONE, "down")
    true(ONE not in ask(bench, "first", "192.0.2.0/24").addresses, "at once")
    until_from_kernel(edge, lambda: ask(bench, "first", "192.0.2.0/24"))
    equal(set(given(bench, edge, "first", "192.0.2.0/24")), cdn)
    force(edge, ONE, "up")
    until(lambda: ask(bench, "first", "192.0.2.0/24").addresses == [ONE], 2)
    equal(given(bench, edge, "first", "192.0.2.0/24"), [ONE])


@case("pools: over a kill and a restart, under load, choices stay right, the dead dead, none is lost")
def restarted(bench):
    edge = pool_edge(bench)
    pair = (THREE, FOUR)
    asked = [("weights", None, [[ONE], pair]), ("clients", "198.51.100.0/24", [[ONE], [THREE]]),
             ("places", "192.0.2.0/24", [[ONE], pair]), ("all", None, [(ONE, THREE)]),
             ("places", "203.0.113.0/24", [[ONE], [THREE]]),
             ("first", "192.0.2.0/24", [[ONE]])]
    force(edge, TWO, "down")
    for name, network, _ in asked:
        ask(bench, name, network)
        until_from_kernel(edge, lambda: ask(bench, name, network))
    scope = {(name, network): ask(bench, name, network).scope for name, network, _ in asked}
    # One client network keeps its member, over the restart as well.
    keeps = {(name, network): ask(bench, name, network).addresses for name, network, _ in asked
             if name == "clients" or network == "203.0.113.0/24"}
    questions = [Question(f"{name}.example.test", "A", [
        right(one, scope[name, network]) for one in
        ([keeps[name, network]] if (name, network) in keeps else rights)], network)
        for name, network, rights in asked]
    load, done, before = Load(bench.client, questions, 16), threading.Event(), edge.hits()
    asking = threading.Thread(target=load.run, kwargs={"stop": done.is_set})
    asking.start()
    try:
        time.sleep(1.3)  # states are kept within a second
        edge.kill()
        time.sleep(0.5)
        edge.start()
        time.sleep(0.7)
    finally:
        done.set()
        asking.join()
    equal((load.wrong, load.lost, load.faults), (0, 0, []))
    hits = edge.hits() - before
    print(f"     {load.sent} queries, {load.sent - hits} by the daemon")
    for name, network, _ in asked:
        given(bench, edge, name, network)


@case("pools: hold-down goes on over a reload that changes the pool, a kill and a restart")
def held_over_restart(bench):
    pools = [dict(pool, **({"hold-down": "8s"} if pool["name"] == "first.pool.test" else {}))
             for pool in POOLS]
    edge = bench.edge(edge_config(), ZONES, start=False)
    edge.write_config({"checks": [CHECK], "pools": pools, "policies": POLICIES})
    edge.start()
    cdn = set(bench.lab.cdn.name("www").addresses("192.0.2.0/24", "A"))

    def first():
        return set(ask(bench, "first", "192.0.2.0/24").addresses)

    equal(first(), {ONE})
    force(edge, ONE, "down")
    until(lambda: first() == cdn, "the CDN", 2)
    begin = time.monotonic()
    force(edge, ONE, "up")
    time.sleep(1.5)  # what is kept is on disk within a second
    equal(first(), cdn, "held back")
    for pool in pools:
        if pool["name"] == "first.pool.test":
            pool["members"] = [*pool["members"], {"address": "192.0.2.250"}]
    edge.write_config({"pools": pools})
    edge.reload()
    equal(first(), cdn, "held back in the pool that was changed")
    told = edge.ctl("explain", "first.example.test", "A", "192.0.2.0/24")
    true("192.0.2.250: " in told and "held back by hold-down" in told, told)
    time.sleep(1.2)
    edge.kill()
    edge.start()
    equal(first(), cdn, "held back by the next daemon")
    until(lambda: first() == {ONE}, "the first again", 10)
    took = time.monotonic() - begin
    true(7.5 < took < 10.5, f"{took:.1f} s, of which the daemon that began it had four")


@case("pools: what hold-down holds is what simulate --now says, as explain and the kernel do")
def held_in_simulator(bench):
    changed = {"first.pool.test": {"hold-down": "1m"},
               "places.pool.test": {"members": [{"pool": "first.pool.test", "region": "eu"},
                                                {"address": FOUR}]}}
    edge = bench.edge(edge_config(), ZONES, start=False)
    edge.write_config({"checks": [CHECK], "policies": POLICIES,
                       "pools": [dict(pool, **changed.get(pool["name"], {})) for pool in POOLS]})
    edge.start()
    names, network = ("first", "places"), "192.0.2.0/24"
    cdn = set(bench.lab.cdn.name("www").addresses(network, "A"))

    def simulated(name, when="before", *more):
        said = edge.ctl_json("simulate", f"{name}.example.test", "A", network, "--now", *more)
        return [one["give"] for one in said["clients"][0][when]["gives"]]

    for name in names:
        equal(ask(bench, name, network).addresses, [ONE])
        equal(simulated(name), [ONE])
    force(edge, ONE, "down")
    for name in names:
        until(lambda: set(ask(bench, name, network).addresses) == cdn, "the CDN", 2)
    force(edge, ONE, "up")
    for name in names:
        until(lambda: "held back" in edge.ctl("explain", f"{name}.example.test", "A", network), 2)
        until_from_kernel(edge, lambda: ask(bench, name, network))
        equal(set(given(bench, edge, name, network)), cdn, "the kernel")
        equal(simulated(name), [f"{CDN}."], name)
        equal(simulated(name, "after", "--assume", f"{CDN}=failing"), [ONE], name)
    equal(edge.ctl_json("simulate", "places.example.test", "A", "203.0.113.0/24", "--now")
          ["clients"][0]["before"]["gives"][0]["give"], FOUR, "another region")
    time.sleep(1.2)  # what is kept is on disk within a second
    edge.kill()
    edge.start()
    for name in names:
        equal(simulated(name), [f"{CDN}."], "before the next daemon was asked")


@case("pools: kernel replies pick members by weight; the order inside rotates")
def weights(bench):
    edge = pool_edge(bench)
    ask(bench, "weights")
    until_from_kernel(edge, lambda: ask(bench, "weights"))
    before = edge.hits()
    replies = [ask(bench, "weights").addresses for _ in range(2000)]
    equal(edge.hits() - before, 2000, "all from the kernel")
    counts = [sum(reply == [ONE] for reply in replies), sum(reply == [TWO] for reply in replies),
              sum(len(reply) == 2 for reply in replies)]
    # 99.9 % of honest samples stay below these.
    true(chi_square(counts, (0.3, 0.2, 0.5)) < 13.8, f"{counts}")
    firsts = [sum(len(reply) == 2 and reply[0] == address for reply in replies)
              for address in (THREE, FOUR)]
    true(chi_square(firsts, (0.5, 0.5)) < 10.8, f"{firsts}")
    force(edge, ONE, "down")
    replies = [given(bench, edge, "weights") for _ in range(50)]
    true(not any(ONE in reply for reply in replies), "the dead member's share goes to the others")


@case("pools: a client network keeps its member; when one goes, its clients alone move")
def clients(bench):
    edge = pool_edge(bench)
    ask(bench, "clients", "203.0.113.0/24")
    until_from_kernel(edge, lambda: ask(bench, "clients", "203.0.113.0/24"))
    networks = [f"203.{i // 250}.{i % 250}.0/24" for i in range(400)]
    before = {}
    for network in networks:
        reply = from_kernel(edge, lambda: ask(bench, "clients", network))
        equal(reply.scope, 24)
        before[network] = reply.addresses
    counts = [sum(got == [address] for got in before.values()) for address in (ONE, TWO, THREE)]
    true(chi_square(counts, (0.25, 0.25, 0.5)) < 13.8, f"{counts}")
    force(edge, TWO, "down")
    moved = 0
    for network in networks:
        now = given(bench, edge, "clients", network)
        true(now != [TWO], network)
        if before[network] == [TWO]:
            moved += 1
        else:
            equal(now, before[network], network)
    equal(moved, counts[1], "its share, and no more")


@case("pools: a choice by weight in one region, by client in another, each from the kernel")
def regions(bench):
    edge = pool_edge(bench)
    eu, asia = "192.0.2.0/24", "198.18.0.0/24"
    networks = [f"203.{i // 250}.{i % 250}.0/24" for i in range(300)]
    for network in (eu, networks[0], asia):
        ask(bench, "places", network)
        until_from_kernel(edge, lambda: ask(bench, "places", network))
    before = edge.hits()
    replies = [ask(bench, "places", eu).addresses for _ in range(1000)]
    given_ = {network: ask(bench, "places", network) for network in networks}
    equal(ask(bench, "places", asia).addresses, [FOUR])
    equal(edge.hits() - before, 1301, "all from the kernel")
    counts = [sum(reply == [ONE] for reply in replies), sum(reply == [TWO] for reply in replies),
              sum(len(reply) == 2 for reply in replies)]
    true(chi_square(counts, (0.3, 0.2, 0.5)) < 13.8, f"{counts}")
    counts = [sum(reply.addresses == [address] for reply in given_.values())
              for address in (ONE, TWO, THREE)]
    true(chi_square(counts, (0.25, 0.25, 0.5)) < 13.8, f"{counts}")
    equal({reply.scope for reply in given_.values()}, {24}, "scopes")
    force(edge, TWO, "down")
    for network, reply in given_.items():
        now = given(bench, edge, "places", network)
        true(now != [TWO] and (now == reply.addresses or reply.addresses == [TWO]), network)


@case("pools: the daemon gone, the kernel goes on to choose among the living; then the next one does")
def alone(bench):
    edge = pool_edge(bench)
    networks = [f"203.0.{i}.0/24" for i in range(60)]
    for name in ("weights", "clients", "all"):
        ask(bench, name, networks[0])
        until_from_kernel(edge, lambda: ask(bench, name, networks[0]))
    force(edge, TWO, "down")
    before = {network: given(bench, edge, "clients", network) for network in networks}
    until(lambda: edge.keeps_down(TWO), "the state on disk")
    edge.kill()
    for _ in range(100):
        true(TWO not in given(bench, edge, "weights", networks[0]), "the dead by weight")
        true(TWO not in given(bench, edge, "all", networks[0]), "the dead among all")
    equal({network: given(bench, edge, "clients", network) for network in networks}, before)
    edge.start()
    for name in ("weights", "clients", "all"):
        for _ in range(20):
            true(TWO not in ask(bench, name, networks[0]).addresses, f"the dead, {name}")
        until_from_kernel(edge, lambda: ask(bench, name, networks[0]))
    equal({network: given(bench, edge, "clients", network) for network in networks}, before)


@case("pools: the daemon gives what the kernel gives, by weight and by client")
def same(bench):
    edge = pool_edge(bench)
    for name in ("weights", "clients", "all"):
        ask(bench, name, "203.0.113.0/24")
        until_from_kernel(edge, lambda: ask(bench, name, "203.0.113.0/24"))
    force(edge, TWO, "down")
    kernel = {network: given(bench, edge, "clients", network)
              for network in (f"203.0.{i}.0/24" for i in range(60))}
    bench.lab.end_edge(edge)
    edge = pool_edge(bench, interfaces=[])
    ask(bench, "clients", "203.0.113.0/24")
    force(edge, TWO, "down")
    for network, addresses_ in kernel.items():
        reply = ask(bench, "clients", network)
        equal((reply.addresses, reply.scope), (addresses_, 24), network)

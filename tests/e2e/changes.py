# SPDX-License-Identifier: BSD-2-Clause
"""What a flattened answer was made of changes, by a reload or while the daemon is away."""

from lib.cases import case, equal, true
from lib.check import until_from_kernel
from lib.process import until
from lib.standard import NET1, NET2, edge_config

OTHER = """\
$TTL 300
@      SOA ns host 1 3600 600 86400 60
@      NS  ns
ns     A   198.51.100.1
static A   192.0.2.{}
"""
POOLED, OWN = "192.0.2.200", "192.0.2.10"


def zone(target):
    return OTHER.format(9) + f"flat ANAME {target}\n"


def pools(*addresses):
    return {"pools": [{"name": "pool.test", "mode": "all",
                       "members": [{"address": address} for address in addresses]}]}


def edge_of(bench, target, pool=POOLED):
    config = edge_config(answers={"client-timer": "2s"}, **pools(pool))
    return bench.edge(config, {"example.test": zone(target), "other.test": OTHER.format(10)})


def reload(edge):
    edge.reload()


def restart(edge):
    edge.stop()
    edge.start()


def kill(edge):
    """Once the disk has something of the owner, which tells of what it was made."""
    until(lambda: edge.stats()["keep"]["records"] >= 2, "records on disk")
    edge.kill()
    edge.start()


WAYS = {"a reload": reload, "a restart": restart, "a kill": kill}
CLIENTS = (NET1, NET2, "192.0.0.0/20", "0", None)


def ask(bench, network):
    return bench.client.ask("flat.example.test", "A", network, edns=network is not None)


def all_get(bench, edge, addresses, what):
    """Every client is given these at once, and then by the kernel."""
    for network in CLIENTS:
        equal(set(ask(bench, network).addresses), set(addresses), f"{what}, {network}")
    for network in CLIENTS:
        reply = until_from_kernel(edge, lambda: ask(bench, network))
        equal((set(reply.addresses), reply.ede), (set(addresses), None), f"{what}, {network}")


def asked_edge(bench):
    """One whose owner, with a target that tells networks apart, was asked for by every client."""
    edge = edge_of(bench, "www.cdn.test.")
    for network in CLIENTS:
        until_from_kernel(edge, lambda: ask(bench, network))
    return edge


@case("an ANAME that tells its networks apart no longer: each gets the new answer, from the kernel")
def other_target(bench):
    plain = "198.19.200.1"
    for target, address in (("static.other.test.", OWN), ("pool.test.", POOLED),
                            ("plain.cdn.test.", plain)):
        for word, way in WAYS.items():
            edge = asked_edge(bench)
            edge.write_zone("example.test", zone(target))
            way(edge)
            all_get(bench, edge, [address], f"{target} after {word}")
            bench.lab.end_edge(edge)


@case("a target of our own and a pool: what they give now is given at once, whatever was before")
def other_data(bench):
    for word, way in WAYS.items():
        edge = edge_of(bench, "static.other.test.")
        all_get(bench, edge, [OWN], "before")
        edge.write_zone("other.test", OTHER.format(20))
        way(edge)
        all_get(bench, edge, ["192.0.2.20"], f"a target of our own after {word}")
        edge.write_zone("example.test", zone("pool.test."))
        edge.reload()
        all_get(bench, edge, [POOLED], "its pool")
        edge.write_config(pools("192.0.2.201", "192.0.2.202"))
        way(edge)
        all_get(bench, edge, ["192.0.2.201", "192.0.2.202"], f"another pool after {word}")
        bench.lab.end_edge(edge)


@case("of a target of ours and one of others: what ours gives now is given at once")
def beside_others(bench):
    for word, way in WAYS.items():
        edge = edge_of(bench, "plain.cdn.test.\nflat ANAME static.other.test.")
        all_get(bench, edge, ["198.19.200.1", OWN], "before")
        edge.write_zone("other.test", OTHER.format(20))
        way(edge)
        all_get(bench, edge, ["198.19.200.1", "192.0.2.20"], f"after {word}")
        bench.lab.end_edge(edge)


@case("a name that becomes a pool's: the pool answers at once")
def becomes_a_pool(bench):
    for word, way in WAYS.items():
        edge = asked_edge(bench)
        config = pools(POOLED)
        config["pools"][0]["name"] = "www.cdn.test"
        edge.write_config(config)
        way(edge)
        all_get(bench, edge, [POOLED], f"after {word}")
        bench.lab.end_edge(edge)


@case("other special-use networks: scopes end before them at once, in the kernel too")
def other_special(bench):
    for word, way in WAYS.items():
        config = edge_config(answers={"special-networks": ["192.168.0.0/16"]})
        edge = bench.edge(config, {"example.test": zone("www.cdn.test.")})

        def scope():
            return ask(bench, "8.8.8.0/24").scope

        true(until_from_kernel(edge, lambda: ask(bench, "8.8.8.0/24")).scope < 7, "wide before")
        edge.write_config({"answers": {"special-networks": ["192.168.0.0/16", "10.0.0.0/8"]}})
        way(edge)
        equal([scope() for _ in range(8)], [7] * 8, f"after {word}")
        bench.lab.end_edge(edge)

# SPDX-License-Identifier: BSD-2-Clause
"""Answers for networks: who gets what, from where, and with which scope."""

from lib.cases import case, equal, true
from lib.check import from_daemon, from_kernel, is_right, until_from_kernel
from lib.lab import CLIENTS, CLIENTS_V6, EDGE_V6
from lib.process import until
from lib.standard import NET1, NET1_V6, NET2, NET2_V6, ZONES, authoritative, edge_config


def first_then_kernel(bench, edge, name, cdn_name, network, rtype="A", **where):
    """The first query is the daemon's, the second the kernel's; both are right."""

    def ask():
        return bench.client.ask(name, rtype, network, **where)

    is_right(from_daemon(edge, ask), cdn_name, network, rtype)
    is_right(from_kernel(edge, ask, "hit_ecs"), cdn_name, network, rtype)


@case("two networks get their two answers from the kernel, with right scopes")
def two_networks(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    for network in (NET1, NET2):
        first_then_kernel(bench, edge, "example.test", www, network)
    for network in (NET1, NET2):
        is_right(
            from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)), www, network
        )
    equal(edge.stats()["kernel"]["hit"], edge.hits(), "anamectl stats against bpftool")


@case("both address families are there after one miss")
def both_families(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    is_right(bench.client.ask("example.test", "A", NET1), www, NET1)

    def ask():
        return bench.client.ask("example.test", "AAAA", NET1)

    from lib.process import until

    until(lambda: edge.counters()["hit"] or (ask() and False), "AAAA from the kernel", 3)
    is_right(from_kernel(edge, ask), www, NET1, "AAAA")


@case("IPv6 transport and IPv6 client subnets are answered by the kernel")
def ipv6(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    for network, rtype in ((NET1_V6, "A"), (NET2_V6, "AAAA")):
        asked = network.replace("::/48", ":1200::/56")
        first_then_kernel(bench, edge, "example.test", www, asked, rtype, server=EDGE_V6)
    asked = NET1_V6.replace("::/48", ":1200::/56")
    from_kernel(
        edge, lambda: bench.client.ask("example.test", "A", asked, server=EDGE_V6), "hit_ipv6"
    )


@case("one wide scope serves networks that were never asked about")
def wide_scope(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    first_then_kernel(bench, edge, "example.test", www, "198.18.7.0/24")
    other = "198.18.201.0/24"
    is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", other)), www, other)


@case("without ECS the packet's source address decides, and no ECS is in the reply")
def by_source(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    for source, network, server in (
        (CLIENTS[0], NET1, None),
        (CLIENTS[1], NET2, None),
        (CLIENTS_V6[0], NET1_V6, EDGE_V6),
        (CLIENTS_V6[1], NET2_V6, EDGE_V6),
    ):
        for edns in (True, False):

            def ask():
                return bench.client.ask(
                    "example.test", "A", source=source, server=server, edns=edns
                )

            is_right(ask(), www, network, ecs=False)
            is_right(from_kernel(edge, ask), www, network, ecs=False)


@case("SOURCE 0 gets the answer for nobody's network, scope 0, and it stands in for no other")
def source_zero(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")

    def ask():
        return bench.client.ask("example.test", "A", "0")

    # Upstream sees no client: the resolver's own address decides there.
    wanted = set(www.addresses("198.51.100.33/32", "A"))
    for reply in (from_daemon(edge, ask), from_kernel(edge, ask)):
        equal((set(reply.addresses), reply.scope), (wanted, 0))
    first_then_kernel(bench, edge, "example.test", www, NET1)


@case("an authoritative upstream's scopes come through")
def authoritative_scopes(bench):
    edge = bench.edge(edge_config(upstreams=[authoritative()]), ZONES)
    www = bench.lab.cdn.name("www")
    for network in (NET1, NET2, "198.18.9.0/24"):
        first_then_kernel(bench, edge, "example.test", www, network)


@case("a target without geography is one answer for everyone, scope 0")
def no_geography(bench):
    edge = bench.edge(edge_config(), ZONES)
    first = from_daemon(edge, lambda: bench.client.ask("plain.example.test", "A", NET1))
    equal((first.addresses, first.scope), (["198.19.200.1"], 0))
    other = from_kernel(edge, lambda: bench.client.ask("plain.example.test", "A", NET2))
    equal((other.addresses, other.scope), (["198.19.200.1"], 0))


@case("kdig gets the two networks' answers")
def with_kdig(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    for network in (NET1, NET2):
        for _ in range(2):
            text = bench.lab.client_space.run(
                "kdig", "@198.51.100.1", "example.test", "A", f"+subnet={network}", "+retry=0"
            )
            for address in www.addresses(network, "A"):
                true(address in text, f"{address} not in: {text}")
            true(f"CLIENT-SUBNET: {network}/24" in text, f"scope not in: {text}")
    true(edge.hits() >= 2, "kernel hits")


INNER, OUTER = "198.18.4.0/24", "198.18.9.0/24"


def nested_shop(bench):
    """The CDN's shop, with a network inside another one that has addresses of its own."""
    shop = bench.lab.cdn.name("shop")
    shop.networks = {INNER: (["198.19.77.1"], ["2001:db8:ffff:77::1"]), **shop.networks}
    bench.lab.knot.reload()
    return shop


# More names than the smallest maps hold.
CROWD = [f"crowd-{number}" for number in range(40)]


def evict(bench, edge, name):
    """Others are asked for until the kernel has lost the name."""

    def is_gone():
        for other in CROWD:
            bench.client.ask(f"{other}.example.test", "A")
        return "The kernel knows the name" not in edge.ctl("explain", name, "A", CLIENTS[0])

    until(is_gone, f"the kernel to lose {name}", 10)


@case("a wider network's answer never stands in for a longer one that the kernel has lost")
def nested_networks(bench):
    zone = ZONES["example.test"] + "".join(f"{word} A 192.0.2.99\n" for word in CROWD)
    edge = bench.edge(edge_config(upstreams=[authoritative()], maps={"owners": "16"}),
                      {"example.test": zone})
    shop = nested_shop(bench)

    def ask(network):
        return bench.client.ask("shop.example.test", "A", network)

    for network in (INNER, OUTER):
        is_right(ask(network), shop, network)
        is_right(until_from_kernel(edge, lambda: ask(network)), shop, network)
    evict(bench, edge, "shop.example.test")
    # The outer one is in the kernel again, the inner one only with the daemon.
    is_right(until_from_kernel(edge, lambda: ask(OUTER)), shop, OUTER)
    is_right(ask(INNER), shop, INNER)
    for network in (INNER, OUTER):
        is_right(until_from_kernel(edge, lambda: ask(network)), shop, network)

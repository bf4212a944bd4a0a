# SPDX-License-Identifier: BSD-2-Clause
"""What stands in the zone: pools, wildcards, chains, loops, negatives, rotation."""

from lib.cases import case, equal, true
from lib.check import from_daemon, from_kernel, is_right, until_from_kernel
from lib.standard import NET1, NET2, ZONE, ZONES, edge_config


def zone_with(*lines):
    return {"example.test": ZONE + "\n".join(lines) + "\n"}


@case("NODATA for AAAA comes from the kernel, with the SOA and scope 0")
def nodata(bench):
    edge = bench.edge(edge_config(), ZONES)

    def ask():
        return bench.client.ask("four.example.test", "AAAA", NET1)

    for reply in (from_daemon(edge, ask), from_kernel(edge, ask, "hit_nodata")):
        true(reply.is_nodata, str(reply))
        equal(reply.scope, 0)
    is_right(bench.client.ask("four.example.test", "A", NET1), bench.lab.cdn.name("four"), NET1)


@case("a target that does not exist is NODATA, never NXDOMAIN")
def target_nxdomain(bench):
    edge = bench.edge(edge_config(), ZONES)
    for rtype in ("A", "AAAA"):
        reply = bench.client.ask("gone.example.test", rtype, NET1)
        true(reply.is_nodata, str(reply))
        again = from_kernel(edge, lambda: bench.client.ask("gone.example.test", rtype, NET1))
        true(again.is_nodata, str(again))


@case("static A and AAAA are answered by the kernel, with their own TTL")
def static(bench):
    edge = bench.edge(edge_config(), ZONES)
    for rtype, wanted in (("A", {"192.0.2.81", "192.0.2.82"}), ("AAAA", {"2001:db8:ffff::81"})):

        def ask():
            return bench.client.ask("static.example.test", rtype, NET1)

        for reply in (ask(), until_from_kernel(edge, ask)):
            equal((set(reply.addresses), reply.ttl, reply.scope), (wanted, 3600, 0))


@case("the kernel rotates several records")
def rotation(bench):
    edge = bench.edge(edge_config(), ZONES)
    shop = bench.lab.cdn.name("shop")
    wanted = shop.addresses(NET1, "A")
    bench.client.ask("shop.example.test", "A", NET1)
    before, firsts = edge.hits(), {}
    for _ in range(100):
        reply = bench.client.ask("shop.example.test", "A", NET1)
        is_right(reply, shop, NET1)
        firsts[reply.addresses[0]] = firsts.get(reply.addresses[0], 0) + 1
    equal(edge.hits() - before, 100, "kernel hits")
    equal(set(firsts), set(wanted), "each comes first at times")
    true(min(firsts.values()) >= 8, f"each about equally often: {firsts}")


@case("an ANAME at a wildcard and one below the apex are flattened, in every case of letters")
def wildcards(bench):
    edge = bench.edge(edge_config(), ZONES)
    www, quick = bench.lab.cdn.name("www"), bench.lab.cdn.name("quick")
    for name in ("a.wild.example.test", "b.c.wild.example.test", "A.wIld.eXample.TEST"):
        reply = bench.client.ask(name, "A", NET1)
        is_right(reply, www, NET1)
        equal(str(reply.message.question[0].name), name + ".", "the question's own letters")
        is_right(from_kernel(edge, lambda: bench.client.ask(name, "A", NET1)), www, NET1)
    is_right(bench.client.ask("QUICK.example.test", "A", NET2), quick, NET2)


@case("two ANAMEs and an own address at one owner are a pool: their union")
def pool(bench):
    edge = bench.edge(edge_config(), ZONES)
    www, other = bench.lab.cdn.name("www"), bench.lab.cdn.name("other")
    for network in (NET1, NET2):

        def ask():
            return bench.client.ask("pool.example.test", "A", network)

        wanted = set(www.addresses(network, "A") + other.addresses(network, "A"))
        for reply in (ask(), from_kernel(edge, ask)):
            equal(set(reply.addresses), wanted | {"192.0.2.80"})
            equal(reply.scope, 24)


@case("a CNAME is a CNAME by default, and flattened where flatten-cnames says so")
def flatten_cnames(bench):
    www = bench.lab.cdn.name("www")
    bench.edge(edge_config(), ZONES)
    plain = bench.client.ask("alias.example.test", "A", NET1)
    equal([str(item.target) for item in plain.records("CNAME")], ["www.cdn.test."])
    bench.close()
    zone = {"name": "example.test", "file": "example.test.zone", "flatten-cnames": "all"}
    edge = bench.edge(edge_config(zones=[zone]), ZONES)
    is_right(bench.client.ask("alias.example.test", "A", NET1), www, NET1)
    is_right(
        from_kernel(edge, lambda: bench.client.ask("alias.example.test", "A", NET1)), www, NET1
    )
    direct = bench.client.ask("alias.example.test", "CNAME", NET1)
    equal([str(item.target) for item in direct.records("CNAME")], ["www.cdn.test."])


@case("a target in our own zone is answered without asking anybody")
def local_target(bench):
    edge = bench.edge(edge_config(upstreams=None), ZONES)

    def ask():
        return bench.client.ask("local.example.test", "A", NET1)

    for reply in (ask(), until_from_kernel(edge, ask)):
        equal(set(reply.addresses), {"192.0.2.81", "192.0.2.82"})
        equal((reply.owners, reply.scope), ({"local.example.test"}, 0))


@case("a chain of CNAMEs at the target is followed")
def chain(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")

    def ask():
        return bench.client.ask("chain.example.test", "A", NET1)

    for reply in (ask(), from_kernel(edge, ask)):
        is_right(reply, www, NET1)
        equal(reply.owners, {"chain.example.test"})


@case("a loop of ANAMEs is SERVFAIL with EDE 0")
def loop(bench):
    zones = zone_with("loop1 ANAME loop2", "loop2 ANAME loop1")
    bench.edge(edge_config(), zones)
    for name in ("loop1.example.test", "loop2.example.test"):
        reply = bench.client.ask(name, "A", NET1)
        equal((reply.rcode, reply.ede, reply.scope is not None), ("SERVFAIL", 0, True))


@case("an ANAME query sees the record, CNAME at its owner is NODATA, MX is there")
def other_types(bench):
    bench.edge(edge_config(), ZONES)
    reply = bench.client.ask("example.test", "TYPE65401", NET1)
    equal(len(reply.records("TYPE65401")), 1)
    true(bench.client.ask("example.test", "CNAME").is_nodata, "CNAME at an ANAME owner")
    equal(len(bench.client.ask("example.test", "MX").records("MX")), 1)


@case("what is not there is NXDOMAIN with the SOA, what is not ours is REFUSED with EDE 20")
def not_there(bench):
    bench.edge(edge_config(), ZONES)
    reply = bench.client.ask("nothing.example.test", "A", NET1)
    equal((reply.rcode, len(reply.message.authority), reply.scope), ("NXDOMAIN", 1, 0))
    equal(reply.message.authority[0].ttl, 300, "SOA TTL")
    reply = bench.client.ask("elsewhere.invalid", "A", NET1)
    equal((reply.rcode, reply.ede, reply.has("AA")), ("REFUSED", 20, False))


@case("the TTL counts down, on the kernel's path too, and never exceeds the ANAME's")
def ttl(bench):
    from lib.process import until

    edge = bench.edge(edge_config(), ZONES)
    first = bench.client.ask("example.test", "A", NET1)
    true(first.ttl <= 20, f"TTL {first.ttl} over the CDN's 20")

    def later():
        reply = from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1))
        return reply.ttl < first.ttl

    until(later, "a TTL that counts down", 4, 0.2)
    short = zone_with("short 3 ANAME www.cdn.test.")
    bench.close()
    bench.edge(edge_config(), short)
    true(bench.client.ask("short.example.test", "A", NET1).ttl <= 3, "over the ANAME's own TTL")

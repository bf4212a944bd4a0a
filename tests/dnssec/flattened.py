# SPDX-License-Identifier: BSD-2-Clause
"""Flattened addresses are signed too: as they change, by network, stale, out of pools."""

from lib.cases import case, equal, true
from lib.check import from_daemon
from lib.process import until
from lib.standard import NET1, NET2, ZONE, authoritative
from signed import Keys, expect, nsec_types, signed_edge, zone_settings
from validators import Bind, Unbound

ALIASES = ZONE + """\
www     CNAME   www.cdn.test.
six     CNAME   four.cdn.test.
"""
ONE, TWO, THREE = (f"198.19.66.{i}" for i in (1, 2, 3))


def edge_of(bench, text=ZONE, zone=None, **sections):
    keys = Keys(bench)
    keys.make("example.test")
    edge = signed_edge(bench, keys, {"example.test": text},
                       zone_settings(keys, "example.test", **(zone or {})),
                       **{"upstreams": [authoritative()], **sections})
    return edge, {"example.test": keys.records("example.test")}


def ask(bench, name, rtype="A", ecs=None, flags=0x8000):
    return bench.client.ask(f"{name}.example.test", rtype, ecs, ednsflags=flags)


def signatures(reply):
    return [item.signature for rrset in reply.message.answer if rrset.rdtype == 46
            for item in rrset]


def until_held(edge, query):
    """A reply of the kernel's; or the daemon's, and True, where the kernel had it but the link has
    no room to let a query grow so much."""

    def held():
        before = edge.counters()
        reply = query()
        after = edge.counters()
        grown = after["pass_grow"] > before["pass_grow"]
        return (reply, grown) if grown or after["hit"] > before["hit"] else None

    return until(held, "the kernel to hold an answer", 5)


@case("flattened addresses validate: apex, wildcard, chains, many, each network's own")
def flattened(bench):
    _, anchors = edge_of(bench)
    shop = bench.lab.cdn.name("shop")
    for kind in (Unbound, Bind):
        validator = kind(bench, anchors)
        for name in ("", "shop.", "plain.", "chain.", "pool.", "x.wild.", "local.", "quick."):
            expect(validator, f"{name}example.test", "A")
            expect(validator, f"{name}example.test", "AAAA")
        for rtype in ("AAAA", "MX", "TXT", "CNAME"):
            expect(validator, "four.example.test", rtype)
        expect(validator, "gone.example.test", "A")
        many = expect(validator, "many.example.test", "A", tcp=True)
        equal(len(many.addresses), 40)
    validator = Unbound(bench, anchors)
    for network in (NET1, NET2):
        reply = expect(validator, "shop.example.test", "A", ecs=network)
        equal(set(reply.addresses), set(shop.addresses(network, "A")), network)


@case("addresses change all the while, and every answer validates")
def changes(bench):
    _, anchors = edge_of(bench)
    quick = bench.lab.cdn.name("quick")
    validators = [Unbound(bench, anchors), Bind(bench, anchors)]
    seen, asked = set(), 0
    for turn in range(4):
        quick.networks = {prefix: ([f"198.19.2{turn}.{i}" for i in range(1, 3 + turn % 2)], six)
                          for prefix, (_, six) in quick.networks.items()}
        bench.lab.knot.reload()
        wanted = f"198.19.2{turn}.1"

        def arrived():
            nonlocal asked
            got = []
            for validator in validators:
                reply = expect(validator, "quick.example.test", "A")
                asked += 1
                seen.add(frozenset(reply.addresses))
                got.append(wanted in reply.addresses)
            return all(got)

        until(arrived, wanted, 8, 0.02)
    true(asked > 50 and len(seen) >= 4, f"{asked} asked, {len(seen)} answers")


@case("an answer is signed once, when it is stored, however often it is asked for")
def once(bench):
    edge, _ = edge_of(bench)
    first = ask(bench, "shop", ecs=NET1)
    made = edge.stats()["dnssec"]["signatures"]
    for _ in range(50):
        equal(signatures(ask(bench, "shop", ecs=NET1)), signatures(first))
    equal(edge.stats()["dnssec"]["signatures"], made, "signatures made")
    true(signatures(ask(bench, "shop", ecs=NET2)) != signatures(first), "another network's")


@case("the last good answer is signed, and so is what comes back from the disk")
def stale(bench):
    edge, anchors = edge_of(bench)
    validator = Unbound(bench, anchors)
    expect(validator, "quick.example.test", "A")
    bench.lab.knot.refuse()

    def is_stale():
        reply = ask(bench, "quick")
        return reply.ede == 3 and signatures(reply)

    until(is_stale, "a stale answer", 8, 0.05)
    expect(validator, "quick.example.test", "A")
    edge.stop()
    edge.detach("client")
    edge.start()
    until(is_stale, "a stale answer from the disk", 8, 0.05)
    expect(validator, "quick.example.test", "A")


@case("a denial of one network is no proof for another: who has addresses there is given")
def one_network(bench):
    _, anchors = edge_of(bench)
    name = bench.lab.cdn.name("four")
    name.networks = {prefix: (four, [] if prefix == NET1 else ["2001:db8:ffff::4"])
                     for prefix, (four, _) in name.networks.items()}
    bench.lab.knot.reload()
    equal(ask(bench, "four", "AAAA", NET2).addresses, ["2001:db8:ffff::4"])
    reply = ask(bench, "four", "AAAA", NET1)
    equal((reply.addresses, reply.scope), (["2001:db8:ffff::4"], 24))
    true(signatures(reply) and reply.ttl <= 30, "signed, and short")
    # Who does not validate is told what holds for him.
    true(ask(bench, "four", "AAAA", NET1, flags=0).is_nodata, "unsigned")
    validator = Unbound(bench, anchors)
    for network in (NET1, NET2, NET1):
        expect(validator, "four.example.test", "AAAA", ecs=network)


@case("a CNAME that is flattened validates, and its denial says nothing of other types")
def cnames(bench):
    _, anchors = edge_of(bench, ALIASES, {"flatten-cnames": "all"})
    for kind in (Unbound, Bind):
        validator = kind(bench, anchors)
        for name, rtype in (("www", "A"), ("www", "AAAA"), ("www", "CNAME"), ("six", "A"),
                            ("six", "AAAA")):
            expect(validator, f"{name}.example.test", rtype)
    types = nsec_types(ask(bench, "six", "AAAA"))["six.example.test"]
    true("CNAME" not in types and "AAAA" not in types, str(types))
    true({"A", "MX", "TXT", "HTTPS", "CAA", "RRSIG", "NSEC"} <= set(types), str(types))
    reply = ask(bench, "six", "MX")
    equal([rrset.rdtype for rrset in reply.message.answer], [5, 46])


@case("out of a pool, whoever lives validates: while members die and come back")
def pools(bench):
    text = ZONE + "pooled ANAME all.pool.test.\nweighed ANAME weighed.pool.test.\n"
    members = [{"address": address} for address in (ONE, TWO, THREE)]
    edge, anchors = edge_of(bench, text, checks=[
        {"name": "web", "kind": "tcp", "port": 9, "interval": "1h", "timeout": "100ms"}],
        pools=[{"name": "all.pool.test", "check": "web", "members": members},
               {"name": "weighed.pool.test", "mode": "weighted", "check": "web",
                "members": members}])
    validator = Unbound(bench, anchors)
    for dead in (set(), {ONE}, {ONE, TWO}, {TWO}, set(), {THREE}):
        for address in (ONE, TWO, THREE):
            edge.ctl("force", f"web/{address}", "down" if address in dead else "up")
        alive = {ONE, TWO, THREE} - dead
        for _ in range(3):
            equal(set(ask(bench, "pooled").addresses), alive)
        reply, grown = until_held(edge, lambda: ask(bench, "pooled"))
        true(not grown and set(reply.addresses) == alive, "of the living, from the kernel")

        # An answer of TTL 0 lives to the end of its second in a cache.
        def arrived():
            return set(expect(validator, "pooled.example.test", "A").addresses) == alive

        until(arrived, f"{alive}", 3, 0.05)
        for _ in range(10):
            true(set(ask(bench, "weighed").addresses) <= alive, f"{alive}")
            expect(validator, "weighed.example.test", "A")


def sections(reply):
    """Records by section, in their order; TTLs and the OPT aside, addresses as a set."""
    return [[(str(rrset.name).lower(), rrset.rdtype, sorted(item.to_text() for item in rrset))
             for rrset in part]
            for part in (reply.message.answer, reply.message.authority, reply.message.additional)]


@case("the kernel gives the signed answers that the daemon gave, and the rest goes up")
def kernel(bench):
    edge, anchors = edge_of(bench)
    edge.ctl("flush", "shop.example.test", check=False)
    held = [("static", "A", None), ("many-mx", "MX", None), ("text", "TXT", None),
            ("static", "MX", None), ("shop", "A", NET1), ("shop", "AAAA", NET1),
            ("four", "AAAA", NET1), ("", "DNSKEY", None), ("svc", "HTTPS", None)]
    grown = 0
    for name, rtype, network in held:
        full = f"{name}.example.test".lstrip(".")

        def query(flags=0x8000):
            return bench.client.ask(full, rtype, network, ednsflags=flags)

        first = query()
        again, grows = until_held(edge, query)
        grown += grows
        equal(sections(again), sections(first), f"{full} {rtype}")
        true(again.message.ednsflags & 0x8000, "DO")
        with_co = query(0xC000)
        equal((sections(with_co), with_co.message.ednsflags), (sections(first), 0xC000),
              f"{full} {rtype} with CO")
    true(grown < len(held) / 2, f"{grown} of {len(held)} were too long for the link")
    for name in ("nothing", "x.static"):
        for _ in range(3):
            reply = from_daemon(edge, lambda: ask(bench, name))
            equal(reply.rcode, "NOERROR")
    validator = Unbound(bench, anchors)
    for name, rtype, _ in held:
        expect(validator, f"{name}.example.test".lstrip("."), rtype)

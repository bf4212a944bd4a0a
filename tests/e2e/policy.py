# SPDX-License-Identifier: BSD-2-Clause
"""What the configuration decides: targets, private addresses, siblings, TTL bounds, hedging."""

import dns.message

from lib.ask import Reply
from lib.cases import case, equal, true
from lib.check import is_right, until_from_kernel
from lib.lab import RESOLVER
from lib.standard import NET1, NET2, ZONE, ZONES, authoritative, edge_config, resolver


def zone_with(*lines):
    return {"example.test": ZONE + "\n".join(lines) + "\n"}


@case("an upstream that is silent is hedged: the next one is asked before the time-out")
def hedged(bench):
    silent = resolver(timeout="1900ms", hedge="100ms")
    bench.edge(edge_config(upstreams=[silent, authoritative()]), ZONES)
    bench.lab.unbound.process.freeze()
    bench.stack.callback(bench.lab.unbound.process.thaw)
    for network in (NET1, NET2):
        reply = bench.client.ask("example.test", "A", network)
        is_right(reply, bench.lab.cdn.name("www"), network)
        true(reply.took_s < 1.0, f"took {reply.took_s:.3f} s")


@case("an upstream for a suffix is asked for what lies below it, another for the rest")
def suffixes(bench):
    nowhere = resolver(f"{RESOLVER}@5399")
    below = authoritative(suffix="www.cdn.test")
    bench.edge(edge_config(upstreams=[nowhere, below]), ZONES)
    is_right(bench.client.ask("example.test", "A", NET1), bench.lab.cdn.name("www"), NET1)
    equal(bench.client.ask("shop.example.test", "A", NET1).rcode, "SERVFAIL")


@case("targets that are denied, or not allowed, are not looked up")
def targets(bench):
    www = bench.lab.cdn.name("www")
    edge = bench.edge(edge_config(answers={"targets-deny": ["shop.cdn.test"]}), ZONES)
    is_right(bench.client.ask("example.test", "A", NET1), www, NET1)
    equal(bench.client.ask("shop.example.test", "A", NET1).rcode, "SERVFAIL", "denied")
    bench.lab.end_edge(edge)
    bench.edge(edge_config(answers={"targets-allow": ["www.cdn.test"]}), ZONES)
    is_right(bench.client.ask("example.test", "A", NET1), www, NET1)
    equal(bench.client.ask("shop.example.test", "A", NET1).rcode, "SERVFAIL", "not allowed")


@case("private addresses from upstream are taken or refused as configured")
def private(bench):
    bench.lab.cdn.static += ["inside 20 A 10.1.2.3", "inside 20 A 198.19.9.9"]
    bench.lab.reset(bench.lab.cdn)
    zones = zone_with("inside ANAME inside.cdn.test.")
    edge = bench.edge(edge_config(), zones)
    found = bench.client.ask("inside.example.test", "A", NET1).addresses
    equal(sorted(found), ["10.1.2.3", "198.19.9.9"], "taken")
    bench.lab.end_edge(edge)
    bench.edge(edge_config(answers={"accept-private": False}), zones)
    reply = bench.client.ask("inside.example.test", "A", NET1)
    true("10.1.2.3" not in reply.addresses, f"refused: {reply}")


@case("addresses beside an ANAME: fallback, override and reject")
def siblings(bench):
    www = bench.lab.cdn.name("www")
    zones = zone_with("beside ANAME www.cdn.test.", "beside A 192.0.2.99",
                      "dead ANAME www.nowhere.test.", "dead A 192.0.2.98")

    def with_mode(mode):
        entry = {"name": "example.test", "file": "example.test.zone", "siblings": mode}
        return bench.edge(edge_config(zones=[entry]), zones)

    edge = with_mode("fallback")
    is_right(bench.client.ask("beside.example.test", "A", NET1), www, NET1)
    bench.lab.unbound.process.kill()
    equal(bench.client.ask("dead.example.test", "A", NET1).addresses, ["192.0.2.98"])
    bench.lab.unbound.start()
    bench.lab.end_edge(edge)
    edge = with_mode("override")
    equal(bench.client.ask("beside.example.test", "A", NET1).addresses, ["192.0.2.99"])
    is_right(bench.client.ask("beside.example.test", "AAAA", NET1), www, NET1, "AAAA")
    bench.lab.end_edge(edge)
    edge = with_mode("reject")
    true("example.test.zone:" in edge.process.log_text(), "file and line in the log")
    equal(bench.client.ask("beside.example.test", "A", NET1).addresses, [], "not served")


@case("TTLs of flattened answers stay between floor and cap")
def bounds(bench):
    edge = bench.edge(edge_config(answers={"ttl-floor": 7, "ttl-cap": 9}), ZONES)
    equal(bench.client.ask("quick.example.test", "A", NET1).ttl, 7, "floor, of 2")
    equal(bench.client.ask("example.test", "A", NET1).ttl, 9, "cap, of 20")
    reply = until_from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1))
    true(reply.ttl in (8, 9), f"kernel: {reply.ttl}")


@case("a zone's budget bounds its look-ups; another zone's go on")
def budget(bench):
    poor = "$TTL 60\n$ORIGIN poor.test.\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
    poor += "".join(f"n{number} ANAME n{number}.cdn.test.\n" for number in range(200))
    zones = {"poor.test": poor, **ZONES}
    entries = [
        {"name": "poor.test", "file": "poor.test.zone", "budget": "1", "budget-burst": "10"},
        {"name": "example.test", "file": "example.test.zone"},
    ]
    bench.edge(edge_config(zones=entries), zones)
    rcodes = [bench.client.ask(f"n{number}.poor.test").rcode for number in range(60)]
    true(40 < rcodes.count("SERVFAIL") < 60, f"{rcodes}")
    is_right(bench.client.ask("example.test", "A", NET1), bench.lab.cdn.name("www"), NET1)


@case("DO is copied, by daemon and kernel")
def do_bit(bench):
    edge = bench.edge(edge_config(), ZONES)
    message = dns.message.make_query("example.test", "A", use_edns=0, want_dnssec=True)

    def ask():
        return Reply(bench.client.send_raw(message.to_wire(), source="192.0.2.10"))

    true(ask().message.ednsflags & 0x8000, "daemon")
    true(until_from_kernel(edge, ask).message.ednsflags & 0x8000, "kernel")

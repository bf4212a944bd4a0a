# SPDX-License-Identifier: BSD-2-Clause
"""kernel - signed answers out of the driver: one slot for queries with DO and without."""

from lib.cases import case, equal, true
from lib.check import until_from_kernel
from lib.standard import ZONES
from signed import Keys, nsec_types, signed_edge

DO = 0x8000
RRSIG = 46


def edge_of(bench):
    keys = Keys(bench)
    keys.make("example.test")
    return signed_edge(bench, keys, ZONES)


def has_signatures(reply):
    return any(rrset.rdtype == RRSIG for rrset in reply.message.answer + reply.message.authority)


@case("what was asked for is answered by the kernel, signed to who asks for it, bare to others")
def both(bench):
    edge = edge_of(bench)
    for name, rtype in (("static.example.test", "A"), ("static.example.test", "MX"),
                        ("text.example.test", "TXT"), ("shop.example.test", "A"),
                        ("shop.example.test", "TXT"), ("four.example.test", "AAAA"),
                        ("a.wild.example.test", "A"), ("example.test", "SOA")):
        for flags in (DO, 0):
            reply = until_from_kernel(edge, lambda: bench.client.ask(name, rtype, ednsflags=flags))
            equal(has_signatures(reply), flags == DO, f"{name} {rtype}, EDNS flags {flags:x}")


@case("names that do not exist: the kernel's to who asks without DO, the daemon's to others")
def denied(bench):
    edge = edge_of(bench)
    reply = until_from_kernel(edge, lambda: bench.client.ask("no.example.test", "A"))
    equal((reply.rcode, has_signatures(reply)), ("NXDOMAIN", False))
    hits = edge.hits()
    reply = bench.client.ask("no.example.test", "A", ednsflags=DO)
    equal((reply.rcode, has_signatures(reply), edge.hits()), ("NOERROR", True, hits))
    true(edge.counters()["pass_dnssec"] > 0, "passed up for its proof")


@case("another number for ANAME: the kernel shows no bitmap with the former one")
def other_number(bench):
    edge = edge_of(bench)
    for restart in (False, True):
        number = 65280 + restart

        def types():
            reply = bench.client.ask("shop.example.test", "TXT", ednsflags=DO)
            return nsec_types(reply)["shop.example.test"]

        until_from_kernel(edge, lambda: bench.client.ask("shop.example.test", "TXT", ednsflags=DO))
        true(f"TYPE{number}" not in types(), "not yet")
        edge.write_config({"answers": {"aname-type": str(number)}})
        if restart:
            edge.stop()
            edge.start()
        else:
            edge.reload()
        true(f"TYPE{number}" in types(), f"{types()} after {'restart' if restart else 'reload'}")

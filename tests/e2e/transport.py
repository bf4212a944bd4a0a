# SPDX-License-Identifier: BSD-2-Clause
"""How queries come in: UDP sums, TCP, sizes, malformed packets, no privileges."""

import os
import struct

from lib.ask import Client, Reply, query_wire
from lib.cases import case, equal, true
from lib.check import from_kernel, is_right
from lib.lab import CLIENTS, EDGE_V6
from lib.process import copy_binary
from lib.sniff import Sniffer
from lib.standard import NET1, NET1_V6, NET2, ZONES, edge_config


@case("every UDP checksum is right at the client, on both families, from kernel and daemon")
def checksums(bench):
    edge = bench.edge(edge_config(), ZONES)
    with Sniffer(bench.lab.client_space, "edge") as sniffer:
        for network in (NET1, NET2, NET1_V6):
            for rtype in ("A", "AAAA"):
                for server in (None, EDGE_V6):
                    for _ in range(4):
                        bench.client.ask("shop.example.test", rtype, network, server=server)
                    bench.client.ask("shop.example.test", rtype, server=server, edns=False)
                    bench.client.ask("four.example.test", rtype, network, server=server)
        seen = sniffer.replies(limit_s=2, count=72)
    equal([fault for fault in seen if fault], [], "faults")
    true(len(seen) >= 72, f"only {len(seen)} replies seen")
    counters = edge.counters()
    true(counters["hit_ipv6"] > 5 and counters["hit"] > 20, f"kernel hits: {counters}")


@case("TCP answers, several questions down one connection, each its own answer")
def tcp(bench):
    bench.edge(edge_config(), ZONES)
    www, shop = bench.lab.cdn.name("www"), bench.lab.cdn.name("shop")
    is_right(bench.client.ask("example.test", "A", NET1, tcp=True), www, NET1)
    is_right(bench.client.ask("example.test", "A", NET2, tcp=True, server=EDGE_V6), www, NET2)
    asked = {1: (www, "example.test", NET1), 2: (shop, "shop.example.test", NET2),
             3: (www, "example.test", NET2), 4: (shop, "shop.example.test", NET1)}
    packets = [
        struct.pack("!H", ident) + query_wire(name, "A", network)[2:]
        for ident, (_, name, network) in asked.items()
    ]
    replies = [Reply(wire) for wire in bench.client.ask_tcp(packets)]
    equal({reply.message.id for reply in replies}, set(asked), "ids")
    for reply in replies:
        name, _, network = asked[reply.message.id]
        is_right(reply, name, network)


@case("an answer too large for UDP is truncated with OPT, and whole over TCP")
def truncation(bench):
    edge = bench.edge(edge_config(), ZONES)
    many = bench.lab.cdn.name("many")
    for _ in range(3):
        reply = bench.client.ask("many.example.test", "AAAA", NET1)
        equal((reply.has("TC"), reply.message.edns), (True, 0), "TC and OPT")
        true(len(reply.wire) <= 1232, f"{len(reply.wire)} octets")
    is_right(bench.client.ask("many.example.test", "AAAA", NET1, tcp=True), many, NET1, "AAAA")
    # 40 A records fit in 1232 octets, not in the 512 of a client without EDNS.
    bench.client.ask("many.example.test", "A", NET1)
    fits = bench.client.ask("many.example.test", "A", NET1)
    is_right(fits, many, NET1)
    small = bench.client.ask("many.example.test", "A", source=CLIENTS[0], edns=False)
    equal((small.has("TC"), len(small.wire) <= 512), (True, True))
    true(edge.counters()["pass_too_large"] > 0, "the kernel passed the large one up")


@case("malformed client subnets are FORMERR without ECS, and nothing is dropped")
def malformed(bench):
    bench.edge(edge_config(), ZONES)
    good = query_wire("example.test", "A", NET1)
    for what, broken in (
        ("family 3", good.replace(b"\0\x08\0\x07\0\x01\x18", b"\0\x08\0\x07\0\x03\x18")),
        ("source 33", good.replace(b"\0\x01\x18\0", b"\0\x01\x21\0")),
        ("scope not 0", good.replace(b"\0\x01\x18\0", b"\0\x01\x18\x08")),
        ("bits past source", good.replace(b"\0\x01\x18\0", b"\0\x01\x17\0").replace(
            b"\xc0\0\x02", b"\xc0\0\x03")),
    ):
        true(broken != good, f"{what}: packet was not changed")
        answer = bench.client.send_raw(broken)
        true(answer is not None, f"{what}: no reply")
        reply = Reply(answer)
        equal((reply.rcode, reply.message.edns, reply.scope), ("FORMERR", 0, None), what)


@case("a response and a packet too short for a header get no answer, all else gets one")
def no_answer(bench):
    bench.edge(edge_config(), ZONES)
    good = query_wire("example.test", "A", NET1)
    equal(bench.client.send_raw(good[:2] + b"\x80" + good[3:], timeout_s=0.3), None, "QR set")
    equal(bench.client.send_raw(good[:11], timeout_s=0.3), None, "11 octets")
    notify = bench.client.send_raw(good[:2] + b"\x28" + good[3:])
    equal(notify[3] & 15, 4, "NOTIMP for opcode UPDATE")


@case("without privileges, on a loopback high port, the answers are the same")
def unprivileged(bench):
    edge = bench.edge(edge_config(), ZONES)
    plain = bench.edge(
        edge_config(listen=["127.0.0.1@5353"], interfaces=None), ZONES, start=False
    )
    plain.process.run_as = 65534
    # Where it was built may be root's alone.
    plain.process.words[0] = copy_binary(plain.process.words[0], plain.folder)
    for folder, _, _ in os.walk(plain.folder):
        os.chown(folder, 65534, 65534)
    plain.start()
    local = Client(bench.lab.edge_space, "127.0.0.1", 5353)
    for name in ("example.test", "shop.example.test", "four.example.test", "pool.example.test",
                 "static.example.test", "nothing.example.test", "a.wild.example.test"):
        for rtype in ("A", "AAAA", "MX"):
            for network in (NET1, NET2, NET1_V6):
                bench.client.ask(name, rtype, network)
                ours = bench.client.ask(name, rtype, network)
                theirs = local.ask(name, rtype, network)
                what = f"{name} {rtype} {network}"
                equal(sorted(theirs.addresses), sorted(ours.addresses), what)
                equal((theirs.rcode, theirs.scope), (ours.rcode, ours.scope), what)
    true(edge.hits() > 20, "the other one answered from the kernel")
    status = os.stat(f"/proc/{plain.process.pid}")
    equal(status.st_uid, 65534, "it ran without privileges")


@case("unknown EDNS options, COOKIE before and after ECS do not keep the kernel from answering")
def options(bench):
    import dns.edns

    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    cookie = dns.edns.GenericOption(10, bytes(range(8)))
    unknown = dns.edns.GenericOption(65001, b"abc")
    bench.client.ask("example.test", "A", NET1)
    for before in ((), (cookie,), (unknown, cookie)):
        reply = from_kernel(
            edge, lambda: bench.client.ask("example.test", "A", NET1, options=before), "hit_ecs"
        )
        is_right(reply, www, NET1)
        equal(len(reply.message.options), 1, "only ECS comes back")

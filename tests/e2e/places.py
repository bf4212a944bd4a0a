# SPDX-License-Identifier: BSD-2-Clause
"""Where queries arrive: several addresses and interfaces, native mode, link-local, tagged frames."""

import json
import socket
import struct

from lib.ask import Client, Reply, query_wire
from lib.cases import case, equal, true
from lib.check import from_kernel, is_right, until_from_kernel, warm
from lib.lab import EDGE, EDGE_V6
from lib.netns import veth
from lib.process import until
from lib.sniff import Sniffer, ones_sum
from lib.standard import NET1, NET2, ZONES, edge_config

SECOND = "198.51.100.3"
SECOND_V6 = "2001:db8:0:1::3"


def second_addresses(bench):
    for address in (f"{SECOND}/28", f"{SECOND_V6}/64"):
        bench.lab.edge_space.add_address("client", address)
        bench.stack.callback(
            bench.lab.edge_space.ip, "addr", "del", address, "dev", "client"
        )


@case("a wildcard listens on every address, and replies leave from the one that was asked")
def wildcard(bench):
    second_addresses(bench)
    edge = bench.edge(edge_config(listen=["0.0.0.0@53", "::@53"]), ZONES)
    www = bench.lab.cdn.name("www")
    for server in (EDGE, SECOND, EDGE_V6, SECOND_V6):
        for tcp in (False, True):
            # Sockets are connected: a reply from elsewhere would not be heard.
            for rtype in ("MX", "A"):
                reply = bench.client.ask("example.test", rtype, NET1, server=server, tcp=tcp)
                equal(reply and reply.rcode, "NOERROR", f"{server} tcp={tcp} {rtype}")
            is_right(reply, www, NET1)
        is_right(
            until_from_kernel(
                edge, lambda: bench.client.ask("example.test", "A", NET1, server=server)
            ),
            www,
            NET1,
        )


@case("an address that comes later is served by the kernel too")
def addresses_follow(bench):
    edge = bench.edge(edge_config(listen=["0.0.0.0@53", "::@53"]), ZONES)
    warm(bench, edge, "example.test", NET1)
    second_addresses(bench)
    for server in (SECOND, SECOND_V6):
        reply = until_from_kernel(
            edge, lambda: bench.client.ask("example.test", "A", NET1, server=server)
        )
        is_right(reply, bench.lab.cdn.name("www"), NET1)


@case("native mode on veth, with a program at the other end: answers arrive")
def native(bench):
    config = edge_config(interfaces=[{"name": "client", "xdp": "native"}])
    edge = bench.edge(config, ZONES)
    peer = bench.edge(
        {"interfaces": [{"name": "edge", "xdp": "native"}], "upstreams": [{"address": EDGE}]},
        ZONES, bench.lab.client_space, start=False,
    )
    peer.ctl("xdp", "attach")
    bench.stack.callback(peer.ctl, "xdp", "detach")
    true("native" in edge.ctl("xdp", "status"), edge.ctl("xdp", "status"))
    true("native" in edge.process.log_text(), "the mode in the log")
    for network in (NET1, NET2):
        bench.client.ask("example.test", "A", network)
        for server in (EDGE, EDGE_V6):
            reply = from_kernel(
                edge, lambda: bench.client.ask("example.test", "A", network, server=server)
            )
            is_right(reply, bench.lab.cdn.name("www"), network)


@case("two interfaces: the same answers from the kernel on both")
def two_interfaces(bench):
    other = bench.lab.space("other")
    veth(bench.lab.edge_space, "second", other, "far")
    bench.lab.edge_space.checksum_in_full("second")
    bench.stack.callback(bench.lab.edge_space.ip, "link", "del", "second")
    bench.lab.edge_space.add_address("second", "198.51.100.65/28")
    other.add_address("far", "198.51.100.66/28")
    edge = bench.edge(
        edge_config(
            listen=[f"{EDGE}@53", "198.51.100.65@53"],
            interfaces=[{"name": "client"}, {"name": "second"}],
        ),
        ZONES,
    )
    bench.stack.callback(edge.detach, "second")
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1)
    far = Client(other, "198.51.100.65")
    is_right(from_kernel(edge, lambda: far.ask("example.test", "A", NET1)), www, NET1)
    # Whoever owns the address: a packet is ours where it arrives.
    is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1)), www, NET1)


@case("a link-local address is answered")
def link_local(bench):
    edge = bench.edge(edge_config(listen=["0.0.0.0@53", "::@53"]), ZONES)
    found = bench.lab.edge_space.run(
        "ip", "-6", "-o", "addr", "show", "dev", "client", "scope", "link"
    )
    address = found.split("inet6 ")[1].split("/")[0]
    with bench.lab.client_space.entered():
        index = socket.if_nametoindex("edge")
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(2)
    sock.connect((address, 53, 0, index))

    def ask():
        sock.send(query_wire("example.test", "A", NET1))
        return Reply(sock.recv(65535))

    is_right(ask(), bench.lab.cdn.name("www"), NET1)
    is_right(until_from_kernel(edge, ask), bench.lab.cdn.name("www"), NET1)
    sock.close()


def mac(space, device):
    link = json.loads(space.run("ip", "-j", "link", "show", "dev", device))[0]
    return bytes.fromhex(link["address"].replace(":", ""))


def frame_of(bench, packet, tags):
    """A query as a frame from the client, behind these VLAN tags."""
    source, target = socket.inet_aton("192.0.2.10"), socket.inet_aton(EDGE)
    udp = struct.pack("!4H", 40000, 53, 8 + len(packet), 0) + packet
    total = 20 + len(udp)
    header = struct.pack("!BBHHHBBH", 0x45, 0, total, 1, 0, 64, 17, 0) + source + target
    header = header[:10] + struct.pack("!H", ones_sum(header) ^ 0xFFFF) + header[12:]
    ends = mac(bench.lab.edge_space, "client") + mac(bench.lab.client_space, "edge")
    return ends + b"".join(struct.pack("!HH", *tag) for tag in tags) + b"\x08\0" + header + udp


@case("frames with one and two VLAN tags are answered by the kernel, behind the same tags")
def tagged(bench):
    edge = bench.edge(edge_config(), ZONES)
    warm(bench, edge, "example.test", NET1)
    packet = query_wire("example.test", "A", NET1)
    for tags in ([(0x8100, 100)], [(0x88A8, 7), (0x8100, 100)]):
        with Sniffer(bench.lab.client_space, "edge") as sniffer:
            before = edge.hits()
            sniffer.sock.send(frame_of(bench, packet, tags))
            until(lambda: edge.hits() == before + 1, f"a hit behind {tags}", 2)
            # The outer tag is taken off on the way in; what it held is beside the frame.
            inner = b"".join(struct.pack("!HH", *tag) for tag in tags[1:])
            answers = [
                frame[12 + len(inner) :]
                for frame in sniffer.frames(1)
                if frame[12:].startswith(inner + b"\x08\0") and frame.find(packet[12:30]) > 0
            ]
        equal(len(answers), 1, f"replies behind {tags}")
        is_right(Reply(answers[0][2 + 28 :]), bench.lab.cdn.name("www"), NET1)

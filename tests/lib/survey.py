# SPDX-License-Identifier: BSD-2-Clause
"""survey - one question on behalf of many networks, and which networks are worth asking for."""

import ipaddress
import mmap

from lib.ask import Load, Question, digest


class Given:
    """What a reply gave: addresses (as octets), scope, RCODE."""

    __slots__ = ("addresses", "scope", "rcode")

    def __init__(self, packet):
        (self.addresses, self.scope), _, self.rcode = digest(packet)


class Survey(Load):
    """Asks for every network and keeps what was given."""

    def __init__(self, client, name, rtype, networks):
        super().__init__(client, [Question(name, rtype, (), network) for network in networks], 64)
        self.given = {}

    def judge(self, question, packet):
        self.given[question.text.split()[-1]] = Given(packet)


def survey(client, name, rtype, networks):
    """{network: Given}; asks again where a reply is lost, as clients do."""
    given, missing = {}, networks
    for _ in range(4):
        given.update(Survey(client, name, rtype, missing).run(count=len(missing)).given)
        missing = [network for network in networks if network not in given]
        if not missing:
            return given
    raise AssertionError(f"{len(missing)} of {len(networks)} replies missing: {missing[:5]}")


class Tree:
    """The search tree of a MaxMind database, to draw networks from."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        meta = self.data[self.data.rfind(b"\xab\xcd\xefMaxMind.com"):]
        self.count = self.number(meta, b"node_count")
        self.size = self.number(meta, b"record_size")

    @staticmethod
    def number(meta, key):
        """An unsigned number of the metadata: a control octet with its length, then its octets."""
        at = meta.index(key) + len(key)
        return int.from_bytes(meta[at + 1:at + 1 + (meta[at] & 31)], "big")

    def children(self, node):
        width = self.size // 4
        raw = self.data[node * width:(node + 1) * width]
        if self.size == 28:
            return (int.from_bytes(raw[:3], "big") | raw[3] >> 4 << 24,
                    int.from_bytes(raw[4:], "big") | (raw[3] & 15) << 24)
        half = width // 2
        return int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")

    def draw(self, rng, version, known=True):
        """An address out of a network found by tossing a coin at each node; `known`: of a record."""
        node = depth = address = 0
        bits = 32 if version == 4 else 128
        for _ in range(96 if version == 4 else 0):
            node = self.children(node)[0]
        while node < self.count:
            ways, bit = self.children(node), rng.getrandbits(1)
            if known and ways[bit] == self.count:
                bit = 1 - bit
            address = address << 1 | bit
            node = ways[bit]
            depth += 1
        inside = address << (bits - depth) | rng.getrandbits(bits) & ((1 << (bits - depth)) - 1)
        return ipaddress.ip_address(inside.to_bytes(bits // 8, "big"))


def networks_of(tree, rng, version, count, passed_over):
    """So many /24s, or /56s, of which one in ten may be in no record."""
    drawn, length = set(), 24 if version == 4 else 56
    while len(drawn) < count:
        network = ipaddress.ip_network((tree.draw(rng, version, rng.random() < 0.9), length), False)
        if not any(network.overlaps(other) for other in passed_over if other.version == version):
            drawn.add(str(network))
    return sorted(drawn)

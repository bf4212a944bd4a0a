# SPDX-License-Identifier: BSD-2-Clause
"""packets - queries of every shape, well-formed and hostile, out of one seed."""

import ipaddress
import random
import struct

from lib.siphash import cookie

NAMES = (
    "example.test", "shop.example.test", "four.example.test", "pool.example.test",
    "plain.example.test", "local.example.test", "static.example.test", "mail.example.test",
    "many.example.test", "a.wild.example.test", "chain.example.test", "gone.example.test",
)
# Zone data of other types than addresses.
SETS = (
    "many-mx.example.test", "svc.example.test", "single.example.test", "double.example.test",
    "lost.example.test", "_sip._udp.example.test", "text.example.test", "a.texts.example.test",
    "to-shop.example.test", "to-many.example.test", "to-chain.example.test", "to-apex.example.test",
    "child.example.test", "ns.child.example.test", "x.moved.example.test", "moved.example.test",
)
OTHERS = (
    "nothing.example.test", "ns.example.test", "alias.example.test", "quick.example.test",
    "x.static.example.test", "test", "", "elsewhere.invalid", "wild.example.test",
    "b.c.d.e.f.g.wild.example.test", "example.test.example.test",
)
NETWORKS = (
    "192.0.2.0/24", "203.0.113.0/24", "198.18.4.0/24", "198.18.0.0/16", "192.0.2.0/23",
    "2001:db8:a:1200::/56", "2001:db8:b:100::/56", "2001:db8:a::/48", "8.8.8.0/24",
    "198.51.100.0/24", "192.0.2.128/25", "192.0.2.77/32", "2001:db8:a:1234::/64",
)
SPECIAL = ("10.1.2.0/24", "127.0.0.0/8", "192.168.0.0/16", "fe80::/10", "224.1.0.0/24",
           "100.64.0.0/10", "::/0", "0.0.0.0/0", "172.16.0.0/11", "fc00::/7")


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


def ecs(network):
    """A right client subnet option."""
    net = ipaddress.ip_network(network, strict=False)
    octets = net.network_address.packed[: (net.prefixlen + 7) // 8]
    family = 1 if net.version == 4 else 2
    return option(8, struct.pack("!HBB", family, net.prefixlen, 0) + octets)


# Server cookies are made with the first.
SECRETS = (bytes(range(16)), bytes(range(100, 116)))


class Packets:
    """next() gives packet after packet; the same seed gives the same packets. `more`: names that
    most of them ask for."""

    def __init__(self, seed, more=()):
        self.rng = random.Random(seed)
        self.more = more
        self.source = "192.0.2.1"

    def chance(self, share):
        return self.rng.random() < share

    def octets(self, most):
        return self.rng.randbytes(self.rng.randint(0, most))

    def cased(self, text):
        return "".join(self.rng.choice((letter.lower(), letter.upper())) for letter in text)

    def name(self):
        if self.more and self.chance(0.8):
            text = self.rng.choice(self.more)
        elif self.chance(0.7):
            text = self.rng.choice(NAMES)
        elif self.chance(0.6):
            text = self.rng.choice(SETS)
        elif self.chance(0.5):
            text = self.rng.choice(OTHERS)
        elif self.chance(0.7):
            # Names that mostly do not exist, below what does.
            labels = [self.label() for _ in range(self.rng.randint(1, 3))]
            below = self.rng.choice(NAMES + SETS + ("example.test", "host.example.test"))
            text = ".".join(labels)[:180].strip(".") + "." + below
        else:
            labels = [self.label() for _ in range(self.rng.randint(1, 30))]
            text = ".".join(labels)[:220].strip(".") + ".wild.example.test"
        labels = [label for label in self.cased(text).split(".") if label]
        return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"

    def label(self):
        length = self.rng.choice((1, 2, 7, 8, 9, 20, 63))
        return "".join(self.rng.choice("abcxyz019-_") for _ in range(length))

    def qtype(self):
        if self.chance(0.7):
            return self.rng.choice((1, 28))
        if self.chance(0.7):
            return self.rng.choice((2, 5, 15, 16, 33, 39, 43, 65, 257))
        return self.rng.choice((2, 5, 6, 15, 16, 41, 255, 252, 65401, 43, 128, 0, 65535))

    def flags(self):
        flags = self.rng.choice((0, 0x0100, 0x0120, 0x0110, 0x0130))
        if self.chance(0.03):
            flags |= self.rng.choice((0x0040, 0x0400, 0x0200, 0x0080, 0x000F, 0x2000, 0x2800, 0x7800))
        return flags

    def one_option(self):
        kind = self.rng.random()
        if kind < 0.5:
            return ecs(self.rng.choice(NETWORKS))
        if kind < 0.56:
            return ecs(self.rng.choice(SPECIAL))
        if kind < 0.62:
            return option(8, struct.pack("!HBB", self.rng.choice((1, 2)), 0, 0))
        if kind < 0.66:
            return option(10, self.rng.randbytes(self.rng.choice((8, 8, 16, 24, 40))))
        if kind < 0.74:
            return option(10, self.server_cookie())
        if kind < 0.84:
            return option(self.rng.choice((65001, 12, 11, 13, 26946)), self.octets(40))
        if kind < 0.88:
            return option(3, b"")
        return self.odd_option()

    def server_cookie(self):
        """Ours: young, old, past its time, from ahead; by either secret, or by none."""
        secret = self.rng.choice(SECRETS + (bytes(16),))
        age_s = self.rng.choice((0, 10, 1000, 1700, 1900, 3500, 3700, -200, -400, 100000))
        return cookie(secret, self.source, self.rng.randbytes(8), age_s,
                      1 if self.chance(0.95) else 2)

    def odd_option(self):
        return self.rng.choice((
            option(8, self.octets(24)),
            option(8, struct.pack("!HBB", 3, 24, 0) + b"\xc0\0\x02"),
            option(8, struct.pack("!HBB", 1, 33, 0) + b"\xc0\0\x02\x01\0"),
            option(8, struct.pack("!HBB", 1, 24, 24) + b"\xc0\0\x02"),
            option(8, struct.pack("!HBB", 1, 23, 0) + b"\xc0\0\x03"),
            option(8, struct.pack("!HBB", 1, 24, 0) + b"\xc0\0\x02\0"),
            option(8, struct.pack("!HBB", 0, 0, 0)),
            option(10, self.octets(44)),
            option(15, b"\0\3"),
            option(0, b""),
            struct.pack("!HH", 65001, 300),
            b"\0",
            b"\0\x08\0",
        ))

    def opt(self):
        payload = self.rng.choice((1232, 1232, 1232, 4096, 512, 513, 100, 0, 65535, 700))
        version = 1 if self.chance(0.01) else 0
        extended = 1 if self.chance(0.005) else 0
        flags = self.rng.choice((0, 0, 0, 0x8000)) | (0x4001 if self.chance(0.02) else 0)
        count = self.rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 4, 6, 9)) if self.chance(0.85) else 0
        data = b"".join(self.one_option() for _ in range(count))
        owner = b"\1x\0" if self.chance(0.005) else b"\0"
        header = struct.pack("!HHBBHH", 41, payload, extended, version, flags, len(data))
        return owner + header + data

    def query(self):
        qclass = 1 if self.chance(0.99) else self.rng.choice((3, 255, 254, 0))
        question = self.name() + struct.pack("!HH", self.qtype(), qclass)
        extra = self.opt() if self.chance(0.88) else b""
        extras = 1 if extra else 0
        if extra and self.chance(0.005):
            extra, extras = extra * 2, 2
        header = struct.pack("!HHHHHH", self.rng.getrandbits(16), self.flags(), 1, 0, 0, extras)
        return header + question + extra

    def spoil(self, packet):
        """Cuts, flips, appends, or writes into the header."""
        way = self.rng.randrange(6)
        spoiled = bytearray(packet)
        if way == 0:
            return bytes(spoiled[: self.rng.randint(0, len(spoiled))])
        if way == 1:
            for _ in range(self.rng.randint(1, 4)):
                spoiled[self.rng.randrange(len(spoiled))] ^= 1 << self.rng.randrange(8)
        if way == 2:
            spoiled += self.rng.randbytes(self.rng.randint(1, 30))
        if way == 3:
            spoiled[self.rng.randrange(2, 12)] = self.rng.getrandbits(8)
        if way == 4:
            spoiled[2] |= 0x80
        if way == 5:
            # A pointer, or a label too long, in the question.
            spoiled[12 + self.rng.randrange(max(1, len(spoiled) - 12))] = self.rng.choice(
                (0xC0, 0xFF, 0x40, 0x3F, 0)
            )
        return bytes(spoiled)

    def next(self, source):
        """source: the address that it will be sent from."""
        self.source = source
        packet = self.query()
        if self.chance(0.12):
            packet = self.spoil(packet)
        return packet

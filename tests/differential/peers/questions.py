# SPDX-License-Identifier: BSD-2-Clause
"""questions - what a zone is asked: every interesting name, with types that are there and others."""

import struct

from peers import names

NUMBERS = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15, "TXT": 16,
    "RP": 17, "AFSDB": 18, "RT": 21, "AAAA": 28, "SRV": 33, "NAPTR": 35, "KX": 36, "DNAME": 39,
    "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
    "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "SPF": 99, "ANY": 255, "URI": 256,
    "CAA": 257, "TYPE65280": 65280, "TYPE65281": 65281,
    "TYPE65401": 65401,
}
WORDS = {number: word for word, number in NUMBERS.items()}
TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DNAME", "DS", "ANY", "TYPE65280"]
ADDRESSES = {"A", "AAAA", "ANY"}
OTHERS = [rtype for rtype in TYPES if rtype not in ADDRESSES] + ["TYPE65401"]
SECURE = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS"]
LEAST = 20
IN, EVERY_CLASS = 1, 255
RD, DO = 0x0100, 0x8000
PAYLOADS = [512, 1232, 1232, 4096]


class Question:
    def __init__(self, zone, name, rtype, tcp=False, payload=1232, flags=0, dnssec_ok=False,
                 cls=IN):
        self.zone = zone
        self.name = name  # in the case in which it is asked
        self.rtype = rtype
        self.tcp = tcp
        self.payload = payload  # None: no OPT
        self.flags = flags
        self.dnssec_ok = dnssec_ok
        self.cls = cls

    def packet(self):
        """{transport, length, query}, as ask.c reads it."""
        opt = b""
        if self.payload is not None:
            opt = struct.pack("!BHHIH", 0, 41, self.payload, DO if self.dnssec_ok else 0, 0)
        query = struct.pack("!6H", 0, self.flags, 1, 0, 0, 1 if opt else 0)
        query += names.wire(self.name) + struct.pack("!2H", NUMBERS[self.rtype], self.cls) + opt
        return (b"t" if self.tcp else b"u") + struct.pack("!H", len(query)) + query

    def at(self, name):
        """The same, asked of another name."""
        return Question(
            self.zone, name, self.rtype, self.tcp, self.payload, self.flags, self.dnssec_ok, self.cls
        )

    def __str__(self):
        how = "TCP" if self.tcp else "no OPT" if self.payload is None else f"OPT {self.payload}"
        how += " DO" if self.dnssec_ok and self.payload is not None else ""
        cls = "" if self.cls == IN else f"class {self.cls} "
        return f"{names.text(self.name)} {cls}{self.rtype} ({how}; zone {names.text(self.zone.apex)} {self.zone.kind or ''})"


def around(zone, node):
    """A name and its neighbours: below, deep below, beside, above, '*' in its place."""
    yield node
    yield (b"new",) + node
    yield (b"q", b"*") + node
    yield (b"deep", b"er", b"new") + node
    yield (b"*",) + node
    if node != zone.apex:
        yield (b"beside",) + node[1:]
        yield node[1:]
    if node[0] == b"*":
        yield (b"match",) + node[1:]
        yield (b"two", b"match") + node[1:]
        yield (b"below",) + node
    for targets in zone.nodes.get(node, {}).values():
        for target in targets:
            yield target
    if names.size(node) % 3 == 0:  # of 255 octets, or nearly so
        yield fill(255 - names.size(node)) + node
    if zone.has(node, "DNAME"):
        # Long enough that the substitution has over 255 octets (RFC 6672 2.2).
        room = 255 - names.size(node) - 2
        if room > 1:
            yield fill(room) + node


def fill(room):
    """Labels that take exactly `room` octets, as far as labels can."""
    labels = []
    while room > 1:
        take = min(63, room - 1)
        labels.append(b"f" * take)
        room -= take + 1
    return tuple(labels)


def types_of(zone, name):
    """What is there, and what matches by wildcard."""
    found = list(zone.nodes.get(names.low(name), {}))
    for cut in range(1, len(name)):
        found += zone.nodes.get(names.low((b"*",) + name[cut:]), {})
    return found


def any_case(rng, name):
    return tuple(
        bytes(octet ^ 32 if chr(octet).isalpha() and octet < 128 and rng.random() < 0.5 else octet
              for octet in label)
        for label in name
    )


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def question(self, zone, name, rtype):
        rng = self.rng
        if zone.anames and rtype in ADDRESSES:
            rtype = rng.choice(OTHERS)
        if rng.random() < 0.3:
            name = any_case(rng, name)
        secure = zone.kind is not None
        payload = None if rng.random() < (0.05 if secure else 0.4) else rng.choice(PAYLOADS)
        flags = rng.choice([0, 0, RD])
        cls = EVERY_CLASS if rng.random() < 0.005 else IN
        # named refuses every class: too few are left to tell whether a reply had to be cut.
        tcp = rng.random() < (0.3 if secure else 0.04) or cls == EVERY_CLASS
        # knotd 3.2.6 does not come back from names so long where a signed wildcard fills a packet.
        tcp = tcp or (secure and names.size(name) > 250)
        dnssec_ok = rng.random() < (0.9 if secure else 0.2)
        return Question(zone, name, rtype, tcp, payload, flags, dnssec_ok, cls)

    def names_of(self, zone):
        """Each name once, none too long."""
        found = {}
        for node in zone.nodes:
            for name in around(zone, node):
                if names.size(name) <= 255:
                    found[names.low(name)] = None
        for name in zone.hashed[:5]:
            found[name] = found[(b"below",) + name] = None
        return list(found)

    def types(self, zone):
        return TYPES + SECURE if zone.kind else TYPES

    def some(self, zone, most):
        """A random choice, of at least LEAST."""
        rng, made = self.rng, []
        places = self.names_of(zone)
        rng.shuffle(places)
        for name in places:
            there = [rtype for rtype in types_of(zone, name) if rtype in NUMBERS]
            wanted = {rng.choice(self.types(zone)), rng.choice(there or TYPES)}
            made += [self.question(zone, name, rtype) for rtype in sorted(wanted)]
            if len(made) >= most:
                break
        while len(made) < LEAST:
            made.append(self.question(zone, rng.choice(places), rng.choice(TYPES)))
        return made

    def all(self, zone):
        """Every name with every type, and what the file asks for, over UDP and TCP."""
        made = []
        for name in self.names_of(zone):
            for rtype in sorted(set(self.types(zone)) | set(types_of(zone, name)) & set(NUMBERS)):
                made.append(self.question(zone, name, rtype))
        for name, rtype in zone.asked:
            secure = zone.kind is not None
            for payload in (None, 512, 1232, 4096):
                made.append(Question(zone, name, rtype, False, payload, dnssec_ok=secure))
            made.append(Question(zone, name, rtype, True, dnssec_ok=secure))
        return made

# SPDX-License-Identifier: BSD-2-Clause
"""proof - RFC 4035 3.1 and RFC 5155 7.2 word for word: what secures an answer of the reference.

Slow and plain: every NSEC and every NSEC3 is looked at each time.
"""

import base64
import hashlib

from peers import names

NS, SOA, DS, RRSIG, NSEC, NSEC3, NSEC3PARAM = 2, 6, 43, 46, 47, 50, 51
HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")


def order(name):
    """RFC 4034 6.1"""
    return tuple(reversed(names.low(name)))


def hashed(name, salt, iterations):
    """RFC 5155 5, as a label."""
    octets = names.wire(names.low(name))
    for _ in range(iterations + 1):
        octets = hashlib.sha1(octets + salt).digest()
    return base64.b32encode(octets).translate(HEX)


class Prover:
    """Adds to a reply what it must have beside the RRsets of one zone."""

    def __init__(self, reply, zone):
        self.reply = reply
        self.zone = zone
        self.wanted = reply.dnssec_ok and zone.secure
        param = zone.nodes[zone.apex].get(NSEC3PARAM)
        self.param = None
        if param:
            rdata = param[1][0]
            self.param = rdata[5 : 5 + rdata[4]], int.from_bytes(rdata[2:4], "big")

    # ---- signatures ----

    def kinds(self, source):
        """Types at a name, RRSIG among them."""
        return set(self.zone.nodes[source]) | ({RRSIG} if source in self.zone.signatures else set())

    def sign(self, section, owner, source, rtype, ttl=None):
        found = self.zone.signatures.get(source, {}).get(rtype)
        if self.wanted and found:
            self.reply.add(section, owner, RRSIG, found[0] if ttl is None else ttl, found[1])

    def all_signatures(self, owner, source):
        """Asked for by type: each with its own TTL."""
        found = list(self.zone.signatures.get(source, {}).values())
        for ttl, rdata in found:
            self.reply.add(self.reply.answer, owner, RRSIG, ttl, rdata)
        return found

    def put(self, owner, rtype):
        ttl, rdata = self.zone.nodes[owner][rtype]
        self.reply.add(self.reply.authority, owner, rtype, ttl, rdata)
        self.sign(self.reply.authority, owner, owner, rtype)

    # ---- NSEC ----

    def put_at(self, name):
        """The NSEC that matches or covers the name."""
        owners = [owner for owner, node in self.zone.nodes.items() if NSEC in node]
        self.put(max((owner for owner in owners if order(owner) <= order(name)), key=order), NSEC)

    # ---- NSEC3 ----

    def hash(self, name):
        return hashed(name, *self.param)

    def put_hashed(self, label):
        name, (ttl, rdata) = self.zone.hashed[label]
        self.reply.add(self.reply.authority, name, NSEC3, ttl, rdata)
        self.sign(self.reply.authority, name, name, NSEC3)

    def put_cover(self, name):
        before = [label for label in self.zone.hashed if label <= self.hash(name)]
        self.put_hashed(max(before or self.zone.hashed))

    def put_closest(self, name):
        """7.2.1: the closest encloser that has an NSEC3, and the next closer name."""
        for cut in range(1, len(name) + 1):
            if self.hash(name[cut:]) in self.zone.hashed:
                self.put_hashed(self.hash(name[cut:]))
                self.put_cover(name[cut - 1 :])
                return name[cut:]
        raise LookupError("no NSEC3 at the apex")

    def put_node(self, name):
        """7.2.3, 7.2.4, 7.2.7"""
        if self.hash(name) in self.zone.hashed:
            self.put_hashed(self.hash(name))
        else:
            self.put_closest(name)

    # ---- what happened ----

    def no_name(self, name, encloser):
        if self.wanted and self.param:
            self.put_cover((b"*",) + self.put_closest(name))
        elif self.wanted:
            self.put_at(name)
            self.put_at((b"*",) + encloser)

    def no_data(self, name, source):
        if not self.wanted:
            return
        put = self.put_node if self.param else self.put_at
        put(source)
        if name != source and self.param:
            self.put_closest(name)
        elif name != source:
            self.put_at(name)

    def expanded(self, name, source):
        """Nothing closer than the wildcard: the name next to the encloser is not there."""
        if not self.wanted or name == source:
            return
        if self.param:
            self.put_cover(name[len(name) - len(source) :])
        else:
            self.put_at(name)

    def delegation(self, cut):
        if not self.wanted:
            return
        if DS in self.zone.nodes[cut]:
            self.put(cut, DS)
        elif self.param:
            self.put_node(cut)
        else:
            self.put_at(cut)

# SPDX-License-Identifier: BSD-2-Clause
"""reference - RFC 1034 4.3.2 word for word, to decide where the servers differ.

Slow and plain: no index, no cache, no additional section. The zones are read
by dnspython, a parser that none of the four servers shares.
"""

import dns.name
import dns.rdatatype
import dns.zone

from peers import names

A, NS, CNAME, SOA, AAAA, DNAME, DS, ANY = 1, 2, 5, 6, 28, 39, 43, 255
NOERROR, NXDOMAIN, REFUSED, YXDOMAIN = 0, 3, 5, 6
CHAIN_MAX = 16


class Data:
    """The RRsets of one zone: name -> type -> (TTL, rdata)."""

    def __init__(self, zone):
        self.apex = zone.apex
        self.nodes = {}
        origin = dns.name.Name(zone.apex + (b"",))
        parsed = dns.zone.from_text(zone.plain(), origin, relativize=False, check_origin=False)
        for owner, node in parsed.nodes.items():
            name = names.low(owner.labels[:-1])
            if names.under(name, self.apex):
                self.nodes[name] = {
                    rdataset.rdtype: (rdataset.ttl, [item.to_digestable() for item in rdataset])
                    for rdataset in node
                }
        for name in list(self.nodes):
            while len(name) > len(self.apex):
                name = name[1:]
                self.nodes.setdefault(name, {})


class Answer:
    """What is right, in the words of judge.Reply; names in rdata are lower case."""

    def __init__(self):
        self.rcode, self.aa = NOERROR, True
        self.answer, self.authority = set(), set()

    def add(self, section, owner, rtype, ttl, rdata):
        section |= {(names.wire(owner), 1, rtype, ttl, item.lower()) for item in rdata}


class Reference:
    def __init__(self, zones):
        self.zones = zones  # apex -> zone
        self.data = {}

    def zone_of(self, name, rtype):
        """Step 2; for DS at an apex the parent's zone, if it is here (RFC 4035 3.1.4.1)."""
        found = [name[cut:] for cut in range(len(name) + 1) if name[cut:] in self.zones]
        if rtype == DS and len(found) > 1 and found[0] == name:
            found = found[1:]
        if not found:
            return None
        if found[0] not in self.data:
            self.data[found[0]] = Data(self.zones[found[0]])
        return self.data[found[0]]

    def answer(self, name, rtype):
        reply, seen = Answer(), set()
        name = names.low(name)
        while name is not None and name not in seen and len(seen) <= CHAIN_MAX:
            zone = self.zone_of(name, rtype)
            if zone is None:
                if not seen:
                    reply.rcode, reply.aa = REFUSED, False
                break
            seen.add(name)
            name = self.step(reply, zone, name, rtype, len(seen) == 1)
        return reply

    def step(self, reply, zone, name, rtype, first):
        """Steps 3 and 4 for one name; gives the next one, or None."""
        for depth in range(len(zone.apex), len(name) + 1):
            here = name[len(name) - depth :]
            node = zone.nodes.get(here)
            if node is None:
                return self.wildcard(reply, zone, name, here[1:], rtype)
            # Step 3b. A name below a cut is not ours; DS at the cut is.
            if NS in node and here != zone.apex and not (here == name and rtype == DS):
                reply.aa = not first
                reply.add(reply.authority, here, NS, *node[NS])
                return None
            # RFC 6672 3.2: a DNAME covers what is below its owner.
            if DNAME in node and here != name:
                made = self.substitute(reply, name, here, node)
                # The CNAME that was made is what was asked for.
                return None if rtype == CNAME else made
        return self.take(reply, zone, name, zone.nodes[name], rtype)

    def wildcard(self, reply, zone, name, encloser, rtype):
        """RFC 4592 3.3: the closest encloser's "*" or nothing."""
        node = zone.nodes.get((b"*",) + encloser)
        if node is None:
            reply.rcode = NXDOMAIN
            self.negative(reply, zone)
            return None
        return self.take(reply, zone, name, node, rtype)

    def substitute(self, reply, name, owner, node):
        ttl, (target, *_) = node[DNAME]
        reply.add(reply.answer, owner, DNAME, ttl, [target])
        made = name[: len(name) - len(owner)] + names.from_wire(target.lower())
        if names.size(made) > 255:
            reply.rcode = YXDOMAIN
            return None
        reply.add(reply.answer, name, CNAME, ttl, [names.wire(made)])
        return made

    def take(self, reply, zone, name, node, rtype):
        if CNAME in node and rtype not in (CNAME, ANY):
            reply.add(reply.answer, name, CNAME, *node[CNAME])
            return names.from_wire(node[CNAME][1][0].lower())
        there = [(kind, node[kind]) for kind in node if rtype in (kind, ANY)]
        for kind, (ttl, rdata) in there:
            reply.add(reply.answer, name, kind, ttl, rdata)
        if not there:
            self.negative(reply, zone)
        return None

    def negative(self, reply, zone):
        """RFC 2308 3: the SOA with the lesser of its TTL and its MINIMUM."""
        ttl, rdata = zone.nodes[zone.apex][SOA]
        least = min(ttl, int.from_bytes(rdata[0][-4:], "big"))
        reply.add(reply.authority, zone.apex, SOA, least, rdata)

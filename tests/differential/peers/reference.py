# SPDX-License-Identifier: BSD-2-Clause
"""reference - RFC 1034 4.3.2 word for word, to decide where the servers differ.

Slow and plain: no index, no cache, no additional section. The zones are read
by dnspython, a parser that none of the four servers shares. What secures an
answer is peers/proof.py's.
"""

import dns.name
import dns.rdatatype
import dns.zone

from peers import names
from peers.proof import NSEC3, RRSIG, Prover

A, NS, CNAME, SOA, AAAA, DNAME, DS, DNSKEY, ANY = 1, 2, 5, 6, 28, 39, 43, 48, 255
NOERROR, NXDOMAIN, REFUSED, YXDOMAIN = 0, 3, 5, 6
CHAIN_MAX = 16


def rdata_lowered(rtype, rdata):
    """Where names stand in rdata is not known here; in an RRSIG there is one, in lower case already."""
    return rdata if rtype == RRSIG else rdata.lower()


class Data:
    """The RRsets of one zone: name -> type -> (TTL, rdata)."""

    def __init__(self, zone):
        self.apex = zone.apex
        self.nodes = {}
        self.signatures = {}  # name -> type covered -> (TTL, rdata)
        origin = dns.name.Name(zone.apex + (b"",))
        parsed = dns.zone.from_text(zone.plain(), origin, relativize=False, check_origin=False)
        for owner, node in parsed.nodes.items():
            name = names.low(owner.labels[:-1])
            if names.under(name, self.apex):
                self.take(name, node)
        self.hashed = self.take_hashed()
        for name in list(self.nodes):
            while len(name) > len(self.apex):
                name = name[1:]
                self.nodes.setdefault(name, {})
        self.secure = DNSKEY in self.nodes[self.apex] and SOA in self.signatures.get(self.apex, {})

    def take(self, name, node):
        for rdataset in node:
            rdata = [item.to_digestable() for item in rdataset]
            if rdataset.rdtype == RRSIG:
                self.signatures.setdefault(name, {})[rdataset.covers] = (rdataset.ttl, rdata)
            else:
                self.nodes.setdefault(name, {})[rdataset.rdtype] = (rdataset.ttl, rdata)

    def take_hashed(self):
        """RFC 5155 7.2.8: the owners of NSEC3 are no names of the zone."""
        found = [name for name, node in self.nodes.items() if list(node) == [NSEC3]]
        return {name[0]: (name, self.nodes.pop(name)[NSEC3]) for name in found}


class Answer:
    """What is right, in the words of judge.Reply; names in rdata are lower case."""

    def __init__(self, dnssec_ok):
        self.rcode, self.aa = NOERROR, True
        self.dnssec_ok = dnssec_ok
        self.answer, self.authority = set(), set()

    def add(self, section, owner, rtype, ttl, rdata):
        section |= {(names.wire(owner), 1, rtype, ttl, rdata_lowered(rtype, item)) for item in rdata}


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

    def held(self, above, name, rtype):
        """What the zone of a name above a cut has below it, though it is not its own: glue."""
        zone, found = self.zone_of(above, rtype), Answer(False)
        node = zone.nodes.get(names.low(name), {}) if zone else {}
        if rtype in node:
            found.add(found.answer, name, rtype, *node[rtype])
        return found.answer

    def answer(self, name, rtype, dnssec_ok=False):
        reply, seen = Answer(dnssec_ok), set()
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
        prover = Prover(reply, zone)
        for depth in range(len(zone.apex), len(name) + 1):
            here = name[len(name) - depth :]
            node = zone.nodes.get(here)
            if node is None:
                return self.wildcard(reply, prover, name, here[1:], rtype)
            # Step 3b. A name below a cut is not ours; DS at the cut is.
            if NS in node and here != zone.apex and not (here == name and rtype == DS):
                reply.aa = not first
                reply.add(reply.authority, here, NS, *node[NS])
                prover.delegation(here)
                return None
            # RFC 6672 3.2: a DNAME covers what is below its owner.
            if DNAME in node and here != name:
                made = self.substitute(reply, prover, name, here, node)
                # The CNAME that was made is what was asked for.
                return None if rtype == CNAME else made
        return self.take(reply, prover, name, name, rtype)

    def wildcard(self, reply, prover, name, encloser, rtype):
        """RFC 4592 3.3: the closest encloser's "*" or nothing."""
        source = (b"*",) + encloser
        if source not in prover.zone.nodes:
            reply.rcode = NXDOMAIN
            self.negative(reply, prover)
            prover.no_name(name, encloser)
            return None
        return self.take(reply, prover, name, source, rtype)

    def substitute(self, reply, prover, name, owner, node):
        ttl, (target, *_) = node[DNAME]
        reply.add(reply.answer, owner, DNAME, ttl, [target])
        prover.sign(reply.answer, owner, owner, DNAME)
        made = name[: len(name) - len(owner)] + names.from_wire(target.lower())
        if names.size(made) > 255:
            reply.rcode = YXDOMAIN
            return None
        reply.add(reply.answer, name, CNAME, ttl, [names.wire(made)])
        return made

    def take(self, reply, prover, name, source, rtype):
        node = prover.zone.nodes[source]
        if CNAME in node and rtype not in (CNAME, ANY) and rtype not in prover.kinds(source):
            reply.add(reply.answer, name, CNAME, *node[CNAME])
            prover.sign(reply.answer, name, source, CNAME)
            prover.expanded(name, source)
            return names.from_wire(node[CNAME][1][0].lower())
        there = [(kind, node[kind]) for kind in node if rtype in (kind, ANY)]
        for kind, (ttl, rdata) in there:
            reply.add(reply.answer, name, kind, ttl, rdata)
            prover.sign(reply.answer, name, source, kind)
        if rtype == RRSIG:
            there += prover.all_signatures(name, source)
        if there:
            prover.expanded(name, source)
        else:
            self.negative(reply, prover)
            prover.no_data(name, source)
        return None

    def negative(self, reply, prover):
        """RFC 2308 3: the SOA with the lesser of its TTL and its MINIMUM."""
        zone = prover.zone
        ttl, rdata = zone.nodes[zone.apex][SOA]
        least = min(ttl, int.from_bytes(rdata[0][-4:], "big"))
        reply.add(reply.authority, zone.apex, SOA, least, rdata)
        prover.sign(reply.authority, zone.apex, zone.apex, SOA, least)

# SPDX-License-Identifier: BSD-2-Clause
"""sign - zones as they come from a signer: DNSKEY, RRSIG, and NSEC or NSEC3 with and without opt-out.

No key made these signatures: a server that serves a signed zone does not look
at them, so each is a hash of what it covers, and one that goes along with the
wrong set is seen. The chains are built by the book (RFC 4034 4, RFC 5155 7.1).
"""

import base64
import hashlib

import dns.rdatatype

from peers import names
from peers.proof import NSEC, NSEC3, RRSIG, hashed, order
from peers.reference import DNAME, DS, NS, SOA, Data

KINDS = ["nsec", "nsec3", "optout"]


class Signer:
    def __init__(self, rng, zone, kind):
        self.rng = rng
        self.zone = zone
        self.kind = kind
        self.data = Data(zone)
        self.salt = rng.choice([b"", b"\xaa\xbb\xcc\xdd", b"\x00"])
        self.iterations = rng.choice([0, 0, 1, 12])
        self.lines = []
        self.owners = {}  # name -> {type: TTL}, of what is the zone's own

    # ---- what there is ----

    def is_cut(self, name):
        return name != self.zone.apex and NS in self.data.nodes[name]

    def is_occluded(self, name):
        above = name[1:]
        while len(above) >= len(self.zone.apex):
            if self.is_cut(above) or DNAME in self.data.nodes[above]:
                return True
            above = above[1:]
        return False

    def gather(self):
        for name, node in self.data.nodes.items():
            if self.is_occluded(name):
                continue
            kinds = {rtype: ttl for rtype, (ttl, _) in node.items()}
            if self.is_cut(name):
                kinds = {rtype: ttl for rtype, ttl in kinds.items() if rtype in (NS, DS)}
            self.owners[name] = kinds

    # ---- records ----

    def add(self, owner, ttl, rtype, rdata):
        self.lines.append(f"{names.text(owner)} {ttl} IN {rtype} {rdata}")

    def sign(self, owner, ttl, rtype):
        labels = len(owner) - (owner[:1] == (b"*",))
        mark = hashlib.sha1(names.wire(owner) + str(rtype).encode()).digest()
        self.add(
            owner, ttl, "RRSIG",
            f"{dns.rdatatype.to_text(rtype)} 13 {labels} {ttl} 20400101000000 20200101000000 4711"
            f" {names.text(self.zone.apex)} {base64.b64encode(mark).decode()}",
        )

    def add_keys(self):
        for flags in (256, 257):
            key = base64.b64encode(hashlib.sha512(b"%d" % flags).digest()).decode()
            self.add(self.zone.apex, 3600, "DNSKEY", f"{flags} 3 13 {key}")
        self.owners[self.zone.apex][48] = 3600
        if self.kind != "nsec":
            salt = self.salt.hex() or "-"
            self.add(self.zone.apex, 0, "NSEC3PARAM", f"1 0 {self.iterations} {salt}")
            self.owners[self.zone.apex][51] = 0

    def add_signatures(self):
        for owner, kinds in self.owners.items():
            for rtype, ttl in kinds.items():
                if not (rtype == NS and self.is_cut(owner)):
                    self.sign(owner, ttl, rtype)

    def bitmap(self, kinds, *more):
        return " ".join(dns.rdatatype.to_text(rtype) for rtype in sorted(set(kinds) | set(more)))

    def negative_ttl(self):
        ttl, rdata = self.data.nodes[self.zone.apex][SOA]
        return min(ttl, int.from_bytes(rdata[0][-4:], "big"))

    def add_nsec(self):
        chain = sorted((name for name, kinds in self.owners.items() if kinds), key=order)
        ttl = self.negative_ttl()
        for place, owner in enumerate(chain):
            after = chain[(place + 1) % len(chain)]
            text = self.bitmap(self.owners[owner], RRSIG, NSEC)
            self.add(owner, ttl, "NSEC", f"{names.text(after)} {text}")
            self.sign(owner, ttl, NSEC)
            self.zone.note(owner, "NSEC", None)

    def is_insecure(self, owner):
        return self.is_cut(owner) and DS not in self.owners[owner]

    def hashed_owners(self):
        """All names; with opt-out neither unsigned delegations nor what leads only to those."""
        found = set()
        for owner, kinds in self.owners.items():
            if not kinds or (self.kind == "optout" and self.is_insecure(owner)):
                continue
            for cut in range(len(owner) - len(self.zone.apex) + 1):
                found.add(owner[cut:])
        return found | ({name for name in self.owners} if self.kind == "nsec3" else set())

    def add_nsec3(self):
        chain = sorted((hashed(name, self.salt, self.iterations), name) for name in self.hashed_owners())
        ttl, flag = self.negative_ttl(), int(self.kind == "optout")
        salt = self.salt.hex() or "-"
        for place, (label, owner) in enumerate(chain):
            after = chain[(place + 1) % len(chain)][0].decode()
            kinds = self.owners[owner]
            signed = [rtype for rtype in kinds if not (rtype == NS and self.is_cut(owner))]
            text = self.bitmap(kinds, *([RRSIG] if signed else []))
            name = (label,) + self.zone.apex
            self.add(name, ttl, "NSEC3", f"1 {flag} {self.iterations} {salt} {after} {text}")
            self.sign(name, ttl, NSEC3)
            self.zone.hashed.append(name)

    def run(self):
        self.gather()
        self.add_keys()
        self.add_signatures()
        if self.kind == "nsec":
            self.add_nsec()
        else:
            self.add_nsec3()
        self.zone.note(self.zone.apex, "DNSKEY", None)
        self.zone.append(self.lines)


def sign(rng, zone, kind):
    """Adds to the zone's text, and to what is asked of it. A zone that dnspython cannot read stays."""
    Signer(rng, zone, kind).run()
    zone.kind = kind

# SPDX-License-Identifier: BSD-2-Clause
"""generate - random zones: trees of names with wildcards, DNAMEs, cuts, CNAMEs, empty non-terminals.

What a zone must not hold (RFC 1034 3.6.2, RFC 2181 10.3, RFC 6672 2.4) is not generated: servers
differ in what they refuse, and a zone that one refuses compares nothing.
"""

from peers import names
from peers.dress import dressed
from peers.zone import Zone

LABELS = [b"a", b"b", b"c", b"d", b"www", b"mail", b"_sip", b"x-1", b"A", b"Foo"]
ODD = [b"l" * 63, b"\x00", b"a.b", b"\xff\x80", b"sp ace", b"@", b"(;", b"\\", b"a\x00b", b"**"]
PLAIN = ["A", "A", "AAAA", "TXT", "MX", "SRV", "CAA", "PTR", "TYPE65280", "HTTPS", "NAPTR"]
TTLS = [0, 5, 60, 300, 3600, 86400]
OUTSIDE = (b"name", b"elsewhere", b"invalid")
ANAME = "TYPE65401"


class Generator:
    """
    One random zone; `others` are zones made before, which targets may lie in. A child has no
    ANAMEs: it is asked for addresses by who has its parent's names.
    """

    def __init__(self, rng, apex, others, child):
        self.rng = rng
        self.others = others
        self.zone = Zone(apex)
        self.zone.anames = rng.random() < 0.2 and not child
        self.owners = [apex]  # names that others may be put below
        self.cuts = []
        self.dnames = []

    # ---- names ----

    def label(self):
        chance = self.rng.random()
        if chance < 0.15:
            return b"*"
        if chance < 0.21:
            return self.rng.choice(ODD)
        return self.rng.choice(LABELS)

    def fresh(self):
        """A name below another one, at times with empty non-terminals between."""
        for _ in range(50):
            name = self.rng.choice(self.owners)
            for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
                name = (self.label(),) + name
            if names.size(name) <= 255 and self.is_free(name):
                return name
        return None

    def is_free(self, name):
        """Nothing is there yet, and no DNAME or cut is above."""
        covers = self.cuts + self.dnames
        return names.low(name) not in self.zone.nodes and not any(
            names.under(name, cover) for cover in covers
        )

    def below(self, name):
        return (self.rng.choice(LABELS),) + name

    def target(self):
        """Where a CNAME or DNAME leads: anywhere."""
        chance = self.rng.random()
        if chance < 0.5:
            return self.rng.choice(list(self.zone.nodes))
        if chance < 0.65:
            return self.below(self.rng.choice(list(self.zone.nodes)))
        if chance < 0.8 and self.others:
            return self.below(self.rng.choice(self.others))
        if chance < 0.9 and self.others:
            return self.rng.choice(self.others)
        return OUTSIDE

    # ---- records ----

    def ttl(self):
        return self.rng.choice(TTLS)

    def address(self):
        return f"192.0.2.{self.rng.randrange(1, 255)}"

    def address6(self):
        return f"2001:db8::{self.rng.randrange(1, 65536):x}"

    def add_plain(self, owner, rtype):
        """One RRset of one TTL."""
        ttl = self.ttl()
        host = self.rng.choice(self.hosts) if self.rng.random() < 0.7 else self.host_target()
        number = self.rng.randrange(65536)
        for count in range(self.rng.choice([1, 1, 2, 3] * 10 + [40])):
            if rtype == "A":
                self.zone.add(owner, ttl, rtype, self.address())
            elif rtype == "AAAA":
                self.zone.add(owner, ttl, rtype, self.address6())
            elif rtype == "TXT":
                self.zone.add(owner, ttl, rtype, f'"text {number + count}" "{"z" * (number % 200)}"')
            elif rtype == "MX":
                self.zone.add(owner, ttl, rtype, f"{count}", host)
            elif rtype == "SRV":
                self.zone.add(owner, ttl, rtype, f"{count} 0 {number}", host)
            elif rtype == "PTR":
                self.zone.add(owner, ttl, rtype, "", host)
                return
            elif rtype == "CAA":
                self.zone.add(owner, ttl, rtype, f'0 issue "ca{count}.invalid"')
            elif rtype == "HTTPS":
                self.zone.add(owner, ttl, rtype, f"{1 + count} {names.text(host)} alpn=h2 port={number}")
            elif rtype == "NAPTR":
                self.zone.add(owner, ttl, rtype, f'{count} 10 "S" "SIP+D2U" "" {names.text(host)}')
            else:
                self.zone.add(owner, ttl, rtype, f"\\# 3 {number:04x}{count:02x}")

    def host_target(self):
        """For MX and SRV: must not be an alias to be right, so a plain name or one elsewhere."""
        return self.rng.choice([OUTSIDE] + self.hosts)

    def add_hosts(self):
        """Names with addresses, for NS, MX and SRV to point to."""
        self.hosts = []
        for number in range(self.rng.choice([1, 2, 3])):
            host = (b"ns%d" % number,) + self.zone.apex
            if number == 2:
                host = (b"deep",) + host
            self.hosts.append(host)
            self.owners.append(host)
            self.add_rrset(host, "A")
            if self.rng.random() < 0.5:
                self.add_rrset(host, "AAAA")

    def add_rrset(self, owner, rtype):
        if self.zone.has(owner, rtype):
            return
        ttl = self.ttl()
        for _ in range(self.rng.choice([1, 1, 2])):
            self.zone.add(owner, ttl, rtype, self.address() if rtype == "A" else self.address6())

    def add_apex(self):
        apex, rng = self.zone.apex, self.rng
        self.zone.add(
            apex, self.ttl(), "SOA",
            f"{names.text((b'NS0',) + apex)} {names.text((b'host.master',) + apex)}"
            f" {rng.randrange(1, 2**32)} 7200 900 1209600 {rng.choice(TTLS)}",
        )
        self.add_hosts()
        ttl = self.ttl()
        for target in rng.sample(self.hosts + [OUTSIDE], rng.choice([1, 2])):
            self.zone.add(apex, ttl, "NS", "", target)
        for rtype in rng.sample(["A", "AAAA", "MX", "TXT", "TYPE65280"], rng.choice([0, 1, 2])):
            self.add_plain(apex, rtype)

    # ---- what a name may be ----

    def add_data(self, owner):
        for rtype in sorted(set(self.rng.sample(PLAIN, self.rng.choice([1, 1, 2, 3])))):
            self.add_plain(owner, rtype)
        if self.zone.anames and self.rng.random() < 0.4:
            self.add_aname(owner)
        self.owners.append(owner)

    def add_aname(self, owner):
        """To the peers, a type that they do not know."""
        ttl = self.ttl()
        for count in range(self.rng.choice([1, 1, 2])):
            target = names.wire((b"%d" % count,) + OUTSIDE)
            self.zone.add(owner, ttl, ANAME, f"\\# {len(target)} {target.hex()}")

    def add_cname(self, owner):
        self.zone.add(owner, self.ttl(), "CNAME", "", self.target())
        self.owners.append(owner)

    def add_dname(self, owner):
        if owner[0] == b"*":
            return self.add_data(owner)
        target = self.target()
        if self.rng.random() < 0.15:
            target = tuple(b"%d" % i + b"y" * 49 for i in range(4)) + OUTSIDE
        self.zone.add(owner, self.ttl(), "DNAME", "", target)
        if self.rng.random() < 0.3:
            self.add_plain(owner, self.rng.choice(["A", "TXT", "MX"]))
        self.dnames.append(owner)
        return None

    def add_cut(self, owner):
        """A delegation: name servers below it (most with glue), beside, below another, anywhere."""
        rng = self.rng
        if b"*" in owner:
            return self.add_data(owner)
        self.cuts.append(owner)
        ttl, glued = self.ttl(), []
        for number in range(rng.choice([1, 1, 2, 3])):
            inside = (b"ns%d" % number,) + owner
            if rng.random() < 0.2:
                inside = (b"NS",) + inside
            choices = [inside, inside, rng.choice(self.hosts), OUTSIDE, owner] + glued
            if not self.zone.anames:  # of which none may be a name server
                choices.append(self.target())
            if len(self.cuts) > 1:
                choices.append((b"ns0",) + rng.choice(self.cuts[:-1]))
            target = rng.choice(choices)
            if names.under(target, owner):
                glued.append(target)
            self.zone.add(owner, ttl, "NS", "", target)
        for target in sorted(set(glued)):
            kinds = rng.choice([["A"], ["AAAA"], ["A", "AAAA"], ["A", "AAAA"], []])
            for rtype in kinds:
                self.add_rrset(target, rtype)
        if rng.random() < 0.3:
            ttl = self.ttl()
            for tag in range(rng.choice([1, 2])):
                self.zone.add(owner, ttl, "DS", f"{tag} 13 2 {'ab' * 32}")
        self.add_occluded(owner)
        return None

    def add_occluded(self, cut):
        """What lies below a cut is not ours to answer, whatever it is."""
        rng = self.rng
        for _ in range(rng.choice([0, 0, 1, 2])):
            name = (rng.choice([b"*", b"a", b"b", b"o"]),) + cut
            if rng.random() < 0.3:
                name = (rng.choice([b"*", b"z"]),) + name
            if names.low(name) in self.zone.nodes and self.zone.nodes[names.low(name)]:
                continue
            self.add_plain(name, rng.choice(["A", "TXT", "MX"]))

    def make(self):
        self.add_apex()
        kinds = [self.add_data] * 5 + [self.add_cname] * 3 + [self.add_dname, self.add_cut, self.add_cut]
        for _ in range(self.rng.randrange(4, 30) if self.rng.random() < 0.97 else 300):
            name = self.fresh()
            if name:
                self.rng.choice(kinds)(name)
        return self.zone


def apex_dname(rng, apex, others):
    """A zone that lies elsewhere as a whole (RFC 6672 2.3)."""
    zone = Zone(apex)
    server, box = names.text(OUTSIDE), names.text((b"box",) + OUTSIDE)
    zone.add(apex, 300, "SOA", f"{server} {box} {rng.randrange(1, 2**32)} 7200 900 1209600 60")
    zone.add(apex, 300, "NS", "", OUTSIDE)
    zone.add(apex, 300, "DNAME", "", rng.choice(others + [OUTSIDE]))
    if rng.random() < 0.5:
        zone.add(apex, 60, "A", "192.0.2.1")
    return zone


def is_bare_cut(zone, name):
    """
    A cut with nothing but glue below: NSD keeps all zones in one tree, and would see the parent's
    occluded names below the child's DNAMEs.
    """
    below = [node for node in zone.nodes if node != name and names.under(node, name)]
    return name != zone.apex and zone.has(name, "NS") and all(
        node[0].startswith(b"ns") for node in below
    )


def zones(rng, count):
    """As many random zones, some of them children of others."""
    made, seen = [], []
    for number in range(count):
        parents = made[-20:]
        apex = (b"z%d" % number, b"test")
        if rng.random() < 0.1:
            apex = names.low(tuple(rng.choice(LABELS) for _ in range(rng.choice([1, 2])))) + apex
        child = bool(parents) and rng.random() < 0.15
        if child:
            parent = rng.choice(parents)
            taken = {zone.apex for zone in made}
            cuts = [name for name in parent.nodes if is_bare_cut(parent, name) and name not in taken]
            child = bool(cuts)
            apex = rng.choice(cuts) if cuts else apex
        others = rng.sample(seen, min(8, len(seen)))
        if not child and rng.random() < 0.03:
            zone = apex_dname(rng, apex, others)
        else:
            zone = Generator(rng, apex, others, child).make()
        if rng.random() < 0.5:
            zone.dressed = dressed(rng, names.text(apex), zone.lines)
        made.append(zone)
        if not zone.anames:  # what another zone's aliases lead to is asked for addresses
            seen += rng.sample(list(zone.nodes), min(6, len(zone.nodes)))
    return made

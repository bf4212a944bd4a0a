# SPDX-License-Identifier: BSD-2-Clause
"""in_signed - zones that real primaries sign: in by AXFR and IXFR, kept, and out again unchanged."""

import json
import os
import re

import dns.flags
import dns.message
import dns.query

from bench import Server, Zone, some_records
from in_daemon import Anamed
from in_peers import Knotd, Named, Pdns, binary
from lib.cases import case, equal, true
from lib.peers import UNBOUND_ALONE
from lib.process import until

APEX = "example.test."


def records():
    """Also wildcards, delegations, and a name that makes empty ones above it."""
    found = {item for item in some_records(APEX) if item[2] != "ANAME"}
    return found | {
        (f"*.wild.{APEX}", 300, "A", "192.0.2.80"),
        (f"a.b.ent.{APEX}", 300, "TXT", '"deep"'),
        (f"old.{APEX}", 300, "DNAME", f"wild.{APEX}"),
        (f"cut.{APEX}", 300, "NS", f"ns.cut.{APEX}"),
        (f"ns.cut.{APEX}", 300, "A", "192.0.2.61"),
        (f"safe.{APEX}", 300, "NS", f"ns.{APEX}"),
        (f"safe.{APEX}", 300, "DS", f"1 13 2 {'AB' * 32}"),
    }


# ---- primaries that sign ----


class SigningKnotd(Knotd):
    """`policy`: of knot.conf, about the chain."""

    policy = ""
    zonemd = False

    def configure(self):
        path = super().configure()
        with open(path) as file:
            text = file.read()
        policy = f"policy:\n  - id: sign\n    algorithm: ecdsap256sha256\n{self.policy}"
        text = text.replace("template:\n", policy + "template:\n").replace(
            "    zonefile-load: difference\n",
            "    zonefile-load: difference-no-serial\n    dnssec-signing: on\n    dnssec-policy: sign\n"
            + ("    zonemd-generate: zonemd-sha384\n" if self.zonemd else ""))
        return self.write("conf", text)

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/knotd"), "-c", self.configure())
        self.await_log(rf"\[{APEX}\] DNSSEC, successfully signed", 60)
        return self

    def sign_again(self):
        """Every signature anew."""
        self.control("-b", "zone-sign", APEX)


class Nsec3Knotd(SigningKnotd):
    policy = "    nsec3: on\n    nsec3-iterations: 3\n    nsec3-salt-length: 4\n"


class OptOutKnotd(SigningKnotd):
    policy = "    nsec3: on\n    nsec3-opt-out: on\n    nsec3-iterations: 0\n    nsec3-salt-length: 0\n"
    zonemd = True


class SigningNamed(Named):
    """Inline signing, with NSEC3."""

    def configure(self):
        path = super().configure()
        with open(path) as file:
            text = file.read()
        policy = ('dnssec-policy sign { keys { csk lifetime unlimited algorithm ecdsap256sha256; };\n'
                  "nsec3param iterations 0 optout no salt-length 0; };\n")
        text = text.replace("controls { };\n", "controls { };\n" + policy).replace(
            "type primary;", f'type primary; dnssec-policy sign; inline-signing yes; key-directory "{self.folder}";')
        return self.write("conf", text)


class SigningPdns(Pdns):
    """Signatures are made as the zone goes out."""

    def configure(self):
        with open(super().configure(), "a") as file:
            file.write("gsqlite3-dnssec=yes\n")

    def load(self):
        new = not os.path.exists(self.path("known"))
        super().load()
        if new:
            apex = APEX.rstrip(".")
            self.util("secure-zone", apex)
            self.util("set-nsec3", apex, "1 0 0 -")
        self.util("rectify-zone", APEX.rstrip("."))


# ---- who looks ----


class Unbound(Server):
    """Knows the zone at the edge only, and its keys as they stand there."""

    def __init__(self, bench, edge):
        super().__init__(bench, "unbound")
        keys = [item.to_text() for item in answer_of(edge.port, APEX, "DNSKEY") if item.flags == 257]
        true(keys, "no key-signing key")
        anchors = "".join(f"    trust-anchor: '{APEX} DNSKEY {key}'\n" for key in keys)
        self.write("conf", UNBOUND_ALONE.format(folder=self.folder) + f"""\
    interface: 127.0.0.1@{self.port}
    do-ip6: no
    do-not-query-localhost: no
    local-zone: "test." nodefault
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    val-log-level: 2
{anchors}remote-control:
    control-enable: no
stub-zone:
    name: {APEX}
    stub-addr: 127.0.0.1@{edge.port}
""")
        bench.add(self)
        self.spawn(binary(bench, "/usr/sbin/unbound"), "-d", "-c", self.path("conf"))
        until(lambda: query(self.port, APEX, "SOA", timeout=0.3) is not None, "unbound to answer", 10)

    def expect(self, name, rtype, wanted):
        reply = query(self.port, name, rtype, flags=dns.flags.RD | dns.flags.AD, timeout=5)
        true(reply is not None, f"no reply for {name} {rtype}")
        found = f"{dns.rcode.to_text(reply.rcode())} {'ad' if reply.flags & dns.flags.AD else '--'}"
        equal(found, wanted, f"{name} {rtype}\n{self.log_text()[-800:]}")


def query(port, name, rtype, flags=0, timeout=2.0, tcp=False):
    message = dns.message.make_query(name, rtype, want_dnssec=True)
    message.flags = flags
    try:
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, "127.0.0.1", port=port, timeout=timeout)
    except (dns.exception.Timeout, OSError):
        return None


def answer_of(port, name, rtype):
    reply = query(port, name, rtype, tcp=True)
    return [item for rrset in (reply.answer if reply else ()) for item in rrset if rrset.rdtype == dns.rdatatype.from_text(rtype)]


def transferred(port):
    """The zone as lines, without the SOA's second coming."""
    found = set()
    for message in dns.query.xfr("127.0.0.1", APEX, port=port, relativize=False, lifetime=30):
        for rrset in message.answer:
            found |= {f"{str(rrset.name).lower()} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} "
                      f"{item.to_text()}" for item in rrset}
    return found


class Edge(Anamed):
    """Whose zone may be had by anybody on loopback."""

    def configure(self):
        path = super().configure()
        with open(path) as file:
            text = file.read()
        text = text.replace("upstreams:\n", f"""\
    secondaries:
      - address: 127.0.0.1@{getattr(self, 'tells', 1)}
upstreams:
""")
        return self.write("conf", text)

    def last_transfer(self):
        found = self.ctl("zone-status", APEX)
        return json.dumps(found)


def same_as(primary, edge):
    """The edge has what the primary has, record by record, TTLs and signatures with them."""
    def is_so():
        return edge.serial(APEX) == serial_of(primary.port)

    until(is_so, "the primary's serial", 20)
    ours, theirs = transferred(edge.port), transferred(primary.port)
    equal(sorted(ours - theirs)[:5], [], "what only the edge has")
    equal(sorted(theirs - ours)[:5], [], "what only the primary has")
    true(any(" RRSIG " in line for line in ours), "no signatures")
    return ours


def serial_of(port):
    found = answer_of(port, APEX, "SOA")
    return found[0].serial if found else None


QUESTIONS = [
    ("h1", "A", "NOERROR ad"), ("h1", "TXT", "NOERROR ad"), ("nothing", "A", "NXDOMAIN {open}"),
    ("x.nothing", "A", "NXDOMAIN {open}"), ("x.wild", "A", "NOERROR {open}"), ("x.wild", "MX", "NOERROR {open}"),
    ("ent", "A", "NOERROR ad"), ("x.ent", "A", "NXDOMAIN {open}"), ("x.old", "A", "NOERROR {open}"),
    ("cut", "DS", "NOERROR {open}"), ("safe", "DS", "NOERROR ad"), ("", "NS", "NOERROR ad"),
]


def validates(bench, edge, kind):
    validator = Unbound(bench, edge)
    for name, rtype, wanted in QUESTIONS:
        # RFC 5155 9.2: what lies in an opt-out span is not secure.
        wanted = wanted.format(open="--" if kind is OptOutKnotd else "ad")
        validator.expect(f"{name}.{APEX}".lstrip("."), rtype, wanted)


def through(bench, kind):
    zone = Zone(APEX, records())
    edge = Edge(bench)
    primary = kind(bench, [zone], tell=edge.port).begin()
    edge.zones = {APEX: [primary.port]}
    edge.start()
    first = same_as(primary, edge)
    validates(bench, edge, kind)
    zone.change(
        add=[(f"new.{APEX}", 60, "A", "203.0.113.1"), (f"h1.{APEX}", 60, "A", "203.0.113.2"),
             (f"new.cut2.{APEX}", 300, "NS", f"ns.{APEX}")],
        remove=[(f"h0.{APEX}", 60, "A", "198.51.0.1")],
    )
    before = edge.serial(APEX)
    primary.publish()
    until(lambda: edge.serial(APEX) != before, "the change", 20)
    second = same_as(primary, edge)
    true(f"new.{APEX} 60 A 203.0.113.1" in second and first != second, "the change")
    if primary.ixfr:
        true('"IXFR"' in edge.last_transfer(), edge.last_transfer())
    validates(bench, edge, kind)
    return primary, edge, second


def from_disk(primary, edge, lines):
    primary.kill()
    edge.kill()
    edge.start()
    equal(transferred(edge.port) ^ lines, set(), "after a restart with a dead primary")


for name, one in (("knotd with NSEC", SigningKnotd), ("knotd with NSEC3", Nsec3Knotd),
                  ("knotd with opt-out and ZONEMD", OptOutKnotd), ("named inline", SigningNamed),
                  ("pdns", SigningPdns)):
    def run(bench, kind=one):
        primary, edge, lines = through(bench, kind)
        if issubclass(kind, SigningKnotd):
            before = edge.serial(APEX)
            primary.sign_again()
            until(lambda: edge.serial(APEX) != before, "new signatures", 20)
            lines = same_as(primary, edge)
            true('"IXFR"' in edge.last_transfer(), edge.last_transfer())
            validates(bench, edge, kind)
        from_disk(primary, edge, lines)

    case(f"signed by {name}: in by AXFR and by IXFR, validates, is kept, and goes out unchanged")(run)


@case("signed: a knotd that takes the zone from anamed checks every signature, the chain and ZONEMD")
def checked_behind(bench):
    zone = Zone(APEX, records())
    edge = Edge(bench)
    primary = OptOutKnotd(bench, [zone], tell=edge.port).begin()
    behind = Behind(bench, edge)
    edge.zones, edge.tells = {APEX: [primary.port]}, behind.port
    edge.start()
    same_as(primary, edge)
    behind.start()
    until(lambda: serial_of(behind.port) == edge.serial(APEX), "the zone behind", 20)
    zone.change(add=[(f"new.{APEX}", 60, "A", "203.0.113.1")])
    primary.publish()
    until(lambda: serial_of(behind.port) == serial_of(primary.port) == edge.serial(APEX)
          and answer_of(behind.port, f"new.{APEX}", "A"), "the change behind", 20)
    true("DNSSEC, validation successful" in behind.log_text(), behind.log_text()[-1500:])
    equal(len(re.findall("AXFR, incoming, .* started", behind.log_text())), 1, "the change came by IXFR")
    # A zone that its ZONEMD does not fit is not taken.
    true(answer_of(behind.port, APEX, "ZONEMD"), "ZONEMD")


class Behind(Server):
    """A knotd that believes nothing."""

    def __init__(self, bench, edge):
        super().__init__(bench, "behind")
        self.edge = edge
        bench.add(self)

    def start(self):
        conf = self.write("conf", f"""\
server:
    listen: 127.0.0.1@{self.port}
    rundir: "{self.folder}"
database:
    storage: "{self.folder}"
log:
  - target: stdout
    any: debug
remote:
  - id: edge
    address: 127.0.0.1@{self.edge.port}
acl:
  - id: edge
    address: 127.0.0.1
    action: notify
zone:
  - domain: {APEX}
    master: edge
    acl: edge
    storage: "{self.folder}"
    dnssec-validation: on
    zonemd-verify: on
""")
        self.spawn(binary(self.bench, "/usr/sbin/knotd"), "-c", conf)
        return self

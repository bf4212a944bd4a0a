# SPDX-License-Identifier: BSD-2-Clause
"""Zones that come signed, by dnssec-signzone, before three validators: NSEC, NSEC3, opt-out."""

import os
import subprocess

from lib.cases import case, equal, true
from lib.standard import edge_config
from signed import CHILD, Keys, expect
from validators import ALL, Unbound

SIGNZONE = "/usr/bin/dnssec-signzone"
KINDS = {"NSEC": [], "NSEC3": ["-3", "aabbccdd", "-H", "2"], "opt-out": ["-3", "-", "-H", "0", "-A"]}
APEX = "signed.test"
ZONE = """\
$TTL 60
@ SOA ns host 1 3600 600 86400 30
@ NS ns
@ MX 10 mail
@ TXT "apex"
ns A 198.51.100.1
mail A 192.0.2.25
mail AAAA 2001:db8::25
text TXT "text"
big TXT {big}
a.b.ent TXT "deep"
*.wild TXT "any"
*.wild A 192.0.2.80
sub.wild A 192.0.2.81
*.alias CNAME mail
one CNAME two.alias
lost CNAME nothing
old DNAME new
x.new A 192.0.2.90
away CNAME www.other.test.
over CNAME www.plain.test.
secure NS ns.secure
ns.secure A 198.51.100.1
insecure NS ns.insecure
ns.insecure A 198.51.100.1
only.unsigned.here NS ns.elsewhere.invalid.
@ SRV 0 0 0 .
""".format(big=" ".join('"' + "x" * 250 + '"' for _ in range(8)))
# Name, type, RCODE. "!": with opt-out that is not secure (RFC 5155 9.2).
QUESTIONS = """
mail A NOERROR
mail AAAA NOERROR
@ MX NOERROR
@ SOA NOERROR
@ NS NOERROR
@ DNSKEY NOERROR
text TXT NOERROR
text A NOERROR
big TXT NOERROR
@ AAAA NOERROR
ent A NOERROR
b.ent TXT NOERROR
a.b.ent TXT NOERROR
c.b.ent TXT NXDOMAIN!
x.wild A NOERROR!
a.b.wild TXT NOERROR!
x.wild MX NOERROR!
sub.wild MX NOERROR
below.sub.wild A NXDOMAIN!
wild A NOERROR
nothing A NXDOMAIN!
a.nothing A NXDOMAIN!
x.mail A NXDOMAIN!
one A NOERROR!
one CNAME NOERROR
lost A NXDOMAIN!
x.old A NOERROR
y.old A NXDOMAIN!
x.old MX NOERROR
secure DS NOERROR
insecure DS NOERROR!
unsigned.here A NOERROR!
mail DS NOERROR
zzz A NXDOMAIN!
www.secure A NOERROR
nothing.secure A NXDOMAIN
""".split("\n")


class Signed:
    """The parent in one of KINDS with its children, and another zone with NSEC, all at one edge."""

    def __init__(self, bench, kind):
        self.keys = Keys(bench)
        self.kind = kind
        child = f"secure.{APEX}"
        made = {child: self.sign(child, CHILD, "NSEC3"), "other.test": self.sign("other.test", CHILD, "NSEC")}
        ds = subprocess.run(
            ["/usr/bin/dnssec-dsfromkey", "-f", "-", child], input=made[child], check=True,
            capture_output=True, text=True).stdout
        made[APEX] = self.sign(APEX, ZONE + ds, kind)
        made[f"insecure.{APEX}"] = CHILD
        config = edge_config()
        config["zones"] = [{"name": name, "file": f"{name}.zone"} for name in made]
        self.edge = bench.edge(config, made)
        self.anchors = {name: self.keys.records(name) for name in (APEX, "other.test")}

    def sign(self, apex, text, kind):
        self.keys.make(apex)
        self.keys.make(apex, ksk=False)
        source = os.path.join(self.keys.folder, f"{apex}.plain")
        with open(source, "w") as file:
            file.write(text)
        subprocess.run(
            [SIGNZONE, "-q", "-S", "-K", self.keys.folder, "-d", self.keys.folder, *KINDS[kind], "-o", apex,
             "-f", source + ".signed", source], check=True, capture_output=True)
        with open(source + ".signed") as file:
            return file.read()


def full(name, apex=APEX):
    return apex if name == "@" else f"{name}.{apex}"


def judge(validator, kind):
    faults = []
    for line in filter(None, QUESTIONS):
        name, rtype, rcode = line.split()
        open_span = rcode.endswith("!") and kind == "opt-out"
        try:
            expect(validator, full(name), rtype, rcode.rstrip("!"), not open_span, tcp=name == "big")
        except AssertionError as fault:
            faults.append(str(fault))
    true(not faults, "\n".join(faults) + "\n" + validator.log()[-1500:])
    expect(validator, full("www.insecure"), "A", secure=False)
    expect(validator, full("nothing.insecure"), "A", "NXDOMAIN", secure=False)


for word in KINDS:
    def run(bench, kind=word):
        signed = Signed(bench, kind)
        for validator in ALL:
            judge(validator(bench, signed.anchors), kind)

    case(f"a zone that comes signed, with {word}: every kind of answer validates at three resolvers")(run)


@case("a chain from one zone that comes signed to another, and to one that does not, is secure as far as it goes")
def chains(bench):
    signed = Signed(bench, "NSEC3")
    validator = Unbound(bench, signed.anchors)
    expect(validator, full("away"), "A")
    expect(validator, full("away"), "MX")
    reply = bench.client.ask(full("away"), "A", edns=True, ednsflags=0x8000)
    covered = [rrset.covers for rrset in reply.message.answer if rrset.rdtype == 46]
    equal(sorted(covered), [1, 5], "signatures over the CNAME and over the address")


@case("who does not ask for signatures gets none, and owners of NSEC3 are no names")
def plain(bench):
    signed = Signed(bench, "NSEC3")
    reply = bench.client.ask(full("mail"), "A")
    equal([rrset.rdtype for rrset in reply.message.answer], [1])
    reply = bench.client.ask(full("nothing"), "A")
    equal([rrset.rdtype for rrset in reply.message.authority], [6])
    reply = bench.client.ask(full("nothing"), "A", edns=True, ednsflags=0x8000)
    hashed = [str(rrset.name) for rrset in reply.message.authority if rrset.rdtype == 50]
    true(hashed, "NSEC3")
    equal(bench.client.ask(hashed[0].rstrip("."), "NSEC3").rcode, "NXDOMAIN")
    del signed


@case("over UDP a reply to who asks for signatures is cut to 1232 octets with TC, and whole over TCP")
def sizes(bench):
    Signed(bench, "NSEC3")
    for name, rtype in (("big", "TXT"), ("@", "DNSKEY"), ("nothing", "A"), ("a.nothing", "A")):
        whole = bench.client.ask(full(name), rtype, edns=True, ednsflags=0x8000, tcp=True)
        cut = bench.client.ask(full(name), rtype, edns=True, ednsflags=0x8000)
        true(not whole.has("TC"), "TC over TCP")
        true(len(cut.message.to_wire()) <= 1232, "too long")
        equal(cut.has("TC"), len(whole.message.to_wire()) > 1232, f"{name} {rtype}")

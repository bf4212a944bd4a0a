# SPDX-License-Identifier: BSD-2-Clause
"""What zone data give: every kind of answer, each before three validators."""

import os
import subprocess

from lib.cases import case, equal, true
from lib.lab import EDGE
from lib.standard import ZONE
from signed import CHILD, Keys, expect, nsec_types, signed_edge, zone_settings
from validators import ALL, Bind, KnotResolver, Unbound

MORE = ZONE + """\
ent.below TXT  "its parent is empty"
one     CNAME   two.wild-text
two     CNAME   one-more
*.wild-text TXT "text of a wildcard"
*.wild-name CNAME mail
one-more A      192.0.2.91
secure  NS      ns.secure
ns.secure A     198.51.100.1
insecure NS     ns.insecure
ns.insecure A   198.51.100.1
big     TXT     {big}
""".format(big=" ".join('"' + "x" * 250 + '"' for _ in range(8)))
# Name, type, and what is expected: RCODE, secure.
QUESTIONS = [
    (name, rtype, "NOERROR", True)
    for name, rtype in (
        ("static", "A"), ("static", "AAAA"), ("static", "MX"), ("many-mx", "MX"), ("svc", "HTTPS"),
        ("text", "TXT"), ("_sip._udp", "SRV"), ("single", "A"), ("double", "A"), ("single", "CNAME"),
        ("anything.texts", "TXT"), ("a.b.c.texts", "TXT"), ("anything.texts", "A"),
        ("*.texts", "TXT"), ("texts", "A"), ("two.wild-text", "TXT"), ("one", "TXT"),
        ("x.wild-name", "A"), ("x.wild-name", "MX"), ("below", "A"), ("below", "TXT"),
        ("big", "TXT"), ("", "SOA"), ("", "NS"), ("", "DNSKEY"), ("", "CDS"), ("", "CDNSKEY"),
        ("", "TXT"), ("secure", "DS"), ("insecure", "DS"), ("child", "DS"),
        ("static", "NSEC"), ("static", "ANY"), ("moved", "DNAME"), ("moved", "A"),
        ("four", "TYPE65401"),
    )
]
# Compact denial: these are NODATA in name, and signed.
ABSENT = [(name, rtype, "NOERROR", True) for name, rtype in (
    ("nothing", "A"), ("not.here.either", "AAAA"), ("x.static", "A"), ("lost", "A"),
    ("x.moved", "A"), ("nothing", "NSEC"))]


def world(bench, algorithm="ECDSAP256SHA256"):
    """The zone, a secure child and one that is not, all at the edge; the keys."""
    keys = Keys(bench)
    keys.make("example.test", algorithm=algorithm)
    child = keys.make("secure.example.test", algorithm=algorithm)
    ds = subprocess.run(["/usr/bin/dnssec-dsfromkey", child + ".key"], check=True,
                        capture_output=True, text=True).stdout
    zones = {"example.test": MORE + ds, "secure.example.test": CHILD,
             "insecure.example.test": CHILD}
    settings = zone_settings(keys, "example.test", "secure.example.test")
    settings.append({"name": "insecure.example.test", "file": "insecure.example.test.zone"})
    return signed_edge(bench, keys, zones, settings), keys


def anchors(keys):
    return {"example.test": keys.records("example.test")}


def full(name):
    return f"{name}.example.test" if name else "example.test"


def judge(validator):
    faults = []
    for name, rtype, rcode, secure in QUESTIONS + ABSENT:
        try:
            expect(validator, full(name), rtype, rcode, secure, tcp=name == "big")
        except AssertionError as fault:
            faults.append(str(fault))
    true(not faults, "\n".join(faults) + "\n" + validator.log()[-1500:])


@case("every kind of answer out of zone data validates at Unbound")
def kinds_unbound(bench):
    _, keys = world(bench)
    validator = Unbound(bench, anchors(keys))
    judge(validator)
    expect(validator, "www.secure.example.test", "A")
    expect(validator, "nothing.secure.example.test", "A")
    expect(validator, "www.insecure.example.test", "A", secure=False)
    expect(validator, "nothing.insecure.example.test", "A", "NXDOMAIN", secure=False)
    true("validation failure" not in validator.log(), validator.log()[-1500:])


@case("every kind of answer out of zone data validates at BIND")
def kinds_bind(bench):
    _, keys = world(bench)
    judge(Bind(bench, anchors(keys)))


@case("every kind of answer validates at Knot Resolver, which asks with Ed25519 keys as well")
def kinds_knot(bench):
    _, keys = world(bench, algorithm="ED25519")
    validator = KnotResolver(bench, anchors(keys))
    for name, rtype in (("static", "A"), ("anything.texts", "TXT"), ("nothing", "A"),
                        ("static", "MX"), ("double", "A"), ("below", "A"), ("insecure", "DS"),
                        ("secure", "DS"), ("one", "TXT")):
        expect(validator, full(name), rtype)


@case("a zone whose anchor is another key does not validate, anywhere")
def wrong_anchor(bench):
    _, keys = world(bench)
    other = Keys(bench, "other")
    other.make("example.test")
    for kind in ALL[:2]:
        validator = kind(bench, anchors(other), zones=["example.test"])
        expect(validator, "static.example.test", "A", "SERVFAIL", secure=False)
        expect(validator, "nothing.example.test", "A", "SERVFAIL", secure=False)


def ask(bench, name, rtype, flags=0x8000, **more):
    return bench.client.ask(name, rtype, edns=True, ednsflags=flags, **more)


@case("a name that is not there is NODATA with NXNAME, and NXDOMAIN to who sets CO or not DO")
def compact(bench):
    world(bench)
    reply = ask(bench, "not.here.example.test", "A")
    equal((reply.rcode, reply.message.ednsflags), ("NOERROR", 0x8000))
    equal(nsec_types(reply), {"not.here.example.test": ["RRSIG", "NSEC", "TYPE128"]})
    for rrset in reply.message.authority:
        if rrset.rdtype == 47:
            equal(rrset[0].next.to_text(), "\\000.not.here.example.test.")
    reply = ask(bench, "not.here.example.test", "A", 0xC000)
    equal((reply.rcode, reply.message.ednsflags), ("NXDOMAIN", 0xC000))
    equal(nsec_types(reply), {"not.here.example.test": ["RRSIG", "NSEC", "TYPE128"]})
    reply = ask(bench, "static.example.test", "A", 0xC000)
    equal((reply.rcode, reply.message.ednsflags), ("NOERROR", 0xC000))
    reply = ask(bench, "not.here.example.test", "A", 0x4000)
    equal((reply.rcode, len(reply.message.authority)), ("NXDOMAIN", 1))
    # An empty non-terminal, a wildcard's NODATA, an owner: what there is, and no NXNAME.
    equal(nsec_types(ask(bench, "below.example.test", "A")),
          {"below.example.test": ["RRSIG", "NSEC"]})
    equal(nsec_types(ask(bench, "x.texts.example.test", "A")),
          {"x.texts.example.test": ["TXT", "RRSIG", "NSEC"]})
    equal(nsec_types(ask(bench, "shop.example.test", "MX")),
          {"shop.example.test": ["A", "AAAA", "RRSIG", "NSEC", "TYPE65401"]})
    equal(nsec_types(ask(bench, "a.child.example.test", "A")),
          {"child.example.test": ["NS", "RRSIG", "NSEC"]})


@case("type NXNAME is FORMERR with EDE 30, over UDP and TCP, in any zone")
def nxname(bench):
    world(bench)
    for name in ("static.example.test", "nothing.example.test", "www.insecure.example.test",
                 "elsewhere.invalid"):
        for tcp in (False, True):
            for _ in range(2):
                reply = bench.client.ask(name, "TYPE128", tcp=tcp)
                equal((reply.rcode, reply.ede), ("FORMERR", 30), f"{name} {tcp}")


@case("what does not fit UDP with its signatures is TC, and whole over TCP")
def truncation(bench):
    world(bench)
    reply = ask(bench, "big.example.test", "TXT")
    true(reply.has("TC") and not reply.message.answer, str(reply))
    reply = ask(bench, "big.example.test", "TXT", tcp=True)
    equal([rrset.rdtype for rrset in reply.message.answer], [16, 46])
    # The records fit, their signature does not.
    reply = ask(bench, "static.example.test", "A", payload=512)
    true(not reply.has("TC"), "fits")
    short = ask(bench, "many-mx.example.test", "MX", payload=512)
    true(short.has("TC") or any(rrset.rdtype == 46 for rrset in short.message.answer),
         "a set without its signature, and no TC")


@case("who does not ask for signatures gets none, in the same zone")
def plain(bench):
    world(bench)
    for name, rtype in (("static", "A"), ("nothing", "A"), ("insecure", "A"), ("x.child", "A")):
        reply = bench.client.ask(full(name), rtype)
        types = {rrset.rdtype for part in (reply.message.answer, reply.message.authority,
                                           reply.message.additional) for rrset in part}
        true(not types & {46, 47, 43}, f"{name}: {types}")


@case("RRSIG can be asked for, by name and type, and says when it was made")
def rrsig(bench):
    world(bench)
    reply = bench.client.ask("static.example.test", "RRSIG")
    equal({item.type_covered for rrset in reply.message.answer for item in rrset}, {1, 28})
    equal(bench.client.ask("nothing.example.test", "RRSIG").rcode, "NXDOMAIN")


@case("delv, asking the edge itself, says what is validated and what is a negative answer")
def by_delv(bench):
    edge, keys = world(bench)
    path = os.path.join(edge.folder, "anchors")
    with open(path, "w") as file:
        record = keys.records("example.test")[0]
        flags, protocol, algorithm, *octets = record.split(" DNSKEY ")[1].split()
        file.write(f'trust-anchors {{ "example.test" static-key {flags} {protocol} {algorithm} '
                   f'"{"".join(octets)}"; }};\n')
    for name, rtype, words in (("static", "A", "fully validated"), ("x.texts", "TXT", "fully"),
                               ("nothing", "A", "negative response, fully validated"),
                               ("static", "MX", "negative response, fully validated")):
        said = bench.lab.client_space.run("delv", f"@{EDGE}", "-a", path, "+root=example.test",
                                          full(name), rtype, check=False)
        true(words in said, f"{name} {rtype}: {said}")

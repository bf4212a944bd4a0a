# SPDX-License-Identifier: BSD-2-Clause
"""Keys that come and go, and epochs that end, while validators ask."""

import os
import time

from lib.cases import case, equal, true
from lib.process import until
from signed import Keys, expect, flags_of, signed_edge, zone_settings
from validators import Bind, Unbound

ZONE = """\
$TTL 1
@ SOA ns host 1 3600 600 86400 1
@ NS ns
ns A 198.51.100.1
www A 192.0.2.92
*.wild TXT "text"
"""
ASKED = [("www", "A"), ("nothing-{number}", "A"), ("x{number}.wild", "TXT"), ("www", "MX"),
         ("", "SOA")]


def ask_on(validators, zones, seconds):
    """Asks all the while; what was not secure, and how many were asked."""
    end, number, faults = time.monotonic() + seconds, 0, []
    while time.monotonic() < end:
        for zone in zones:
            for label, rtype in ASKED:
                name = f"{label.format(number=number)}.{zone}".lstrip(".")
                for validator in validators:
                    reply = validator.ask(name, rtype)
                    if not reply or flags_of(reply) != "NOERROR ad":
                        faults.append(f"{validator.name} {name} {rtype}: {reply}")
                number += 1
        time.sleep(0.02)
    return number, faults


def signer_tags(bench, name, rtype="A"):
    """Tags of the keys whose signatures a reply has."""
    reply = bench.client.ask(name, rtype, ednsflags=0x8000)
    return {item.key_tag for rrset in reply.message.answer if rrset.rdtype == 46
            for item in rrset}


def key_tags(bench, zone):
    reply = bench.client.ask(zone, "DNSKEY", ednsflags=0x8000)
    return {int(item.to_text().split()[0]) for rrset in reply.message.answer
            if rrset.rdtype == 48 for item in rrset}, reply


def tag(stem):
    return int(stem.rsplit("+", 1)[1])


@case("a ZSK and a CSK roll by their times alone, and not one answer is bogus meanwhile")
def rolls(bench):
    keys = Keys(bench)
    keys.make("zsk.test")
    old_zsk = keys.make("zsk.test", "-P", "now-60", "-A", "now-60", "-I", "now+6", "-D", "now+8",
                        ksk=False)
    new_zsk = keys.make("zsk.test", "-P", "now+2", "-A", "now+6", ksk=False)
    old_csk = keys.make("csk.test", "-P", "now-60", "-A", "now-60", "-I", "now+6", "-D", "now+8",
                        algorithm="ED25519")
    new_csk = keys.make("csk.test", "-P", "now+2", "-A", "now+4", algorithm="ED25519")
    signed_edge(bench, keys, {"zsk.test": ZONE, "csk.test": ZONE})
    anchors = {zone: keys.records(zone) for zone in ("zsk.test", "csk.test")}
    validators = [Unbound(bench, anchors, forget=False), Bind(bench, anchors, forget=False)]
    equal(signer_tags(bench, "www.zsk.test"), {tag(old_zsk)})
    equal(signer_tags(bench, "www.csk.test"), {tag(old_csk)})
    number, faults = ask_on(validators, anchors, 9.5)
    true(not faults, f"{len(faults)} of {2 * number}: " + "\n".join(faults[:5]))
    true(number > 300, f"only {number} were asked")
    equal(signer_tags(bench, "www.zsk.test"), {tag(new_zsk)})
    equal(signer_tags(bench, "www.csk.test"), {tag(new_csk)})
    equal(len(key_tags(bench, "zsk.test")[1].records("DNSKEY")), 2)
    equal(len(key_tags(bench, "csk.test")[1].records("DNSKEY")), 1)


@case("keys that are over go on, one kind at a time or all of them, over a restart too")
def forgotten(bench):
    keys = Keys(bench)
    past = ("-P", "now-60", "-A", "now-60")
    ksk = keys.make("ksk.test", *past, "-I", "now+3")
    zsk = keys.make("ksk.test", *past, ksk=False)
    csk = keys.make("csk.test", *past, "-I", "now+3")
    edge = signed_edge(bench, keys, {"ksk.test": ZONE, "csk.test": ZONE})
    anchors = {zone: keys.records(zone) for zone in ("ksk.test", "csk.test")}
    validators = [Unbound(bench, anchors, forget=False), Bind(bench, anchors, forget=False)]

    def secure(seconds):
        number, faults = ask_on(validators, anchors, seconds)
        true(not faults, f"{len(faults)} of {2 * number}: " + "\n".join(faults[:5]))
        equal(signer_tags(bench, "ksk.test", "DNSKEY"), {tag(ksk)})
        equal(signer_tags(bench, "www.ksk.test"), {tag(zsk)})
        equal(signer_tags(bench, "www.csk.test"), {tag(csk)})

    secure(5)
    said = edge.process.log_text()
    for zone in anchors:
        true(f"zone {zone}.: no key is active, or none" in said, said[-800:])
    # A file that is edited, and a daemon that comes again.
    edge.ctl("reload", check=False)
    secure(2)
    edge.stop()
    edge.start()
    secure(2)
    said = edge.ctl("status", check=False)
    true("the last ones go on" in said, said)


def inceptions(bench, *names):
    found = set()
    for name in names:
        reply = bench.client.ask(name, "A", ednsflags=0x8000)
        found |= {item.inception for part in (reply.message.answer, reply.message.authority)
                  for rrset in part if rrset.rdtype == 46 for item in rrset}
    return found


@case("an epoch ends in time, for zone data, denials and flattened addresses, and nobody notices")
def epochs(bench):
    keys = Keys(bench)
    keys.make("example.test")
    flat = ZONE + "cdn ANAME www.cdn.test.\n"
    edge = signed_edge(bench, keys, {"example.test": flat},
                       zone_settings(keys, "example.test", **{"dnssec-validity": "60s"}))
    validator = Unbound(bench, {"example.test": keys.records("example.test")}, forget=False)
    names = ("www.example.test", "nothing.example.test", "cdn.example.test")
    before = inceptions(bench, *names)
    generation = edge.ctl_json("zone-status")["zones"][0]["generation"]
    end = time.monotonic() + 17  # an epoch is a quarter of the validity
    while inceptions(bench, *names) == before and time.monotonic() < end:
        for name in names:
            expect(validator, name, "A")
        time.sleep(0.1)
    after = inceptions(bench, *names)
    equal(len(before), 1, "one epoch")
    equal(after, {before.copy().pop() + 15}, "the next one")
    for name in names:
        expect(validator, name, "A")
    true(edge.ctl_json("zone-status")["zones"][0]["generation"] > generation, "a new generation")
    # The daemon comes again into the same epoch, or the next.
    edge.stop()
    edge.start()
    again = inceptions(bench, *names)
    true(again <= {after.copy().pop(), after.copy().pop() + 15}, f"{again} after {after}")


@case("keys are changed by a reload; bad ones leave the old in place, with file and line")
def reloads(bench):
    keys = Keys(bench)
    first = keys.make("example.test")
    edge = signed_edge(bench, keys, {"example.test": ZONE})
    second = keys.make("example.test", algorithm="ED25519")
    edge.reload()
    equal(signer_tags(bench, "www.example.test"), {tag(first), tag(second)})
    validator = Bind(bench, {"example.test": keys.records("example.test")})
    expect(validator, "www.example.test", "A")
    with open(second + ".private", "a") as file:
        file.write("Activate: yesterday\n")
    edge.ctl("reload", check=False)
    said = edge.process.log_text()
    true(f"{second}.private:7: error: a time is YYYYMMDDHHMMSS" in said, said[-800:])
    equal(signer_tags(bench, "www.example.test"), {tag(first), tag(second)})
    expect(validator, "nothing.example.test", "A")
    for ending in (".key", ".private"):
        os.unlink(first + ending)
        os.unlink(second + ending)
    edge.ctl("reload", check=False)
    true("no key of the zone" in edge.process.log_text(), "no key")
    expect(validator, "nothing-2.example.test", "A")
    # It never was served: it is ours, and we cannot say.
    edge.stop()
    edge.start()
    equal(bench.client.ask("www.example.test", "A").rcode, "SERVFAIL")
    keys.make("example.test")
    edge.reload()
    until(lambda: bench.client.ask("www.example.test", "A").rcode == "NOERROR", "the zone")

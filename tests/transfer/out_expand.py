# SPDX-License-Identifier: BSD-2-Clause
"""out_expand - secondaries that get addresses in the place of ANAMEs, or beside them."""

import os
import signal

from bench import Zone
from lib.cases import case, equal, true
from lib.process import until
from out_peers import (
    EDGE, SECONDARIES, Cdn, Edge, KnotSecondary, NsdSecondary, PdnsSecondary, expanded_lines, kdig, native_lines,
    record_lines,
)

TTL = 1
ONE = {
    "edge.cdn.test.": [("A", "203.0.113.1"), ("A", "203.0.113.2"), ("AAAA", "2001:db8::1")],
    "www.cdn.test.": [("A", "203.0.113.9")],
}
TWO = {
    "edge.cdn.test.": [("A", "203.0.113.1"), ("A", "203.0.113.3"), ("AAAA", "2001:db8::1")],
    "www.cdn.test.": [("A", "203.0.113.9")],
}


def customer():
    return Zone("example.test.", {
        ("example.test.", 120, "ANAME", "edge.cdn.test."),
        ("example.test.", 300, "MX", "10 mail.example.test."),
        ("www.example.test.", 120, "ANAME", "www.cdn.test."),
        ("*.wild.example.test.", 120, "ANAME", "edge.cdn.test."),
        ("mail.example.test.", 300, "A", "192.0.2.25"),
    })


def scene(bench, targets=None, zone=None, ttl=TTL):
    zone = zone or customer()
    cdn = Cdn(bench, targets or ONE, ttl).begin()
    return zone, cdn, Edge(bench, [zone], cdn)


def holds(secondary, zone, targets, both=False, limit_s=30):
    """Waits until the secondary has these addresses; the serial that it has then."""
    def right():
        serial = secondary.serial(zone)
        if serial is None:
            return None
        wanted = expanded_lines(zone, targets, serial, TTL, both)
        return serial if secondary.lines(zone) == wanted else None

    serial = until(right, f"{secondary.kind} to hold the addresses", limit_s, 0.2)
    equal(secondary.lines(zone), expanded_lines(zone, targets, serial, TTL, both))
    return serial


def follows(bench, kind, signed, mode):
    zone, cdn, edge = scene(bench)
    secondary = edge.allow(SECONDARIES[kind](bench, edge, [zone], signed), mode, signed)
    edge.start()
    secondary.start()
    equal(holds(secondary, zone, ONE, mode == "both"), 1, "the first serial")
    before = edge.counted()
    cdn.give(TWO)
    equal(holds(secondary, zone, TWO, mode == "both"), 2, "the serial after the change")
    after = edge.counted()
    equal(after["expanded_changes"], before["expanded_changes"] + 1, "changes")
    true(after["notifies"] > before["notifies"], "no NOTIFY")
    equal(after["ixfr"], before["ixfr"] + 1, "IXFRs")
    equal(after["axfr"] + after["ixfr_as_axfr"], before["axfr"] + before["ixfr_as_axfr"], "whole zones")
    equal(edge.serial(zone.apex, "-b", "127.0.9.9"), 1, "everybody else's serial")
    equal(edge.serial(zone.apex, "-b", secondary.address), 1 if signed else 2, "the secondary's, unsigned")

    zone.change(add=[("new.example.test.", 60, "A", "192.0.2.99")], serial=2)
    edge.publish()
    equal(holds(secondary, zone, TWO, mode == "both"), 3, "the serial after the zone's own change")


for name in SECONDARIES:
    for with_key in (False, True):
        words = "with" if with_key else "without"

        def run(bench, kind=name, signed=with_key):
            follows(bench, kind, signed, "expand")

        case(f"expand to {name}: a changed address comes by NOTIFY and IXFR, {words} TSIG")(run)


@case("expand: both: pdns has ALIAS and addresses, knotd the record and addresses")
def both(bench):
    zone, cdn, edge = scene(bench)
    pdns = edge.allow(PdnsSecondary(bench, edge, [zone]), "both")
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "both")
    edge.start()
    pdns.start()
    knot.start()
    for secondary in (pdns, knot):
        holds(secondary, zone, ONE, both=True)
    cdn.give(TWO)
    for secondary in (pdns, knot):
        equal(holds(secondary, zone, TWO, both=True), 2)


@case("expand: native, expand and both side by side, each with its own serial")
def side_by_side(bench):
    zone, cdn, edge = scene(bench)
    native = edge.allow(NsdSecondary(bench, edge, [zone]))
    expand = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    pdns = edge.allow(PdnsSecondary(bench, edge, [zone]), "both")
    edge.start()
    for secondary in (native, expand, pdns):
        secondary.start()
    native.has(zone, 1)
    holds(expand, zone, ONE)
    holds(pdns, zone, ONE, both=True)
    cdn.give(TWO)
    equal(holds(expand, zone, TWO), 2)
    equal(holds(pdns, zone, TWO, both=True), 2)
    equal(native.serial(zone), 1, "the native serial")
    equal(native.lines(zone), native_lines(zone), "the native zone")
    zone.change(add=[("new.example.test.", 60, "A", "192.0.2.99")], serial=10)
    edge.publish()
    for secondary in (native, expand, pdns):
        secondary.has(zone, 10)
    equal(native.lines(zone), native_lines(zone), "the native zone")


@case("expand: a dead CDN leaves the last good addresses, a target that never was harms nobody")
def last_good(bench):
    zone = customer()
    zone.records.add(("dead.example.test.", 120, "ANAME", "never.elsewhere.test."))
    zone, cdn, edge = scene(bench, zone=zone)
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    edge.start()
    knot.start()
    holds(knot, zone, ONE)
    cdn.kill()
    zone.change(add=[("new.example.test.", 60, "A", "192.0.2.99")])
    edge.publish()
    knot.has(zone, 2)
    equal(knot.lines(zone), expanded_lines(zone, ONE, 2, TTL), "with the CDN dead")
    for _ in range(3):
        failures = edge.tell("stats")
        until(lambda: edge.tell("stats") != failures, "time to pass", 10, 0.5)
    equal(knot.serial(zone), 2, "nothing has moved")
    cdn.zones[0] = Zone("cdn.test.", cdn.records(TWO), serial=5)
    cdn.begin()
    equal(holds(knot, zone, TWO), 3, "the CDN is back")


@case("expand: the serial outlives a stop and a kill, and never goes back")
def survives(bench):
    zone, cdn, edge = scene(bench)
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    edge.start()
    knot.start()
    holds(knot, zone, ONE)
    cdn.give(TWO)
    equal(holds(knot, zone, TWO), 2)

    def serial():
        return edge.serial(zone.apex, "-b", knot.address)

    for number in (signal.SIGTERM, signal.SIGKILL):
        edge.stop(number)
        edge.start()
        until(lambda: serial() is not None, "the expanded zone", 10)
        equal(serial(), 2, f"serial after signal {number}")
    edge.kill()
    cdn.give(ONE)
    edge.start()
    equal(holds(knot, zone, ONE), 3, "changed while it was down")
    edge.kill()
    os.unlink(edge.path("state/expanded"))
    edge.start()
    until(lambda: serial() == 1, "without its file it begins anew", 10)


@case("expand: flattened CNAMEs give way to addresses, and stand where there are none")
def cnames(bench):
    zone = Zone("example.test.", {
        ("www.example.test.", 120, "CNAME", "www.cdn.test."),
        ("none.example.test.", 120, "CNAME", "none.cdn.test."),
        ("other.example.test.", 120, "CNAME", "mail.example.test."),
    })
    zone, cdn, edge = scene(bench, zone=zone)
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    configure = edge.configure

    def flattening():
        path = configure()
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("    secondaries:", "    flatten-cnames: all\n    secondaries:"))
        return path

    edge.configure = flattening
    edge.start()
    knot.start()
    knot.has(zone, 1)
    lines = knot.lines(zone)
    true("www.example.test. 1 A 203.0.113.9" in lines, lines)
    true("www.example.test. 120 CNAME www.cdn.test." not in lines, lines)
    true("none.example.test. 120 CNAME none.cdn.test." in lines, lines)


@case("expand: kdig with IXFR sees the change of addresses and nothing else")
def difference(bench):
    zone, cdn, edge = scene(bench)
    edge.secondaries.append({"address": "127.0.2.2", "mode": "expand", "notify": "no"})
    edge.start()
    ask = lambda: record_lines(kdig(EDGE, edge.port, "-b", "127.0.2.2", zone.apex, "IXFR=1"))  # noqa: E731
    until(lambda: len(ask()) == 1, "the expanded zone")
    cdn.give(TWO)
    until(lambda: len(ask()) == 8, "the difference")
    lines = ask()
    equal([int(line.split()[5]) for line in (lines[0], lines[1], lines[4], lines[7])], [2, 1, 2, 2], "serials")
    equal(sorted(lines[2:4]), ["*.wild.example.test. 1 A 203.0.113.2", "example.test. 1 A 203.0.113.2"])
    equal(sorted(lines[5:7]), ["*.wild.example.test. 1 A 203.0.113.3", "example.test. 1 A 203.0.113.3"])

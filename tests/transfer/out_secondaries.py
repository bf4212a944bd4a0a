# SPDX-License-Identifier: BSD-2-Clause
"""out_secondaries - zones to each real secondary: AXFR, NOTIFY, IXFR, with and without TSIG."""

from bench import Zone, some_records
from lib.cases import case, equal, true
from lib.process import until
from out_peers import EDGE, SECONDARIES, Edge, KnotSecondary, kdig, native_lines, record_lines


def two_transfers(bench, kind, signed):
    zone = Zone("example.test.", some_records("example.test."))
    edge = Edge(bench, [zone])
    secondary = edge.allow(SECONDARIES[kind](bench, edge, [zone], signed), signed=signed)
    edge.start()
    secondary.start()
    secondary.has(zone, 1)
    equal(secondary.lines(zone), native_lines(zone), "after AXFR")
    before = edge.counted()

    zone.change(
        add=[("new.example.test.", 60, "A", "203.0.113.1"), ("h1.example.test.", 60, "A", "203.0.113.2"),
             ("www.example.test.", 120, "ANAME", "other.cdn.test.")],
        remove=[("h0.example.test.", 60, "A", "198.51.0.1"), ("www.example.test.", 120, "ANAME", "www.cdn.test.")],
    )
    edge.publish()
    secondary.has(zone, 2)
    equal(secondary.lines(zone), native_lines(zone), "after NOTIFY")
    zone.change(add=[("newer.example.test.", 60, "A", "203.0.113.3")])
    edge.publish()
    secondary.has(zone, 3)
    equal(secondary.lines(zone), native_lines(zone), "after another")
    after = edge.counted()
    true(after["notifies"] >= 3, after)
    true(after["ixfr"] >= before["ixfr"] + 2, f"no IXFR: {after}")
    equal(after["axfr"] + after["ixfr_as_axfr"], before["axfr"] + before["ixfr_as_axfr"], "whole zones")
    equal(after["notify_failures"], 0, "NOTIFYs that failed")


for name in SECONDARIES:
    for with_key in (False, True):
        words = "with" if with_key else "without"

        def run(bench, kind=name, signed=with_key):
            two_transfers(bench, kind, signed)

        case(f"to {name}: AXFR, then NOTIFY and IXFR twice, {words} TSIG")(run)


@case("to knotd: what was missed while the secondary was down comes by one condensed IXFR")
def condensed(bench):
    zone = Zone("example.test.", some_records("example.test."))
    edge = Edge(bench, [zone])
    secondary = edge.allow(KnotSecondary(bench, edge, [zone]))
    edge.start()
    secondary.start().has(zone, 1)
    secondary.stop()
    for number in range(5):
        zone.change(add=[("moving.example.test.", 60, "A", f"203.0.113.{number + 1}")],
                    remove=[("moving.example.test.", 60, "A", f"203.0.113.{number}")])
        edge.publish()
        until(lambda: edge.serial(zone.apex) == zone.serial, "the edge's reload")
    diff = None

    def whole_way():
        nonlocal diff
        diff = record_lines(kdig(EDGE, edge.port, "-b", secondary.address, zone.apex, "IXFR=1"))
        return len(diff) == 5

    until(whole_way, "the history")
    equal(diff[3], "moving.example.test. 60 A 203.0.113.5", "what is added")
    before = edge.counted()
    secondary.start().has(zone, 6)
    equal(secondary.lines(zone), native_lines(zone))
    equal(edge.counted()["ixfr"], before["ixfr"] + 1, "IXFRs")


@case("strangers, wrong keys, and UDP get nothing; kdig with the right key gets all")
def refused(bench):
    zone = Zone("example.test.", some_records("example.test."))
    edge = Edge(bench, [zone])
    edge.allow(KnotSecondary(bench, edge, [zone], True), signed=True)
    address = edge.secondaries[0]["address"].split("@")[0]
    edge.start()
    from bench import KEY_NAME, KEY_SECRET

    right = f"hmac-sha256:{KEY_NAME}:{KEY_SECRET}"
    wrong = f"hmac-sha256:{KEY_NAME}:AAAA{KEY_SECRET[4:]}"
    other = f"hmac-sha256:other.key:{KEY_SECRET}"

    def ask(*words):
        return kdig(EDGE, edge.port, *words, zone.apex)

    equal(set(record_lines(ask("-b", address, "-y", right, "AXFR"))), native_lines(zone), "with the key")
    for words, status in (
        (("-b", address, "AXFR"), "REFUSED"),
        (("-b", "127.0.9.9", "-y", right, "AXFR"), "REFUSED"),
        (("-b", address, "-y", wrong, "AXFR"), "NOTAUTH"),
        (("-b", address, "-y", other, "AXFR"), "NOTAUTH"),
        (("-b", address, "-y", right, "+notcp", "AXFR"), "FORMERR"),
    ):
        text = ask(*words)
        equal(record_lines(text), [], words)
        true(status in text or "failed" in text.lower(), f"{words}: {text}")
    equal(edge.counted()["refused"], 2, "refused (bad signatures are the server's)")


@case("the octets of a zone are those that knotd sends of the same file")
def same_as_knotd(bench):
    from in_peers import Knotd

    zone = Zone("example.test.", some_records("example.test.", 2000))
    knot = Knotd(bench, [zone]).begin()
    edge = Edge(bench, [zone])
    edge.secondaries.append({"address": "127.0.0.0/8"})
    edge.start()
    theirs = record_lines(kdig("127.0.0.1", knot.port, zone.apex, "AXFR"))
    ours = record_lines(kdig(EDGE, edge.port, zone.apex, "AXFR"))
    equal(sorted(ours), sorted(theirs))
    equal(ours[0], theirs[0], "first record")
    equal(ours[-1], theirs[-1], "last record")

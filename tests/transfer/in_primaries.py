# SPDX-License-Identifier: BSD-2-Clause
"""in_primaries - zones from each real primary, with and without TSIG."""

from bench import Zone, some_records
from in_peers import PRIMARIES, Host
from lib.cases import case, equal, true


def two_transfers(bench, kind, signed):
    zone = Zone("example.test.", some_records("example.test."))
    host = Host(bench, {}, signed)
    primary = PRIMARIES[kind](bench, [zone], signed, host.port).begin()
    host.zones = {zone.apex: [primary.port]}
    host.start()
    host.installed(zone)
    equal(host.dump(zone), zone.lines(), "after AXFR")
    equal(host.status(zone)["last_transfer"], "AXFR")

    zone.change(
        add=[("new.example.test.", 60, "A", "203.0.113.1"), ("h1.example.test.", 60, "A", "203.0.113.2"),
             ("www.example.test.", 120, "ANAME", "other.cdn.test.")],
        remove=[("h0.example.test.", 60, "A", "198.51.0.1"), ("www.example.test.", 120, "ANAME", "www.cdn.test.")],
    )
    primary.publish()
    host.installed(zone)
    equal(host.dump(zone), zone.lines(), "after NOTIFY")
    status = host.status(zone)
    if primary.ixfr:
        equal(status["last_transfer"], "IXFR", "transfer")
    true("error" not in status, status)
    true(host.tell("stats")["notifies"] >= 1, "no NOTIFY was counted")
    equal(host.quit(), 0, "exit status")


for name in PRIMARIES:
    for with_key in (False, True):
        words = "with" if with_key else "without"

        def run(bench, kind=name, signed=with_key):
            two_transfers(bench, kind, signed)

        case(f"{name}: AXFR, then NOTIFY and a change, {words} TSIG")(run)

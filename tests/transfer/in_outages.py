# SPDX-License-Identifier: BSD-2-Clause
"""in_outages - primaries that die and return, expiry, restarts, several primaries, many records."""

import os
import time

from bench import Zone, some_records
from in_peers import Host, Knotd, Named, Pdns
from lib.cases import case, equal, true
from lib.process import until


def served(host, zone, what):
    equal(host.dump(zone), zone.lines(), what)


@case("a primary that was killed and returns with a newer zone is followed at RETRY")
def returning(bench):
    zone = Zone("example.test.", some_records("example.test."), refresh=1, retry=1)
    primary = Knotd(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    primary.kill()
    host.until_error(zone, "connection refused")
    served(host, zone, "without the primary")
    zone.change(add=[("back.example.test.", 60, "A", "203.0.113.9")])
    primary.begin()
    host.installed(zone)
    served(host, zone, "after its return")
    true("error" not in host.status(zone), "the error is over")


@case("a zone expires when no primary confirms it, and lives again by the same serial")
def expiry(bench):
    zone = Zone("example.test.", some_records("example.test."), refresh=1, retry=1, expire=3)
    primary = Named(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    primary.stop()
    begin = time.monotonic()
    host.await_event("expired", zone=zone.apex, expired=True)
    took = time.monotonic() - begin
    true(1.5 < took < 4, f"expired after {took:.1f} s")
    true(host.status(zone)["expired"], "status")
    primary.start()
    host.await_event("expired", zone=zone.apex, expired=False)
    true(not host.status(zone)["expired"], "status")
    equal(host.tell("stats")["expired"], 1)
    equal(host.tell("stats")["axfr"], 1, "the data was not transferred again")


@case("a restart with the primary dead has the data from disk; expiry counts on over it")
def restart(bench):
    zone = Zone("example.test.", some_records("example.test."), refresh=2, retry=1, expire=5)
    primary = Knotd(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    primary.kill()
    killed = time.monotonic()
    host.kill()
    time.sleep(1)  # time that passes without anybody is what this is about
    host.start()
    served(host, zone, "from disk")
    host.await_event("expired", zone=zone.apex, expired=True)
    took = time.monotonic() - killed
    true(4 < took < 6.5, f"expired {took:.1f} s after the last word of the primary")
    host.kill()
    host.start()
    host.await_event("expired", zone=zone.apex, expired=True, limit_s=2)
    primary.start()
    host.await_event("expired", zone=zone.apex, expired=False)
    served(host, zone, "after the primary's return")


@case("several primaries are asked in order, and the one that notifies first")
def several(bench):
    old = Zone("example.test.", some_records("example.test."), refresh=1, retry=1)
    new = Zone("example.test.", some_records("example.test.", 30), serial=2, refresh=1, retry=1)
    host = Host(bench, {})
    first = Knotd(bench, [old]).begin()
    second = Named(bench, [new]).begin()
    host.zones = {old.apex: [first.port, second.port]}
    host.start()
    host.installed(old)
    first.kill()
    host.installed(new)
    served(host, new, "from the second")
    first.begin()
    # The first is behind now: the second confirms.
    before = host.tell("stats")["up_to_date"]
    until(lambda: host.tell("stats")["up_to_date"] > before + 1, "a confirmation")
    equal(host.status(new)["serial"], 2)
    true(not host.status(new)["expired"], "alive")


@case("serials are compared as RFC 1982 has it: 4294967295 is followed by 5")
def serials(bench):
    zone = Zone("example.test.", some_records("example.test."), serial=4294967295)
    host = Host(bench, {})
    primary = Knotd(bench, [zone], tell=host.port).begin()
    host.zones = {zone.apex: [primary.port]}
    host.start()
    host.installed(zone)
    zone.change(add=[("new.example.test.", 60, "A", "203.0.113.9")], serial=5)
    primary.publish()
    host.installed(zone)
    served(host, zone, "after the wrap")


@case("100 000 records come by AXFR, a change of 1 000 by IXFR, and all of it outlives a restart")
def many(bench):
    records = {(f"h{n}.example.test.", 60, "A", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(100_000)}
    zone = Zone("example.test.", records)
    host = Host(bench, {})
    primary = Knotd(bench, [zone], tell=host.port).begin()
    host.zones = {zone.apex: [primary.port]}
    host.start()
    host.installed(zone, 60)
    served(host, zone, "after AXFR")
    gone = {item for item in zone.records if item[0].startswith("h77")}
    zone.change(remove=gone, add={(f"n{n}.example.test.", 60, "AAAA", f"2001:db8::{n + 1:x}") for n in range(1000)})
    primary.publish()
    host.installed(zone, 60)
    equal(host.status(zone)["last_transfer"], "IXFR")
    served(host, zone, "after IXFR")
    primary.kill()
    equal(host.quit(), 0, "exit status")
    host.start()
    served(host, zone, "from disk")


@case("ALIAS records of PowerDNS are ANAMEs, at the apex and below")
def alias(bench):
    zone = Zone("example.test.", some_records("example.test."))
    primary = Pdns(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    lines = host.dump(zone)
    true("example.test. 120 ANAME edge.cdn.test." in lines, "the apex")
    true("www.example.test. 120 ANAME www.cdn.test." in lines, "below")


@case("an operator's refresh and retransfer are obeyed")
def by_hand(bench):
    zone = Zone("example.test.", some_records("example.test."))
    primary = Knotd(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    zone.change(add=[("new.example.test.", 60, "A", "203.0.113.9")])
    primary.publish()
    host.tell("refresh", zone.apex)
    host.installed(zone)
    equal(host.status(zone)["last_transfer"], "IXFR")
    equal(host.tell("retransfer", zone.apex)["result"], 0)
    host.installed(zone)
    equal(host.status(zone)["last_transfer"], "AXFR")
    true(host.tell("refresh", "nowhere.test.")["result"] < 0, "an unknown zone")


@case("what is kept has the apex as its name, and nothing half-written stays behind")
def files(bench):
    zone = Zone("a-b.example.test.", some_records("a-b.example.test."))
    primary = Knotd(bench, [zone]).begin()
    host = Host(bench, {zone.apex: [primary.port]}).start()
    host.installed(zone)
    equal(os.listdir(os.path.join(host.state, "zones")), ["a-b.example.test.zone"])

# SPDX-License-Identifier: BSD-2-Clause
"""in_daemon - anamed itself as a secondary: what clients see, and under load."""

import json
import os
import signal
import subprocess
import threading
import time

import dns.message
import dns.query
import dns.rcode

from bench import Server, Zone, some_records
from in_hostile import Hostile, honest
from in_peers import Knotd, Named, Pdns, secondary_text
from lib.cases import case, equal, true
from lib.process import until


class Anamed(Server):
    """build/anamed: `zones` maps apexes to ports of primaries."""

    def __init__(self, bench, zones=None, signed=False, catalogs=()):
        super().__init__(bench, "anamed")
        self.zones, self.signed, self.catalogs = zones or {}, signed, catalogs
        os.makedirs(self.path("state"), exist_ok=True)
        bench.add(self)

    def configure(self):
        return self.write("conf", f"""{secondary_text(self)}upstreams:
  - address: 127.0.0.1@1
maps:
  pin-dir: {self.path("pins")}
server:
  control-socket: {self.path("socket")}
  state-dir: {self.path("state")}
  workers: 1
""")

    def start(self):
        self.remember_log()
        self.spawn(os.path.join(self.bench.build, "anamed"), "--config", self.configure())
        self.await_log(" answers")
        return self

    def ctl(self, *words):
        done = subprocess.run([os.path.join(self.bench.build, "anamectl"), "--config", self.path("conf"), "-j", *words],
                              check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def ask(self, name, rtype="A", timeout=2):
        return dns.query.udp(dns.message.make_query(name, rtype), "127.0.0.1", port=self.port, timeout=timeout)

    def rcode(self, name, rtype="A"):
        return dns.rcode.to_text(self.ask(name, rtype).rcode())

    def addresses(self, name):
        return sorted(item.address for rrset in self.ask(name).answer for item in rrset if rrset.rdtype == 1)

    def serial(self, apex):
        answer = self.ask(apex, "SOA").answer
        return answer[0][0].serial if answer else None

    def until_serial(self, zone, limit_s=10):
        until(lambda: self.serial(zone.apex) == zone.serial, f"serial {zone.serial}", limit_s)


class Watch:
    """Asks for one name without a pause until it is told to stop; counts what is not right."""

    def __init__(self, edge, name, right):
        self.edge, self.name, self.right = edge, name, right
        self.asked, self.wrong = 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            try:
                found = self.edge.addresses(self.name)
                if found not in self.right:
                    self.wrong.append(found)
            except Exception as fault:
                self.wrong.append(repr(fault))
            self.asked += 1

    def end(self):
        self.over.set()
        self.thread.join()
        equal(self.wrong[:5], [], f"of {self.asked} answers")
        true(self.asked > 20, f"only {self.asked} questions")


def changing_name(zone, number):
    return (f"change.{zone.apex}", 60, "A", f"203.0.113.{number}")


@case("anamed: NOTIFY brings new data within a second, under load, with nothing lost or mixed")
def under_load(bench):
    zone = Zone("example.test.", some_records("example.test.", 2000) | {changing_name(Zone("example.test."), 1)})
    edge = Anamed(bench)
    primary = Knotd(bench, [zone], tell=edge.port).begin()
    edge.zones = {zone.apex: [primary.port]}
    edge.start()
    edge.until_serial(zone)
    rights = [[f"203.0.113.{number}"] for number in range(1, 8)]
    watch = Watch(edge, f"change.{zone.apex}", rights)
    still = Watch(edge, f"h7.{zone.apex}", [["198.51.0.8"]])
    times = []
    for number in range(2, 8):
        zone.change(add=[changing_name(zone, number)], remove=[changing_name(zone, number - 1)])
        primary.publish()
        begin = time.monotonic()
        edge.until_serial(zone)
        times.append(time.monotonic() - begin)
        equal(edge.addresses(f"change.{zone.apex}"), rights[number - 1])
    # Changes that follow each other closely are gathered, the more the busier the machine is.
    true(min(times) < 1, f"changes took {times}")
    primary.kill()
    watch.end()
    still.end()


@case("anamed: 100 000 records, under load, while the primary changes, is killed, and returns")
def many_under_load(bench):
    apex = "example.test."
    records = {(f"h{n}.{apex}", 60, "A", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(100_000)}
    zone = Zone(apex, records | {changing_name(Zone(apex), 1)}, refresh=1, retry=1)
    edge = Anamed(bench)
    primary = Knotd(bench, [zone], tell=edge.port).begin()
    edge.zones = {apex: [primary.port]}
    edge.start()
    edge.until_serial(zone, 60)
    rights = [[f"203.0.113.{number}"] for number in range(1, 4)]
    watch = Watch(edge, f"change.{apex}", rights)
    still = Watch(edge, f"h99999.{apex}", [["10.1.134.159"]])
    for number in (2, 3):
        zone.change(add=[changing_name(zone, number)], remove=[changing_name(zone, number - 1)])
        if number == 3:
            primary.kill()
            until(lambda: "refused" in json.dumps(edge.ctl("zone-status", apex)), "the primary to be missed")
            primary.begin()
        else:
            primary.publish()
        edge.until_serial(zone, 60)
        equal(edge.addresses(f"change.{apex}"), rights[number - 1])
    watch.end()
    still.end()


@case("anamed: SERVFAIL before the first transfer and after EXPIRE, data between and after")
def states(bench):
    zone = Zone("example.test.", some_records("example.test."), refresh=1, retry=1, expire=3)
    edge = Anamed(bench)
    primary = Named(bench, [zone])
    edge.zones = {zone.apex: [primary.port]}
    edge.start()
    equal(edge.rcode(f"h1.{zone.apex}"), "SERVFAIL", "before")
    equal(edge.rcode("elsewhere.test."), "REFUSED", "another zone")
    primary.begin()
    edge.until_serial(zone)
    equal(edge.rcode(f"h1.{zone.apex}"), "NOERROR")
    primary.kill()
    until(lambda: edge.rcode(f"h1.{zone.apex}") == "SERVFAIL", "expiry", 6)
    primary.start()
    until(lambda: edge.rcode(f"h1.{zone.apex}") == "NOERROR", "recovery", 6)


@case("anamed: a restart with every primary dead serves from disk at once, members of catalogs too")
def from_disk(bench):
    zone = Zone("example.test.", some_records("example.test."))
    member = Zone("member.test.", some_records("member.test."))
    catalog = catalog_of({"one": member.apex})
    edge = Anamed(bench, catalogs=[catalog.apex])
    primary = Knotd(bench, [zone, member, catalog]).begin()
    edge.zones = {zone.apex: [primary.port], catalog.apex: [primary.port]}
    edge.start()
    edge.until_serial(zone)
    edge.until_serial(member)
    primary.kill()
    edge.kill()
    edge.start()
    equal(edge.addresses(f"h1.{zone.apex}"), ["198.51.0.2"])
    equal(edge.addresses(f"h1.{member.apex}"), ["198.51.0.2"])


@case("anamed: a hostile primary leaves the old data serving, under load, and zone-status says why")
def hostile(bench):
    zone = Zone("example.test.", {item for item in some_records("example.test.") if item[2] != "ANAME"})
    primary = Hostile(zone)
    bench.stack.callback(primary.close)
    edge = Anamed(bench, {zone.apex: [primary.port]}).start()
    edge.until_serial(zone)
    watch = Watch(edge, f"h1.{zone.apex}", [["198.51.0.2"]])
    zone.change()
    primary.behave = lambda conn, query, _: conn.sendall(b"\0\x10" + os.urandom(16))
    edge.ctl("zone-refresh", zone.apex)
    until(lambda: "another id" in json.dumps(edge.ctl("zone-status", zone.apex)), "the error in zone-status")
    until(lambda: "another id" in edge.log_text(), "the error in the log")
    primary.behave = honest
    edge.ctl("zone-refresh", zone.apex)
    edge.until_serial(zone)
    watch.end()


@case("anamed: PowerDNS' ALIAS records are answered as ANAMEs")
def alias(bench):
    zone = Zone("example.test.", some_records("example.test.") | {("here.example.test.", 60, "ANAME", "h3.example.test.")})
    primary = Pdns(bench, [zone]).begin()
    edge = Anamed(bench, {zone.apex: [primary.port]}).start()
    edge.until_serial(zone)
    until(lambda: edge.addresses("here.example.test.") == ["198.51.0.4"], "a flattened answer")
    found = edge.ask("here.example.test.", 65401).answer
    equal([rrset.rdtype for rrset in found], [65401])


# ---- catalogs ----


def catalog_of(members, apex="catalog.test.", serial=1, version="2"):
    """A catalog zone (RFC 9432): `members` maps labels to apexes."""
    zone = Zone(apex, serial=serial)
    zone.records = {(apex, 0, "NS", "invalid."), (f"version.{apex}", 0, "TXT", f'"{version}"')}
    zone.records |= {(f"{label}.zones.{apex}", 0, "PTR", member) for label, member in members.items()}
    return zone


def come_and_go(bench, kind, signed):
    members = [Zone(f"m{number}.test.", some_records(f"m{number}.test.", 3)) for number in range(4)]
    catalog = catalog_of({f"id{number}": zone.apex for number, zone in enumerate(members[:2])})
    edge = Anamed(bench, signed=signed, catalogs=[catalog.apex])
    primary = kind(bench, [catalog] + members, signed, edge.port).begin()
    edge.zones = {catalog.apex: [primary.port]}
    edge.start()
    for zone in members[:2]:
        edge.until_serial(zone)
    pid = edge.child.pid
    equal(edge.rcode(f"h1.{members[2].apex}"), "REFUSED", "not a member yet")
    watch = Watch(edge, f"h1.{members[1].apex}", [["198.51.0.2"]])

    catalog.change(add=[(f"id2.zones.{catalog.apex}", 0, "PTR", members[2].apex)],
                   remove=[(f"id0.zones.{catalog.apex}", 0, "PTR", members[0].apex)])
    primary.publish()
    edge.until_serial(members[2])
    until(lambda: edge.rcode(f"h1.{members[0].apex}") == "REFUSED", "the first member to go")
    gone = os.path.join(edge.path("state"), "zones", f"{members[0].apex}zone")
    until(lambda: not os.path.exists(gone), "its file to go")

    # Broken: two PTR records at one member. The old membership stays.
    catalog.change(add=[(f"id1.zones.{catalog.apex}", 0, "PTR", members[3].apex)],
                   remove=[(f"id2.zones.{catalog.apex}", 0, "PTR", members[2].apex)])
    primary.publish()
    until(lambda: "more than one PTR" in json.dumps(edge.ctl("zone-status", catalog.apex)), "the fault")
    equal(edge.rcode(f"h1.{members[2].apex}"), "NOERROR", "still a member")
    equal(edge.rcode(f"h1.{members[3].apex}"), "REFUSED", "no member")

    catalog.change(add=[(f"id3.zones.{catalog.apex}", 0, "PTR", members[3].apex)],
                   remove=[(f"id1.zones.{catalog.apex}", 0, "PTR", members[3].apex)])
    primary.publish()
    edge.until_serial(members[3])
    until(lambda: edge.rcode(f"h1.{members[2].apex}") == "REFUSED", "the third member to go")
    edge.child.send_signal(signal.SIGHUP)
    edge.await_log("reloaded")
    equal(edge.rcode(f"h1.{members[3].apex}"), "NOERROR", "after a reload")
    equal(edge.child.pid, pid)
    watch.end()


@case("anamed: members of knotd's catalog come and go; a broken catalog changes nothing")
def knot_catalog(bench):
    come_and_go(bench, Knotd, False)


@case("anamed: members of named's catalog come and go, signed")
def named_catalog(bench):
    come_and_go(bench, Named, True)


@case("anamed: a loop across members of a catalog is found when it comes, and forgotten when it goes")
def loops(bench):
    zones = [Zone(f"{name}.test.", {("x." + f"{name}.test.", 60, "CNAME", f"x.{other}.test.")})
             for name, other in (("a", "b"), ("b", "c"))]
    catalog = catalog_of({"1": "a.test.", "2": "b.test."})
    edge = Anamed(bench, catalogs=[catalog.apex])
    primary = Knotd(bench, [catalog] + zones, tell=edge.port).begin()
    edge.zones = {catalog.apex: [primary.port]}
    edge.start()

    def faults():
        return sorted(fault["zone"] for fault in edge.ctl("status")["faults"])

    for zone in zones:
        edge.until_serial(zone)
    equal(faults(), [])
    chain = [("x.b.test.", 60, "CNAME", "x.c.test."), ("x.b.test.", 60, "CNAME", "x.a.test.")]
    zones[1].change(add=chain[1:], remove=chain[:1])
    primary.publish()
    until(lambda: faults() == ["a.test.", "b.test."], "the loop to be found")
    zones[1].change(add=chain[:1], remove=chain[1:])
    primary.publish()
    until(lambda: faults() == [], "the loop to be forgotten")


@case("anamed: a catalog of 300 members is followed")
def large_catalog(bench):
    members = [Zone(f"m{number}.test.") for number in range(300)]
    catalog = catalog_of({f"id{number}": zone.apex for number, zone in enumerate(members)})
    edge = Anamed(bench, catalogs=[catalog.apex])
    primary = Knotd(bench, [catalog] + members).begin()
    edge.zones = {catalog.apex: [primary.port]}
    edge.start()
    for zone in members:
        edge.until_serial(zone, 30)
    catalog.records = {item for item in catalog.records if "PTR" not in item or item[0].startswith("id1")}
    catalog.change()
    primary.publish()
    edge.ctl("zone-refresh", catalog.apex)
    until(lambda: edge.rcode("m299.test.", "SOA") == "REFUSED", "most to go")
    equal(edge.rcode("m100.test.", "SOA"), "NOERROR")

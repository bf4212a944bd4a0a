# SPDX-License-Identifier: BSD-2-Clause
"""Zones from a primary and members of a catalog, as an operator has them: knotd is the primary."""

import os
import tempfile

from lib.ask import Client
from lib.cases import case, equal, true
from lib.check import until_from_kernel
from lib.lab import CDN, EDGE
from lib.peers import KNOTC, KNOTD, knot_server
from lib.process import Process, copy_binary, until
from lib.standard import NET1, ZONES, edge_config

PORT = 5300
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

CONF = knot_server("{address}@{port}", tcp_workers=2) + """\
key:
  - id: k1
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: edge
    address: {edge}@53
    key: k1
acl:
  - id: transfers
    address: 198.51.100.0/24
    key: k1
    action: transfer
template:
  - id: default
    storage: "{folder}"
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
    serial-policy: increment
    notify: edge
    acl: transfers
    file: "%s.zone"
  - id: member
    storage: "{folder}"
    file: member.zone
    notify: edge
    acl: transfers
    catalog-role: member
    catalog-zone: catalog.test
zone:
  - domain: catalog.test
    catalog-role: generate
    serial-policy: unixtime
    zonefile-load: none
  - domain: moved.test
{members}
"""

DATA = """\
@ 60 IN SOA ns host {serial} 60 1 {expire} 60
@ 60 IN NS ns
ns 60 IN A 192.0.2.1
www 60 IN A 192.0.2.{number}
"""


class Primary:
    """knotd with moved.test and a catalog."""

    def __init__(self, bench):
        # For NOTIFY: the way to the service's address.
        bench.lab.cdn_space.ip("route", "replace", f"{EDGE}/32", "via", "198.51.100.49")
        self.client = Client(bench.lab.edge_space, CDN, PORT)
        self.folder = tempfile.mkdtemp(prefix="primary-", dir=bench.lab.folder)
        self.knotc = copy_binary(KNOTC, bench.lab.folder)
        self.write_data("moved.test", 80)
        self.write_data("member", 81)
        self.write("a.test", "b.test")
        self.process = Process(
            bench.lab.cdn_space, [copy_binary(KNOTD, bench.lab.folder), "-c", self.conf],
            os.path.join(self.folder, "log"))
        bench.stack.callback(self.process.stop)

    @property
    def conf(self):
        return os.path.join(self.folder, "knot.conf")

    def write(self, *members):
        self.members = members
        entries = "".join(f"  - domain: {name}\n    template: member\n" for name in members)
        with open(self.conf, "w") as file:
            file.write(CONF.format(address=CDN, port=PORT, folder=self.folder, secret=SECRET,
                                   edge=EDGE, members=entries))

    def write_data(self, name, number, serial=1, expire=86400):
        with open(os.path.join(self.folder, f"{name}.zone"), "w") as file:
            file.write(DATA.format(number=number, serial=serial, expire=expire))

    def start(self):
        """Returns when all its zones are there."""
        self.process.start()
        for name in ("moved.test", *self.members): # a catalog it tells to no one
            until(lambda: self.has(name), f"knotd to have {name}")
        return self

    def has(self, name):
        reply = self.client.ask(name, "SOA", edns=False, timeout_s=0.2)
        return reply is not None and reply.rcode == "NOERROR"

    def reload(self):
        self.process.space.run(self.knotc, "-s", os.path.join(self.folder, "knot.sock"), "reload")


def config(**moved):
    primaries = [{"address": f"{CDN}@{PORT}", "key": "k1"}]
    return edge_config(
        keys=[{"name": "k1", "secret": SECRET}],
        zones=[
            {"name": "example.test", "file": "example.test.zone"},
            {"name": "catalog.test", "catalog": True, "primaries": primaries},
            {"name": "moved.test", **({"primaries": primaries} | moved)},
        ],
    )


def ask(bench, name, wanted, code="NOERROR"):
    """Waits for these addresses."""
    def right():
        reply = bench.client.ask(name, "A", NET1)
        return reply.rcode == code and reply.addresses == wanted

    until(right, f"{name}: {code} {wanted}", 30)


def zone_of(edge, name):
    return edge.ctl_json("zone-status", name)["zones"][0]


@case("a zone from a primary: not ready, transferred, changed by NOTIFY, answered by the kernel")
def from_primary(bench):
    edge = bench.edge(config(), ZONES)
    reply = bench.client.ask("www.moved.test", "A", NET1)
    equal(reply.rcode, "SERVFAIL", "before there is data")
    primary = Primary(bench).start()
    edge.ctl("zone-refresh", "moved.test")
    ask(bench, "www.moved.test", ["192.0.2.80"])
    until_from_kernel(edge, lambda: bench.client.ask("www.moved.test", "A", NET1))
    primary.write_data("moved.test", 90)
    primary.reload()
    ask(bench, "www.moved.test", ["192.0.2.90"])
    true(edge.stats()["transfers"]["in"]["notifies"] > 0, "a NOTIFY that was taken")
    true(zone_of(edge, "moved.test")["transfer"]["primary"].startswith(CDN), "the primary")
    edge.ctl("zone-retransfer", "moved.test")
    until(lambda: edge.stats()["transfers"]["in"]["axfr"] >= 4, "the whole zone once more")


@case("members of a catalog come and go without a restart, and live through reload and restart")
def catalog(bench):
    primary = Primary(bench).start()
    edge = bench.edge(config(), ZONES)
    for name in ("www.a.test", "www.b.test"):
        ask(bench, name, ["192.0.2.81"])
    equal(zone_of(edge, "a.test")["catalog"], "catalog.test.")
    edge.reload()
    for name in ("www.a.test", "www.b.test", "www.moved.test"):
        ask(bench, name, [f"192.0.2.{80 if 'moved' in name else 81}"])
    primary.write("a.test", "c.test")
    primary.reload()
    ask(bench, "www.c.test", ["192.0.2.81"])
    ask(bench, "www.b.test", [], "REFUSED")
    primary.process.stop()
    edge.stop()
    edge.start()
    for name in ("www.a.test", "www.c.test"):
        equal(bench.client.ask(name, "A", NET1).addresses, ["192.0.2.81"], "at once, from disk")
    equal(bench.client.ask("www.b.test", "A", NET1).rcode, "REFUSED")


@case("a zone that expires is SERVFAIL, in the kernel too, also when the daemon is dead")
def expiry(bench):
    primary = Primary(bench)
    primary.write_data("moved.test", 80, expire=6)
    primary.start()
    edge = bench.edge(config(), ZONES)

    def www():
        return bench.client.ask("www.moved.test", "A", NET1)

    ask(bench, "www.moved.test", ["192.0.2.80"])
    until_from_kernel(edge, www)
    primary.process.stop()
    ask(bench, "www.moved.test", [], "SERVFAIL")
    true(zone_of(edge, "moved.test")["transfer"]["expired"], "expired, says zone-status")
    primary.start()
    ask(bench, "www.moved.test", ["192.0.2.80"])
    until_from_kernel(edge, www)
    edge.kill()
    primary.process.stop()

    def passed_up():
        bench.client.ask("www.moved.test", "A", NET1, timeout_s=0.2)
        return edge.counters()["pass_zone_expired"] > before

    before = edge.counters()["pass_zone_expired"]
    until(passed_up, "the kernel passes it up", 15)


@case("a reload makes a zone secondary, and a primary's again")
def both_ways(bench):
    Primary(bench).start()
    edge = bench.edge(config(primaries=[], file="moved.test.zone"),
                      {**ZONES, "moved.test": DATA.format(serial=1, expire=86400, number=70)})
    ask(bench, "www.moved.test", ["192.0.2.70"])
    edge.write_config(config(file="moved.test.zone"))
    edge.reload()
    edge.ctl("zone-retransfer", "moved.test")
    ask(bench, "www.moved.test", ["192.0.2.80"])
    edge.write_config(config(primaries=[], file="moved.test.zone"))
    edge.reload()
    ask(bench, "www.moved.test", ["192.0.2.70"])
    true("transfer" not in zone_of(edge, "moved.test"), "no transfer any more")
    failed = edge.ctl("zone-refresh", "moved.test", check=False)
    true("serial" not in failed, failed)

# SPDX-License-Identifier: BSD-2-Clause
"""out_bulk - 100 000 records, queries meanwhile, readers that are slow or gone."""

import itertools
import socket
import struct
import threading
import time

from bench import Zone, name_wire
from lib.cases import case, equal, true
from lib.process import until
from out_peers import EDGE, Cdn, Edge, KnotSecondary, NamedSecondary, expanded_lines, kdig, native_lines, record_lines

COUNT = 100_000
APEX = "example.test."


def large_zone(count=COUNT):
    return Zone(APEX, {
        (f"h{number}.{APEX}", 60, "A", f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}")
        for number in range(count)
    })


def request(qtype, name=APEX, ident=1):
    return struct.pack("!6H", ident, 0, 1, 0, 0, 0) + name_wire(name) + struct.pack("!HH", qtype, 1)


def framed(message):
    return struct.pack("!H", len(message)) + message


class Asking:
    """Queries by UDP, one after the other, as long as the block lasts; none may be lost."""

    def __init__(self, edge, name, wanted):
        self.edge, self.name, self.wanted = edge, name, socket.inet_aton(wanted)
        self.asked = self.lost = self.wrong = 0
        self.slowest_s = 0.0
        self.over = threading.Event()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.3.3", 0))
            client.connect((EDGE, self.edge.port))
            client.settimeout(2)
            for ident in itertools.cycle(range(1, 65536)):
                if self.over.is_set():
                    return
                self.one(client, ident)

    def one(self, client, ident):
        begin = time.monotonic()
        client.send(request(1, self.name, ident))
        self.asked += 1
        try:
            reply = client.recv(4096)
        except TimeoutError:
            self.lost += 1
            return
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        self.wrong += reply[:2] != struct.pack("!H", ident) or reply[-4:] != self.wanted

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def check(self):
        true(self.asked > 50, f"{self.asked} queries only")
        equal((self.lost, self.wrong), (0, 0), f"lost and wrong of {self.asked}")


@case(f"bulk: {COUNT} records to knotd and named by AXFR, changes by IXFR, no query lost meanwhile")
def hundred_thousand(bench):
    zone = large_zone()
    edge = Edge(bench, [zone])
    secondaries = [
        edge.allow(kind(bench, edge, [zone], True), signed=True) for kind in (KnotSecondary, NamedSecondary)
    ]
    edge.start()
    with Asking(edge, f"h99999.{APEX}", "198.19.134.159") as asking:
        begin = time.monotonic()
        for secondary in secondaries:
            secondary.start()
        for secondary in secondaries:
            secondary.has(zone, 1, 90)
        whole_s = time.monotonic() - begin
        zone.change(add=[(f"n{number}.{APEX}", 60, "A", "203.0.113.1") for number in range(100)],
                    remove=[(f"h{number}.{APEX}", 60, "A", f"198.18.0.{number}") for number in range(100)])
        begin = time.monotonic()
        edge.publish()
        for secondary in secondaries:
            secondary.has(zone, 2, 90)
        change_s = time.monotonic() - begin
    asking.check()
    counted = edge.counted()
    equal((counted["axfr"], counted["ixfr"]), (2, 2), "AXFRs and IXFRs")
    for secondary in secondaries:
        equal(secondary.lines(zone), native_lines(zone), secondary.kind)
    print(f"     AXFR to two {whole_s:.1f} s, change {change_s:.1f} s, "
          f"{asking.asked} queries, slowest {asking.slowest_s * 1000:.0f} ms")


@case("bulk: 20000 ANAMEs expanded, one changed address is an IXFR of their change")
def many_anames(bench):
    count = 20_000
    targets = {f"t{number}.cdn.test.": [("A", f"203.0.113.{number}")] for number in range(50)}
    zone = Zone(APEX, {(f"a{number}.{APEX}", 60, "ANAME", f"t{number % 50}.cdn.test.") for number in range(count)})
    cdn = Cdn(bench, targets, 20).begin()
    edge = Edge(bench, [zone], cdn)
    edge.more = {"answers": {"resolution-time": "60s"}}
    configure = edge.configure

    def with_budget():
        path = configure()
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("    secondaries:", "    budget: 100000\n    secondaries:"))
        return path

    edge.configure = with_budget
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    edge.start()
    knot.start()
    begin = time.monotonic()
    knot.has(zone, 1, 120)
    first_s = time.monotonic() - begin

    def right():
        return knot.lines(zone) == expanded_lines(zone, targets, knot.serial(zone), 20)

    until(right, "all addresses", 60, 0.5)
    targets["t7.cdn.test."] = [("A", "203.0.113.200")]
    before = edge.counted()
    begin = time.monotonic()
    cdn.give(targets)
    until(right, "the changed addresses", 120, 0.5)
    after = edge.counted()
    true(after["ixfr"] > before["ixfr"], after)
    equal(after["axfr"] + after["ixfr_as_axfr"], before["axfr"] + before["ixfr_as_axfr"], "whole zones")
    print(f"     expanded in {first_s:.1f} s, change through in {time.monotonic() - begin:.1f} s "
          f"by {after['expanded_changes'] - before['expanded_changes']} serials")


@case("bulk: readers that are slow or vanish cost a message of memory each, and nobody else anything")
def slow_readers(bench):
    zone = large_zone()
    edge = Edge(bench, [zone])
    edge.secondaries.append({"address": "127.0.0.0/8"})
    edge.start()
    record_lines(kdig(EDGE, edge.port, APEX, "AXFR"))  # what one transfer needs is there now
    before = edge.memory()
    slow = []
    for number in range(20):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((f"127.0.4.{number + 1}", 0))
        client.connect((EDGE, edge.port))
        client.sendall(framed(request(252)))
        equal(client.recv(2, socket.MSG_PEEK | socket.MSG_WAITALL)[0] > 0, True, "a first message")
        slow.append(client)
    with Asking(edge, f"h99999.{APEX}", "198.19.134.159") as asking:
        for number in range(50):  # those who vanish
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.bind((f"127.0.5.{number + 1}", 0))
                client.connect((EDGE, edge.port))
                client.sendall(framed(request(252)))
                client.recv(100)
        lines = record_lines(kdig(EDGE, edge.port, APEX, "AXFR"))
        equal(len(lines), COUNT + 4, "records to one who reads")
        grown = edge.memory() - before
    asking.check()
    true(grown < 20 * 64 * 1024 + 4 * 1024 * 1024, f"memory grew by {grown} octets")
    zone.change(add=[(f"new.{APEX}", 60, "A", "203.0.113.9")])
    edge.publish()
    until(lambda: edge.serial(APEX) == 2, "the reload")
    octets, client = 0, slow[0]  # a slow one still gets the whole zone of the time when it asked
    soas = 0
    client.settimeout(10)
    while soas < 2:
        length = struct.unpack("!H", exactly(client, 2))[0]
        message = exactly(client, length)
        octets += length
        soas += message.count(struct.pack("!5I", 1, 3600, 1, 86400, 60))
    true(octets > COUNT * 15, f"{octets} octets")
    for client in slow:
        client.close()
    print(f"     memory grew by {grown // 1024} KiB, {asking.asked} queries, "
          f"slowest {asking.slowest_s * 1000:.0f} ms")


def exactly(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        true(more, "the stream ended early")
        data += more
    return data

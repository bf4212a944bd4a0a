# SPDX-License-Identifier: BSD-2-Clause
"""in_hostile - a primary that misbehaves as no real one does: the old data serves on, and it is said why."""

import os
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring

from bench import KEY_NAME, KEY_SECRET, Zone, free_port, some_records
from in_peers import Host
from lib.cases import case, equal, true
from lib.process import until

KEYRING = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET})


def rrset(owner, ttl, rtype, rdata):
    return dns.rrset.from_text(owner, ttl, "IN", rtype.replace("ANAME", "TYPE65401"), rdata)


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


def reply(query, sets, question=True):
    """A reply to a query (dnspython's message) with these sets as its answers."""
    message = dns.message.Message(id=query.id)
    message.flags = dns.flags.QR | dns.flags.AA
    message.question = list(query.question) if question else []
    message.answer = list(sets)
    return message


def plain_sets(zone):
    """The zone's records but for its SOA and ANAMEs, one a set."""
    return [rrset(*item) for item in sorted(zone.records) if item[2] != "ANAME"]


def whole(zone):
    soa = rrset(*zone.soa)
    return [soa] + plain_sets(zone) + [soa]




class Hostile:
    """Answers SOA queries over UDP as it should, and TCP as `behave(conn, query, zone)` does."""

    def __init__(self, zone):
        self.zone = zone
        self.behave = honest
        self.udp_flags = 0  # further ones in replies over UDP; None: no reply at all
        self.asked = []
        self.port = free_port()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", self.port))
        self.tcp.listen(16)
        for run in (self.run_udp, self.run_tcp):
            threading.Thread(target=run, daemon=True).start()

    def run_udp(self):
        while True:
            try:
                wire, source = self.udp.recvfrom(4096)
            except OSError:
                return
            if not wire:  # shut down
                return
            query = dns.message.from_wire(wire, keyring=KEYRING)
            answer = reply(query, [rrset(*self.zone.soa)])
            if query.had_tsig:
                answer.use_tsig(KEYRING, KEY_NAME)
                answer.request_mac = query.mac
            if self.udp_flags is None:
                continue
            answer.flags |= self.udp_flags
            self.udp.sendto(answer.to_wire(), source)

    def run_tcp(self):
        while True:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn:
            try:
                stream = conn.makefile("rb")
                wire = stream.read(struct.unpack("!H", stream.read(2))[0])
                query = dns.message.from_wire(wire, keyring=KEYRING)
                self.asked.append(dns.rdatatype.to_text(query.question[0].rdtype))
                self.behave(conn, query, self.zone)
            except (OSError, struct.error):
                pass  # the other side has had enough

    def close(self):
        for sock in (self.tcp, self.udp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    stop = close


def honest(conn, query, zone):
    if query.question[0].rdtype == dns.rdatatype.SOA:
        conn.sendall(frame(reply(query, [rrset(*zone.soa)]).to_wire()))
        return
    conn.sendall(frame(reply(query, whole(zone)).to_wire()))


# ---- misbehaviours: (what, function, words of the error) ----

BAD = []


def bad(what, words):
    def mark(function):
        BAD.append((what, function, words))
        return function

    return mark


def send(conn, message):
    conn.sendall(frame(message.to_wire()))


@bad("garbage", "another id")
def garbage(conn, query, zone):
    conn.sendall(frame(os.urandom(300)))


@bad("a message of no octets", "message of 0 octets")
def nothing(conn, query, zone):
    conn.sendall(b"\0\0")


@bad("another id", "another id")
def other_id(conn, query, zone):
    message = reply(query, whole(zone))
    message.id ^= 1
    send(conn, message)


@bad("no reply but a query", "no reply to a query")
def no_reply(conn, query, zone):
    message = reply(query, whole(zone))
    message.flags = 0
    send(conn, message)


@bad("another zone's data under the right question", "outside the zone")
def other_data(conn, query, zone):
    send(conn, reply(query, whole(Zone("other.test.", serial=zone.serial))))


@bad("another question", "another question")
def other_question(conn, query, zone):
    message = reply(query, whole(zone))
    message.question = dns.message.make_query("other.test.", "AXFR").question
    send(conn, message)


@bad("no SOA at the beginning", "does not begin with the zone's SOA")
def no_beginning(conn, query, zone):
    send(conn, reply(query, plain_sets(zone)))


@bad("no SOA at the end", "in the middle")
def no_end(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))


@bad("another serial at the end", "ends with serial")
def other_end(conn, query, zone):
    other = Zone(zone.apex, serial=zone.serial + 1)
    send(conn, reply(query, whole(zone)[:-1]))
    send(conn, reply(query, [rrset(*other.soa)]))


@bad("records behind the end", "behind the end")
def behind(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    send(conn, reply(query, [rrset(*zone.soa), rrset(f"late.{zone.apex}", 1, "A", "192.0.2.1")]))


@bad("a record outside the zone", "outside the zone")
def outside(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    send(conn, reply(query, [rrset("www.elsewhere.test.", 1, "A", "192.0.2.1")]))


@bad("CNAME and other data at one name", "CNAME and other data")
def clash(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    send(conn, reply(query, [rrset(f"mail.{zone.apex}", 1, "CNAME", "www.elsewhere.test."), rrset(*zone.soa)]))


@bad("a zone without NS", "no NS at the apex")
def no_servers(conn, query, zone):
    send(conn, reply(query, [item for item in whole(zone) if item.rdtype != dns.rdatatype.NS
                             or item.name != dns.name.from_text(zone.apex)]))


@bad("SERVFAIL in the middle", "answers SERVFAIL")
def failing(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    message = reply(query, [])
    message.set_rcode(dns.rcode.SERVFAIL)
    send(conn, message)


@bad("REFUSED", "answers REFUSED")
def refused(conn, query, zone):
    message = reply(query, [])
    message.set_rcode(dns.rcode.REFUSED)
    send(conn, message)


@bad("TC over TCP", "truncated reply")
def truncated(conn, query, zone):
    message = reply(query, whole(zone))
    message.flags |= dns.flags.TC
    send(conn, message)


@bad("messages without a record", "without a record")
def empty(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    send(conn, reply(query, []))


def raw_record(query, zone, record, count=1):
    """The SOA by dnspython, then records as octets."""
    wire = bytearray(reply(query, [rrset(*zone.soa)]).to_wire())
    wire[6:8] = struct.pack("!H", 1 + count)
    return frame(bytes(wire) + record)


@bad("an owner that points to itself", "malformed owner name")
def loop(conn, query, zone):
    at = len(reply(query, [rrset(*zone.soa)]).to_wire())
    conn.sendall(raw_record(query, zone, struct.pack("!HHHIH4s", 0xC000 | at, 1, 1, 60, 4, b"\1\2\3\4")))


@bad("an owner that points forward", "malformed owner name")
def forward(conn, query, zone):
    at = len(reply(query, [rrset(*zone.soa)]).to_wire())
    conn.sendall(raw_record(query, zone, struct.pack("!HHHIH4s", 0xC000 | at + 16, 1, 1, 60, 4, b"\1a\0\0")))


@bad("an owner of over 255 octets", "malformed owner name")
def huge(conn, query, zone):
    conn.sendall(raw_record(query, zone, (b"\x3f" + b"a" * 63) * 5 + b"\0" + struct.pack("!HHIH", 1, 1, 60, 0)))


@bad("rdata that ends too early", "malformed A rdata")
def short(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"\xc0\x0c" + struct.pack("!HHIH3s", 1, 1, 60, 3, b"\1\2\3")))


@bad("rdata that goes past the message", "ends within a record")
def long(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"\xc0\x0c" + struct.pack("!HHIH3s", 1, 1, 60, 4000, b"\1\2\3")))


@bad("a name in rdata that does not end", "malformed rdata")
def open_name(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"\xc0\x0c" + struct.pack("!HHIH2s", 2, 1, 60, 2, b"\1a")))


@bad("a record of another class", "class 3")
def other_class(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"\xc0\x0c" + struct.pack("!HHIH4s", 1, 3, 60, 4, b"\1\2\3\4")))


@bad("an OPT record among the answers", "cannot stand in a zone")
def meta(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"\xc0\x0c" + struct.pack("!HHIH", 41, 1, 60, 0)))


@bad("fewer records than the header says", "malformed owner name")
def fewer(conn, query, zone):
    conn.sendall(raw_record(query, zone, b"", 3))


@bad("a stream that does not end", "too large")
def endless(conn, query, zone):
    send(conn, reply(query, [rrset(*zone.soa)]))
    number = 0
    while True:
        name = f"{number:063d}.{zone.apex}"
        send(conn, reply(query, [rrset(name, 60, "A", "192.0.2.1")], question=False))
        number += 1


@bad("silence", "timed out")
def silence(conn, query, zone):
    send(conn, reply(query, whole(zone)[:-1]))
    conn.recv(1)


@bad("a connection that is closed at once", "without a reply")
def closed(conn, query, zone):
    pass


def serve_hostile(bench, signed=False):
    zone = Zone("example.test.", {item for item in some_records("example.test.") if item[2] != "ANAME"})
    primary = Hostile(zone)
    bench.stack.callback(primary.close)
    host = Host(bench, {zone.apex: [primary.port]}, signed).start()
    host.tell("idle", 400)
    host.tell("memory", 1_000_000)
    return zone, primary, host


def good_again(host, primary, zone):
    primary.behave = honest
    host.tell("refresh", zone.apex)
    host.installed(zone)
    equal(host.dump(zone), zone.lines(), "after the primary's recovery")


@case("each kind of broken transfer leaves the old data, is named in status, and is recovered from")
def broken(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    before = zone.lines()
    equal(host.dump(zone), before, "to begin with")
    faults = []
    for what, function, words in BAD:
        primary.behave = function
        zone.change(add=[(f"n{zone.serial}.{zone.apex}", 60, "A", "203.0.113.1")])
        failures = host.tell("stats")["failures"]
        host.tell("refresh", zone.apex)
        until(lambda: host.tell("stats")["failures"] > failures, what, 20)
        error = host.status(zone).get("error", "")
        if words not in error:
            faults.append(f"{what}: {error}")
        if host.dump(zone) != before:
            faults.append(f"{what}: the data has changed")
    equal(faults, [])
    good_again(host, primary, zone)
    equal(host.quit(), 0, "exit status")


@case("a transfer that is cut at any octet leaves the old data")
def cut(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    before = zone.lines()
    zone.change(add=[(f"new.{zone.apex}", 60, "A", "203.0.113.1")])

    def first_octets(conn, query, zone):
        conn.sendall(b"".join(frame(reply(query, [item]).to_wire()) for item in whole(zone))[: at[0]])

    at = [0]
    primary.behave = first_octets
    query = dns.message.make_query(zone.apex, "AXFR")
    length = sum(len(frame(reply(query, [item]).to_wire())) for item in whole(zone))
    for at[0] in list(range(0, 220, 3)) + list(range(220, length, 97)) + [length - 1]:
        failures = host.tell("stats")["failures"]
        host.tell("refresh", zone.apex)
        until(lambda: host.tell("stats")["failures"] > failures, f"cut at {at[0]}", 10, 0.005)
    equal(host.dump(zone), before)
    at[0] = length
    host.tell("refresh", zone.apex)
    host.installed(zone)
    equal(host.quit(), 0, "exit status")


@case("where UDP gives no serial, be it cut, not authoritative or silent, TCP does")
def over_tcp(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    for flags, words in ((dns.flags.TC, "truncated"), (None, "UDP: timed out")):
        primary.udp_flags = flags
        primary.asked.clear()
        zone.change()
        host.tell("refresh", zone.apex)
        host.installed(zone)
        equal(primary.asked, ["SOA", "IXFR"], words)
        true(f"SOA from 127.0.0.1@{primary.port}: {words}" in host.log_text(), words)


# ---- differences ----


def difference(zone, steps):
    """Sets of an IXFR reply: steps are (old zone's SOA, removed, new SOA, added)."""
    sets = [rrset(*zone.soa)]
    for old, removed, new, added in steps:
        sets += [rrset(*old)] + [rrset(*item) for item in removed]
        sets += [rrset(*new)] + [rrset(*item) for item in added]
    return sets + [rrset(*zone.soa)]


def in_messages(conn, query, sets):
    conn.sendall(b"".join(frame(reply(query, [item]).to_wire()) for item in sets))


@case("differences in several steps, a record a message, TTLs and case changed, are summed up")
def steps(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    first = zone.soa
    a, b = (f"a.{zone.apex}", 60, "A", "203.0.113.1"), (f"b.{zone.apex}", 60, "A", "203.0.113.2")
    old = (f"h1.{zone.apex}", 60, "A", "198.51.0.2")
    longer = (f"h1.{zone.apex}", 600, "A", "198.51.0.2")
    zone.change(add=[a])
    second = zone.soa
    zone.change(add=[b, longer], remove=[a, old])
    shouted = (old[0].upper(),) + old[1:]
    sets = difference(zone, [(first, [], second, [a]), (second, [a, shouted], zone.soa, [b, longer])])
    primary.behave = lambda conn, query, _: in_messages(conn, query, sets)
    host.tell("refresh", zone.apex)
    host.installed(zone)
    equal(host.status(zone)["last_transfer"], "IXFR")
    equal(host.dump(zone), zone.lines())


@case("differences that do not fit what we have are followed by an AXFR")
def misfits(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    absent = (f"absent.{zone.apex}", 60, "A", "203.0.113.7")
    added = (f"a.{zone.apex}", 60, "A", "203.0.113.1")

    def delete_absent(old, new):
        return [(old, [absent], new, [added])]

    def gap(old, new):
        other = Zone(zone.apex, serial=500)
        return [(old, [], other.soa, []), (new, [], new, [added])]

    def clash_in_the_end(old, new):
        return [(old, [], new, [(f"mail.{zone.apex}", 60, "CNAME", "x.test.")])]

    for make in (delete_absent, gap, clash_in_the_end):
        old = zone.soa
        zone.change(add=[(f"n{zone.serial}.{zone.apex}", 60, "A", "203.0.113.1")])
        sets = difference(zone, make(old, zone.soa))

        def behave(conn, query, _, sets=sets):
            if query.question[0].rdtype == dns.rdatatype.IXFR:
                in_messages(conn, query, sets)
            else:
                honest(conn, query, zone)

        primary.behave = behave
        primary.asked.clear()
        host.tell("refresh", zone.apex)
        host.installed(zone)
        equal(primary.asked, ["IXFR", "AXFR"], make.__name__)
        equal(host.dump(zone), zone.lines(), make.__name__)


@case("an IXFR that is answered NOTIMP, or with one SOA that is ours, does what RFC 1995 says")
def other_replies(bench):
    zone, primary, host = serve_hostile(bench)
    host.installed(zone)
    ours = zone.soa

    def not_implemented(conn, query, _):
        if query.question[0].rdtype == dns.rdatatype.AXFR:
            honest(conn, query, zone)
            return
        message = reply(query, [])
        message.set_rcode(dns.rcode.NOTIMP)
        send(conn, message)

    zone.change(add=[(f"a.{zone.apex}", 60, "A", "203.0.113.1")])
    primary.behave = not_implemented
    host.tell("refresh", zone.apex)
    host.installed(zone)
    ours = zone.soa
    kept = zone.lines()
    zone.change()
    primary.behave = lambda conn, query, _: send(conn, reply(query, [rrset(*ours)]))
    before = host.tell("stats")["up_to_date"]
    host.tell("refresh", zone.apex)
    until(lambda: host.tell("stats")["up_to_date"] > before, "up to date")
    equal(host.dump(zone), kept)


# ---- signatures ----


def signed_stream(conn, query, sets, break_at=None, sign=lambda number, last: True):
    """A message a set, each signed as one of a stream; one of them changed after that."""
    context, wires = None, []
    for number, item in enumerate(sets):
        message = reply(query, [item], question=number == 0)
        if sign(number, number == len(sets) - 1):
            message.use_tsig(KEYRING, KEY_NAME)
            message.request_mac = query.mac
            wire = message.to_wire(multi=True, tsig_ctx=context)
            context = message.tsig_ctx
        else:
            wire = message.to_wire()
            context.update(wire)
        if number == break_at:
            wire = wire.replace(b"\xc0\x00\x02", b"\xc0\x00\x03", 1) if b"\xc0\x00\x02" in wire else wire[:-1] + b"\x55"
        wires.append(frame(wire))
    conn.sendall(b"".join(wires))


@case("signed streams: whole ones are taken, those broken in the middle are not")
def signatures(bench):
    zone = Zone("example.test.", {item for item in some_records("example.test.") if item[2] != "ANAME"})
    primary = Hostile(zone)
    bench.stack.callback(primary.close)
    primary.behave = lambda conn, query, zone: signed_stream(conn, query, whole(zone))
    host = Host(bench, {zone.apex: [primary.port]}, True).start()
    host.tell("idle", 400)
    host.installed(zone)
    before = zone.lines()
    equal(host.dump(zone), before)
    zone.change(add=[(f"new.{zone.apex}", 60, "A", "203.0.113.1")])
    count = len(whole(zone))
    wrong = {
        "unsigned": (lambda conn, query, zone: honest(conn, query, zone), "without a good TSIG"),
        "changed in the middle": (
            lambda conn, query, zone: signed_stream(conn, query, whole(zone), count // 2), "without a good TSIG"),
        "last one changed": (
            lambda conn, query, zone: signed_stream(conn, query, whole(zone), count - 1), "without a good TSIG"),
        "last one unsigned": (
            lambda conn, query, zone: signed_stream(conn, query, whole(zone), None, lambda n, last: not last),
            "last message is not signed"),
        "first one unsigned": (
            lambda conn, query, zone: conn.sendall(frame(reply(query, [rrset(*zone.soa)]).to_wire())),
            "without a good TSIG"),
    }
    faults = []
    for what, (behave, words) in wrong.items():
        primary.behave = behave
        failures = host.tell("stats")["failures"]
        host.tell("refresh", zone.apex)
        until(lambda: host.tell("stats")["failures"] > failures, what)
        error = host.status(zone).get("error", "")
        if words not in error:
            faults.append(f"{what}: {error}")
        if host.dump(zone) != before:
            faults.append(f"{what}: the data has changed")
    equal(faults, [])
    # A server may leave all but each so many unsigned.
    primary.behave = lambda conn, query, zone: signed_stream(
        conn, query, whole(zone), None, lambda n, last: last or n % 7 == 0)
    host.tell("refresh", zone.apex)
    host.installed(zone)
    equal(host.quit(), 0, "exit status")


# ---- NOTIFY ----


def notify(host, apex, source="127.0.0.1", key=None, secret=KEY_SECRET, question="SOA"):
    message = dns.message.make_query(apex, question, use_edns=0)
    message.flags = dns.flags.AA
    message.set_opcode(4)
    if key:
        message.use_tsig(dns.tsigkeyring.from_text({key: secret}), key)
    answer = dns.query.udp(message, "127.0.0.1", port=host.port, source=source, timeout=5,
                           ignore_unexpected=True)
    return answer


@case("NOTIFY is taken from the zone's primaries only, by address and by key")
def notifies(bench):
    zone = Zone("example.test.", {item for item in some_records("example.test.") if item[2] != "ANAME"})
    primary = Hostile(zone)
    bench.stack.callback(primary.close)
    primary.behave = lambda conn, query, zone: signed_stream(conn, query, whole(zone))
    host = Host(bench, {zone.apex: [primary.port]}, True).start()
    host.installed(zone)
    checks = host.tell("stats")["checks"]
    equal(notify(host, zone.apex).rcode(), dns.rcode.REFUSED, "unsigned")
    equal(notify(host, zone.apex, "127.0.0.2", KEY_NAME).rcode(), dns.rcode.REFUSED, "another address")
    equal(notify(host, "other.test.", key=KEY_NAME).rcode(), dns.rcode.NOTAUTH, "another zone")
    equal(notify(host, "www." + zone.apex, key=KEY_NAME).rcode(), dns.rcode.NOTAUTH, "below the apex")
    equal(notify(host, zone.apex, key=KEY_NAME, question="A").rcode(), dns.rcode.FORMERR, "question")
    for key, secret in (("other.key", KEY_SECRET), (KEY_NAME, "d3Jvbmc=")):
        try:
            notify(host, zone.apex, key=key, secret=secret)
            raise AssertionError(f"{key} was taken")
        except (dns.tsig.PeerError, dns.tsig.BadSignature):
            pass
    stats = host.tell("stats")
    equal(stats["checks"], checks, "checks")
    equal(stats["notifies_refused"], 7, "refused")
    answer = notify(host, zone.apex, key=KEY_NAME)
    equal(answer.rcode(), dns.rcode.NOERROR)
    true(answer.flags & dns.flags.AA and answer.opcode() == 4 and answer.edns == 0 and answer.had_tsig, str(answer))
    until(lambda: host.tell("stats")["checks"] > checks, "a check")
    until(lambda: host.tell("stats")["up_to_date"] > 0, "its end")

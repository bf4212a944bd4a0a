# SPDX-License-Identifier: BSD-2-Clause
"""oddities - what is no product of fields: sizes, broken packets, odd types and classes, cookies.

A row is (what, packet, what the reply has to be); the packets' ids are 0x1234.
"""

import socket
import struct

import dns.message
import dns.name
import dns.rcode
import dns.tsig
import dns.tsigkeyring

from ask import Stream
from expect import (
    BADCOOKIE, BADVERS, FORMERR, NOERROR, NOTAUTH, NOTIMP, REFUSED, judge_options, read_options,
)
from lib.cases import Bench
from lib.lab import CLIENTS, EDGE
from lib.process import until
from lib.standard import edge_config
from queries import (
    CLIENT_COOKIE, COOKIE, DO, ECS, ECS_IPV4, EDE, KEEPALIVE, NSID, TCP, UDP, opt_record, option,
    wire_name,
)
from zone import ZONE

NXDOMAIN = 3
A, SOA, TXT, OPT, NXNAME, TSIG, IXFR, AXFR, ANY = 1, 6, 16, 41, 128, 250, 251, 252, 255
IN, CH, HS, NONE, CLASS_ANY = 1, 3, 4, 254, 255
SILENT = "silence"
PATIENCE_S = 2.0
SILENCE_S = 0.15


def header(flags=0, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!HHHHHH", 0x1234, flags, qd, an, ns, ar)


def question(name="static.example.test", rtype=A, rclass=IN):
    return wire_name(name) + struct.pack("!HH", rtype, rclass)


def query(name="static.example.test", rtype=A, rclass=IN, edns=None, flags=0):
    return header(flags, ar=1 if edns else 0) + question(name, rtype, rclass) + (edns or b"")


class Right:
    """What a reply has to be; None: it does not matter."""

    def __init__(self, rcode, answers=None, edns=None, ede=None, cut=False, most=None, aa=None,
                 options=None):
        self.rcode, self.answers, self.edns, self.ede = rcode, answers, edns, ede
        self.cut, self.most, self.aa, self.options = cut, most, aa, options

    def judge(self, packet, reply):
        message = dns.message.from_wire(reply, ignore_trailing=False, continue_on_error=False,
                                        keyring=False, raise_on_truncation=False)
        facts = (
            (message.id == 0x1234, "the id"),
            (bool(message.flags & 0x8000), "QR is clear"),
            (message.rcode() in as_tuple(self.rcode), f"RCODE {message.rcode()}"),
            (bool(message.flags & 0x0200) == self.cut, f"TC is {'clear' if self.cut else 'set'}"),
            (self.answers is None or sum(map(len, message.answer)) == self.answers,
             f"{sum(map(len, message.answer))} answers"),
            (self.edns is None or (message.edns >= 0) == self.edns, f"EDNS {message.edns}"),
            (self.most is None or len(reply) <= self.most, f"{len(reply)} octets"),
            (self.aa is None or bool(message.flags & 0x0400) == self.aa, "AA"),
            (not message.question or question_of(reply) == question_of(packet), "the question"),
        )
        wrong = [text for good, text in facts if not good]
        found = {int(item.otype): item.to_wire() for item in message.options}
        if self.ede is not None and found.get(EDE, b"\xff\xff")[:2] != struct.pack("!H", self.ede):
            wrong.append(f"EDE {found.get(EDE)}")
        if self.options is not None:
            wrong += filter(None, [judge_options(opt_data(reply), self.options, False)])
        return "; ".join(wrong) or None


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def question_of(packet):
    at = 12
    while packet[at]:
        at += 1 + packet[at]
    return packet[12 : at + 5]


def opt_data(reply):
    """The options of a reply that ends with its OPT record and has no answer."""
    at = 12
    if struct.unpack_from("!H", reply, 4)[0]:
        at += len(question_of(reply))
    return reply[at + 11 :]


def cuts():
    """Every length of a query that is no whole one."""
    whole = query(edns=opt_record(options=option(ECS, ECS_IPV4) + option(100, b"abc")))
    for length in range(len(whole)):
        if length < 12:
            yield f"the first {length} octets of a query", whole[:length], SILENT
        else:
            yield f"the first {length} octets of a query", whole[:length], Right(FORMERR, 0)


def broken():
    edns = opt_record()
    yield "a response", query(flags=0x8000), SILENT
    yield "a response of opcode 5", query(flags=0xA800), SILENT
    yield "octets behind the message", query() + b"\0", Right(FORMERR, 0)
    yield "octets behind OPT", query(edns=edns) + b"\0\0\0", Right(FORMERR, 0, True)
    yield "two OPT", header(ar=2) + question() + edns + edns, Right(FORMERR, 0, True)
    yield "OPT with a name", header(ar=1) + question() + b"\1x" + edns, Right(FORMERR, 0, True)
    yield "OPT among the answers", header(an=1) + question() + edns, Right(FORMERR, 0, True)
    yield "OPT among the authorities", header(ns=1) + question() + edns, Right(FORMERR, 0, True)
    yield "a pointer as the question's name", header() + b"\xc0\x0c\0\1\0\1", Right(FORMERR, 0)
    yield "a label of 64", header() + b"\x40" + b"x" * 64 + b"\0\0\1\0\1", Right(FORMERR, 0)
    yield "a label of type 10", header() + b"\x80x\0\0\1\0\1", Right(FORMERR, 0)
    long_name = (b"\x3f" + b"x" * 63) * 3 + b"\x3f" + b"y" * 63
    yield "a name of 257 octets", header() + long_name + b"\0\0\1\0\1", Right(FORMERR, 0)
    yield "OPT that is longer than the packet", (
        header(ar=1) + question() + edns[:-2] + b"\xff\xff"), Right(FORMERR, 0)
    yield "an option longer than OPT", (
        query(edns=opt_record(options=b"\0\x64\xff\xff"))), Right(FORMERR, 0, True)
    yield "an answer in the query", (
        header(an=1) + question() + b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4\1\2\3\4"), (
        Right(NOERROR, 1, False))
    yield "an additional record in the query", (
        header(ar=2) + question() + b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4\1\2\3\4" + edns), (
        Right(NOERROR, 1, True))


def types():
    """RFC 8906 3.1.2: a type that nobody knows is a type that the name has not."""
    for rtype in (0, 62, 127, 129, 249, 253, 254, 256, 1000, 32768, 65280, 65535):
        yield f"type {rtype}", query(rtype=rtype), Right(NOERROR, 0, False, aa=True)
        yield f"type {rtype} with EDNS", query(rtype=rtype, edns=opt_record()), (
            Right(NOERROR, 0, True, aa=True))
    yield "type OPT", query(rtype=OPT), Right(FORMERR, 0)
    yield "type NXNAME", query(rtype=NXNAME, edns=opt_record()), Right(FORMERR, 0, True, ede=30)
    yield "type NXNAME without EDNS", query(rtype=NXNAME), Right(FORMERR, 0, False)
    yield "type ANY", query(rtype=ANY), Right(NOERROR, 1, aa=True)
    yield "AXFR over UDP", query("example.test", AXFR), Right((FORMERR, NOTIMP, REFUSED), 0)
    yield "IXFR of a stranger", (
        header(ns=1) + question("example.test", IXFR) + b"\xc0\x0c\0\6\0\1" + bytes(4)
        + b"\0\x16\0\0" + bytes(20)), Right((REFUSED, NOTAUTH), 0)


def notifies():
    notify = 0x2000
    edns = opt_record(payload=4096)
    for name, what in (("example.test", "our zone"), ("elsewhere.test", "another zone")):
        yield f"NOTIFY of {what}", query(name, SOA, flags=notify), Right((REFUSED, NOTAUTH), 0, False)
        yield f"NOTIFY of {what}, EDNS", query(name, SOA, edns=edns, flags=notify), Right(
            (REFUSED, NOTAUTH), 0, True)
        yield f"NOTIFY of {what} for A, EDNS", query(name, A, edns=edns, flags=notify), Right(
            FORMERR, 0, True)
    yield "NOTIFY of class CH, EDNS", query("example.test", SOA, CH, edns, notify), Right(
        REFUSED, 0, True)


def places():
    yield "a name that is not there", query("none.example.test"), Right(NXDOMAIN, 0, aa=True)
    yield "a name of no zone", query("example.net", edns=opt_record()), (
        Right(REFUSED, 0, True, ede=20, aa=False))
    yield "the root", query("", edns=opt_record()), Right(REFUSED, 0, True)
    yield "upper case", query("STATIC.Example.TEST"), Right(NOERROR, 1, aa=True)
    for rclass in (0, HS, NONE, 65280):
        yield f"class {rclass}", query(rclass=rclass, edns=opt_record()), (
            Right(REFUSED, 0, True, aa=False))
    yield "class CH, a name of ours", query(rclass=CH, rtype=TXT), Right(REFUSED, 0)


def sizes():
    """RFC 6891 6.2.3-6.2.5: at least 512, at most what both take."""
    for payload in (0, 1, 511, 512, 513, 1231, 1232, 1233, 4096, 65535):
        yield f"payload {payload}", query("large.example.test", TXT,
                                          edns=opt_record(payload=payload)), (
            Right(NOERROR, None, True, cut=True, most=max(512, min(payload, 1232))))
        yield f"payload {payload}, a small answer", query(edns=opt_record(payload=payload)), (
            Right(NOERROR, 1, True))
    yield "no EDNS", query("large.example.test", TXT), Right(NOERROR, None, False, cut=True, most=512)


def versions():
    """An unknown version's options need not have the form that we know."""
    for version in (1, 2, 127, 255):
        yield f"version {version}, odd options", (
            query(edns=opt_record(version, DO, b"\0\3\xff\xff\0"))), Right(BADVERS, 0, True, options={})


def of_settings(settings):
    """The server's own names, and what it says of itself."""
    for name in ("id.server", "hostname.bind", "version.server", "version.bind"):
        right = Right(NOERROR, 1, aa=True) if settings.nsid else Right(REFUSED, 0, aa=False)
        yield f"CH TXT {name}", query(name, TXT, CH), right
    yield "CH TXT authors.bind", query("authors.bind", TXT, CH), Right(REFUSED, 0)
    yield "CH A id.server", query("id.server", A, CH), Right(REFUSED, 0)
    everything = opt_record(options=option(KEEPALIVE) + option(NSID) + option(ECS, ECS_IPV4))
    wanted = {ECS: ECS_IPV4[:3] + b"\0" + ECS_IPV4[4:], EDE: struct.pack("!H", 20)}
    if settings.nsid:
        wanted[NSID] = settings.nsid
    yield "options of a REFUSED reply", query("example.net", edns=everything), (
        Right(REFUSED, 0, True, options=wanted))


GROUPS = (cuts, broken, types, notifies, places, sizes, versions)


class Asker:
    """Datagrams from one address of the client's."""

    def __init__(self, client, source=CLIENTS[0]):
        self.client, self.source = client, source

    def udp(self, packet, patience_s=PATIENCE_S):
        for _ in range(3 if patience_s == PATIENCE_S else 1):
            reply = self.client.send_raw(packet, self.source, timeout_s=patience_s)
            if reply is not None:
                return reply
        return None

    def tcp(self, packet):
        with self.client.socket(socket.SOCK_STREAM, self.source) as sock:
            sock.connect((EDGE, 53))
            stream = Stream(sock)
            stream.write([packet])
            return stream.read()


def row(suite, asker, name, what, packet, right):
    if right == SILENT:
        reply = asker.udp(packet, SILENCE_S)
        suite.tally.note(None if reply is None else f"a reply: {reply.hex()}", f"{name}: {what}")
        return
    reply = asker.udp(packet)
    wrong = "no reply" if reply is None else right.judge(packet, reply)
    suite.tally.note(wrong, f"{name}: {what}")


def run(suite, name):
    """All of them over UDP; over TCP what is another there."""
    asker = Asker(suite.bench.client)
    before = suite.tally.passed
    for group in GROUPS:
        for what, packet, right in group():
            row(suite, asker, name, what, packet, right)
    for what, packet, right in of_settings(suite.settings):
        row(suite, asker, name, what, packet, right)
    streams(suite, asker, name)
    print(f"{name}: {suite.tally.passed - before} oddities right", flush=True)


def streams(suite, asker, name):
    """What has no reply leaves the connection as it was; what is large comes whole."""
    rows = (
        ("large, TCP", query("large.example.test", TXT, edns=opt_record()), Right(NOERROR, 6, True)),
        ("AXFR of a stranger", query("example.test", AXFR), Right((REFUSED, NOTAUTH), 0)),
        ("octets behind the message, TCP", query() + b"\0", Right(FORMERR, 0)),
    )
    for what, packet, right in rows:
        reply = asker.tcp(packet)
        wrong = "no reply" if reply is None else right.judge(packet, reply)
        suite.tally.note(wrong, f"{name}: {what}")
    with suite.socket(socket.SOCK_STREAM) as sock:
        stream = Stream(sock)
        stream.write([query(flags=0x8000), b"", b"\x12\x34", query()])
        reply = stream.read()
        wrong = "no reply" if reply is None else Right(NOERROR, 1).judge(query(), reply)
        suite.tally.note(wrong, f"{name}: a query behind a response and two stumps")


# ---- cookies, demanded ----

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
KEY_NAME, KEY_SECRET = "client.key", "c2VjcmV0LW9mLXRoZS1jbGllbnQtaXMtbG9uZw=="


def cookie_of(reply):
    return dict(read_options(opt_data(reply)))[COOKIE]


def with_cookie(data):
    return query(edns=opt_record(options=option(COOKIE, data)))


def run_cookies_demanded(lab, build, tally):
    """RFC 7873 5.2: who has no cookie comes by TCP, who has a bad one gets a good one."""
    bench = Bench(lab, build)
    try:
        config = edge_config(
            server={"cookies": True, "cookie-required": True, "cookie-secrets": [SECRET]},
            keys=[{"name": KEY_NAME, "algorithm": "hmac-sha256", "secret": KEY_SECRET}],
        )
        edge = bench.edge(config, {"example.test": ZONE})
        asker, other = Asker(bench.client), Asker(bench.client, CLIENTS[1])
        learn_and_use(asker, other, tally)
        only_good_ones_by_kernel(edge, asker, tally)
    finally:
        bench.close()
    signed(lab, build, tally)


def only_good_ones_by_kernel(edge, asker, tally):
    good = cookie_of(asker.udp(with_cookie(CLIENT_COOKIE)))
    forged = good[:-1] + bytes([good[-1] ^ 1])
    until(lambda: asker.udp(with_cookie(good)) and edge.hits(), "the kernel to answer a good cookie")
    before = edge.hits()
    for packet in 10 * (query(), with_cookie(CLIENT_COOKIE), with_cookie(forged)):
        asker.udp(packet)
    tally.note(None if edge.hits() == before else "hits", "the kernel answers nobody without a cookie")


def note(tally, what, right, packet, reply):
    wrong = "no reply" if reply is None else right.judge(packet, reply)
    tally.note(wrong, f"cookies demanded: {what}")


def learn_and_use(asker, other, tally):
    plain, bare = query(), with_cookie(CLIENT_COOKIE)
    fresh = {COOKIE: None}
    for _ in range(3):
        note(tally, "none, no EDNS", Right(NOERROR, 0, False, cut=True), plain, asker.udp(plain))
    note(tally, "none, TCP", Right(NOERROR, 1, False), plain, asker.tcp(plain))
    reply = asker.udp(bare)
    note(tally, "the client's alone", Right(BADCOOKIE, 0, True, options=fresh), bare, reply)
    packet = with_cookie(cookie_of(reply))
    note(tally, "a good one", Right(NOERROR, 1, True), packet, asker.udp(packet))
    note(tally, "another address", Right(BADCOOKIE, 0, True, options=fresh), packet,
         other.udp(packet))
    forged = with_cookie(cookie_of(reply)[:-1] + bytes([cookie_of(reply)[-1] ^ 1]))
    note(tally, "a forged one", Right(BADCOOKIE, 0, True, options=fresh), forged,
         asker.udp(forged))
    note(tally, "a forged one, TCP", Right(NOERROR, 1, True), forged, asker.tcp(forged))


# ---- transaction signatures, by dnspython's own ----


def signed_query(keyring, keyname, fudge=300):
    message = dns.message.make_query("static.example.test", "A")
    message.use_tsig(keyring, keyname, fudge=fudge, algorithm=dns.tsig.HMAC_SHA256)
    return message


def signed(lab, build, tally):
    bench = Bench(lab, build)
    try:
        bench.edge(edge_config(keys=[{"name": KEY_NAME, "algorithm": "hmac-sha256",
                                      "secret": KEY_SECRET}]),
                   {"example.test": ZONE})
        asker = Asker(bench.client)
        good = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET, "other.key": KEY_SECRET})
        bad = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET[:-4] + "AA=="})
        for ask, how in ((asker.udp, UDP), (asker.tcp, TCP)):
            message = signed_query(good, KEY_NAME)
            reply = ask(message.to_wire())
            tally.note(verified(reply, message, good), f"TSIG, {how}: a good one")
            for text, ring, name, error in (
                ("an unknown key", good, "other.key", dns.tsig.PeerBadKey),
                ("a bad signature", bad, KEY_NAME, dns.tsig.PeerBadSignature),
            ):
                message = signed_query(ring, name)
                reply = ask(message.to_wire())
                tally.note(refused(reply, message, ring, error), f"TSIG, {how}: {text}")
    finally:
        bench.close()


def verified(reply, message, keyring):
    """dnspython checks the reply's signature against the query's."""
    if reply is None:
        return "no reply"
    answer = dns.message.from_wire(reply, keyring=keyring, request_mac=message.mac)
    if not answer.had_tsig or answer.rcode() != NOERROR or len(answer.answer) != 1:
        return str(answer)
    return None


def refused(reply, message, keyring, error):
    if reply is None:
        return "no reply"
    if reply[3] & 15 != NOTAUTH:
        return f"RCODE {reply[3] & 15}"
    try:
        dns.message.from_wire(reply, keyring=keyring, request_mac=message.mac)
    except error:
        return None
    except dns.exception.DNSException as other:
        return repr(other)
    return "the reply says nothing of an error"

# SPDX-License-Identifier: BSD-2-Clause
"""ask - a client: queries out of a namespace, replies taken apart and judged."""

import ipaddress
import select
import socket
import struct
import time

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype

ANAME = 65401
STALE_TTL = 30
EDE_STALE = 3


def ecs_option(network):
    """The client subnet option for "192.0.2.0/24"; "0" is SOURCE 0 of IPv4."""
    if network == "0":
        return dns.edns.ECSOption("0.0.0.0", 0, 0)
    address, length = network.split("/")
    return dns.edns.ECSOption(address, int(length), 0)


def query_wire(name, rtype, ecs=None, edns=True, options=(), payload=1232, flags=0, ednsflags=0):
    """A query packet; the id is for the sender to set."""
    options = list(options) + ([ecs_option(ecs)] if ecs else [])
    message = dns.message.make_query(
        name,
        rtype,
        use_edns=0 if edns or options else False,
        payload=payload,
        options=options,
    )
    message.flags = flags
    if ednsflags:
        message.ednsflags = ednsflags
    message.id = 0
    return message.to_wire()


class Reply:
    """A reply, and what one asks of it."""

    def __init__(self, wire, took_s=0.0):
        self.wire = wire
        self.took_s = took_s
        self.message = dns.message.from_wire(wire, ignore_trailing=False)

    @property
    def rcode(self):
        return dns.rcode.to_text(self.message.rcode())

    def records(self, rtype):
        number = dns.rdatatype.from_text(rtype)
        return [item for rrset in self.message.answer if rrset.rdtype == number for item in rrset]

    @property
    def addresses(self):
        """The addresses, in the order of the packet."""
        return [item.address for rtype in ("A", "AAAA") for item in self.records(rtype)]

    @property
    def ttl(self):
        return min((rrset.ttl for rrset in self.message.answer), default=None)

    @property
    def owners(self):
        return {str(rrset.name).rstrip(".").lower() for rrset in self.message.answer}

    def option(self, kind):
        return next((item for item in self.message.options if isinstance(item, kind)), None)

    @property
    def scope(self):
        option = self.option(dns.edns.ECSOption)
        return option.scopelen if option else None

    @property
    def ede(self):
        option = self.option(dns.edns.EDEOption)
        return int(option.code) if option else None

    def has(self, flag):
        return bool(self.message.flags & getattr(dns.flags, flag))

    @property
    def is_nodata(self):
        return (
            self.rcode == "NOERROR"
            and not self.message.answer
            and any(rrset.rdtype == dns.rdatatype.SOA for rrset in self.message.authority)
        )

    def __str__(self):
        parts = [self.rcode, " ".join(self.addresses) or "no address"]
        parts += [f"ttl {self.ttl}"] if self.ttl is not None else []
        parts += [f"scope {self.scope}"] if self.scope is not None else []
        parts += [f"ede {self.ede}"] if self.ede is not None else []
        return ", ".join(parts)


class Client:
    """Asks from a namespace; `server` is the edge's address."""

    def __init__(self, space, server, port=53):
        self.space = space
        self.server = server
        self.port = port
        self.asked = 0
        self.next_id = 1

    def socket(self, kind, source=None, server=None):
        family = socket.AF_INET6 if ":" in (server or self.server) else socket.AF_INET
        with self.space.entered():
            sock = socket.socket(family, kind)
        if source:
            sock.bind((source, 0))
        return sock

    def new_id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def send_raw(self, packet, source=None, server=None, timeout_s=2.0):
        """One datagram out, one back; None if none came."""
        with self.socket(socket.SOCK_DGRAM, source, server) as sock:
            sock.settimeout(timeout_s)
            sock.connect((server or self.server, self.port))
            sock.send(packet)
            self.asked += 1
            try:
                return sock.recv(65535)
            except (TimeoutError, ConnectionError):
                return None

    def ask(self, name, rtype="A", ecs=None, source=None, server=None, tcp=False, timeout_s=2.0,
            **wire):
        """Asks once; a Reply, or None when none came in time."""
        packet = struct.pack("!H", self.new_id()) + query_wire(name, rtype, ecs, **wire)[2:]
        begin = time.monotonic()
        if tcp:
            reply = self.ask_tcp([packet], source, server, timeout_s)[0]
        else:
            reply = self.send_raw(packet, source, server, timeout_s)
        return Reply(reply, time.monotonic() - begin) if reply else None

    def ask_tcp(self, packets, source=None, server=None, timeout_s=2.0):
        """Several questions down one connection at once; the replies in the order they came."""
        with self.socket(socket.SOCK_STREAM, source, server) as sock:
            sock.settimeout(timeout_s)
            sock.connect((server or self.server, self.port))
            sock.sendall(b"".join(struct.pack("!H", len(item)) + item for item in packets))
            self.asked += len(packets)
            stream = sock.makefile("rb")
            replies = []
            for _ in packets:
                length = struct.unpack("!H", stream.read(2))[0]
                replies.append(stream.read(length))
            return replies


class Question:
    """A question of a load, with every answer that would be right."""

    def __init__(self, name, rtype, rights, ecs=None, source=None, server=None):
        self.packet = query_wire(name, rtype, ecs)
        self.rights = rights
        self.source = source
        self.server = server
        self.text = f"{name} {rtype} {ecs or source or ''}"


def right(addresses, scope=None):
    """A right answer: these addresses in any order, and this scope (None: no option)."""
    return (frozenset(ipaddress.ip_address(item).packed for item in addresses), scope)


def digest(packet):
    """What is judged of a reply, read by hand for speed: (addresses, scope), stale, rcode."""
    rcode, (answers, authorities, extras) = packet[3] & 15, struct.unpack("!3H", packet[6:12])
    at = 12
    while packet[at]:
        at += 1 + packet[at]
    at += 5
    addresses, scope, stale = set(), None, False
    for number in range(answers + authorities + extras):
        while packet[at] and packet[at] < 0xC0:
            at += 1 + packet[at]
        at += 2 if packet[at] else 1
        rtype, _, _, length = struct.unpack("!HHIH", packet[at : at + 10])
        at += 10
        if number < answers and rtype in (1, 28):
            addresses.add(packet[at : at + length])
        if rtype == 41:
            scope, stale = digest_options(packet[at : at + length])
        at += length
    return (frozenset(addresses), scope), stale, rcode


def digest_options(data):
    scope, stale, at = None, False, 0
    while at + 4 <= len(data):
        code, length = struct.unpack("!HH", data[at : at + 4])
        if code == 8:
            scope = data[at + 7]
        if code == 15:
            stale = struct.unpack("!H", data[at + 4 : at + 6])[0] == EDE_STALE
        at += 4 + length
    return scope, stale


class Load:
    """Asks many questions, a few at a time in flight, and judges every reply."""

    def __init__(self, client, questions, window=32):
        self.client = client
        self.questions = questions
        self.window = window
        self.sent = self.answered = self.wrong = self.stale = self.lost = 0
        self.faults = []

    def run(self, count=None, seconds=None, timeout_s=2.0, stop=lambda: False):
        """Until `count` questions, `seconds`, or `stop()`; unanswered ones count as lost."""
        socks = {}
        for question in self.questions:
            key = (question.source, question.server)
            if key not in socks:
                socks[key] = self.client.socket(socket.SOCK_DGRAM, *key)
                socks[key].connect((question.server or self.client.server, self.client.port))
                socks[key].setblocking(False)
        poll = select.poll()
        by_fd = {sock.fileno(): sock for sock in socks.values()}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        waiting, number, end = {}, 0, time.monotonic() + (seconds or 1e9)
        while True:
            now = time.monotonic()
            more = now < end and (count is None or number < count) and not stop()
            while more and len(waiting) < self.window and (count is None or number < count):
                question = self.questions[number % len(self.questions)]
                sock = socks[(question.source, question.server)]
                ident = number & 0xFFFF
                sock.send(struct.pack("!H", ident) + question.packet[2:])
                waiting[ident] = (question, now)
                number += 1
            if not waiting and not more:
                break
            for fd, _ in poll.poll(20):
                self.receive(by_fd[fd], waiting)
            self.expire(waiting, time.monotonic() - timeout_s)
        for sock in socks.values():
            sock.close()
        self.sent += number
        self.client.asked += number
        return self

    def receive(self, sock, waiting):
        while True:
            try:
                packet = sock.recv(65535)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            question, _ = waiting.pop(struct.unpack("!H", packet[:2])[0], (None, 0))
            if question:
                self.judge(question, packet)

    def judge(self, question, packet):
        self.answered += 1
        found, stale, rcode = digest(packet)
        self.stale += stale
        if rcode != 0 or found not in question.rights:
            self.wrong += 1
            if len(self.faults) < 10:
                self.faults.append(f"{question.text}: {Reply(packet)}")

    def expire(self, waiting, before):
        # Oldest first: insertion order.
        while waiting:
            ident = next(iter(waiting))
            if waiting[ident][1] > before:
                return
            self.lost += 1
            if len(self.faults) < 10:
                self.faults.append(f"{waiting[ident][0].text}: no reply")
            del waiting[ident]

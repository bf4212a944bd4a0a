# SPDX-License-Identifier: BSD-2-Clause
"""mix - what the clients of a resolver ask for: names and types of an ordinary zone, and noise."""

import select
import socket
import time

import dns.message
import dns.rcode
import dns.rdatatype

WINDOW = 40  # questions at once
PATIENCE_S = 8

HOSTS = [f"host{number}" for number in range(12)]
FLAT = ["shop", "four", "www", "app1", "app2", "app3"]

ZONE = "\n".join(
    ["$TTL 3600", "$ORIGIN example.test.",
     "@ SOA ns hostmaster 1 3600 600 86400 300",
     "@ NS ns", "@ ANAME www.cdn.test.", "@ MX 10 mail", "@ MX 20 mail2",
     '@ TXT "v=spf1 mx -all"', '@ CAA 0 issue "ca.test"',
     "ns A 198.51.100.1", "ns AAAA 2001:db8:0:1::1", "mail A 192.0.2.25", "mail AAAA 2001:db8::25",
     "mail2 A 192.0.2.26", '_dmarc TXT "v=DMARC1; p=reject"', "_sip._udp SRV 1 2 5060 host0",
     "web HTTPS 1 . alpn=h2,h3", "web A 192.0.2.90", "web AAAA 2001:db8::90",
     "alias CNAME web", "*.wild A 192.0.2.91",
     "to-shop CNAME shop", "to-www CNAME to-app1", "to-app1 CNAME app1",
     "pair A 192.0.2.92", "pair A 192.0.2.93", "both CNAME pair"]
    + [f"{name} A 192.0.2.{100 + place}" for place, name in enumerate(HOSTS)]
    + [f"{name} AAAA 2001:db8::{100 + place}" for place, name in enumerate(HOSTS)]
    + [f"{name} ANAME {'shop' if place % 2 else 'www'}.cdn.test." for place, name in enumerate(FLAT)]
) + "\n"
ZONES = {"example.test": ZONE}

# (name, type, whether there is an answer)
KNOWN = (
    [("", rtype, True) for rtype in ("A", "AAAA", "MX", "TXT", "NS", "SOA", "CAA")]
    + [("", "HTTPS", False), ("", "DNSKEY", False), ("mail", "DS", False), ("mail", "A", True), ("mail", "AAAA", True), ("mail", "HTTPS", False),
       ("mail2", "A", True), ("mail2", "AAAA", False), ("_dmarc", "TXT", True),
       ("_sip._udp", "SRV", True), ("web", "HTTPS", True), ("web", "A", True), ("web", "AAAA", True),
       ("alias", "A", True), ("both", "A", True), ("both", "AAAA", False), ("pair", "A", True),
       ("to-shop", "A", True), ("to-www", "A", True), ("to-app1", "A", True),
       ("a.wild", "A", True), ("b.wild", "A", True),
       ("a.wild", "AAAA", False), ("ns", "A", True), ("ns", "AAAA", True)]
    + [(name, rtype, True) for name in HOSTS + FLAT for rtype in ("A", "AAAA")]
    + [(name, "HTTPS", False) for name in HOSTS + FLAT]
    + [(name, "MX", False) for name in HOSTS[:4]]
)
NOISE = 60


class Mix:
    """The questions of a round, in an order of its own."""

    def __init__(self, rng):
        self.rng = rng
        self.questions = list(KNOWN) + [self.noise(number) for number in range(NOISE)]
        rng.shuffle(self.questions)

    def again(self):
        """Another round of the same, with other names that do not exist. In the same order: of two
        names of a chain a resolver asks for the one that it needs first."""
        other, numbers = Mix(self.rng), iter(range(NOISE))
        other.questions = [question if question[2] is not None else other.noise(next(numbers))
                           for question in self.questions]
        return other

    def noise(self, number):
        """Some of it below names that exist, in every round the same: resolvers ask for those too."""
        labels = ["".join(self.rng.choice("abcdefghijklmnop") for _ in range(self.rng.randint(6, 20)))]
        if number % 3 == 0:
            labels.append(HOSTS[number // 3 % len(HOSTS)])
        return ".".join(labels), self.rng.choice(("A", "AAAA", "HTTPS", "MX", "TXT")), None

    def ask(self, server):
        """What was wrong, as texts."""
        left = list(enumerate(self.questions))
        waiting, wrong, end = {}, [], time.monotonic() + PATIENCE_S
        with server.socket() as sock:
            while (left or waiting) and time.monotonic() < end:
                while left and len(waiting) < WINDOW:
                    place, question = left.pop()
                    waiting[place] = question
                    sock.send(query(place, question))
                for place, text in replies(sock, waiting):
                    del waiting[place]
                    wrong += [text] if text else []
        return wrong + [f"{name or '@'} {rtype}: no reply" for name, rtype, _ in waiting.values()]


def full_name(name):
    return f"{name}.example.test." if name else "example.test."


def query(number, question):
    message = dns.message.make_query(full_name(question[0]), question[1])
    message.id = number
    return message.to_wire()


def replies(sock, waiting):
    """(number, what is wrong with it or "") of what comes."""
    if not select.select([sock], [], [], 0.2)[0]:
        return
    reply = dns.message.from_wire(sock.recv(65535), ignore_trailing=True)
    if reply.id in waiting:
        yield reply.id, fault(reply, waiting[reply.id])


def fault(reply, question):
    name, rtype, exists = question
    rcode = dns.rcode.to_text(reply.rcode())
    found = any(rrset.rdtype == dns.rdatatype.from_text(rtype) for rrset in reply.answer)
    if exists is None:
        good = rcode == "NXDOMAIN"
    else:
        good = rcode == "NOERROR" and found == exists
    return "" if good else f"{name or '@'} {rtype}: {rcode}, {len(reply.answer)} sets"


def connect(space, address, port):
    with space.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, port))
    return sock

# SPDX-License-Identifier: BSD-2-Clause
"""queries - every combination that the suite asks, as packets made by hand.

Nothing here comes from the code under test: numbers are those of the IANA
registries, forms those of the RFCs.
"""

import itertools
import struct

QUERY, NOTIFY = 0, 4
UDP, TCP = "UDP", "TCP"

# The second half of the header's flags, and what stands between opcode and RCODE.
AA, TC, RD, RA, Z, AD, CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
HEADERS = (0, RD, AD, CD, Z, TC, AA, RA, AA | TC | RD | RA | Z | AD | CD)

DO, EDNS_Z = 0x8000, 0x4001
EDNS_FLAGS = (0, DO, EDNS_Z, DO | EDNS_Z)
VERSIONS = (None, 0, 1, 100)

NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE = 3, 8, 10, 11, 12, 15

CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")
ECS_IPV4 = bytes.fromhex("00011800c00002")
ECS_IPV6 = bytes.fromhex("0002380020010db8000000")


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


class Options:
    """A set of options, and what a server has to make of it."""

    def __init__(self, name, data, ecs=None, nsid=False, cookie=None, keepalive=False,
                 malformed=False, cookie_malformed=False):
        self.name = name
        self.data = data
        self.ecs = ecs  # as it comes back, the scope aside
        self.nsid = nsid
        self.cookie = cookie  # None, "client" or "bad"
        self.keepalive = keepalive
        self.malformed = malformed
        self.cookie_malformed = cookie_malformed  # to a server with cookies


def malformed_ecs(name, data):
    return Options(f"ECS {name}", option(ECS, bytes.fromhex(data)), malformed=True)


ALL = (
    option(100, b"\x01\x02\x03")
    + option(ECS, ECS_IPV4)
    + option(NSID)
    + option(COOKIE, CLIENT_COOKIE)
    + option(KEEPALIVE)
    + option(PADDING, bytes(8))
    + option(65001)
)

OPTIONS = (
    Options("no option", b""),
    Options("ECS", option(ECS, ECS_IPV4), ecs=ECS_IPV4),
    Options("ECS of IPv6", option(ECS, ECS_IPV6), ecs=ECS_IPV6),
    Options("ECS of nobody", option(ECS, bytes.fromhex("00010000")), ecs=bytes.fromhex("00010000")),
    malformed_ecs("of family 3", "00031800c00002"),
    malformed_ecs("too short", "000118"),
    malformed_ecs("with too few octets", "00011800c000"),
    malformed_ecs("with too many octets", "00011800c0000201"),
    malformed_ecs("with bits behind its prefix", "00011700c00003"),
    malformed_ecs("with a scope", "00011818c00002"),
    malformed_ecs("of 33 bits", "00012100c000020100"),
    Options("NSID", option(NSID), nsid=True),
    Options("NSID twice", option(NSID) + option(NSID), nsid=True),
    Options("COOKIE of a client", option(COOKIE, CLIENT_COOKIE), cookie="client"),
    Options("COOKIE of another server", option(COOKIE, CLIENT_COOKIE + bytes(range(16))),
            cookie="bad"),
    Options("COOKIE too short", option(COOKIE, CLIENT_COOKIE[:7]), cookie_malformed=True),
    Options("COOKIE between lengths", option(COOKIE, CLIENT_COOKIE + b"\0" * 7),
            cookie_malformed=True),
    Options("COOKIE too long", option(COOKIE, CLIENT_COOKIE + b"\0" * 33), cookie_malformed=True),
    Options("unknown 100", option(100, b"\0\1\2\3")),
    Options("padding", option(PADDING, bytes(17))),
    Options("keepalive", option(KEEPALIVE), keepalive=True),
    Options("EDE", option(EDE, b"\0\0")),
    Options("several", ALL, ecs=ECS_IPV4, nsid=True, cookie="client", keepalive=True),
    Options("ECS twice", option(ECS, ECS_IPV4) + option(ECS, ECS_IPV6), ecs=ECS_IPV4),
    Options("option cut", option(NSID) + struct.pack("!HH", 100, 4) + b"\0\0", malformed=True),
)


def wire_name(text):
    labels = [label for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def opt_record(version=0, flags=0, options=b"", payload=1232):
    return b"\0" + struct.pack("!HHBBHH", 41, payload, 0, version, flags, len(options)) + options


class Query:
    """One combination. `question` is (name, type, class)."""

    __slots__ = ("opcode", "count", "header", "version", "edns_flags", "options", "question",
                 "question_wire", "packet")

    def __init__(self, opcode, count, header, version, edns_flags, options, question):
        self.opcode, self.count, self.header = opcode, count, header
        self.version, self.edns_flags, self.options = version, edns_flags, options
        self.question = question
        name, rtype, rclass = question
        self.question_wire = wire_name(name) + struct.pack("!HH", rtype, rclass)
        edns = b"" if version is None else opt_record(version, edns_flags, options.data)
        self.packet = (
            struct.pack("!HHHHHH", 0, opcode << 11 | header, count, 0, 0, 1 if edns else 0)
            + self.question_wire * count
            + edns
        )

    def __str__(self):
        edns = "no OPT"
        if self.version is not None:
            edns = f"version {self.version}, EDNS flags {self.edns_flags:04x}, {self.options.name}"
        return (f"opcode {self.opcode}, {self.count} questions, header {self.header:04x}, {edns}, "
                f"{self.question[0]} {self.question[1]}")


def edns_combinations():
    """What stands behind the question: (version, flags, options)."""
    yield None, 0, OPTIONS[0]
    yield from itertools.product(VERSIONS[1:], EDNS_FLAGS, OPTIONS)


def all_queries(question, apex):
    """The whole product. A NOTIFY is for a zone."""
    for opcode, count, header in itertools.product(range(16), (0, 1, 2), HEADERS):
        for version, flags, options in edns_combinations():
            asked = apex if opcode == NOTIFY else question
            yield Query(opcode, count, header, version, flags, options, asked)

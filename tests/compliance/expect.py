# SPDX-License-Identifier: BSD-2-Clause
"""expect - what the RFCs say that the reply to a query has to be.

Worked out from the query and from the server's settings alone. A reply that
is wrong is told by a sentence.
"""

import struct

from queries import (
    AA, AD, CD, CLIENT_COOKIE, COOKIE, DO, ECS, KEEPALIVE, NOTIFY, NSID, QUERY, RA, RD, TC, TCP, Z,
)

NOERROR, FORMERR, NOTIMP, REFUSED, NOTAUTH, BADVERS, BADCOOKIE = 0, 1, 4, 5, 9, 16, 23
OPT = 41
ORDER = {ECS: 0, NSID: 1, COOKIE: 2, KEEPALIVE: 3, 15: 4}


class Settings:
    """What the server was told about itself."""

    def __init__(self, nsid=None, cookies=False, keepalive=100):
        self.nsid = nsid
        self.cookies = cookies
        self.keepalive = keepalive  # in 100 ms


def is_malformed(query, settings):
    """RFC 7871 7.1.2, RFC 7873 5.2.2, RFC 6891 6.1.2: an option that makes the query FORMERR."""
    options = query.options
    return options.malformed or (options.cookie_malformed and settings.cookies)


def rcodes(query, settings):
    """The RCODEs that are right."""
    # RFC 6891 6.1.3: a version that the server does not know, whatever the query is.
    if query.version:
        return (BADVERS,)
    edns = query.version is not None
    # RFC 8906 3.1.4, RFC 1035 4.1.1: an opcode that the server does not know.
    if query.opcode not in (QUERY, NOTIFY):
        return (NOTIMP,)
    if edns and is_malformed(query, settings):
        return (FORMERR,)
    if query.count == 0 and query.opcode == QUERY and settings.cookies and edns:
        # RFC 7873 5.4: asking for a cookie.
        if query.options.cookie == "client":
            return (NOERROR,)
        if query.options.cookie == "bad":
            return (BADCOOKIE,)
    # RFC 9619 4, RFC 1996 3.7
    if query.count != 1:
        return (FORMERR,)
    # RFC 1996 3.10: whoever asks is no primary of ours.
    return (NOERROR,) if query.opcode == QUERY else (REFUSED, NOTAUTH)


def options_of(query, settings, transport, rcode):
    """The options of the reply's OPT: code -> data; None: any 16 octets behind the client's."""
    wanted = {}
    if rcode == BADVERS or is_malformed(query, settings):
        return wanted
    options = query.options
    if options.ecs:
        # RFC 7871 7.2.1; these answers are for everybody: scope 0.
        wanted[ECS] = options.ecs[:3] + b"\0" + options.ecs[4:]
    if options.nsid and settings.nsid:
        wanted[NSID] = settings.nsid
    if options.cookie and settings.cookies:
        wanted[COOKIE] = None
    if options.keepalive and transport == TCP:
        wanted[KEEPALIVE] = struct.pack("!H", settings.keepalive)
    return wanted


def read_options(data):
    found, at = [], 0
    while at < len(data):
        code, length = struct.unpack_from("!HH", data, at)
        at += 4
        if at + length > len(data):
            raise ValueError("an option is cut")
        found.append((code, data[at : at + length]))
        at += length
    return found


def judge_options(data, wanted, optional):
    found = read_options(data)
    codes = [code for code, _ in found]
    if set(codes) - set(wanted) or len(set(codes)) != len(codes):
        return f"options {codes}, and {list(wanted)} are right"
    if not optional and len(codes) != len(wanted):
        return f"options {codes} in place of {list(wanted)}"
    if codes != sorted(codes, key=ORDER.get):
        return f"options in the order {codes}"
    for code, value in found:
        if wanted[code] is None:
            if len(value) != 24 or value[:8] != CLIENT_COOKIE or value[8] != 1:
                return f"COOKIE {value.hex()}"
        elif value != wanted[code]:
            return f"option {code}: {value.hex()} in place of {wanted[code].hex()}"
    return None


def judge_opt(reply, at, query, settings, transport, rcode):
    """The OPT record at the end of the reply; gives (its upper RCODE bits, what is wrong)."""
    if query.version is None:
        return 0, None if at == len(reply) else "octets behind the last record"
    if len(reply) < at + 11:
        return 0, "no OPT, and the query had one"
    owner, rtype, payload, upper, version, flags, length = struct.unpack_from("!BHHBBHH", reply, at)
    if owner or rtype != OPT or at + 11 + length != len(reply):
        return upper, "not an OPT record at the end"
    if version:
        return upper, f"version {version}"
    if payload < 512:
        return upper, f"payload {payload}"
    # RFC 3225 3, RFC 6891 6.1.4
    if flags != query.edns_flags & DO:
        return upper, f"EDNS flags {flags:04x}"
    return upper, judge_options(
        reply[at + 11 :],
        options_of(query, settings, transport, upper << 4 | rcode),
        # Options are for queries; what they mean in a NOTIFY is said nowhere.
        query.opcode == NOTIFY,
    )


def judge(query, reply, settings, transport, answer):
    """None, or what is wrong with the reply. `answer`: the records, behind the question."""
    _, flags, questions, answers, authorities, extras = struct.unpack_from("!6H", reply)
    if not flags & 0x8000 or flags >> 11 & 15 != query.opcode:
        return f"flags {flags:04x}"
    # RFC 1035 4.1.1, RFC 4035 3.1.6: RD is copied, the rest is ours and clear.
    if (flags ^ query.header) & RD or flags & (TC | RA | Z | AD | CD):
        return f"flags {flags:04x}"
    at = 12
    if questions:
        if questions != 1 or reply[12 : 12 + len(query.question_wire)] != query.question_wire:
            return "not the question that was asked"
        at += len(query.question_wire)
    right = rcodes(query, settings)
    answered = right == (NOERROR,) and query.count == 1
    if answered and (not questions or not flags & AA or reply[at : at + len(answer)] != answer):
        return "not the answer"
    if not answered and flags & AA and query.opcode != NOTIFY:
        return "AA without an answer"
    if query.count == 1 and not questions:
        return "the question is gone"
    at += len(answer) if answered else 0
    if (answers, authorities, extras) != (int(answered), 0, int(query.version is not None)):
        return f"counts {answers}, {authorities}, {extras}"
    upper, wrong = judge_opt(reply, at, query, settings, transport, flags & 15)
    rcode = upper << 4 | flags & 15
    if rcode not in right:
        return f"RCODE {rcode} in place of {' or '.join(map(str, right))}"
    return wrong

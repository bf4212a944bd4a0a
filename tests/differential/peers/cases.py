# SPDX-License-Identifier: BSD-2-Clause
"""cases - where the peers differ among themselves, and the section that decides.

A case says what a disagreement is about; who is right is not the case's to
say but the reference's, which is RFC 1034 4.3.2 as it is written. The same
list, with who does what, is in docs/differential.md.
"""

from peers.questions import EVERY_CLASS, NUMBERS

CNAME, DNAME, DS, NS, ANY = (NUMBERS[word] for word in ("CNAME", "DNAME", "DS", "NS", "ANY"))
SECURING = {NUMBERS[word] for word in ("RRSIG", "NSEC", "NSEC3")}


def types_in(*replies):
    return {record[2] for reply in replies for record in reply.answer}


def is_silent(question, ours, peers):
    """A peer hung, and was started again."""
    return any(peer.fault == "silent" for peer in peers)


def is_any(question, ours, peers):
    return question.rtype == "ANY"


def is_cut(question, ours, peers):
    return ours.tc or any(peer.tc for peer in peers)


def is_too_long(question, ours, peers):
    return 6 in {reply.rcode for reply in [ours] + peers}


def is_dname_chain(question, ours, peers):
    return DNAME in types_in(ours, *peers)


def is_cname_chain(question, ours, peers):
    return CNAME in types_in(ours, *peers)


def is_referral(question, ours, peers):
    return not ours.answer and bool(ours.authority) and all(rec[2] == NS for rec in ours.authority)


def is_existence(question, ours, peers):
    """Another node is found, or none: another closest encloser, another zone, one not loaded."""
    return {reply.rcode for reply in [ours] + peers} <= {0, 2, 3}


def is_mixed(question, ours, peers):
    """All the same but for TTLs in sets that have several."""
    def bare(reply):
        return [{rec[:3] + rec[4:] for rec in reply.sections[number]} for number in (1, 2)]

    return not is_cut(question, ours, peers) and all(
        bare(peer) == bare(ours) and peer.rcode == ours.rcode for peer in peers
    )


def is_every_class(question, ours, peers):
    return question.cls == EVERY_CLASS


def is_too_large(question, ours, peers):
    return question.tcp and ours.rcode == 2


def is_proof(question, ours, peers):
    """All the same but for what secures it."""
    def bare(reply):
        return reply.rcode, reply.aa, [
            {rec for rec in reply.sections[number] if rec[2] not in SECURING} for number in (1, 2)
        ]

    return all(bare(peer) == bare(ours) for peer in peers)


CASES = [
    ("a peer without an answer", "RFC 8906 2", is_silent),
    ("set that no message holds", "RFC 7766 5", is_too_large),
    ("class ANY", "RFC 1034 3.7.1", is_every_class),
    ("several TTLs in a set", "RFC 2181 5.2", is_mixed),
    ("ANY", "RFC 8482 4.1", is_any),
    ("proof", "RFC 4035 3.1, RFC 5155 7.2", is_proof),
    ("truncation", "RFC 2181 9", is_cut),
    ("DNAME, name too long", "RFC 6672 2.2", is_too_long),
    ("DNAME chain", "RFC 6672 3.2", is_dname_chain),
    ("below a cut", "RFC 1034 4.3.2 step 3b", is_referral),
    ("CNAME chain", "RFC 1034 4.3.2 step 3a", is_cname_chain),
    ("existence", "RFC 4592 3.3.1, RFC 1034 4.2.1", is_existence),
]

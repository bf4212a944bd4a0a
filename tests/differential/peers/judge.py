# SPDX-License-Identifier: BSD-2-Clause
"""judge - who is right where the replies differ.

First what servers are free to do is taken away. What then still differs
between anamed and all peers is a defect; where the peers differ among
themselves, the reference says who is right, and CASES what it is about. A
disagreement that no case covers is counted as undecided. docs/differential.md
has both tables in words.
"""

from collections import Counter

from peers import names
from peers.cases import CASES
from peers.questions import EVERY_CLASS, NUMBERS, WORDS
from peers.reference import Reference, rdata_lowered
from peers.servers import PAYLOAD, PEERS

A, NS, CNAME, SOA, AFSDB, AAAA, DNAME, SVCB, HTTPS, ANY, RRSIG, NSEC, NSEC3, ANAME = (
    NUMBERS[word]
    for word in (
        "A", "NS", "CNAME", "SOA", "AFSDB", "AAAA", "DNAME", "SVCB", "HTTPS", "ANY", "RRSIG", "NSEC", "NSEC3",
        "TYPE65401",
    )
)
SECURING = {RRSIG, NSEC, NSEC3}
TARGETS = {"NS", "MX", "SRV", "SVCB", "HTTPS", "KX", "RT"}
AA, TC = 0x0400, 0x0200
NOERROR, SERVFAIL = 0, 2
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED", 6: "YXDOMAIN"}
CHAIN_MAX = 16
NEARLY = 16  # octets that one server saves by its compression, and another does not


class Reply:
    """The text of reply_text(), taken apart."""

    def __init__(self, text):
        head, *lines = text.split("\n")
        self.fault = head[2:] if head.startswith("!") else None
        if self.fault:
            head = "0 0 0"
        self.rcode, self.flags, self.opt = (int(word) for word in head.split())
        self.sections = {1: set(), 2: set(), 3: set()}
        self.doubles = []
        self.joined = False  # of two replies, each of which had a message for itself
        for line in filter(None, lines):
            section, owner, *rest, rdata = line.split(" ")
            cls, rtype, ttl = (int(word) for word in rest)
            record = (bytes.fromhex(owner), cls, rtype, ttl, bytes.fromhex(rdata))
            if record in self.sections[int(section)]:
                self.doubles.append(record)
            self.sections[int(section)].add(record)

    @property
    def answer(self):
        return self.sections[1]

    @property
    def authority(self):
        return self.sections[2]

    @property
    def additional(self):
        return self.sections[3]

    @property
    def aa(self):
        return bool(self.flags & AA)

    @property
    def tc(self):
        return bool(self.flags & TC)

    def sets(self, section=1):
        """(owner, type) of the RRsets in a section."""
        return {(record[0], record[2]) for record in self.sections[section]}

    def end_of_chain(self, name):
        """Where the CNAMEs of the answer lead from a name; None: round in a circle."""
        aliases = {record[0]: record[4] for record in self.answer if record[2] == CNAME}
        seen = set()
        while name in aliases:
            if name in seen:
                return None
            seen.add(name)
            name = aliases[name]
        return name

    def key(self):
        """All that must be equal, additional data aside."""
        if self.fault:
            return self.fault
        head = (self.rcode, self.flags, self.opt)
        if self.tc:
            return head
        return head + (frozenset(self.answer), frozenset(self.authority))

    def __str__(self):
        if self.fault:
            return f"    {self.fault}"
        words = [RCODES.get(self.rcode, str(self.rcode))]
        words += [word for word, bit in (("AA", AA), ("TC", TC), ("RD", 0x100), ("RA", 0x80)) if self.flags & bit]
        words += [["OPT"], ["OPT", "DO"]][self.opt - 1] if self.opt else []
        lines = ["    " + " ".join(words)]
        for section, word in ((1, "answer"), (2, "authority"), (3, "additional")):
            for owner, _, rtype, ttl, rdata in sorted(self.sections[section]):
                kind = WORDS.get(rtype, f"TYPE{rtype}")
                lines.append(f"    {word:10} {shown(owner)} {ttl} {kind} {rdata_text(rtype, rdata)}")
        lines += [f"    twice: {shown(record[0])}" for record in self.doubles]
        return "\n".join(lines)


def shown(octets):
    return names.text(names.from_wire(octets))


def rdata_text(rtype, rdata):
    if rtype in (NS, CNAME, DNAME):
        return shown(rdata)
    if rtype == RRSIG:
        kind = int.from_bytes(rdata[:2], "big")
        return f"{WORDS.get(kind, kind)} {rdata[-8:].hex()}"
    return rdata.hex()[:80]


def covered(record):
    """The type of a record; of an RRSIG the one that it covers."""
    return int.from_bytes(record[4][:2], "big") if record[2] == RRSIG else record[2]


def lowered(records):
    """As the reference has them: it does not know where names stand in rdata."""
    return {record[:4] + (rdata_lowered(record[2], record[4]),) for record in records}


def any_fits(answer, whole):
    """RFC 8482 4.1: RRsets of those that are there, each of them whole and signed, at least one."""
    sets = {(record[0], record[2]) for record in answer if record[2] != RRSIG}
    return bool(sets) and answer == {
        record for record in whole if (record[0], covered(record)) in sets
    }


class Judge:
    """`ask` gives, for a list of questions, index -> texts, one for each server."""

    def __init__(self, zones, questions, ask, absent):
        self.absent = absent  # pairs of apex and place of a peer that does not serve the zone
        self.zones = {zone.apex: zone for zone in zones}
        self.questions = questions
        self.ask = ask
        self.reference = Reference(self.zones)
        self.differ = 0
        self.decided = Counter()
        self.undecided = []
        self.defects = []

    # ---- freedoms ----

    def zone_of(self, name):
        for cut in range(len(name) + 1):
            if name[cut:] in self.zones:
                return self.zones[name[cut:]]
        return None

    def without_ns(self, reply):
        """An apex NS set beside a positive answer is taken away."""
        if reply.answer and reply.rcode == NOERROR and reply.aa:
            reply.sections[2] = {
                record for record in reply.authority
                if covered(record) != NS or names.from_wire(record[0]) not in self.zones
            }

    def extras_fit(self, question, ours, peers):
        """Additional data: what all peers have (or two of them), and nothing that none has."""
        theirs = [peer.additional for peer in peers if not peer.tc and not peer.fault]
        if ours.tc or ours.fault or not theirs:
            return True
        # What goes along with other answers, or other proofs, says nothing.
        if question.zone.kind and sum(peer.key() == ours.key() for peer in peers) < 2:
            return True
        count = Counter(record for one in theirs for record in one)
        # Where the answer has targets and room for all, two peers are enough: nsd knows no SVCB.
        has_targets = question.rtype in TARGETS and NUMBERS[question.rtype] in {
            rtype for _, rtype in ours.sets()
        }
        enough = 2 if question.tcp and has_targets else len(theirs)
        must = {record for record in count if count[record] >= enough}
        if not question.tcp and any(peer.joined for peer in peers):
            must = set()  # one message may have had no room for them
        # What one has room for and another has not is a matter of compression; RFC 9471 3.1: but
        # not addresses below the cut.
        if not question.tcp and any(peer.tc for peer in peers):
            must = {record for record in must if self.is_below_cut(ours, record)}
        # RFC 2181 9: what a cut reply has is right, though it may be too little.
        more = ours.additional - {record for peer in peers for record in peer.additional}
        silent = any(peer.fault for peer in peers)
        return must <= ours.additional and all(
            self.may_add(question, ours, record, silent) for record in more
        )

    def may_add(self, question, ours, record, silent):
        """
        RFC 9460 2.5.2 and 4.1: "." as target is the owner, whose addresses belong there; an ANAME's
        owner has those that are given for it (SEMANTICS 1.9). RFC 8482
        4.1: the set that was chosen for ANY may be one that no peer chose, or adds to. RFC 4035
        3.1.1: where there is room for some of it only, which is free. RFC 1034 4.3.2 step 3b:
        addresses of a cut's name servers, from the zone's own data; RFC 9471 3.1: and all of those
        below it, where nsd and named leave some out without TC. Where a peer has no answer,
        it may have been the one that adds what the answer's targets have (RFC 9460 4.1). RFC 1183
        1 and RFC 9460 4.1: named alone knows AFSDB and what an alias of a service leads to.
        """
        services = {owner for owner, rtype in ours.sets() if rtype in (SVCB, HTTPS, ANAME)}
        right = self.reference.answer(names.from_wire(record[0]), covered(record), question.dnssec_ok)
        return self.is_glue(ours, record) or lowered({record}) <= right.answer and (
            record[0] in services
            or record[0] in self.led_to(ours)
            or question.rtype == "ANY"
            or (question.zone.kind or silent) and any(record[0] in rdata for *_, rdata in ours.answer)
            or (record[0], covered(record)) in self.server_addresses(ours)
        )

    def is_glue(self, ours, record):
        return any(
            target == record[0]
            and lowered({record})
            <= self.reference.held(names.from_wire(owner)[1:], names.from_wire(target), record[2])
            for owner, _, rtype, _, target in ours.authority
            if rtype == NS
        )

    def is_below_cut(self, ours, record):
        name = names.from_wire(record[0])
        return any(
            names.under(name, names.from_wire(owner))
            for owner, _, rtype, _, _ in ours.authority
            if rtype == NS
        )

    def led_to(self, ours):
        """Targets of AFSDB, SVCB and HTTPS records in the answer, and beside it."""
        return {rdata[2:] for _, _, rtype, _, rdata in ours.answer if rtype == AFSDB} | {
            rdata[2 : 2 + names.size(names.from_wire(rdata[2:]))]
            for _, _, rtype, _, rdata in ours.answer | ours.additional
            if rtype in (SVCB, HTTPS)
        }

    def server_addresses(self, ours):
        """(name, type) of the addresses that a referral's zone has for the servers it names."""
        found = set()
        for owner, _, rtype, _, target in ours.authority:
            if rtype != NS:
                continue
            zone = self.zone_of(names.from_wire(owner)[1:])
            if zone and self.zone_of(names.from_wire(target)) is zone:
                found |= {(target, A), (target, AAAA)}
        return found

    # ---- chains that a peer does not follow into another zone ----

    def loose_end(self, question, reply):
        """The name in one of our zones at which a peer's chain stops; None: it is complete."""
        plain = [record for record in reply.authority if record and record[2] not in SECURING]
        if reply.fault or reply.tc or reply.rcode != NOERROR or plain or None in reply.authority:
            return None
        name = names.wire(names.low(question.name))
        end = reply.end_of_chain(name)
        wanted = NUMBERS[question.rtype]
        if end is None or end == name or wanted == CNAME:
            return None
        # ANY is for the CNAME itself, unless a DNAME made it.
        if wanted == ANY and DNAME not in {record[2] for record in reply.answer}:
            return None
        if any(owner == end and (rtype == wanted or wanted == ANY) for owner, rtype in reply.sets()):
            return None
        return names.from_wire(end) if self.zone_of(names.from_wire(end)) else None

    def place_of(self, question, number):
        """The place among all servers of one of those that serve the question's zone."""
        apex = question.zone.apex
        return [place for place in range(len(PEERS) + 1) if (apex, place) not in self.absent][number]

    def complete(self, replies):
        """
        RFC 1034 4.3.2 step 3a goes back to step 1, which looks for the zone anew: what a peer says
        of the chain's end is put behind the chain.
        """
        for _ in range(CHAIN_MAX):
            loose = []
            for index, texts in replies.items():
                question = self.questions[index]
                for place, reply in enumerate(texts[1:], 1):
                    end = self.loose_end(question, reply)
                    if end is not None:
                        loose.append((index, place, question.at(end)))
            if not loose:
                return
            found = self.ask([question for _, _, question in loose])
            for number, (index, place, _) in enumerate(loose):
                where = self.place_of(self.questions[index], place)
                more = Reply(found[number][where])
                self.without_ns(more)
                self.join(replies[index][place], more)

    def join(self, reply, more):
        reply.joined = True
        reply.rcode = more.rcode
        reply.fault = reply.fault or more.fault
        reply.flags |= more.flags & TC
        reply.sections[1] |= more.answer
        reply.sections[2] |= more.authority or {None}
        reply.sections[3] |= more.additional

    # ---- judgement ----

    def run(self, found):
        replies = {}
        for index, texts in found.items():
            apex = self.questions[index].zone.apex
            replies[index] = [
                Reply(text) for place, text in enumerate(texts) if (apex, place) not in self.absent
            ]
            for reply in replies[index]:
                self.without_ns(reply)
        open_ones = {
            index: list for index, list in replies.items()
            if self.still_differ(self.questions[index], list)
        }
        self.complete(open_ones)
        for list in open_ones.values():
            for reply in list:
                reply.sections[2].discard(None)
        for index, list in open_ones.items():
            self.judge(index, list)
        self.differ = len(self.defects)

    def still_differ(self, question, replies):
        keys = {reply.key() for reply in replies}
        ours, peers = replies[0], replies[1:]
        return len(keys) > 1 or ours.doubles or not self.extras_fit(question, ours, peers)

    def judge(self, index, replies):
        question, (ours, *peers) = self.questions[index], replies
        if ours.doubles:
            self.defects.append((index, "a record twice", replies))
            return
        if not self.still_differ(question, replies):
            return
        fits = self.extras_fit(question, ours, peers)
        if not self.is_right(question, ours, peers):
            self.defects.append((index, "anamed is wrong", replies))
        elif not fits:
            self.defects.append((index, "additional data", replies))
        elif (
            len({peer.key() for peer in peers}) > 1
            or question.rtype == "ANY"
            or ours.tc  # it is right that there is no room
            or all(peer.tc for peer in peers)  # it is right, and has room
        ):
            self.settle(index, replies)
        else:
            self.defects.append((index, "anamed alone", replies))

    def is_right(self, question, ours, peers):
        """As the reference has it; a cut reply, as some peer has it."""
        if ours.fault:
            return False
        if question.tcp and ours.rcode == SERVFAIL:
            return not ours.answer and self.is_too_large(question)
        every = question.cls == EVERY_CLASS  # RFC 1034 3.7.1: AA is clear
        if ours.tc:
            return self.has_no_room(question) or self.may_lack_room(question, ours, peers) or any(
                peer.tc and peer.rcode == ours.rcode and (peer.aa and not every) == ours.aa
                for peer in peers
            )
        right = self.right(question)
        right.aa = right.aa and not every
        answer, authority = lowered(ours.answer), lowered(ours.authority)
        if (ours.rcode, ours.aa, authority) != (right.rcode, right.aa, right.authority):
            return False
        if question.rtype == "ANY" and right.answer:
            return any_fits(answer, right.answer)
        return answer == right.answer

    def right(self, question):
        dnssec_ok = question.dnssec_ok and question.payload is not None
        return self.reference.answer(question.name, NUMBERS[question.rtype], dnssec_ok)

    def has_no_room(self, question):
        """
        However well it is compressed: names in rdata, and owners, are pointers at best, where not
        the label before is new.
        """
        right = self.right(question)
        rdata = [
            {NS: 2, CNAME: 4, SOA: 24, NSEC3: 32 + len(record[4])}.get(record[2], len(record[4]))
            for record in right.answer | right.authority
        ]
        size = 12 + names.size(question.name) + 4 + 11 + sum(12 + one for one in rdata)
        return not question.tcp and size + NEARLY > min(question.payload or 512, PAYLOAD)

    def may_lack_room(self, question, ours, peers):
        """
        No peer shows that one message holds it all: those that have it all said it in two. Without
        any compression it would not fit. RFC 9471 3.1: addresses below the cut belong to a referral.
        """
        right = self.right(question)
        below = self.server_addresses(ours)
        glue = {
            record for peer in peers for record in peer.additional if (record[0], record[2]) in below
        }
        whole = any(
            not (peer.joined or peer.tc or peer.fault)
            and lowered(peer.answer) == right.answer
            and lowered(peer.authority) == right.authority
            and glue <= peer.additional
            for peer in peers
        )
        records = right.answer | right.authority | glue
        size = 12 + names.size(question.name) + 4 + 11
        size += sum(len(record[0]) + 10 + len(record[4]) for record in records)
        limit = min(question.payload or 512, PAYLOAD)
        return not question.tcp and not whole and size > limit

    def is_too_large(self, question):
        """No message can hold it: 12 octets beside each rdata, where owners are compressed."""
        right = self.right(question)
        return sum(12 + len(record[4]) for record in right.answer) > 65535 - 512

    def settle(self, index, replies):
        """The reference is with anamed; the case gives the disagreement its name."""
        question, (ours, *peers) = self.questions[index], replies
        for name, section, matches in CASES:
            if matches(question, ours, peers):
                self.decided[f"{name} ({section})"] += 1
                return
        self.undecided.append((index, "undecided", replies))

    # ---- what was found ----

    def show(self, index, why, replies):
        print(f"{why}: {self.questions[index]}")
        groups = {}
        for number, reply in enumerate(replies):
            name = (["anamed"] + PEERS)[self.place_of(self.questions[index], number)]
            groups.setdefault(str(reply), []).append(name)
        for text, who in groups.items():
            print(f"  {', '.join(who)}:\n{text}")

    def report(self, most):
        for index, why, replies in self.defects[:most] + self.undecided[:most]:
            self.show(index, why, replies)
        for name, count in sorted(self.decided.items()):
            print(f"{count:6} {name}")
        if self.undecided:
            print(f"{len(self.undecided):6} undecided: the peers differ, and no case says who is right")

# SPDX-License-Identifier: BSD-2-Clause
"""zone - a zone of the test: its text for the servers, its names for the questions."""

import re

from peers import names

# Types whose rdata is, or begins with numbers and then is, the name of something to ask for.
TARGETS = {"NS", "CNAME", "DNAME", "PTR", "MX", "SRV"}


class Zone:
    """Owners with their types and the names that their records point to."""

    def __init__(self, apex):
        self.apex = apex
        self.lines = []
        self.dressed = None  # what the servers read in place of the lines
        self.nodes = {}  # name in lower case -> {type: [targets]}
        self.anames = False  # what stands at ANAMEs is asked for all but addresses
        self.asked = []  # (name, type) that the file itself wants to be asked
        self.kind = None  # how it is signed, of sign.KINDS
        self.hashed = []  # owners of NSEC3

    def add(self, owner, ttl, rtype, rdata, target=None):
        """One record; the target's text goes behind the rdata."""
        words = [rdata] if target is None else [rdata, names.text(target)]
        self.lines.append(f"{names.text(owner)} {ttl} IN {rtype} {' '.join(filter(None, words))}")
        self.note(owner, rtype, target)

    def note(self, owner, rtype, target):
        """Also the empty non-terminals above."""
        owner = names.low(owner)
        targets = self.nodes.setdefault(owner, {}).setdefault(rtype, [])
        if target is not None:
            targets.append(names.low(target))
        while len(owner) > len(self.apex):
            owner = owner[1:]
            self.nodes.setdefault(owner, {})

    def append(self, lines):
        """Records that stand in either text, their names absolute."""
        self.lines = self.lines + lines
        if self.dressed:
            self.dressed = "\n".join([self.dressed] + lines) + "\n"

    def has(self, name, *rtypes):
        found = self.nodes.get(names.low(name), {})
        return any(rtype in found for rtype in rtypes)

    def text(self):
        return self.dressed or self.plain()

    def plain(self):
        return "\n".join(self.lines) + "\n"


def read(path):
    """
    A hand-made zone file. Its apex is that of $ORIGIN in the first line; every record stands in
    one line, "OWNER TTL TYPE RDATA", without quotes in names; "; ask NAME TYPE..." adds questions.
    """
    with open(path) as file:
        text = file.read()
    origin = names.from_text(re.match(r"\$ORIGIN (\S+)", text).group(1), ())
    zone = Zone(names.low(origin))
    for line in text.split("\n"):
        words = line.split()
        if line.startswith("; ask "):
            zone.asked += [(names.from_text(words[2], zone.apex), rtype) for rtype in words[3:]]
        if not words or line[0] in ";$ ":
            continue
        owner, rtype = names.from_text(words[0], zone.apex), words[2]
        target = names.from_text(words[-1], zone.apex) if rtype in TARGETS else None
        zone.note(owner, rtype, target)
    zone.lines = text.split("\n")
    return zone

# SPDX-License-Identifier: BSD-2-Clause
"""dress - the same records in the many ways in which a master file may write them (RFC 1035 5.1).

Relative names and $ORIGIN, $TTL and units, owners and classes left out, either
order of class and TTL, parentheses, comments, blanks: what is read must stay
the same. (CR is left out: knotd refuses it.)
"""

UNITS = {60: "1m", 300: "5m", 3600: "1h", 86400: "1d"}
NAMES_LAST = {"NS", "CNAME", "DNAME", "PTR", "MX", "SRV"}


class Writer:
    def __init__(self, rng, apex):
        self.rng = rng
        self.apex = apex
        self.origin = None  # unknown to some until it is said
        self.ttl = None
        self.owner = None
        self.lines = []

    def chance(self, share):
        return self.rng.random() < share

    def relative(self, name):
        """A name as it may be written under the origin of the moment."""
        if self.origin is None or self.chance(0.3):
            return name
        if name == self.origin:
            return "@"
        if name.endswith("." + self.origin):
            return name[: -len(self.origin) - 1]
        return name

    def directives(self, owner, ttl):
        if self.chance(0.1):
            parts = owner.split(".")
            depth = self.rng.randrange(len(parts) - self.apex.count(".") or 1)
            self.origin = ".".join(parts[depth:])
            self.lines.append(f"$ORIGIN {self.origin} ; from here on")
            # Whether an owner is inherited over $ORIGIN is not said anywhere.
            self.owner = None
        if self.chance(0.1):
            self.ttl = ttl
            self.lines.append(f"$TTL {ttl}")

    def head(self, owner, ttl):
        """Owner, TTL and class."""
        word = self.relative(owner)
        if owner == self.owner and self.chance(0.6):
            word = ""
        self.owner = owner
        words = [UNITS[ttl] if ttl in UNITS and self.chance(0.3) else str(ttl), "IN"]
        if ttl == self.ttl and self.chance(0.6):
            words.pop(0)
        if self.chance(0.3):
            words.reverse()
        if self.chance(0.5):
            words = [item for item in words if item != "IN"]
        return "\t".join([word] + words)

    def tail(self, rtype, rdata):
        words = rdata.split(" ")
        if rtype in NAMES_LAST:
            words[-1] = self.relative(words[-1])
        text = " ".join(words)
        if not rtype.startswith("TYPE") and self.chance(0.2):
            rtype = rtype.lower()
        if self.chance(0.1):
            text = f"( {text} )"
        elif self.chance(0.1):
            text = f"( ; \"not (closed\n\t  {text}\n\n) ; but here"
        elif self.chance(0.1):
            text += " ; a comment ( \""
        return f"{rtype}{self.rng.choice([' ', '  ', chr(9)])}{text}"

    def record(self, line):
        owner, ttl, _, rtype, rdata = line.split(" ", 4)
        self.directives(owner, int(ttl))
        self.lines.append(f"{self.head(owner, int(ttl))} {self.tail(rtype, rdata)}")
        if self.chance(0.05):
            self.lines.append(self.rng.choice(["", "; nothing", "   ", "\t; nothing at all"]))

    def text(self):
        return "\n".join(self.lines) + self.rng.choice(["", "\n"])


def dressed(rng, apex, lines):
    """The lines "OWNER TTL IN TYPE RDATA" of a zone as another text that says the same."""
    writer = Writer(rng, apex)
    for line in lines:
        writer.record(line)
    return writer.text()

# SPDX-License-Identifier: BSD-2-Clause
"""secure - a zone that came signed. Its signatures are nothing but octets: nobody verifies here."""

SETS = (
    ("@", "SOA", "ns host 1 3600 600 86400 60"), ("@", "NS", "ns"), ("@", "MX", "10 mail"),
    ("@", "DNSKEY", "257 3 13 AQEB"), ("@", "TXT", '"apex"'),
    ("ns", "A", "192.0.2.53"), ("mail", "A", "192.0.2.25"), ("mail", "AAAA", "2001:db8::25"),
    ("www", "A", "192.0.2.1"), ("www", "A", "192.0.2.2"), ("www", "A", "192.0.2.3"),
    ("text", "TXT", '"some words"'), ("svc", "HTTPS", "1 . alpn=h2"), ("svc", "A", "192.0.2.83"),
    ("alias", "CNAME", "www"), ("away", "CNAME", "www.example.test."), ("lost", "CNAME", "nothing"),
    ("*.wild", "A", "192.0.2.90"), ("a.ent", "TXT", '"below nothing"'),
    ("safe", "DS", "1 13 2 00"), ("moved", "DNAME", "ent"),
)
# Of which there is no signature: delegations and their glue, and what is flattened.
BARE = (
    ("@", "ANAME", "www.cdn.test."), ("flat", "ANAME", "shop.cdn.test."),
    ("four", "ANAME", "four.cdn.test."), ("to-flat", "CNAME", "flat"),
    ("safe", "NS", "ns.safe"), ("ns.safe", "A", "192.0.2.91"),
    ("loose", "NS", "ns.loose"), ("ns.loose", "A", "192.0.2.92"),
)
NAMES = tuple("secure.test" if name == "@" else f"{name}.secure.test" for name in (
    "@", "ns", "mail", "www", "text", "svc", "alias", "away", "lost", "x.wild", "wild", "ent",
    "a.ent", "safe", "x.safe", "loose", "x.loose", "a.moved", "x.moved", "flat", "four", "to-flat",
    "nothing", "x.nothing", "zzz"))


def signature(name, rtype):
    labels = 2 if name == "@" else 2 + len([label for label in name.split(".") if label != "*"])
    return (f"{name} RRSIG {rtype} 13 {labels} 300 20300101000000 20200101000000 1 @ "
            f"{'QUJD' * 21}QQ==\n")


def zone():
    """The zone with an NSEC at each name."""
    lines, types = ["$TTL 300\n"], {}
    for name, rtype, data in SETS + BARE:
        lines.append(f"{name} {rtype} {data}\n")
        if not name.startswith("ns."):
            types.setdefault(name, set()).add("TYPE65401" if rtype == "ANAME" else rtype)
    for name, rtype in sorted({(name, rtype) for name, rtype, _ in SETS}):
        lines.append(signature(name, rtype))
    order = sorted(types, key=lambda name: name.split(".")[::-1] if name != "@" else [])
    for name, after in zip(order, order[1:] + ["@"]):
        lines.append(f"{name} NSEC {after} {' '.join(sorted(types[name]))} RRSIG NSEC\n")
        lines.append(signature(name, "NSEC"))
    return "".join(lines)


ZONES = {"secure.test": zone()}

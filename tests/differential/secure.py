# SPDX-License-Identifier: BSD-2-Clause
"""secure - a zone that came signed, and the same one signed by anamed.

The first's signatures are nothing but octets: nobody verifies here. The other's
are by Ed25519, which signs the same twice alike.
"""

import os
import subprocess

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
LABELS = (
    "@", "ns", "mail", "www", "text", "svc", "alias", "away", "lost", "x.wild", "wild", "ent",
    "a.ent", "safe", "x.safe", "loose", "x.loose", "a.moved", "x.moved", "flat", "four", "to-flat",
    "nothing", "x.nothing", "zzz")
NAMES = tuple(zone if label == "@" else f"{label}.{zone}"
              for label in LABELS for zone in ("secure.test", "signed.test"))


def signature(name, rtype):
    labels = 2 if name == "@" else 2 + len([label for label in name.split(".") if label != "*"])
    return (f"{name} RRSIG {rtype} 13 {labels} 300 20300101000000 20200101000000 1 @ "
            f"{'QUJD' * 21}QQ==\n")


def bare():
    return "$TTL 300\n" + "".join(f"{name} {rtype} {data}\n" for name, rtype, data in SETS + BARE
                                  if rtype != "DNSKEY")


def signed():
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


ZONES = {"secure.test": signed(), "signed.test": bare()}


def settings(folder, names):
    """The configuration's zones of these names, with a key in the folder for the one to sign."""
    keys = os.path.join(folder, "keys")
    os.makedirs(keys, exist_ok=True)
    if not os.listdir(keys):
        subprocess.run(["/usr/bin/dnssec-keygen", "-q", "-K", keys, "-a", "ED25519", "-f", "KSK",
                        "signed.test"], check=True, capture_output=True)
    more = {"signed.test": {"dnssec": True, "dnssec-keys": keys}}
    return [{"name": name, "file": f"{name}.zone", **more.get(name, {})} for name in names]

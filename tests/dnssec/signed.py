# SPDX-License-Identifier: BSD-2-Clause
"""signed - an edge with signed zones, its keys, and what a validator says of its answers."""

import glob
import os
import subprocess
import time

from lib.cases import equal, true
from lib.standard import edge_config

KEYGEN = "/usr/bin/dnssec-keygen"
SETTIME = "/usr/bin/dnssec-settime"

# What is delegated, signed or not.
CHILD = """\
$TTL 60
@ SOA ns host 1 3600 600 86400 30
@ NS ns
ns A 198.51.100.1
www A 192.0.2.92
"""


class Keys:
    """A folder of keys that dnssec-keygen makes."""

    def __init__(self, bench, name="keys"):
        self.folder = os.path.join(bench.lab.folder, f"{name}-{len(bench.edges)}-{time.time_ns()}")
        os.mkdir(self.folder)

    def make(self, zone, *words, algorithm="ECDSAP256SHA256", ksk=True):
        """One key; the path of its files without their endings."""
        kind = ["-f", "KSK"] if ksk else []
        made = subprocess.run(
            [KEYGEN, "-q", "-K", self.folder, "-a", algorithm, *kind, *words, zone],
            check=True, capture_output=True, text=True)
        return os.path.join(self.folder, made.stdout.strip())

    def records(self, zone):
        """The DNSKEY records of a zone's key-signing keys, as trust anchors."""
        found = []
        for path in glob.glob(os.path.join(self.folder, f"K{zone}.+*.key")):
            with open(path) as file:
                found += [line.strip() for line in file if " DNSKEY 257 " in line]
        return found


def stamp(seconds):
    """So many seconds from now, as BIND's key files write times."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + seconds))


def zone_settings(keys, *names, **more):
    return [{"name": name, "file": f"{name}.zone", "dnssec": True, "dnssec-keys": keys.folder,
             **more} for name in names]


def signed_edge(bench, keys, zones, settings=None, start=True, **sections):
    """An edge whose zones are all signed, unless `settings` says otherwise."""
    config = edge_config(**sections)
    config["zones"] = settings or zone_settings(keys, *zones)
    return bench.edge(config, zones, start=start)


def flags_of(reply):
    return f"{reply.rcode} {'ad' if reply.has('AD') else '--'}"


def expect(validator, name, rtype, rcode="NOERROR", secure=True, **wire):
    """Asks a validator; the reply, which must have this RCODE and be secure or not."""
    reply = validator.ask(name, rtype, **wire)
    true(reply is not None, f"{validator.name}: no reply for {name} {rtype}")
    wanted = f"{rcode} {'ad' if secure else '--'}"
    equal(flags_of(reply), wanted, f"{validator.name}: {name} {rtype}")
    return reply


def nsec_types(reply):
    """The types in the bit maps of the reply's NSEC records, by owner."""
    found = {}
    for section in (reply.message.answer, reply.message.authority):
        for rrset in section:
            if rrset.rdtype != 47:
                continue
            for item in rrset:
                words = item.to_text().split()
                found[str(rrset.name).rstrip(".").lower()] = words[1:]
    return found

# SPDX-License-Identifier: BSD-2-Clause
"""cdn - the content network that targets point into, described once.

From one description come knotd's zone, its mod-geoip table, and what a right
answer is. The expectation is worked out from this description alone, never
from what a server under test has said.
"""

import dataclasses
import ipaddress

ZONE = "cdn.test"


@dataclasses.dataclass
class Name:
    """One name of the CDN. `networks`: prefix -> (IPv4 addresses, IPv6 addresses)."""

    label: str
    ttl: int
    networks: dict

    @property
    def full(self):
        return f"{self.label}.{ZONE}"

    def prefix_of(self, network):
        """The prefix whose clients the network belongs to."""
        wanted = ipaddress.ip_network(network, strict=False)
        for prefix in self.networks:
            have = ipaddress.ip_network(prefix)
            if have.version == wanted.version and wanted.network_address in have:
                return prefix
        return None

    def addresses(self, network, rtype):
        return self.networks[self.prefix_of(network)][0 if rtype == "A" else 1]

    def scope(self, network):
        """The exact scope of its answers: networks are disjoint."""
        return int(self.prefix_of(network).split("/")[1])

    def change(self, network, ipv4, ipv6=None):
        """New addresses for a network's clients."""
        prefix = self.prefix_of(network)
        self.networks[prefix] = (ipv4, self.networks[prefix][1] if ipv6 is None else ipv6)


@dataclasses.dataclass
class Cdn:
    """`static` lines go into the zone as they are: CNAMEs, names without geography."""

    names: list
    static: list = dataclasses.field(default_factory=list)

    def name(self, label):
        return next(name for name in self.names if name.label == label)

    def zone_text(self):
        lines = [
            "$TTL 20",
            f"$ORIGIN {ZONE}.",
            f"@ SOA ns.{ZONE}. host.{ZONE}. 1 3600 600 86400 5",
            f"@ NS ns.{ZONE}.",
            "ns A 198.51.100.50",
        ]
        # mod-geoip answers before the zone does, but only for names that are there.
        lines += [f'{name.label} {name.ttl} TXT "geo"' for name in self.names]
        return "\n".join(lines + self.static) + "\n"

    def ttls(self):
        return sorted({name.ttl for name in self.names})

    def geo_text(self, ttl):
        """mod-geoip's table; the module has one TTL for all its names."""
        lines = []
        for name in self.names:
            if name.ttl != ttl:
                continue
            lines.append(f"{name.full}.:")
            for prefix, families in name.networks.items():
                lines.append(f"  - net: {prefix}")
                for rtype, addresses in zip(("A", "AAAA"), families):
                    if addresses:
                        lines.append(f"    {rtype}: [ {', '.join(addresses)} ]")
        return "\n".join(lines) + "\n"


def rest_of_the_world(prefixes, families):
    """Disjoint networks for everybody else, each with the same addresses.

    A default entry of mod-geoip would do, but its answer has scope 0, which
    poisons a resolver's cache for every other network.
    """
    rest = {}
    for world in ("0.0.0.0/0", "::/0"):
        left = [ipaddress.ip_network(world)]
        for prefix in map(ipaddress.ip_network, prefixes):
            if prefix.version != left[0].version:
                continue
            cut = []
            for part in left:
                inside = prefix.subnet_of(part)
                cut += list(part.address_exclude(prefix)) if inside else [part]
            left = cut
        rest.update({str(part): families for part in left})
    return rest

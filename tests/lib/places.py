# SPDX-License-Identifier: BSD-2-Clause
"""places - MaxMind databases for tests, and where a network is in them.

A database here is disjoint networks with a country each, so that what is right
can be said in a line: the country of the network, and the widest prefix around
it that holds no address of another region.
"""

import ipaddress
import json
import os
import subprocess

WRITER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "geo",
                      "write_mmdb.pl")
SPECIAL = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "224.0.0.0/3", "::/128", "::1/128", "::ffff:0:0/96", "fc00::/7",
    "fe80::/10", "ff00::/8")]


def write_records(path, records):
    """{network: record} as a database, in place by rename; the wide networks first."""
    lines = "".join(f"{network}\t{json.dumps(record)}\n" for network, record in records.items())
    subprocess.run([WRITER, path, "Test"], input=lines.encode(), check=True)


def write(path, countries):
    """{network: country} as a database, in place by rename."""
    write_records(path, {network: {"country": {"iso_code": country}}
                         for network, country in countries.items()})


class World:
    """What a policy of {region: countries} makes of a database."""

    def __init__(self, countries, regions, default):
        self.default = default
        self.region_of_country = {c: region for region, cs in regions.items() for c in cs}
        self.networks = [(ipaddress.ip_network(network), country)
                         for network, country in countries.items()]

    def region(self, network):
        network = ipaddress.ip_network(network)
        for inside, country in self.networks:
            if network.version == inside.version and network.subnet_of(inside):
                return self.region_of_country.get(country, self.default)
        return self.default

    def scope(self, network):
        """The widest network around this one whose clients are all in its region."""
        leaf = ipaddress.ip_network(network)
        region = self.region(network)
        while leaf.prefixlen and self.is_one(leaf.supernet(), region):
            leaf = leaf.supernet()
        return leaf.prefixlen

    def is_one(self, wide, region):
        others = [network for network in SPECIAL if network.version == wide.version]
        inside = [(network, country) for network, country in self.networks
                  if network.version == wide.version]
        if any(network.overlaps(wide) for network in others):
            return False
        if any(self.region_of_country.get(country, self.default) != region
               for network, country in inside if network.overlaps(wide)):
            return False
        covered = any(wide.subnet_of(network) for network, _ in inside)
        gap = sum(network.num_addresses for network, _ in inside
                  if network.subnet_of(wide)) < wide.num_addresses
        return covered or region == self.default or not gap

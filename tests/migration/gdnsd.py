# SPDX-License-Identifier: BSD-2-Clause
"""gdnsd - the examples of gdnsd-plugin-geoip(8)."""

import os

from beside import both, networks, same_answers, text
from lib.cases import case, equal, true
from lib.survey import survey
from servers import Gdnsd


def as_simulated(bench, edge, name):
    """The simulator says of every network what its clients get."""
    asked = networks(bench)
    path = os.path.join(edge.folder, "clients")
    with open(path, "w") as file:
        file.writelines(network + "\n" for network in asked)
    said = edge.ctl_json("simulate", name, "A", "--clients", path)
    given = survey(bench.client, name, "A", asked)
    equal([client["client"] for client in said["clients"]], asked)
    for client in said["clients"]:
        gives = " ".join(sorted(one["give"] for one in client["before"]["gives"]))
        real = given[client["client"]]
        equal((gives, client["before"]["scope"]), (text(real.addresses), real.scope),
              client["client"])


@case("gdnsd: a map of continents and countries, as datacenters go down")
def countries(bench):
    edge, gdnsd = both(bench, "gdnsd: continents and countries with ordered datacenters", Gdnsd)
    kinds = same_answers(bench, edge, gdnsd, "www.example.com")
    equal(len(kinds), 3, f"answers that occur: {kinds}")
    gdnsd.force(dc_03="DOWN")
    for address in ("192.0.2.4", "192.0.2.5", "192.0.2.6"):
        edge.ctl("force", address, "down")
    same_answers(bench, edge, gdnsd, "www.example.com", seed=2)
    gdnsd.force(dc_03="DOWN", dc_01="DOWN")
    edge.ctl("force", "192.0.2.1", "down")
    kinds = same_answers(bench, edge, gdnsd, "www.example.com", seed=3)
    true("192.0.2.99" in kinds, f"answers that occur: {kinds}")


@case("gdnsd: the nearest of three datacenters")
def nearest(bench):
    edge, gdnsd = both(bench, "gdnsd: the nearest datacenter", Gdnsd)
    kinds = same_answers(bench, edge, gdnsd, "app.example.com", ("A", "AAAA"))
    equal(len(kinds), 6, f"answers that occur: {kinds}")
    as_simulated(bench, edge, "app.example.com")
    gdnsd.force(de_01="DOWN")
    for address in ("192.0.2.7", "192.0.2.8", "2001:db8::7", "2001:db8::8"):
        edge.ctl("force", address, "down")
    kinds = same_answers(bench, edge, gdnsd, "app.example.com", ("A", "AAAA"), seed=2, every=4)
    equal(len(kinds), 4, f"answers that occur: {kinds}")
    told = edge.ctl("explain", "app.example.com", "A", "185.0.0.0/24")
    true("region de-01 > us-01 > sg-01" in told, told)
    gdnsd.force(de_01="DOWN", us_01="DOWN")
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
        edge.ctl("force", address, "down")
    kinds = same_answers(bench, edge, gdnsd, "app.example.com", ("A", "AAAA"), seed=3, every=4)
    equal(len(kinds), 2, f"answers that occur: {kinds}")


@case("gdnsd: the nearest two of four datacenters, until both are down")
def two_nearest(bench):
    edge, gdnsd = both(bench, "gdnsd: the nearest datacenters, two of four", Gdnsd)
    members = {"us_01": ["192.0.2.1"], "de_01": ["192.0.2.2", "192.0.2.3"],
               "sg_01": ["192.0.2.4"], "br_01": ["192.0.2.5"]}
    kinds = same_answers(bench, edge, gdnsd, "two.example.com")
    equal(len(kinds), 4, f"answers that occur: {kinds}")
    down = {}
    for seed, datacenter in enumerate(("de_01", "us_01", "sg_01", "br_01"), 2):
        down[datacenter] = "DOWN"
        gdnsd.force(**down)
        for address in members[datacenter]:
            edge.ctl("force", address, "down")
        kinds = same_answers(bench, edge, gdnsd, "two.example.com", seed=seed, every=3)
        equal(len(kinds), 3 if seed == 2 else 4, f"answers that occur: {kinds}")


@case("gdnsd: a map down to the city, and networks")
def deep(bench):
    edge, gdnsd = both(bench, "gdnsd: a deep map, and networks", Gdnsd)
    kinds = same_answers(bench, edge, gdnsd, "content.example.com", also=False)
    equal(len(kinds), 3, f"answers that occur: {kinds}")

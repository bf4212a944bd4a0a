# SPDX-License-Identifier: BSD-2-Clause
"""pdns - the examples of PowerDNS' geoip backend and LUA records."""

import ipaddress
import math
import os
import random

import examples
from beside import both, compare, differences, edge_of, from_kernel, networks, same_answers, text
from lib import places
from lib.cases import case, equal, true
from lib.survey import survey
from servers import Pdns


@case("pdns: LUA records by country, continent and network")
def lua(bench):
    edge, pdns = both(bench, "PowerDNS: LUA records by country, continent and network", Pdns)
    for name, answers in (("country", 2), ("continent", 2), ("region", 2), ("view", 2),
                          ("netmask", 3)):
        kinds = same_answers(bench, edge, pdns, f"{name}.geo.example.com")
        equal(len(kinds), answers, f"answers that occur: {kinds}")


@case("pdns: services of the geoip backend, by country, then by continent; weights in a country")
def services(bench):
    edge, pdns = both(bench, "PowerDNS: geoip backend, services by continent and country", Pdns)
    asked = networks(bench)
    weighted = {"192.0.2.3", "192.0.2.4"}
    ours = from_kernel(bench, edge, "service.geo.example.com", "A", asked, weighted)
    theirs = survey(pdns.client, "service.geo.example.com", "A", asked)
    wrong = [line for line in differences(ours, theirs)
             if {line.split()[1].rstrip(","), line.split()[-1]} != weighted]
    equal(wrong[:5], [], f"{len(wrong)} of {len(asked)} networks differ")
    kinds = {text(given.addresses) for given in ours.values()}
    equal(kinds, weighted | {"none", "192.0.2.2", "192.0.2.5", "192.0.2.6", "192.0.2.7"})
    swedish = [network for network, given in ours.items() if text(given.addresses) in weighted]
    for client in (bench.client, pdns.client):
        shares = [text(given.addresses) for _ in range(3000 // len(swedish))
                  for given in survey(client, "service.geo.example.com", "A", swedish).values()]
        share = shares.count("192.0.2.3") / len(shares)
        true(abs(share - 1 / 3) < 0.05, f"share {share} of {len(shares)}, not a third")
    kinds = same_answers(bench, edge, pdns, "service.geo.example.com", ("AAAA",))
    equal(set(kinds), {"none", "2001:db8::12:34de:3"})


# Wide networks before those inside of them, which belong to others.
WIDTHS = {4: (8, 12, 16, 20, 24), 6: (20, 32, 40, 48, 56)}


def drawn(rng, version, length):
    if version == 4:
        address = rng.randint(16, 99) << 24 | rng.getrandbits(24)
        return ipaddress.ip_network((address, length), False)
    return ipaddress.ip_network((0x2A << 120 | rng.getrandbits(52) << 68, length), False)


def scattered(rng, count, values):
    """{network: one of the values}: so many of each width, in each other and beside."""
    return {str(drawn(rng, version, length)): rng.choice(values)
            for version, lengths in WIDTHS.items() for length in lengths for _ in range(count)}


@case("pdns: AS numbers in LUA records and in a service's format, and a second database behind")
def numbers(bench):
    example, rng = examples.read("PowerDNS: AS numbers, out of a database of their own"), random.Random(7)
    pdns = Pdns(bench, "other")
    asns = scattered(rng, 60, (64501, 64502, 64503, 4200000000))
    countries = scattered(rng, 60, ("SE", "FI"))
    files = [os.path.join(pdns.folder, name) for name in ("asn.mmdb", "places.mmdb")]
    places.write_records(files[0], {network: {"autonomous_system_number": number}
                                    for network, number in asns.items()})
    places.write(files[1], countries)
    pdns.configure(example, *files)
    edge = edge_of(bench, example, Pdns.zone, lambda folder: [
        os.symlink(path, os.path.join(folder, os.path.basename(path))) for path in files],
        maps={"geo-lines": "64K"})
    # The first of each network of a database, and some beside them.
    asked = sorted({f"{network.split('/')[0]}/{56 if ':' in network else 24}"
                    for network in (*asns, *countries)} |
                   {str(drawn(rng, version, WIDTHS[version][-1])) for version in WIDTHS
                    for _ in range(400)})
    for name in ("asnum", "peer"):
        kinds = compare(bench, edge, pdns, f"{name}.geo.example.com", "A", asked)
        equal(len(kinds), 4, f"answers that occur: {kinds}")


TARGETS = {"130.89.148.77": (52.24, 6.86), "128.101.240.215": (45.17, -93.19),
           "150.203.164.61": (-35.28, 149.13)}
PLACES = 600  # networks whose place is asked for


def flat(a, b):
    across = abs(a[1] - b[1])
    return math.hypot(a[0] - b[0], min(across, 360 - across))


def round_the_globe(a, b):
    phi, psi, turn = math.radians(a[0]), math.radians(b[0]), math.radians(a[1] - b[1])
    return math.acos(min(1, math.sin(phi) * math.sin(psi) +
                         math.cos(phi) * math.cos(psi) * math.cos(turn)))


def is_nearest(target, place, measure):
    """To a hundredth, as coordinates here have two digits."""
    least = min(measure(place, where) for where in TARGETS.values())
    return measure(place, TARGETS[target]) < least * 1.01


@case("pdns: pickclosest: the nearest along the globe here, on a flat map there")
def closest(bench):
    edge, pdns = both(bench, "PowerDNS: pickclosest", Pdns)
    asked = networks(bench)[::4000 // PLACES]
    ours = from_kernel(bench, edge, "closest.geo.example.com", "A", asked)
    theirs = survey(pdns.client, "closest.geo.example.com", "A", asked)
    known = differ = 0
    for network in asked:
        reply = pdns.client.ask("place.geo.example.com", "TXT", network)
        words = str(reply.records("TXT")[0]).strip('"').split()
        if len(words) != 2:
            continue  # no place: the default here, a place at 0, 0 there
        known += 1
        place = float(words[0]), float(words[1])
        mine, its = text(ours[network].addresses), text(theirs[network].addresses)
        differ += mine != its
        true(is_nearest(mine, place, round_the_globe), f"{network} at {place}: {mine}")
        true(is_nearest(its, place, flat), f"{network} at {place}: {its} there")
    print(f"     {known} of {len(asked)} networks have a place; {differ} are another's there")
    true(known > len(asked) // 2, f"{known} of {len(asked)} networks have a place")

# SPDX-License-Identifier: BSD-2-Clause
"""clouds - Route 53 and Constellix: what their documentation says that clients get."""

import os

import examples
from beside import edge_of
from lib import places
from lib.cases import case, equal
from lib.check import from_kernel


def place(country, continent, latitude, longitude, **more):
    return {"country": {"iso_code": country}, "continent": {"code": continent},
            "location": {"latitude": latitude, "longitude": longitude}, **more}


# Networks, and where they are.
DALLAS, SEATTLE, DENVER, TORONTO, MEXICO = (f"203.0.{third}.0/24" for third in range(1, 6))
LISBON, PORTO, LAGOS, OSAKA, RIO, HALIFAX = (f"203.0.{third}.0/24" for third in range(6, 12))
SEATTLE_V6 = "2001:db8:77::/56"
UNKNOWN = "203.0.250.0/24"
PLACES = {
    DALLAS: place("US", "NA", 32.8, -96.8, subdivisions=[{"iso_code": "TX"}]),
    SEATTLE: place("US", "NA", 47.6, -122.3, subdivisions=[{"iso_code": "WA"}]),
    SEATTLE_V6: place("US", "NA", 47.6, -122.3, subdivisions=[{"iso_code": "WA"}]),
    DENVER: place("US", "NA", 39.7, -105.0),
    TORONTO: place("CA", "NA", 43.7, -79.4),
    MEXICO: place("MX", "NA", 19.4, -99.1),
    LISBON: place("PT", "EU", 38.7, -9.1, city={"names": {"en": "Lisbon"}}),
    PORTO: place("PT", "EU", 41.1, -8.6, autonomous_system_number=64501),
    LAGOS: place("NG", "AF", 6.5, 3.4),
    OSAKA: place("JP", "AS", 34.7, 135.5, autonomous_system_number=64502),
    RIO: place("BR", "SA", -22.9, -43.2),
    HALIFAX: place("CA", "NA", 44.6, -63.6),
}


def edge_with_places(bench, title):
    example = examples.read(title)

    def files(folder):
        places.write_records(os.path.join(folder, "places.mmdb"), PLACES)
        with open(os.path.join(folder, "latency.csv"), "w") as file:
            file.write(example.get("csv", ""))

    return edge_of(bench, example, "example.com", files)


def gives(bench, edge, name, table):
    """{network: last octet of 192.0.2.x, None: no address}, at the first try and from the kernel."""
    for network, last in table.items():
        wanted = [f"192.0.2.{last}"] if last else []
        for ask in (lambda check: check(), lambda check: from_kernel(edge, check)):
            reply = ask(lambda: bench.client.ask(f"{name}.example.com", "A", network))
            equal((reply.rcode, reply.addresses), ("NOERROR", wanted), f"{name} {network}")


@case("route 53: geolocation: the smallest location, then the next larger one that is healthy")
def geolocation(bench):
    edge = edge_with_places(bench, "Route 53: geolocation")
    gives(bench, edge, "www", {DALLAS: 1, SEATTLE: 2, SEATTLE_V6: 2, DENVER: 2, TORONTO: 3,
                               MEXICO: 3, LISBON: 4, UNKNOWN: 4})
    edge.ctl("force", "192.0.2.1", "down")
    gives(bench, edge, "www", {DALLAS: 2, SEATTLE: 2, TORONTO: 3})
    edge.ctl("force", "192.0.2.2", "down")
    gives(bench, edge, "www", {DALLAS: 3, SEATTLE: 3, TORONTO: 3, LISBON: 4})


@case("route 53: geoproximity: a bias widens a region, a negative one narrows it")
def geoproximity(bench):
    edge = edge_with_places(bench, "Route 53: geoproximity with bias")
    everywhere = {SEATTLE: 1, DENVER: 1, LISBON: 3, OSAKA: 4, LAGOS: 5, TORONTO: 2}
    # To Virginia and the next: Dallas 1871, 2429 km; Mexico City 3008, 3490; Rio 7739, 7118.
    gives(bench, edge, "plain", dict(everywhere, **{DALLAS: 2, MEXICO: 2, RIO: 5}))
    gives(bench, edge, "more", dict(everywhere, **{DALLAS: 2, MEXICO: 2, RIO: 2}))
    # Divided by 0.75: 2495 km from Dallas.
    gives(bench, edge, "less", dict(everywhere, **{DALLAS: 1, MEXICO: 1, RIO: 5}))


@case("route 53: latency by a table, and IP-based routing")
def latency(bench):
    edge = edge_with_places(bench, "Route 53: latency and IP-based routing")
    gives(bench, edge, "latency", {"198.51.100.0/24": 1, "198.51.7.0/24": 2,
                                   "2001:db8:5:100::/56": 2, "203.0.113.0/24": 1})
    gives(bench, edge, "collection", {"203.0.113.0/24": 3, "2001:db8:a:100::/56": 3,
                                      "203.0.114.0/24": 4, "198.51.7.0/24": 5})


@case("constellix: IP filters by place, ASN and network; the nearest")
def constellix(bench):
    edge = edge_with_places(bench, "Constellix: IP filters and Geo Proximity")
    gives(bench, edge, "filter", {RIO: 1, LISBON: 1, PORTO: 1, OSAKA: None, DALLAS: 2, UNKNOWN: 2,
                                  "198.51.100.0/24": 1, "2001:db8:5::/56": 1,
                                  "2001:db8:5:100::/56": 2})
    gives(bench, edge, "proximity", {DALLAS: 3, RIO: 3, LISBON: 4, LAGOS: 4, OSAKA: 4, UNKNOWN: 4})

# SPDX-License-Identifier: BSD-2-Clause
"""out_pools - secondaries of a zone with pools: what lives, each address once, as it comes and goes."""

from bench import Zone
from lib.cases import case, equal
from lib.process import until
from out_peers import Cdn, Edge, KnotSecondary

ONE, TWO, THREE, FOUR = (f"203.0.113.{i}" for i in (1, 2, 3, 4))
RESORT = "203.0.113.99"
SIX = "2001:db8::1"
# Results are what the case forces: the second check comes after an hour, and three make one.
CHECK = {"name": "web", "kind": "tcp", "port": "9", "interval": "1h", "timeout": "100ms"}
POOLS = [
    {"name": "all.pool.", "check": "web",
     "members": [{"address": ONE}, {"aname": "edge.cdn.test"}, {"address": SIX}]},
    {"name": "first.pool.", "mode": "failover", "check": "web", "last-resort": [RESORT],
     "members": [{"address": THREE}, {"address": FOUR}]},
    {"name": "weights.pool.", "mode": "weighted", "check": "web",
     "members": [{"address": THREE, "weight": "2"}, {"pool": "all.pool.", "weight": "1"},
                 {"address": FOUR, "weight": "0"}]},
    {"name": "clients.pool.", "mode": "consistent", "check": "web",
     "members": [{"address": ONE}, {"address": THREE}]},
]
NAMES = ("all", "first", "weights", "clients")


def customer():
    return Zone("example.test.", {(f"{name}.example.test.", 120, "ANAME", f"{name}.pool.")
                                  for name in NAMES})


def holds(secondary, zone, wanted, limit_s=20):
    """Waits until the secondary has these addresses at each name."""
    def found():
        if secondary.serial(zone) is None:
            return None
        addresses = {name: [] for name in NAMES}
        for line in secondary.lines(zone):
            owner, _, rtype, rdata = line.split(None, 3)
            if rtype in ("A", "AAAA") and owner.split(".")[0] in addresses:
                addresses[owner.split(".")[0]].append(rdata)
        return addresses

    wanted = {name: sorted(addresses) for name, addresses in wanted.items()}
    last = []

    def right():
        last[:] = [found()]
        return last[0] and {name: sorted(item) for name, item in last[0].items()} == wanted

    try:
        until(right, "", limit_s, 0.2)
    except AssertionError:
        raise AssertionError(f"{last[0]} in place of {wanted}") from None


@case("expand: pools: members that live, each address once; deaths and returns come by NOTIFY")
def pools(bench):
    zone = customer()
    # Both of the CDN's addresses are members in their own right somewhere.
    cdn = Cdn(bench, {"edge.cdn.test.": [("A", ONE), ("A", TWO)]}, 60).begin()
    edge = Edge(bench, [zone], cdn, {"checks": [CHECK], "pools": POOLS})
    knot = edge.allow(KnotSecondary(bench, edge, [zone]), "expand")
    edge.start()
    knot.start()
    everything = {"all": [ONE, TWO, SIX], "first": [THREE],
                  "weights": [ONE, TWO, THREE, SIX], "clients": [ONE, THREE]}
    holds(knot, zone, everything)

    edge.tell("force", f"web/{ONE}", "down")
    edge.tell("force", f"web/{THREE}", "down")
    holds(knot, zone, {"all": [TWO, SIX], "first": [FOUR], "weights": [TWO, SIX],
                       "clients": [ONE, THREE]})  # none is up: panic
    edge.tell("force", f"web/{FOUR}", "down")
    holds(knot, zone, {"all": [TWO, SIX], "first": [RESORT], "weights": [TWO, SIX],
                       "clients": [ONE, THREE]})
    edge.tell("force", f"web/{ONE}", "up")
    holds(knot, zone, {"all": [ONE, TWO, SIX], "first": [RESORT], "weights": [ONE, TWO, SIX],
                       "clients": [ONE]})
    serial = knot.serial(zone)
    edge.tell("force", "web", "auto")
    holds(knot, zone, everything)
    equal(knot.serial(zone), serial + 1, "one change of many members")

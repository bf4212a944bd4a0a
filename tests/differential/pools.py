# SPDX-License-Identifier: BSD-2-Clause
"""pools - pools of every mode among the questions, and members that come and go between them."""

import random

ADDRESSES = [f"198.19.66.{i}" for i in range(1, 9)]
ADDRESSES_V6 = [f"2001:db8:ffff:66::{i}" for i in range(1, 5)]
RESORT = "198.19.66.99"
# First results come at once, the third after hours: what is forced is what counts.
CHECK = {"name": "web", "kind": "tcp", "port": 9, "interval": "1h", "timeout": "100ms"}
WHERE = {"eu": ["192.0.2.0/24", "198.18.0.0/16", "2001:db8:a::/48"],
         "us": ["203.0.113.0/24", "8.0.0.0/9", "2001:db8:b:100::/56"],
         "asia": ["198.18.4.0/24", "198.51.100.0/24"]}
# What is next for whom, where all of his region is down; the default's clients get no eu.
ORDERS = (("eu", ["us", "asia"], "192.0.2.0/24"), ("eu", ["asia"], "203.0.113.0/24"),
          ("us", ["eu"], "198.18.0.0/16"), ("eu", ["asia", "us"], "2001:db8:a::/48"),
          ("us", [], "8.0.0.0/9"), ("us", ["asia", "eu"], "2001:db8:b:100::/56"))


def address(index, **more):
    return {"address": ADDRESSES[index], **more}


def address_v6(index, **more):
    return {"address": ADDRESSES_V6[index], **more}


def aname(label, **more):
    return {"aname": f"{label}.cdn.test", **more}


def inside(name, **more):
    return {"pool": f"{name}.pool.test", **more}


def pool(name, mode, members, **more):
    return {"name": f"{name}.pool.test", "mode": mode, "check": "web", "members": members, **more}


POOLS = [
    pool("all", "all", [address(i) for i in range(4)] + [address_v6(0), address_v6(1)]),
    pool("mixed", "all", [address(0), aname("www"), aname("other")], **{"min-up": 2}),
    pool("first", "failover", [address(1), address_v6(1), aname("four"), address(2)],
         **{"last-resort": [RESORT]}),
    pool("cdns", "failover", [aname("www"), aname("shop")]),
    pool("weights", "weighted", [address(0, weight=3), address(1, weight=1), address_v6(0, weight=2),
                                 address_v6(2, weight=7), inside("all", weight=2),
                                 address(7, weight=0)]),
    pool("halves", "weighted", [inside("cdns", weight=1), inside("weights", weight=1)]),
    pool("clients", "consistent", [address(i, weight=i) for i in range(1, 7)]
         + [address_v6(i) for i in range(4)]),
    pool("targets", "consistent", [aname("www"), aname("other"), inside("first", weight=2)]),
    pool("places", "geo", [address(0, region="eu"), address(1, region="eu"),
                           address_v6(0, region="eu"), inside("weights", region="us"),
                           inside("cdns", region="asia"), address(3), address_v6(3)],
         policy="world"),
    pool("deep", "failover", [inside("places"), inside("clients")]),
    pool("order", "geo", [address(0, region="eu"), address(1, region="eu"),
                          address_v6(0, region="eu"), address(2, region="us"),
                          address_v6(1, region="us"), inside("cdns", region="asia"),
                          address(3, region="asia")], policy="orders"),
    pool("chosen", "geo", [inside("weights", region="eu"), inside("clients", region="us"),
                           aname("www", region="asia"), address(6), address_v6(3)],
         policy="orders", **{"last-resort": [RESORT]}),
    pool("behind", "failover", [inside("order"), inside("halves")]),
]
NAMES = tuple(f"{item['name'].split('.')[0]}.pools.example.test" for item in POOLS) + (
    "beside.pools.example.test", "x.any.pools.example.test")
ZONE = "".join(f"{item['name'].split('.')[0]}.pools 60 ANAME {item['name']}.\n" for item in POOLS) + (
    "beside.pools 90 ANAME weights.pool.test.\nbeside.pools A 198.19.66.50\n"
    "*.any.pools ANAME clients.pool.test.\n")
CONFIG = {
    "checks": [CHECK],
    "policies": [{"name": "world", "default": "asia",
                  "rules": [{"region": region, "networks": networks}
                            for region, networks in WHERE.items()]},
                 {"name": "orders", "default": "asia", "default-then": ["us"],
                  "rules": [{"region": region, "networks": [network],
                             **({"then": then} if then else {})}
                            for region, then, network in ORDERS]}],
    "pools": POOLS,
}


class Fates:
    """Members die and come back: the same seed gives the same fates."""

    def __init__(self, edge, seed):
        self.edge, self.rng = edge, random.Random(seed)

    def turn(self):
        """Now and then all of one family are down, and now and then all are as they are found."""
        draw = self.rng.random()
        if draw < 0.1:
            self.edge.ctl("force", "web", "up")
        elif draw < 0.2:
            for member in ADDRESSES:
                self.edge.ctl("force", f"web/{member}", "down")
        else:
            for member in self.rng.sample(ADDRESSES + ADDRESSES_V6, 3):
                self.edge.ctl("force", f"web/{member}", self.rng.choice(("up", "down")))



# SPDX-License-Identifier: BSD-2-Clause
"""What people and Prometheus see of an edge that answers: metrics, explain, states, simulate."""

import os
import re
import socket

from lib.cases import case, equal, true
from lib.check import from_kernel, warm
from lib.lab import CDN, EDGE
from lib.process import until
from lib.standard import NET1, NET2, ZONE, edge_config

PORT = 9553
DEAD = "198.51.100.9"  # the client's link has no such host

POOL_ZONE = ZONE + "steered ANAME www.pool.test.\nonly ANAME inner.pool.test.\n"


def steering():
    """Two members and a target; one member is checked and dead."""
    return edge_config(
        checks=[{"name": "dns", "kind": "tcp", "port": "53", "interval": "200ms",
                 "timeout": "150ms", "rise": "1", "fall": "2"}],
        policies=[{"name": "world", "default": "rest",
                   "rules": [{"region": "first", "networks": [NET1]}]}],
        pools=[
            {"name": "www.pool.test", "mode": "geo", "policy": "world",
             "members": [{"pool": "inner.pool.test", "region": "first"},
                         {"address": "192.0.2.200", "region": "rest"}]},
            {"name": "inner.pool.test", "mode": "weighted", "check": "dns",
             "members": [{"address": CDN, "weight": "3"}, {"address": DEAD, "weight": "1"}]},
        ],
    )


def http(edge, path):
    with edge.space.entered():
        sock = socket.create_connection(("127.0.0.1", PORT), 5)
    with sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with sock.makefile("rb") as file:
            return file.read().decode().split("\r\n\r\n", 1)[1]


def metric(edge, name):
    """Its value, once the page is newer than what was asked before."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", http(edge, "/metrics"), re.M)
    return float(found[1]) if found else None


@case("seeing: a kernel hit moves the metrics of the kernel, and a reason those of passing up")
def kernel_metrics(bench):
    edge = bench.edge(edge_config(), {"example.test": ZONE})
    hits, passed = 'anamed_queries_total{path="xdp"}', 'anamed_xdp_passed_total{reason="owner_miss"}'
    warm(bench, edge, "example.test", NET1)
    for _ in range(20):
        from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1))
    wanted = edge.hits()
    until(lambda: metric(edge, hits) == wanted, f"{wanted} kernel hits in the metrics")
    before = metric(edge, passed)
    bench.client.ask("nothing.example.test")
    until(lambda: metric(edge, passed) > before, "what was passed up")
    true(metric(edge, 'anamed_maps_used{map="owners"}') >= 1, "map fill")
    true(metric(edge, 'anamed_maps_capacity{map="owners"}') == 4096, "map capacity")
    true("untyped" not in http(edge, "/metrics"), "every number has a name of its own")
    equal(metric(edge, 'anamed_xdp_attached{interface="client",mode="generic"}'), 1)


@case("seeing: every metric that the program knows has a value, and panics are counted")
def all_metrics(bench):
    edge = bench.edge(steering(), {"example.test": POOL_ZONE})
    warm(bench, edge, "only.example.test", NET1)
    edge.ctl("force", "dns", "down")
    until(lambda: metric(edge, "anamed_pool_panics_total") == 1, "a panic to be counted")
    path = os.path.join(os.path.dirname(__file__), "..", "..", "user", "show", "metrics.c")
    with open(path) as file:
        known = set(re.findall(r'(?:NUMBER|LABELED)\("(anamed_[a-z0-9_]+)"', file.read()))
    there = set(re.findall(r"^(anamed_[a-z0-9_]+)[ {]", http(edge, "/metrics"), re.M))
    true(len(known) > 40, f"{len(known)} metrics")
    equal(known - there, set(), "metrics without a value")


@case("seeing: explain walks from the client's network to the members and their states")
def explain_pool(bench):
    edge = bench.edge(steering(), {"example.test": POOL_ZONE})
    until(lambda: metric(edge, f'anamed_health_state{{check="dns",address="{DEAD}"}}') == 0,
          "the dead member to be seen")
    equal(set(bench.client.ask("steered.example.test", "A", NET1).addresses), {CDN})
    words = edge.ctl("explain", "steered.example.test", "A", NET1)
    for part in (f"The client counts as {NET1}", "Zone example.test.", "a pool",
                 "Policy world: region first", "pool inner.pool.test., weighted: up",
                 f"{CDN}: up", f"{DEAD}: down, weight 1; left out until it is up",
                 "That region was found by the rule at line"):
        true(part in words, f"no {part!r} in:\n{words}")
    other = edge.ctl("explain", "steered.example.test", "A", NET2)
    true("region rest" in other and "as the policy's default" in other, other)
    explained = edge.explain("steered.example.test", "A", NET1)
    equal(explained["region"], "first")
    nodes = {node["member"]: node for node in explained["flatten"]["pool"]["nodes"]}
    equal((nodes[CDN]["in"], nodes[DEAD]["in"], nodes[DEAD]["why"]), (True, False, "down"))


@case("seeing: states and force; what was forced is answered, shown, and given back")
def force(bench):
    edge = bench.edge(steering(), {"example.test": POOL_ZONE})
    until(lambda: not state(edge, DEAD)["up"], "the dead member")
    true(state(edge, CDN)["up"], "the living one")
    edge.ctl("force", f"dns/{CDN}", "down")
    equal((state(edge, CDN)["up"], state(edge, CDN)["forced"]), (False, "down"))
    edge.ctl("force", DEAD, "up")
    until(lambda: bench.client.ask("steered.example.test", "A", NET1).addresses == [DEAD],
          "an answer of what was forced up")
    page = http(edge, "/")
    true("forced" in page and f"{CDN} is down by check dns" in page, "said on the page")
    edge.ctl("force", "dns", "auto")
    until(lambda: bench.client.ask("steered.example.test", "A", NET1).addresses == [CDN],
          "an answer of what is up")
    equal(edge.ctl("force", "nothing", "up", check=False), "")


def state(edge, address):
    return next(one for one in edge.ctl_json("states")["states"] if one["address"] == address)


@case("seeing: what simulate says is what clients get")
def simulated(bench):
    edge = bench.edge(steering(), {"example.test": POOL_ZONE})
    until(lambda: not state(edge, DEAD)["up"], "the dead member")
    now = edge.ctl_json("simulate", "steered.example.test", "A", NET1, "--now")
    gives = now["clients"][0]["before"]["gives"]
    equal([one["give"] for one in gives],
          bench.client.ask("steered.example.test", "A", NET1).addresses)
    well = edge.ctl_json("simulate", "steered.example.test", "A", NET1, "--assume", f"{DEAD}=down")
    equal(well["clients"][0]["before"]["gives"],
          [{"give": CDN, "share": 0.75}, {"give": DEAD, "share": 0.25}])
    equal(well["moved"], 0.25)
    true(f"{EDGE}" not in edge.ctl("simulate", "www.pool.test", "A"), "no one else")

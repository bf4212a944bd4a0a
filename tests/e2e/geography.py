# SPDX-License-Identifier: BSD-2-Clause
"""Where clients are: policies, databases, one stored answer a region, from the kernel."""

import collections
import ipaddress
import os
import random
import threading
import time

from lib import places
from lib.ask import Load, Question, right
from lib.cases import Skip, case, equal, true
from lib.check import from_daemon, from_kernel
from lib.lab import CLIENTS, EDGE_V6
from lib.process import until
from seeing import http, metric
from lib.standard import NET1, NET2, edge_config

COUNTRIES = {
    "2.0.0.0/8": "FR", "3.0.0.0/9": "US", "3.128.0.0/10": "CA", "5.6.0.0/16": "DE",
    "5.7.128.0/17": "JP", "91.1.2.0/24": "DE", "91.1.3.0/24": "US", "192.0.2.0/24": "DE",
    "203.0.113.0/24": "US", "2001:db8:a::/48": "DE", "2001:db8:b::/48": "US",
    "2a00::/12": "FR", "2a10:7::/32": "JP",
}
REGIONS = {"eu": ["DE", "FR"], "na": ["US", "CA"]}
ADDRESS = {"eu": "198.19.77.1", "na": "198.19.77.2", "rest": "198.19.77.3"}
ADDRESS_V6 = {"eu": "2001:db8:ffff:77::1", "na": "2001:db8:ffff:77::2",
              "rest": "2001:db8:ffff:77::3"}
NETWORKS = ["2.9.9.0/24", "2.255.255.0/24", "3.1.2.0/24", "3.128.1.0/24", "3.200.0.0/24",
            "5.6.77.0/24", "5.7.1.0/24", "5.7.200.0/24", "91.1.2.0/24", "91.1.3.0/24",
            "91.1.4.0/24", "130.1.2.0/24", "192.0.2.0/24", "203.0.113.0/24", "203.0.112.0/24"]
NETWORKS_V6 = ["2001:db8:a:1200::/56", "2001:db8:b:ff00::/56", "2001:db8:c:100::/56",
               "2a00:5:6::/56", "2a0f:ffff:ffff:ff00::/56", "2a10:7::/56", "2a20::/56"]

ZONE = """\
$TTL 300
$ORIGIN example.test.
@       SOA     ns host 1 3600 600 86400 300
@       NS      ns
@       ANAME   www.pool.test.
ns      A       198.51.100.1
far     ANAME   far.pool.test.
near    ANAME   @
"""
ZONES = {"example.test": ZONE}


def members():
    return [{"address": address, "region": region}
            for table in (ADDRESS, ADDRESS_V6) for region, address in table.items()]


def world(countries=None):
    return places.World(countries or COUNTRIES, REGIONS, "rest")


def geo_edge(bench, pools=(), start=True, **sections):
    """An edge with the policy; its database is in its folder."""
    edge = bench.edge(edge_config(**sections), ZONES, start=False)
    path = os.path.join(edge.folder, "places.mmdb")
    places.write(path, COUNTRIES)
    edge.write_config({
        "databases": [{"name": "places", "file": path}],
        "policies": [{"name": "world", "database": "places", "default": "rest",
                      "rules": [{"region": region, "country": countries}
                                for region, countries in REGIONS.items()]}],
        "pools": [{"name": "www.pool.test", "mode": "geo", "policy": "world",
                   "members": members()}] + list(pools),
    })
    edge.database = path
    return edge.start() if start else edge


def is_placed(reply, network, table=ADDRESS, ecs=True, of=None):
    where = of or world()
    true(reply is not None, f"no reply for {network}")
    equal(reply.addresses, [table[where.region(network)]], f"{network}")
    equal(reply.scope, where.scope(network) if ecs else None, f"scope of {network}")


def warm_regions(bench, name="example.test"):
    """One query for each region, by somebody else than those who ask later."""
    for network in ("2.1.1.0/24", "3.2.2.0/24", "140.1.1.0/24"):
        for rtype, table in (("A", ADDRESS), ("AAAA", ADDRESS_V6)):
            is_placed(bench.client.ask(name, rtype, network), network, table)


@case("the first query of every network is a kernel hit, once its region has an answer")
def first_hits(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    for network in NETWORKS + NETWORKS_V6:
        for rtype, table in (("A", ADDRESS), ("AAAA", ADDRESS_V6)):
            is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", rtype, network)),
                      network, table)
    flat = [answer for answer in edge.answers()["answers"]
            if answer["owner"].rstrip(".") == "example.test"]
    equal(len(flat), 6, "stored answers: three regions, two types")


@case("the daemon gives what the kernel gives, for every network")
def same_answers(bench):
    edge = geo_edge(bench, interfaces=[])
    for network in NETWORKS + NETWORKS_V6:
        is_placed(from_daemon_alone(bench, network), network)
    true(edge.process.is_running(), "runs")


def from_daemon_alone(bench, network):
    return bench.client.ask("example.test", "A", network)


@case("without ECS, and with SOURCE 0, the packet's source says where a client is")
def by_source(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    for source, network in zip(CLIENTS, (NET1, NET2)):
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", source=source)),
                  network, ecs=False)
        reply = bench.client.ask("example.test", ecs="0", source=source)
        equal((reply.addresses, reply.scope), ([ADDRESS[world().region(network)]], 0), source)


@case("a special-use client network is decided by the packet's source, with the block as scope")
def special(bench):
    edge = geo_edge(bench)
    reply = from_daemon(edge, lambda: bench.client.ask("example.test", ecs="10.1.2.0/24",
                                                       source=CLIENTS[0]))
    equal((reply.addresses, reply.scope), ([ADDRESS["eu"]], 8))


@case("an owner that leads to another with a pool is by region, too")
def led(bench):
    edge = geo_edge(bench)
    warm_regions(bench, "near.example.test")
    for network in NETWORKS:
        is_placed(from_kernel(edge, lambda: bench.client.ask("near.example.test", "A", network)),
                  network)


# A target for each region.
FAR = {"name": "far.pool.test", "mode": "geo", "policy": "world", "members": [
    {"aname": "www.cdn.test", "region": "eu", "ecs": NET2},
    {"aname": "other.cdn.test", "region": "na"},
    {"address": "198.19.77.9", "region": "rest"}]}


@case("each region has its own target; scopes are the longer of upstream's and the region's")
def targets(bench):
    edge = geo_edge(bench, [FAR])
    www, other = bench.lab.cdn.name("www"), bench.lab.cdn.name("other")
    # A representative of the region was asked: one answer for all of it.
    first = bench.client.ask("far.example.test", "A", "2.1.1.0/24")
    equal((set(first.addresses), first.scope), (set(www.addresses(NET2, "A")), 8))
    for network in ("5.6.1.0/24", NET1):
        reply = from_kernel(edge, lambda: bench.client.ask("far.example.test", "A", network))
        equal((set(reply.addresses), reply.scope),
              (set(www.addresses(NET2, "A")), world().scope(network)), network)
    # The client's own network goes upstream.
    for _ in range(2):
        reply = bench.client.ask("far.example.test", "A", NET2)
        equal((set(reply.addresses), reply.scope), (set(other.addresses(NET2, "A")), 24))
    from_kernel(edge, lambda: bench.client.ask("far.example.test", "A", NET2))
    reply = bench.client.ask("far.example.test", "A", "130.1.2.0/24")
    equal(reply.addresses, ["198.19.77.9"])


@case("a region whose target dies gets what is for the one that follows it, over a restart as well")
def next_region(bench):
    far = dict(FAR, check="up")
    edge = geo_edge(bench, [far], start=False)
    policy = dict(edge.config["policies"][0], rules=[
        {"region": "eu", "then": ["na", "rest"], "country": REGIONS["eu"]},
        {"region": "na", "then": ["rest"], "country": REGIONS["na"]}])
    edge.write_config({"policies": [policy], "checks": [
        {"name": "up", "kind": "tcp", "port": 443, "interval": "1h"}]})
    edge.start()
    www, other = bench.lab.cdn.name("www"), bench.lab.cdn.name("other")
    european, american = "5.6.1.0/24", NET2

    def given(network):
        bench.client.ask("far.example.test", "A", network)
        reply = from_kernel(edge, lambda: bench.client.ask("far.example.test", "A", network))
        return set(reply.addresses)

    equal(given(european), set(www.addresses(NET2, "A")))
    equal(given(american), set(other.addresses(NET2, "A")))
    told = edge.explain("far.example.test", "A", european)
    equal(told["region"], "eu > na > rest")
    for address in www.addresses(NET2, "A"):
        edge.ctl("force", address, "down")
    # For the European it was looked up on his own behalf.
    equal(given(european), set(other.addresses(european, "A")))
    for address in set(other.addresses(NET2, "A")) | set(other.addresses(european, "A")):
        edge.ctl("force", address, "down")
    equal((given(european), given(american)), ({"198.19.77.9"}, {"198.19.77.9"}))
    for address in www.addresses(NET2, "A"):
        edge.ctl("force", address, "auto")
    equal((given(european), given(american)),
          (set(www.addresses(NET2, "A")), {"198.19.77.9"}))
    time.sleep(1.1)  # states are kept within a second
    edge.kill()
    edge.start()
    until(lambda: given(european) == set(www.addresses(NET2, "A")), "the same after a restart", 5)
    equal(given(american), {"198.19.77.9"})
    words = edge.ctl("explain", "far.example.test", "A", european)
    true("region na: other.cdn.test.: 0 of 2 addresses up; not taken" in words, words)


@case("a pool by order gives way to the next where all of its client's regions are dead")
def order_in_failover(bench):
    outer = {"name": "far.pool.test", "mode": "failover", "check": "up", "members": [
        {"pool": "places.pool.test"}, {"address": "198.19.77.8"}]}
    places_pool = {"name": "places.pool.test", "mode": "geo", "policy": "world", "check": "up",
                   "members": [{"address": ADDRESS[region], "region": region} for region in ADDRESS]}
    edge = geo_edge(bench, [outer, places_pool], start=False)
    policy = dict(edge.config["policies"][0], rules=[
        {"region": "eu", "then": ["na"], "country": REGIONS["eu"]},
        {"region": "na", "country": REGIONS["na"]}])
    edge.write_config({"policies": [policy], "checks": [
        {"name": "up", "kind": "tcp", "port": 443, "interval": "1h"}]})
    edge.start()
    european, american = "5.6.1.0/24", NET2

    def given(network):
        bench.client.ask("far.example.test", "A", network)
        reply = from_kernel(edge, lambda: bench.client.ask("far.example.test", "A", network))
        return reply.addresses

    equal(given(european), [ADDRESS["eu"]])
    for region, wanted in (("eu", ADDRESS["na"]), ("na", "198.19.77.8")):
        edge.ctl("force", ADDRESS[region], "down")
        equal(given(european), [wanted])
    # One that follows no order may be sent anywhere: nothing is closed to him.
    equal(given(american), [ADDRESS["rest"]])
    true("panic" not in edge.process.log_text().lower(), "no panic")


@case("numbers of regions that cannot be read: what is kept by region is dropped, not mistaken")
def numbers_lost(bench):
    edge = geo_edge(bench, [FAR], interfaces=[])
    www, european = bench.lab.cdn.name("www"), "5.6.1.0/24"
    equal(set(bench.client.ask("far.example.test", "A", european).addresses),
          set(www.addresses(NET2, "A")))
    time.sleep(0.5)  # answers are on disk within 200 ms
    policy = dict(edge.config["policies"][0])
    policy["rules"] = policy["rules"][::-1]

    def anew(regions):
        """What another region's client gets of a daemon that can ask nobody."""
        edge.kill()
        with open(os.path.join(edge.folder, "state", "regions"), "a") as file:
            file.write(regions)
        edge.write_config({"policies": [policy]})
        bench.lab.unbound.process.freeze()
        try:
            edge.start()
            return [bench.client.ask("far.example.test", "A", network, timeout_s=6).addresses
                    for network in (european, NET2)]
        finally:
            bench.lab.unbound.process.thaw()

    kept, other = anew("")
    equal((set(kept), other), (set(www.addresses(NET2, "A")), ["198.19.77.9"]), "numbers kept")
    equal(anew("world \\\\\n"), [["198.19.77.9"]] * 2, "numbers lost")
    true("numbered anew" in edge.process.log_text(), "the log says it")


@case("a region chooses among its targets by weight, under the longest of their scopes")
def weighed_targets(bench):
    far = [{"name": "far.pool.test", "mode": "geo", "policy": "world", "members": [
        {"pool": "cdns.pool.test", "region": "eu"}, {"address": "198.19.77.9", "region": "rest"}]},
        {"name": "cdns.pool.test", "mode": "weighted", "members": [
            {"aname": "www.cdn.test", "weight": 3, "ecs": NET2},
            {"aname": "other.cdn.test", "weight": 1}]}]
    edge = geo_edge(bench, far, start=False)
    countries = dict(COUNTRIES, **{"198.16.0.0/13": "DE"})
    places.write(edge.database, countries)
    edge.start()
    where = world(countries)
    www, other = bench.lab.cdn.name("www"), bench.lab.cdn.name("other")
    asked = ("5.6.1.0/24", "2.9.9.0/24", "198.18.3.0/24")
    equal([other.scope(network) > where.scope(network) for network in asked],
          [False, False, True], "both occur")
    for network in asked:
        bench.client.ask("far.example.test", "A", network)
        seen = collections.Counter()
        # The first target is asked for the region, so its scope for NET2 says nothing.
        scope = max(other.scope(network), where.scope(network))
        before = edge.hits()
        for _ in range(400):
            reply = bench.client.ask("far.example.test", "A", network)
            equal(reply.scope, scope, f"scope for {network}")
            seen[frozenset(reply.addresses)] += 1
        equal(edge.hits() - before, 400, "all from the kernel")
        equal(set(seen), {frozenset(www.addresses(NET2, "A")),
                          frozenset(other.addresses(network, "A"))}, network)
        share = seen[frozenset(www.addresses(NET2, "A"))] / 400
        true(0.66 < share < 0.84, f"{share} of the replies to {network} are the first target's")
    edge.kill()
    for network in asked:
        from_kernel(edge, lambda: bench.client.ask("far.example.test", "A", network))


def rule_words(region):
    return {"rest": "as the policy's default"}.get(region, "by the rule at line ")


@case("explain tells a client's place, rule, region, scope and kernel slot, as replies have them")
def explained(bench):
    edge = geo_edge(bench)
    known = {place: country for place, country in places.World(COUNTRIES, REGIONS, "").networks}
    warm_regions(bench)
    for network in NETWORKS + NETWORKS_V6:
        reply = from_kernel(edge, lambda: bench.client.ask("example.test", "A", network))
        told = edge.explain("example.test", "A", network)
        words = "\n".join(told["words"])
        inside = ipaddress.ip_network(network)
        country = next((country for place, country in known.items()
                        if place.version == inside.version and inside.subnet_of(place)), None)
        equal((told["place"], told["region"]), (network, world().region(network)))
        equal(told["places"][0]["has"], f"country {country}" if country else "", network)
        for part in (f"Its scope is {reply.scope}, the region's network's.",
                     f"Kernel: slot {told['flatten']['answer']['kernel_slot']} holds it.",
                     f"Database places has {'nothing for ' if not country else ''}",
                     f"That region was found {rule_words(told['region'])}",
                     f"{reply.addresses[0]}: up; taken"):
            true(part in words, f"no {part!r} for {network} in:\n{words}")
        equal(told["flatten"]["answer"]["addresses"], reply.addresses)


@case("explain tells who is asked for a region, and what a region would get that nobody asked for")
def explained_targets(bench):
    edge = geo_edge(bench, [FAR])
    words = edge.ctl("explain", "far.example.test", "A", "5.6.1.0/24")
    for part in ("Stored: absent", "each target taken to be up",
                 f"is asked for www.cdn.test. with {NET2}, on behalf of its region.",
                 "region eu: www.cdn.test.: up; taken",
                 "region na: other.cdn.test.: not looked up for this region; not taken",
                 "A query now: it waits, while it is fetched."):
        true(part in words, f"no {part!r} in:\n{words}")
    true("other.cdn.test. with" not in words, words)
    for network in (NET2, "3.1.2.0/24"):
        reply = bench.client.ask("far.example.test", "A", network)
        told = edge.explain("far.example.test", "A", network)
        equal([one["asked_with"] for one in told["upstreams"]], [network])
        equal(sorted(told["flatten"]["answer"]["addresses"]), sorted(reply.addresses))
        true(f"Its scope is {reply.scope}, " in "\n".join(told["words"]), told["words"])


def by_region(edge, name, **labels):
    """{region: number} of a metric."""
    text = http(edge, "/metrics")
    found = {}
    for line in text.splitlines():
        if line.startswith(name + "{") and all(f'{key}="{value}"' in line
                                               for key, value in labels.items()):
            found[line.split('region="')[1].split('"')[0]] = int(line.split()[-1])
    return found


def until_counted(edge, name, wanted, **labels):
    """Pages are made at most once a second."""
    until(lambda: by_region(edge, name, **labels) == wanted,
          f"{name} to be {wanted}", 5)


@case("metrics and the status page count what is stored and replied for each region")
def counted(bench):
    edge, replies = geo_edge(bench), "anamed_region_replies_total"
    until_counted(edge, "anamed_region_answers", {"eu": 0, "na": 0, "rest": 0})
    warm_regions(bench)
    until_counted(edge, "anamed_region_answers", {"eu": 2, "na": 2, "rest": 2}, policy="world")
    passed = 6 - edge.hits()
    until(lambda: sum(by_region(edge, replies, path="user").values()) == passed, "six replies", 5)
    before = by_region(edge, replies, path="user")
    hits = by_region(edge, replies, path="xdp")
    equal(sum(hits.values()), edge.hits())
    for network in NETWORKS:
        from_kernel(edge, lambda: bench.client.ask("example.test", "A", network))
        # TCP is the daemon's.
        is_placed(bench.client.ask("example.test", "A", network, tcp=True), network)
    for network in NETWORKS:
        before[world().region(network)] += 1
        hits[world().region(network)] += 1
    until_counted(edge, replies, before, path="user")
    until_counted(edge, replies, hits, path="xdp")
    row = http(edge, "/").split(">eu<")[1].split("</tr>")[0]
    true(f">{hits['eu']}</td><td class=\"n\">{before['eu']}<" in row, row)


@case("simulate says of every network what clients there get, and under which scope")
def simulated(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    said = edge.ctl_json("simulate", "example.test", "A", *NETWORKS, *NETWORKS_V6)
    for client in said["clients"]:
        reply = bench.client.ask("example.test", "A", client["client"])
        equal(([one["give"] for one in client["before"]["gives"]], client["before"]["scope"]),
              (reply.addresses, reply.scope), client["client"])


@case("with the daemon gone, the kernel knows where clients are")
def alone(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    edge.kill()
    for network in NETWORKS + NETWORKS_V6:
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network)


@case("a daemon that comes back goes on with what the kernel has")
def back(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    edge.kill()
    edge.start()
    for network in NETWORKS:
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network)


@case("a new database takes over at one instant, and no query is lost meanwhile")
def replaced(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    moved = dict(COUNTRIES, **{"2.0.0.0/8": "US", "5.7.128.0/17": "FR"})
    both = []
    for network in NETWORKS:
        rights = [right([ADDRESS[where.region(network)]], where.scope(network))
                  for where in (world(), world(moved))]
        both.append(Question("example.test", "A", rights, network))
    load, done = Load(bench.client, both), threading.Event()
    asking = threading.Thread(target=load.run, kwargs={"stop": done.is_set})
    asking.start()
    try:
        places.write(edge.database, moved)

        def is_new():
            return bench.client.ask("example.test", "A", "2.9.9.0/24").addresses == [ADDRESS["na"]]

        until(is_new, "the new database", 10)
    finally:
        done.set()
        asking.join()
    equal((load.wrong, load.lost, load.faults), (0, 0, []))
    for network in NETWORKS:
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network, of=world(moved))


# Milliseconds from networks to regions.
TIMES = {
    "2.0.0.0/8": {"eu": 10, "na": 90}, "3.0.0.0/8": {"eu": 80.5, "na": 20, "rest": 20.5},
    "5.6.0.0/16": {"eu": 7}, "91.1.2.0/24": {"rest": 1, "eu": 5}, "91.1.3.0/24": {"na": 3, "eu": 9},
    "2001:db8:a::/48": {"eu": 3, "na": 4}, "2a00::/12": {"na": 12, "eu": 13},
}
LATER = dict(TIMES, **{"2.0.0.0/8": {"eu": 10, "na": 9.5}, "91.1.2.0/24": {"rest": 1, "eu": 0.5},
                       "2a00::/12": {"rest": 1, "eu": 2}})


def quickest(times):
    best = {network: min(regions, key=regions.get) for network, regions in times.items()}
    return places.World(best, {region: [region] for region in ADDRESS}, "rest")


def write_times(edge, times):
    """The same times as lines and in a database, each in place by rename."""
    with open(edge.database + ".csv.new", "w") as file:
        file.writelines(f"{network},{region},{ms}\n" for network, regions in times.items()
                        for region, ms in regions.items())
    os.rename(edge.database + ".csv.new", edge.database + ".csv")
    places.write_records(edge.database, {network: {"latency": regions}
                                         for network, regions in times.items()})


@case("tables of latency, as lines and in a database, are replaced under load; none is lost or wrong")
def times_replaced(bench):
    far = {"name": "far.pool.test", "mode": "geo", "policy": "paths", "members": members()}
    edge = geo_edge(bench, [far], start=False)
    edge.write_config({"policies": [
        {"name": "world", "table": edge.database + ".csv", "default": "rest"},
        {"name": "paths", "database": "places", "table-path": "latency",
         "regions": sorted(ADDRESS), "default": "rest"}]})
    write_times(edge, TIMES)
    edge.start()
    old, new = quickest(TIMES), quickest(LATER)
    asked = [("example.test", network) for network in NETWORKS] + \
        [("far.example.test", network) for network in NETWORKS]
    for name in ("example.test", "far.example.test"):
        for network in ("2.1.1.0/24", "3.1.1.0/24", "140.1.1.0/24"):
            is_placed(bench.client.ask(name, "A", network), network, of=old)
    questions = []
    for name, network in asked:
        # While one is new and the other old, a network is no wider than either knows it.
        least = max(old.scope(network), new.scope(network))
        questions.append(Question(name, "A", [
            right([ADDRESS[where.region(network)]], scope)
            for where in (old, new) for scope in (where.scope(network), least)], network))
    load, done, before = Load(bench.client, questions), threading.Event(), edge.hits()
    asking = threading.Thread(target=load.run, kwargs={"stop": done.is_set})
    asking.start()
    try:
        for times in (LATER, TIMES):
            write_times(edge, times)
            wanted = [ADDRESS[quickest(times).region("2.9.9.0/24")]]

            def is_new():
                return all(bench.client.ask(name, "A", "2.9.9.0/24").addresses == wanted
                           for name in ("example.test", "far.example.test"))

            until(is_new, "the new times", 10)
    finally:
        done.set()
        asking.join()
    equal((load.wrong, load.lost, load.faults), (0, 0, []))
    hits = edge.hits() - before
    true(hits > 0.99 * load.sent > 500, f"{hits} of {load.sent} from the kernel")
    for name, network in asked:
        is_placed(from_kernel(edge, lambda: bench.client.ask(name, "A", network)), network, of=old)


@case("a database that is cut short leaves the old one, and is said")
def damaged(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    with open(edge.database, "rb") as file:
        whole = file.read()
    with open(edge.database + ".new", "wb") as file:
        file.write(whole[:len(whole) // 2])
    os.rename(edge.database + ".new", edge.database)
    until(lambda: "databases stay as they were" in edge.process.log_text(), "the fault in the log")
    true("cut short" in edge.process.log_text(), edge.process.log_text()[-300:])
    for network in NETWORKS:
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network)


def by_rename(path, octets):
    with open(path + ".new", "wb") as file:
        file.write(octets)
    os.rename(path + ".new", path)


def in_place(path, octets):
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(octets)


def gone(path, _):
    os.unlink(path)


def a_folder(path, _):
    os.unlink(path)
    os.mkdir(path)


FAULT = "databases stay as they were"


@case("whatever a database is replaced by, and however, the old one serves and the fault is loud")
def spoilt(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    with open(edge.database, "rb") as file:
        whole = file.read()
    other = os.path.join(edge.folder, "other.mmdb")
    places.write_records(other, {"2.0.0.0/8": {"autonomous_system_number": 64500}})
    with open(other, "rb") as file:
        other_kind = file.read()
    garbage = random.Random(1).randbytes(20000)
    for number, (replace, octets, words) in enumerate((
            (by_rename, garbage, "not a MaxMind database"),
            (in_place, garbage, "not a MaxMind database"),
            (in_place, whole[:len(whole) // 2], "cut short"),
            (in_place, b"", "cut short"),
            (by_rename, other_kind, "country: no record of database places"),
            (in_place, other_kind, "country: no record of database places"),
            (gone, b"", "No such file"),
            (by_rename, whole[:-200], "cut short"),
            (a_folder, b"", "not a file")), 1):
        replace(edge.database, octets)
        until(lambda: edge.process.log_text().count(FAULT) >= number, f"fault {number}", 5)
        last = edge.process.log_text().rsplit(FAULT, 1)[1]
        true(words in last and "anamed.conf:" in last, f"{replace.__name__}: {last}")
        for network in NETWORKS + NETWORKS_V6:
            is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                      network)
    until(lambda: metric(edge, "anamed_database_load_failures_total") == number, "the count", 5)
    equal(metric(edge, "anamed_database_fault"), 1)
    # Zones can be reloaded all the same.
    edge.write_zone("example.test", ZONE + "extra ANAME www.pool.test.\n")
    true("NOT READ" in edge.ctl("reload") + edge.ctl("status"), edge.ctl("status"))
    true("Databases of places are not read" in http(edge, "/"), "said on the page")
    is_placed(bench.client.ask("extra.example.test", "A", "2.9.9.0/24"), "2.9.9.0/24")
    os.rmdir(edge.database)
    moved = dict(COUNTRIES, **{"2.0.0.0/8": "US"})
    places.write(edge.database, moved)
    until(lambda: bench.client.ask("example.test", "A", "2.9.9.0/24").addresses ==
          [ADDRESS["na"]], "the good database", 10)
    until(lambda: metric(edge, "anamed_database_fault") == 0, "no fault", 5)
    true("NOT READ" not in edge.ctl("status"), edge.ctl("status"))


@case("a reload with the same policies and files keeps the table; with others it makes one")
def kept(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    made = "policies: "

    def tables():
        return edge.process.log_text().count(made)

    equal(tables(), 1)
    edge.write_zone("example.test", ZONE + "extra ANAME www.pool.test.\n")
    for _ in range(3):
        edge.reload()
    is_placed(bench.client.ask("extra.example.test", "A", "2.9.9.0/24"), "2.9.9.0/24")
    equal(tables(), 1)
    warm_regions(bench)
    for network in NETWORKS:
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network)
    os.utime(edge.database)
    edge.reload()
    equal(tables(), 2)
    edge.write_config({"policies": [dict(edge.config["policies"][0], default="eu",
                                         regions=["rest"])]})
    edge.reload()
    equal(tables(), 3)
    equal(bench.client.ask("example.test", "A", "130.1.2.0/24").addresses, [ADDRESS["eu"]])
    edge.reload()
    equal(tables(), 3)
    edge.kill()
    edge.start()
    equal(tables(), 4)


@case("a database that is written in place, with pauses, takes over once it is whole")
def in_pieces(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    moved = dict(COUNTRIES, **{"2.0.0.0/8": "US"})
    other = os.path.join(edge.folder, "other.mmdb")
    places.write(other, moved)
    with open(other, "rb") as file:
        whole = file.read()
    with open(edge.database, "r+b") as file:
        file.truncate(0)
        for at in range(0, len(whole), len(whole) // 3 + 1):
            before = edge.process.log_text().count(FAULT)
            file.write(whole[at:at + len(whole) // 3 + 1])
            file.flush()
            if file.tell() < len(whole):
                until(lambda: edge.process.log_text().count(FAULT) > before, "a fault", 5)
                is_placed(bench.client.ask("example.test", "A", "2.9.9.0/24"), "2.9.9.0/24")
    until(lambda: bench.client.ask("example.test", "A", "2.9.9.0/24").addresses ==
          [ADDRESS["na"]], "the new database", 10)
    for network in NETWORKS:
        is_placed(bench.client.ask("example.test", "A", network), network, of=world(moved))


@case("a reload that moves countries between regions takes effect")
def moved_rules(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    rules = [{"region": "na", "country": ["FR", "US", "CA"]}, {"region": "eu", "country": ["DE"]}]
    edge.write_config({"policies": [{"name": "world", "database": "places", "default": "rest",
                                     "rules": rules}]})
    edge.reload()
    where = places.World(COUNTRIES, {"na": ["FR", "US", "CA"], "eu": ["DE"]}, "rest")
    for network in NETWORKS:
        is_placed(bench.client.ask("example.test", "A", network), network, of=where)
        is_placed(from_kernel(edge, lambda: bench.client.ask("example.test", "A", network)),
                  network, of=where)


@case("IPv6 transport says where a client is, too")
def over_ipv6(bench):
    edge = geo_edge(bench)
    warm_regions(bench)
    reply = from_kernel(edge, lambda: bench.client.ask(
        "example.test", "A", source="2001:db8:b:1::10", server=EDGE_V6), "hit_ipv6")
    equal(reply.addresses, [ADDRESS["na"]])


@case("GeoLite2 City is read while queries go on, and not one of them is lost")
def real_size(bench):
    folder = os.path.join(bench.build, "geo", "package")
    files = [os.path.join(folder, f"geolite2-city-ipv{family}.mmdb") for family in (4, 6)]
    if not all(map(os.path.exists, files)):
        raise Skip("GeoLite2 City is not there; `make geo-test' fetches it")
    edge = geo_edge(bench, maps={"geo-lines": "256K"})
    warm_regions(bench)
    known = [network for network in NETWORKS if network.startswith("192.0.2.")]
    load, done = Load(bench.client, [Question("example.test", "A", [
        right([ADDRESS["eu"]], world().scope(network)), right([ADDRESS["rest"]], None)], network)
        for network in known]), threading.Event()
    asking = threading.Thread(target=load.run, kwargs={"stop": done.is_set})
    asking.start()
    try:
        edge.write_config({"databases": [
            {"name": "places", "file": files[0], "file-ipv6": files[1]}]})
        edge.reload()
        reply = bench.client.ask("example.test", "A", "8.8.8.0/24")
        equal(reply.addresses, [ADDRESS["na"]], "8.8.8.0/24 is in the United States")
        equal(bench.client.ask("example.test", "A", "1.0.16.0/24").addresses, [ADDRESS["rest"]],
              "1.0.16.0/24 is in Japan")
    finally:
        done.set()
        asking.join()
    equal((load.lost, load.answered > 1000), (0, True), "lost, answered")
    from_kernel(edge, lambda: bench.client.ask("example.test", "A", "8.8.4.0/24"))

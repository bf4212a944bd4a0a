# SPDX-License-Identifier: BSD-2-Clause
"""pools - the set-ups of docs/pool-migration.md: what clients get as members come and go."""

import collections
import itertools

import examples
from beside import edge_of, text
from lib.cases import case, equal, true
from lib.lab import CDN
from lib.nginx import Nginx
from lib.process import until
from lib.survey import survey
from servers import SOA, Gdnsd, Pdns

PAGE = "pool-migration.md"
ZONE = "example.com"
DRAWS = 1200
NETWORKS = [f"203.{i // 250}.{i % 250}.0/24" for i in range(DRAWS)]


class GdnsdPools(Gdnsd):
    def configure(self, example):
        self.write("config", "options => { listen => %s:%d, run_dir => %s/run, state_dir => %s/state }\n"
                   "plugins => {\n%s}\n"
                   % ("198.51.100.1", self.port, self.folder, self.folder, example["gdnsd"]))
        self.write(f"zones/{ZONE}", SOA + example["gdnsd-zone"])
        return self.run("-c", self.folder, "start", probe=ZONE)

    def down(self, addresses):
        """These are down, and no others."""
        self.write("state/admin_state", "".join(f"{item}/up => DOWN\n" for item in sorted(addresses))
                   or "# none\n")

        def taken():
            found = {key.split("/")[0] for key, value in self.states().items()
                     if value["state"].startswith("DOWN") and key[0].isdigit()}
            return found == set(addresses)

        until(taken, f"gdnsd to take {addresses} down", 10)


class PdnsBind(Pdns):
    """pdns with a master file, which may have LUA records."""

    zone = ZONE

    def configure(self, example):
        zone = self.write("zone", f"$ORIGIN {ZONE}.\n$TTL 60\n{SOA}{example['pdns-zone']}")
        named = self.write("named.conf", f'zone "{ZONE}" {{ type master; file "{zone}"; }};\n')
        return self.run_with(f"launch=bind\nbind-config={named}\n")


def both(bench, title, kind):
    example = examples.read(title, PAGE)
    return edge_of(bench, example, ZONE), kind(bench, "other").configure(example)


class Here:
    """The edge: what is down is forced, and answers have to be the kernel's."""

    def __init__(self, bench, edge):
        self.bench, self.edge, self.is_down = bench, edge, set()

    def down(self, addresses):
        for address in self.is_down ^ set(addresses):
            self.edge.ctl("force", f"up/{address}", "down" if address in addresses else "up")
        self.is_down = set(addresses)

    def warm(self, name):
        def hit():
            before = self.edge.hits()
            self.bench.client.ask(f"{name}.{ZONE}", "A", NETWORKS[0])
            return self.edge.hits() == before + 1

        until(hit, f"{name} from the kernel")

    def gives(self, name):
        self.warm(name)
        before = self.edge.hits()
        reply = self.bench.client.ask(f"{name}.{ZONE}", "A", NETWORKS[0])
        equal(self.edge.hits() - before, 1, "kernel hits")
        return set(reply.addresses)


def drawn(client, name):
    """How often each answer, for so many networks."""
    given = survey(client, f"{name}.{ZONE}", "A", NETWORKS)
    return collections.Counter(text(one.addresses) for one in given.values())


def chi_square(counts, shares):
    """Pearson's statistic; without bounds where an answer is not expected at all."""
    if set(counts) - set(shares):
        return float("inf")
    total, whole = sum(counts.values()), sum(shares.values())
    return sum((counts.get(key, 0) - share / whole * total) ** 2 / (share / whole * total)
               for key, share in shares.items())


# 99.9 % of honest samples stay below, by degrees of freedom.
LIMITS = {0: 1e-9, 1: 10.8, 2: 13.8, 3: 16.3}


def as_weighted(client, name, shares, who):
    """In the end: gdnsd's and pdns' threads hear of a state after a while."""
    last = []

    def fits():
        last[:] = [dict(drawn(client, name))]
        return chi_square(last[0], shares) < LIMITS[len(shares) - 1]

    try:
        until(fits, "")
    except AssertionError:
        raise AssertionError(f"{who}: {name}: {last[0]} for {shares}") from None


def subsets(addresses):
    return itertools.chain.from_iterable(itertools.combinations(addresses, count)
                                         for count in range(len(addresses) + 1))


def multifo(addresses, dead):
    """up_thresh 0.5: of fewer than half, all."""
    alive = set(addresses) - dead
    return alive if len(alive) >= len(addresses) / 2 else set(addresses)


def is_up(addresses, dead, least):
    return len(set(addresses) - dead) >= least


@case("gdnsd: multifo, simplefo, metafo: the same answers, whatever is down")
def gdnsd_failover(bench):
    edge, gdnsd = both(bench, "gdnsd: multifo, simplefo and metafo", GdnsdPools)
    here = Here(bench, edge)
    web, spare = [f"192.0.2.{i}" for i in (1, 2, 3)], [f"192.0.2.{i}" for i in (21, 22)]
    app = ["192.0.2.11", "192.0.2.12"]
    for number, dead in enumerate(itertools.product(subsets(web), (spare[:1], spare))):
        dead = {item for part in dead for item in part}
        # The two of `app` in all four states meanwhile.
        dead |= {app[i] for i in range(2) if number >> i & 1}
        gdnsd.down(dead)
        here.down(dead)
        wanted = {"web": multifo(web, dead),
                  "app": {app[app[0] in dead and app[1] not in dead]},
                  "both": multifo(web, dead) if is_up(web, dead, 2) else set(spare) - dead}
        wanted["both"] = wanted["both"] or set(web)  # neither has enough
        for name, addresses in wanted.items():
            until(lambda: here.gives(name) == addresses, f"{name}: {addresses} with {dead} down")
            until(lambda: set(gdnsd.client.ask(f"{name}.{ZONE}").addresses) == addresses,
                  f"gdnsd: {name}: {addresses} with {dead} down")
    each_family_by_itself(bench, here, gdnsd)


def each_family_by_itself(bench, here, gdnsd):
    """up_thresh 0.6: of three, and of two, two."""
    v4, v6 = [f"192.0.2.{i}" for i in (31, 32, 33)], ["2001:db8::31", "2001:db8::32"]
    for dead in ((), v4[:1], v6[:1], v4[:2], v4[:1] + v6[:1], v4[1:] + v6):
        gdnsd.down(dead)
        here.down(dead)
        for rtype, addresses in (("A", v4), ("AAAA", v6)):
            alive = set(addresses) - set(dead)
            wanted = alive if len(alive) >= 2 else set(addresses)
            for who, client in (("gdnsd", gdnsd.client), ("here", bench.client)):
                until(lambda: set(client.ask(f"dual.{ZONE}", rtype).addresses) == wanted,
                      f"{who}: {wanted} with {dead} down")


@case("gdnsd: weighted, of addresses and of groups: the same shares, whatever is down")
def gdnsd_weighted(bench):
    edge, gdnsd = both(bench, "gdnsd: weighted", GdnsdPools)
    here, weights = Here(bench, edge), {f"192.0.2.{i}": 44 if i == 1 else 11 for i in range(1, 5)}
    for dead in ((), ("192.0.2.1",), ("192.0.2.2", "192.0.2.3"), tuple(weights)[:3], tuple(weights)):
        gdnsd.down(dead)
        here.down(dead)
        here.warm("pub")
        alive = {key: weight for key, weight in weights.items() if key not in dead} or weights
        for who, client in (("gdnsd", gdnsd.client), ("here", bench.client)):
            as_weighted(client, "pub", alive, who)
    gdnsd.down(())
    here.down(())
    here.warm("cdn")
    groups = {"192.0.2.11 192.0.2.12": 4, "192.0.2.13 192.0.2.14 192.0.2.15": 6}
    for who, client in (("gdnsd", gdnsd.client), ("here", bench.client)):
        as_weighted(client, "cdn", groups, who)


@case("pdns: pickrandom, pickwrandom, pickwhashed: the same shares")
def pdns_pick(bench):
    edge, pdns = both(bench, "PowerDNS: pickrandom, pickwrandom and pickwhashed", PdnsBind)
    here = Here(bench, edge)
    shares = {"random": (1, 1, 1), "weights": (10, 20, 70), "hashed": (15, 42, 43)}
    for name, parts in shares.items():
        here.warm(name)
        wanted = {f"192.0.2.{i + 1}": part for i, part in enumerate(parts)}
        for who, client in (("pdns", pdns.client), ("here", bench.client)):
            as_weighted(client, name, wanted, who)
    for client in (pdns.client, bench.client):
        first, again = (survey(client, f"hashed.{ZONE}", "A", NETWORKS) for _ in range(2))
        moved = [net for net in NETWORKS if first[net].addresses != again[net].addresses]
        equal(moved, [], "networks that did not keep their member")


@case("pdns: ifportup and ifurlup: the same, as real servers die and come back")
def pdns_checks(bench):
    bench.lab.cdn_space.ip("route", "replace", "local", "192.0.2.128/25", "dev", "lo")
    bench.lab.edge_space.ip("route", "replace", "192.0.2.128/25", "via", CDN)
    sites = [Nginx(bench.lab.cdn_space, bench.lab.folder, f"192.0.2.{i}") for i in (129, 130, 131)]
    for site in sites:
        bench.stack.callback(site.kill)
        site.start()
    edge, pdns = both(bench, "PowerDNS: ifportup and ifurlup", PdnsBind)
    one, two, three = (site.address for site in sites)
    steps = (
        (None, {"port": {one: 1, two: 1}, "all": {f"{one} {two}": 1}, "url": {one: 1, two: 1}}),
        (sites[0].kill, {"port": {two: 1}, "all": {two: 1}, "url": {two: 1}}),
        (lambda: sites[1].again(status=500),
         {"port": {two: 1}, "all": {two: 1}, "url": {three: 1}}),
        (sites[0].start, {"port": {one: 1, two: 1}, "all": {f"{one} {two}": 1}, "url": {one: 1}}),
        (lambda: [site.kill() for site in sites],
         {"port": {one: 1, two: 1}, "all": {f"{one} {two}": 1}}),
    )
    for deed, wanted in steps:
        if deed:
            deed()
        for name, shares in wanted.items():
            for who, client in (("pdns", pdns.client), ("here", bench.client)):
                as_weighted(client, name, shares, who)
            Here(bench, edge).warm(name)


@case("Route 53: weights, of 0 as well, failover, multivalue: as its documentation says")
def route53(bench):
    here = Here(bench, edge_of(bench, examples.read(
        "Route 53: weighted, failover and multivalue answers", PAGE), ZONE))
    one, two, zero = (f"192.0.2.{i}" for i in (1, 2, 3))
    for dead, shares in (((), {one: 1, two: 3}), ((one,), {two: 1}), ((one, two), {zero: 1}),
                         ((one, two, zero), {one: 1, two: 3})):
        here.down(dead)
        here.warm("weighted")
        as_weighted(bench.client, "weighted", shares, "here")
    first, second = "192.0.2.11", "192.0.2.12"
    for dead, wanted in (((), first), ((first,), second), ((second,), first),
                         ((first, second), first)):
        here.down(dead)
        until(lambda: here.gives("failover") == {wanted}, f"{wanted} with {dead} down")
    multi = [f"192.0.2.{i}" for i in (21, 22, 23)]
    for dead in subsets(multi):
        here.down(dead)
        wanted = set(multi) - set(dead) or set(multi)
        until(lambda: here.gives("multi") == wanted, f"{wanted} with {dead} down")


@case("Constellix: a pool with a minimum; a failover that does not come back; two of four")
def constellix(bench):
    here = Here(bench, edge_of(bench, examples.read(
        "Constellix: pools with a minimum, and one-way failover", PAGE), ZONE))
    main, fallback = [f"192.0.2.{i}" for i in (1, 2, 3)], "192.0.2.9"
    for dead in subsets(main):
        here.down(dead)
        here.warm("min")
        weights = {item: 20 if item == main[2] else 10 for item in main if item not in dead}
        as_weighted(bench.client, "min", weights if len(weights) > 1 else {fallback: 1}, "here")
    first, second = "192.0.2.11", "192.0.2.12"
    here.down(())
    equal(here.gives("oneway"), {first})
    here.down((first,))
    until(lambda: here.gives("oneway") == {second}, "the second")
    here.down(())
    for _ in range(20):
        equal(here.gives("oneway"), {second}, "it does not come back")
    two_of_four(bench, here)


def two_of_four(bench, here):
    """"Num Return" of 2: neighbours in a ring."""
    ring = [f"192.0.2.{i}" for i in (21, 22, 23, 24)]
    for dead in ((), ring[1:2], ring[:2], ring[:3]):
        here.down(dead)
        here.warm("two")
        pairs = ({one, other} - set(dead) for one, other in zip(ring, ring[1:] + ring[:1]))
        shares = collections.Counter(text(pair) for pair in pairs if pair)
        as_weighted(bench.client, "two", shares, "here")

# SPDX-License-Identifier: BSD-2-Clause
"""beside - an edge with an example's settings, and what clients of both servers get."""

import collections
import fcntl
import functools
import glob
import gzip
import ipaddress
import os
import random
import shutil
import subprocess

import examples
from lib.cases import Skip, equal, true
from lib.standard import edge_config
from lib.survey import Tree, networks_of, survey

PACKAGE = "geolite2-city"
DATABASE = "GeoLite2-City.mmdb"
COUNT = {4: 2000, 6: 1000}
# Where there is another way to IPv4 addresses.
ALIASES = [ipaddress.ip_network(text) for text in
           ("::/32", "2001::/32", "2002::/16", "64:ff9b::/96")]
SPECIAL = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
    "192.168.0.0/16 224.0.0.0/3 fc00::/7 fe80::/10 ff00::/8").split()]


def city(bench):
    """GeoLite2 City as MaxMind lays it out, out of the npm registry."""
    folder = os.path.join(bench.build, "geo-city")
    path = os.path.join(folder, DATABASE)
    if os.path.exists(path):
        return path
    if not shutil.which("npm"):
        raise Skip("there is no npm")
    os.makedirs(folder, exist_ok=True)
    # Cases run beside each other: the first one fetches it.
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            fetch(folder, path)
    return path


def fetch(folder, path):
    run = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True,
                         text=True, timeout=120)
    archives = glob.glob(os.path.join(folder, "*.tgz"))
    if run.returncode or not archives:
        raise Skip("the registry does not give GeoLite2 City: " + run.stderr.strip()[:100])
    subprocess.run(["tar", "xzf", archives[0], "-C", folder], check=True)
    for archive in archives:
        os.unlink(archive)
    with gzip.open(os.path.join(folder, "package", DATABASE + ".gz")) as packed:
        with open(path + ".new", "wb") as file:
            shutil.copyfileobj(packed, file)
    os.rename(path + ".new", path)


# Asked every time: those that examples name, and a few cities.
ALWAYS = ["8.1.2.0/24", "8.8.4.0/24", "8.8.8.0/24", "2001:db8:1::/56", "2a00:1450:4001:800::/56"]


def six_to_four(network):
    """2002:V4ADDR::/48 (RFC 3056) of an IPv4 network."""
    inside = ipaddress.ip_network(network)
    return str(ipaddress.ip_network((0x2002 << 112 | int(inside[0]) << 80, 16 + inside.prefixlen)))


@functools.lru_cache(maxsize=None)
def drawn_networks(path, seed):
    tree, rng = Tree(path), random.Random(seed)
    return ALWAYS + [network for version in (4, 6)
                     for network in networks_of(tree, rng, version, COUNT[version],
                                                ALIASES + SPECIAL)]


def networks(bench, seed=1, also=True):
    """Networks of both families; `also`: some IPv4 ones as 6to4 has them."""
    drawn = drawn_networks(city(bench), seed)
    return drawn + [six_to_four(network) for network in drawn[10:2000:5] if also]


def edge_of(bench, example, zone, files=lambda folder: None, **settings):
    """anamed with an example's settings and its lines of the zone; `files` puts beside them what
    they name."""
    text = f"$ORIGIN {zone}.\n@ 300 SOA ns1 host 1 7200 1800 259200 900\n@ 300 NS ns1\n" \
           "ns1 300 A 192.0.2.1\n" + example["zone"]
    edge = bench.edge(edge_config(**settings), {zone: text}, start=False)
    files(edge.folder)
    with open(edge.conf, "a") as file:
        file.write(example["yaml"])
    return edge.start(30)


def both(bench, title, kind):
    """The edge and the other server, each with its side of an example of places."""
    example, database = examples.read(title), city(bench)
    server = kind(bench, "other").configure(example, database)
    edge = edge_of(bench, example, kind.zone,
                   lambda folder: os.symlink(database, os.path.join(folder, DATABASE)),
                   maps={"geo-lines": "256K"})
    return edge, server


def text(addresses):
    return " ".join(sorted(str(ipaddress.ip_address(address)) for address in addresses)) or "none"


def differences(ours, theirs):
    return [f"{network}: {text(ours[network].addresses)}, there {text(theirs[network].addresses)}"
            for network in ours if ours[network].addresses != theirs[network].addresses]


def from_kernel(bench, edge, name, rtype, asked, either=()):
    """What every network gets here, nearly all of it from the kernel; `either`: chosen by weight."""
    before = edge.hits()
    given = survey(bench.client, name, rtype, asked)
    hits = edge.hits() - before
    true(hits > len(asked) - 200, f"{hits} of {len(asked)} came from the kernel")
    scopes_hold(given, either)
    return given


def same_answers(bench, edge, server, name, rtypes=("A",), seed=1, also=True, every=1):
    """Every client network (of so many one) gets the same from both, here from the kernel; how
    often each answer."""
    asked, kinds = networks(bench, seed, also)[::every], collections.Counter()
    for rtype in rtypes:
        kinds += compare(bench, edge, server, name, rtype, asked)
    return kinds


def compare(bench, edge, server, name, rtype, asked):
    """These networks get the same from both, here from the kernel; how often each answer."""
    ours = from_kernel(bench, edge, name, rtype, asked)
    theirs = survey(server.client, name, rtype, asked)
    wrong = differences(ours, theirs)
    equal(wrong[:5], [], f"{len(wrong)} of {len(asked)} networks differ, {name} {rtype}")
    kinds = collections.Counter(text(given.addresses) for given in theirs.values())
    print(f"     {name} {rtype}: {len(asked)} networks, {dict(kinds)}")
    return kinds


def scopes_hold(given, either=()):
    """Networks in the scope of one answer get that answer (RFC 7871 7.2.1)."""
    covers, asked = {}, []
    for network, one in given.items():
        inside = ipaddress.ip_network(network)
        answer = "either" if text(one.addresses) in either else text(one.addresses)
        asked.append((network, inside, one.scope, answer))
        if one.scope:
            covers.setdefault(block(inside, one.scope), (network, answer))
    for network, inside, scope, answer in asked:
        for length in range(1, inside.prefixlen + 1):
            known = covers.get(block(inside, length))
            if known:
                equal((length, answer), (scope, known[1]),
                      f"{network} lies in the scope of {known[0]}")


def block(network, length):
    """What is the same for all networks in one of this length."""
    shift = network.max_prefixlen - length
    return network.version, length, int(network.network_address) >> shift


# SPDX-License-Identifier: BSD-2-Clause
"""Random databases, lists, tables and policies against a slow reference.

The reference looks at every network for every address, one rule after the
other, with nothing shared with the real thing: it knows networks from the
random draw, not from the database.
"""
import ipaddress
import json
import math
import os
import subprocess

SPECIAL = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
    "192.168.0.0/16 224.0.0.0/3 ::/128 ::1/128 ::ffff:0:0/96 fc00::/7 fe80::/10 ff00::/8").split()]
# Where there is a second way to the IPv4 addresses.
ALIASES = [ipaddress.ip_network(text) for text in ("::/96", "::ffff:0:0/96", "2001::/32")]
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")

COUNTRIES = {"DE": "EU", "FR": "EU", "US": "NA", "CA": "NA", "JP": "AS", "BR": "SA", "ZA": "AF"}
PARTS = ["NY", "TX", "BY", "13"]
CITIES = [(1, "New York"), (2, "Berlin"), (3, "Kyoto")]
REGIONS = ["r1", "r2", "r3", "r4", "r5"]


# ---- the draw ----

def draw_network(rng, longest4=28, longest6=64):
    if rng.random() < 0.6:
        base = rng.choice([0x02000000, 0x02010000, 0x5b000000, 0xc0a00000, 0xcb007100])
        length = rng.randint(4 if rng.random() < 0.1 else 9, longest4)
        address = (base ^ rng.getrandbits(20)) & (0xffffffff << (32 - length)) & 0xffffffff
        return ipaddress.ip_network((address, length))
    base = rng.choice([0x20010db8 << 96, 0x2a000000 << 96, 0x2a0012 << 104])
    length = rng.randint(12 if rng.random() < 0.1 else 24, longest6)
    address = (base ^ rng.getrandbits(48) << 64) >> (128 - length) << (128 - length)
    return ipaddress.ip_network((address, length))


def draw_record(rng):
    record = {}
    if rng.random() < 0.85:
        country = rng.choice(sorted(COUNTRIES))
        record["country"] = {"iso_code": country}
        if rng.random() < 0.9:
            record["continent"] = {"code": COUNTRIES[country]}
        if rng.random() < 0.5:
            record["subdivisions"] = [{"iso_code": part}
                                      for part in rng.sample(PARTS, rng.randint(1, 2))]
    if rng.random() < 0.3:
        number, name = rng.choice(CITIES)
        record["city"] = {"geoname_id": number, "names": {"en": name}}
    if rng.random() < 0.5:
        record["autonomous_system_number"] = rng.randint(64500, 64505)
    if rng.random() < 0.6:
        record["location"] = {"latitude": round(rng.uniform(-80, 80), 3) + 0.0001,
                              "longitude": round(rng.uniform(-170, 170), 3) + 0.0001}
    if rng.random() < 0.3:
        record["traits"] = {"connection_type": rng.choice(["Cable", "DSL"])}
    if rng.random() < 0.4:
        record["latency"] = {f"ms-{region}": rng.randint(1, 200) + 0.5
                             for region in rng.sample(REGIONS, 2)}
    return record


def draw_database(rng):
    """Networks and records, the wide first; every kind of value occurs."""
    entries = {draw_network(rng): draw_record(rng) for _ in range(rng.randint(5, 120))}
    everything = {"country": {"iso_code": "DE"}, "continent": {"code": "EU"},
                  "subdivisions": [{"iso_code": "BY"}],
                  "city": {"geoname_id": 9, "names": {"en": "Elsewhere"}},
                  "autonomous_system_number": 64511, "traits": {"connection_type": "None"},
                  "location": {"latitude": 0.5, "longitude": 0.5}}
    entries[ipaddress.ip_network("203.0.113.0/24")] = everything
    return sorted(entries.items(), key=lambda item: item[0].prefixlen)


def draw_rule(rng, databases):
    rule = {"region": rng.choice(REGIONS)}
    kinds = ["continent", "country", "subdivision", "city", "asn", "networks", "networks", "path"]
    for kind in dict.fromkeys(rng.sample(kinds, rng.choice([1, 1, 1, 2, 2, 3]))):
        if kind == "continent":
            rule[kind] = rng.sample(["EU", "NA", "AS", "SA", "AF"], 2)
        elif kind == "country":
            rule[kind] = rng.sample(sorted(COUNTRIES), rng.randint(1, 3))
        elif kind == "subdivision":
            rule[kind] = [f"{rng.choice(sorted(COUNTRIES))}-{part}" for part in PARTS[:2]]
        elif kind == "city":
            rule[kind] = [rng.choice(["new york", "2", "Kyoto"])]
        elif kind == "asn":
            rule[kind] = rng.sample(range(64500, 64506), 2)
        elif kind == "networks":
            rule[kind] = [str(draw_network(rng, 24, 56)) for _ in range(rng.randint(1, 5))]
        else:
            rule["path"] = "traits/connection_type"
            rule["values"] = ["Cable"]
    if rng.random() < 0.3:
        rule["database"] = rng.choice(sorted(databases))
    if rng.random() < 0.3:
        rule["then"] = [region for region in rng.sample(REGIONS, 2) if region != rule["region"]]
    return rule


def draw_policy(rng, index, databases, folder):
    policy = {"name": f"p{index}", "database": rng.choice(sorted(databases)),
              "rules": [draw_rule(rng, databases) for _ in range(rng.randint(0, 6))],
              "default": "d"}
    if rng.random() < 0.5:
        policy["nearest"] = [
            {"region": f"n{i % 4}", "latitude": round(rng.uniform(-80, 80), 2),
             "longitude": round(rng.uniform(-170, 170), 2), "bias": rng.choice([0, 0, 30, -50, 99, -99, rng.randint(-99, 99)])}
            for i in range(rng.randint(1, 6))]
        policy["nearest-limit"] = rng.choice([1, 1, 2, 3, 8])
    if rng.random() < 0.3:
        policy["default-then"] = rng.sample(REGIONS, rng.randint(1, 3))
    kind = rng.random()
    if kind < 0.3:
        policy["table"] = os.path.join(folder, f"table{index}.csv")
        policy["lines"] = [(draw_network(rng, 24, 56), rng.choice(REGIONS), rng.randint(1, 99))
                           for _ in range(rng.randint(1, 40))]
    elif kind < 0.5:
        policy["table-path"] = "latency"
        policy["regions"] = [f"ms-{region}" for region in REGIONS]
    return policy


# ---- the reference ----

def record_at(entries, address):
    best = None
    if address in SIX_TO_FOUR:
        address = ipaddress.ip_address(int(address) >> 80 & 0xffffff00)
    if any(address in alias for alias in ALIASES if alias.version == address.version):
        return None
    for network, record in entries:
        if address in network and (best is None or network.prefixlen >= best[0].prefixlen):
            best = network, record
    return best[1] if best else None


def rule_fits(rule, policy, databases, address):
    if "networks" in rule and not any(address in ipaddress.ip_network(text)
                                      for text in rule["networks"]):
        return False
    asked = set(rule) - {"region", "networks", "database", "then"}
    if not asked:
        return True
    record = record_at(databases[rule.get("database", policy["database"])], address)
    if record is None:
        return False
    country = record.get("country", {}).get("iso_code")
    city = record.get("city", {})
    fits = {
        "continent": lambda v: record.get("continent", {}).get("code") in v,
        "country": lambda v: country in v,
        "subdivision": lambda v: any(f"{country}-{part['iso_code']}" in v
                                     for part in record.get("subdivisions", [])),
        "city": lambda v: any(text.lower() in (city.get("names", {}).get("en", "").lower(),
                                               str(city.get("geoname_id"))) for text in v),
        "asn": lambda v: record.get("autonomous_system_number") in v,
        "path": lambda v: record.get("traits", {}).get("connection_type") in rule["values"],
        "values": lambda v: True,
    }
    return all(fits[key](rule[key]) for key in asked)


def great_circle(a, b):
    phi1, lambda1, phi2, lambda2 = map(math.radians, (*a, *b))
    return math.acos(min(1, math.sin(phi1) * math.sin(phi2) +
                         math.cos(phi1) * math.cos(phi2) * math.cos(lambda1 - lambda2)))


def biased(bias):
    """Route 53's formula."""
    return 1 - bias / 100 if bias > 0 else 1 / (1 + bias / 100)


def in_order(*regions):
    return ">".join(dict.fromkeys(regions))


def region_of(policy, databases, address):
    for rule in policy["rules"]:
        if rule_fits(rule, policy, databases, address):
            return in_order(rule["region"], *rule.get("then", ()))
    record = record_at(databases[policy["database"]], address)
    if "lines" in policy:
        holding = [line for line in policy["lines"] if address in line[0]]
        if holding:
            longest = max(line[0].prefixlen for line in holding)
            return min((line for line in holding if line[0].prefixlen == longest),
                       key=lambda line: line[2])[1]
    if "table-path" in policy and record and "latency" in record:
        return min(sorted(record["latency"].items()), key=lambda item: item[1])[0]
    if "nearest" in policy and record and "location" in record:
        here = record["location"]["latitude"], record["location"]["longitude"]
        points = sorted(policy["nearest"], key=lambda point: biased(point["bias"]) * great_circle(
            here, (point["latitude"], point["longitude"])))
        regions = list(dict.fromkeys(point["region"] for point in points))
        return in_order(*regions[:policy["nearest-limit"]])
    return in_order(policy["default"], *policy.get("default-then", ()))


# ---- the comparison ----

def first_of_block(address):
    length = 24 if address.version == 4 else 56
    return ipaddress.ip_network((address, length), strict=False).network_address


def special_of(address):
    inside = [network for network in SPECIAL
              if network.version == address.version and address in network]
    return max(inside, key=lambda network: network.prefixlen, default=None)


def write_database(path, entries, writer, version=6):
    lines = "".join(f"{network}\t{json.dumps(record)}\n" for network, record in entries)
    subprocess.run([writer, path, "Test", str(version)], input=lines.encode(), check=True)


def write_files(rng, name, entries, folder, writer):
    """A file, two of them, or one of IPv4 alone; what is configured, and the entries that are left."""
    path, shape = os.path.join(folder, f"{name}.mmdb"), rng.random()
    four = [entry for entry in entries if entry[0].version == 4]
    six = [entry for entry in entries if entry[0].version == 6]
    if shape < 0.25 and six:
        write_database(path, four, writer, rng.choice([4, 6]))
        write_database(path + "6", six, writer)
        return {"name": name, "file": path, "file-ipv6": path + "6"}, entries
    if shape < 0.4:
        write_database(path, four, writer, 4)
        return {"name": name, "file": path}, four
    write_database(path, entries, writer)
    return {"name": name, "file": path}, entries


def write_case(rng, folder, writer):
    databases = {f"d{i}": draw_database(rng) for i in range(rng.randint(1, 3))}
    policies = [draw_policy(rng, i, databases, folder) for i in range(rng.randint(1, 3))]
    config = {"zones": [{"name": "example.com", "file": "z"}], "databases": [], "policies": []}
    for name, entries in list(databases.items()):
        files, databases[name] = write_files(rng, name, entries, folder, writer)
        config["databases"].append(files)
    for policy in policies:
        if "table" in policy:
            with open(policy["table"], "w") as file:
                file.writelines("%s,%s,%s\n" % line for line in policy["lines"])
        config["policies"].append({key: value for key, value in policy.items() if key != "lines"})
    path = os.path.join(folder, "anamed.conf")
    with open(path, "w") as file:
        json.dump(config, file, indent=1)
    return path, databases, policies


def read_leaves(tool, path):
    run = subprocess.run([tool, path], capture_output=True, text=True)
    if run.returncode:
        return None, run.stderr
    leaves = []
    for line in run.stdout.splitlines():
        fields = line.replace(" > ", ">").split()
        if fields[0] != "warning":
            leaves.append((ipaddress.ip_network(fields[0]), tuple(fields[2:])))
    return leaves, None


def check_cover(leaves):
    """Each begins where the one before it ended; together they are everything."""
    for version, bits in ((4, 32), (6, 128)):
        at = 0
        for network, _ in leaves:
            if network.version != version:
                continue
            assert int(network.network_address) == at, f"{network} does not begin at {at:x}"
            assert network.prefixlen <= (24 if version == 4 else 56), network
            at += network.num_addresses
        assert at == 1 << bits, f"version {version} ends at {at:x}"


def check_widest(leaves):
    for (a, a_regions), (b, b_regions) in zip(leaves, leaves[1:]):
        if a.version == b.version and a.prefixlen == b.prefixlen and a.prefixlen and \
                a.supernet() == b.supernet() and a_regions == b_regions:
            assert special_of(a.network_address) != special_of(b.network_address), \
                f"{a} and {b} are one: {a_regions}"


def listed(policy):
    for rule in policy["rules"]:
        yield from map(ipaddress.ip_network, rule.get("networks", []))
    for line in policy.get("lines", []):
        yield line[0]


def probes(rng, leaves, databases, policies):
    for network, _ in leaves if len(leaves) < 300 else rng.sample(leaves, 300):
        yield network.network_address
        yield network[rng.randrange(network.num_addresses)]
        yield network[-1]
        if network.version == 4:
            yield ipaddress.ip_address(0x2002 << 112 | int(network[-1]) << 80)
    for entries in databases.values():
        for network, _ in rng.sample(entries, min(len(entries), 40)):
            yield network.network_address
            if int(network[-1]) + 1 < 1 << network.max_prefixlen:
                yield network[-1] + 1
            if int(network[0]):
                yield network[0] - 1
    for policy in policies:
        for network in listed(policy):
            yield network[0]
            yield network[-1]
    for _ in range(200):
        yield ipaddress.ip_address(rng.getrandbits(32))
        yield ipaddress.ip_address(rng.choice([0x20, 0x2a, 0, 0xfc]) << 120
                                   ^ rng.getrandbits(124))


def leaf_of(leaves, starts, address):
    import bisect
    at = bisect.bisect_right(starts[address.version], int(address)) - 1
    return leaves[address.version][at]


def check_case(rng, folder, tool, writer):
    """Networks compared; AssertionError where they differ."""
    leaves, error = None, "covers nothing"
    while leaves is None and "covers nothing" in error:
        path, databases, policies = write_case(rng, folder, writer)
        leaves, error = read_leaves(tool, path)
    assert leaves is not None, error
    check_cover(leaves)
    check_widest(leaves)
    by_version = {v: [leaf for leaf in leaves if leaf[0].version == v] for v in (4, 6)}
    starts = {v: [int(leaf[0].network_address) for leaf in by_version[v]] for v in (4, 6)}
    count = 0
    for address in probes(rng, leaves, databases, policies):
        network, regions = leaf_of(by_version, starts, address)
        first = first_of_block(address)
        wanted = tuple(region_of(policy, databases, first) for policy in policies)
        assert regions == wanted, f"{address} in {network}: {regions}, not {wanted}"
        count += 1
    return count

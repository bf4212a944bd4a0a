# SPDX-License-Identifier: BSD-2-Clause
"""out_peers - anamed as the primary, and real secondaries: knotd, named, nsd, pdns_server.

Every server has an address of loopback of its own, so that anamed tells them apart.
"""

import itertools
import json
import os
import random
import shutil
import socket
import subprocess

from bench import KEY_NAME, KEY_SECRET, Server, Zone, name_wire
from in_peers import Knotd, binary
from lib.cases import Skip, equal, true
from lib.edge import merge, yaml_text
from lib.process import until
from pdns import OnSqlite

EDGE = "127.0.0.1"
HOSTS = (f"127.0.1.{number}" for number in itertools.count(2))
TARGETS = "cdn.test."


def steady_port():
    """A free port that no client is given meanwhile: servers here are stopped and come back."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            try:
                udp.bind(("0.0.0.0", port))
                tcp.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def generic(rtype, rdata):
    """Type and rdata as kdig prints a type that it does not know."""
    if rtype != "ANAME":
        return rtype, rdata
    wire = name_wire(rdata)
    return "TYPE65401", f"\\# {len(wire)} {wire.hex().upper()}"


def kdig(address, port, *words, limit_s=60):
    if not shutil.which("kdig"):
        raise Skip("no kdig")
    done = subprocess.run(
        ["kdig", f"@{address}", "-p", str(port), "+retry=0", f"+timeout={limit_s}", *words],
        capture_output=True, text=True, check=False,
    )
    return done.stdout + done.stderr


def record_lines(text):
    """ "owner ttl type rdata" of each record that kdig printed, in its order."""
    lines = []
    for line in text.splitlines():
        if line and not line.startswith(";"):
            owner, ttl, _, rtype, rdata = line.split(None, 4)
            if rtype == "TSIG":
                continue
            lines.append(f"{owner} {ttl} {rtype} {rdata}")
    return lines


def serial_at(address, port, apex, *words):
    for line in record_lines(kdig(address, port, *words, apex, "SOA", limit_s=1)):
        if line.split()[2] == "SOA":
            return int(line.split()[5])
    return None


def native_lines(zone, serial=None):
    """What a secondary must hold of a Zone."""
    lines = set()
    for owner, ttl, rtype, rdata in zone.records | {zone.soa}:
        if rtype == "SOA" and serial is not None:
            words = rdata.split()
            rdata = " ".join(words[:2] + [str(serial)] + words[3:])
        lines.add(" ".join([owner, str(ttl), *generic(rtype, rdata)]))
    return lines


def expanded_lines(zone, targets, serial, ttl, both=False):
    """The same where ANAMEs give way to what `targets` says: {target: [(type, address)]}."""
    lines = set()
    for line in native_lines(zone, serial):
        if line.split()[2] != "TYPE65401":
            lines.add(line)
    for owner, own_ttl, rtype, rdata in zone.records:
        if rtype != "ANAME":
            continue
        if both:
            lines.add(" ".join([owner, str(own_ttl), *generic(rtype, rdata)]))
        for kind, address in targets.get(rdata, ()):
            lines.add(f"{owner} {min(ttl, own_ttl)} {kind} {address}")
    return lines


class Cdn(Knotd):
    """The targets' own server: {target: [(type, address)]}, all with one TTL."""

    def __init__(self, bench, targets, ttl=1):
        self.ttl = ttl
        zone = Zone(TARGETS, self.records(targets))
        super().__init__(bench, [zone])

    def records(self, targets):
        return [(name, self.ttl, kind, address) for name, all_ in targets.items() for kind, address in all_]

    def give(self, targets):
        zone = self.zones[0]
        fresh = Zone(TARGETS, self.records(targets), serial=zone.serial + 1)
        zone.records, zone.serial = fresh.records, fresh.serial
        self.publish()
        self.await_log(rf"loaded, serial .*-> {zone.serial}\b")


class Edge(Server):
    """anamed on loopback, without XDP; `secondaries` is the list of its configuration."""

    def __init__(self, bench, zones, cdn=None, more=None):
        super().__init__(bench, "anamed")
        self.port = steady_port()
        self.zones = zones
        self.secondaries = []
        self.cdn = cdn
        self.more = more or {}
        bench.add(self)

    def allow(self, secondary, mode="native", signed=False, **more):
        entry = {"address": f"{secondary.address}@{secondary.port}", "mode": mode}
        if signed:
            entry["key"] = KEY_NAME
        self.secondaries.append(merge(entry, more))
        return secondary

    def configure(self):
        os.makedirs(self.path("state"), exist_ok=True)
        config = {
            "listen": [f"{EDGE}@{self.port}"],
            "keys": [{"name": KEY_NAME, "algorithm": "hmac-sha256", "secret": KEY_SECRET}],
            "zones": [
                {"name": zone.apex, "file": self.path(zone.apex + "zone"), "secondaries": self.secondaries}
                for zone in self.zones
            ],
            "answers": {"ttl-floor": "1", "recheck": "1s", "resolution-time": "2s"},
            "server": {
                "control-socket": self.path("control"), "state-dir": self.path("state"), "workers": "2",
            },
        }
        if self.cdn:
            config["upstreams"] = [
                {"address": f"127.0.0.1@{self.cdn.port}", "kind": "authoritative", "timeout": "500ms", "tries": "1"}
            ]
        for zone in self.zones:
            self.write(zone.apex + "zone", zone.text("ANAME"))
        return self.write("conf", yaml_text(merge(config, self.more)) + "\n")

    def start(self):
        self.remember_log()
        self.spawn(os.path.join(self.bench.build, "anamed"), "--config", self.configure())
        until(lambda: self.child.poll() is not None or self.serial(self.zones[0].apex), "anamed to answer")
        return self

    def serial(self, apex, *words):
        return serial_at(EDGE, self.port, apex, *words)

    def publish(self):
        """The zones as they now are."""
        self.configure()
        self.tell("reload")

    def tell(self, *words):
        done = subprocess.run(
            [os.path.join(self.bench.build, "anamectl"), "-s", self.path("control"), "-j", *words],
            capture_output=True, text=True, check=False,
        )
        true(done.returncode == 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def counted(self):
        """The counters of transfers out."""
        def find(value):
            if isinstance(value, dict):
                if "ixfr_as_axfr" in value:
                    return value
                for item in value.values():
                    found = find(item)
                    if found:
                        return found
            return None

        return find(self.tell("stats"))

    def memory(self):
        """Resident octets."""
        with open(f"/proc/{self.child.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Secondary(Server):
    ixfr = True

    def __init__(self, bench, edge, zones, signed=False):
        super().__init__(bench, self.kind)
        self.port = steady_port()
        self.address = next(HOSTS)
        self.edge = edge
        self.zones = zones
        self.signed = signed
        bench.add(self)

    def serial(self, zone):
        return serial_at(self.address, self.port, zone.apex)

    def has(self, zone, serial, limit_s=30):
        """Waits until it serves this serial."""
        until(lambda: self.serial(zone) == serial, f"{self.kind} to have serial {serial}", limit_s, 0.1)

    def lines(self, zone):
        found = record_lines(kdig(self.address, self.port, *self.signs(), zone.apex, "AXFR"))
        true(len(found) > 1, f"no AXFR from {self.kind}")
        equal(found[0], found[-1], "first and last record")
        equal(len(set(found)), len(found) - 1, "records, each once")
        return set(found)

    def signs(self):
        return []


class KnotSecondary(Secondary):
    kind = "knotd"

    def configure(self):
        key = f"\n    key: {KEY_NAME}" if self.signed else ""
        keys = f"key:\n  - id: {KEY_NAME}\n    algorithm: hmac-sha256\n    secret: {KEY_SECRET}\n"
        return self.write("conf", f"""\
server:
    listen: {self.address}@{self.port}
    rundir: "{self.folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{self.folder}"
control:
    listen: "{self.path('socket')}"
log:
  - target: stdout
    any: info
{keys if self.signed else ""}remote:
  - id: edge
    address: {EDGE}@{self.edge.port}
    via: {self.address}{key}
acl:
  - id: notify
    address: {EDGE}
    action: notify{key}
  - id: look
    address: 127.0.0.0/8
    action: transfer
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    semantic-checks: off
    master: edge
    acl: [ notify, look ]
zone:
""" + "".join(f'  - domain: "{zone.apex}"\n' for zone in self.zones))

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/knotd"), "-c", self.configure())
        return self


class NamedSecondary(Secondary):
    """Listens only on addresses that an interface has: loopback's own."""

    kind = "named"

    def __init__(self, *words):
        super().__init__(*words)
        self.address = EDGE

    def configure(self):
        key = f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{KEY_SECRET}"; }};\n' if self.signed else ""
        with_key = f' key "{KEY_NAME}"' if self.signed else ""
        zones = "".join(
            f'zone "{zone.apex}" {{ type secondary; file "{self.path(zone.apex + "zone")}"; '
            f"primaries {{ {EDGE} port {self.edge.port}{with_key}; }}; }};\n"
            for zone in self.zones
        )
        return self.write("conf", f"""\
options {{
	directory "{self.folder}";
	pid-file none;
	session-keyfile none;
	listen-on port {self.port} {{ {self.address}; }};
	listen-on-v6 {{ none; }};
	recursion no;
	allow-transfer {{ any; }};
	notify no;
	empty-zones-enable no;
	dnssec-validation no;
	check-names secondary ignore;
	min-refresh-time 1;
	min-retry-time 1;
	serial-query-rate 1000;
}};
controls {{ }};
{key}{zones}""")

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/named"), "-g", "-n", "1", "-c", self.configure())
        return self


class NsdSecondary(Secondary):
    kind = "nsd"

    def configure(self):
        key = (f'key:\n  name: "{KEY_NAME}"\n  algorithm: hmac-sha256\n  secret: "{KEY_SECRET}"\n'
               if self.signed else "")
        who = KEY_NAME if self.signed else "NOKEY"
        zones = "".join(
            f'zone:\n  name: "{zone.apex}"\n  zonefile: "{self.path(zone.apex + "zone")}"\n'
            f"  allow-notify: {EDGE} {who}\n  request-xfr: {EDGE}@{self.edge.port} {who}\n"
            f"  outgoing-interface: {self.address}\n  provide-xfr: 127.0.0.0/8 NOKEY\n"
            for zone in self.zones
        )
        return self.write("conf", f"""\
server:
  ip-address: {self.address}@{self.port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: ""
  xfrdfile: "{self.path('xfrd.state')}"
  zonelistfile: "{self.path('zone.list')}"
  xfrdir: "{self.folder}"
  xfrd-reload-timeout: 0
  verbosity: 2
remote-control:
  control-enable: no
{key}{zones}""")

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/nsd"), "-d", "-c", self.configure())
        return self


class PdnsSecondary(OnSqlite, Secondary):
    """Its ALIAS is type 65401; asks for IXFR where its zone says so."""

    def configure(self):
        return self.configure_as(self.address, f"""\
query-local-address={self.address}
secondary=yes
""")

    def add_zones(self):
        for zone in self.zones:
            apex = zone.apex.rstrip(".")
            self.util("create-secondary-zone", apex, f"{EDGE}:{self.edge.port}")
            self.util("set-meta", apex, "IXFR", "1")
            if self.signed:
                self.util("activate-tsig-key", apex, KEY_NAME, "secondary")

    def start(self):
        program = binary(self.bench, "/usr/sbin/pdns_server")
        self.configure()
        if self.is_new():
            self.add_zones()
        self.remember_log()
        self.spawn(program, f"--config-dir={self.folder}")
        return self

    def lines(self, zone):
        """From its database: its own AXFR would resolve ALIAS."""
        rows = subprocess.run(
            ["sqlite3", "-separator", "\t", self.path("db"),
             "select name, ttl, type, prio, content from records where type is not null"],
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()
        lines = [pdns_line(*row.split("\t")) for row in rows]
        equal(len(set(lines)), len(lines), "records, each once")
        return set(lines)


PDNS_NAMES = {"NS": (0,), "CNAME": (0,), "ALIAS": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1)}


def pdns_line(name, ttl, rtype, prio, content):
    words = content.split(" ") if rtype in PDNS_NAMES else [content]
    if rtype in ("MX", "SRV"):
        words.insert(0, prio)
    for at in PDNS_NAMES.get(rtype, ()):
        words[at] = words[at].rstrip(".") + "."
    rdata = " ".join(words)
    if rtype == "ALIAS":
        rtype, rdata = generic("ANAME", rdata)
    return f"{name}. {ttl} {rtype} {rdata}"


SECONDARIES = {kind.kind: kind for kind in (KnotSecondary, NamedSecondary, NsdSecondary, PdnsSecondary)}

# SPDX-License-Identifier: BSD-2-Clause
"""servers - what is measured: reflectors, anamed, and its peers, each on a stand of its own."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time

from lib.edge import BPFTOOL, Edge
from lib.netns import command
from lib.process import Process, copy_binary, until
from stand import CLIENT_CPU, NICE, SERVER, SERVER_CPU, SERVER_DEVICE, SERVER_V6, Stand, affinity

APEX = "bench.example"
KEPT_S = 43200
INSIDE = 5  # addresses that fit into an owner's slot, with the names that the bench has
TARGETS = "targets.example"
RESOLVER = "127.0.0.53"

WILDCARD_ZONE = f"""\
$ORIGIN {APEX}.
$TTL 86400
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 198.51.100.1
* ALIAS pool.{TARGETS}.
"""

KNOT_CONF = """\
server:
    {listen}
    rundir: "{folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
{xdp}database:
    storage: "{folder}"
control:
    listen: "{folder}/knot.sock"
log:
  - target: stdout
    any: info
template:
  - id: default
    storage: "{folder}"
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: {zone}
    file: {zone}.zone
"""

NSD_CONF = """\
server:
    server-count: 1
    ip-address: {address}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
    logfile: "{folder}/nsd.log"
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: {zone}.zone
"""

PDNS_CONF = """\
launch=bind
module-dir=/usr/lib/{multiarch}/pdns
bind-config={folder}/named.conf
local-address={address}
socket-dir={folder}
daemon=no
guardian=no
receiver-threads=1
distributor-threads=1
expand-alias=yes
resolver={resolver}:53
cache-ttl=3600
query-cache-ttl=3600
negquery-cache-ttl=3600
max-queue-length=100000
overload-queue-length=0
loglevel=4
disable-syslog=yes
webserver=no
"""


DNSPERF = {
    "sent": r"Queries sent:\s+(\d+)",
    "replies": r"Queries completed:\s+(\d+)",
    "noerror": r"NOERROR (\d+)",
    "seconds": r"Run time \(s\):\s+([\d.]+)",
}


class Reflector(Stand):
    """The floor, or with `octets` the floor that grows its replies."""

    def __init__(self, bench, name, octets=None):
        super().__init__(bench.run, name, bench.build, bench.room)
        words = ["reflect", SERVER_DEVICE] if octets is None else ["grow", SERVER_DEVICE, str(octets)]
        self.start_xdp(lambda: self.helper(self.server, f"{self.build}/bench-blast", *words))
        self.start_client()


class Anamed(Stand):
    """anamed with answers restored from its last-good.mdb, or with zone data asked once."""

    def __init__(self, bench, name, names, networks=1, records=2, static=False, room=None,
                 wait=True):
        super().__init__(bench.run, name, bench.build, room or bench.room)
        self.folder = os.path.join(bench.folder, name)
        self.names, self.networks, self.records, self.static = names, networks, records, static
        os.makedirs(self.folder)
        # The first network of a name stands in the owner's slot, and has no element.
        answers = names if static else names * networks
        # One answer of each owner is in his slot, if it has room behind the name.
        inside = names if records <= INSIDE else 0
        audiences = 64 if static or answers == inside else answers
        zone = self.zone()
        config = {
            "listen": [SERVER, SERVER_V6],
            "interfaces": [{"name": SERVER_DEVICE, "xdp": "native"}],
            "upstreams": [{"address": "192.0.2.53"}],
            "maps": {"owners": with_slack(names), "audiences": with_slack(audiences),
                     "slots": with_slack(names + answers - inside), "slots-large": "1K",
                     "zones": 16},
            "memory": {"answers": with_slack(answers)},
            "server": {"workers": 1, "miss-limit": 0},
        }
        self.edge = Edge(self.server, self.folder, bench.pins(name), self.build, config,
                         {APEX: zone})
        self.stack.callback(self.edge.detach, SERVER_DEVICE)
        if not static:
            self.restore_from(kept(self.build, names, networks, records))
        self.stack.callback(self.edge.process.stop)
        self.start_xdp(self.begin)
        affinity(self.edge.process.pid, SERVER_CPU)
        self.start_client()
        if wait:
            self.wait()

    def begin(self):
        """Starts it, as far as its interface; what it has to restore comes after that."""
        self.edge.process.start()
        self.until_log("attached, native")

    def wait(self):
        """Until it has restored its answers."""
        self.until_log(" answers\n", max(300, self.names // 5000))

    def until_log(self, text, limit_s=10):
        def seen():
            if not self.edge.process.is_running():
                raise RuntimeError(f"anamed ended: {self.edge.process.log_text()[-2000:]}")
            return text in self.edge.process.log_text()

        until(seen, f"{text!r} in anamed's log", limit_s, 0.1)

    def restore_from(self, path):
        shutil.copy(path, os.path.join(self.folder, "state"))

    def zone(self):
        return fill(self.build, "zone", self.names, self.records) if self.static else WILDCARD_ZONE

    def hits(self):
        return self.edge.hits()

    def memory(self):
        """Octets of kernel memory by map."""
        maps = {}
        for pin in os.listdir(self.edge.pins):
            path = f"{self.edge.pins}/{pin}"
            text = command(BPFTOOL, "-j", "map", "show", "pinned", path, check=False)
            shown = json.loads(text) if text.startswith("{") else {}
            if "bytes_memlock" in shown:
                maps[pin] = int(shown["bytes_memlock"])
        return maps

    def resident(self):
        """Octets of memory of the daemon's own, without files and the kernel's maps."""
        with open(f"/proc/{self.edge.process.pid}/status") as file:
            line = next(line for line in file if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024

    def program(self):
        return f"{self.edge.pins}/prog"


def with_slack(count):
    return count + count // 20 + 64


def fill(build, *words):
    return command(f"{build}/bench-fill", *map(str, words))


def kept(build, names, networks, records):
    """A last-good.mdb of those answers, made anew when its answers' time is half over."""
    folder = os.path.join(build, f"bench-kept-{names}-{networks}-{records}")
    path = os.path.join(folder, "last-good.mdb")
    if is_newer(path, f"{build}/bench-fill") and time.time() - os.stat(path).st_mtime < KEPT_S:
        return path
    shutil.rmtree(folder, True)
    os.makedirs(folder)
    zone = os.path.join(folder, f"{APEX}.zone")
    with open(zone, "w") as file:
        file.write(WILDCARD_ZONE)
    fill(build, "keep", folder, zone, names, networks, records)
    return path


def is_newer(path, other):
    return os.path.exists(path) and os.stat(path).st_mtime > os.stat(other).st_mtime


class Peer(Stand):
    """Another server, in one process on the server's core."""

    def __init__(self, bench, name, names, records):
        super().__init__(bench.run, name, bench.build, bench.room)
        self.bin = bench.folder
        self.folder = os.path.join(bench.folder, name)
        os.makedirs(self.folder)
        self.names, self.records = names, records
        self.children = []

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def process(self, *words):
        child = Process(self.server, list(words), os.path.join(self.folder, "log"))
        self.stack.callback(child.stop)
        child.start()
        heavy_session(child.pid)
        self.children.append(child)
        return child

    def pin(self):
        """knotd's workers choose their CPU by themselves, some of them after it has answered."""
        for child in self.children:
            for pid in (child.pid, *children_of(child.pid)):
                affinity(pid, SERVER_CPU)

    def run(self, load, kind, ms, rate=0):
        self.pin()
        return super().run(load, kind, ms, rate)

    def await_answer(self, child):
        """Until it answers a query that comes over its loopback."""
        label = fill(self.build, "zone", 1, 1).splitlines()[-1].split()[0]

        def answers():
            if not child.is_running():
                raise RuntimeError(f"{self.name} ended: {child.log_text()[-600:]}")
            return self.server.run("kdig", f"@{SERVER}", "+timeout=1", "+retry=0", "+short",
                                   f"{label}.{APEX}", "A", check=False)

        until(answers, f"{self.name} to answer", 60)


def heavy_session(pid):
    """Where the kernel groups processes by session (autogroup), nice counts within a session alone,
    and the kernel's own threads are in none: then the session gets their weight."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w") as file:
        file.write(str(NICE))


def knot_conf(folder, zone, listen, device=""):
    xdp = f"xdp:\n    listen: {device}\n" if device else ""
    return KNOT_CONF.format(folder=folder, zone=zone, listen=f"listen: {listen}@53", xdp=xdp)


class Knot(Peer):
    """knotd on a UDP socket, or in XDP mode."""

    def __init__(self, bench, name, names, records, xdp=False):
        super().__init__(bench, name, names, records)
        self.write(f"{APEX}.zone", fill(self.build, "zone", names, records))
        conf = self.write("knot.conf", knot_conf(self.folder, APEX, SERVER,
                                                 SERVER_DEVICE if xdp else ""))
        words = [copy_binary("/usr/sbin/knotd", self.bin), "-c", conf]
        if xdp:
            # The kernel's own thread hands packets to the process: both on one core.
            child = self.threaded(self.server, SERVER_DEVICE, SERVER_CPU, 0,
                                  lambda: self.attached(self.process(*words)))
        else:
            child = self.start_sockets(lambda: self.process(*words))
        self.await_answer(child)
        self.start_client()

    def attached(self, child):
        """Until knotd has put its XDP program on the device."""

        def there():
            if not child.is_running():
                raise RuntimeError(f"knotd ended: {child.log_text()[-600:]}")
            link = json.loads(self.server.run("ip", "-j", "link", "show", SERVER_DEVICE))[0]
            return "xdp" in link

        until(there, "knotd's XDP program", 10)
        return child


class Nsd(Peer):
    def __init__(self, bench, name, names, records):
        super().__init__(bench, name, names, records)
        self.write(f"{APEX}.zone", fill(self.build, "zone", names, records))
        conf = self.write("nsd.conf", NSD_CONF.format(folder=self.folder, address=SERVER, zone=APEX))
        words = [copy_binary("/usr/sbin/nsd", self.bin), "-d", "-c", conf]
        child = self.start_sockets(lambda: self.process(*words))
        self.await_answer(child)
        self.start_client()


class Pdns(Peer):
    """PowerDNS with an ALIAS for each name; knotd stands in for the resolver."""

    def __init__(self, bench, name, names, records):
        super().__init__(bench, name, names, records)
        multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                                   check=True).stdout.strip()
        self.write(f"{TARGETS}.zone", fill(self.build, "targets", names, records, TARGETS))
        self.write(f"{APEX}.zone", fill(self.build, "aname", names, TARGETS))
        self.write("named.conf", f'zone "{APEX}" {{ type master; file "{self.folder}/{APEX}.zone"; }};\n')
        self.write("pdns.conf", PDNS_CONF.format(folder=self.folder, address=SERVER,
                                                 resolver=RESOLVER, multiarch=multiarch))
        conf = self.write("knot.conf", knot_conf(self.folder, TARGETS, RESOLVER))
        self.process(copy_binary("/usr/sbin/knotd", self.bin), "-c", conf)
        words = [copy_binary("/usr/sbin/pdns_server", self.bin), f"--config-dir={self.folder}"]
        child = self.start_sockets(lambda: self.process(*words))
        self.await_answer(child)
        lines = fill(self.build, "aname", names, TARGETS).splitlines()
        labels = [line.split()[0] for line in lines if " ALIAS " in line]
        self.asked = self.write("names", "".join(f"{label}.{APEX} A\n" for label in labels))
        self.dnsperf("-n", "1")
        self.start_client()

    def dnsperf(self, *words):
        """Replies a second to a client that waits for them, over loopback: without ECS, which
        would part the packet cache's entries."""
        text = self.server.run("taskset", "-c", str(CLIENT_CPU), "dnsperf", "-s", SERVER, "-d",
                               self.asked, "-q", "64", "-e", "-b", "1232", *words)
        counts = {key: re.search(pattern, text) for key, pattern in DNSPERF.items()}
        if not all(counts.values()):
            raise RuntimeError(f"dnsperf: {text[-400:]}")
        values = {key: float(match.group(1)) for key, match in counts.items()}
        if values["noerror"] != values["replies"]:
            raise RuntimeError(f"{self.name}: not every answer was NOERROR")
        return values


def children_of(pid):
    """Processes below a process."""
    found = []
    for item in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{item}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(item), *children_of(int(item))]
    return found

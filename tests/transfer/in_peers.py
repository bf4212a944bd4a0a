# SPDX-License-Identifier: BSD-2-Clause
"""in_peers - real primaries: knotd, named, nsd, pdns_server; and the host of transfers in."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time

from bench import KEY_NAME, KEY_SECRET, Server
from lib.cases import Skip
from lib.process import copy_binary, until
from pdns import OnSqlite


def binary(bench, path):
    if not os.path.exists(path):
        raise Skip(f"no {path}")
    return copy_binary(path, bench.root)


def secondary_text(server):
    """The configuration of one of ours, as far as the zones; these map apexes to primaries' ports."""
    text = f'listen: [ "127.0.0.1@{server.port}" ]\n'
    if server.signed:
        text += f"keys:\n  - name: {KEY_NAME}\n    secret: {KEY_SECRET}\n"
    text += "zones:\n"
    for apex, ports in server.zones.items():
        text += f'  - name: "{apex}"\n    primaries:\n'
        for port in ports:
            text += f"      - address: 127.0.0.1@{port}\n"
            text += f"        key: {KEY_NAME}\n" if server.signed else ""
        text += "    catalog: yes\n" if apex in server.catalogs else ""
    return text


class Primary(Server):
    """`tell`: the port that NOTIFYs go to; `signed`: with the key or without."""

    aname = "TYPE65401"
    ixfr = True

    def __init__(self, bench, zones, signed=False, tell=None):
        super().__init__(bench, self.kind)
        self.zones = zones
        self.signed = signed
        self.tell = tell
        bench.add(self)

    def write_zones(self):
        for zone in self.zones:
            self.write(zone.apex + "zone", zone.text(self.aname))

    def begin(self):
        self.write_zones()
        return self.start()


class Knotd(Primary):
    kind = "knotd"

    def configure(self):
        key = f"\n    key: {KEY_NAME}" if self.signed else ""
        keys = f"key:\n  - id: {KEY_NAME}\n    algorithm: hmac-sha256\n    secret: {KEY_SECRET}\n"
        remote, notify = "", ""
        if self.tell:
            remote = f"remote:\n  - id: edge\n    address: 127.0.0.1@{self.tell}{key}\n"
            notify = "\n    notify: edge"
        zones = "".join(
            f'  - domain: "{zone.apex}"\n    file: "{self.path(zone.apex + "zone")}"\n' for zone in self.zones
        )
        return self.write("conf", f"""\
server:
    listen: 127.0.0.1@{self.port}
    rundir: "{self.folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{self.folder}"
    journal-db-max-size: 200M
control:
    listen: "{self.path('socket')}"
log:
  - target: stdout
    any: info
{keys if self.signed else ""}{remote}acl:
  - id: all
    address: 127.0.0.1
    action: transfer{key}
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    semantic-checks: off
    acl: all{notify}
zone:
{zones}""".replace("difference-no-serial", "difference"))

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/knotd"), "-c", self.configure())
        for zone in self.zones:
            self.await_log(rf"\[{zone.apex}\] loaded, serial .*-> {zone.serial}\b", 120)
        return self

    def publish(self):
        self.write_zones()
        self.control("-b", "zone-reload")

    def control(self, *words):
        subprocess.run([binary(self.bench, "/usr/sbin/knotc"), "-s", self.path("socket"), *words],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Named(Primary):
    kind = "named"

    def configure(self):
        key = (f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{KEY_SECRET}"; }};\n'
               if self.signed else "")
        who = f'key "{KEY_NAME}"' if self.signed else "127.0.0.1"
        also = ""
        if self.tell:
            with_key = f' key "{KEY_NAME}"' if self.signed else ""
            also = f"also-notify {{ 127.0.0.1 port {self.tell}{with_key}; }};"
        zones = "".join(
            f'zone "{zone.apex}" {{ type primary; file "{self.path(zone.apex + "zone")}"; }};\n'
            for zone in self.zones
        )
        return self.write("conf", f"""\
options {{
	directory "{self.folder}";
	pid-file none;
	session-keyfile none;
	listen-on port {self.port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	recursion no;
	allow-transfer {{ {who}; }};
	notify {"explicit" if self.tell else "no"};
	notify-delay 0;
	{also}
	ixfr-from-differences yes;
	empty-zones-enable no;
	dnssec-validation no;
	check-names primary ignore;
	check-integrity no;
	serial-query-rate 1000;
	startup-notify-rate 1000;
	max-records-per-type 0;
	masterfile-format text;
}};
controls {{ }};
{key}{zones}""")

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/named"), "-g", "-n", "1", "-c", self.configure())
        self.await_log("running", 120)
        return self

    def publish(self):
        self.write_zones()
        # Modification times have whole seconds there.
        for zone in self.zones:
            path = self.path(zone.apex + "zone")
            later = time.time() + 2 * zone.serial
            os.utime(path, (later, later))
        self.configure()
        self.child.send_signal(signal.SIGHUP)


class Nsd(Primary):
    kind = "nsd"

    def configure(self):
        key = (f'key:\n  name: "{KEY_NAME}"\n  algorithm: hmac-sha256\n  secret: "{KEY_SECRET}"\n'
               if self.signed else "")
        who = KEY_NAME if self.signed else "NOKEY"
        notify = f"\n  notify: 127.0.0.1@{self.tell} {who}" if self.tell else ""
        zones = "".join(
            f'zone:\n  name: "{zone.apex}"\n  zonefile: "{self.path(zone.apex + "zone")}"\n'
            f"  provide-xfr: 127.0.0.1 {who}{notify}\n  store-ixfr: yes\n  create-ixfr: yes\n"
            for zone in self.zones
        )
        return self.write("conf", f"""\
server:
  ip-address: 127.0.0.1@{self.port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "{self.path('zone.list')}"
  xfrdir: "{self.folder}"
  verbosity: 2
remote-control:
  control-enable: no
{key}{zones}""")

    def start(self):
        self.remember_log()
        self.spawn(binary(self.bench, "/usr/sbin/nsd"), "-d", "-c", self.configure())
        self.await_log("nsd started", 120)
        return self

    def publish(self):
        self.write_zones()
        self.child.send_signal(signal.SIGHUP)


class Pdns(OnSqlite, Primary):
    """ALIAS records; the whole zone is sent for every IXFR."""

    aname = "ALIAS"
    ixfr = False

    def configure(self):
        also = f"also-notify=127.0.0.1:{self.tell}\n" if self.tell else ""
        return self.configure_as("127.0.0.1", f"""\
primary=yes
allow-notify-from=
only-notify=
{also}resolver=127.0.0.1:1
expand-alias=yes
""")

    def load(self):
        for zone in self.zones:
            apex = zone.apex.rstrip(".")
            self.util("load-zone", apex, self.path(zone.apex + "zone"))
            if not os.path.exists(self.path("known")):
                self.util("set-kind", apex, "primary")
            if self.signed and not os.path.exists(self.path("known")):
                self.util("activate-tsig-key", apex, KEY_NAME, "primary")
        self.write("known", "")

    def start(self):
        program = binary(self.bench, "/usr/sbin/pdns_server")
        self.configure()
        if self.is_new():
            self.load()
        self.remember_log()
        self.spawn(program, f"--config-dir={self.folder}")
        self.await_log("Done launching threads|ready to distribute", 60)
        return self

    def publish(self):
        self.write_zones()
        self.load()
        if self.tell:
            for zone in self.zones:
                subprocess.run(["pdns_control", f"--socket-dir={self.folder}", "notify",
                                zone.apex.rstrip(".")], check=True, stdout=subprocess.DEVNULL)


PRIMARIES = {kind.kind: kind for kind in (Knotd, Named, Nsd, Pdns)}


class Host(Server):
    """build/tests/transfer/in_host: `zones` maps apexes to lists of primaries' ports."""

    def __init__(self, bench, zones, signed=False, catalogs=(), state=True, more=""):
        super().__init__(bench, "in_host")
        self.zones = zones
        self.signed = signed
        self.catalogs = catalogs
        self.more = more
        self.state = self.path("state") if state else ""
        os.makedirs(self.path("state"), exist_ok=True)
        self.lines = queue.Queue()
        self.events = []
        bench.add(self)

    def configure(self):
        text = secondary_text(self)
        text += "upstreams:\n  - address: 127.0.0.1@1\n"
        text += f'server:\n  state-dir: "{self.state}"\n{self.more}'
        return self.write("conf", text)

    def start(self):
        self.remember_log()
        self.lines = queue.Queue()
        self.spawn(os.path.join(self.bench.build, "tests/transfer/in_host"), self.configure(),
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self.read, args=(self.child.stdout, self.lines), daemon=True).start()
        self.await_event("ready")
        return self

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.put(json.loads(line))
        lines.put(None)

    def await_event(self, event, limit_s=20, **wanted):
        """The next event of this kind with these values; others before it are passed over."""
        end = time.monotonic() + limit_s
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"waited {limit_s} s in vain for {event} {wanted}") from None
            if line is None:
                raise AssertionError("in_host ended:\n" + self.log_text()[-2000:])
            if line.get("event") == event and all(line.get(key) == value for key, value in wanted.items()):
                return line
            if "event" not in line:
                raise AssertionError(f"unexpected {line}")

    def tell(self, *words):
        """A command; its reply. Events meanwhile are kept for later."""
        self.child.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.child.stdin.flush()
        events = []
        while True:
            line = self.lines.get(timeout=30)
            if line is None:
                raise AssertionError("in_host ended:\n" + self.log_text()[-2000:])
            if "event" not in line:
                break
            events.append(line)
        rest = []
        while not self.lines.empty():
            rest.append(self.lines.get())
        for item in events + rest:
            self.lines.put(item)
        return line

    def installed(self, zone, limit_s=20):
        return self.await_event("install", limit_s, zone=zone.apex, serial=zone.serial)

    def status(self, zone):
        return self.tell("status", zone.apex)

    def dump(self, zone):
        """The records that are served, as lines."""
        path = self.path("dump")
        reply = self.tell("dump", zone.apex, path)
        if "error" in reply:
            return set()
        with open(path) as file:
            return set(file.read().splitlines())

    def until_error(self, zone, words, limit_s=20):
        return until(lambda: words in self.status(zone).get("error", "") and self.status(zone), words, limit_s)

    def quit(self):
        """Ends in order: a leak, or what a sanitizer finds, is the exit status."""
        self.child.stdin.write(b"quit\n")
        self.child.stdin.flush()
        status = self.child.wait(20)
        self.child = None
        return status


def has_room(path):
    return shutil.disk_usage(path).free > 1 << 30

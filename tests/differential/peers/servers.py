# SPDX-License-Identifier: BSD-2-Clause
"""servers - anamed and the peers, all on 127.0.0.1, with the same zone files.

Each runs from a copy of its binary with a configuration and a folder of its
own, without privileges where the run has none to lose. Where a peer can say
more or less than it must, it is set to say what anamed says: additional data,
no NS set beside positive answers, no signing, no limits on rates.
"""

import os
import signal
import socket
import subprocess
import threading

from lib.ports import free_port
from lib.process import copy_binary, until

PEERS = ["knotd", "nsd", "named"]
PAYLOAD = 1232
HEARTBEAT_S = 0.5
PULSE = bytes.fromhex("00ff 0000 0001 0000 0000 0000 00 0006 0001")  # "." SOA, which nobody serves


def escaped(text):
    """A name between the quotes of YAML."""
    return text.replace("\\", "\\\\")


class Server:
    """A process; `zones` are pairs of apex text without the last dot and file."""

    def __init__(self, folder, port, zones):
        self.folder = os.path.join(folder, self.name)
        os.makedirs(self.folder)
        self.port = port
        self.zones = zones
        self.log = os.path.join(self.folder, "log")
        self.child = None

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def spawn(self, *words):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, start_new_session=True,
            )

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def is_ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.name} ended at once:\n{self.log_text()[-3000:]}")
        return self.mark in self.log_text()

    def await_ready(self):
        until(self.is_ready, f"{self.name} to be ready", 60)

    def answers(self, tries=3):
        """Anything at all over UDP; a peer has one thread for that."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self.port))
            sock.settimeout(HEARTBEAT_S)
            for _ in range(tries):
                try:
                    sock.send(PULSE)
                    sock.recv(512)
                    return True
                except OSError:
                    continue
        return False

    def start_again(self, folder):
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        os.truncate(self.log, 0)
        self.start(folder)
        self.await_ready()

    def stop(self):
        if self.child is None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Anamed(Server):
    name = "anamed"
    mark = " answers"

    def start(self, build):
        zones = "".join(f'  - name: "{escaped(apex)}"\n    file: "{file}"\n' for apex, file in self.zones)
        conf = self.write("conf", f"""\
listen: [ "127.0.0.1@{self.port}" ]
zones:
{zones}upstreams:
  - address: 127.0.0.1@1
maps:
  zones: 64K
  pin-dir: {self.folder}/pins
server:
  control-socket: {self.folder}/socket
  state-dir: ""
  workers: 1
""")
        self.spawn(os.path.join(build, "anamed"), "--config", conf)


class Knotd(Server):
    name = "knotd"
    mark = "server started"

    def start(self, folder):
        zones = "".join(f'  - domain: "{apex}."\n    file: "{file}"\n' for apex, file in self.zones)
        conf = self.write("conf", f"""\
server:
    listen: 127.0.0.1@{self.port}
    rundir: "{self.folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
    udp-max-payload: {PAYLOAD}
    tcp-idle-timeout: 60
database:
    storage: "{self.folder}"
control:
    listen: "{self.folder}/socket"
log:
  - target: stdout
    any: info
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
{zones}""")
        self.spawn(copy_binary("/usr/sbin/knotd", folder), "-c", conf)

    def is_ready(self):
        # Zones are loaded behind the start, each with a line of its own.
        text = super().is_ready() and self.log_text()
        return text and text.count("zone file parsed") + text.count("failed to") >= len(self.zones)


class Nsd(Server):
    name = "nsd"
    mark = "nsd started"

    def start(self, folder):
        zones = "".join(f'zone:\n  name: "{apex}"\n  zonefile: "{file}"\n' for apex, file in self.zones)
        conf = self.write("conf", f"""\
server:
  ip-address: 127.0.0.1@{self.port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "{self.folder}/zone.list"
  xfrdir: "{self.folder}"
  ipv4-edns-size: {PAYLOAD}
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  refuse-any: no
  round-robin: no
  verbosity: 1
  tcp-timeout: 60
remote-control:
  control-enable: no
{zones}""")
        self.spawn(copy_binary("/usr/sbin/nsd", folder), "-d", "-c", conf)


class Named(Server):
    name = "named"
    mark = "all zones loaded"

    def start(self, folder):
        zones = "".join(
            f'zone "{apex}" {{ type primary; file "{file}"; }};\n' for apex, file in self.zones
        )
        conf = self.write("conf", f"""\
options {{
	directory "{self.folder}";
	pid-file none;
	session-keyfile none;
	listen-on port {self.port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	recursion no;
	allow-query {{ any; }};
	allow-transfer {{ none; }};
	notify no;
	empty-zones-enable no;
	dnssec-validation no;
	minimal-responses no-auth;
	minimal-any no;
	edns-udp-size {PAYLOAD};
	max-udp-size {PAYLOAD};
	check-names primary ignore;
	check-integrity no;
	check-sibling no;
	check-mx ignore;
	check-wildcard no;
	check-dup-records ignore;
	check-srv-cname ignore;
	check-mx-cname ignore;
	check-spf ignore;
	zero-no-soa-ttl no;
	max-records-per-type 0;
	max-types-per-name 0;
	zone-statistics none;
	masterfile-format text;
	tcp-idle-timeout 600;
}};
controls {{ }};
{zones}""")
        self.spawn(copy_binary("/usr/sbin/named", folder), "-g", "-n", "2", "-c", conf)

    def is_ready(self):
        text = super().is_ready() and self.log_text()
        return text and "running" in text


class Servers:
    """anamed first, then the peers."""

    def __init__(self, build, folder, zones):
        self.build, self.folder = build, folder
        self.all = [
            kind(folder, free_port(), zones) for kind in (Anamed, Knotd, Nsd, Named)
        ]
        self.ended = threading.Event()
        self.watch = threading.Thread(target=self.keep_alive, daemon=True)

    def __enter__(self):
        try:
            for server in self.all:
                server.start(self.build if server.name == "anamed" else self.folder)
            for server in self.all:
                server.await_ready()
        except BaseException:
            self.__exit__()
            raise
        self.watch.start()
        return self

    def keep_alive(self):
        """A peer that hangs is started again; anamed is not."""
        while not self.ended.wait(HEARTBEAT_S):
            for peer in self.all[1:]:
                if not peer.answers() and not self.ended.is_set():
                    print(f"{peer.name} hangs, and is started again")
                    peer.start_again(self.folder)

    def __exit__(self, *_):
        self.ended.set()
        if self.watch.is_alive():
            self.watch.join()
        for server in self.all:
            server.stop()

    @property
    def ports(self):
        return [str(server.port) for server in self.all]

# SPDX-License-Identifier: BSD-2-Clause
"""servers - the real gdnsd and pdns_server beside the edge, on ports of their own."""

import json
import os
import tempfile
import time

from lib.ask import Client
from lib.cases import Skip
from lib.lab import EDGE
from lib.process import Process, copy_binary, until

SOA = "@ SOA ns1 host 1 7200 1800 259200 900\n@ NS ns1\nns1 A 192.0.2.1\n"


class Server:
    """A server with a folder; it ends with the case."""

    port = 0
    program = ""

    def __init__(self, bench, name):
        if not os.path.exists(self.program):
            raise Skip(f"no {self.program}")
        self.bench = bench
        self.folder = tempfile.mkdtemp(prefix=f"{name}-", dir=bench.lab.folder)
        self.client = Client(bench.lab.client_space, EDGE, self.port)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run(self, *words, probe):
        program = copy_binary(self.program, self.bench.lab.folder)
        self.process = Process(self.bench.lab.edge_space, [program, *words],
                               os.path.join(self.folder, "log"))
        self.bench.stack.callback(self.process.kill)
        self.process.start()

        def answers():
            if not self.process.is_running():
                raise AssertionError(self.process.log_text()[-2000:])
            return self.client.ask(probe, "SOA", timeout_s=0.2)

        until(answers, f"{self.program} to answer", 60)
        return self


class Gdnsd(Server):
    zone = "example.com"
    port = 5301
    program = "/usr/sbin/gdnsd"

    def configure(self, example, database):
        self.write("config", "options => { listen => %s:%d, run_dir => %s/run, state_dir => %s/state }\n"
                   "plugins => { geoip => {\n%s} }\n"
                   % (EDGE, self.port, self.folder, self.folder, example["gdnsd"]))
        self.write("zones/example.com", SOA + example["gdnsd-zone"])
        os.mkdir(os.path.join(self.folder, "geoip"))
        os.symlink(database, os.path.join(self.folder, "geoip", os.path.basename(database)))
        return self.run("-c", self.folder, "start", probe="example.com")

    def states(self):
        text = self.bench.lab.edge_space.run("/usr/bin/gdnsdctl", "-c", self.folder, "states")
        return json.loads(text)

    def force(self, **states):
        """dc_01="DOWN": of datacenters, whatever the resource."""
        lines = [f"geoip/*/{name.replace('_', '-')} => {state}\n" for name, state in states.items()]
        self.write("state/admin_state", "".join(lines))

        def taken():
            known = {key.split("/")[-1]: value["state"] for key, value in self.states().items()}
            return all(known.get(name.replace("_", "-"), "").startswith(state)
                       for name, state in states.items())

        until(taken, f"gdnsd to take {states}", 10)
        time.sleep(1.1)  # what it says at once its resolver knows within a second


class Pdns(Server):
    zone = "geo.example.com"
    port = 5302
    program = "/usr/sbin/pdns_server"

    def configure(self, example, *databases):
        if not os.path.exists(f"/usr/lib/{os.uname().machine}-linux-gnu/pdns/libgeoipbackend.so"):
            raise Skip("no geoip backend of pdns")
        zones = self.write("zones.yaml", example["pdns-zone"])
        databases = " ".join("mmdb:" + path for path in databases)
        return self.run_with("launch=geoip\n"
                             f"geoip-database-files={databases}\ngeoip-zones-file={zones}\n")

    def run_with(self, backend):
        """`backend`: its lines of the configuration; checks of LUA records run every second."""
        self.write("pdns.conf", f"""\
{backend}local-address={EDGE}
local-port={self.port}
edns-subnet-processing=yes
enable-lua-records=yes
lua-health-checks-interval=1
module-dir=/usr/lib/{os.uname().machine}-linux-gnu/pdns
socket-dir={self.folder}
security-poll-suffix=
cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
daemon=no
guardian=no
loglevel=4
""")
        return self.run(f"--config-dir={self.folder}", probe=self.zone)

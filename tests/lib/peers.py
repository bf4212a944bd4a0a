# SPDX-License-Identifier: BSD-2-Clause
"""peers - the real servers around an edge: knotd as the CDN, unbound as the resolver.

They run from copies of their binaries, with configurations and state in the
run's own folder, on addresses inside the run's own namespaces.
"""

import os
import socket
import threading

from lib.netns import command
from lib.process import Process, copy_binary, until

KNOTD = "/usr/sbin/knotd"
KNOTC = "/usr/sbin/knotc"
UNBOUND = "/usr/sbin/unbound"


def knot_server(listen, tcp_workers=1, more=""):
    """How a knotd's configuration begins, to be formatted with its `folder`; `more`: lines of its server."""
    return f"""\
server:
    listen: [ {listen} ]
    rundir: "{{folder}}"
    udp-workers: 1
    tcp-workers: {tcp_workers}
    background-workers: 1
{more}database:
    storage: "{{folder}}"
control:
    listen: "{{folder}}/knot.sock"
log:
  - target: stdout
    any: info
"""


KNOT_CONF = knot_server("{listen}", more="    edns-client-subnet: on\n") + """\
mod-geoip:
{modules}
template:
  - id: default
    storage: "{folder}"
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: {zone}
    file: cdn.zone
    module: [ {names} ]
"""

UNBOUND_ALONE = """\
server:
    chroot: ""
    username: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    num-threads: 1
    do-daemonize: no
"""

UNBOUND_CONF = UNBOUND_ALONE + """\
    {interfaces}
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    module-config: "subnetcache iterator"
    send-client-subnet: 0.0.0.0/0
    send-client-subnet: ::/0
    client-subnet-always-forward: yes
    max-client-subnet-ipv4: 24
    max-client-subnet-ipv6: 56
    local-zone: "test." nodefault
    cache-max-ttl: {max_ttl}
    cache-max-negative-ttl: {max_ttl}
    infra-host-ttl: 1
    infra-cache-max-rtt: 1000
    infra-keep-probing: yes
remote-control:
    control-enable: no
stub-zone:
    name: "{zone}"
{stubs}
"""


class Knot:
    """knotd with mod-geoip, serving a Cdn."""

    def __init__(self, space, folder, cdn, addresses, keep=False):
        from lib import cdn as model

        self.folder = os.path.join(folder, "knot")
        os.mkdir(self.folder)
        self.cdn = cdn
        self.addresses = addresses
        self.zone = model.ZONE
        self.knotc = copy_binary(KNOTC, folder)
        self.write()
        knotd = copy_binary(KNOTD, folder)
        self.process = Process(
            space, [knotd, "-c", self.conf], os.path.join(self.folder, "log"), keep
        )

    @property
    def conf(self):
        return os.path.join(self.folder, "knot.conf")

    def write(self, zone=None):
        modules, names = [], []
        for ttl in self.cdn.ttls():
            table = os.path.join(self.folder, f"geo-{ttl}.yaml")
            with open(table, "w") as file:
                file.write(self.cdn.geo_text(ttl))
            modules += [f"  - id: ttl{ttl}", f'    config-file: "{table}"', f"    ttl: {ttl}"]
            modules += ["    mode: subnet"]
            names.append(f"mod-geoip/ttl{ttl}")
        with open(os.path.join(self.folder, "cdn.zone"), "w") as file:
            file.write(self.cdn.zone_text())
        with open(self.conf, "w") as file:
            file.write(
                KNOT_CONF.format(
                    folder=self.folder,
                    listen=", ".join(f"{address}@53" for address in self.addresses),
                    modules="\n".join(modules),
                    names=", ".join(names),
                    zone=zone or self.zone,
                )
            )

    def control(self, *words, check=True):
        return command(self.knotc, "-c", self.conf, *words, check=check)

    def start(self):
        self.process.start()
        until(lambda: "serial" in self.control("zone-status", self.zone, check=False), "knotd")
        return self

    def reload(self):
        """Makes the CDN as now described the one that is served."""
        self.write()
        self.control("-b", "reload")

    def refuse(self):
        """Serves another zone only: REFUSED for the CDN's names."""
        self.write(zone="elsewhere.test")
        self.control("-b", "reload")


class Unbound:
    """unbound with subnetcache, resolving the CDN's zone from its servers."""

    def __init__(self, space, folder, addresses, cdn_addresses, max_ttl=86400, keep=False):
        from lib import cdn as model

        self.folder = os.path.join(folder, "unbound")
        os.mkdir(self.folder)
        conf = os.path.join(self.folder, "unbound.conf")
        with open(conf, "w") as file:
            file.write(
                UNBOUND_CONF.format(
                    folder=self.folder,
                    interfaces="\n    ".join(f"interface: {address}" for address in addresses),
                    zone=model.ZONE,
                    stubs="\n".join(f"    stub-addr: {address}" for address in cdn_addresses),
                    max_ttl=max_ttl,
                )
            )
        unbound = copy_binary(UNBOUND, folder)
        self.process = Process(
            space, [unbound, "-d", "-c", conf], os.path.join(self.folder, "log"), keep
        )

    def start(self):
        before = self.starts()
        self.process.start()
        until(lambda: self.starts() > before, "unbound")
        return self

    def starts(self):
        if not os.path.exists(self.process.log):
            return 0
        return self.process.log_text().count("start of service")


class Relay:
    """A UDP line in front of a server, with a delay that can be set: a slow upstream."""

    def __init__(self, space, address, port, server):
        self.delay_s = 0.0
        self.passed = 0
        self.server = server
        self.space = space
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with space.entered():
            self.front = socket.socket(family, socket.SOCK_DGRAM)
            self.front.bind((address, port))
        self.family = family
        self.open = True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while self.open:
            try:
                packet, client = self.front.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=self.carry, args=(packet, client), daemon=True).start()

    def carry(self, packet, client):
        with self.space.entered():
            back = socket.socket(self.family, socket.SOCK_DGRAM)
        with back:
            back.settimeout(5)
            try:
                back.sendto(packet, (self.server, 53))
                reply = back.recv(65535)
                threading.Event().wait(self.delay_s)
                self.front.sendto(reply, client)
                self.passed += 1
            except OSError:
                pass

    def close(self):
        self.open = False
        self.front.close()

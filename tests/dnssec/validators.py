# SPDX-License-Identifier: BSD-2-Clause
"""validators - Unbound, BIND and Knot Resolver from Debian, with trust anchors for our zones.

Each listens on loopback in the client's namespace and knows of our zones only
where the edge is.
"""

import itertools
import os
import shutil

from lib.ask import Client
from lib.lab import EDGE
from lib.peers import UNBOUND_ALONE
from lib.process import Process, copy_binary, until

PORTS = itertools.count(5300)


class Validator:
    """anchors: DNSKEY records by zone; forget: answers are not kept at all."""

    binary = conf = ""
    file = "conf"
    words = ()

    def __init__(self, bench, anchors, zones=None, forget=True):
        self.port = next(PORTS)
        self.anchors = anchors
        self.zones = zones or list(anchors)
        self.forget = forget
        self.folder = os.path.join(bench.lab.folder, f"{self.name}-{self.port}-{os.getpid()}")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o777)
        with open(os.path.join(self.folder, self.file), "w") as file:
            file.write(self.text())
        self.client = Client(bench.lab.client_space, "127.0.0.1", self.port)
        program = copy_binary(self.binary, bench.lab.folder)
        self.process = Process(
            bench.lab.client_space, [program] + [self.fill(word) for word in self.words],
            os.path.join(self.folder, "log"))
        bench.stack.callback(self.end)
        self.process.start()
        until(self.is_up, f"{self.name} to answer", 15, 0.03)

    def end(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self, text):
        return text.format(folder=self.folder, edge=EDGE, port=self.port)

    def is_up(self):
        if not self.process.is_running():
            raise AssertionError(f"{self.name} ended: {self.process.log_text()[-1500:]}")
        return self.client.ask("localhost", "A", timeout_s=0.2) is not None

    def ask(self, name, rtype, **wire):
        wire.setdefault("flags", 0x0120)  # RD, and AD to hear of it (RFC 6840 5.7)
        return self.client.ask(name, rtype, timeout_s=5, **wire)

    def log(self):
        return self.process.log_text()


class Unbound(Validator):
    name = "unbound"
    binary = "/usr/sbin/unbound"
    words = ("-d", "-c", "{folder}/conf")

    def text(self):
        anchors = "\n".join(f"    trust-anchor: '{record}'"
                            for records in self.anchors.values() for record in records)
        stubs = "\n".join(f"stub-zone:\n    name: {zone}\n    stub-addr: {EDGE}"
                          for zone in self.zones)
        limits = "    cache-max-ttl: 0\n    cache-max-negative-ttl: 0\n" if self.forget else ""
        return UNBOUND_ALONE.format(folder=self.folder) + self.fill("""\
    interface: 127.0.0.1@{port}
    do-ip6: no
    val-log-level: 2
    local-zone: "test." nodefault
    module-config: "subnetcache validator iterator"
    send-client-subnet: {edge}
    max-client-subnet-ipv4: 24
    infra-host-ttl: 1
    aggressive-nsec: yes
""") + limits + anchors + "\nremote-control:\n    control-enable: no\n" + stubs + "\n"


class Bind(Validator):
    name = "bind"
    binary = "/usr/sbin/named"
    words = ("-g", "-n", "1", "-c", "{folder}/conf")

    def text(self):
        def key(zone, record):
            flags, protocol, algorithm, *octets = record.split(" DNSKEY ")[1].split()
            return f'    "{zone}" static-key {flags} {protocol} {algorithm} "{"".join(octets)}";'

        anchors = "\n".join(key(zone, record) for zone, records in self.anchors.items()
                            for record in records)
        limits = "max-cache-ttl 0;\n    max-ncache-ttl 0;" if self.forget else ""
        return ("options {\n" + f'    directory "{self.folder}";\n'
                f"    listen-on port {self.port} {{ 127.0.0.1; }};\n"
                "    listen-on-v6 { none; };\n    pid-file none;\n"
                f'    session-keyfile "{self.folder}/session.key";\n'
                "    recursion yes;\n    dnssec-validation yes;\n    empty-zones-enable no;\n"
                f"    {limits}\n}};\ncontrols {{ }};\n"
                'zone "." { type hint; file "/dev/null"; };\n'
                + "\n".join(f'zone "{zone}" {{ type static-stub; server-addresses {{ {EDGE}; }};'
                            " };" for zone in self.zones)
                + "\ntrust-anchors {\n" + anchors + "\n};\n")


class KnotResolver(Validator):
    name = "knot-resolver"
    binary = "/usr/sbin/kresd"
    words = ("-n", "-c", "{folder}/conf", "{folder}")

    def text(self):
        anchors = "\n".join(f"trust_anchors.add([[{record}]])"
                            for records in self.anchors.values() for record in records)
        zones = ", ".join(f"todname('{zone}')" for zone in self.zones)
        limit = "cache.min_ttl(0)\ncache.max_ttl(1)" if self.forget else ""
        return self.fill(f"""\
net.listen('127.0.0.1', {self.port}, {{{{ kind = 'dns' }}}})
net.ipv6 = false
cache.open(10 * MB, 'lmdb://{self.folder}')
{limit}
trust_anchors.remove('.')
{anchors}
for _, name in ipairs({{{{'ta_update', 'ta_signal_query', 'priming', 'detect_time_skew'}}}}) do
	pcall(modules.unload, name)
end
policy.add(policy.suffix(policy.FORWARD('{EDGE}'), {{{{{zones}}}}}))
""")


ALL = (Unbound, Bind, KnotResolver)

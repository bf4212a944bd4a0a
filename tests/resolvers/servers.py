# SPDX-License-Identifier: BSD-2-Clause
"""servers - resolvers from Debian that ask the edge for our zones, from the client's side.

Each runs from a copy of its binary, with a folder of its own that is new at
each start: so its cache is empty.
"""

import os
import shutil

import dns.message
from lib.lab import CLIENTS, EDGE
from lib.peers import UNBOUND_ALONE
from lib.process import Process, copy_binary, until
from mix import connect

PORT = 5353
ADDRESS = "127.0.0.1"


class Server:
    """binary, conf and words are the kind's; {folder} and the like are filled in."""

    name = binary = conf = ""
    file = "conf"
    words = ()
    source = CLIENTS[0]

    def __init__(self, lab):
        self.space = lab.client_space
        self.space.ip("link", "set", "lo", "up")
        self.folder = os.path.join(lab.folder, self.name)
        self.program = copy_binary(self.binary, lab.folder)
        self.log = os.path.join(lab.folder, f"{self.name}.log")
        self.process = None
        lab.stack.callback(self.stop)

    def fill(self, text):
        return text.format(folder=self.folder, edge=EDGE, source=self.source, port=PORT,
                           address=ADDRESS)

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, self.file), "w") as file:
            file.write(self.fill(self.conf))
        self.process = Process(
            self.space, [self.program] + [self.fill(word) for word in self.words], self.log)
        self.process.start()
        until(self.answers, f"{self.name} to answer (its log: {self.log})", 15, 0.05)

    def answers(self):
        """A name of another zone, so that nothing of ours is asked for yet."""
        if not self.process.is_running():
            raise AssertionError(f"{self.name} ended: {self.process.log_text()[-1500:]}")
        with self.socket() as sock:
            sock.settimeout(0.2)
            try:
                sock.send(dns.message.make_query("localhost.", "A").to_wire())
                return len(sock.recv(4096)) >= 12
            except OSError:
                return False

    def socket(self):
        return connect(self.space, ADDRESS, PORT)

    def stop(self):
        if self.process:
            self.process.kill()
        self.process = None


class Bind(Server):
    name = "bind"
    binary = "/usr/sbin/named"
    words = ("-g", "-n", "1", "-c", "{folder}/conf")
    conf = """\
options {{
	directory "{folder}";
	listen-on port {port} {{ {address}; }};
	listen-on-v6 {{ none; }};
	pid-file none;
	session-keyfile "{folder}/session.key";
	query-source address {source};
	recursion yes;
	allow-recursion {{ any; }};
	dnssec-validation no;
	empty-zones-enable no;
}};
controls {{ }};
zone "." {{ type hint; file "/dev/null"; }};
zone "example.test" {{ type static-stub; server-addresses {{ {edge}; }}; }};
"""


class Unbound(Server):
    name = "unbound-resolver"
    binary = "/usr/sbin/unbound"
    source = CLIENTS[1]
    words = ("-d", "-c", "{folder}/conf")
    conf = UNBOUND_ALONE + """\
    do-ip6: no
    interface: {address}@{port}
    outgoing-interface: {source}
    access-control: 127.0.0.0/8 allow
    module-config: "iterator"
    qname-minimisation: yes
    use-caps-for-id: yes
    local-zone: "test." nodefault
remote-control:
    control-enable: no
stub-zone:
    name: "example.test"
    stub-addr: {edge}
"""


class KnotResolver(Server):
    name = "knot-resolver"
    binary = "/usr/sbin/kresd"
    words = ("-n", "-c", "{folder}/conf", "{folder}")
    conf = """\
net.listen('{address}', {port}, {{ kind = 'dns' }})
net.outgoing_v4('{source}')
net.ipv6 = false
cache.open(10 * MB, 'lmdb://{folder}')
trust_anchors.remove('.')
for _, name in ipairs({{'ta_update', 'ta_signal_query', 'priming', 'detect_time_skew'}}) do
	pcall(modules.unload, name)
end
policy.add(policy.suffix(policy.STUB('{edge}'), {{todname('example.test')}}))
"""


class Recursor(Server):
    name = "pdns-recursor"
    binary = "/usr/sbin/pdns_recursor"
    source = CLIENTS[1]
    file = "recursor.conf"
    words = ("--config-dir={folder}",)
    conf = """\
local-address={address}
local-port={port}
query-local-address={source}
forward-zones=example.test={edge}
dnssec=off
daemon=no
disable-syslog=yes
socket-dir={folder}
threads=1
hint-file=no
security-poll-suffix=
write-pid=no
webserver=no
dont-query=
"""


SERVERS = (Bind, Unbound, KnotResolver, Recursor)

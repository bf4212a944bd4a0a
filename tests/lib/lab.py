# SPDX-License-Identifier: BSD-2-Clause
"""lab - the whole laboratory: client -- veth -- edge -- resolver, edge -- CDN.

All addresses are documentation addresses. A lab is a context: whatever way it
is left, processes end, and namespaces, pins and folders go.
"""

import contextlib
import os
import shutil
import signal
import tempfile

from lib import kept, netns
from lib.ask import Client
from lib.edge import Edge
from lib.netns import Namespace, veth
from lib.peers import Knot, Unbound

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

EDGE = "198.51.100.1"
EDGE_V6 = "2001:db8:0:1::1"
RESOLVER = "198.51.100.18"
RESOLVER_V6 = "2001:db8:0:2::2"
CDN = "198.51.100.50"
CDN_V6 = "2001:db8:0:3::2"

# The client's own addresses, in two networks of each family.
CLIENTS = ("192.0.2.10", "203.0.113.10")
CLIENTS_V6 = ("2001:db8:a:1::10", "2001:db8:b:1::10")


class Lab:
    """Namespaces and links, a folder, and a pin directory; peers are started on demand."""

    def __init__(self, name="lab", keep=False):
        self.keep = keep
        self.run = f"{netns.PREFIX}{os.getpid()}"
        self.stack = contextlib.ExitStack()
        self.folder = ""
        self.edges = 0
        self.last_edge = None
        self.spaces = []
        self.pins = f"{netns.BPFFS}/{self.run}-{name}"
        self.name = name

    def __enter__(self):
        netns.need_root()
        netns.end_on_signals()
        netns.sweep(kept.run())
        netns.mount_bpffs()
        try:
            self.build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        if not self.keep:
            self.close()

    def close(self):
        # A second ^C must not leave half of it.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.stack.close()
        signal.signal(signal.SIGINT, before)

    def build(self):
        self.folder = tempfile.mkdtemp(prefix=f"{self.run}-{self.name}-")
        os.chmod(self.folder, 0o755)
        self.stack.callback(shutil.rmtree, self.folder, True)
        self.stack.callback(netns.remove_pins, self.pins)
        self.client_space = self.space("client")
        self.edge_space = self.space("edge")
        self.resolver_space = self.space("resolver")
        self.cdn_space = self.space("cdn")
        self.link_client()
        self.link("upstream", self.edge_space, self.resolver_space, 16, 2)
        self.link("cdn", self.edge_space, self.cdn_space, 48, 3)
        self.link("stub", self.resolver_space, self.cdn_space, 32, 4)
        # The resolver reaches the CDN by the CDN's own address.
        self.resolver_space.ip("route", "add", f"{CDN}/32", "via", "198.51.100.34")
        self.resolver_space.ip("route", "add", f"{CDN_V6}/128", "via", "2001:db8:0:4::2")
        self.client = Client(self.client_space, EDGE)

    def space(self, role):
        made = Namespace(f"{self.run}-{self.name}-{role}")
        self.stack.callback(made.remove)
        self.spaces.append(made)
        return made

    def link_client(self):
        veth(self.edge_space, "client", self.client_space, "edge")
        # What the edge sends must be whole on the wire; the client leaves its offload on.
        self.edge_space.checksum_in_full("client")
        for address in (f"{EDGE}/28", f"{EDGE_V6}/64"):
            self.edge_space.add_address("client", address)
        for address in ("198.51.100.2/28", "2001:db8:0:1::2/64"):
            self.client_space.add_address("edge", address)
        for address in CLIENTS + CLIENTS_V6:
            self.client_space.add_address("edge", address + ("/128" if ":" in address else "/32"))
            network = address.rsplit(".", 1)[0] + ".0/24"
            if ":" in address:
                network = address.rsplit(":", 2)[0] + "::/64"
            gateway = "2001:db8:0:1::2" if ":" in address else "198.51.100.2"
            self.edge_space.ip("route", "add", network, "via", gateway)

    def link(self, device, one, other, host, subnet):
        """Point to point: one gets .host+1 and ::1, the other .host+2 and ::2."""
        far = f"{device}0"
        veth(one, device, other, far)
        one.add_address(device, f"198.51.100.{host + 1}/28")
        one.add_address(device, f"2001:db8:0:{subnet}::1/64")
        other.add_address(far, f"198.51.100.{host + 2}/28")
        other.add_address(far, f"2001:db8:0:{subnet}::2/64")

    def start_cdn(self, cdn):
        self.cdn = cdn
        self.knot = Knot(self.cdn_space, self.folder, cdn, [CDN, CDN_V6], self.keep)
        self.stack.callback(self.knot.process.kill)
        return self.knot.start()

    def start_resolver(self, max_ttl=86400):
        self.unbound = Unbound(
            self.resolver_space, self.folder, [RESOLVER, RESOLVER_V6], [CDN], max_ttl, self.keep
        )
        self.stack.callback(self.unbound.process.kill)
        return self.unbound.start()

    def reset(self, cdn):
        """The CDN as described, running, and a resolver that remembers nothing."""
        self.cdn = self.knot.cdn = cdn
        self.knot.process.kill()
        self.knot.write()
        self.knot.start()
        self.unbound.process.kill()
        self.unbound.start()

    def edge(self, build, config, zones, space=None):
        """An anamed, not yet started, with a folder and pins of its own."""
        self.edges += 1
        folder = os.path.join(self.folder, f"edge-{self.edges}")
        os.mkdir(folder)
        os.makedirs(self.pins, exist_ok=True)
        pins = os.path.join(self.pins, str(self.edges))
        self.last_edge = Edge(
            space or self.edge_space, folder, pins, build, config, zones, self.keep
        )
        self.stack.callback(self.last_edge.kill)
        return self.last_edge

    def end_edge(self, edge):
        """Whatever state it is in: no process, no program, no pins."""
        edge.kill()
        edge.detach("client")
        netns.remove_pins(os.path.dirname(edge.pins))

# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel answers besides addresses, and what it lets through to the daemon."""

import socket
import threading
import time

import dns.edns
import dns.message

from lib.ask import query_wire
from lib.cases import case, equal, true
from lib.check import from_daemon, from_kernel, until_from_kernel
from lib.lab import CLIENTS
from lib.process import until
from lib.standard import CHAINS, NET1, NET2, ZONE, ZONES, authoritative, edge_config

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"


def cookie(octets):
    return dns.edns.GenericOption(10, octets)


def cookie_of(reply):
    return next((bytes(item.data) for item in reply.message.options if item.otype == 10), None)


@case("the kernel makes cookies and takes those that it or the daemon made")
def cookies(bench):
    edge = bench.edge(
        edge_config(server={"cookies": True, "cookie-secrets": [SECRET]}), ZONES)

    def ask(octets, name="static.example.test"):
        return bench.client.ask(name, "A", options=[cookie(octets)])

    by_daemon = from_daemon(edge, lambda: ask(b"12345678", "ns.example.test"))
    equal(len(cookie_of(by_daemon)), 24, "the daemon's cookie")
    until_from_kernel(edge, lambda: ask(b"12345678"))
    made = cookie_of(from_kernel(edge, lambda: ask(b"12345678")))
    equal(made[:12], b"12345678\1\0\0\0", "client's part, version, reserved")
    true(abs(int.from_bytes(made[12:16], "big") - time.time()) < 3, "the time in it")
    for good in (made, cookie_of(by_daemon)):
        equal(cookie_of(from_kernel(edge, lambda: ask(good))), good, "a young one comes back")
    bad = made[:-1] + bytes([made[-1] ^ 1])
    true(cookie_of(from_kernel(edge, lambda: ask(bad))) != bad, "a bad one is replaced")
    equal(ask(b"1234567").rcode, "FORMERR", "a length that cannot be")


@case("cookies that are demanded: good ones are answered in the kernel, others as the daemon says")
def cookies_demanded(bench):
    config = edge_config(
        server={"cookies": True, "cookie-secrets": [SECRET], "cookie-required": True})
    edge = bench.edge(config, ZONES)

    def ask(*options):
        return bench.client.ask("static.example.test", "A", options=options)

    true(ask().has("TC"), "without a cookie: TC")
    refused = ask(cookie(b"abcdefgh"))
    equal(refused.rcode, "BADCOOKIE")
    good = cookie_of(refused)
    until_from_kernel(edge, lambda: ask(cookie(good)))
    equal(len(from_kernel(edge, lambda: ask(cookie(good))).addresses), 2)
    reply = from_daemon(edge, lambda: ask(cookie(b"abcdefgh")))
    equal(reply.rcode, "BADCOOKIE", "still, of who brings none")


def with_lines(*lines):
    return ZONE.replace("host 1 ", f"host {len(lines) + 2} ") + "\n".join(lines) + "\n"


def until_denied(bench, edge, name="never-there.example.test"):
    reply = until_from_kernel(edge, lambda: bench.client.ask(name, "A"))
    equal(reply.rcode, "NXDOMAIN")


@case("names that do not exist are denied in the kernel, none that a reload brings")
def denial_and_reload(bench):
    edge = bench.edge(edge_config(), ZONES)
    until_denied(bench, edge)
    for number in range(4):
        name = f"new-{number}.example.test"
        equal(from_kernel(edge, lambda: bench.client.ask(name, "A"), "hit_nxdomain").rcode,
              "NXDOMAIN")
        edge.write_zone("example.test", with_lines(f"new-{number} A 192.0.2.1"))
        edge.reload()
        equal(bench.client.ask(name, "A").rcode, "NOERROR", name)
        if number:
            equal(bench.client.ask(f"new-{number - 1}.example.test", "A").rcode, "NXDOMAIN")
        until_denied(bench, edge)
    # A wildcard at the apex leaves nothing to deny.
    edge.write_zone("example.test", with_lines("*  TXT all"))
    edge.reload()
    equal(bench.client.ask("anything.example.test", "TXT").rcode, "NOERROR")


@case("while zones are reloaded, no name that exists is ever denied")
def never_denied(bench):
    hosts = [f"host-{number}" for number in range(300)]
    both = [f"{host} A 192.0.2.1" for host in hosts]
    edge = bench.edge(edge_config(), {"example.test": with_lines(*both)})
    until_denied(bench, edge)
    done, wrong, asked = threading.Event(), [], [0]

    def ask_them():
        with bench.client.socket(socket.SOCK_DGRAM) as sock:
            sock.connect((bench.client.server, 53))
            sock.settimeout(1)
            while not done.is_set():
                host = hosts[asked[0] % len(hosts)]
                # A type of its own each time: nothing but the names can answer it.
                sock.send(query_wire(f"{host}.example.test", 1000 + asked[0] % 20000))
                asked[0] += 1
                try:
                    reply = sock.recv(4096)
                except TimeoutError:
                    continue
                if reply[3] & 15:
                    wrong.append(host)

    thread = threading.Thread(target=ask_them)
    thread.start()
    try:
        for number in range(6):
            extra = [f"extra-{number}-{more} A 192.0.2.2" for more in range(50)]
            edge.write_zone("example.test", with_lines(*both, *extra))
            edge.reload()
            until_denied(bench, edge)
    finally:
        done.set()
        thread.join()
    equal(wrong, [], "denied though they exist")
    true(asked[0] > 200, f"only {asked[0]} questions")


@case("a zone inside another: each denies for itself, and comes and goes by reload")
def nested(bench):
    inner = "$TTL 60\n@ SOA ns host 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nhere A 192.0.2.2\n"
    zones = {"example.test": ZONE, "part.example.test": inner}
    edge = bench.edge(edge_config(), zones)
    until_denied(bench, edge)
    until_denied(bench, edge, "no.part.example.test")
    equal(bench.client.ask("here.part.example.test", "A").rcode, "NOERROR")
    config = {"zones": [{"name": "example.test", "file": "example.test.zone"}]}
    edge.write_config(config)
    edge.reload()
    equal(bench.client.ask("here.part.example.test", "A").rcode, "NXDOMAIN", "gone")
    edge.write_config({"zones": config["zones"] + [
        {"name": "part.example.test", "file": "part.example.test.zone"}]})
    edge.reload()
    equal(bench.client.ask("here.part.example.test", "A").rcode, "NOERROR", "back")


@case("MX, TXT, HTTPS, SRV and chains come from the kernel once they were asked for")
def other_types(bench):
    edge = bench.edge(edge_config(), {"example.test": ZONE + CHAINS})
    for name, rtype in (("many-mx", "MX"), ("text", "TXT"), ("svc", "HTTPS"), ("shop", "HTTPS"),
                        ("_sip._udp", "SRV"), ("single", "A"), ("lost", "A"), ("static", "CAA")):
        full = f"{name}.example.test"
        daemon = bench.client.ask(full, rtype, NET1)
        kernel = until_from_kernel(edge, lambda: bench.client.ask(full, rtype, NET1))
        equal(kernel.wire[2:], daemon.wire[2:], f"{full} {rtype}")
    # Addresses behind a CNAME: every turn of them.
    until_from_kernel(edge, lambda: bench.client.ask("double.example.test", "A"))
    orders = {bytes(from_kernel(edge, lambda: bench.client.ask("double.example.test", "A")).wire[12:])
              for _ in range(30)}
    equal(len(orders), 2, "orders of two addresses")


def ask_chain(bench, name, network):
    return lambda: bench.client.ask(f"{name}.example.test", "A", network)


@case("flattened names that a CNAME leads to are the kernel's, of each network")
def chains(bench):
    edge = bench.edge(edge_config(), {"example.test": ZONE + CHAINS})
    for name, cdn_name, length in (("to-shop", "shop", 1), ("to-chain", "four", 2)):
        wanted = bench.lab.cdn.name(cdn_name)
        for network in (NET1, NET2):
            reply = until_from_kernel(edge, ask_chain(bench, name, network))
            equal(set(reply.addresses), set(wanted.addresses(network, "A")), f"{name} {network}")
            equal(reply.scope, wanted.scope(network), "scope")
            equal(len(reply.records("CNAME")), length, "the chain")
        for network in (NET1, NET2):
            reply = from_kernel(edge, ask_chain(bench, name, network))
            equal(set(reply.addresses), set(wanted.addresses(network, "A")), f"{name} {network}")
    until_from_kernel(edge, lambda: bench.client.ask("to-shop.example.test", "AAAA", NET1))
    equal(until_from_kernel(edge, lambda: bench.client.ask("to-apex.example.test", "AAAA")).rcode,
          "NOERROR")
    # What a former daemon left of them is not the next one's.
    shop = bench.lab.cdn.name("shop")
    edge.kill()
    from_kernel(edge, ask_chain(bench, "to-shop", NET1))
    edge.start()
    from_daemon(edge, lambda: bench.client.ask("to-shop.example.test", "AAAA", NET1))
    reply = from_daemon(edge, ask_chain(bench, "to-shop", NET1))
    equal(set(reply.addresses), set(shop.addresses(NET1, "A")), "after a restart")
    until_from_kernel(edge, ask_chain(bench, "to-shop", NET1))


@case("behind a CNAME a change arrives when it arrives at the name itself; what is hot stays hot")
def chains_change(bench):
    edge = bench.edge(edge_config(upstreams=[authoritative()]),
                      {"example.test": ZONE + CHAINS})
    quick = bench.lab.cdn.name("quick")
    until_from_kernel(edge, ask_chain(bench, "to-quick", NET1))
    begin, before, asked = time.monotonic(), edge.counters(), 0
    while time.monotonic() < begin + 7:  # over three TTLs
        reply = bench.client.ask("to-quick.example.test", "A", NET1)
        equal(set(reply.addresses), set(quick.addresses(NET1, "A")))
        asked += 1
        time.sleep(0.005)
    hits = edge.counters()["hit"] - before["hit"]
    true(hits >= asked - 4, f"{hits} of {asked} by the kernel")
    new = ["198.19.251.1", "198.19.251.2"]
    quick.change(NET1, new)
    bench.lab.knot.reload()
    until(lambda: set(bench.client.ask("quick.example.test", "A", NET1).addresses) == set(new),
          "the change at the name itself", 6, 0.01)
    equal(set(bench.client.ask("to-quick.example.test", "A", NET1).addresses), set(new))
    reply = until_from_kernel(edge, ask_chain(bench, "to-quick", NET1))
    equal(set(reply.addresses), set(new))


@case("a flood of unknown names from one network leaves the others their answers")
def flood(bench):
    limit = {"miss-limit": "100", "miss-burst": "200", "miss-slip": "4"}
    edge = bench.edge(edge_config(server=limit), ZONES)
    kernel_only = "static.example.test"
    until_from_kernel(edge, lambda: bench.client.ask(kernel_only, "A"))

    def unknown(number):
        """Below a cut: a referral, which is never the kernel's."""
        return query_wire(f"x{number}.child.example.test", "A")

    before = edge.counters()
    with bench.client.socket(socket.SOCK_DGRAM, CLIENTS[0]) as sock:
        sock.connect((bench.client.server, 53))
        sock.settimeout(0.2)
        for number in range(3000):
            sock.send(unknown(number))
        others = [bench.client.ask(f"y{number}.child.example.test", "A", source=CLIENTS[1],
                                   timeout_s=1) for number in range(30)]
        true(all(others), f"{others.count(None)} of another network's were lost")
        equal(from_kernel(edge, lambda: bench.client.ask(kernel_only, "A", source=CLIENTS[0])).rcode,
              "NOERROR", "hits of the flooding network")
        flags = []
        try:
            while True:
                flags.append(sock.recv(4096)[2] & 2)
        except TimeoutError:
            pass
    after = edge.counters()
    dropped = after["miss_drop"] - before["miss_drop"]
    slipped = after["miss_slip"] - before["miss_slip"]
    true(dropped > 1500, f"{dropped} dropped")
    true(abs(slipped - (dropped + slipped) / 4) < 50, f"{slipped} slipped of {dropped}")
    true(sum(1 for flag in flags if not flag) < 600, "answers within the allowance")
    true(any(flags), "some were told to come over TCP")
    reply = bench.client.ask("x1.child.example.test", "A", source=CLIENTS[0], tcp=True)
    equal(reply.rcode, "NOERROR", "over TCP")
    until(lambda: bench.client.ask("z.child.example.test", "A", source=CLIENTS[0], timeout_s=0.2),
          "the allowance to come back", 5)

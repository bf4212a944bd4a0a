# SPDX-License-Identifier: BSD-2-Clause
"""Last good: upstream, the daemon and the machine die, and the answers go on."""

import threading
import time

from lib import netns
from lib.ask import Load, Question, right
from lib.cases import case, equal, true
from lib.check import from_kernel, is_right, is_stale, warm
from lib.lab import RESOLVER
from lib.peers import Relay
from lib.process import until
from lib.standard import NET1, NET2, ZONES, authoritative, edge_config, resolver


def ask_quick(bench, network=NET1, **how):
    return bench.client.ask("quick.example.test", "A", network, **how)


def until_stale_from_kernel(bench, edge, network=NET1, limit_s=8):
    """Asks until the kernel itself serves the last good answer as stale."""

    def stale():
        before = edge.counters()["hit_stale"]
        reply = ask_quick(bench, network)
        true(reply is not None, "a query without reply")
        equal(reply.rcode, "NOERROR")
        return reply if edge.counters()["hit_stale"] == before + 1 else None

    return until(stale, "a stale answer from the kernel", limit_s, 0.05)


def until_expired(edge, name):
    """Nobody asks: no refresh follows the one that the last query may have earned."""
    until(lambda: "fresh" not in edge.ctl("answers", name), "the end of its time", 8, 0.1)


def until_fresh(bench, network=NET1, limit_s=6):
    def fresh():
        reply = ask_quick(bench, network)
        return reply if reply.ede is None and reply.ttl <= 2 else None

    return until(fresh, "a fresh answer", limit_s, 0.05)


def dies_and_returns(bench, edge, stop, start):
    """The last good answer while upstream is gone, from the kernel, and a fresh one afterwards."""
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1, NET2)
    stop()
    for network in (NET1, NET2):
        reply = until_stale_from_kernel(bench, edge, network)
        is_right(reply, quick, network)
        is_stale(reply)
    plain = from_kernel(edge, lambda: ask_quick(bench, None, source="192.0.2.10", edns=False))
    equal((plain.ttl, plain.ede), (30, None), "a client without EDNS gets no EDE")
    passed = edge.stats()["daemon"]["udp_queries"]
    for _ in range(20):
        is_stale(from_kernel(edge, lambda: ask_quick(bench)))
    equal(edge.stats()["daemon"]["udp_queries"], passed, "no load on the daemon")
    start()
    began = time.monotonic()
    is_right(until_fresh(bench), quick, NET1)
    return time.monotonic() - began


@case("upstream dead: last good at TTL 30 with EDE 3 from the kernel, fresh when it is back")
def upstream_dead(bench):
    edge = bench.edge(edge_config(), ZONES)
    took = dies_and_returns(
        bench, edge, bench.lab.unbound.process.kill, bench.lab.unbound.start
    )
    # Recheck 0.5 s, one try of 0.4 s, and a clock that ticks.
    true(took < 2.5, f"{took:.1f} s until fresh")


@case("upstream frozen: time-outs are a dead upstream too")
def upstream_frozen(bench):
    edge = bench.edge(edge_config(), ZONES)
    process = bench.lab.unbound.process
    took = dies_and_returns(bench, edge, process.freeze, process.thaw)
    true(took < 3.5, f"{took:.1f} s until fresh")


@case("upstream failing: REFUSED and SERVFAIL leave the last good answer in place")
def upstream_failing(bench):
    lab = bench.lab
    # The servers of the target refuse; behind the resolver that is SERVFAIL.
    for upstream in (authoritative(), resolver()):
        edge = bench.edge(edge_config(upstreams=[upstream]), ZONES)
        took = dies_and_returns(bench, edge, lab.knot.refuse, lab.knot.reload)
        true(took < 8, f"{took:.1f} s until fresh")
        bench.close()


@case("upstream slow, 300 ms: the last good answer goes out at the client timer, fresh follows")
def upstream_slow(bench):
    relay = Relay(bench.lab.resolver_space, RESOLVER, 5300, RESOLVER)
    bench.stack.callback(relay.close)
    edge = bench.edge(
        edge_config(upstreams=[resolver(f"{RESOLVER}@5300", timeout="2s")]), ZONES
    )
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1)
    relay.delay_s = 0.3
    until_expired(edge, "quick.example.test")
    reply = ask_quick(bench)
    is_right(reply, quick, NET1)
    is_stale(reply)
    true(0.1 < reply.took_s < 0.27, f"client timer 150 ms, took {reply.took_s:.3f} s")
    is_right(until_fresh(bench, limit_s=2), quick, NET1)


@case("the first answer of a network, upstream dead: the newest of any network, scope as asked")
def catch_all(bench):
    edge = bench.edge(edge_config(), ZONES)
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1)
    bench.lab.unbound.process.kill()
    until_stale_from_kernel(bench, edge)
    reply = from_kernel(edge, lambda: ask_quick(bench, NET2), "hit_catch_all")
    is_stale(reply)
    equal(set(reply.addresses), set(quick.addresses(NET1, "A")))
    equal(reply.scope, 24, "the query's own SOURCE")


@case("nothing to give: SERVFAIL with EDE 22 or 23, and soon again fresh")
def nothing_to_give(bench):
    bench.edge(edge_config(), ZONES)
    bench.lab.unbound.process.kill()
    reply = ask_quick(bench, timeout_s=5)
    equal(reply.rcode, "SERVFAIL")
    true(reply.ede in (22, 23), f"EDE {reply.ede}")
    bench.lab.unbound.start()
    until(lambda: ask_quick(bench, timeout_s=5).rcode == "NOERROR", "an answer", 6, 0.1)


@case("stale-max ends it: past it there is SERVFAIL, not an ever older answer")
def stale_max(bench):
    edge = bench.edge(edge_config(answers={"stale-max": "3s"}), ZONES)
    warm(bench, edge, "quick.example.test", NET1)
    bench.lab.unbound.process.kill()
    until_stale_from_kernel(bench, edge)
    until(lambda: ask_quick(bench, timeout_s=5).rcode == "SERVFAIL", "the end of stale-max", 9, 0.1)


@case("kill -9 on the daemon: the kernel answers on, expired answers as stale")
def daemon_killed(bench):
    edge = bench.edge(edge_config(), ZONES)
    quick, www = bench.lab.cdn.name("quick"), bench.lab.cdn.name("www")
    warm(bench, edge, "quick.example.test", NET1, NET2)
    warm(bench, edge, "example.test", NET1)
    edge.kill()
    is_right(from_kernel(edge, lambda: bench.client.ask("example.test", "A", NET1)), www, NET1)

    for network in (NET1, NET2):

        def stale():
            reply = ask_quick(bench, network, timeout_s=0.3)
            return reply if reply and reply.ede == 3 else None

        reply = until(stale, "stale answers once the heartbeat is old", 6, 0.05)
        is_right(reply, quick, network)
        is_stale(from_kernel(edge, lambda: ask_quick(bench, network), "hit_stale"))


@case("a restarted daemon adopts: every query of a load is answered, all right")
def restart_adopts(bench):
    edge = bench.edge(edge_config(), ZONES)
    www = bench.lab.cdn.name("www")
    warm(bench, edge, "example.test", NET1, NET2)
    questions = [
        Question("example.test", "A", [right(www.addresses(net, "A"), 24)], net)
        for net in (NET1, NET2)
    ]
    load, done = Load(bench.client, questions, window=4), threading.Event()
    asking = threading.Thread(target=load.run, kwargs={"stop": done.is_set})
    program = edge.program_id("client")
    asking.start()
    try:
        for how in (edge.kill, edge.stop, edge.kill):
            time.sleep(0.2)
            before = edge.hits()
            how()
            edge.start()
            until(lambda: edge.hits() > before + 50, "answers after the start")
    finally:
        done.set()
        asking.join()
    equal((load.lost, load.wrong), (0, 0), f"lost, wrong of {load.sent}: {load.faults}")
    equal(edge.program_id("client"), program, "the attached program stayed")
    for network in (NET1, NET2):
        reply = from_kernel(edge, lambda: bench.client.ask("example.test", "A", network))
        is_right(reply, www, network)


@case("a daemon restarted while upstream is dead goes on rechecking: fresh when upstream is back")
def restart_while_failing(bench):
    edge = bench.edge(edge_config(), ZONES)
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1)
    bench.lab.unbound.process.kill()
    until_stale_from_kernel(bench, edge)
    edge.kill()
    edge.start()
    is_stale(from_kernel(edge, lambda: ask_quick(bench), "hit_stale"))
    bench.lab.unbound.start()
    is_right(until_fresh(bench, limit_s=4), quick, NET1)


@case("a power cut: pins gone, upstream dead; the first query gets the last good answer from disk")
def power_cut(bench):
    edge = bench.edge(edge_config(), ZONES)
    quick = bench.lab.cdn.name("quick")
    warm(bench, edge, "quick.example.test", NET1, NET2)
    time.sleep(0.5)  # writes are collected for at most 200 ms
    edge.kill()
    edge.detach("client")
    netns.remove_pins(edge.pins)
    bench.lab.unbound.process.kill()
    time.sleep(3)  # past the TTL, and that of a refresh that was under way
    edge.start()
    for network in (NET1, NET2):
        reply = ask_quick(bench, network)
        is_right(reply, quick, network)
        is_stale(reply)
        is_right(until_stale_from_kernel(bench, edge, network), quick, network)
    bench.lab.unbound.start()
    is_right(until_fresh(bench), quick, NET1)


@case("two upstreams: the second answers when the first is dead")
def failover(bench):
    bench.edge(
        edge_config(upstreams=[resolver("198.51.100.18@5399"), resolver()]), ZONES
    )
    www = bench.lab.cdn.name("www")
    for network in (NET1, NET2):
        is_right(bench.client.ask("example.test", "A", network), www, network)

# SPDX-License-Identifier: BSD-2-Clause
"""check - judgements that many cases share; what is right comes from the CDN's description."""

from lib.cases import equal, true
from lib.process import until


def is_right(reply, cdn_name, network, rtype="A", ecs=True):
    """The CDN's addresses for that network and, with ECS, their exact scope."""
    true(reply is not None, f"no reply for {cdn_name.label} {rtype} {network}")
    equal(reply.rcode, "NOERROR")
    equal(set(reply.addresses), set(cdn_name.addresses(network, rtype)), f"{network} {rtype}")
    equal(reply.scope, cdn_name.scope(network) if ecs else None, f"scope for {network}")
    true(reply.has("AA") and not reply.has("RA"), "AA set, RA clear")
    equal({rrset.ttl for rrset in reply.message.answer}, {reply.ttl}, "one TTL")


def is_stale(reply):
    """A last good answer, said to be one."""
    true(reply is not None, "no reply")
    equal(reply.ttl, 30, "stale TTL")
    equal(reply.ede, 3, "EDE")


def from_kernel(edge, ask, counter="hit"):
    """What ask() gives, which must be one more hit in the kernel, by its counter."""
    before = edge.counters()
    reply = ask()
    after = edge.counters()
    more = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    true(more.get("hit") == 1 and more.get(counter) == 1, f"not a kernel {counter}: {more}")
    return reply


def from_daemon(edge, ask):
    """What ask() gives, which must not be a hit in the kernel."""
    before = edge.hits()
    reply = ask()
    equal(edge.hits() - before, 0, "kernel hits")
    return reply


def until_from_kernel(edge, ask, limit_s=5):
    """Static data goes to the kernel behind the first answer's back: asks until it is there."""

    def hit():
        before = edge.hits()
        reply = ask()
        return reply if edge.hits() == before + 1 else None

    return until(hit, "an answer from the kernel", limit_s)


def warm(bench, edge, name, *networks, rtype="A"):
    """Asks until the kernel answers for each network."""
    for network in networks:
        bench.client.ask(name, rtype, network)
        from_kernel(edge, lambda: bench.client.ask(name, rtype, network))

# SPDX-License-Identifier: BSD-2-Clause
"""standard - the content network and the customer's zone that most tests use."""

from lib import cdn
from lib.lab import CDN, EDGE, EDGE_V6, RESOLVER

NET1 = "192.0.2.0/24"
NET2 = "203.0.113.0/24"
WIDE = "198.18.0.0/16"
NET1_V6 = "2001:db8:a::/48"
NET2_V6 = "2001:db8:b::/48"
NETWORKS = (NET1, NET2, WIDE, NET1_V6, NET2_V6)

# Short, so that seconds show what takes hours in the field.
SHORT = {"ttl-floor": 1, "recheck": "500ms", "client-timer": "150ms", "failure-ttl": "1s"}


def name(label, ttl, number, ipv4=2, ipv6=1):
    """A name whose addresses tell its number and the network: 198.19.number.x."""
    networks = {}
    for place, prefix in enumerate(NETWORKS):
        networks[prefix] = addresses(number, place, ipv4, ipv6)
    networks.update(cdn.rest_of_the_world(NETWORKS, addresses(number, 5, ipv4, ipv6)))
    return cdn.Name(label, ttl, networks)


def addresses(number, place, ipv4, ipv6):
    return (
        [f"198.19.{number}.{place * 40 + item + 1}" for item in range(ipv4)],
        [f"2001:db8:ffff:{number:x}:{place + 1:x}::{item + 1:x}" for item in range(ipv6)],
    )


def content_network():
    return cdn.Cdn(
        [
            name("www", 20, 1),
            name("quick", 2, 2),
            name("four", 20, 3, ipv6=0),
            name("many", 20, 4, ipv4=40, ipv6=50),
            name("other", 20, 5),
            name("shop", 20, 6, ipv4=4),
        ],
        ["plain 20 A 198.19.200.1", "plain 20 AAAA 2001:db8:ffff:200::1", "chain 20 CNAME www"],
    )


ZONE = """\
$TTL 3600
$ORIGIN example.test.
@       SOA     ns host 1 3600 600 86400 300
@       NS      ns
@       ANAME   www.cdn.test.
@       MX      10 mail
ns      A       198.51.100.1
mail    A       192.0.2.25
quick   60 ANAME quick.cdn.test.
four    ANAME   four.cdn.test.
many    ANAME   many.cdn.test.
shop    ANAME   shop.cdn.test.
plain   ANAME   plain.cdn.test.
chain   ANAME   chain.cdn.test.
gone    ANAME   gone.cdn.test.
pool    ANAME   www.cdn.test.
pool    ANAME   other.cdn.test.
pool    A       192.0.2.80
*.wild  ANAME   www.cdn.test.
local   ANAME   static
static  A       192.0.2.81
static  A       192.0.2.82
static  AAAA    2001:db8:ffff::81
alias   CNAME   www.cdn.test.
many-mx 77 MX   10 mail
many-mx MX      20 static
many-mx MX      30 elsewhere.invalid.
svc     78 HTTPS 1 . alpn=h2
svc     A       192.0.2.83
single  79 CNAME mail
double  CNAME   static
lost    CNAME   nothing
_sip._udp SRV   1 2 5060 mail
text    80 TXT  "some words" "and more"
*.texts TXT     "any name"
child   NS      ns.child
ns.child A      192.0.2.84
moved   DNAME   static
"""

# Chains to names that are flattened.
CHAINS = """\
to-shop  80 CNAME shop
to-many  CNAME  many
to-chain 81 CNAME to-four
to-four  82 CNAME four
to-quick CNAME  quick
to-apex  CNAME  @
shop     83 HTTPS 1 . alpn=h3,h2
"""


def edge_config(**sections):
    """The edge's configuration with the resolver as its upstream."""
    base = {
        "listen": [f"{EDGE}@53", f"{EDGE_V6}@53"],
        "interfaces": [{"name": "client", "xdp": "auto"}],
        "upstreams": [resolver()],
        "answers": dict(SHORT),
        "maps": {"heartbeat-limit": "2s", "owners": "4K", "audiences": "4K", "slots": "8K",
                 "slots-large": "1K"},
    }
    from lib.edge import merge

    return merge(base, sections)


def resolver(address=f"{RESOLVER}@53", **more):
    return {"address": address, "timeout": "400ms", "tries": "1", **more}


def authoritative(**more):
    return {"address": f"{CDN}@53", "kind": "authoritative", "timeout": "400ms", "tries": "1",
            **more}


ZONES = {"example.test": ZONE}

/* SPDX-License-Identifier: BSD-2-Clause */
/* respond_zones - what the tests of replies are asked about. */
#ifndef ANAMED_TESTS_RESPOND_ZONES_H
#define ANAMED_TESTS_RESPOND_ZONES_H

#include "unit/answer/one_scene.h"

static const char ZONE[] = "$TTL 300\n"
                           "@ 3600 SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "@ NS ns2.sub\n"
                           "@ ANAME target.cdn.test.\n"
                           "@ MX 10 mail\n"
                           "@ MX 20 @\n"
                           "ns1 A 192.0.2.53\n"
                           "www A 192.0.2.3\n"
                           "www A 192.0.2.1\n"
                           "www A 192.0.2.2\n"
                           "www AAAA 2001:db8::1\n"
                           "mail A 192.0.2.25\n"
                           "mail AAAA 2001:db8::25\n"
                           "text TXT \"hello\"\n"
                           "a.b.ent TXT \"below\"\n"
                           "*.wild A 192.0.2.80\n"
                           "*.wilda ANAME target.cdn.test.\n"
                           "*.wildc CNAME www\n"
                           "alias CNAME www\n"
                           "alias2 CNAME alias\n"
                           "toflat CNAME pool\n"
                           "pool ANAME target.cdn.test.\n"
                           "pool A 192.0.2.77\n"
                           "out CNAME www.elsewhere.test.\n"
                           "over CNAME www.other.test.\n"
                           "nowhere CNAME nothing\n"
                           "loop1 CNAME loop2\n"
                           "loop2 CNAME loop1\n"
                           "sub NS ns.sub\n"
                           "sub NS ns2.sub\n"
                           "sub NS ns1\n"
                           "sub NS ns.elsewhere.test.\n"
                           "ns.sub A 192.0.2.61\n"
                           "ns2.sub A 192.0.2.62\n"
                           "ns2.sub AAAA 2001:db8::62\n"
                           "tosub CNAME x.sub\n"
                           "twice MX 1 mail\n"
                           "twice MX 2 mail\n"
                           "away MX 1 www.other.test.\n"
                           "older RT 1 ns1\n"
                           "older KX 1 ns1\n"
                           "svc HTTPS 1 mail\n"
                           "self HTTPS 1 .\n"
                           "@ HTTPS 1 . alpn=h2\n"
                           "toapex HTTPS 1 @\n"
                           "self A 192.0.2.99\n"
                           "gone HTTPS 0 .\n"
                           "first HTTPS 0 second\n"
                           "circle DNAME arc\n"
                           "x.arc CNAME circle\n"
                           "second HTTPS 0 svc\n"
                           "round HTTPS 0 round2\n"
                           "round2 HTTPS 0 round\n"
                           "alflat HTTPS 0 @\n"
                           "cell AFSDB 1 ns1\n"
                           "gone A 192.0.2.98\n"
                           "old DNAME new\n"
                           "new TXT \"new\"\n"
                           "www.new A 192.0.2.90\n"
                           "_sip._tcp SRV 1 2 5060 mail\n";

static const char OTHER[] = "$TTL 120\n"
                            "@ SOA ns1.example.test. host 1 7200 3600 1209600 30\n"
                            "@ NS ns1.example.test.\n"
                            "www A 203.0.113.9\n";

#define SOA "ns example.test. 60 SOA ns1.example.test. host.example.test. 7 7200 3600 1209600 60\n"

static int setup(void **state)
{
	static const char *const texts[] = {"example.test.", ZONE, "other.test.", OTHER, NULL};

	(void)state;
	return one_scene_open(texts);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * counters.h - one counter for each exit of the XDP program.
 *
 * X(name, "what it counts"). The order is part of the treaty: new counters go
 * to the end. A packet counts in `hit` or in exactly one `pass_*`; the other
 * hit_* are parts of `hit`.
 */
#ifndef ANAMED_COUNTERS_H
#define ANAMED_COUNTERS_H

#include <linux/types.h>

#define AN_COUNTERS(X)                                                                             \
	X(hit, "answered in the kernel")                                                           \
	X(hit_ipv6, "of these over IPv6")                                                          \
	X(hit_ecs, "of these with a client subnet option")                                         \
	X(hit_nodata, "of these without an answer record")                                         \
	X(hit_stale, "of these a last good answer past its time")                                  \
	X(hit_catch_all, "of these the newest answer of any network")                              \
	X(pass_mode, "the control block says: pass everything")                                    \
	X(pass_link, "frame too short, or not IPv4, IPv6 under up to two VLAN tags")               \
	X(pass_transport, "not UDP, or UDP over IPv6 without a checksum")                          \
	X(pass_not_served, "destination address or port not served")                               \
	X(pass_not_unicast, "frame not to this interface, or from where no reply can go")          \
	X(pass_fragment, "IPv4 fragment")                                                          \
	X(pass_ip_header, "IPv4 options, a bad version or header length")                          \
	X(pass_extension, "IPv6 extension header")                                                 \
	X(pass_length, "lengths of frame, IP, UDP and DNS do not agree")                           \
	X(pass_response, "QR is set")                                                              \
	X(pass_opcode, "opcode is not QUERY")                                                      \
	X(pass_counts, "section counts other than one question and at most one OPT")               \
	X(pass_name, "question name does not end within 255 octets")                               \
	X(pass_trailing, "octets after the message, or a record that is not OPT")                  \
	X(pass_edns_version, "EDNS version over 0")                                                \
	X(pass_edns_malformed, "OPT or an option is malformed")                                    \
	X(pass_edns_many, "more options than the program walks")                                   \
	X(pass_edns_daemon, "an option that only the daemon answers")                              \
	X(pass_ecs_malformed, "client subnet option malformed")                                    \
	X(pass_ecs_special, "client subnet in, or partly in, a special-use network")               \
	X(pass_owner_miss, "no answer for this name and type")                                     \
	X(pass_owner_other, "slot holds another name or type")                                     \
	X(pass_torn, "slot was being written")                                                     \
	X(pass_audience_miss, "no answer for this client network")                                 \
	X(pass_ask, "the daemon keeps this answer to itself")                                      \
	X(pass_answer_other, "slot holds another answer")                                          \
	X(pass_kind, "slot of a kind that this program does not know")                             \
	X(pass_generation, "answer of an older generation of the zone")                            \
	X(pass_zone_expired, "zone's data is no longer valid")                                     \
	X(pass_expired, "answer's time is over and upstream lives")                                \
	X(pass_too_stale, "answer past stale-max")                                                 \
	X(pass_dead_member, "not all members of a fixed answer live")                              \
	X(pass_too_large, "reply larger than the client takes")                                    \
	X(pass_grow, "no room behind the packet for the reply")                                    \
	X(pass_internal, "a map look-up that cannot fail has failed")                              \
	X(pass_cookie, "a good cookie is demanded, and none came")                                 \
	X(hit_nxdomain, "of the answered: names that do not exist")                                \
	X(miss_slip, "over the limit of misses of its source prefix: answered with TC")            \
	X(miss_drop, "over the limit of misses of its source prefix: dropped")                     \
	X(pass_geo, "no table of places holds, or it knows no region for this policy")             \
	X(pass_dnssec, "with or without signatures, as the query asks, only the daemon has it")

struct an_counters {
#define AN_COUNTER_FIELD(name, text) __u64 name;
	AN_COUNTERS(AN_COUNTER_FIELD)
#undef AN_COUNTER_FIELD
};

#endif

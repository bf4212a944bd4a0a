/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * audience.h - the client network that decides, and the keys that it is looked up by. Pure.
 *
 * With a client subnet option it is the option's; without, the packet's source
 * at the lengths of the control block. SOURCE 0 and an unknown network are
 * nobody. IPv6 counts by its first 64 bits: longer audiences stay with the
 * daemon.
 */
#ifndef ANAMED_BPF_AUDIENCE_H
#define ANAMED_BPF_AUDIENCE_H

#include "anamed/treaty.h"
#include "edns.h"
#include "ip.h"
#include "verdict.h"

struct client {
	__u64 source; /* prefix length that counts; 0: nobody */
	__u64 family; /* AN_FAMILY_* */
	__u64 bits;   /* the first 64 of the address as a number, the first bit highest */
};

AN_INLINE void client_from_ecs(const struct ecs *ecs, struct client *ret)
{
	ret->source = ecs->source;
	ret->family = ecs->family;
	ret->bits = be64(le64(ecs->address[0]));
}

AN_INLINE void client_from_source(const struct datagram *datagram, const struct an_control *control,
                                  struct client *ret)
{
	ret->bits = be64(le64(datagram->source[0]));
	if (datagram->ipv6) {
		ret->family = AN_FAMILY_IPV6;
		ret->source = control->source_ipv6_len;
	} else {
		ret->family = AN_FAMILY_IPV4;
		ret->source = control->source_ipv4_len;
	}
}

/*
 * What the table of special-use networks says to this client; special: an
 * enum an_special. Option: only the daemon knows what to do with it. Source
 * address: it is nobody's, if the table is sure.
 */
AN_INLINE enum verdict client_judge(struct client *client, int ecs_present, __u32 special)
{
	if (special == AN_SPECIAL_NO)
		return V_GO_ON;
	if (ecs_present || special != AN_SPECIAL_WHOLE)
		return V_pass_ecs_special;
	client->source = 0;
	return V_GO_ON;
}

/* ---- keys ---- */

AN_INLINE struct an_audience_key key_for_everyone(__u64 uid, __u32 region, __u16 type)
{
	return (struct an_audience_key){
	        .uid = uid, .region = region, .type = type, .kind = AN_AUDIENCE_NET};
}

/* An entry of an owner's list of lengths, as a key for this client. 0: it does not hold for him. */
AN_INLINE int key_for_len(struct an_audience_key *key, __u32 entry, const struct client *client)
{
	__u64 len = entry & AN_LEN_BITS;

	if (len == 0 || len > 64)
		return 0;
	if (entry & AN_LEN_EXACT ? len != client->source : len > client->source)
		return 0;
	key->kind = entry & AN_LEN_EXACT ? AN_AUDIENCE_EXACT : AN_AUDIENCE_NET;
	key->family = (__u8)client->family;
	key->len = (__u8)len;
	store64(key->prefix, be64(client->bits & ~0ULL << (64 - len)));
	return 1;
}

/* What differs between the key of the answer beside an owner and this one. 0: nothing. */
AN_INLINE __u64 key_differs(const struct an_inline *have, const struct an_audience_key *want)
{
	__u64 differs = load64(have->prefix) ^ load64(want->prefix);

	differs |= (__u64)(have->kind ^ want->kind);
	differs |= (__u64)(have->family ^ want->family);
	differs |= (__u64)(have->len ^ want->len);
	differs |= (__u64)(have->variant ^ want->variant);
	return differs | (have->region ^ want->region);
}

/* The catch-all stands for any network: then only the owner's side of the key counts. */
AN_INLINE int key_matches(const struct an_audience_key *have, const struct an_audience_key *want,
                          int any_network)
{
	if (have->uid != want->uid || have->region != want->region || have->type != want->type ||
	    have->variant != want->variant || have->member != want->member)
		return 0;
	if (any_network)
		return 1;
	return have->kind == want->kind && have->family == want->family && have->len == want->len &&
	       load64(have->prefix) == load64(want->prefix);
}

#endif

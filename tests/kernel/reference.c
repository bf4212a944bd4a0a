/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <string.h>

#include "anamed/key.h"

struct answer_spec answer_spec(uint16_t type, unsigned int count, unsigned int mark)
{
	struct answer_spec spec = {.type = type, .count = count, .ttl = 300, .soa_minimum = 60};

	for (unsigned int i = 0; i < count; i++) {
		uint8_t *address = spec.addresses[i];

		memset(address, (int)(mark * 7 + 1), 16);
		address[0] = 198;
		address[2] = (uint8_t)mark;
		address[3] = (uint8_t)i;
		address[15] = (uint8_t)(i ^ mark);
	}
	return spec;
}

/* owner_at: offset in the question name. */
static void put_record(struct packet *packet, unsigned int owner_at, uint16_t type, uint32_t ttl,
                       const void *rdata, size_t len)
{
	packet_put16(packet, 0xc00c + owner_at);
	packet_put16(packet, type);
	packet_put16(packet, 1);
	packet_put32(packet, ttl);
	packet_put16(packet, (unsigned int)len);
	packet_put(packet, rdata, len);
}

static void put_soa(const struct answer_spec *answer, struct packet *packet, uint32_t ttl,
                    unsigned int apex_at)
{
	struct packet rdata = {.len = 0};

	packet_put(&rdata, "\002ns", 3);
	packet_put16(&rdata, 0xc00c + apex_at);
	packet_put(&rdata, "\005admin", 6);
	packet_put16(&rdata, 0xc00c + apex_at);
	packet_put32(&rdata, 2026112200);
	packet_put32(&rdata, 3600);
	packet_put32(&rdata, 600);
	packet_put32(&rdata, 86400);
	packet_put32(&rdata, answer->soa_minimum);
	put_record(packet, apex_at, 6, ttl, rdata.octets, rdata.len);
}

void reference_body(const struct answer_spec *answer, uint32_t ttl, unsigned int first,
                    unsigned int apex_at, struct packet *ret)
{
	struct packet text = {.len = 0};

	for (unsigned int i = 0; i < answer->count; i++)
		put_record(ret, 0, answer->type, ttl,
		           answer->addresses[(first + i) % answer->count],
		           answer->type == 28 ? 16 : 4);
	if (!answer->count)
		put_soa(answer, ret, ttl, apex_at);
	if (answer->txt) {
		packet_put8(&text, (unsigned int)strlen(answer->txt));
		packet_put(&text, answer->txt, strlen(answer->txt));
		put_record(ret, 0, 16, ttl, text.octets, text.len);
	}
}

static uint64_t source_number(const struct query_spec *query)
{
	if (query->ipv6)
		return an_load8(query->source) ^ an_load8(query->source + 8);
	return (uint64_t)query->source[0] << 24 | (uint64_t)query->source[1] << 16 |
	       (uint64_t)query->source[2] << 8 | query->source[3];
}

uint32_t reference_choice(const struct query_spec *query, uint64_t seed)
{
	return an_choice(seed, query->id, source_number(query), query->source_port);
}

static void put_link_back(const struct query_spec *query, struct packet *ret)
{
	packet_put(ret, packet_client_mac, 6);
	packet_put(ret, packet_server_mac, 6);
	for (unsigned int i = 0; i < query->tags; i++) {
		packet_put16(ret, i + 1 < query->tags ? 0x88a8 : 0x8100);
		packet_put16(ret, 0x2000 | (100 + i));
	}
	packet_put16(ret, query->ipv6 ? 0x86dd : 0x0800);
}

static void put_ip_back(const struct query_spec *query, size_t udp_len, struct packet *ret)
{
	size_t at = ret->len;

	if (query->ipv6) {
		packet_put32(ret, 0x60000000);
		packet_put16(ret, (unsigned int)udp_len);
		packet_put16(ret, 17 << 8 | 64);
		packet_put(ret, query->destination, 16);
		packet_put(ret, query->source, 16);
		return;
	}
	packet_put16(ret, 0x4500);
	packet_put16(ret, (unsigned int)udp_len + 20);
	packet_put16(ret, 0);
	packet_put16(ret, 0x4000);
	packet_put16(ret, 64 << 8 | 17);
	packet_put16(ret, 0);
	packet_put(ret, query->destination, 4);
	packet_put(ret, query->source, 4);
	packet_set16(ret, at + 10, ~packet_sum(ret->octets + at, 20, 0) & 0xffff);
}

static unsigned int pseudo_sum(const struct query_spec *query, size_t udp_len)
{
	size_t len = query->ipv6 ? 16 : 4;
	unsigned int sum = packet_sum(query->source, len, 17 + (unsigned int)udp_len);

	return packet_sum(query->destination, len, sum);
}

static void put_opt_back(const struct query_spec *query, const struct reference *how,
                         struct packet *ret)
{
	const struct subnet *subnet = &query->subnet;
	struct packet options = {.len = 0};

	if (query->ecs) {
		packet_put16(&options, 8);
		packet_put16(&options, 4 + subnet->address_len);
		packet_put16(&options, subnet->family);
		packet_put8(&options, subnet->source);
		packet_put8(&options, how->scope);
		packet_put(&options, subnet->address, subnet->address_len);
	}
	if (how->cookie) {
		packet_put16(&options, 10);
		packet_put16(&options, 24);
		packet_put(&options, how->cookie, 24);
	}
	if (how->stale) {
		packet_put16(&options, 15);
		packet_put16(&options, 2);
		packet_put16(&options, 3);
	}
	packet_put8(ret, 0);
	packet_put16(ret, 41);
	packet_put16(ret, how->payload);
	packet_put32(ret, query->dnssec_ok ? 0x8000 : 0);
	packet_put16(ret, (unsigned int)options.len);
	packet_put(ret, options.octets, options.len);
}

static void message_back(const struct query_spec *query, const struct answer_spec *answer,
                         const struct reference *how, struct packet *ret)
{
	unsigned int first = 0;

	if (answer->count)
		first = an_choice_below(how->choice ? *how->choice
		                                    : reference_choice(query, how->seed),
		                        answer->count);
	packet_put16(ret, query->id);
	packet_put16(ret,
	             (how->truncated ? 0x8200u : 0x8400u) | (query->flags & 0x0100u) | how->rcode);
	packet_put16(ret, 1);
	packet_put16(ret, how->truncated ? 0 : answer->count);
	packet_put16(ret, how->truncated || answer->count ? 0 : 1);
	packet_put16(ret, (query->opt ? 1u : 0u) + (answer->txt ? 1u : 0u));
	packet_put(ret, query->name, query->name_len);
	packet_put16(ret, query->type);
	packet_put16(ret, query->class);
	if (!how->truncated)
		reference_body(answer, how->ttl, first, how->apex_at, ret);
	if (query->opt)
		put_opt_back(query, how, ret);
}

void reference_reply(const struct query_spec *query, const struct answer_spec *answer,
                     const struct reference *how, struct packet *ret)
{
	struct packet message = {.len = 0};
	size_t udp_len, udp_at;
	unsigned int sum;

	message_back(query, answer, how, &message);
	udp_len = message.len + 8;
	ret->len = 0;
	put_link_back(query, ret);
	put_ip_back(query, udp_len, ret);
	udp_at = ret->len;
	packet_put16(ret, query->port);
	packet_put16(ret, query->source_port);
	packet_put16(ret, (unsigned int)udp_len);
	packet_put16(ret, 0);
	packet_put(ret, message.octets, message.len);
	sum = packet_sum(ret->octets + udp_at, udp_len, pseudo_sum(query, udp_len));
	packet_set16(ret, udp_at + 6, sum == 0xffff ? 0xffff : ~sum & 0xffff);
}

const char *reference_checksums(const struct query_spec *query, const struct packet *frame)
{
	size_t ip = spec_ip_at(query), udp = spec_udp_at(query), udp_len;

	if (frame->len < udp + 8)
		return "frame too short";
	udp_len = packet_get16(frame, udp + 4);
	if (udp + udp_len != frame->len)
		return "UDP length is not the frame's";
	if (!packet_get16(frame, udp + 6))
		return "no UDP checksum";
	if (packet_sum(frame->octets + udp, udp_len, pseudo_sum(query, udp_len)) != 0xffff)
		return "UDP checksum is wrong";
	if (!query->ipv6 && packet_sum(frame->octets + ip, 20, 0) != 0xffff)
		return "IPv4 header checksum is wrong";
	return NULL;
}

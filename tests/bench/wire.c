/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <string.h>
#include <strings.h>

#define ETH_LEN 14
#define IP4_LEN 20
#define IP6_LEN 40
#define UDP_LEN 8
#define DNS_LEN 12
#define ECS_LEN 11 /* with a /24 */

const uint8_t wire_client_mac[6] = {0x02, 0xbe, 0x4c, 0x00, 0x00, 0x01};
const uint8_t wire_server_mac[6] = {0x02, 0xbe, 0x4c, 0x00, 0x00, 0x02};
const uint8_t wire_server_ipv4[4] = {198, 51, 100, 1};
const uint8_t wire_server_ipv6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0x53, [15] = 1};
const uint8_t wire_client_ipv6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0xc1, [15] = 2};

void wire_out(struct wire_out *out, const void *octets, size_t len)
{
	if (out->len + len > out->room)
		return;
	memcpy(out->octets + out->len, octets, len);
	out->len += len;
}

void wire_out8(struct wire_out *out, unsigned int value)
{
	uint8_t octet = (uint8_t)value;

	wire_out(out, &octet, 1);
}

void wire_out16(struct wire_out *out, unsigned int value)
{
	wire_out8(out, value >> 8);
	wire_out8(out, value & 0xff);
}

void wire_out32(struct wire_out *out, uint32_t value)
{
	wire_out16(out, value >> 16);
	wire_out16(out, value & 0xffff);
}

/* ---- checksums (RFC 1071) ---- */

static uint32_t sum(const uint8_t *octets, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i++)
		start += i % 2 ? octets[i] : (uint32_t)octets[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static bool is_ipv6(const uint8_t *frame)
{
	return wire_get16(frame + 12) == 0x86dd;
}

static uint32_t udp_sum(const uint8_t *frame, const uint8_t *udp, size_t udp_len)
{
	uint32_t start = sum(frame + ETH_LEN + (is_ipv6(frame) ? 8 : 12), is_ipv6(frame) ? 32 : 8,
	                     17 + (uint32_t)udp_len);

	return sum(udp, udp_len, start);
}

static void set16(uint8_t *octets, unsigned int value)
{
	octets[0] = (uint8_t)(value >> 8);
	octets[1] = (uint8_t)value;
}

void wire_finish(uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + ETH_LEN, *udp = ip + (is_ipv6(frame) ? IP6_LEN : IP4_LEN);
	size_t udp_len = (size_t)(frame + len - udp);
	uint32_t check;

	set16(udp + 4, (unsigned int)udp_len);
	if (is_ipv6(frame)) {
		set16(ip + 4, (unsigned int)udp_len);
	} else {
		set16(ip + 2, (unsigned int)(udp_len + IP4_LEN));
		set16(ip + 10, ~sum(ip, IP4_LEN, 0) & 0xffff);
	}
	check = ~udp_sum(frame, udp, udp_len) & 0xffff;
	set16(udp + 6, check ? check : 0xffff);
}

const char *wire_checksums(const uint8_t *frame, size_t len, bool udp)
{
	const uint8_t *ip = frame + ETH_LEN;
	struct wire_packet packet;

	if (wire_parse(frame, len, &packet))
		return "not a datagram";
	if (!is_ipv6(frame) && sum(ip, IP4_LEN, 0) != 0xffff)
		return "IPv4 checksum";
	if (udp && udp_sum(frame, packet.dns - UDP_LEN, packet.dns_len + UDP_LEN) != 0xffff)
		return "UDP checksum";
	return NULL;
}

/* ---- taking apart ---- */

int wire_parse(const uint8_t *frame, size_t len, struct wire_packet *ret)
{
	const uint8_t *ip = frame + ETH_LEN, *udp;
	size_t ip_len;

	if (len < ETH_LEN + IP4_LEN + UDP_LEN + DNS_LEN)
		return -1;
	ip_len = is_ipv6(frame) ? IP6_LEN : IP4_LEN;
	if (len < ETH_LEN + ip_len + UDP_LEN + DNS_LEN || ip[is_ipv6(frame) ? 6 : 9] != 17)
		return -1;
	udp = ip + ip_len;
	ret->address_len = is_ipv6(frame) ? 16 : 4;
	ret->source = ip + (is_ipv6(frame) ? 8 : 12);
	ret->destination = ret->source + ret->address_len;
	ret->source_port = (uint16_t)wire_get16(udp);
	ret->destination_port = (uint16_t)wire_get16(udp + 2);
	ret->dns = udp + UDP_LEN;
	ret->dns_len = wire_get16(udp + 4) - UDP_LEN;
	if (wire_get16(udp + 4) < UDP_LEN + DNS_LEN || udp + wire_get16(udp + 4) > frame + len)
		return -1;
	return 0;
}

bool wire_is_answer_to(const struct wire_packet *query, const struct wire_packet *reply)
{
	return query->address_len == reply->address_len &&
	       !memcmp(query->source, reply->destination, query->address_len) &&
	       !memcmp(query->destination, reply->source, query->address_len) &&
	       query->source_port == reply->destination_port &&
	       query->destination_port == reply->source_port;
}

/* Octets of an uncompressed question, or 0. */
static size_t question_len(const uint8_t *dns, size_t len)
{
	size_t at = DNS_LEN;

	while (at < len && dns[at] && dns[at] < 64)
		at += 1u + dns[at];
	return at + 5 <= len && !dns[at] ? at + 5 - DNS_LEN : 0;
}

/* The end of a name that stands at `at`, or 0; *ret_question: it is the question's. */
static size_t name_end(const uint8_t *dns, size_t len, size_t at, bool *ret_question)
{
	size_t begin = at;

	while (at < len && dns[at] && dns[at] < 64)
		at += 1u + dns[at];
	if (at >= len)
		return 0;
	if (dns[at] >= 0xc0) {
		*ret_question = at == begin && at + 1 < len && wire_get16(dns + at) == 0xc00c;
		return at + 2;
	}
	*ret_question = !strncasecmp((const char *)dns + begin, (const char *)dns + DNS_LEN,
	                             at - begin + 1);
	return at + 1;
}

static const char *read_opt(const struct wire_record *record, struct wire_message *ret)
{
	const uint8_t *at = record->data, *end = at + record->len;

	if (ret->opt)
		return "OPT twice";
	ret->opt = true;
	while (at + 4 <= end && at + 4 + wire_get16(at + 2) <= end) {
		if (wire_get16(at) == 8 && wire_get16(at + 2) + 4 == ECS_LEN)
			ret->ecs = at;
		at += 4 + wire_get16(at + 2);
	}
	return at == end ? NULL : "options that do not fit";
}

static const char *read_record(const uint8_t *dns, size_t len, size_t *at, struct wire_record *ret)
{
	size_t end = name_end(dns, len, *at, &ret->owner_is_question);

	if (!end || end + 10 > len)
		return "a record is cut";
	ret->type = (uint16_t)wire_get16(dns + end);
	ret->ttl = (uint32_t)wire_get16(dns + end + 4) << 16 | wire_get16(dns + end + 6);
	ret->len = (uint16_t)wire_get16(dns + end + 8);
	ret->data = dns + end + 10;
	*at = end + 10 + ret->len;
	return *at > len ? "a record is cut" : NULL;
}

const char *wire_message_parse(const struct wire_packet *query, const struct wire_packet *reply,
                               struct wire_message *ret)
{
	const uint8_t *dns = reply->dns;
	size_t len = reply->dns_len, question = question_len(query->dns, query->dns_len);
	size_t at = DNS_LEN + question;
	unsigned int total;

	*ret = (struct wire_message){.flags = (uint16_t)wire_get16(dns + 2),
	                             .count = wire_get16(dns + 6)};
	total = ret->count + wire_get16(dns + 8) + wire_get16(dns + 10);
	if (at > len || wire_get16(dns + 4) != 1 || memcmp(dns, query->dns, 2) ||
	    memcmp(dns + DNS_LEN, query->dns + DNS_LEN, question))
		return "another question";
	if (ret->count > WIRE_RECORDS_MAX)
		return "too many records";
	for (unsigned int i = 0; i < total; i++) {
		struct wire_record one = {0};
		const char *wrong = read_record(dns, len, &at, &one);

		if (!wrong && one.type == WIRE_TYPE_OPT)
			wrong = read_opt(&one, ret);
		if (wrong)
			return wrong;
		if (i < ret->count)
			ret->records[i] = one;
	}
	return at == len ? NULL : "octets behind the message";
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define COOKIE_LEN 8
#define PORT_BASE  1024
#define TYPE_A     1
#define TYPE_TXT   16
#define OPTION_ECS 8
#define SEED       0x616e616d6564ULL

/* ---- drawing ---- */

/* Cumulative weights of names by rank, 1/rank each. */
static double *zipf_table(uint32_t names)
{
	double *table = malloc(sizeof(double) * names), sum = 0;

	for (uint32_t i = 0; table && i < names; i++) {
		sum += 1.0 / (i + 1);
		table[i] = sum;
	}
	return table;
}

static uint32_t zipf_draw(const double *table, uint32_t names, uint64_t random)
{
	double want = (double)(random >> 11) / (double)(1ull << 53) * table[names - 1];
	uint32_t low = 0, high = names - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (table[middle] < want)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)(data_mix(low) % names); /* the popular ones are not neighbours */
}

int query_draw(const struct query_load *load, struct query *ret)
{
	double *table = load->mix ? zipf_table(load->names) : NULL;

	if (load->mix && !table)
		return -ENOMEM;
	for (uint32_t i = 0; i < load->count; i++) {
		uint64_t random = data_mix(SEED ^ i), more = data_mix(random);

		ret[i] = (struct query){
		        .name = table ? zipf_draw(table, load->names, random)
		                      : (uint32_t)(random >> 16) % load->names,
		        .net = (uint32_t)(more & 0xffff) % load->networks,
		        .opt = load->opt,
		        .ecs = load->ecs,
		        .miss = (more >> 16) % 1000000 < load->miss_ppm,
		};
		if (!load->mix)
			continue;
		ret[i].ipv6 = more >> 60 & 1;
		ret[i].ecs = ret[i].opt = load->ecs && (ret[i].ipv6 || more >> 61 & 1);
		ret[i].opt |= more >> 62 & 1;
		ret[i].cookie = ret[i].opt && more >> 63;
		if (!ret[i].ecs)
			ret[i].ipv6 = false; /* its network would be one of IPv6 */
	}
	free(table);
	return 0;
}

/* ---- frames ---- */

static void put_ip(struct wire_out *out, const struct query *query, const uint8_t network[4],
                   uint32_t number)
{
	uint8_t source[4] = {network[0], network[1], network[2], (uint8_t)(1 + number % 250)};

	if (query->ipv6) {
		wire_out32(out, 0x60000000);
		wire_out16(out, 0);
		wire_out16(out, 17 << 8 | 64);
		wire_out(out, wire_client_ipv6, 16);
		wire_out(out, wire_server_ipv6, 16);
		return;
	}
	wire_out16(out, 0x4500);
	wire_out16(out, 0);
	wire_out32(out, (number & 0xffff) << 16);
	wire_out16(out, 64 << 8 | 17);
	wire_out16(out, 0);
	wire_out(out, source, 4);
	wire_out(out, wire_server_ipv4, 4);
}

/* The case of letters is the client's to choose, and to find again (0x20). */
static void put_name(struct wire_out *out, uint32_t name, uint64_t bits)
{
	uint8_t wire[DATA_NAME_MAX];
	size_t len = data_name(name, wire);

	for (size_t i = 0; i < len; i++)
		if (wire[i] >= 'a' && wire[i] <= 'z' && bits >> i % 64 & 1)
			wire[i] &= (uint8_t)~0x20;
	wire_out(out, wire, len);
}

static size_t opt_options_len(const struct query *query)
{
	return (query->ecs ? 11u : 0u) + (query->cookie ? 4u + COOKIE_LEN : 0u);
}

static void put_opt(struct wire_out *out, const struct query *query, const uint8_t network[4],
                    uint64_t random)
{
	wire_out8(out, 0);
	wire_out16(out, WIRE_TYPE_OPT);
	wire_out16(out, 1232);
	wire_out32(out, 0);
	wire_out16(out, (unsigned int)opt_options_len(query));
	if (query->cookie) {
		wire_out16(out, 10);
		wire_out16(out, COOKIE_LEN);
		wire_out(out, &random, COOKIE_LEN);
	}
	if (query->ecs) {
		wire_out16(out, OPTION_ECS);
		wire_out16(out, 7);
		wire_out16(out, 1);
		wire_out8(out, DATA_NET_LEN);
		wire_out8(out, 0);
		wire_out(out, network, 3);
	}
}

void query_frame(const struct query *query, uint32_t number, struct bench_query *ret)
{
	struct wire_out out = {.octets = ret->frame, .room = sizeof(ret->frame)};
	uint64_t random = data_mix(~SEED ^ number);
	uint8_t network[4];

	data_network(query->name, query->net, network);
	wire_out(&out, wire_server_mac, 6);
	wire_out(&out, wire_client_mac, 6);
	wire_out16(&out, query->ipv6 ? 0x86dd : 0x0800);
	put_ip(&out, query, network, number);
	wire_out16(&out, PORT_BASE + (number >> 16));
	wire_out16(&out, 53);
	wire_out32(&out, 0);
	wire_out16(&out, number & 0xffff);
	wire_out16(&out, 0x0100);
	wire_out16(&out, 1);
	wire_out32(&out, 0);
	wire_out16(&out, query->opt);
	put_name(&out, query->name, random);
	wire_out16(&out, query->miss ? TYPE_TXT : TYPE_A);
	wire_out16(&out, 1);
	if (query->opt)
		put_opt(&out, query, network, random);
	ret->len = (uint32_t)out.len;
	wire_finish(ret->frame, out.len);
}

/* ---- replies ---- */

bool query_is_reply(const uint8_t *frame, size_t len)
{
	struct wire_packet packet;

	return !wire_parse(frame, len, &packet) && packet.source_port == 53;
}

uint32_t query_number(const uint8_t *frame, size_t len)
{
	struct wire_packet packet;

	if (wire_parse(frame, len, &packet) || packet.destination_port < PORT_BASE)
		return UINT32_MAX;
	return (uint32_t)(packet.destination_port - PORT_BASE) << 16 | wire_get16(packet.dns);
}

uint32_t query_growth(const struct query *query, const struct query_load *load)
{
	return load->records * 16 - (query->cookie ? 4 + COOKIE_LEN : 0);
}

static const char *judge_reflection(const struct bench_query *sent, const uint8_t *frame,
                                    size_t len)
{
	struct wire_packet there, back;
	size_t dns_len;

	if (wire_parse(sent->frame, sent->len, &there) || wire_parse(frame, len, &back))
		return "not a datagram";
	dns_len = (size_t)(sent->frame + sent->len - there.dns);
	if ((size_t)(frame + len - back.dns) < dns_len || memcmp(there.dns, back.dns, dns_len))
		return "other octets came back";
	return NULL;
}

/* Every address is one of the data's, and none comes twice. */
static const char *judge_addresses(const struct query *query, uint32_t net,
                                   const struct query_load *load, const struct wire_message *reply)
{
	uint32_t seen = 0;
	uint8_t address[4];

	if (reply->count != load->records)
		return "another number of records";
	for (uint32_t i = 0; i < reply->count; i++) {
		const struct wire_record *record = &reply->records[i];
		uint32_t at = 0;

		if (record->type != TYPE_A || record->len != 4 || !record->owner_is_question)
			return "another record";
		if (!record->ttl || record->ttl > DATA_TTL)
			return "another TTL";
		for (; at < load->records; at++) {
			data_address(query->name, net, at, address);
			if (!memcmp(address, record->data, 4))
				break;
		}
		if (at == load->records)
			return "another address";
		seen |= 1u << at;
	}
	return seen == (1u << load->records) - 1 ? NULL : "an address twice";
}

/* RFC 7871 7.2.1: FAMILY, SOURCE, ADDRESS as asked; SCOPE that of the answer. */
static const char *judge_ecs(const struct query *query, enum query_server server,
                             const struct wire_message *reply)
{
	uint8_t want[11] = {0, OPTION_ECS, 0, 7, 0, 1, DATA_NET_LEN, 0}, network[4];

	if (server == QUERY_STATIC && !reply->ecs)
		return NULL;
	if (!query->ecs != !reply->ecs)
		return "client subnet in one of query and reply only";
	if (!query->ecs)
		return NULL;
	data_network(query->name, query->net, network);
	memcpy(want + 8, network, 3);
	want[7] = server == QUERY_TAILORED && !query->miss ? DATA_NET_LEN : 0;
	return memcmp(want, reply->ecs, sizeof(want)) ? "another client subnet" : NULL;
}

static const char *judge_message(const struct query *query, const struct query_load *load,
                                 enum query_server server, const struct wire_message *reply)
{
	const char *wrong;

	if ((reply->flags & 0xfe8f) != 0x8400) /* QR, AA; opcode, TC, RA, RCODE 0 */
		return "another header";
	if (!query->opt != !reply->opt)
		return "OPT in one of query and reply only";
	if (query->miss)
		wrong = reply->count ? "records where there are none" : NULL;
	else
		wrong = judge_addresses(query, server == QUERY_TAILORED ? query->net : 0, load,
		                        reply);
	return wrong ? wrong : judge_ecs(query, server, reply);
}

const char *query_judge(const struct query *query, const struct bench_query *sent,
                        const struct query_load *load, enum query_server server,
                        const uint8_t *frame, size_t len)
{
	struct wire_packet there, back;
	struct wire_message reply;
	const char *wrong;

	if (server == QUERY_REFLECT)
		return judge_reflection(sent, frame, len);
	if (wire_parse(sent->frame, sent->len, &there) || wire_parse(frame, len, &back))
		return "not a datagram";
	if (!wire_is_answer_to(&there, &back))
		return "not from where it was sent to";
	/* What the kernel's own stack sends leaves UDP's to the device, and veth to nobody. */
	wrong = wire_checksums(frame, len, server == QUERY_TAILORED && !load->miss_ppm);
	if (wrong)
		return wrong;
	wrong = wire_message_parse(&there, &back, &reply);
	return wrong ? wrong : judge_message(query, load, server, &reply);
}

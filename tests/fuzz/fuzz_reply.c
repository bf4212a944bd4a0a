/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a reply from upstream: no crash, nothing read outside, and
 * what is read keeps the promises of packet.h.
 *
 * First octet of the input: bit 0: AAAA; bit 1: with ECS; bit 2: the reply
 * begins with the header and question that match, and only the rest is the
 * input's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upstream/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void check_answer(const struct packet_answer *answer, uint16_t type)
{
	size_t size = type == AN_TYPE_AAAA ? 16 : 4;

	require(answer->count <= UPSTREAM_ADDRESSES_MAX, "at most 64 addresses");
	for (size_t i = 1; i < answer->count; i++)
		require(memcmp(answer->octets + (i - 1) * size, answer->octets + i * size, size) <
		                0,
		        "addresses are sorted without doubles");
	require(answer->chain_count <= UPSTREAM_CHAIN_MAX, "at most 16 links");
	for (size_t i = 0; i < answer->chain_count; i++)
		require(name_parse_wire(answer->chain[i], NAME_MAX_LEN) > 0, "links are names");
	require(!answer->count || answer->ttl <= INT32_MAX, "TTLs have 31 bits");
	require(answer->negative_ttl <= INT32_MAX, "negative TTLs have 31 bits");
	require(answer->answered == (answer->count || answer->chain_count || answer->loop),
	        "answered says whether there was something");
	require(answer->ecs_echoed || !answer->scope, "no scope without the option");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t name[] = "\4name\7example";
	static const uint8_t no_case[PACKET_CASE_OCTETS];
	struct packet_question question = {.name = name, .name_len = sizeof(name), .edns = true};
	uint8_t query[PACKET_QUESTION_MAX], reply[4096];
	static struct packet_answer answer;
	size_t query_len, end = 12 + sizeof(name) + 4;

	if (size < 1 || size > sizeof(reply))
		return 0;
	question.type = data[0] & 1 ? AN_TYPE_AAAA : AN_TYPE_A;
	question.ecs = data[0] & 2;
	network_parse("192.0.2.0/24", &question.asked);
	query_len = packet_question(&question, no_case, query);
	memcpy(reply, data + 1, --size);
	if ((data[0] & 4) && size >= end) {
		memcpy(reply, query, 2);
		reply[2] = (uint8_t)((reply[2] & 0x07) | 0x80);
		reply[4] = 0;
		reply[5] = 1;
		memcpy(reply + 12, query + 12, end - 12);
	}
	/* An exactly sized block, so that one octet too far is seen. */
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, reply, size);
	if (packet_matches(query, query_len, exact, size))
		require(size >= end && !memcmp(exact + 12, query + 12, end - 12),
		        "a match has the question");
	if (!packet_read(exact, size, name, sizeof(name), question.type, &answer))
		check_answer(&answer, question.type);
	free(exact);
	return 0;
}

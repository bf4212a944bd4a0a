/* SPDX-License-Identifier: BSD-2-Clause */
/* The XDP program's parsers: no octet outside the frame is read, and what they accept agrees. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audience.h"
#include "edns.h"
#include "far.h"
#include "ip.h"
#include "link.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED 77
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void check_question(const struct cursor *frame, const struct message *message,
                           const struct question *question)
{
	const uint8_t *name = frame->data + message->at + AN_DNS_HEADER_LEN;

	REQUIRE(question->end <= message->end);
	REQUIRE(question->name.len >= 1 && question->name.len <= AN_DNS_NAME_MAX);
	REQUIRE(!memchr(name, 0, question->name.len - 1) && !name[question->name.len - 1]);
	REQUIRE(question->name.hash == an_name_hash(SEED, name, (uint32_t)question->name.len));
}

static void check_ecs(const struct ecs *ecs)
{
	uint8_t address[16];

	REQUIRE(ecs->len == (ecs->source + 7) / 8);
	REQUIRE(ecs->source <= (ecs->family == AN_FAMILY_IPV4 ? 32 : 128));
	memcpy(address, ecs->address, sizeof(address));
	for (unsigned int bit = (unsigned int)ecs->source; bit < 128; bit++)
		REQUIRE(!(address[bit / 8] & 0x80 >> bit % 8));
}

/* What is a datagram the straight way is the same the long way. */
static void check_far(const struct cursor *frame, const struct datagram *straight)
{
	struct datagram far;

	REQUIRE(far_parse(frame, &far) == 1);
	REQUIRE(far.at == straight->at && far.payload + UDP_LEN == straight->payload);
	REQUIRE(far.source_port == straight->source_port && far.port == straight->port);
	REQUIRE(!memcmp(far.source, straight->source, sizeof(far.source)));
	REQUIRE(!memcmp(far.destination, straight->destination, sizeof(far.destination)));
}

static void parse(const struct cursor *frame, uint32_t flags)
{
	__u64 lower[NAME_WORDS];
	struct datagram datagram;
	struct question question;
	struct message message;
	struct link link;
	struct edns edns;

	if (link_parse(frame, &link) || ip_parse(frame, &link, &datagram)) {
		far_parse(frame, &datagram);
		return;
	}
	check_far(frame, &datagram);
	REQUIRE(datagram.payload + datagram.len <= frame->len);
	if (message_parse(frame, datagram.payload, datagram.len, &message))
		return;
	if (question_parse(frame, &message, SEED, lower, &question))
		return;
	check_question(frame, &message, &question);
	if (edns_parse(frame, question.end, &message, flags, &edns))
		return;
	REQUIRE(edns.payload >= AN_DNS_UDP_MIN);
	REQUIRE(edns.present || question.end == message.end);
	if (edns.ecs.present)
		check_ecs(&edns.ecs);
}

/* The first octet chooses the flags; most inputs get headers that lead further in. */
static void lead_in(struct cursor *frame, uint8_t choice)
{
	static const uint8_t counts[] = {0, 1, 0, 0, 0, 0, 0};
	size_t len = frame->len - 14;

	if (!(choice & 4) || frame->len < 14 + 20 + 8 + 12)
		return;
	memcpy(frame->data + 12, "\x08\x00\x45", 3);
	frame->data[16] = (uint8_t)(len >> 8);
	frame->data[17] = (uint8_t)len;
	frame->data[20] = frame->data[21] = 0;
	frame->data[23] = 17;
	frame->data[38] = (uint8_t)((len - 20) >> 8);
	frame->data[39] = (uint8_t)(len - 20);
	frame->data[44] &= 0x07;
	memcpy(frame->data + 46, counts, sizeof(counts));
	frame->data[53] = choice >> 3 & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor frame = {.len = size ? size - 1 : 0};

	if (!size || size > CURSOR_MAX)
		return 0;
	frame.data = malloc(frame.len ? frame.len : 1);
	REQUIRE(frame.data);
	memcpy(frame.data, data + 1, frame.len);
	frame.end = frame.data + frame.len;
	lead_in(&frame, data[0]);
	parse(&frame, data[0] & (AN_CONTROL_PASS_COOKIE | AN_CONTROL_PASS_NSID));
	free(frame.data);
	return 0;
}

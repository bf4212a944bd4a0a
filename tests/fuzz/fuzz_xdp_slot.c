/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots with any contents: the XDP program copies, judges and renders them
 * without a step outside the slot, its scratch, or the reply's frame. What it
 * takes the quick way, by region or not, has the octets that the general way gives it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quick.h"
#include "render.h"
#include "slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

#define DNS_AT   42
#define NAME_LEN 13

/* The least that a query could have left in the scratch. */
static void pretend_query(struct scratch *scratch, uint8_t choice)
{
	memset(scratch, 0, sizeof(*scratch));
	scratch->datagram.at = LINK_HEADER_LEN;
	scratch->datagram.payload = scratch->message.at = DNS_AT;
	scratch->question.end = DNS_AT + AN_DNS_HEADER_LEN + NAME_LEN + NAME_REST;
	scratch->question.name.len = NAME_LEN;
	scratch->edns.present = choice & 1;
	scratch->edns.ecs.present = choice >> 1 & 1;
	scratch->edns.ecs.family = AN_FAMILY_IPV6;
	scratch->edns.ecs.len = choice % 17;
	scratch->edns.ecs.source = scratch->edns.ecs.len * 8;
	scratch->serving.stale = choice >> 2 & 1;
	scratch->moment.hz = 250; /* never 0: the program has looked */
}

/* Renders into a frame of exactly the reply's length; the checksum must hold. */
static void render(struct scratch *scratch, uint32_t choice)
{
	__u64 data_len = answer_data_len(&scratch->answer);
	__u64 opt_len = render_opt_len(&scratch->edns, scratch->serving.stale != 0);
	struct cursor frame;
	uint64_t sum = 0;

	scratch->reply.len = data_len + opt_len;
	REQUIRE(scratch->reply.len <= BODY_MAX);
	render_data(scratch, choice, 300);
	if (scratch->edns.present)
		render_opt(scratch, data_len, opt_len, &scratch->edns, 1232, 24,
		           scratch->serving.stale != 0);
	frame.len = scratch->question.end + scratch->reply.len;
	frame.data = calloc(1, frame.len);
	REQUIRE(frame.data);
	frame.end = frame.data + frame.len;
	frame.data[DNS_AT + MESSAGE_QD_AT + 1] = 1;
	REQUIRE(render_reply(&frame, scratch));
	for (uint64_t at = LINK_HEADER_LEN; at < LINK_HEADER_LEN + IP4_LEN; at += 2)
		sum += load16(frame.data + at);
	REQUIRE(an_sum_fold(sum) == 0xffff);
	sum = sum_be16(IP_UDP) + sum_be16((uint16_t)(frame.len - DNS_AT + UDP_LEN));
	for (uint64_t at = DNS_AT - UDP_LEN; at < frame.len; at++)
		sum += (uint64_t)frame.data[at] << (at % 2 * 8);
	REQUIRE(an_sum_fold(sum) == 0xffff);
	free(frame.data);
}

/* The marks that let an owner's slot through; the rest is as it was. */
static void pretend_owner(struct an_owner_slot *slot)
{
	slot->head.seq &= ~1u;
	slot->head.kind = AN_SLOT_OWNER;
	slot->name_len = NAME_LEN;
	memset(slot->name, 0, 16);
	slot->answer.traits &= AN_TRAIT_COUNTING | AN_TRAIT_MEMBERS;
	slot->answer.stride = slot->answer.stride & 1 ? SLOT_STRIDE_AAAA : SLOT_STRIDE_A;
	slot->answer.tail_len &= 0xff;
	slot->answer.count &= 7;
	slot->answer.tail_ttl_count &= 3;
}

/* A query from 192.0.2.0/24, which is whom the answer in the slot is for. */
static void pretend_client(struct scratch *scratch, struct an_owner_slot *slot, uint8_t choice)
{
	slot->key = (struct an_owner_key){.type = AN_TYPE_A, .class = AN_CLASS_IN};
	slot->head.flags = 0;
	slot->regions = 0;
	slot->lens_count[0] = choice >> 2 & 1;
	slot->lens[0][0] = 24 | (choice & 8 ? AN_LEN_EXACT : 0);
	slot->inline_key = (struct an_inline){.kind = AN_AUDIENCE_NET};
	if (choice & 4) {
		slot->inline_key.kind = choice & 8 ? AN_AUDIENCE_EXACT : AN_AUDIENCE_NET;
		slot->inline_key.family = AN_FAMILY_IPV4;
		slot->inline_key.len = 24;
		memcpy(slot->inline_key.prefix, "\xc0\0\2", 3);
	}
	slot->everyone = scratch->found.owner = 1;
	slot->answer.tail_len = slot->answer.signed_len = 0;
	slot->answer.counts[0] = slot->answer.count;
	slot->answer.counts[1] = slot->answer.counts[2] = 0;
	slot->inline_at = (AN_OWNER_NAME_AT + 16) / 8;
	scratch->question.type = AN_TYPE_A;
	scratch->question.class = AN_CLASS_IN;
	scratch->client = (struct client){
	        .source = 24, .family = AN_FAMILY_IPV4, .bits = 0xc000020000000000ULL};
	scratch->moment = (struct moment){.now = 1000, .hz = 250};
	scratch->draw = scratch->choice = choice * 0x9e3779b9u;
}

/* What the quick way laid out is what the general one, which has read the same slot, lays out. */
static void compare(const struct scratch *quick, struct scratch *general, unsigned int place)
{
	struct serving serving = {0};
	unsigned int scope = general->answer.wire_scope;

	REQUIRE(answer_judge_time(&general->answer, &general->moment, 0, &serving) == V_GO_ON);
	REQUIRE(!serving.stale);
	render_data(general, general->choice, serving.ttl);
	REQUIRE(quick->reply.data_len == answer_data_len(&general->answer));
	REQUIRE(!memcmp(quick->body + BODY_AT, general->body + BODY_AT, quick->reply.data_len));
	for (int i = 0; i < 3; i++)
		REQUIRE(quick->reply.counts[i] == general->answer.counts[i]);
	REQUIRE(quick->reply.flags == (general->answer.flags & (AN_FLAG_AA | AN_FLAG_RCODE)));
	REQUIRE(quick->reply.scope ==
	        (quick->edns.ecs.source ? (scope > place ? scope : place) : 0));
	REQUIRE(quick->pick.cell ==
	        (general->answer.traits & AN_TRAIT_MEMBERS ? general->answer.cell : AN_CELL_FIXED));
}

static void try_quick(const uint8_t *data, uint8_t choice)
{
	struct scratch *quick = malloc(sizeof(*quick)), *general = malloc(sizeof(*general));
	struct an_owner_slot *slot = malloc(AN_SLOT_SMALL_SIZE);

	REQUIRE(quick && general && slot);
	memcpy(slot, data, AN_SLOT_SMALL_SIZE);
	pretend_query(quick, choice);
	pretend_owner(slot);
	/* Some of it as it is: no matter what, nothing is read or written elsewhere. */
	if (choice & 64)
		pretend_client(quick, slot, choice);
	*general = *quick;
	if (quick_read(slot, quick)) {
		REQUIRE(owner_read(slot, AN_SLOT_SMALL_SIZE, general) == V_GO_ON);
		compare(quick, general, 0);
	}
	free(slot);
	free(general);
	free(quick);
}

/* An owner with regions, of whom one or another thing is not as it should be. */
static void try_owner(const uint8_t *data, uint8_t choice)
{
	struct scratch *own = malloc(sizeof(*own));
	struct an_owner_slot *slot = malloc(AN_SLOT_SMALL_SIZE);
	uint32_t number;

	REQUIRE(own && slot);
	memcpy(slot, data, AN_SLOT_SMALL_SIZE);
	pretend_query(own, choice);
	pretend_owner(slot);
	if (choice & 64)
		pretend_client(own, slot, choice);
	slot->regions = 1;
	slot->inline_at = choice & 16 ? slot->inline_at : 0;
	own->place.region = choice;
	if (quick_regional(slot, own)) {
		REQUIRE(!slot->inline_at && !slot->lens_count[0] && own->owner.regions == 1);
		number = quick_number(slot, own);
		REQUIRE(number == (choice >= 1 && choice <= AN_REGIONS_BESIDE
		                           ? slot->beside[choice - 1]
		                           : AN_SLOT_NONE));
	}
	free(slot);
	free(own);
}

/* An answer slot, for a client in region 5. */
static void try_region(const uint8_t *data, uint8_t choice)
{
	struct scratch *quick = malloc(sizeof(*quick)), *general = malloc(sizeof(*general));
	struct an_answer_slot *slot = malloc(AN_SLOT_SMALL_SIZE);

	REQUIRE(quick && general && slot);
	memcpy(slot, data, AN_SLOT_SMALL_SIZE);
	pretend_query(quick, choice);
	quick->question.type = AN_TYPE_A;
	quick->owner.uid = 7;
	quick->place = (struct place){.region = 5, .len = choice & 31};
	quick->moment = (struct moment){.now = 1000, .hz = 250};
	quick->draw = quick->choice = choice * 0x9e3779b9u;
	quick->owner.head.zone = slot->head.zone;
	quick->owner.head.generation = slot->head.generation;
	quick->found.key = key_for_everyone(7, 5, AN_TYPE_A);
	if (choice & 64) {
		slot->key = quick->found.key;
		slot->answer.counts[0] = slot->answer.count;
		slot->answer.counts[1] = slot->answer.counts[2] = 0;
		slot->answer.tail_len = slot->answer.signed_len = 0;
		slot->answer.traits &= AN_TRAIT_COUNTING;
		if (choice & 32)
			slot->answer.traits |= AN_TRAIT_MEMBERS;
	}
	*general = *quick;
	if (quick_region_read(slot, quick)) {
		REQUIRE(answer_read(slot, AN_SLOT_SMALL_SIZE, general) == V_GO_ON);
		REQUIRE(key_matches(&general->label.key, &general->found.key, 0));
		compare(quick, general, quick->place.len);
	}
	free(slot);
	free(general);
	free(quick);
}

static void try_size(const uint8_t *data, size_t size, size_t slot_size, uint32_t choice)
{
	struct an_owner_slot *owner;
	struct scratch *scratch = malloc(sizeof(*scratch));
	uint8_t *slot = calloc(1, slot_size);

	REQUIRE(slot && scratch);
	memcpy(slot, data, size < slot_size ? size : slot_size);
	pretend_query(scratch, (uint8_t)choice);
	(void)owner_read((const struct an_owner_slot *)slot, (uint32_t)slot_size, scratch);
	if (!answer_read((const struct an_answer_slot *)slot, (uint32_t)slot_size, scratch))
		render(scratch, choice * 0x9e3779b9u);
	/* The same answer inline, behind a name that is what was asked. */
	pretend_query(scratch, (uint8_t)choice);
	owner = (struct an_owner_slot *)slot;
	if (choice & 32)
		pretend_owner(owner);
	if (!owner_read(owner, (uint32_t)slot_size, scratch) && scratch->owner.inline_at)
		render(scratch, choice * 0x9e3779b9u);
	free(slot);
	free(scratch);
}

/* One octet of choices, then the slot; `lead` puts the marks that let it through. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t slot[AN_SLOT_LARGE_SIZE] = {0};
	struct an_answer_slot *answer = (struct an_answer_slot *)slot;

	if (!size)
		return 0;
	memcpy(slot, data + 1, size - 1 < sizeof(slot) ? size - 1 : sizeof(slot));
	if (data[0] & 8) {
		answer->head.seq &= ~1u;
		answer->head.kind = AN_SLOT_ANSWER;
		answer->answer.traits &= AN_TRAITS;
		answer->answer.stride = data[0] & 16 ? SLOT_STRIDE_AAAA : SLOT_STRIDE_A;
		answer->answer.tail_len &= 0x1ff;
		answer->answer.signed_len &= 0x1ff;
		answer->answer.count &= 0x3f;
		answer->answer.tail_ttl_count &= 3;
	}
	try_quick(slot, data[0]);
	try_owner(slot, data[0]);
	try_region(slot, data[0]);
	try_size(slot, sizeof(slot), AN_SLOT_SMALL_SIZE, data[0]);
	try_size(slot, sizeof(slot), AN_SLOT_LARGE_SIZE, data[0]);
	return 0;
}

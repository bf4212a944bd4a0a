/* SPDX-License-Identifier: BSD-2-Clause */
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "anamed/key.h"
#include "base/clock.h"

static const uint8_t apex[] = "\x07"
                              "torture\x04"
                              "test";

/* ---- opening ---- */

static int set_zone(struct writer *writer, uint64_t content)
{
	return publish_zone(writer->publish, apex, sizeof(apex), content, 0, CLOCK_MS_NEVER,
	                    &writer->zone, &writer->generation);
}

int writer_open(struct writer *writer, struct config *config, struct torture_control *control,
                struct board *board)
{
	struct publish_stats stats;
	struct error error = {0};
	int code;

	*writer = (struct writer){
	        .config = config, .control = control, .board = board, .random = clock_ms()};
	code = kernel_open(config->pin_dir, &writer->maps, &error);
	if (!code)
		code = publish_new(writer->maps, config, &writer->publish, &error);
	if (code) {
		fprintf(stderr, "torture: %s\n", error.text);
		return code;
	}
	publish_settings(writer->publish, config);
	publish_beat(writer->publish);
	publish_stats(writer->publish, &stats);
	board->adopted += stats.adopted;
	/* The zone is the one that is there. */
	return set_zone(writer,
	                writer->maps->zones[0].content ? writer->maps->zones[0].content : 1);
}

void writer_close(struct writer *writer)
{
	publish_free(writer->publish);
	kernel_close(writer->maps);
}

/* ---- names and answers ---- */

static size_t make_name(uint32_t number, uint8_t name[TORTURE_QNAME + 1])
{
	char label[16];

	snprintf(label, sizeof(label), "\x07t%06u", number);
	memcpy(name, label, 8);
	memcpy(name + 8, apex, sizeof(apex));
	return 8 + sizeof(apex);
}

static void put32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_record(uint8_t *to, uint32_t name, uint32_t net, uint32_t version, uint32_t place)
{
	static const uint8_t head[] = {0xc0, 0x0c, 0, 28, 0, 1, 0, 0, 0, 0, 0, 16};

	memcpy(to, head, sizeof(head));
	put32(to + 12, 0x20010db8);
	put32(to + 16, name);
	put32(to + 20, version);
	to[24] = (uint8_t)net;
	to[25] = (uint8_t)place;
	to[26] = (uint8_t)TORTURE_COUNT(name, version);
	to[27] = 0;
}

static void make_image(uint32_t name, uint32_t net, uint32_t version, struct an_answer_slot *ret)
{
	uint32_t count = TORTURE_COUNT(name, version);

	memset(ret, 0, sizeof(*ret));
	ret->head.used = (uint16_t)(AN_ANSWER_DATA_AT + count * TORTURE_STRIDE);
	ret->answer.ttl = TORTURE_TTL(version);
	ret->answer.traits = 0;
	ret->answer.flags = AN_FLAG_AA;
	ret->answer.counts[0] = ret->answer.count = (uint8_t)count;
	ret->answer.stride = TORTURE_STRIDE;
	ret->answer.wire_scope = net ? 24 : 0;
	for (uint32_t i = 0; i < count; i++)
		put_record(ret->data + i * TORTURE_STRIDE, name, net, version, i);
}

static struct an_audience_key make_key(uint32_t net)
{
	struct an_audience_key key = {.kind = AN_AUDIENCE_NET};

	if (net) {
		key.family = AN_FAMILY_IPV4;
		key.len = 24;
		key.prefix[0] = 9;
		key.prefix[1] = (uint8_t)net;
	}
	return key;
}

static uint32_t next_version(struct writer *writer)
{
	uint32_t version = writer->board->version + 1;

	/* Before the first octet of it is written: nothing newer than this can come. */
	__atomic_store_n(&writer->board->version, version, __ATOMIC_SEQ_CST);
	__atomic_store_n(&writer->control->newest, version, __ATOMIC_SEQ_CST);
	return version;
}

static int put(struct writer *writer, uint32_t name, uint32_t net, uint32_t version)
{
	_Alignas(8) uint8_t octets[AN_SLOT_LARGE_SIZE];
	struct an_answer_slot *image = (void *)octets;
	struct an_audience_key key = make_key(net);
	uint8_t wire[TORTURE_QNAME + 1];
	size_t len = make_name(name, wire);
	uint32_t slot;
	uint64_t uid;
	int code = publish_owner(writer->publish, wire, len, AN_TYPE_AAAA, writer->zone,
	                         writer->generation, 0, &uid);

	make_image(name, net, version, image);
	if (!code)
		code = publish_answer(writer->publish, uid, &key, key.prefix, key.len, image,
		                      CLOCK_MS_NEVER, CLOCK_MS_NEVER, true, &slot);
	writer->board->writes += !code;
	writer->board->refused += code != 0;
	if (!code)
		writer->board->done[name * TORTURE_NETS + net] = version;
	return code;
}

int writer_put(struct writer *writer, uint32_t name, uint32_t net)
{
	uint32_t version =
	        writer->control->one_epoch ? writer->board->version : next_version(writer);

	return put(writer, name, net, version);
}

void writer_put_all(struct writer *writer, uint32_t name)
{
	uint8_t wire[TORTURE_QNAME + 1];
	size_t len = make_name(name, wire);

	for (uint32_t net = writer->control->nets; net-- > 0;) {
		/* Where there was no room for the owner, the publisher knows nothing of this
		 * network: a wider answer, a moment later, would be right to stand in for it. */
		if (writer_put(writer, name, net) &&
		    !publish_has(writer->publish, wire, len, AN_TYPE_AAAA))
			return;
	}
}

void writer_remove(struct writer *writer, uint32_t name)
{
	uint8_t wire[TORTURE_QNAME + 1];
	size_t len = make_name(name, wire);
	uint64_t uid;

	if (!publish_has(writer->publish, wire, len, AN_TYPE_AAAA))
		return;
	if (!publish_owner(writer->publish, wire, len, AN_TYPE_AAAA, writer->zone,
	                   writer->generation, 0, &uid))
		publish_owner_remove(writer->publish, uid);
}

void writer_reload(struct writer *writer)
{
	uint32_t version = next_version(writer);

	set_zone(writer, version + 1);
}

/* SplitMix64 (public domain, Vigna 2015). */
uint32_t writer_draw(struct writer *writer, uint32_t below)
{
	uint64_t z = writer->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

/* ---- the maps, against the treaty ---- */

static const struct an_slot_head *slot_of(const struct kernel_maps *maps, uint32_t number)
{
	uint32_t index = number & AN_SLOT_INDEX;

	if (number & AN_SLOT_SEGMENT || !index)
		return NULL;
	if (number & AN_SLOT_LARGE)
		return index < maps->slots_large_count
		               ? (const void *)(maps->slots_large +
		                                (size_t)index * AN_SLOT_LARGE_SIZE)
		               : NULL;
	return index < maps->slots_count
	               ? (const void *)(maps->slots + (size_t)index * AN_SLOT_SMALL_SIZE)
	               : NULL;
}

static const char *check_owner(const struct kernel_maps *maps, const struct an_owner_key *key,
                               uint32_t number)
{
	const struct an_owner_slot *slot = (const void *)slot_of(maps, number);

	if (!slot)
		return "an owner's slot number is none";
	if (slot->head.seq & 1)
		return "an owner's slot is half written";
	if (slot->head.kind != AN_SLOT_OWNER || memcmp(&slot->key, key, sizeof(*key)))
		return "an owner's key and slot disagree";
	if (an_name_hash(maps->control->seed, slot->name, slot->name_len) != key->hash)
		return "an owner's name has another hash";
	return NULL;
}

static const char *check_audience(const struct kernel_maps *maps, const struct an_audience_key *key,
                                  uint32_t number)
{
	const struct an_answer_slot *slot = (const void *)slot_of(maps, number);

	if (number == AN_SLOT_ASK)
		return NULL;
	if (!slot)
		return "an answer's slot number is none";
	if (slot->head.seq & 1)
		return "an answer's slot is half written";
	if (slot->head.kind != AN_SLOT_ANSWER || memcmp(&slot->key, key, sizeof(*key)))
		return "an answer's key and slot disagree";
	return NULL;
}

static const char *check_owners(const struct kernel_maps *maps)
{
	struct an_owner_key key, *from = NULL, next;
	const char *why = NULL;
	uint32_t number;

	while (!why && !maps->ops->next(maps->owners_fd, from, &next)) {
		key = next;
		from = &key;
		if (!maps->ops->lookup(maps->owners_fd, &key, &number))
			why = check_owner(maps, &key, number);
	}
	return why;
}

static const char *check_audiences(const struct kernel_maps *maps)
{
	struct an_audience_key key, *from = NULL, next;
	const char *why = NULL;
	uint32_t number;

	while (!why && !maps->ops->next(maps->audiences_fd, from, &next)) {
		key = next;
		from = &key;
		if (!maps->ops->lookup(maps->audiences_fd, &key, &number))
			why = check_audience(maps, &key, number);
	}
	return why;
}

/* Every entry of the index is an owner that the hash has under the same number. */
static const char *check_front_entry(const struct kernel_maps *maps, uint64_t line, uint64_t entry)
{
	const struct an_owner_slot *slot = (const void *)slot_of(maps, (uint32_t)entry);
	uint64_t hash;
	uint32_t number;

	if (!slot || slot->head.kind != AN_SLOT_OWNER)
		return "the index leads to no owner";
	hash = an_front_hash(&slot->key);
	if ((hash & maps->control->front_mask) != line ||
	    an_front_print(hash) != (uint32_t)(entry >> 32))
		return "the index leads to another owner";
	if (maps->ops->lookup(maps->owners_fd, &slot->key, &number) || number != (uint32_t)entry)
		return "the index has an owner that the hash has not";
	return NULL;
}

static const char *check_front(const struct kernel_maps *maps)
{
	const char *why = NULL;

	for (uint64_t line = 0; line <= maps->control->front_mask && !why; line++)
		for (unsigned int i = 0; i < AN_FRONT_ENTRIES && !why; i++) {
			uint64_t entry = maps->front[line].entries[i];

			if (entry && entry != AN_FRONT_MORE)
				why = check_front_entry(maps, line, entry);
		}
	return why;
}

const char *writer_check(const struct writer *writer, char *text, size_t size)
{
	const char *why = check_owners(writer->maps);

	if (!why)
		why = check_audiences(writer->maps);
	if (!why)
		why = check_front(writer->maps);
	if (!why)
		return NULL;
	snprintf(text, size, "%s", why);
	return text;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Master files: whatever the octets are, the file loads or is refused with a
 * place and words, and what has loaded holds together.
 */
// needs: user/zone/*.c user/base/name.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "zone/chain.h"
#include "zone/zones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static const struct zone *current;

/* A type has one set, RRSIG one for each type covered. */
static bool comes_before(const struct zone_rrset *a, const struct zone_rrset *b)
{
	if (a->type == AN_TYPE_RRSIG && b->type == AN_TYPE_RRSIG)
		return zone_covered(a) < zone_covered(b);
	return a->type < b->type;
}

/* What a name that is not there is denied by. */
static void check_chain(const struct zone_node *node, const uint8_t *name, size_t len)
{
	const struct zone_node *found;

	if (current->security == ZONE_PRESIGNED_NSEC && current->chain->count) {
		found = chain_at(current, name, len);
		REQUIRE(zone_rrset(found, AN_TYPE_NSEC));
		REQUIRE(name_compare(found->name, name) <= 0 ||
		        name_compare(chain_at_node(current, current->apex_node)->name, name) > 0 ||
		        !zone_rrset(current->apex_node, AN_TYPE_NSEC));
		REQUIRE(zone_rrset(chain_at_node(current, node), AN_TYPE_NSEC));
	}
	if (current->security != ZONE_PRESIGNED_NSEC3)
		return;
	REQUIRE(zone_rrset(chain_cover(current, name, len), AN_TYPE_NSEC3));
	found = chain_match(current, node);
	REQUIRE(!found || zone_rrset(found, AN_TYPE_NSEC3));
	found = chain_cover_wildcard(current, node);
	REQUIRE(!found || zone_rrset(found, AN_TYPE_NSEC3));
}

/* Every node is found by its name, and its sets are in order and hold something. */
static int check_node(const struct zone_node *node, void *arg)
{
	struct zone_match match = zone_find(current, node->name, node->name_len, AN_TYPE_A);
	size_t *records = arg;

	REQUIRE(zone_node_exact(current, node->name, node->name_len) == node);
	REQUIRE(name_under(node->name, node->name_len, current->apex, current->apex_len));
	if (node->flags & ZONE_NODE_HASHED)
		REQUIRE(match.node != node);
	else if (node->flags & ZONE_NODE_OCCLUDED)
		REQUIRE(match.verdict == ZONE_DELEGATION || match.verdict == ZONE_DNAME);
	else
		REQUIRE(match.node == node && !match.wildcard);
	for (unsigned int i = 0; i < node->rrset_count; i++) {
		REQUIRE(node->rrsets[i].count > 0);
		REQUIRE(!i || comes_before(&node->rrsets[i - 1], &node->rrsets[i]));
		REQUIRE(zone_rrset_for(node, node->rrsets[i].type, node->rrsets[i].rdata[0].data) ==
		        &node->rrsets[i]);
		*records += node->rrsets[i].count;
	}
	return 0;
}

/* A name that is not there leads to its parent, or to what covers it. */
static int check_below(const struct zone_node *node, void *arg)
{
	uint8_t name[NAME_MAX_LEN] = "\4\0new";
	struct zone_match match;

	(void)arg;
	if (node->name_len + 5 > NAME_MAX_LEN)
		return 0;
	memcpy(name + 5, node->name, node->name_len);
	if (zone_node_exact(current, name, node->name_len + 5u))
		return 0;
	check_chain(node, name, node->name_len + 5u);
	match = zone_find(current, name, node->name_len + 5u, AN_TYPE_A);
	REQUIRE(match.verdict != ZONE_ANSWER || match.wildcard);
	REQUIRE(match.closest && match.closest->name_len <= node->name_len);
	return 0;
}

static void note_loop(const struct zone_node *owner, const char *text, void *arg)
{
	(void)arg;
	REQUIRE(owner && *text);
}

/* A pool that leads back into the zone. */
static void check_loops(const struct zones *zones)
{
	static struct config_member members[] = {{.aname = {.name = "\1a\7example", .len = 11}},
	                                         {.aname = {.name = "\7example", .len = 9}}};
	static struct config_pool pool = {
	        .name = {.name = "\3net", .len = 5}, .members = members, .members_count = 2};
	static const struct config pooled = {.pools = &pool, .pools_count = 1};

	zones_check_loops(zones, &pooled, note_loop, NULL);
}

static void check_zone(struct zone *zone)
{
	struct zones *zones = zones_new(&zone, 1);
	size_t records = 0;

	REQUIRE(zones);
	current = zone;
	zone_each(zone, check_node, &records);
	REQUIRE(records == zone->record_count);
	zone_each(zone, check_below, NULL);
	check_loops(zones);
	zones_free(zones);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t apex[] = "\7example";
	static struct config_name denied = {.name = "\3net", .len = 5};
	static const struct config policy = {.targets_deny = &denied, .targets_deny_count = 1};
	struct config_zone settings = {0};
	struct zone *zone = NULL;
	struct error error = {0};
	FILE *in;

	if (size < 2)
		return 0;
	zone_check_closely(&policy); /* all that a daemon does, and more */
	settings.siblings = data[0] & 3;
	settings.flatten_cnames = (data[0] >> 2) % 3;
	in = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
	REQUIRE(in);
	if (zone_load_stream(apex, 9, in, "fuzz", AN_TYPE_ANAME, &settings, &zone, &error))
		REQUIRE(!zone && error.text[0] && error.file[0]);
	else
		check_zone(zone);
	fclose(in);
	return 0;
}

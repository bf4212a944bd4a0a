/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops among aliases. Each ANAME or CNAME owner of all zones is a vertex, its
 * targets inside our zones are edges; one depth-first walk gives every
 * vertex the length of its longest chain, ENDLESS where a cycle is reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "zone/zones.h"

#define CHAIN_MOST 16
#define ENDLESS    UINT32_MAX

enum state { UNSEEN, OPEN, DONE };

struct vertex {
	const struct zone_node *node;
	uint32_t height; /* links to the end of the longest chain, this one's included */
	uint32_t back;   /* who led here, index; UINT32_MAX: nobody */
	uint32_t cursor; /* next rdata */
	enum state state;
};

struct walk {
	const struct zones *zones;
	struct vertex *vertices;
	size_t count, room;
	uint32_t *places; /* index + 1 by node; 0: free */
	size_t size;
	bool failed;
};

static const struct zone_rrset *alias_set(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);

	return set ? set : zone_rrset(node, AN_TYPE_CNAME);
}

static int collect(const struct zone_node *node, void *arg)
{
	struct walk *walk = arg;

	if ((node->flags & ZONE_NODE_OCCLUDED) ||
	    !(node->flags & (ZONE_NODE_ANAME | ZONE_NODE_CNAME)))
		return 0;
	if (walk->count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 64;
		struct vertex *vertices = realloc(walk->vertices, room * sizeof(*vertices));

		if (!vertices) {
			walk->failed = true;
			return -1;
		}
		walk->vertices = vertices;
		walk->room = room;
	}
	walk->vertices[walk->count++] = (struct vertex){.node = node};
	return 0;
}

static size_t place_of(const struct walk *walk, const struct zone_node *node)
{
	size_t at = ((uintptr_t)node >> 4) * 0x9e3779b9u & (walk->size - 1);

	while (walk->places[at] && walk->vertices[walk->places[at] - 1].node != node)
		at = (at + 1) & (walk->size - 1);
	return at;
}

/* The name that a DNAME makes of `name`: its labels above `node`, then the target. 0: too long. */
static size_t substitute(uint8_t *name, size_t len, const struct zone_node *node)
{
	const struct zone_rdata *target = &zone_rrset(node, AN_TYPE_DNAME)->rdata[0];
	size_t kept = len - node->name_len;

	if (kept + target->len > NAME_MAX_LEN)
		return 0;
	memcpy(name + kept, target->data, target->len);
	return kept + target->len;
}

/*
 * The vertex that a target leads to, and how many links that takes (DNAMEs are
 * links too). No vertex: the chain ends there.
 */
static struct vertex *resolve(const struct walk *walk, const struct zone_rdata *target,
                              uint32_t *ret_links)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len = target->len;

	memcpy(name, target->data, len);
	for (*ret_links = 1; *ret_links <= CHAIN_MOST; (*ret_links)++) {
		const struct zone *zone = zones_find(walk->zones, name, len, AN_TYPE_A);
		struct zone_match match;
		size_t at;

		if (!zone)
			return NULL;
		match = zone_find(zone, name, len, AN_TYPE_A);
		if (match.verdict == ZONE_ANSWER) {
			at = place_of(walk, match.node);
			return walk->places[at] ? &walk->vertices[walk->places[at] - 1] : NULL;
		}
		if (match.verdict != ZONE_DNAME)
			return NULL;
		len = substitute(name, len, match.node);
		if (!len)
			return NULL;
	}
	*ret_links = ENDLESS;
	return NULL;
}

static void raise_height(struct vertex *vertex, uint32_t links, uint32_t below)
{
	uint32_t height = links == ENDLESS || below == ENDLESS ? ENDLESS : links + below;

	if (height > vertex->height)
		vertex->height = height;
}

/* One step of the walk at `at`: into a target not seen yet, or back. Returns where to go on. */
static uint32_t step(struct walk *walk, uint32_t at)
{
	struct vertex *vertex = &walk->vertices[at], *next;
	const struct zone_rrset *set = alias_set(vertex->node);

	while (vertex->cursor < set->count) {
		uint32_t links;

		next = resolve(walk, &set->rdata[vertex->cursor], &links);
		if (next && next->state == UNSEEN) {
			next->state = OPEN;
			next->back = at;
			return (uint32_t)(next - walk->vertices);
		}
		vertex->cursor++; /* a target just walked is seen as DONE */
		if (next && next->state == OPEN)
			links = ENDLESS;
		raise_height(vertex, links, next ? next->height : 0);
	}
	vertex->state = DONE;
	return vertex->back;
}

static void walk_from(struct walk *walk, uint32_t start)
{
	if (walk->vertices[start].state != UNSEEN)
		return;
	walk->vertices[start].state = OPEN;
	walk->vertices[start].back = UINT32_MAX;
	for (uint32_t at = start; at != UINT32_MAX;)
		at = step(walk, at);
}

static bool too_long(const struct vertex *vertex)
{
	return vertex->height > CHAIN_MOST;
}

/* The target of a chain that is too long which keeps it so; NULL at its end. */
static struct vertex *follow(const struct walk *walk, const struct vertex *vertex)
{
	const struct zone_rrset *set = alias_set(vertex->node);
	struct vertex *best = NULL;

	for (unsigned int i = 0; i < set->count; i++) {
		uint32_t links;
		struct vertex *next = resolve(walk, &set->rdata[i], &links);

		if (next && (!best || next->height > best->height))
			best = next;
	}
	return best;
}

/* "ANAME loop: a. -> b. -> a." or "ANAME chain of 17: ...", as far as there is room. */
static void describe(const struct walk *walk, const struct vertex *vertex, char *text, size_t size)
{
	char name[NAME_TEXT_MAX];
	size_t at;

	if (vertex->height == ENDLESS)
		at = (size_t)snprintf(text, size, "ANAME loop: ");
	else
		at = (size_t)snprintf(text, size,
		                      "ANAME chain of %u links, over %d: ", vertex->height,
		                      CHAIN_MOST);
	for (int links = 0; vertex && links <= CHAIN_MOST && at < size; links++) {
		at += (size_t)snprintf(text + at, size - at, "%s%s", links ? " -> " : "",
		                       name_to_text(vertex->node->name, name));
		vertex = follow(walk, vertex);
	}
}

static bool walk_init(struct walk *walk)
{
	for (size_t i = 0; i < zones_count(walk->zones) && !walk->failed; i++)
		if (zones_at(walk->zones, i)->has_aliases)
			zone_each(zones_at(walk->zones, i), collect, walk);
	for (walk->size = 64; walk->size < walk->count * 2;)
		walk->size *= 2;
	walk->places = calloc(walk->size, sizeof(*walk->places));
	if (!walk->places || walk->failed)
		return false;
	for (size_t i = 0; i < walk->count; i++)
		walk->places[place_of(walk, walk->vertices[i].node)] = (uint32_t)i + 1;
	return true;
}

void zones_check_loops(const struct zones *zones,
                       void (*found)(const struct zone_node *owner, const char *text, void *arg),
                       void *arg)
{
	struct walk walk = {.zones = zones};
	char text[512];

	if (!walk_init(&walk))
		goto done; /* a loop is found again when it is asked for */
	for (size_t i = 0; i < walk.count; i++)
		walk_from(&walk, (uint32_t)i);
	for (size_t i = 0; i < walk.count; i++) {
		if (!too_long(&walk.vertices[i]))
			continue;
		describe(&walk, &walk.vertices[i], text, sizeof(text));
		found(walk.vertices[i].node, text, arg);
	}
done:
	free(walk.vertices);
	free(walk.places);
}

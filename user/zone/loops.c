/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops among aliases. Each ANAME or CNAME owner of all zones is a vertex, and
 * so is each pool; their targets inside our zones, and the pools that these
 * name, are edges. One depth-first walk gives every vertex the length of its
 * longest chain, ENDLESS where a cycle is reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "zone/zones.h"

#define CHAIN_MOST 16
#define ENDLESS    UINT32_MAX

enum state { UNSEEN, OPEN, DONE };

struct vertex {
	const struct zone_node *node;   /* NULL: a pool */
	const struct config_pool *pool; /* NULL: an owner */
	uint32_t height; /* links to the end of the longest chain, this one's included */
	uint32_t back;   /* who led here, index; UINT32_MAX: nobody */
	uint32_t cursor; /* next target */
	bool pooled;     /* some way leads to a pool */
	enum state state;
};

struct walk {
	const struct zones *zones;
	const struct config *config; /* NULL: no pools */
	struct vertex *vertices;     /* owners, then pools by name */
	size_t count, room, owners;
	uint32_t *places; /* index + 1 by node; 0: free */
	size_t size;
	bool failed;
};

static const struct zone_rrset *alias_set(const struct zone_node *node)
{
	const struct zone_rrset *set = zone_rrset(node, AN_TYPE_ANAME);

	return set ? set : zone_rrset(node, AN_TYPE_CNAME);
}

static int add_vertex(struct walk *walk, struct vertex vertex)
{
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
	walk->vertices[walk->count++] = vertex;
	return 0;
}

static int collect(const struct zone_node *node, void *arg)
{
	if ((node->flags & ZONE_NODE_OCCLUDED) ||
	    !(node->flags & (ZONE_NODE_ANAME | ZONE_NODE_CNAME)))
		return 0;
	return add_vertex(arg, (struct vertex){.node = node});
}

static int compare_pools(const void *a, const void *b)
{
	const struct vertex *x = a, *y = b;

	return name_compare(x->pool->name.name, y->pool->name.name);
}

static void collect_pools(struct walk *walk)
{
	walk->owners = walk->count;
	for (size_t i = 0; walk->config && i < walk->config->pools_count; i++)
		add_vertex(walk, (struct vertex){.pool = &walk->config->pools[i]});
	if (walk->count > walk->owners)
		qsort(walk->vertices + walk->owners, walk->count - walk->owners,
		      sizeof(*walk->vertices), compare_pools);
}

static struct vertex *find_pool(const struct walk *walk, const uint8_t *name, size_t len)
{
	struct config_pool pool = {.name.len = (uint8_t)len};
	const struct vertex key = {.pool = &pool};

	if (walk->count == walk->owners)
		return NULL;
	memcpy(pool.name.name, name, len);
	return bsearch(&key, walk->vertices + walk->owners, walk->count - walk->owners, sizeof(key),
	               compare_pools);
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
 * The owner that a name leads to, and how many links that takes (DNAMEs are
 * links too). No vertex: the chain ends there.
 */
static struct vertex *resolve(const struct walk *walk, const uint8_t *target, size_t len,
                              uint32_t *ret_links)
{
	uint8_t name[NAME_MAX_LEN];

	memcpy(name, target, len);
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

static size_t target_count(const struct vertex *vertex)
{
	return vertex->pool ? vertex->pool->members_count : alias_set(vertex->node)->count;
}

static struct vertex *member_of(const struct walk *walk, const struct config_member *member,
                                uint32_t *ret_links)
{
	*ret_links = 0;
	if (member->pool.len)
		return find_pool(walk, member->pool.name, member->pool.len);
	if (member->aname.len)
		return resolve(walk, member->aname.name, member->aname.len, ret_links);
	return NULL;
}

/* Where one of its targets leads. A pool is no link of the chain: its members stand in its place.
 */
static struct vertex *target_of(const struct walk *walk, const struct vertex *vertex, size_t index,
                                uint32_t *ret_links)
{
	const struct zone_rdata *target;
	struct vertex *pool;

	if (vertex->pool)
		return member_of(walk, &vertex->pool->members[index], ret_links);
	target = &alias_set(vertex->node)->rdata[index];
	pool = zone_flattens(NULL, vertex->node) ? find_pool(walk, target->data, target->len)
	                                         : NULL;
	*ret_links = 0;
	return pool ? pool : resolve(walk, target->data, target->len, ret_links);
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
	size_t count = target_count(vertex);

	while (vertex->cursor < count) {
		uint32_t links;

		next = target_of(walk, vertex, vertex->cursor, &links);
		if (next && next->state == UNSEEN) {
			next->state = OPEN;
			next->back = at;
			return (uint32_t)(next - walk->vertices);
		}
		vertex->cursor++; /* a target just walked is seen as DONE */
		if (next && next->state == OPEN)
			links = ENDLESS;
		raise_height(vertex, links, next ? next->height : 0);
		vertex->pooled |= next && (next->pool || next->pooled);
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
	struct vertex *best = NULL;

	for (size_t i = 0; i < target_count(vertex); i++) {
		uint32_t links;
		struct vertex *next = target_of(walk, vertex, i, &links);

		if (next && (!best || next->height > best->height))
			best = next;
	}
	return best;
}

static char *vertex_text(const struct vertex *vertex, char text[NAME_TEXT_MAX + 8])
{
	char name[NAME_TEXT_MAX];

	if (vertex->pool)
		snprintf(text, NAME_TEXT_MAX + 8, "pool %s",
		         name_to_text(vertex->pool->name.name, name));
	else
		name_to_text(vertex->node->name, text);
	return text;
}

static bool is_among(const struct vertex *const *way, size_t count, const struct vertex *vertex)
{
	for (size_t i = 0; i < count; i++)
		if (way[i] == vertex)
			return true;
	return false;
}

/* "ANAME loop: a. -> pool p. -> a." or "ANAME chain of 17: ...", as far as there is room. */
static void describe(const struct walk *walk, const struct vertex *vertex, char *text, size_t size)
{
	const struct vertex *way[CHAIN_MOST + 1];
	char name[NAME_TEXT_MAX + 8];
	size_t at, told = 0;

	if (vertex->height == ENDLESS)
		at = (size_t)snprintf(text, size, "ANAME loop: ");
	else
		at = (size_t)snprintf(text, size,
		                      "ANAME chain of %u links, over %d: ", vertex->height,
		                      CHAIN_MOST);
	while (vertex && told < CHAIN_MOST + 1 && at < size) {
		at += (size_t)snprintf(text + at, size - at, "%s%s", told ? " -> " : "",
		                       vertex_text(vertex, name));
		if (is_among(way, told, vertex))
			break;
		way[told++] = vertex;
		vertex = follow(walk, vertex);
	}
}

static bool walk_init(struct walk *walk)
{
	for (size_t i = 0; i < zones_count(walk->zones) && !walk->failed; i++)
		if (zones_at(walk->zones, i)->has_aliases)
			zone_each(zones_at(walk->zones, i), collect, walk);
	collect_pools(walk);
	for (walk->size = 64; walk->size < walk->owners * 2;)
		walk->size *= 2;
	walk->places = calloc(walk->size, sizeof(*walk->places));
	if (!walk->places || walk->failed)
		return false;
	for (size_t i = 0; i < walk->owners; i++)
		walk->places[place_of(walk, walk->vertices[i].node)] = (uint32_t)i + 1;
	return true;
}

/* An answer has one pool: behind a pool's member another one gives nothing. */
static void check_members(const struct walk *walk, const struct vertex *pool, loop_found found,
                          void *arg)
{
	char text[512], name[NAME_TEXT_MAX];

	for (size_t i = 0; i < target_count(pool); i++) {
		uint32_t links;
		const struct vertex *next = target_of(walk, pool, i, &links);

		if (!next || next->pool || !next->pooled || too_long(next))
			continue;
		snprintf(text, sizeof(text),
		         "ANAME to a pool, behind a member of pool %s, gives nothing there",
		         name_to_text(pool->pool->name.name, name));
		found(next->node, text, arg);
	}
}

void zones_check_loops(const struct zones *zones, const struct config *config, loop_found found,
                       void *arg)
{
	struct walk walk = {.zones = zones, .config = config};
	char text[512];

	if (!walk_init(&walk))
		goto done; /* a loop is found again when it is asked for */
	for (size_t i = 0; i < walk.count; i++)
		walk_from(&walk, (uint32_t)i);
	for (size_t i = 0; i < walk.owners; i++) {
		if (!too_long(&walk.vertices[i]))
			continue;
		describe(&walk, &walk.vertices[i], text, sizeof(text));
		found(walk.vertices[i].node, text, arg);
	}
	for (size_t i = walk.owners; i < walk.count; i++)
		check_members(&walk, &walk.vertices[i], found, arg);
done:
	free(walk.vertices);
	free(walk.places);
}

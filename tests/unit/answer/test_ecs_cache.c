/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ideal cache of RFC 7871 7.3.1 in front, a CDN behind, both played here:
 * whatever the cache would answer out of what it was given is what it would be
 * given if it asked now. Queries go the whole way: respond(), the flatten loop
 * where it says WAIT, the CDN, respond() again.
 */
#include "unit/answer/scene.h"

#include "base/clock.h"
#include "unit/answer/upstream.h"

#define RESOLVERS   4
#define ENTRIES_MAX 4096
#define LEAVES_MAX  160

static const uint8_t OWNER[] = "\007example\004test";

/* ---- the CDN: networks, and the address that each is given ---- */

struct leaf {
	struct network network;
	uint8_t address[4];
	uint8_t scope; /* what it says: the network's length, or something else */
};

static struct cdn {
	struct leaf leaves[LEAVES_MAX];
	size_t count;
	uint8_t longest; /* of the tree */
	size_t most;     /* leaves, about */
	bool overlapping, no_ecs;
	unsigned int asked;
} cdn;

static unsigned int random_state;

static unsigned int random_below(unsigned int bound)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 8) % bound;
}

static struct leaf *leaf_add(const struct network *network)
{
	struct leaf *leaf = &cdn.leaves[cdn.count];

	assert_true(cdn.count < LEAVES_MAX);
	leaf->network = *network;
	leaf->scope = network->len;
	memcpy(leaf->address, (uint8_t[4]){203, 0, 113, (uint8_t)++cdn.count}, 4);
	return leaf;
}

static struct network half_of(const struct network *network, unsigned int which)
{
	struct network half = *network;

	if (which)
		half.address[half.len / 8] |= (uint8_t)(0x80 >> half.len % 8);
	half.len++;
	return half;
}

/* A random tree: every address under its root lies in exactly one leaf. */
static void tree_grow(const struct network *network)
{
	struct network half;

	if (network->len >= cdn.longest || cdn.count >= cdn.most ||
	    (network->len > 8 && !random_below(6))) {
		leaf_add(network);
		return;
	}
	/* Mostly one long branch: short leaves beside long ones. */
	for (unsigned int i = 0; i < 2; i++) {
		half = half_of(network, i);
		if (random_below(4) || (random_state & 1) == i)
			tree_grow(&half);
		else
			leaf_add(&half);
	}
}

static const struct leaf *leaf_of(const struct network *asked, bool *ret_inside)
{
	const struct leaf *best = NULL;

	*ret_inside = false;
	for (size_t i = 0; i < cdn.count; i++) {
		const struct leaf *leaf = &cdn.leaves[i];

		if (network_contains(&leaf->network, asked) &&
		    (!*ret_inside || leaf->network.len > best->network.len)) {
			best = leaf;
			*ret_inside = true;
		}
		/* Asked with less than a leaf: the first one inside, and it says so. */
		if (!best && network_contains(asked, &leaf->network))
			best = leaf;
	}
	return best;
}

/* ---- what it answers ---- */

static void upstream_gives(const struct upstream_ask *ask, struct upstream_result *ret)
{
	const struct leaf *leaf;
	bool inside;

	ret->asked = audience_ask(&ask->client, 24, 56);
	ret->status = UPSTREAM_NODATA;
	ret->ttl = 600;
	ret->ecs_echoed = !cdn.no_ecs;
	if (ask->type != AN_TYPE_A)
		return;
	cdn.asked++;
	leaf = leaf_of(&ret->asked, &inside);
	if (!leaf)
		return;
	ret->status = UPSTREAM_OK;
	ret->count = 1;
	memcpy(ret->octets, leaf->address, 4);
	ret->scope = ret->asked.family && !cdn.no_ecs ? leaf->scope : 0;
}

/* ---- the edge ---- */

/* In place of the list that is configured by default. */
static struct network own_special[2];
static size_t own_special_count;

struct edge {
	struct scene scene;
	struct network *special;
	size_t special_count;
	uv_loop_t loop;
	struct flatten *flatten;
};

struct given {
	uint8_t address[4];
	uint8_t scope;
};

static void edge_open(struct edge *edge)
{
	static const char *const texts[] = {"example.test.",
	                                    "$TTL 600\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n"
	                                    "@ ANAME cdn.elsewhere.\nns A 192.0.2.1\n",
	                                    NULL};

	memset(edge, 0, sizeof(*edge));
	scene_open(&edge->scene, texts);
	edge->special = edge->scene.config->special;
	edge->special_count = edge->scene.config->special_count;
	if (own_special_count) {
		edge->scene.config->special = own_special;
		edge->scene.config->special_count = own_special_count;
	}
	edge->scene.settings[0].budget_per_s = edge->scene.settings[0].budget_burst = 1000000;
	store_free(edge->scene.world.store);
	edge->scene.world.store = store_new(100000, ENTRIES_MAX);
	uv_loop_init(&edge->loop);
	edge->flatten = flatten_new(&edge->loop, edge->scene.world.store);
	flatten_world(edge->flatten, &edge->scene.world, (struct upstream *)&edge->loop, NULL,
	              NULL);
}

static void edge_close(struct edge *edge)
{
	flatten_free(edge->flatten);
	uv_run(&edge->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&edge->loop), 0);
	edge->scene.config->special = edge->special;
	edge->scene.config->special_count = edge->special_count;
	scene_close(&edge->scene);
}

struct waiting {
	struct flatten_wait wait;
	bool done;
};

static void wait_done(struct flatten_wait *wait)
{
	((struct waiting *)wait)->done = true;
}

/* The one A record and the scope of a reply that must have both. */
static struct given read_reply(const uint8_t *reply, size_t len, const struct network *client)
{
	struct wire w = wire_reader(reply, len);
	size_t octets = (client->len + 7u) / 8;
	struct given given;
	const uint8_t *p;

	wire_take(&w, 6);
	assert_int_equal(wire_get16(&w), 1); /* answers */
	wire_take(&w, 4 + sizeof(OWNER) + 4 + 10);
	assert_int_equal(wire_get16(&w), 4);
	p = wire_take(&w, 4);
	assert_non_null(p);
	memcpy(given.address, p, 4);
	wire_take(&w, 11);
	assert_int_equal(wire_get16(&w), AN_EDNS_ECS);
	assert_int_equal(wire_get16(&w), 4 + octets);
	assert_int_equal(wire_get16(&w), client->family ? client->family : AN_FAMILY_IPV4);
	assert_int_equal(wire_get8(&w), client->len);
	given.scope = (uint8_t)wire_get8(&w);
	p = wire_take(&w, octets);
	assert_non_null(p);
	assert_memory_equal(p, client->address, octets);
	assert_int_equal(w.at, w.size);
	return given;
}

static struct respond_result put(struct edge *edge, const uint8_t *packet, size_t len,
                                 const char *source, bool last_try, uint8_t *out)
{
	struct respond_input input = {
	        .packet = packet, .len = len, .last_try = last_try, .now_ms = clock_ms()};
	struct respond_result result;

	assert_int_equal(endpoint_parse(source, 53535, &input.source), 0);
	rcu_read_lock();
	respond(&edge->scene.world, &input, out, 1232, &result);
	rcu_read_unlock();
	return result;
}

static struct given edge_ask(struct edge *edge, const struct network *client, const char *source)
{
	char text[NET_TEXT_MAX];
	struct ask ask = {.name = "example.test.",
	                  .type = AN_TYPE_A,
	                  .ecs = client->family ? network_text(client, text) : "none"};
	uint8_t packet[512], reply[1232];
	size_t len = scene_query(&ask, packet);
	struct respond_result result = put(edge, packet, len, source, false, reply);

	if (result.verdict == RESPOND_WAIT) {
		struct waiting waiting = {.wait = {.want = result.want, .done = wait_done}};

		flatten_want(edge->flatten, &waiting.wait);
		while (!waiting.done)
			uv_run(&edge->loop, UV_RUN_ONCE);
		result = put(edge, packet, len, source, true, reply);
	}
	assert_int_equal(result.verdict, RESPOND_SEND);
	assert_int_equal(result.rcode, 0);
	assert_false(result.flags & RESPOND_STALE);
	return read_reply(reply, result.len, client);
}

/* ---- the ideal cache ---- */

struct entry {
	struct network network;
	bool exact; /* only for queries of this very SOURCE */
	struct given given;
};

struct resolver {
	const char *source;
	uint8_t longest[3]; /* SOURCE that it sends, by family */
	struct entry entries[ENTRIES_MAX];
	size_t count;
};

/* RFC 7871 7.3.1, the three cases; a SOURCE of 0 is none of them (7.1.2). */
static void cache_put(struct resolver *resolver, const struct network *client,
                      const struct given *given)
{
	struct entry *entry = &resolver->entries[resolver->count++];

	assert_true(resolver->count <= ENTRIES_MAX);
	entry->given = *given;
	entry->exact = !client->len;
	entry->network = *client;
	if (!client->len) {
		assert_int_equal(given->scope, 0);
		return;
	}
	if (given->scope <= client->len)
		entry->network = network_of(client->family, client->address, given->scope);
	else
		entry->exact = client->len < resolver->longest[client->family];
}

static const struct entry *cache_find(const struct resolver *resolver, const struct network *client)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < resolver->count; i++) {
		const struct entry *entry = &resolver->entries[i];
		bool match = entry->exact
		                     ? network_equal(&entry->network, client)
		                     : client->len && (!entry->network.len ||
		                                       network_contains(&entry->network, client));

		if (match && (!best || entry->network.len > best->network.len ||
		              (entry->network.len == best->network.len && entry->exact)))
			best = entry;
	}
	return best;
}

/* ---- the property ---- */

/* Special-use networks: who asks for one is answered by where the packet came from. */
static void move_into_special(uint8_t family, uint8_t address[16])
{
	static const uint8_t ipv4[][2] = {{10, 1},    {0, 7},    {100, 64},  {127, 0},
	                                  {169, 254}, {172, 16}, {192, 168}, {224, 9}};
	static const uint8_t ipv6[][2] = {{0xfc, 0x11}, {0xfe, 0x80}, {0xff, 2}, {0, 0}};
	const uint8_t *first = family == AN_FAMILY_IPV4 ? ipv4[random_below(sizeof(ipv4) / 2)]
	                                                : ipv6[random_below(sizeof(ipv6) / 2)];

	memcpy(address, first, 2);
	if (family == AN_FAMILY_IPV6 && !first[0])
		memset(address, 0, 15);
}

/* Mostly near the borders of the tree's leaves, with every SOURCE. */
static struct network random_client(const struct resolver *resolver)
{
	struct network client = {0};
	const struct leaf *leaf = &cdn.leaves[random_below((unsigned int)cdn.count)];
	uint8_t address[16];
	unsigned int longest, len;

	if (!random_below(16))
		return client; /* SOURCE 0 */
	memcpy(address, leaf->network.address, 16);
	for (unsigned int bit = leaf->network.len; bit < 64; bit++)
		if (random_below(2))
			address[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	longest = resolver->longest[leaf->network.family];
	len = random_below(2) ? longest : 1 + random_below(longest);
	if (own_special_count && !random_below(4))
		memcpy(address, own_special[leaf->network.family - 1].address,
		       leaf->network.family == AN_FAMILY_IPV4 ? 3 : 7);
	else if (!random_below(8))
		move_into_special(leaf->network.family, address);
	return network_of(leaf->network.family, address, len);
}

static struct resolver resolvers[RESOLVERS];

static void resolvers_reset(void)
{
	static const char *const sources[] = {"198.51.100.7", "2001:db8:77::1", "192.0.2.200",
	                                      "10.9.9.9" /* nobody that upstream may hear of */};
	static const uint8_t longest[][3] = {{0, 24, 56}, {0, 32, 64}, {0, 20, 48}, {0, 32, 64}};

	for (unsigned int i = 0; i < RESOLVERS; i++) {
		resolvers[i].source = sources[i];
		memcpy(resolvers[i].longest, longest[i], 3);
		resolvers[i].count = 0;
	}
}

/* Returns how often the cache had something to say. */
static unsigned int play(struct edge *edge, unsigned int count, unsigned int questions)
{
	unsigned int hits = 0;

	resolvers_reset();
	for (unsigned int i = 0; i < questions; i++) {
		struct resolver *resolver = &resolvers[random_below(count)];
		struct network client = random_client(resolver);
		const struct entry *entry = cache_find(resolver, &client);
		struct given given = edge_ask(edge, &client, resolver->source);
		char text[NET_TEXT_MAX], cached[NET_TEXT_MAX];

		if (entry) {
			hits++;
			if (memcmp(entry->given.address, given.address, 4) != 0)
				fail_msg("%s from %s: .%u by the cache (%s%s), .%u now (scope %u)",
				         network_text(&client, text), resolver->source,
				         entry->given.address[3],
				         network_text(&entry->network, cached),
				         entry->exact ? " exactly" : "", given.address[3],
				         given.scope);
		} else {
			cache_put(resolver, &client, &given);
		}
	}
	return hits;
}

static void leaf_text(const char *text)
{
	struct network network;

	assert_int_equal(network_parse(text, &network), 0);
	leaf_add(&network);
}

static void cdn_tree(unsigned int seed, uint8_t ipv4_longest, uint8_t ipv6_longest)
{
	struct network root;

	memset(&cdn, 0, sizeof(cdn));
	random_state = seed;
	cdn.longest = ipv4_longest;
	cdn.most = 50;
	assert_int_equal(network_parse("0.0.0.0/0", &root), 0);
	tree_grow(&root);
	cdn.longest = ipv6_longest;
	cdn.most = 100;
	assert_int_equal(network_parse("::/0", &root), 0);
	tree_grow(&root);
}

static void run_rounds(uint8_t ipv4_longest, uint8_t ipv6_longest, unsigned int count,
                       void (*change)(void))
{
	unsigned int hits = 0;

	for (unsigned int seed = 1; seed <= 20; seed++) {
		struct edge edge;

		cdn_tree(seed, ipv4_longest, ipv6_longest);
		if (change)
			change();
		edge_open(&edge);
		hits += play(&edge, count, 400);
		edge_close(&edge);
	}
	print_message("%u of 8000 questions answered by the caches\n", hits);
	assert_true(hits > 1000);
}

static void a_cache_answers_what_the_edge_would(void **state)
{
	(void)state;
	run_rounds(20, 48, RESOLVERS, NULL);
}

/* Scopes longer than what anyone may ask with: 7.3.1's second case. */
static void also_where_the_scopes_are_longer_than_what_is_asked(void **state)
{
	(void)state;
	run_rounds(30, 64, RESOLVERS, NULL);
}

static void scopes_overlap(void)
{
	for (size_t i = 0; i < cdn.count; i++)
		cdn.leaves[i].scope = (uint8_t)(3 + random_below(cdn.leaves[i].network.len + 2u));
}

/* 7.2.1 forbids it, upstreams do it: then what is heard first holds, for the cache and for us. */
static void also_where_upstreams_scopes_overlap(void **state)
{
	(void)state;
	run_rounds(24, 56, 1, scopes_overlap);
}

/* Inside of what upstream is asked for at most: who asks for more gets a scope of his own. */
static void also_beside_special_networks_longer_than_any_question(void **state)
{
	(void)state;
	assert_int_equal(network_parse("64.1.2.128/26", &own_special[0]), 0);
	assert_int_equal(network_parse("2001:db8:1:4::/62", &own_special[1]), 0);
	own_special_count = 2;
	run_rounds(20, 48, RESOLVERS, NULL);
	run_rounds(30, 64, RESOLVERS, NULL);
	own_special_count = 0;
}

static void no_scopes(void)
{
	cdn.no_ecs = true;
}

static void also_where_upstream_knows_no_networks(void **state)
{
	(void)state;
	run_rounds(16, 32, 1, no_scopes);
}

/* ---- examples ---- */

static struct given ask_text(struct edge *edge, const char *client)
{
	struct network network = {0};

	if (client)
		assert_int_equal(network_parse(client, &network), 0);
	return edge_ask(edge, &network, "198.51.100.7");
}

/* RFC 7871 7.2.1: 1.2.0.0/20 gets A, but 1.2.3.0/24 in it gets B; with the /20 taken apart nothing
 * overlaps, whatever is asked first. */
static void the_worked_example_of_7_2_1(void **state)
{
	static const char *const parts[] = {"1.2.0.0/23", "1.2.2.0/24", "1.2.4.0/22", "1.2.8.0/21"};

	(void)state;
	for (unsigned int first = 0; first < 16; first++) {
		struct flatten_stats stats;
		struct edge edge;

		memset(&cdn, 0, sizeof(cdn));
		leaf_text("1.2.3.0/24"); /* .1: B */
		for (unsigned int i = 0; i < 4; i++)
			leaf_text(parts[i]);
		for (unsigned int i = 1; i < cdn.count; i++)
			cdn.leaves[i].address[3] = 2; /* A */
		edge_open(&edge);
		for (unsigned int i = 0; i < 16; i++) {
			unsigned int third = (first + i * 5) % 16;
			char client[32];
			struct given given;

			snprintf(client, sizeof(client), "1.2.%u.0/24", third);
			given = ask_text(&edge, client);
			assert_int_equal(given.address[3], third == 3 ? 1 : 2);
			assert_int_equal(given.scope, third < 2   ? 23
			                              : third < 4 ? 24
			                              : third < 8 ? 22
			                                          : 21);
		}
		assert_int_equal(cdn.asked, 5);
		flatten_stats(edge.flatten, &stats);
		assert_int_equal(stats.overlaps, 0);
		edge_close(&edge);
	}
}

/* The same data given by a server that does not take the /20 apart. */
static void scopes_that_overlap_are_passed_on_and_counted(void **state)
{
	struct flatten_stats stats;
	struct given given;
	struct edge edge;

	(void)state;
	memset(&cdn, 0, sizeof(cdn));
	leaf_text("1.2.3.0/24");
	leaf_text("1.2.0.0/20");
	edge_open(&edge);
	given = ask_text(&edge, "1.2.3.0/24");
	assert_int_equal(given.scope, 24);
	flatten_stats(edge.flatten, &stats);
	assert_int_equal(stats.overlaps, 0);
	given = ask_text(&edge, "1.2.7.0/24");
	assert_int_equal(given.scope, 20);
	assert_int_equal(given.address[3], 2);
	flatten_stats(edge.flatten, &stats);
	assert_int_equal(stats.overlaps, 1);
	given = ask_text(&edge, "1.2.3.0/24"); /* the longer one goes on holding */
	assert_int_equal(given.address[3], 1);
	edge_close(&edge);
}

/* 7.3.1: which later questions one answer serves, in its three cases. */
static void the_three_cases_of_keeping(void **state)
{
	static const struct {
		const char *network; /* of the CDN */
		const char *first;
		uint8_t scope;
		const char *same, *other; /* answered by it, and not */
	} rows[] = {
	        {"203.0.112.0/20", "203.0.113.0/24", 20, "203.0.127.0/24", "203.0.128.0/24"},
	        {"203.0.113.128/25", "203.0.113.0/24", 25, "203.0.113.0/24", "203.0.112.0/24"},
	        {"203.0.113.0/24", "203.0.0.0/16", 24, "203.0.0.0/16", "203.0.113.0/24"},
	        {"203.0.113.0/24", "203.0.0.0/16", 24, "203.0.0.0/16", "203.0.0.0/17"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct edge edge;

		memset(&cdn, 0, sizeof(cdn));
		leaf_text(rows[i].network);
		leaf_text("203.0.112.0/24"), cdn.leaves[1].scope = 24;
		leaf_text("203.0.128.0/20");
		edge_open(&edge);
		assert_int_equal(ask_text(&edge, rows[i].first).scope, rows[i].scope);
		assert_int_equal(cdn.asked, 1);
		ask_text(&edge, rows[i].same);
		assert_int_equal(cdn.asked, 1);
		ask_text(&edge, rows[i].other);
		assert_int_equal(cdn.asked, 2);
		edge_close(&edge);
	}
}

/* Upstream's scope is lengthened until no client in a special-use network could be meant. */
static void a_scope_ends_before_the_next_special_network(void **state)
{
	static const struct {
		const char *leaf, *client;
		uint8_t scope;
	} rows[] = {
	        {"0.0.0.0/1", "11.1.2.0/24", 8},     /* 10/8 */
	        {"0.0.0.0/1", "8.1.2.0/24", 7},      /* the same, further off */
	        {"0.0.0.0/1", "64.1.0.0/24", 3},     /* 100.64/10 */
	        {"0.0.0.0/1", "126.0.0.0/24", 8},    /* 127/8 */
	        {"172.0.0.0/8", "172.0.0.0/24", 12}, /* 172.16/12 */
	        {"172.0.0.0/8", "172.128.0.0/24", 9},
	        {"8.0.0.0/5", "8.0.0.0/5", 6}, /* asked with less than the special network has */
	        {"192.160.0.0/11", "192.169.1.0/24", 16},
	        {"2000::/3", "2001:db8::/56", 3},
	        {"8000::/1", "fb00::/56", 6}, /* fc00::/7 */
	};
	struct given given;
	struct edge edge;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s in %s\n", rows[i].client, rows[i].leaf);
		memset(&cdn, 0, sizeof(cdn));
		leaf_text(rows[i].leaf);
		edge_open(&edge);
		given = ask_text(&edge, rows[i].client);
		assert_int_equal(given.scope, rows[i].scope);
		edge_close(&edge);
	}
}

/* A client in a special-use network is judged by where the packet comes from, and the scope covers
 * the whole of that network. */
static void special_use_networks_cover_their_block(void **state)
{
	static const struct {
		const char *client;
		uint8_t scope;
	} rows[] = {
	        {"10.1.2.0/24", 8},     {"100.64.9.0/24", 10}, {"127.0.0.0/24", 8},
	        {"169.254.3.0/24", 16}, {"172.16.4.0/24", 12}, {"192.168.5.0/24", 16},
	        {"224.0.1.0/24", 3},    {"0.1.2.0/24", 8},     {"fd00:1::/32", 7},
	        {"fe80::/56", 10},      {"ff02::/56", 8},
	};
	struct given given;
	struct edge edge;

	(void)state;
	memset(&cdn, 0, sizeof(cdn));
	leaf_text("198.51.100.0/24");
	leaf_text("192.0.2.0/24");
	edge_open(&edge);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		given = ask_text(&edge, rows[i].client);
		assert_int_equal(given.scope, rows[i].scope);
		assert_int_equal(given.address[3], 1);
	}
	assert_int_equal(cdn.asked, 1);
	given = ask_text(&edge, "192.0.2.0/24"); /* documentation networks are ordinary */
	assert_int_equal(given.scope, 24);
	assert_int_equal(given.address[3], 2);
	edge_close(&edge);
}

/* Upstream tells nobody apart in the one family, but in the other: scope 0 holds for the
 * special-use networks of the one as well, wherever the packet comes from, and the other's are as
 * ever. */
static void scope_0_of_a_family_covers_its_special_networks(void **state)
{
	static const struct {
		const char *all, *one; /* of the CDN */
		const char *client, *other_client;
		const char *special,
		        *source; /* the option of this family in a packet of the other */
		const char *other_special, *other_source;
		uint8_t other_scope;
	} rows[] = {
	        {"0.0.0.0/0", "2001:db8::/32", "203.0.113.0/24", "2001:db8:7::/48", "10.1.2.0/24",
	         "2001:db8:7::1", "fd00:1::/32", "198.51.100.7", 7},
	        {"0.0.0.0/0", "2001:db8::/32", "64.0.113.0/24", "2001:db8:7::/48", "192.168.2.0/24",
	         "2001:db8:7::1", "fd00:1::/32", "198.51.100.7", 7},
	        {"::/0", "198.51.100.0/24", "2001:db8:7::/48", "198.51.100.0/24", "fd00:1::/32",
	         "198.51.100.7", "10.1.2.0/24", "2001:db8:7::1", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct network client, other, special, other_special;
		struct given given;
		struct edge edge;

		memset(&cdn, 0, sizeof(cdn));
		leaf_text(rows[i].all); /* .1 */
		leaf_text(rows[i].one); /* .2 */
		assert_int_equal(network_parse(rows[i].client, &client), 0);
		assert_int_equal(network_parse(rows[i].other_client, &other), 0);
		assert_int_equal(network_parse(rows[i].special, &special), 0);
		assert_int_equal(network_parse(rows[i].other_special, &other_special), 0);
		edge_open(&edge);
		given = edge_ask(&edge, &other, rows[i].source);
		assert_int_equal(given.address[3], 2);
		assert_int_equal(given.scope, other.len < 32 ? 24 : 32);
		given = edge_ask(&edge, &client, rows[i].source);
		assert_int_equal(given.address[3], 1);
		assert_int_equal(given.scope, 0);
		given = edge_ask(&edge, &special, rows[i].source);
		assert_int_equal(given.address[3], 1);
		assert_int_equal(given.scope, 0);
		/* What is said of one family says nothing of the other. */
		given = edge_ask(&edge, &other_special, rows[i].other_source);
		assert_int_equal(given.address[3], 1);
		assert_int_equal(given.scope, rows[i].other_scope);
		edge_close(&edge);
	}
}

static void source_0_and_scope_0_are_kept_apart(void **state)
{
	struct edge edge;

	(void)state;
	memset(&cdn, 0, sizeof(cdn));
	leaf_text("203.0.113.0/24");
	edge_open(&edge);
	assert_int_equal(ask_text(&edge, NULL).scope, 0);
	assert_int_equal(cdn.asked, 1);
	assert_int_equal(ask_text(&edge, "203.0.113.0/24").scope, 24);
	assert_int_equal(cdn.asked, 2);
	assert_int_equal(ask_text(&edge, NULL).scope, 0);
	assert_int_equal(cdn.asked, 2);
	edge_close(&edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_cache_answers_what_the_edge_would),
	        cmocka_unit_test(also_where_the_scopes_are_longer_than_what_is_asked),
	        cmocka_unit_test(also_where_upstreams_scopes_overlap),
	        cmocka_unit_test(also_beside_special_networks_longer_than_any_question),
	        cmocka_unit_test(a_scope_ends_before_the_next_special_network),
	        cmocka_unit_test(also_where_upstream_knows_no_networks),
	        cmocka_unit_test(the_worked_example_of_7_2_1),
	        cmocka_unit_test(scopes_that_overlap_are_passed_on_and_counted),
	        cmocka_unit_test(the_three_cases_of_keeping),
	        cmocka_unit_test(special_use_networks_cover_their_block),
	        cmocka_unit_test(scope_0_of_a_family_covers_its_special_networks),
	        cmocka_unit_test(source_0_and_scope_0_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The store against a slow list that is obviously right, and its edges by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer/store.h"

static const uint8_t OWNER[] = "\003www\007example\003com";
static const uint8_t ADDRESS[4] = {192, 0, 2, 1};

static int setup(void **state)
{
	rcu_register_thread();
	*state = store_new(1000, 100);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	store_free(*state);
	rcu_unregister_thread();
	return 0;
}

static struct network net(const char *text)
{
	struct network network = {0};

	if (text)
		assert_int_equal(network_parse(text, &network), 0);
	return network;
}

static struct an_audience_key key_of(const struct network *network, uint8_t kind)
{
	struct an_audience_key key = {.kind = kind, .family = network->family, .len = network->len};

	if (!network->len)
		key.family = 0;
	memcpy(key.prefix, network->address, 8);
	return key;
}

static struct answer *put(struct store *store, const char *network, uint8_t kind, uint64_t fetched,
                          uint64_t fresh_until)
{
	struct store_owner *owner = store_owner_get(store, OWNER, sizeof(OWNER), AN_TYPE_A, 0);
	struct network where = net(network);
	struct answer model = {.fetched_ms = fetched,
	                       .fresh_until_ms = fresh_until,
	                       .stale_until_ms = fresh_until + 100000,
	                       .wire_scope = where.len,
	                       .count = 1};
	struct answer *old;

	model.key = key_of(&where, kind);
	model.key.uid = owner->uid;
	model.key.type = AN_TYPE_A;
	return store_put(store, owner, &model, ADDRESS, &old, 0);
}

static struct store_found find(struct store *store, const char *client, bool last_try, uint64_t now)
{
	struct network network = net(client);

	return store_find(store, OWNER, sizeof(OWNER), AN_TYPE_A, &network, 0, last_try, now);
}

static void an_unknown_owner_is_absent(void **state)
{
	assert_int_equal(find(*state, "192.0.2.0/24", true, 0).state, STORE_ABSENT);
}

static void the_longest_prefix_no_longer_than_source_wins(void **state)
{
	struct answer *wide = put(*state, "192.0.0.0/16", AN_AUDIENCE_NET, 1, 1000);
	struct answer *narrow = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 1, 1000);
	struct answer *everyone = put(*state, NULL, AN_AUDIENCE_NET, 1, 1000);

	assert_ptr_equal(find(*state, "192.0.2.0/24", false, 0).answer, narrow);
	assert_ptr_equal(find(*state, "192.0.2.77/32", false, 0).answer, narrow);
	assert_ptr_equal(find(*state, "192.0.2.0/23", false, 0).answer, wide);
	assert_ptr_equal(find(*state, "192.0.3.0/24", false, 0).answer, wide);
	assert_ptr_equal(find(*state, "198.51.100.0/24", false, 0).answer, everyone);
	assert_ptr_equal(find(*state, NULL, false, 0).answer, everyone);
	assert_ptr_equal(find(*state, "2001:db8::/56", false, 0).answer, everyone);
}

static void families_do_not_mix(void **state)
{
	put(*state, "c000:200::/24", AN_AUDIENCE_NET, 1, 1000); /* the octets of 192.0.2.0/24 */
	assert_int_equal(find(*state, "192.0.2.0/24", false, 0).state, STORE_ABSENT);
}

static void an_exact_audience_is_for_its_source_alone(void **state)
{
	struct answer *exact = put(*state, "192.0.0.0/20", AN_AUDIENCE_EXACT, 1, 1000);

	assert_ptr_equal(find(*state, "192.0.0.0/20", false, 0).answer, exact);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 0).state, STORE_ABSENT);
	assert_int_equal(find(*state, "192.0.0.0/19", false, 0).state, STORE_ABSENT);
}

static void nobody_is_not_everyone(void **state)
{
	struct answer *nobody = put(*state, NULL, AN_AUDIENCE_EXACT, 1, 1000);

	assert_ptr_equal(find(*state, NULL, false, 0).answer, nobody);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 0).state, STORE_ABSENT);
}

static void sixty_four_bits_are_the_longest(void **state)
{
	struct answer *longest = put(*state, "2001:db8:1:2::/64", AN_AUDIENCE_NET, 1, 1000);

	assert_ptr_equal(find(*state, "2001:db8:1:2::/64", false, 0).answer, longest);
	assert_ptr_equal(find(*state, "2001:db8:1:2:3::/128", false, 0).answer, longest);
	assert_int_equal(find(*state, "2001:db8:1:2::/63", false, 0).state, STORE_ABSENT);
}

static void time_moves_an_answer_from_fresh_to_expired_to_stale(void **state)
{
	put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 0, 5000);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 0).ttl, 5);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 4001).ttl, 1);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 4999).state, STORE_FRESH);
	assert_int_equal(find(*state, "192.0.2.0/24", false, 5000).state, STORE_EXPIRED);
	assert_int_equal(find(*state, "192.0.2.0/24", true, 5000).state, STORE_STALE);
	assert_int_equal(find(*state, "192.0.2.0/24", true, 5000).ttl, AN_STALE_TTL);
	assert_int_equal(find(*state, "192.0.2.0/24", true, 104999).state, STORE_STALE);
	assert_int_equal(find(*state, "192.0.2.0/24", true, 105000).state, STORE_ABSENT);
}

static void a_failing_owner_serves_what_it_has_at_once(void **state)
{
	struct answer *answer = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 0, 5000);
	struct store_found found;

	answer->owner->failing = true;
	assert_int_equal(find(*state, "192.0.2.0/24", false, 6000).state, STORE_STALE);
	found = find(*state, "198.51.100.0/22", false, 6000);
	assert_int_equal(found.state, STORE_STALE);
	assert_int_equal(found.wire_scope, 22);
}

static void the_catch_all_is_the_newest_of_any_network(void **state)
{
	put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 10, 5000);
	struct answer *newest = put(*state, "203.0.113.0/24", AN_AUDIENCE_NET, 20, 5000);

	put(*state, "198.51.100.0/24", AN_AUDIENCE_NET, 15, 5000);
	assert_ptr_equal(find(*state, "2001:db8::/56", true, 6000).answer, newest);
	store_remove(*state, newest);
	assert_int_equal(find(*state, "2001:db8::/56", true, 6000).answer->fetched_ms, 15);
}

static void a_last_try_goes_on_to_a_wider_network(void **state)
{
	put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 0, 1000);
	struct answer *wide = put(*state, "192.0.0.0/16", AN_AUDIENCE_NET, 0, 200000);

	assert_int_equal(find(*state, "192.0.2.0/24", false, 150000).state, STORE_EXPIRED);
	assert_ptr_equal(find(*state, "192.0.2.0/24", true, 150000).answer, wide);
}

static void a_failure_without_last_good_is_remembered_for_its_time(void **state)
{
	struct store_owner *owner = store_owner_get(*state, OWNER, sizeof(OWNER), AN_TYPE_A, 0);

	owner->failed_until_ms = 5000;
	owner->failed_ede = 23;
	assert_int_equal(find(*state, NULL, false, 4999).state, STORE_FAILED);
	assert_int_equal(find(*state, NULL, false, 4999).ede, 23);
	assert_int_equal(find(*state, NULL, false, 5000).state, STORE_ABSENT);
}

static void a_replacement_takes_slot_and_place(void **state)
{
	struct answer *first = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 1, 1000), *second;

	first->slot = 7;
	first->queue_at = 3;
	second = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 2, 2000);
	assert_int_equal(second->slot, 7);
	assert_int_equal(second->queue_at, 3);
	assert_int_equal(store_count(*state), 1);
	assert_ptr_equal(find(*state, "192.0.2.0/24", false, 0).answer, second);
	assert_ptr_equal(second->owner->catch_all, second);
}

static void a_name_holds_no_more_networks_than_allowed(void **state)
{
	char text[32];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "192.0.%d.0/24", i);
		assert_non_null(put(*state, text, AN_AUDIENCE_NET, 1, 1000));
	}
	assert_null(put(*state, "192.0.100.0/24", AN_AUDIENCE_NET, 1, 1000));
	assert_non_null(put(*state, "192.0.99.0/24", AN_AUDIENCE_NET, 2, 1000));
}

static void eviction_spares_what_is_used(void **state)
{
	struct answer *used = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 1, 100000);
	struct answer *cold = put(*state, "192.0.3.0/24", AN_AUDIENCE_NET, 1, 100000);

	find(*state, "192.0.2.0/24", false, 10);
	assert_ptr_equal(store_victim(*state, NULL, 20), cold);
	assert_ptr_equal(store_victim(*state, used->owner, 20), cold);
}

static void a_wider_audience_covers_a_narrower_one(void **state)
{
	struct answer *wide = put(*state, "192.0.0.0/16", AN_AUDIENCE_NET, 1, 1000);
	struct answer *narrow = put(*state, "192.0.2.0/24", AN_AUDIENCE_NET, 1, 1000);

	struct answer *everyone = put(*state, NULL, AN_AUDIENCE_NET, 1, 1000);
	struct answer *nobody = put(*state, NULL, AN_AUDIENCE_EXACT, 1, 1000);
	struct answer *same = put(*state, "192.0.0.0/16", AN_AUDIENCE_EXACT, 1, 1000);

	assert_ptr_equal(store_wider(*state, narrow), wide);
	assert_ptr_equal(store_wider(*state, same), wide);
	assert_ptr_equal(store_wider(*state, wide), everyone);
	assert_ptr_equal(store_wider(*state, nobody), everyone);
	assert_null(store_wider(*state, everyone));
}

/* ---- what lies inside ---- */

static unsigned int depth(const struct answer *root)
{
	unsigned int before, behind;

	if (!root)
		return 0;
	before = depth(root->before);
	behind = depth(root->behind);
	return 1 + (before > behind ? before : behind);
}

static struct answer *put_in_region(struct store *store, uint32_t region, const char *network,
                                    uint8_t kind)
{
	struct answer *answer = put(store, network, kind, 1, 1000), model = *answer, *old;

	store_remove(store, answer);
	model.key.region = region;
	return store_put(store, model.owner, &model, ADDRESS, &old, 0);
}

static void what_lies_inside_is_of_the_same_region_and_family(void **state)
{
	static const struct {
		const char *network;
		uint8_t kind;
		uint32_t region;
	} rows[] = {{"192.0.0.0/16", AN_AUDIENCE_EXACT, 1},
	            {"192.0.0.0/24", AN_AUDIENCE_NET, 1},
	            {"192.0.2.0/24", AN_AUDIENCE_NET, 1},
	            {"192.0.255.0/24", AN_AUDIENCE_NET, 1},
	            {"192.0.0.0/8", AN_AUDIENCE_NET, 1},
	            {"192.1.0.0/24", AN_AUDIENCE_NET, 1},
	            {"191.255.0.0/16", AN_AUDIENCE_NET, 1},
	            {"192.0.2.0/24", AN_AUDIENCE_NET, 2},
	            {"192.0.2.0/24", AN_AUDIENCE_NET, 0},
	            {"c000:2::/32", AN_AUDIENCE_NET, 1},
	            {NULL, AN_AUDIENCE_EXACT, 1}};
	struct answer *wide = put_in_region(*state, 1, "192.0.0.0/16", AN_AUDIENCE_NET),
	              *next = NULL;
	struct answer *everyone = put_in_region(*state, 1, NULL, AN_AUDIENCE_NET);
	size_t inside = 0, all = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_non_null(
		        put_in_region(*state, rows[i].region, rows[i].network, rows[i].kind));
	while ((next = store_inside(wide->owner, &wide->key, next)) != NULL) {
		assert_int_equal(next->key.region, 1);
		assert_int_equal(next->key.family, AN_FAMILY_IPV4);
		assert_memory_equal(next->key.prefix, wide->key.prefix, 2);
		inside++;
	}
	/* The /8 begins there too. */
	assert_int_equal(inside, 6);
	while ((next = store_inside(wide->owner, &everyone->key, next)) != NULL) {
		assert_int_equal(next->key.region, 1);
		all++;
	}
	assert_int_equal(all, 11);
}

static void no_order_of_networks_makes_the_way_to_one_long(void **state)
{
	struct store *store = store_new(10000, 10000);
	struct answer *answer = NULL;
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < 8192; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/24", i / 256, i % 256);
		answer = put(store, text, AN_AUDIENCE_NET, 1, 1000);
		assert_non_null(answer);
	}
	/* Twice the logarithm is what is expected; a list would be 8192 deep. */
	assert_in_range(depth(answer->owner->ordered), 13, 80);
	store_free(store);
}

/* ---- the list that is obviously right ---- */

struct row {
	struct network network;
	uint8_t kind;
	struct answer *answer;
};

static struct answer *slow_find(const struct row *rows, size_t count, const struct network *client)
{
	const struct row *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		bool exact = row->kind == AN_AUDIENCE_EXACT;

		if (row->network.len && row->network.family != client->family)
			continue;
		if (exact ? !network_equal(&row->network, client)
		          : row->network.len && !network_contains(&row->network, client))
			continue;
		if (!best || row->network.len > best->network.len ||
		    (row->network.len == best->network.len && exact))
			best = row;
	}
	return best ? best->answer : NULL;
}

static struct network random_network(unsigned int most)
{
	uint8_t address[16] = {0};
	uint8_t family = rand() % 2 ? AN_FAMILY_IPV4 : AN_FAMILY_IPV6;

	for (int i = 0; i < 8; i++)
		address[i] = (uint8_t)(rand() % 4 ? 0 : rand() % 2 << (rand() % 8));
	return network_of(family, address, 1 + (unsigned int)rand() % (family == 2 ? most : 32));
}

static void compare_inside(const struct row *rows, size_t count, const struct row *wider)
{
	const struct answer *last = NULL, *next = NULL;
	size_t slow = 0, fast = 0;

	for (size_t i = 0; i < count; i++) {
		struct network first = rows[i].network;

		first.len = (uint8_t)net_family_bits(first.family);
		slow += network_contains(&wider->network, &first);
	}
	while ((next = store_inside(wider->answer->owner, &wider->answer->key, next)) != NULL) {
		assert_true(!last || memcmp(last->key.prefix, next->key.prefix, 8) <= 0);
		last = next;
		fast++;
	}
	assert_int_equal(fast, slow);
}

static void compare(struct store *store, const struct row *rows, size_t count)
{
	for (int i = 0; i < 200; i++) {
		struct network client = random_network(128);

		assert_ptr_equal(
		        store_find(store, OWNER, sizeof(OWNER), AN_TYPE_A, &client, 0, false, 0)
		                .answer,
		        slow_find(rows, count, &client));
	}
	for (size_t i = 0; i < count; i++)
		compare_inside(rows, count, &rows[i]);
}

static void remove_some(struct store *store, struct row *rows, size_t *count)
{
	for (size_t left = (*count + 2) / 3; left; left--) {
		struct row *row = &rows[(size_t)rand() % *count];

		store_remove(store, row->answer);
		*row = rows[--*count];
	}
}

static void random_audiences_are_found_as_a_slow_list_finds_them(void **state)
{
	struct row rows[60];

	srand(20260101);
	for (int round = 0; round < 200; round++) {
		struct store_owner *owner =
		        store_owner_get(*state, OWNER, sizeof(OWNER), AN_TYPE_A, 0);
		size_t count = 0;

		for (int i = 0; i < 60; i++) {
			struct row *row = &rows[count];
			char text[NET_TEXT_MAX];
			size_t before = store_count(*state);

			row->network = random_network(64);
			row->kind = rand() % 4 ? AN_AUDIENCE_NET : AN_AUDIENCE_EXACT;
			row->answer =
			        put(*state, network_text(&row->network, text), row->kind, 1, 1000);
			if (store_count(*state) > before)
				count++;
			else
				for (size_t j = 0; j < count; j++)
					if (rows[j].kind == row->kind &&
					    network_equal(&rows[j].network, &row->network))
						rows[j].answer = row->answer;
		}
		compare(*state, rows, count);
		while (count > 1) {
			remove_some(*state, rows, &count);
			compare(*state, rows, count);
		}
		store_owner_remove(*state, owner);
		assert_int_equal(store_count(*state), 0);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        CASE(an_unknown_owner_is_absent),
	        CASE(the_longest_prefix_no_longer_than_source_wins),
	        CASE(families_do_not_mix),
	        CASE(an_exact_audience_is_for_its_source_alone),
	        CASE(nobody_is_not_everyone),
	        CASE(sixty_four_bits_are_the_longest),
	        CASE(time_moves_an_answer_from_fresh_to_expired_to_stale),
	        CASE(a_failing_owner_serves_what_it_has_at_once),
	        CASE(the_catch_all_is_the_newest_of_any_network),
	        CASE(a_last_try_goes_on_to_a_wider_network),
	        CASE(a_failure_without_last_good_is_remembered_for_its_time),
	        CASE(a_replacement_takes_slot_and_place),
	        CASE(a_name_holds_no_more_networks_than_allowed),
	        CASE(eviction_spares_what_is_used),
	        CASE(a_wider_audience_covers_a_narrower_one),
	        CASE(what_lies_inside_is_of_the_same_region_and_family),
	        CASE(no_order_of_networks_makes_the_way_to_one_long),
	        CASE(random_audiences_are_found_as_a_slow_list_finds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

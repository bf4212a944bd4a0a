/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel images: put together as the kernel does it, they are the daemon's reply. */
#include "unit/answer/one_scene.h"

static const char ZONE[] = "$TTL 300\n"
                           "@ 3600 SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "@ ANAME target.cdn.test.\n"
                           "ns1 A 192.0.2.53\n"
                           "www A 192.0.2.3\n"
                           "www A 192.0.2.1\n"
                           "www 77 A 192.0.2.2\n"
                           "www AAAA 2001:db8::2\n"
                           "www AAAA 2001:db8::1\n"
                           "text TXT \"hello\"\n"
                           "*.wild A 192.0.2.80\n"
                           "*.wilda ANAME target.cdn.test.\n"
                           "alias CNAME www\n"
                           "short 33 CNAME ns1\n"
                           "far 34 CNAME www.elsewhere.test.\n"
                           "tolast 35 CNAME last\n"
                           "tomore CNAME more\n"
                           "toflat 21 CNAME @\n"
                           "twice 22 CNAME toflat\n"
                           "lost 35 CNAME no\n"
                           "bare 36 CNAME text\n"
                           "mail 37 MX 10 www\n"
                           "mail MX 20 ns1\n"
                           "mail MX 30 text\n"
                           "flat MX 10 @\n"
                           "svc 38 HTTPS 1 ns1 alpn=h2\n"
                           "_sip._udp 39 SRV 1 2 5060 www\n"
                           "caa 40 CAA 0 issue \"ca.test\"\n"
                           "*.wildt TXT \"any\"\n"
                           "sub NS ns.sub\n"
                           "ns.sub A 192.0.2.61\n"
                           "old DNAME www\n";

/* Signatures are nothing but words here: so old a signature over so much. */
#define SIG(type) " RRSIG " type " 13 2 300 20300101000000 20200101000000 1 @ AAAA\n"

/* clang-format off */
static const char SIGNED[] =
	"$TTL 300\n"
	"@ SOA ns1 host 7 7200 3600 1209600 60\n@" SIG("SOA")
	"@ DNSKEY 257 3 13 AQ==\n@" SIG("DNSKEY")
	"@ NS ns1\n@" SIG("NS")
	"@ ANAME target.cdn.test.\n"
	"@ NSEC ns1 NS SOA RRSIG NSEC DNSKEY\n@" SIG("NSEC")
	"ns1 A 192.0.2.53\nns1" SIG("A")
	"ns1 NSEC www A RRSIG NSEC\nns1" SIG("NSEC")
	"www A 192.0.2.1\nwww A 192.0.2.2\nwww A 192.0.2.3\nwww" SIG("A")
	"www RRSIG A 13 2 300 20300101000000 20200101000000 2 @ BBBB\n"
	"alias CNAME www\nalias" SIG("CNAME")
	"plain TXT \"of which there is no signature\"\n"
	"mail MX 10 ns1\nmail" SIG("MX");
/* clang-format on */

/* A set that just fits into a large slot, and one that does not. */
#define FITS (AN_ANSWER_LARGE / 16)

/* Most turns behind a chain. */
#define TURNS 16

static int setup(void **state)
{
	static char text[sizeof(ZONE) + 8192];
	static const char *const texts[] = {"Example.test.", text, "signed.test.", SIGNED, NULL};
	size_t at = (size_t)sprintf(text, "%s", ZONE);

	(void)state;
	for (unsigned int i = 0; i < FITS; i++)
		at += (size_t)sprintf(text + at, "fits A 192.0.2.%u\n", i);
	for (unsigned int i = 0; i < FITS + 1; i++)
		at += (size_t)sprintf(text + at, "large A 192.0.2.%u\n", i);
	for (unsigned int i = 0; i < TURNS; i++)
		at += (size_t)sprintf(text + at, "last A 192.0.2.%u\n", i);
	for (unsigned int i = 0; i < TURNS + 1; i++)
		at += (size_t)sprintf(text + at, "more A 192.0.2.%u\n", i);
	/* Fits without its additional section only. */
	for (unsigned int i = 0; i < 54; i++)
		at += (size_t)sprintf(text + at, "wide MX %u www\n", i + 1);
	return one_scene_open(texts);
}

union image {
	struct an_answer_slot slot;
	uint8_t octets[AN_SLOT_LARGE_SIZE];
};

/* In a block of exactly the size that is promised. */
static size_t turned_image(const char *owner, uint16_t type, unsigned int turn,
                           unsigned int *ret_turns, union image *ret)
{
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(owner, NULL, 0, name);
	union image *exact = malloc(sizeof(*exact));
	size_t size;

	assert_non_null(exact);
	rcu_read_lock();
	size = respond_image_static(&scene.world, name, (size_t)len, type, turn, ret_turns,
	                            &exact->slot);
	rcu_read_unlock();
	*ret = *exact;
	free(exact);
	return size;
}

static size_t static_image(const char *owner, uint16_t type, union image *ret)
{
	unsigned int turns = 1;
	size_t size = turned_image(owner, type, 0, &turns, ret);

	assert_int_equal(turns, 1);
	return size;
}

static void put_ttl(uint8_t *at, uint32_t ttl)
{
	static const uint8_t zeros[4];

	assert_memory_equal(at, zeros, 4);
	at[0] = (uint8_t)(ttl >> 24);
	at[1] = (uint8_t)(ttl >> 16);
	at[2] = (uint8_t)(ttl >> 8);
	at[3] = (uint8_t)ttl;
}

/* What the kernel makes of an image for a query, with DO or without: the reply but OPT. */
static size_t kernel_reply(const union image *image, const uint8_t *query, size_t question_end,
                           bool dnssec_ok, uint32_t choice, uint32_t ttl, uint8_t *out)
{
	unsigned int opt = dnssec_ok ? 1 : 0;
	const struct an_answer_slot *slot = &image->slot;
	size_t records = (size_t)slot->answer.count * slot->answer.stride;
	const uint8_t *tail = slot->data + records;
	unsigned int start = an_choice_below(choice, slot->answer.count);
	struct wire w = wire_writer(out, 4096);

	assert_int_equal(slot->head.used, AN_ANSWER_DATA_AT + records + slot->answer.tail_len);
	wire_put(&w, query, 2);
	wire_put16(&w, AN_FLAG_QR | slot->answer.flags);
	wire_put16(&w, 1);
	wire_put16(&w,
	           slot->answer.counts[0] - (dnssec_ok ? 0u : slot->answer.signed_counts & 15u));
	wire_put16(&w, slot->answer.counts[1] - (dnssec_ok ? 0u : slot->answer.signed_counts >> 4));
	wire_put16(&w, slot->answer.counts[2] + opt);
	wire_put(&w, query + 12, question_end - 12);
	for (unsigned int i = 0; i < slot->answer.count; i++) {
		size_t at = w.at;

		wire_put(&w,
		         slot->data +
		                 (size_t)((start + i) % slot->answer.count) * slot->answer.stride,
		         slot->answer.stride);
		put_ttl(out + at + 6, ttl);
	}
	wire_put(&w, tail, slot->answer.tail_len);
	for (unsigned int i = 0; i < slot->answer.tail_ttl_count; i++)
		put_ttl(out + question_end + records + slot->answer.tail_ttl[i], ttl);
	assert_false(w.failed);
	return dnssec_ok ? w.at : w.at - slot->answer.signed_len;
}

#define OPT_LEN 11u
#define EDE_LEN 6u

/* The kernel's reply to a query with this id is the daemon's. */
static void assert_same_of(const union image *image, struct ask ask, uint32_t ttl, uint16_t id)
{
	uint8_t query[512], daemon[4096], kernel[4096];
	struct respond_result result;
	size_t len, end;

	ask.id = id;
	len = scene_query(&ask, query);
	end = 12 + name_len(query + 12) + 4;
	result = scene_send(&scene, &ask, query, len, daemon, sizeof(daemon));
	assert_int_equal(result.verdict, RESPOND_SEND);
	len = kernel_reply(image, query, end, ask.dnssec_ok,
	                   an_choice(SCENE_SEED, id, 0xc6336407, 4711), ttl, kernel);
	if (ask.dnssec_ok)
		result.len -= OPT_LEN + (result.flags & RESPOND_STALE ? EDE_LEN : 0u);
	assert_int_equal(result.len, len);
	assert_memory_equal(daemon, kernel, len);
}

static void assert_same(const union image *image, struct ask ask, uint32_t ttl)
{
	for (uint16_t id = 1; id < 64; id++)
		assert_same_of(image, ask, ttl, id);
}

static void static_images_give_the_daemons_reply(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint8_t count;
		uint32_t ttl;
	} table[] = {
	        {"www.example.test.", AN_TYPE_A, 3, 77},
	        {"WWW.example.TEST.", AN_TYPE_AAAA, 2, 300},
	        {"ns1.example.test.", AN_TYPE_AAAA, 0, 60},
	        {"text.example.test.", AN_TYPE_A, 0, 60},
	        {"a.b.wild.example.test.", AN_TYPE_A, 1, 300},
	        {"a.b.wild.example.test.", AN_TYPE_AAAA, 0, 60},
	        {"wild.example.test.", AN_TYPE_A, 0, 60},
	        {"old.example.test.", AN_TYPE_A, 0, 60},
	        {"fits.example.test.", AN_TYPE_A, FITS, 300},
	        {"Text.example.test.", AN_TYPE_TXT, 0, 300},
	        {"text.example.test.", 257, 0, 60},
	        {"mail.example.test.", AN_TYPE_MX, 0, 37},
	        {"SVC.example.test.", AN_TYPE_HTTPS, 0, 38},
	        {"_sip._UDP.example.test.", AN_TYPE_SRV, 0, 39},
	        {"caa.example.test.", 257, 0, 40},
	        {"x.y.wildt.example.test.", AN_TYPE_TXT, 0, 300},
	        {"example.test.", AN_TYPE_NS, 0, 300},
	        {"example.test.", AN_TYPE_SOA, 0, 3600},
	        {"sub.example.test.", AN_TYPE_DS, 0, 60},
	        {"old.example.test.", AN_TYPE_DNAME, 0, 300},
	        {"alias.example.test.", AN_TYPE_CNAME, 0, 300},
	        {"short.example.test.", AN_TYPE_A, 0, 33},
	        {"far.example.test.", AN_TYPE_A, 0, 34},
	        {"lost.example.test.", AN_TYPE_AAAA, 0, 35},
	        {"bare.example.test.", AN_TYPE_A, 0, 36},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		union image image;
		size_t size = static_image(table[i].name, table[i].type, &image);

		assert_int_equal(size, image.slot.head.used);
		assert_int_equal(image.slot.head.kind, AN_SLOT_ANSWER);
		assert_int_equal(image.slot.answer.count, table[i].count);
		assert_int_equal(image.slot.answer.ttl, table[i].ttl);
		assert_int_equal(image.slot.answer.traits, 0);
		assert_int_equal(image.slot.answer.wire_scope, 0);
		assert_int_equal(image.slot.answer.stride, !image.slot.answer.count        ? 0
		                                           : table[i].type == AN_TYPE_AAAA ? 28
		                                                                           : 16);
		assert_same(&image,
		            (struct ask){.name = table[i].name, .type = table[i].type, .tcp = true},
		            table[i].ttl);
	}
}

/* The kernel picks one of the images as it picks among a choice's members. */
static void addresses_behind_a_chain_have_an_image_for_each_turn(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned int turns;
	} table[] = {
	        {"alias.example.test.", AN_TYPE_A, 3},
	        {"Alias.example.test.", AN_TYPE_AAAA, 2},
	        {"tolast.example.test.", AN_TYPE_A, TURNS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ask ask = {.name = table[i].name, .type = table[i].type, .tcp = true};
		unsigned int turns, seen = 0;

		for (uint16_t id = 1; id < 200; id++) {
			uint32_t choice = an_choice(SCENE_SEED, id, 0xc6336407, 4711);
			unsigned int turn = an_choice_below(choice, table[i].turns);
			union image image;

			assert_true(turned_image(ask.name, ask.type, turn, &turns, &image) > 0);
			assert_int_equal(turns, table[i].turns);
			assert_int_equal(image.slot.answer.count, 0);
			assert_same_of(&image, ask, 300, id);
			seen |= 1u << turn;
		}
		assert_int_equal(seen, (1u << table[i].turns) - 1);
	}
}

static size_t chained_image(const char *owner, const struct answer *answer, unsigned int turn,
                            unsigned int *ret_turns, union image *ret)
{
	const struct zone *zone = zones_at(scene.world.zones, 0);
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(owner, NULL, 0, name);

	return respond_image_chained(&scene.world, zone, name, (size_t)len, answer, turn, ret_turns,
	                             &ret->slot);
}

static void flattened_addresses_behind_a_chain_have_them_too(void **state)
{
	static const char *const names[] = {"toflat.example.test.", "twice.example.test."};
	static const char *const addresses[] = {"203.0.113.1",
	                                        "203.0.113.1 203.0.113.2 203.0.113.3",
	                                        "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4"};
	static const unsigned int counts[] = {1, 3, 4};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct answer *answer = scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0,
		                                    addresses[i / 2], 41);
		struct ask ask = {.name = names[i % 2], .type = AN_TYPE_A};
		unsigned int turns;
		union image image;

		for (uint16_t id = 1; id < 100; id++) {
			uint32_t choice = an_choice(SCENE_SEED, id, 0xc6336407, 4711);
			unsigned int turn = an_choice_below(choice, counts[i / 2]);

			assert_true(chained_image(ask.name, answer, turn, &turns, &image) > 0);
			assert_int_equal(turns, counts[i / 2]);
			assert_int_equal(image.slot.answer.traits, AN_TRAIT_COUNTING);
			assert_int_equal(image.slot.answer.stale_ttl, AN_STALE_TTL);
			assert_int_equal(image.slot.answer.tail_ttl_count, counts[i / 2]);
			assert_same_of(&image, ask, 41, id);
		}
	}
}

static void chains_to_denials_and_to_nowhere(void **state)
{
	struct answer *none = scene_store(&scene, "example.test.", AN_TYPE_AAAA, NULL, 0, "", 41);
	struct ask ask = {.name = "twice.example.test.", .type = AN_TYPE_AAAA};
	struct answer *many;
	union image image;
	unsigned int turns;

	(void)state;
	assert_true(chained_image(ask.name, none, 0, &turns, &image) > 0);
	assert_int_equal(turns, 1);
	assert_int_equal(image.slot.answer.traits, 0);
	assert_same_of(&image, ask, image.slot.answer.ttl, 7);
	many = scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0,
	                   "203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5", 41);
	assert_int_equal(chained_image("twice.example.test.", many, 0, &turns, &image), 0);
	many = scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 41);
	assert_int_equal(chained_image("twice.example.test.", many, 1, &turns, &image), 0);
	assert_int_equal(chained_image("alias.example.test.", many, 0, &turns, &image), 0);
	assert_int_equal(chained_image("far.example.test.", many, 0, &turns, &image), 0);
	assert_int_equal(chained_image("example.test.", many, 0, &turns, &image), 0);
}

static void what_the_kernel_cannot_hold_has_no_image(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
	} table[] = {
	        {"flat.example.test.", AN_TYPE_MX},
	        {"no.example.test.", AN_TYPE_A},
	        {"wide.example.test.", AN_TYPE_MX},
	        {"tomore.example.test.", AN_TYPE_A},
	        {"x.sub.example.test.", AN_TYPE_A},
	        {"x.old.example.test.", AN_TYPE_A},
	        {"example.test.", AN_TYPE_A},
	        {"x.wilda.example.test.", AN_TYPE_A},
	        {"www.elsewhere.test.", AN_TYPE_A},
	        {"large.example.test.", AN_TYPE_A},
	        {".", AN_TYPE_A},
	};

	(void)state;
	scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 20);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		union image image;

		assert_int_equal(static_image(table[i].name, table[i].type, &image), 0);
	}
}

/* The image of a stored answer as the loop makes it, against the daemon's reply. */
static union image flat_image(const struct answer *answer)
{
	const struct store_owner *owner = answer->owner;
	const struct zone *zone =
	        zones_find(scene.world.zones, owner->name, owner->name_len, owner->type);
	union image image;

	assert_true(respond_image_flat(&scene.world, zone, answer, 0, &image.slot) > 0);
	return image;
}

static void flattened_images_give_the_daemons_reply(void **state)
{
	struct answer *answer = scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0,
	                                    "203.0.113.1 203.0.113.2 203.0.113.3", 41);
	union image image = flat_image(answer);

	(void)state;
	assert_int_equal(image.slot.answer.traits, AN_TRAIT_COUNTING);
	assert_int_equal(image.slot.answer.stale_ttl, 30);
	assert_int_equal(image.slot.answer.count, 3);
	assert_int_equal(image.slot.answer.tail_len, 0);
	assert_same(&image, (struct ask){.name = "example.TEST.", .type = AN_TYPE_A}, 41);

	answer = scene_store(&scene, "x.wilda.example.test.", AN_TYPE_AAAA, "198.51.100.0/24", 24,
	                     "2001:db8::1", 10);
	image = flat_image(answer);
	assert_int_equal(image.slot.answer.wire_scope, 24);
	assert_same(&image, (struct ask){.name = "x.wilda.example.test.", .type = AN_TYPE_AAAA},
	            10);
}

static void stale_images_give_the_daemons_reply(void **state)
{
	struct answer *answer = scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0,
	                                    "203.0.113.1 203.0.113.2", -3);
	union image image = flat_image(answer);

	(void)state;
	assert_same(&image,
	            (struct ask){.name = "example.test.", .type = AN_TYPE_A, .last_try = true},
	            image.slot.answer.stale_ttl);
}

static void negative_images_have_our_soa_at_a_fixed_ttl(void **state)
{
	struct answer *answer =
	        scene_store(&scene, "example.test.", AN_TYPE_AAAA, "198.51.100.0/24", 24, "", 41);
	union image image = flat_image(answer);

	(void)state;
	assert_int_equal(image.slot.answer.traits, 0);
	assert_int_equal(image.slot.answer.ttl, 60);
	assert_int_equal(image.slot.answer.stale_ttl, 30);
	assert_int_equal(image.slot.answer.wire_scope, 0);
	assert_int_equal(image.slot.answer.count, 0);
	assert_int_equal(image.slot.answer.tail_ttl_count, 1);
	assert_same(&image, (struct ask){.name = "example.test.", .type = AN_TYPE_AAAA}, 60);
}

static void aname_beside_the_addresses_stays_with_the_daemon(void **state)
{
	struct zone *zone = zones_at(scene.world.zones, 0);
	struct answer *answer =
	        scene_store(&scene, "example.test.", AN_TYPE_A, NULL, 0, "203.0.113.1", 41);
	union image image;

	(void)state;
	zone->expose_aname = true;
	assert_int_equal(respond_image_flat(&scene.world, zone, answer, 0, &image.slot), 0);
	assert_string_equal(
	        scene_ask(&scene, &(struct ask){.name = "example.test.", .type = AN_TYPE_A}),
	        "NOERROR aa\nan example.test. 41 A 203.0.113.1\nan example.test. 300 TYPE65401 "
	        "\\# 17 067461726765740363646e047465737400\n");
}

static void assert_same_both(const union image *image, const char *name, uint16_t type,
                             uint32_t ttl)
{
	assert_same(image, (struct ask){.name = name, .type = type, .dnssec_ok = true}, ttl);
	assert_same(image, (struct ask){.name = name, .type = type}, ttl);
}

static void assert_same_stale(const union image *image, const char *name, uint16_t type)
{
	struct ask ask = {.name = name, .type = type, .last_try = true};

	assert_same(image, ask, image->slot.answer.stale_ttl);
	ask.dnssec_ok = true;
	assert_same(image, ask, image->slot.answer.stale_ttl);
}

static void one_image_of_a_secure_zone_is_for_queries_with_do_and_without(void **state)
{
	union image image;
	struct answer *answer;

	(void)state;
	assert_true(static_image("www.signed.test.", AN_TYPE_A, &image) > 0);
	assert_int_equal(image.slot.answer.traits, 0);
	assert_int_equal(image.slot.answer.count, 3);
	assert_int_equal(image.slot.answer.signed_counts, 2);
	assert_same_both(&image, "WWW.signed.test.", AN_TYPE_A, 300);
	assert_true(static_image("ns1.signed.test.", AN_TYPE_AAAA, &image) > 0);
	assert_true(image.slot.answer.signed_len > 0);
	assert_same_both(&image, "ns1.signed.test.", AN_TYPE_AAAA, 60);
	assert_true(static_image("plain.signed.test.", AN_TYPE_TXT, &image) > 0);
	assert_int_equal(image.slot.answer.signed_len, 0);
	assert_same_both(&image, "plain.signed.test.", AN_TYPE_TXT, 300);

	answer = scene_store(&scene, "signed.test.", AN_TYPE_A, NULL, 0, "203.0.113.1 203.0.113.2",
	                     41);
	image = flat_image(answer);
	assert_same_both(&image, "signed.test.", AN_TYPE_A, 41);
	answer = scene_store(&scene, "signed.test.", AN_TYPE_AAAA, NULL, 0, "", 41);
	image = flat_image(answer);
	assert_int_equal(image.slot.answer.ttl, 60);
	assert_int_equal(image.slot.answer.tail_ttl_count, 2);
	assert_same_both(&image, "signed.test.", AN_TYPE_AAAA, 60);
	/* Past its time the SOA and its signature have another TTL, the proof keeps its own. */
	answer = scene_store(&scene, "signed.test.", AN_TYPE_AAAA, NULL, 0, "", -3);
	image = flat_image(answer);
	assert_same_stale(&image, "signed.test.", AN_TYPE_AAAA);
}

static void what_is_no_beginning_of_the_whole_is_for_one_of_the_two(void **state)
{
	union image image;

	(void)state;
	assert_true(static_image("mail.signed.test.", AN_TYPE_MX, &image) > 0);
	assert_int_equal(image.slot.answer.traits, AN_TRAIT_ONLY_DO);
	assert_same(
	        &image,
	        (struct ask){.name = "mail.signed.test.", .type = AN_TYPE_MX, .dnssec_ok = true},
	        300);
	assert_true(respond_image_denial(zones_at(scene.world.zones, 1), &image.slot) > 0);
	assert_int_equal(image.slot.answer.traits, AN_TRAIT_NOT_DO);
	assert_true(respond_image_denial(zones_at(scene.world.zones, 0), &image.slot) > 0);
	assert_int_equal(image.slot.answer.traits, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(static_images_give_the_daemons_reply),
	        TEST(one_image_of_a_secure_zone_is_for_queries_with_do_and_without),
	        TEST(what_is_no_beginning_of_the_whole_is_for_one_of_the_two),
	        TEST(addresses_behind_a_chain_have_an_image_for_each_turn),
	        TEST(flattened_addresses_behind_a_chain_have_them_too),
	        TEST(chains_to_denials_and_to_nowhere),
	        TEST(what_the_kernel_cannot_hold_has_no_image),
	        TEST(flattened_images_give_the_daemons_reply),
	        TEST(stale_images_give_the_daemons_reply),
	        TEST(negative_images_have_our_soa_at_a_fixed_ttl),
	        TEST(aname_beside_the_addresses_stays_with_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

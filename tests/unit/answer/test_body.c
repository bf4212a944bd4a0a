/* SPDX-License-Identifier: BSD-2-Clause */
/* A body that is kept gives the octets that rendering gives, whatever the question's name is. */
#include "unit/answer/scene.h"

#include "answer/draft.h"

/* Names of the records that a question can share labels with, above and below the cuts. */
static const char ZONE[] = "$TTL 300\n"
                           "@ 3600 SOA ns.a host.ns 7 7200 3600 1209600 60\n"
                           "@ NS ns.a\n"
                           "ns.a A 192.0.2.53\n"
                           "d NS ns.d\n"
                           "d NS a.NS.d\n"
                           "d NS host\n"
                           "d NS ns.elsewhere.\n"
                           "ns.d A 192.0.2.61\n"
                           "a.ns.d AAAA 2001:db8::61\n"
                           "host A 192.0.2.62\n"
                           "ns NS d.ns\n"
                           "d.ns A 192.0.2.63\n"
                           "far NS a.far.elsewhere.\n"
                           "itself NS itself\n"
                           "itself A 192.0.2.64\n"
                           "*.wild TXT \"x\"\n";

static const char *const labels[] = {"ns.",  "d.",      "a.",    "host.", "NS.",
                                     "far.", "itself.", "wild.", "x.",    "elsewhere."};

static const char *const apexes[] = {"a.example.test.", "test.", "."};

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* The reply without a body. */
static size_t rendered(const struct scene *scene, const uint8_t *name, size_t len, uint16_t type,
                       struct draft *draft)
{
	struct plan_question question = {
	        .world = &scene->world, .name = name, .len = len, .type = type};

	plan_make(&draft->plan, &question);
	assert_null(draft->plan.body);
	assert_true(draft_render(draft, name, len, type, 0));
	return draft->m.w.at;
}

static bool has_body(const struct scene *scene, const uint8_t *name, size_t len, uint16_t type)
{
	static const struct endpoint source = {.family = AN_FAMILY_IPV4};
	struct plan_question question = {
	        .world = &scene->world, .name = name, .len = len, .type = type, .source = &source};
	struct plan plan;

	plan_make(&plan, &question);
	return plan.body != NULL;
}

/* True: by a body. */
static bool compare(struct scene *scene, const char *text, uint16_t type)
{
	struct ask ask = {.name = text, .type = type};
	uint8_t packet[512], reply[1232];
	size_t len = scene_query(&ask, packet);
	struct respond_result result = scene_send(scene, &ask, packet, len, reply, sizeof(reply));
	const uint8_t *name = packet + AN_DNS_HEADER_LEN;
	struct draft draft;

	assert_int_equal(result.verdict, RESPOND_SEND);
	assert_int_equal(result.len, rendered(scene, name, name_len(name), type, &draft));
	assert_memory_equal(reply + AN_DNS_HEADER_LEN, draft.out + AN_DNS_HEADER_LEN,
	                    result.len - AN_DNS_HEADER_LEN);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(reply[6 + 2 * i] << 8 | reply[7 + 2 * i], draft.m.counts[i]);
	return has_body(scene, name, name_len(name), type);
}

/* Up to four labels out of the list, below the apex. */
static void name_of(unsigned int number, const char *apex, char ret[256])
{
	*ret = '\0';
	for (; number; number /= ROWS(labels) + 1)
		if (number % (ROWS(labels) + 1))
			strcat(ret, labels[number % (ROWS(labels) + 1) - 1]);
	strcat(ret, strcmp(apex, ".") || !*ret ? apex : "");
}

static void a_body_gives_what_rendering_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(apexes); i++) {
		const char *const texts[] = {apexes[i], ZONE, NULL};
		unsigned int with = 0, without = 0;
		struct scene scene = {0};

		scene_open(&scene, texts);
		for (unsigned int number = 0; number < 14641; number++) {
			char name[256];

			name_of(number, apexes[i], name);
			if (compare(&scene, name, AN_TYPE_TXT))
				with++;
			else
				without++;
		}
		/* At the root there are no denials by a body, but referrals; and ns.d, a.ns.d and
		 * the like are rendered in all. */
		assert_in_range(with, 4000, 14641);
		assert_in_range(without, 100, 12000);
		scene_close(&scene);
	}
}

/* The name asked, whether its denial or referral is a body. */
static void what_shares_more_with_the_question_is_rendered(void **state)
{
	static const struct {
		const char *name;
		bool body;
	} rows[] = {
	        {"x.a.example.test.", true},     {"x.y.a.example.test.", true},
	        {"wild.a.example.test.", true},  {"host.a.example.test.", true},
	        {"nx.a.example.test.", true},    {"x.a.a.example.test.", false},
	        {"d.a.example.test.", true},     {"x.d.a.example.test.", true},
	        {"ns.d.a.example.test.", false}, {"x.Ns.d.a.example.test.", false},
	        {"a.d.a.example.test.", true},   {"itself.a.example.test.", true},
	        {"x.far.a.example.test.", true}, {"x.itself.a.example.test.", true},
	};
	static const char *const texts[] = {"a.example.test.", ZONE, NULL};
	struct scene scene = {0};

	(void)state;
	scene_open(&scene, texts);
	for (size_t i = 0; i < ROWS(rows); i++)
		if (compare(&scene, rows[i].name, AN_TYPE_TXT) != rows[i].body)
			fail_msg("%s", rows[i].name);
	scene_close(&scene);
}

/* RFC 9471: what does not fit is cut as if it were rendered. */
static void a_body_that_does_not_fit_is_cut(void **state)
{
	static const char *const texts[] = {
	        "example.test.",
	        "$TTL 300\n@ SOA n h 1 2 3 4 5\n@ NS n\nn A 192.0.2.1\n"
	        "d NS one.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512.d\n"
	        "d NS two.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512x.d\n"
	        "d NS three.very-long-label-so-that-little-of-it-fits-into-a-reply-of-51.d\n"
	        "d NS four.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512y.d\n"
	        "one.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512.d A 192.0.2.1\n"
	        "one.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512.d AAAA ::1\n"
	        "two.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512x.d AAAA ::1\n"
	        "three.very-long-label-so-that-little-of-it-fits-into-a-reply-of-51.d AAAA ::1\n"
	        "four.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512y.d AAAA ::1\n"
	        "two.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512x.d A 192.0.2.2\n"
	        "four.very-long-label-so-that-little-of-it-fits-into-a-reply-of-512y.d A "
	        "192.0.2.4\n",
	        NULL};
	struct ask ask = {.name = "x.d.example.test.", .type = AN_TYPE_A};
	struct scene scene = {0};
	const char *text;

	(void)state;
	scene_open(&scene, texts);
	text = scene_ask(&scene, &ask);
	assert_non_null(strstr(text, "NOERROR tc"));
	assert_non_null(strstr(text, "ns d.example.test. 300 NS"));
	ask.tcp = true;
	text = scene_ask(&scene, &ask);
	assert_null(strstr(text, " tc"));
	assert_non_null(strstr(text, "512y.d.example.test. 300 AAAA ::1"));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_body_gives_what_rendering_gives),
	        cmocka_unit_test(what_shares_more_with_the_question_is_rendered),
	        cmocka_unit_test(a_body_that_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Key files in a folder, and zones that get their signer from it. */
#include "unit/folder.h"
#include "unit/sign/sign_test.h"

#include <limits.h>

static const char text[] = "$TTL 3600\n"
                           "@ SOA ns1 host 7 7200 3600 1209600 60\n"
                           "@ NS ns1\n"
                           "ns1 A 192.0.2.1\n";

/* What another's signing made, and what is the zone's own all the same. */
static const char signed_text[] =
        "$TTL 3600\n"
        "@ SOA ns1 host 7 7200 3600 1209600 60\n"
        "@ RRSIG SOA 13 2 3600 20300101000000 20200101000000 1 @ AAAA\n"
        "@ NS ns1\n"
        "@ DNSKEY 257 3 13 "
        "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==\n"
        "@ CDS 1 13 2 00\n"
        "@ NSEC ns1 NS SOA RRSIG NSEC DNSKEY\n"
        "@ NSEC3PARAM 1 0 0 -\n"
        "ns1 A 192.0.2.1\n"
        "child NS ns.elsewhere.\n"
        "child DS 1 13 2 00\n";

static char folder[512];

static int setup(void **state)
{
	(void)state;
	folder_template(folder, sizeof(folder), "sign");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[600];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); // NOLINT(cert-env33-c)
}

/* Writes a new key; its path without the ending. */
static char *new_key(uint8_t algorithm, uint16_t flags, char ret[PATH_MAX])
{
	struct error error = {0};
	struct sign_key key;

	assert_int_equal(sign_key_generate(algorithm, flags, 0, &key), 0);
	key.times.created = key.times.publish = key.times.activate = NOW - 5;
	if (sign_keyfile_write(folder, EXAMPLE, &key, ret, &error))
		fail_msg("%s", error.text);
	sign_key_done(&key);
	return ret;
}

static void append(const char *stem, const char *ending, const char *line)
{
	char path[PATH_MAX + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", stem, ending);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs(line, file);
	fclose(file);
}

static void expect_fault(const char *file, unsigned int line, const char *words)
{
	struct sign_keys *keys = NULL;
	struct error error = {0};

	assert_true(sign_keys_load(folder, EXAMPLE, EXAMPLE_LEN, &keys, &error) < 0);
	print_message("%s:%u: %s\n", error.file, error.line, error.text);
	assert_non_null(strstr(error.text, words));
	assert_non_null(strstr(error.file, file));
	assert_int_equal(error.line, line);
	assert_null(keys);
}

static void keys_are_read_as_they_were_written(void **state)
{
	struct sign_keys *keys;
	char stem[PATH_MAX], path[PATH_MAX + 16];
	struct error error = {0};
	struct stat status;

	(void)state;
	for (size_t i = 0; i < sizeof(algorithms_all); i++) {
		new_key(algorithms_all[i], i & 1 ? 256 : 257, stem);
		snprintf(path, sizeof(path), "%s.private", stem);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	assert_int_equal(sign_keys_load(folder, EXAMPLE, EXAMPLE_LEN, &keys, &error), 0);
	assert_int_equal(keys->count, sizeof(algorithms_all));
	for (unsigned int i = 0; i < keys->count; i++) {
		assert_int_equal(keys->keys[i].times.activate, NOW - 5);
		assert_int_equal(keys->keys[i].times.inactive, SIGN_TIME_NONE);
		assert_true(sign_key_active(&keys->keys[i], NOW));
		assert_false(keys->keys[i].exposed);
		assert_true(!i || keys->keys[i - 1].tag <= keys->keys[i].tag);
	}
	sign_keys_free(keys);
	/* A file that is there is nobody's to write over. */
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(sign_keys_load(folder, EXAMPLE, EXAMPLE_LEN, &keys, &error), 0);
	assert_true(keys->keys[0].exposed || keys->count > 1);
	sign_keys_free(keys);
}

static void faults_have_their_file_and_line(void **state)
{
	char stem[PATH_MAX], path[PATH_MAX + 16];

	(void)state;
	expect_fault(folder, 0, "no key of the zone: Kexample.net.+*.key");
	new_key(SIGN_ED25519, 257, stem);
	append(stem, ".private", "Delete: 20260231000000\n");
	expect_fault(".private", 7, "YYYYMMDDHHMMSS");
	snprintf(path, sizeof(path), "%s.private", stem);
	assert_int_equal(unlink(path), 0);
	append(stem, ".key", "other.net. IN DNSKEY 257 3 15 AAAA\n");
	expect_fault(".key", 6, "more than one record");
}

static void a_folder_has_the_keys_of_many_zones(void **state)
{
	struct sign_keys *keys;
	struct error error = {0};
	char stem[PATH_MAX];
	FILE *file;

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	snprintf(stem, sizeof(stem), "%s/Kother.example.net.+015+00001.key", folder);
	file = fopen(stem, "w");
	fputs("not a key at all\n", file);
	fclose(file);
	assert_int_equal(sign_keys_load(folder, EXAMPLE, EXAMPLE_LEN, &keys, &error), 0);
	assert_int_equal(keys->count, 1);
	sign_keys_free(keys);
}

/* ---- zones ---- */

static const struct config_zone *settings_on(struct config_zone *settings)
{
	*settings = (struct config_zone){.dnssec = true,
	                                 .dnssec_keys = folder,
	                                 .dnssec_validity_s = 1209600,
	                                 .dnssec_cds = DNSSEC_CDS_YES};
	return settings;
}

static void a_zone_leaves_out_what_another_signer_made(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(signed_text, settings_on(&settings));
	const struct zone_node *child;

	(void)state;
	assert_int_equal(zone->left_out, 5);
	assert_int_equal(zone->apex_node->rrset_count, 2);
	assert_int_equal(zone->security, ZONE_INSECURE); /* until it has a signer */
	child = zone_node_exact(zone, (const uint8_t *)"\5child\7example\3net", 19);
	assert_non_null(zone_rrset(child, AN_TYPE_DS));
	zone_free(zone);
	settings.catalog = true; /* its members are signed, it is not */
	zone = sign_test_zone(signed_text, &settings);
	assert_int_equal(zone->left_out, 0);
	assert_int_equal(sign_zone(zone, NULL, NOW, NULL), 0);
	assert_null(zone->signer);
	zone_free(zone);
}

static void a_zone_without_keys_is_not_to_be_served(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(text, settings_on(&settings));
	struct error error = {0};

	(void)state;
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), -ENOKEY);
	assert_non_null(strstr(error.text, "no key of the zone"));
	assert_null(zone->signer);
	zone_free(zone);
}

static void a_reload_gives_another_zone_only_where_keys_differ(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(text, settings_on(&settings)), *same, *other, *kept;
	struct error error = {0};
	char stem[PATH_MAX];

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), 0);
	assert_int_equal(zone->security, ZONE_SIGNED);
	assert_int_equal(sign_reload(zone, &settings, NOW + 1, &same, &error), 0);
	assert_ptr_equal(same, zone);
	zone_free(same);
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_reload(zone, &settings, NOW + 1, &other, &error), 0);
	assert_ptr_not_equal(other, zone);
	assert_ptr_equal(other->table, zone->table);
	assert_int_not_equal(signer_content(other->signer), signer_content(zone->signer));
	append(stem, ".private", "Delete: never\n");
	assert_true(sign_reload(zone, &settings, NOW + 1, &kept, &error) < 0);
	/* The data live as long as either. */
	zone_free(zone);
	assert_non_null(zone_rrset(other->apex_node, AN_TYPE_NS));
	zone_free(other);
}

static void a_reload_takes_over_times_that_are_still_to_come(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(text, settings_on(&settings)), *other, *third;
	struct error error = {0};
	char stem[PATH_MAX], path[PATH_MAX + 16];
	const int64_t far = NOW + 100 * INT64_C(86400);

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), 0);
	append(stem, ".private", "Inactive: 20360101000000\n");
	assert_int_equal(sign_reload(zone, &settings, NOW, &other, &error), 0);
	assert_ptr_not_equal(other, zone);
	assert_int_equal(signer_content(other->signer), signer_content(zone->signer));
	assert_true(signer_keys(other->signer)->keys[0].times.inactive > far);
	zone_free(zone);
	/* So is who may read it. */
	snprintf(path, sizeof(path), "%s.private", stem);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(sign_reload(other, &settings, NOW, &third, &error), 0);
	assert_ptr_not_equal(other, third);
	assert_true(sign_is_exposed(third));
	zone_free(other);
	assert_int_equal(sign_reload(third, &settings, NOW, &other, &error), 0);
	assert_ptr_equal(other, third);
	zone_free(other);
	zone_free(third);
}

static void keys_that_are_over_go_on_when_the_zone_is_read_again(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(text, settings_on(&settings)), *other;
	struct error error = {0};
	char stem[PATH_MAX];

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), 0);
	append(stem, ".private", "Inactive: 20260101000000\n");
	assert_int_equal(sign_reload(zone, &settings, NOW, &other, &error), 0);
	assert_true(signer_kept_on(other->signer));
	assert_false(signer_kept_on(zone->signer));
	zone_free(zone);
	zone_free(other);
	/* At a start, and what is transferred then. */
	zone = sign_test_zone(text, &settings);
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), 0);
	assert_true(signer_kept_on(zone->signer));
	zone_free(zone);
	zone = sign_test_zone(text, &settings);
	assert_int_equal(sign_arrived(zone, NULL, NOW, &other, &error), 0);
	assert_true(signer_kept_on(other->signer));
	/* One whose beginning was moved: what signed before goes on, at a start it cannot. */
	zone = sign_test_zone(text, &settings);
	append(stem, ".private", "Activate: 20360101000000\n");
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), -ENOKEY);
	assert_int_equal(sign_zone(zone, other, NOW, &error), 0);
	assert_true(signer_kept_on(zone->signer));
	zone_free(zone);
	zone_free(other);
}

static void expect_key_count(const struct zone *zone, unsigned int count, uint32_t validity_s)
{
	assert_int_equal(signer_apex_rrset(zone->signer, AN_TYPE_DNSKEY)->count, count);
	assert_int_equal(signer_policy(zone->signer).validity_s, validity_s);
	assert_verifies(
	        zone->signer, EXAMPLE, EXAMPLE_LEN, zone->soa,
	        signer_signatures(zone->signer, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, zone->soa));
}

static void what_waited_for_a_reload_is_signed_by_the_keys_that_it_brought(void **state)
{
	struct config_zone settings;
	struct zone *served = sign_test_zone(text, settings_on(&settings)), *keyed, *arrived, *in;
	struct error error = {0};
	char stem[PATH_MAX];

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_zone(served, NULL, NOW, &error), 0);
	assert_int_equal(
	        sign_arrived(sign_test_zone(text, &settings), served, NOW, &arrived, &error), 0);
	assert_int_equal(sign_waited(arrived, &settings, served, NOW, &in, &error), 0);
	assert_ptr_equal(in, arrived); /* there was no reload */
	zone_free(in);
	new_key(SIGN_ED25519, 257, stem);
	assert_int_equal(sign_reload(served, &settings, NOW, &keyed, &error), 0);
	assert_int_equal(sign_waited(arrived, &settings, keyed, NOW, &in, &error), 0);
	assert_ptr_equal(in->table, arrived->table);
	expect_key_count(in, 2, 1209600);
	zone_free(in);
	/* Nothing is served yet: the settings alone are new. */
	settings.dnssec_validity_s = 86400;
	assert_int_equal(sign_waited(arrived, &settings, NULL, NOW, &in, &error), 0);
	expect_key_count(in, 1, 86400);
	zone_free(in);
	zone_free(arrived);
	zone_free(served);
	zone_free(keyed);
}

static void what_was_read_for_other_settings_does_not_go_in(void **state)
{
	struct config_zone settings, off = {.dnssec = false};
	struct zone *plain = sign_test_zone(text, &off), *keyed, *in = NULL;
	struct error error = {0};
	char stem[PATH_MAX];

	(void)state;
	new_key(SIGN_ED25519, 257, stem);
	keyed = sign_test_zone(text, settings_on(&settings));
	assert_int_equal(sign_zone(keyed, NULL, NOW, &error), 0);
	assert_int_equal(sign_waited(plain, &settings, keyed, NOW, &in, &error), -ESTALE);
	assert_int_equal(sign_waited(plain, &settings, NULL, NOW, &in, &error), -ESTALE);
	assert_int_equal(sign_waited(keyed, &off, plain, NOW, &in, &error), -ESTALE);
	assert_null(in);
	assert_int_equal(sign_waited(plain, &off, keyed, NOW, &in, &error), 0);
	assert_ptr_equal(in, plain);
	zone_free(in);
	zone_free(plain);
	zone_free(keyed);
}

static void the_next_epoch_is_another_zone_with_the_same_keys(void **state)
{
	struct config_zone settings;
	struct zone *zone = sign_test_zone(text, settings_on(&settings)), *next;
	struct error error = {0};
	char stem[PATH_MAX];
	bool kept_on;
	int64_t due;

	(void)state;
	new_key(SIGN_ECDSAP256SHA256, 257, stem);
	assert_int_equal(sign_zone(zone, NULL, NOW, &error), 0);
	due = signer_next(zone->signer);
	assert_false(sign_is_due(zone, due - 1));
	assert_true(sign_is_due(zone, due));
	next = sign_renew(zone, due, &kept_on);
	assert_non_null(next);
	assert_false(kept_on);
	assert_ptr_equal(next->table, zone->table);
	assert_true(signer_inception(next->signer) > signer_inception(zone->signer));
	assert_verifies(
	        next->signer, EXAMPLE, EXAMPLE_LEN, next->soa,
	        signer_signatures(next->signer, EXAMPLE, EXAMPLE_LEN, AN_TYPE_SOA, next->soa));
	zone_free(zone);
	zone_free(next);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(keys_are_read_as_they_were_written, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(faults_have_their_file_and_line, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_folder_has_the_keys_of_many_zones, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_zone_leaves_out_what_another_signer_made, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_zone_without_keys_is_not_to_be_served, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_reload_gives_another_zone_only_where_keys_differ,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_reload_takes_over_times_that_are_still_to_come,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                keys_that_are_over_go_on_when_the_zone_is_read_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                what_waited_for_a_reload_is_signed_by_the_keys_that_it_brought, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(what_was_read_for_other_settings_does_not_go_in,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(the_next_epoch_is_another_zone_with_the_same_keys,
	                                        setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

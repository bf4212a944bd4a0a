/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written is what is read back: content, order aside, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../zone/from_text.h"
#include "transfer/zonefile.h"

static char folder[] = "/tmp/anamed-zonefile-XXXXXX";

static int set_up(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/zones", folder);
	return mkdir(path, 0755);
}

static int tear_down(void **state)
{
	char words[64];

	(void)state;
	snprintf(words, sizeof(words), "rm -rf %s", folder);
	return system(words);
}

static void assert_kept(const struct zone *zone)
{
	struct error error = {0};
	struct zone *back = NULL;
	char path[256], text[1024];

	assert_int_equal(zonefile_path(folder, zone->apex, path, sizeof(path)), 0);
	if (zonefile_save(zone, path, &error) ||
	    zone_load_file(zone->apex, zone->apex_len, path, AN_TYPE_ANAME, NULL, &back, &error))
		fail_msg("%s", error_text(&error, text, sizeof(text)));
	assert_int_equal(back->content, zone->content);
	assert_int_equal(back->record_count, zone->record_count);
	assert_int_equal(back->serial, zone->serial);
	zone_free(back);
}

static void every_kind_of_record_is_kept(void **state)
{
	struct zone *zone = zone_of(
	        "example.test",
	        HEAD "@ MX 10 mail\n"
	             "@ ANAME edge.cdn.test.\n"
	             "@ TXT \"a;b\" \"quote \\\" back \\\\ \\000\\255\" \"\"\n"
	             "@ CAA 0 issue \"ca.test\"\n"
	             "@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+"
	             "KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n"
	             "a A 192.0.2.1\n"
	             "a A 192.0.2.2\n"
	             "a AAAA 2001:db8::1\n"
	             "MiXeD A 192.0.2.3\n"
	             "c CNAME a\n"
	             "d DNAME elsewhere.test.\n"
	             "p PTR a\n"
	             "s SRV 1 2 3 a\n"
	             "n NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" _sip._udp\n"
	             "h HTTPS 1 . alpn=h2,h3\n"
	             "l LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n"
	             "u TYPE4711 \\# 3 010203\n"
	             "e TYPE4712 \\# 0\n"
	             "sub NS ns.sub\n"
	             "ns.sub A 192.0.2.4\n"
	             "ds DS 1 13 2 "
	             "0000000000000000000000000000000000000000000000000000000000000000\n"
	             "ds NS ns.elsewhere.test.\n"
	             "*.w 7 A 192.0.2.5\n",
	        NULL);

	(void)state;
	assert_kept(zone);
	zone_free(zone);
}

static void every_octet_may_stand_in_a_label_and_in_a_string(void **state)
{
	static const uint8_t apex[] = "\7example\4test";
	struct error error = {0};
	struct zone_builder *builder = zone_begin(apex, sizeof(apex), NULL);
	struct zone *zone = NULL;
	uint8_t soa[128], rdata[3];
	struct zone *model = zone_of("example.test", HEAD, NULL);
	const struct zone_rrset *set = model->soa;

	(void)state;
	memcpy(soa, set->rdata[0].data, set->rdata[0].len);
	assert_int_equal(zone_add(builder, apex, sizeof(apex), AN_TYPE_SOA, 1, soa,
	                          set->rdata[0].len, NULL, 0, &error),
	                 0);
	assert_int_equal(zone_add(builder, apex, sizeof(apex), AN_TYPE_NS, 1,
	                          (const uint8_t *)"\2ns\4else\0", 9, NULL, 0, &error),
	                 0);
	for (unsigned int octet = 0; octet < 256; octet++) {
		uint8_t name[2 * 2 + sizeof(apex)] = {1, (uint8_t)octet, 2, 'x', (uint8_t)octet};
		size_t len = 2 + 3 + sizeof(apex);
		uint8_t *whole = malloc(len);

		memcpy(whole, name, 5);
		memcpy(whole + 5, apex, sizeof(apex));
		rdata[0] = 2;
		rdata[1] = (uint8_t)octet;
		rdata[2] = 'y';
		assert_int_equal(
		        zone_add(builder, whole, len, AN_TYPE_TXT, 1, rdata, 3, NULL, 0, &error),
		        0);
		assert_int_equal(zone_add(builder, whole, len, AN_TYPE_PTR, 1, whole, (uint16_t)len,
		                          NULL, 0, &error),
		                 0);
		free(whole);
	}
	assert_int_equal(zone_end(builder, &zone, &error), 0);
	assert_kept(zone);
	zone_free(zone);
	zone_free(model);
}

static void the_file_is_named_by_the_apex_and_by_nothing_else(void **state)
{
	static const struct {
		const char *apex, *name;
	} rows[] = {
	        {".", "@"},
	        {"Example.Test", "example.test"},
	        {"a_b-c.test", "a_b-c.test"},
	        {"\\.\\./\\046/etc.test", "%2e%2e%2f%2e%2fetc.test"},
	        {"a\\000b\\255.test", "a%00b%ff.test"},
	        {"@.test", "%40.test"},
	};
	char path[512], wanted[512];
	uint8_t apex[NAME_MAX_LEN];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		assert_true(name_from_text(rows[i].apex, NULL, 0, apex) > 0);
		assert_int_equal(zonefile_path("/state", apex, path, sizeof(path)), 0);
		snprintf(wanted, sizeof(wanted), "/state/zones/%s.zone", rows[i].name);
		assert_string_equal(path, wanted);
	}
	assert_int_equal(zonefile_path("/state", apex, path, 20), -ENAMETOOLONG);
}

static void names_that_are_too_long_for_files_differ_by_their_hash(void **state)
{
	uint8_t apex[2][NAME_MAX_LEN];
	char path[2][512];

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (size_t at = 0; at < 3 * 64; at += 64) {
			apex[i][at] = 63;
			memset(apex[i] + at + 1, '/', 63);
		}
		apex[i][192] = 61;
		memset(apex[i] + 193, i ? '/' : '!', 61);
		apex[i][254] = 0;
		assert_int_equal(zonefile_path("/state", apex[i], path[i], sizeof(path[i])), 0);
		assert_true(strlen(strrchr(path[i], '/')) < 250);
	}
	assert_string_not_equal(path[0], path[1]);
}

static void a_fault_leaves_the_file_that_was_there(void **state)
{
	struct zone *zone = zone_of("example.test", HEAD, NULL);
	struct error error = {0};
	char path[256];

	(void)state;
	assert_int_equal(zonefile_save(zone, "/proc/no/such/folder/x", &error), -ENOENT);
	assert_true(error.text[0]);
	assert_string_equal(error.file, "/proc/no/such/folder/x");
	/* A folder stands where the file would: the rename fails, the rest is cleaned up. */
	snprintf(path, sizeof(path), "%s/taken", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(zonefile_save(zone, path, &error), -EISDIR);
	strcat(path, ".new0");
	for (int i = 0; i < 10; i++) {
		path[strlen(path) - 1] = (char)('0' + i);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	zone_free(zone);
}

static void a_full_disk_is_noticed(void **state)
{
	struct zone *zone = zone_of("example.test", HEAD, NULL);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(zonefile_write(zone, full), -EIO);
	fclose(full);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_kind_of_record_is_kept),
	        cmocka_unit_test(every_octet_may_stand_in_a_label_and_in_a_string),
	        cmocka_unit_test(the_file_is_named_by_the_apex_and_by_nothing_else),
	        cmocka_unit_test(names_that_are_too_long_for_files_differ_by_their_hash),
	        cmocka_unit_test(a_fault_leaves_the_file_that_was_there),
	        cmocka_unit_test(a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

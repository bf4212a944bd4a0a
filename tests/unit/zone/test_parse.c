/* SPDX-License-Identifier: BSD-2-Clause */
/* Master files: what is read, where the faults are said to be, and includes on a real disk. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "from_text.h"
#include "unit/folder.h"

/* ---- rdata ---- */

struct rdata_row {
	const char *text; /* behind the owner "x" */
	uint16_t type;
	uint16_t len;
	const char *octets;
};

static const struct rdata_row rdata_rows[] = {
        {"A 192.0.2.1", 1, 4, "\300\0\2\1"},
        {"AAAA 2001:db8::1", 28, 16, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"},
        {"aaaa ::ffff:192.0.2.1", 28, 16, "\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1"},
        {"PTR @", 12, 9, "\7example"},
        {"PTR Rel", 12, 13, "\3Rel\7example"},
        {"NSAP-PTR Rel", 23, 13, "\3Rel\7example"},
        {"NS abs.", 2, 5, "\3abs"},
        {"NS .", 2, 1, ""},
        {"PTR a\\.b\\032\\@.", 12, 7, "\5a.b @\0"},
        {"ANAME t.net.", AN_TYPE_ANAME, 7, "\1t\3net"},
        {"alias t.net.", AN_TYPE_ANAME, 7, "\1t\3net"},
        {"TYPE65401 \\# 7 01 74 03 6e6574 00", AN_TYPE_ANAME, 7, "\1t\3net"},
        {"TYPE65401 t.net.", AN_TYPE_ANAME, 7, "\1t\3net"},
        {"ANAME \\# 7 017403 6E6574 00", AN_TYPE_ANAME, 7, "\1t\3net"},
        {"MX 65535 m.", 15, 5, "\377\377\1m\0"},
        {"SRV 1 2 3 s.", 33, 9, "\0\1\0\2\0\3\1s\0"},
        {"TYPE1 192.0.2.1", 1, 4, "\300\0\2\1"},
        {"A \\# 4 C0000201", 1, 4, "\300\0\2\1"},
        {"TYPE4711 \\# 0", 4711, 0, ""},
        {"TYPE4711 \\# 3 abc def", 4711, 3, NULL},
        {"TYPE4711 \\# 3 ab cd ef", 4711, 3, "\253\315\357"},
        {"TXT a", 16, 2, "\1a"},
        {"TXT \"a b\" c\\032d \"e;f\" \"(\" \"\"", 16, 15, "\3a b\3c d\3e;f\1(\0"},
        {"TXT \"a\"\"b\"", 16, 4, "\1a\1b"},
        {"TXT \"a\\\"b\" \"\\\\\"", 16, 6, "\3a\"b\1\\"},
        {"TXT a\\\\ b", 16, 5, "\2a\\\1b"},
        {"TXT a\\\\ (b) \\( \\;", 16, 9, "\2a\\\1b\1(\1;"},
        {"TXT \"\\000\\255\"", 16, 3, "\2\0\377"},
        {"TXT @", 16, 2, "\1@"},
        {"SPF \"x\"", 99, 2, "\1x"},
        {"HTTPS 1 . alpn=h2 port=443", 65, 16, "\0\1\0\0\1\0\3\2h2\0\3\0\2\1\273"},
        {"HTTPS 1 . alpn=\"h2,h3\"", 65, 13, "\0\1\0\0\1\0\6\2h2\2h3"},
        {"SVCB 0 t.", 64, 5, "\0\0\1t\0"},
        {"CAA 0 issue \"ca.net; a=b\"", 257, 18, "\0\5issueca.net; a=b"},
        {"CAA 0 issue ca.net", 257, 13, "\0\5issueca.net"},
        {"CAA 0 issue \";\"", 257, 8, "\0\5issue;"},
        {"CAA 255 Tag0 \"\"", 257, 6, "\377\4Tag0"},
        {"CAA 128 tbs \"\\\"\\065\"", 257, 7, "\200\3tbs\"A"},
        {"DS 1 13 2 ab cd", 43, 6, "\0\1\15\2\253\315"},
        {"HINFO \"a b\" c", 13, 6, "\3a b\1c"},
        {"NAPTR 1 2 \"s\" \"\" \"!a\\\\.b!\" .", 35, 15, "\0\1\0\2\1s\0\6!a\\.b!\0"},
        {"SSHFP 4 2 ab", 44, 3, "\4\2\253"},
        {"TLSA 3 1 1 abcd", 52, 5, "\3\1\1\253\315"},
        {"CERT 1 2 8 qg==", 37, 6, "\0\1\0\2\10\252"},
        {"LOC 0 0 0 N 0 0 0 E 0m", 29, 16, "\0\22\26\23\200\0\0\0\200\0\0\0\0\230\226\200"},
        {"URI 1 2 \"ftp://a\"", 256, 11, "\0\1\0\2ftp://a"},
        {"RP a. b.", 17, 6, "\1a\0\1b\0"},
        {"IPSECKEY 1 3 2 gw qg==", 45, 16, "\1\3\2\2gw\7example\0\252"},
        {"IPSECKEY 1 3 2 gw. qg==", 45, 8, "\1\3\2\2gw\0\252"},
        {"IPSECKEY 1 1 2 192.0.2.1 qg==", 45, 8, "\1\1\2\300\0\2\1\252"},
        {"IPSECKEY 1 2 2 ::1 qg==", 45, 20, "\1\2\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\252"},
        {"IPSECKEY 1 0 2 . q ( g= =)", 45, 4, "\1\0\2\252"},
        {"IPSECKEY 1 0 0 .", 45, 3, "\1\0\0"},
        {"APL 1:192.0.2.0/24", 42, 7, "\0\1\30\3\300\0\2"},
};

static void rdata_of_every_kind_becomes_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rdata_rows); i++) {
		const struct rdata_row *row = &rdata_rows[i];
		const struct zone_rrset *set;
		struct error error = {0};
		struct zone *zone = NULL;
		char text[512];
		int result;

		snprintf(text, sizeof(text), HEAD "x %s\n", row->text);
		print_message("%s\n", row->text);
		result = load_text("example.", text, NULL, &zone, &error);
		if (!row->octets) { /* this one is a fault */
			assert_int_equal(result, -EINVAL);
			continue;
		}
		if (result)
			fail_msg("%s", error.text);
		set = set_of(zone, "x.example.", row->type);
		assert_non_null(set);
		assert_int_equal(set->count, 1);
		assert_int_equal(set->rdata[0].len, row->len);
		assert_memory_equal(set->rdata[0].data, row->octets, row->len);
		zone_free(zone);
	}
}

static void aname_has_the_configured_number_too(void **state)
{
	static const char text[] = HEAD "a TYPE65280 \\# 3 017400\nb TYPE65401 \\# 3 017400\n";
	const uint8_t *apex = (const uint8_t *)"\7example";
	FILE *in = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	struct error error = {0};
	struct zone *zone = NULL;

	(void)state;
	assert_int_equal(zone_load_stream(apex, 9, in, "text", 65280, NULL, &zone, &error), 0);
	fclose(in);
	assert_non_null(set_of(zone, "a.example.", AN_TYPE_ANAME));
	assert_non_null(set_of(zone, "b.example.", AN_TYPE_ANAME));
	zone_free(zone);
	zone = zone_of("example.", text, NULL);
	assert_non_null(set_of(zone, "a.example.", 65280));
	zone_free(zone);
}

/* ---- layout ---- */

/* Each text says the same as: a 300 A 192.0.2.1 and a 300 TXT "b c". */
static void layout_does_not_matter(void **state)
{
	static const char *const texts[] = {
	        "a A 192.0.2.1\na TXT \"b c\"\n",
	        "a A 192.0.2.1\na TXT \"b c\"", /* no last newline */
	        "a A 192.0.2.1\n TXT \"b c\"\n",
	        "a A 192.0.2.1\n\tTXT \"b c\" ; comment\n",
	        "a A 192.0.2.1;comment\n\n  ; comment\n \n TXT \"b c\"\n",
	        "a A 192.0.2.1\r\n TXT \"b c\"\r\n\r\n",
	        "a IN A 192.0.2.1\na IN 300 TXT \"b c\"\n",
	        "a 300 IN A 192.0.2.1\na 5m in TXT \"b c\"\n",
	        "a CLASS1 A 192.0.2.1\na 0w0d0h4M60S TXT \"b c\"\n",
	        "a A ( 192.0.2.1 )\na TXT ( ; comment ( with a parenthesis\n\"b c\"\n)\n",
	        "( a A\n192.0.2.1 )\n( a\n\n\n ) TXT(\"b c\")\n",
	        "a ( A ( 192.0.2.1 ) )\na TXT \"b c\"\n",
	        "a A 192.0.2.1\n ( TXT\n \"b c\" )\n",
	        "a.example. A 192.0.2.1\n$ORIGIN a.EXAMPLE.\n@ TXT \"b c\"\n",
	        "$ORIGIN net.\na.example. A 192.0.2.1\n$ORIGIN example.\na TXT \"b c\"\n",
	        "$TTL 9\na 300 A 192.0.2.1\n$TTL 5m ; comment\n TXT \"b c\"\n",
	        "$ttl 300\n\\097 A 192.0.2.1\n\\a TXT \"b\\032c\"\n",
	        "a TYPE1 \\# ( 4\n c000 ; half\n 0201 )\na TXT b\\032c\n",
	};
	struct zone *first = zone_of("example.", HEAD "a A 192.0.2.1\na TXT \"b c\"\n", NULL);

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		char text[512];
		struct zone *zone;

		snprintf(text, sizeof(text), HEAD "%s", texts[i]);
		print_message("%s\n", texts[i]);
		zone = zone_of("example.", text, NULL);
		assert_int_equal(zone->record_count, 5);
		assert_true(zone->content == first->content);
		zone_free(zone);
	}
	zone_free(first);
}

static void a_missing_ttl_comes_from_where_rfc_2308_says(void **state)
{
	static const struct {
		const char *text;
		uint32_t soa, ns, a; /* TTLs */
	} rows[] = {
	        /* $TTL over everything that states none. */
	        {"$TTL 9\n@ 20 SOA n. h. 1 2 3 4 60\n@ NS n.\na A 192.0.2.1\n", 20, 9, 9},
	        /* Without it the last stated. */
	        {"@ 20 SOA n. h. 1 2 3 4 60\n@ NS n.\na 30 A 192.0.2.1\n", 20, 20, 30},
	        {"@ 20 SOA n. h. 1 2 3 4 60\n@ 30 NS n.\na A 192.0.2.1\n", 20, 30, 30},
	        /* Without any, the SOA's MINIMUM. */
	        {"@ SOA n. h. 1 2 3 4 60\n@ NS n.\na A 192.0.2.1\n", 60, 60, 60},
	        {"@ SOA n. h. 1 2 3 4 60\n@ 5 NS n.\n$TTL 7\na A 192.0.2.1\n", 60, 5, 7},
	        {"@ 0 SOA n. h. 1 2 3 4 60\n@ NS n.\na 2147483647 A 192.0.2.1\n", 0, 0, 2147483647},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct zone *zone = zone_of("example.", rows[i].text, NULL);

		print_message("%s", rows[i].text);
		assert_int_equal(zone->soa->ttl, rows[i].soa);
		assert_int_equal(zone_rrset(zone->apex_node, AN_TYPE_NS)->ttl, rows[i].ns);
		assert_int_equal(set_of(zone, "a.example.", AN_TYPE_A)->ttl, rows[i].a);
		zone_free(zone);
	}
}

/* ---- faults ---- */

struct fault {
	const char *text; /* without HEAD */
	unsigned int line;
	const char *words;
};

static const struct fault faults[] = {
        {"a 5 A 192.0.2.1\n 6 A 192.0.2\n", 2, "bad IPv4 address \"192.0.2\""},
        {"a 5 A 192.0.2.1 x\n", 1, "1 wanted"},
        {"a 5 A\n", 1, "without rdata"},
        {"a 5 AAAA 192.0.2.1\n", 1, "bad IPv6 address"},
        {"a 5 MX 65536 b\n", 1, "not a number up to 65535"},
        {"a 5 MX -1 b\n", 1, "not a number"},
        {"a 5 MX b\n", 1, "2 wanted"},
        {"a 5 NS b..c\n", 1, "bad name \"b..c\""},
        {"a 5 NS b\\300.\n", 1, "bad name"},
        {"a 5 NS \"b\"\n", 1, "quotes"},
        {"a 5 RP \"b\" c\n", 1, "quotes"},
        {"a 5 NS b\"c\"\n", 1, "quotes"},
        {"\"a\" 5 NS b\n", 1, "quotes around the owner"},
        {"a 5 TXT b\"c\"\n", 1, "quote inside the word"},
        {"a 5 ANAME\n", 1, "without rdata"},
        {"a 5 ALIAS b c\n", 1, "1 wanted"},
        {"a 5 SSHFP 256 1 ab\n", 1, "not a number from 0 up to 255"},
        {"a 5 DS 1 256 2 ab\n", 1, "not a number from 0 up to 255"},
        {"a 5 DS 1 13 2 ab c\n", 1, "odd number of hexadecimal digits"},
        {"a 5 TLSA 3 1 1 abc\n", 1, "odd number of hexadecimal digits"},
        {"a 5 CERT 1 2 300 ab==\n", 1, "not a number from 0 up to 255"},
        {"a 5 CERT 0 2 3 ab==\n", 1, "not a number from 1 up to 65535"},
        {"a 5 SOA a b 4294967296 2 3 4 5\n", 1, "not a number"},
        {"a 5 SOA a b 1 2 3 4w5x 5\n", 1, "bad period"},
        {"a 5 IPSECKEY 1 0 2\n", 1, "at least 4 wanted"},
        {"a 5 IPSECKEY 1 4 2 .\n", 1, "bad number \"4\""},
        {"a 5 IPSECKEY 1 0 2 gw qg==\n", 1, "gateway type 0"},
        {"a 5 IPSECKEY 1 1 2 gw qg==\n", 1, "bad IPv4 address"},
        {"a 5 IPSECKEY 1 0 2 . qg=\n", 1, "bad base64"},
        {"a 5 CAA 0\n", 1, "rdata of 1 fields, 3 wanted"},
        {"a 5 CAA 0 issue a b\n", 1, "rdata of 4 fields, 3 wanted"},
        {"a 5 CAA 256 issue a\n", 1, "\"256\" is not a number up to 255"},
        {"a 5 CAA 0 is-sue a\n", 1, "bad property tag \"is-sue\""},
        {"a 5 CAA 0 \"issue\" a\n", 1, "bad property tag \"\"issue\"\""},
        {"a 5 CAA 0 issue \"\\300\"\n", 1, "bad escape in \"\\300\""},
        {"a 5 TYPE4711 x\n", 1, "\\# LENGTH HEX"},
        {"a 5 TYPE250 x\n", 1, "\\# LENGTH HEX"},
        {"a 5 ANY x\n", 1, "\\# LENGTH HEX"},
        {"a 5 ANY \\# 0\n", 1, "cannot stand in a zone"},
        {"a 5 TYPE0 \\# 0\n", 1, "unknown type"},
        {"a 5 TYPE65536 \\# 0\n", 1, "unknown type"},
        {"a 5 TYPE4711 \\# 4 0102\n", 1, "not followed by that many"},
        {"a 5 TYPE4711 \\# 1 0102\n", 1, "not followed by that many"},
        {"a 5 TYPE4711 \\#\n", 1, "without a length"},
        {"a 5 TYPE4711 \\# 1 0g\n", 1, "bad hexadecimal"},
        {"a 5 A \\# 3 010203\n", 1, "not rdata of the type"},
        {"a 5 RP \\# 4 00c00000\n", 1, "not rdata of the type"}, /* a pointer */
        {"a 5 ANAME \\# 2 0174\n", 1, "malformed ANAME rdata"},
        {"a 5 FOO x\n", 1, "unknown type \"FOO\""},
        {"a 5 IN\n", 1, "without a type"},
        {"a\n", 1, "without a type"},
        {"a 5 CH TXT x\n", 1, "class CH is not IN"},
        {"a CLASS3 5 TXT x\n", 1, "class CLASS3 is not IN"},
        {"a IN IN A 192.0.2.1\n", 1, "unknown type \"IN\""},
        {"a 5 5 A 192.0.2.1\n", 1, "unknown type \"5\""},
        {"a 2147483648 A 192.0.2.1\n", 1, "bad TTL"},
        {"a 5x A 192.0.2.1\n", 1, "bad TTL"},
        {"a 99999999999999999999w A 192.0.2.1\n", 1, "bad TTL"},
        {"a A 192.0.2.1\n", 1, "no TTL"},
        {"\n ; x\n A 192.0.2.1\n", 3, "none before to inherit"},
        {"a..b 5 A 192.0.2.1\n", 1, "bad name \"a..b\""},
        {"a 5 TXT (\n\n\"b\"\n", 1, "parenthesis not closed"},
        {"\na 5 TXT b (\n c ; )\n", 2, "parenthesis not closed"},
        {"\na 5 TXT ( b\n( c\n", 2, "parenthesis not closed"},
        {"a 5 TXT b )\n", 1, "closing parenthesis"},
        {"\na 5 TXT (\n\"b\nc\" )\n", 3, "quote not closed"},
        {"a 5 TXT \"b", 1, "quote not closed"},
        {"a 5 TXT \"b\\\"\n", 1, "quote not closed"},
        {"a 5 TXT b\\\n", 1, "backslash ends the line"},
        {"a 5 TXT b\\\r\n", 1, "backslash ends the line"},
        {"a 5 TXT b\\", 1, "backslash ends the line"},
        {"\n\na 5 TXT (\n a\n b\n) 6 (\n", 6, "parenthesis not closed"},
        {"a 5 MX ( 1 b\n\n c )\n", 3, "2 wanted"},
        {"$GENERATE 1-9 a$ A 192.0.2.$\n", 1, "$GENERATE is not supported"},
        {"\n$FOO\n", 2, "unknown directive $FOO"},
        {"$TTL\n", 1, "$TTL wants"},
        {"$TTL 5 6\n", 1, "$TTL wants"},
        {"$TTL x\n", 1, "$TTL wants"},
        {"$ORIGIN\n", 1, "$ORIGIN wants"},
        {"$ORIGIN a b\n", 1, "$ORIGIN wants"},
        {"$ORIGIN a..\n", 1, "bad name"},
        {"$INCLUDE\n", 1, "$INCLUDE wants"},
        {"$INCLUDE x\n", 1, "not allowed here"},
};

static void faults_are_told_with_the_line_where_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(faults); i++) {
		struct error error = {0};
		struct zone *zone = NULL;

		print_message("%s\n", faults[i].text);
		assert_int_equal(load_text("example.", faults[i].text, NULL, &zone, &error),
		                 -EINVAL);
		assert_null(zone);
		if (!strstr(error.text, faults[i].words))
			fail_msg("\"%s\" does not say \"%s\"", error.text, faults[i].words);
		assert_int_equal(error.line, faults[i].line);
		assert_string_equal(error.file, "text");
	}
}

static void nul_octets_are_refused(void **state)
{
	static const char *const texts[] = {"a 5 TXT b\0c\n", "a 5 \0\n", "; a\0b\n", "\"\0\"\n",
	                                    "a \\\0\n"};
	static const size_t sizes[] = {12, 6, 6, 4, 5};

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		struct error error = {0};
		struct zone *zone = NULL;

		assert_int_equal(load_octets("example.", texts[i], sizes[i], NULL, &zone, &error),
		                 -EINVAL);
		assert_string_equal(error.text, "NUL octet");
		assert_int_equal(error.line, 1);
	}
}

/* "a 5 TXT", then `count` strings of `len` times x. */
static char *long_text(size_t count, size_t len)
{
	char *text = malloc(sizeof(HEAD) + 16 + count * (len + 1)), *at;

	assert_non_null(text);
	at = text + sprintf(text, HEAD "a 5 TXT");
	for (size_t i = 0; i < count; i++) {
		*at++ = ' ';
		memset(at, 'x', len);
		at += len;
	}
	strcpy(at, "\n");
	return text;
}

static void lengths_have_their_limits(void **state)
{
	static const struct {
		size_t count, len;
		int result;
		const char *words;
	} rows[] = {
	        {1, 255, 0, NULL},
	        {1, 256, -EINVAL, "a string of over 255 octets"},
	        {200, 255, 0, NULL},
	        {257, 255, -EINVAL, "over 65535 octets"},
	        {32000, 1, 0, NULL},
	        {33000, 1, -EINVAL, "over 65535 octets"},
	        {1, 530000, -E2BIG, "entry longer than"},
	        {300000, 1, -E2BIG, "entry longer than"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char *text = long_text(rows[i].count, rows[i].len);
		struct error error = {0};
		struct zone *zone = NULL;

		print_message("%zu strings of %zu octets\n", rows[i].count, rows[i].len);
		assert_int_equal(load_text("example.", text, NULL, &zone, &error), rows[i].result);
		if (rows[i].words && !strstr(error.text, rows[i].words))
			fail_msg("\"%s\" does not say \"%s\"", error.text, rows[i].words);
		if (rows[i].result)
			assert_int_equal(error.line, 5);
		zone_free(zone);
		free(text);
	}
}

static void the_longest_name_is_read_and_one_octet_more_is_not(void **state)
{
	char text[1024], name[256];
	struct error error = {0};
	struct zone *zone = NULL;

	(void)state;
	/* Three labels of 63, then one of 52 with example.: 3 * 64 + 53 + 9 + 1 = 255. */
	memset(name, 'n', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	snprintf(text, sizeof(text), HEAD "%.244s A 192.0.2.1\n", name);
	zone = zone_of("example.", text, NULL);
	assert_int_equal(zone->node_count, 6);
	zone_free(zone);
	zone = NULL;
	snprintf(text, sizeof(text), HEAD "%.246s A 192.0.2.1\n", name);
	assert_int_equal(load_text("example.", text, NULL, &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "bad name"));
	name[63] = 'n';
	snprintf(text, sizeof(text), HEAD "%.64s A 192.0.2.1\n", name);
	assert_int_equal(load_text("example.", text, NULL, &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "bad name"));
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder_template(folder, sizeof(folder), "zone")) ? 0 : -1;
}

/* Empties one folder, then removes it. */
static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int drop_folder(void **state)
{
	char sub[128];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	remove_folder(sub);
	remove_folder(folder);
	return 0;
}

static char *path_of(const char *name, char ret[128])
{
	snprintf(ret, 128, "%s/%s", folder, name);
	return ret;
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file = fopen(path_of(name, path), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int load_path(const char *name, struct zone **ret, struct error *error)
{
	char path[128];

	memset(error, 0, sizeof(*error));
	*ret = NULL;
	return zone_load_file((const uint8_t *)"\7example", 9, path_of(name, path), AN_TYPE_ANAME,
	                      NULL, ret, error);
}

static void includes_are_read_beside_the_file_that_includes_them(void **state)
{
	struct error error;
	struct zone *zone;
	char path[128];

	(void)state;
	assert_int_equal(mkdir(path_of("sub", path), 0700), 0);
	write_file("main", HEAD "a A 192.0.2.1\n"
	                        "$INCLUDE sub/one one\n"
	                        " TXT \"still a\"\n"
	                        "b A 192.0.2.2\n"
	                        "$include \"sub/two\" ; origin stays\n"
	                        "c A 192.0.2.3");
	write_file("sub/one",
	           "@ A 192.0.2.10\n$INCLUDE three\nd A 192.0.2.11\n$ORIGIN x.\n$TTL 77");
	write_file("sub/two", "two A 192.0.2.12\n");
	write_file("sub/three", "three A 192.0.2.13");
	if (load_path("main", &zone, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	assert_non_null(set_of(zone, "one.example.", AN_TYPE_A));
	assert_non_null(set_of(zone, "three.one.example.", AN_TYPE_A));
	assert_non_null(set_of(zone, "d.one.example.", AN_TYPE_A));
	assert_non_null(set_of(zone, "two.example.", AN_TYPE_A));
	assert_non_null(set_of(zone, "a.example.", AN_TYPE_TXT));
	assert_int_equal(set_of(zone, "d.one.example.", AN_TYPE_A)->ttl, 300);
	/* What $TTL set in an included file goes on. */
	assert_int_equal(set_of(zone, "c.example.", AN_TYPE_A)->ttl, 77);
	zone_free(zone);
}

static void faults_in_included_files_name_those(void **state)
{
	struct error error;
	struct zone *zone;

	(void)state;
	write_file("main", HEAD "\n$INCLUDE one\n");
	write_file("one", "\n\na A 192.0.2\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_int_equal(error.line, 3);
	assert_string_equal(strrchr(error.file, '/'), "/one");
	/* Found at the end, when all is there, and still told where it stood. */
	write_file("one", "\n\nsub NS alias\nalias ANAME b\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_int_equal(error.line, 3);
	assert_string_equal(strrchr(error.file, '/'), "/one");
	write_file("one", "\n\nsub NS ns.sub\n");
	assert_int_equal(load_path("main", &zone, &error), 0);
	assert_int_equal(zone->warnings->error.line, 3);
	assert_string_equal(strrchr(zone->warnings->error.file, '/'), "/one");
	zone_free(zone);
	/* An owner is not inherited into an included file. */
	write_file("one", " A 192.0.2.1\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "none before to inherit"));
}

static void includes_that_cannot_end_are_refused(void **state)
{
	struct error error;
	struct zone *zone;
	char name[16], text[32];

	(void)state;
	write_file("main", HEAD "$INCLUDE main\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "includes itself"));
	assert_int_equal(error.line, 5);
	write_file("main", HEAD "$INCLUDE one\n");
	write_file("one", "$INCLUDE ./main\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "includes itself"));
	assert_string_equal(strrchr(error.file, '/'), "/one");
	/* A chain of 10 is read, one of 11 is not. */
	write_file("main", HEAD "$INCLUDE i1\n");
	for (int i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "i%d", i);
		snprintf(text, sizeof(text), i < 10 ? "$INCLUDE i%d\n" : "x A 192.0.2.1\n", i + 1);
		write_file(name, text);
	}
	if (load_path("main", &zone, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	zone_free(zone);
	write_file("i10", "$INCLUDE i11\n");
	write_file("i11", "x A 192.0.2.1\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_non_null(strstr(error.text, "deeper than 10"));
	assert_string_equal(strrchr(error.file, '/'), "/i10");
}

static void files_that_cannot_be_read_are_said_to_be_so(void **state)
{
	struct error error;
	struct zone *zone;
	char path[128];

	(void)state;
	assert_int_equal(load_path("nothing", &zone, &error), -ENOENT);
	assert_int_equal(error.line, 0);
	assert_non_null(strstr(error.text, "cannot open: No such file"));
	assert_non_null(strstr(error.text, "(zone example.)"));
	assert_int_equal(load_path(".", &zone, &error), -EISDIR);
	/* A FIFO without a writer would wait for ever. */
	assert_int_equal(mkfifo(path_of("fifo", path), 0600), 0);
	assert_int_equal(load_path("fifo", &zone, &error), -EINVAL);
	write_file("main", HEAD "$INCLUDE nothing\n");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_int_equal(error.line, 5);
	assert_string_equal(strrchr(error.file, '/'), "/main");
	assert_non_null(strstr(error.text, "nothing: No such file"));
	write_file("main", "");
	assert_int_equal(load_path("main", &zone, &error), -EINVAL);
	assert_string_equal(strrchr(error.file, '/'), "/main");
	assert_string_equal(error.text, "example.: no SOA");
}

static void the_examples_load(void **state)
{
	static const char *const rows[][2] = {
	        {"example.com.", "zones/example.com.zone"},
	        {"example.org.", "zones/example.org.zone"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct error error = {0};
		struct zone *zone = NULL;
		size_t len;
		uint8_t *apex = wire_name(rows[i][0], &len);

		if (zone_load_file(apex, len, rows[i][1], AN_TYPE_ANAME, NULL, &zone, &error))
			fail_msg("%s:%u: %s", error.file, error.line, error.text);
		assert_true(zone_flattens(zone, zone->apex_node));
		zone_free(zone);
		free(apex);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rdata_of_every_kind_becomes_wire),
	        cmocka_unit_test(aname_has_the_configured_number_too),
	        cmocka_unit_test(layout_does_not_matter),
	        cmocka_unit_test(a_missing_ttl_comes_from_where_rfc_2308_says),
	        cmocka_unit_test(faults_are_told_with_the_line_where_they_are),
	        cmocka_unit_test(nul_octets_are_refused),
	        cmocka_unit_test(lengths_have_their_limits),
	        cmocka_unit_test(the_longest_name_is_read_and_one_octet_more_is_not),
	        cmocka_unit_test_setup_teardown(
	                includes_are_read_beside_the_file_that_includes_them, make_folder,
	                drop_folder),
	        cmocka_unit_test_setup_teardown(faults_in_included_files_name_those, make_folder,
	                                        drop_folder),
	        cmocka_unit_test_setup_teardown(includes_that_cannot_end_are_refused, make_folder,
	                                        drop_folder),
	        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_said_to_be_so,
	                                        make_folder, drop_folder),
	        cmocka_unit_test(the_examples_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

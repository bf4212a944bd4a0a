/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/evp.h>
#include <string.h>

#include "show/chart.h"
#include "show/page.h"
#include "unit/show/written.h"

#define HOSTILE "<script>x</script>\\\"'&"

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("%s in:\n%s", part, text);
}

static void test_the_policy_has_the_hash_of_the_style(void **state)
{
	unsigned char digest[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
	char wanted[3 * EVP_MAX_MD_SIZE];
	unsigned int len;

	(void)state;
	assert_true(EVP_Digest(page_style, strlen(page_style), digest, &len, EVP_sha256(), NULL));
	EVP_EncodeBlock(base64, digest, (int)len);
	snprintf(wanted, sizeof(wanted), "style-src 'sha256-%s'", base64);
	has(page_policy, wanted);
	has(page_policy, "default-src 'none'");
}

static void test_nothing_is_a_page_too(void **state)
{
	char *text = written_by(page_write, "{}");

	(void)state;
	has(text, "<!DOCTYPE html>");
	has(text, "All is well");
	has(text, "no query yet");
	has(text, "</html>");
	lacks(text, "id=\"health\"");
	lacks(text, "id=\"upstreams\"");
	free(text);
}

static void test_texts_of_others_are_no_markup(void **state)
{
	char *text = written_by(
	        page_write,
	        "{\"host\":\"" HOSTILE "\",\"now\":\"" HOSTILE
	        "\",\"status\":{\"version\":\"" HOSTILE "\",\"faults\":[{\"zone\":\"" HOSTILE
	        "\"}],\"upstreams\":[{\"address\":\"" HOSTILE "\",\"kind\":\"" HOSTILE
	        "\",\"suffix\":\"" HOSTILE
	        "\"}],\"kernel\":{\"mode\":\"answer\",\"interfaces\":[{\"interface\":\"" HOSTILE
	        "\",\"mode\":\"" HOSTILE "\",\"note\":\"" HOSTILE
	        "\"}]}},\"stats\":{\"kernel\":{\"pass_" HOSTILE
	        "\":3}},\"zones\":{\"zones\":[{\"zone\":\"" HOSTILE "\",\"file\":\"" HOSTILE
	        "\",\"fault\":\"" HOSTILE "\",\"transfer\":{\"primary\":\"" HOSTILE
	        "\"}}]},\"pools\":[{\"pool\":\"" HOSTILE "\",\"mode\":\"" HOSTILE
	        "\",\"type\":\"" HOSTILE "\",\"region\":\"" HOSTILE
	        "\",\"panic\":true,\"nodes\":[{},{\"member\":\"" HOSTILE "\",\"region\":\"" HOSTILE
	        "\",\"why\":\"" HOSTILE "\"}]}],\"health\":[{\"address\":\"" HOSTILE
	        "\",\"check\":\"" HOSTILE "\",\"forced\":\"" HOSTILE "\",\"reason\":\"" HOSTILE
	        "\"}],\"regions\":[{\"region\":\"" HOSTILE "\",\"policy\":\"" HOSTILE
	        "\",\"latitude\":1,\"longitude\":2}]}");

	(void)state;
	lacks(text, "<script");
	lacks(text, "x</script");
	lacks(text, "\"'&");
	has(text, "&lt;script&gt;x&lt;/script&gt;&quot;&#39;&amp;");
	free(text);
}

static void test_what_is_wrong_stands_at_the_top(void **state)
{
	char *text = written_by(
	        page_write, "{\"status\":{\"faults\":[{\"zone\":\"bad.example.\"}],\"kernel\":{"
	                    "\"mode\":\"pass\","
	                    "\"interfaces\":[{\"interface\":\"eth7\",\"attached\":false}]}},"
	                    "\"health\":[{\"address\":\"192.0.2.1\",\"check\":\"web\",\"up\":false,"
	                    "\"reason\":\"status 500\"},{\"address\":\"192.0.2.2\",\"up\":true}],"
	                    "\"zones\":{\"count\":{\"expired\":2}}}");

	(void)state;
	has(text, "5 things need attention");
	has(text, "bad.example.: its data is bad; not served");
	has(text, "The kernel was told to pass everything up");
	has(text, "eth7: the XDP program is not attached");
	has(text, "192.0.2.1 is down by check web: status 500");
	has(text, "2 zones have expired");
	free(text);
}

static void test_numbers_are_short(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0"},         {7, "7"},         {0.25, "0.2"},
	            {99.4, "99.4"},   {999, "999"},     {1000, "1.0k"},
	            {999999, "1.0M"}, {123456, "123k"}, {12345678, "12.3M"},
	            {5e9, "5.0G"},    {7e12, "7.0T"},   {7e15, "7000T"}};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(chart_number(rows[i].value, text, sizeof(text)), rows[i].text);
}

static void write_line(FILE *out, const json_t *values)
{
	chart_line(out, "Queries", values, 10);
}

static void test_a_plot_reaches_from_its_first_to_its_last_value(void **state)
{
	char *text = written_by(write_line, "[0, 4, 2]");

	(void)state;
	has(text, "<title>Queries: now 2 a second, most 4, over 0 minutes</title>");
	has(text, "<polyline class=\"line\" points=\"0.0,80.0 300.0,4.0 600.0,42.0\"/>");
	free(text);
	text = written_by(write_line, "[0, 0]");
	has(text, "points=\"0.0,80.0 600.0,80.0\"");
	free(text);
	text = written_by(write_line, "[3]");
	lacks(text, "polyline");
	free(text);
}

static void write_strip(FILE *out, const json_t *changes)
{
	chart_strip(out, changes, 1, 1000, 100);
}

static void test_a_strip_shows_what_held_when(void **state)
{
	char *text = written_by(write_strip, "[{\"unix_s\":925,\"up\":false},"
	                                     "{\"unix_s\":950,\"up\":true}]");

	(void)state;
	has(text, "<title>2 changes in the last 1 minutes, now up</title>");
	has(text, "<rect class=\"up\" x=\"0.0\" y=\"4\" width=\"60.0\"");
	has(text, "<rect class=\"down\" x=\"60.0\" y=\"0\" width=\"60.0\"");
	has(text, "<rect class=\"up\" x=\"120.0\" y=\"4\" width=\"120.0\"");
	free(text);
	/* One that lies before the window only says what held at its begin. */
	text = written_by(write_strip, "[{\"unix_s\":1,\"up\":true}]");
	has(text, "<title>0 changes");
	has(text, "<rect class=\"up\" x=\"0.0\" y=\"4\" width=\"240.0\"");
	lacks(text, "class=\"down\"");
	free(text);
	text = written_by(write_strip, "[]");
	has(text, "<rect class=\"up\" x=\"0.0\" y=\"4\" width=\"240.0\"");
	free(text);
}

static void test_a_map_needs_coordinates(void **state)
{
	char *text = written_by(page_write, "{\"regions\":[{\"region\":\"eu\"}]}");

	(void)state;
	has(text, "id=\"regions\"");
	lacks(text, "class=\"map\"");
	free(text);
	text = written_by(page_write, "{\"regions\":[{\"region\":\"fra\",\"latitude\":50.1,"
	                              "\"longitude\":8.7,\"answers\":12}]}");
	has(text, "class=\"map\"");
	has(text, "cx=\"8.7\" cy=\"-50.1\"");
	has(text, "<title>fra: 12 answers</title>");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_policy_has_the_hash_of_the_style),
	        cmocka_unit_test(test_nothing_is_a_page_too),
	        cmocka_unit_test(test_texts_of_others_are_no_markup),
	        cmocka_unit_test(test_what_is_wrong_stands_at_the_top),
	        cmocka_unit_test(test_numbers_are_short),
	        cmocka_unit_test(test_a_plot_reaches_from_its_first_to_its_last_value),
	        cmocka_unit_test(test_a_strip_shows_what_held_when),
	        cmocka_unit_test(test_a_map_needs_coordinates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

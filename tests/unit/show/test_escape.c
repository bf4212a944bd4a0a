/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "show/escape.h"

static void check(void (*escape)(FILE *, const char *), const char *text, const char *wanted)
{
	char *written = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&written, &len);

	escape(out, text);
	fclose(out);
	assert_string_equal(written, wanted);
	free(written);
}

static void test_markup_is_text(void **state)
{
	(void)state;
	check(escape_html, "<script>alert('&\"')</script>",
	      "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;");
	check(escape_html, "plain.example.", "plain.example.");
	check(escape_html, "", "");
	check(escape_html, NULL, "");
}

static void test_control_characters_are_replaced(void **state)
{
	(void)state;
	check(escape_html, "a\x1b[31mb\x7f\n", "a\xef\xbf\xbd[31mb\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_what_is_not_ascii_stays(void **state)
{
	(void)state;
	check(escape_html,
	      "stra\xc3\x9f"
	      "e",
	      "stra\xc3\x9f"
	      "e");
	check(escape_label, "\xe2\x82\xac", "\xe2\x82\xac");
}

static void test_a_label_cannot_end_its_quotes(void **state)
{
	(void)state;
	check(escape_label, "a\"} 1\nanamed_fake 2", "a\\\"} 1\\nanamed_fake 2");
	check(escape_label, "back\\slash\\", "back\\\\slash\\\\");
	check(escape_label, NULL, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_markup_is_text),
	        cmocka_unit_test(test_control_characters_are_replaced),
	        cmocka_unit_test(test_what_is_not_ascii_stays),
	        cmocka_unit_test(test_a_label_cannot_end_its_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

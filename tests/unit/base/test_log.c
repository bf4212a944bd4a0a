/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

/* What log_line() writes for this text. */
static char *logged(const char *text)
{
	static char buffer[4096];
	int ends[2], before = dup(STDERR_FILENO);
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_notice("%s", text);
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	len = read(ends[0], buffer, sizeof(buffer) - 1);
	close(ends[0]);
	assert_true(len > 0);
	buffer[len] = 0;
	return buffer;
}

static void a_line_stays_one_and_speaks_to_no_terminal(void **state)
{
	(void)state;
	assert_string_equal(logged("a\nanamed: error: forged\r\t\033[31mred\177"),
	                    "anamed: notice: a?anamed: error: forged???[31mred?\n");
	assert_string_equal(logged("caf\303\251"), "anamed: notice: caf\303\251\n");
}

static void a_line_that_is_too_long_is_cut_and_ended(void **state)
{
	char text[5000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	line = logged(text);
	assert_true(strlen(line) <= 2048);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void a_path_in_an_error_holds_no_control_octets(void **state)
{
	struct error error;
	char text[1024];

	(void)state;
	error_write(&error, "/tmp/\033[31m\n\303\251", 3, "no\nsuch");
	assert_string_equal(error_text(&error, text, sizeof(text)),
	                    "/tmp/?[31m?\303\251:3: error: no?such");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_line_stays_one_and_speaks_to_no_terminal),
	        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_ended),
	        cmocka_unit_test(a_path_in_an_error_holds_no_control_octets),
	};

	unsetenv("JOURNAL_STREAM");
	log_init(LOG_LEVEL_INFO);
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

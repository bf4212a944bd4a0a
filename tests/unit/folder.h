/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * folder - places for what a test writes.
 *
 * Under TMPDIR, which tests/run-unit sets to a folder that it removes however
 * the program ends; a test that is run by hand cleans up by itself, or not.
 */
#ifndef ANAMED_TESTS_UNIT_FOLDER_H
#define ANAMED_TESTS_UNIT_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

/* For mkdtemp() and mkstemp(): "TMPDIR/anamed-NAME-XXXXXX". Returns ret. */
static inline char *folder_template(char *ret, size_t size, const char *name)
{
	const char *base = getenv("TMPDIR");

	snprintf(ret, size, "%s/anamed-%s-XXXXXX", base && base[0] ? base : "/tmp", name);
	return ret;
}

#endif

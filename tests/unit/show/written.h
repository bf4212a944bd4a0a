/* SPDX-License-Identifier: BSD-2-Clause */
/* What a writer of this room writes, as a string that the caller frees. */
#ifndef ANAMED_TEST_WRITTEN_H
#define ANAMED_TEST_WRITTEN_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static inline char *written_by(void (*write)(FILE *, const json_t *), const char *document)
{
	json_error_t fault;
	json_t *json = json_loads(document, 0, &fault);
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (!json)
		fail_msg("the test's document: %s", fault.text);
	out = open_memstream(&text, &len);
	write(out, json);
	fclose(out);
	json_decref(json);
	return text;
}

#endif

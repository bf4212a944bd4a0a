/* SPDX-License-Identifier: BSD-2-Clause */
/* render: a document on standard input, its page on standard output. */
#include "show/page.h"

int main(void)
{
	json_error_t fault;
	json_t *document = json_loadf(stdin, 0, &fault);

	if (!document) {
		fprintf(stderr, "render: %s\n", fault.text);
		return 1;
	}
	page_write(stdout, document);
	json_decref(document);
	return fflush(stdout) ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What needs attention, before all else. */
#include <stdlib.h>
#include <string.h>

#include "show/escape.h"
#include "show/json.h"
#include "show/page_room.h"

#define FAULTS_MAX 12

struct problems {
	FILE *out;
	size_t count;
};

static void problem(struct problems *problems, const char *subject, const char *what)
{
	if (!problems->count++)
		fprintf(problems->out, "<ul>");
	fprintf(problems->out, "<li>");
	escape_html(problems->out, subject);
	escape_html(problems->out, what);
	fprintf(problems->out, "</li>");
}

static void problems_of_zones(struct problems *problems, const json_t *document)
{
	const json_t *status = json_object_get(document, "status"), *fault;
	const json_t *count = json_object_get(json_object_get(document, "zones"), "count");
	char text[128];
	size_t i;

	json_array_foreach(json_object_get(status, "faults"), i, fault)
	{
		if (i == FAULTS_MAX)
			break;
		problem(problems, json_text_of(fault, "zone"),
		        json_is_set(fault, "loop")     ? ": an alias leads back to itself"
		        : json_is_set(fault, "served") ? ": served, with a fault in it"
		        : json_is_set(fault, "kept")   ? ": its new data is bad; the old is served"
		                                       : ": its data is bad; not served");
	}
	if (json_number_of(count, "expired")) {
		snprintf(text, sizeof(text), "%lld", json_number_of(count, "expired"));
		problem(problems, text, " zones have expired");
	}
}

static void problems_of_kernel(struct problems *problems, const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel"), *one;
	size_t i;

	if (json_is_object(kernel) && strcmp(json_text_of(kernel, "mode"), "answer") != 0)
		problem(problems, "", "The kernel was told to pass everything up");
	json_array_foreach(json_object_get(kernel, "interfaces"), i, one)
	{
		if (!json_is_set(one, "attached"))
			problem(problems, json_text_of(one, "interface"),
			        ": the XDP program is not attached");
	}
}

static void problems_of_databases(struct problems *problems, const json_t *status)
{
	const char *fault = json_text_of(status, "databases_fault");

	if (fault[0])
		problem(problems,
		        "Databases of places are not read, so those before stay in use: ", fault);
}

static void problems_of_health(struct problems *problems, const json_t *document)
{
	const json_t *one;
	char text[512];
	size_t i;

	json_array_foreach(json_object_get(document, "pools"), i, one)
	{
		if (json_is_set(one, "panic"))
			problem(problems, json_text_of(one, "pool"),
			        ": too few members are up, so all count");
		if (json_is_set(one, "last_resort"))
			problem(problems, json_text_of(one, "pool"),
			        ": no member is up, its last resort is given");
	}
	json_array_foreach(json_object_get(document, "health"), i, one)
	{
		if (json_is_set(one, "up"))
			continue;
		snprintf(text, sizeof(text), " is down by check %s: %s", json_text_of(one, "check"),
		         json_text_of(one, "reason"));
		problem(problems, json_text_of(one, "address"), text);
	}
}

void page_verdict(FILE *out, const json_t *document)
{
	const json_t *status = json_object_get(document, "status");
	char *list = NULL;
	size_t len = 0;
	struct problems problems = {.out = open_memstream(&list, &len)};

	if (!problems.out)
		return;
	problems_of_zones(&problems, document);
	problems_of_kernel(&problems, status);
	problems_of_databases(&problems, status);
	problems_of_health(&problems, document);
	if (fclose(problems.out) == 0) {
		if (problems.count)
			fprintf(out,
			        "<div class=\"verdict bad\" id=\"verdict\"><strong>%zu %s "
			        "attention</strong>%s</ul></div>\n",
			        problems.count, problems.count == 1 ? "thing needs" : "things need",
			        list);
		else
			fprintf(out, "<div class=\"verdict\" id=\"verdict\"><strong>All is "
			             "well</strong></div>\n");
	}
	free(list);
}

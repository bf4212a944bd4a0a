/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "show/chart.h"
#include "show/escape.h"
#include "show/html.h"
#include "show/json.h"
#include "show/page_room.h"

#define REASONS_MAX 12

/* ---- answers, as numbers and plots ---- */

static void write_card(FILE *out, const json_t *history, const char *key, const char *title,
                       long long total, const char *note)
{
	double step = json_number_value(json_object_get(history, "step_s"));
	const json_t *values = json_object_get(history, key);
	char number[32];

	fprintf(out, "<div class=\"card\"><h3>%s</h3><div class=\"big\" id=\"total-%s\">%s</div>",
	        title, key, chart_number((double)total, number, sizeof(number)));
	fprintf(out, "<div class=\"dim\">%s</div>", note);
	chart_line(out, title, values, step);
	chart_words(out, values);
	fprintf(out, "</div>\n");
}

static void write_cards(FILE *out, const json_t *document)
{
	const json_t *stats = json_object_get(document, "stats");
	const json_t *queries = json_object_get(stats, "queries");
	const json_t *history = json_object_get(document, "history");
	long long total = json_number_of(queries, "total"),
	          kernel = json_number_of(queries, "kernel");
	char note[64] = "no query yet";

	if (total)
		snprintf(note, sizeof(note), "%.1f %% of all queries",
		         (double)kernel * 100 / (double)total);
	fprintf(out, "<section aria-labelledby=\"answers\"><h2 id=\"answers\">Answers</h2>"
	             "<p class=\"dim\">Totals, and the rate a second over the last hour. The "
	             "kernel's totals outlive a restart of the daemon.</p>"
	             "<div class=\"cards\">");
	write_card(out, history, "kernel", "By the kernel", kernel, note);
	write_card(out, history, "daemon", "By the daemon", json_number_of(queries, "daemon"),
	           "all that was passed up");
	write_card(out, history, "stale", "Last good answers", json_number_of(queries, "stale"),
	           "given while upstream fails");
	write_card(out, history, "failed", "Failed fetches",
	           json_number_of(json_object_get(stats, "flatten"), "failures"),
	           "upstream gave no answer");
	fprintf(out, "</div></section>\n");
}

/* ---- tables ---- */

static void write_zone(FILE *out, const json_t *zone)
{
	bool served = json_is_set(zone, "served");
	const char *from = json_text_of(zone, "file");
	const json_t *transfer = json_object_get(zone, "transfer");

	html_row(out, json_text_of(zone, "zone"));
	html_state(out, served && !json_text_of(zone, "fault")[0], served ? "served" : "not served",
	           json_text_of(zone, "fault"));
	html_number(out, zone, "serial");
	html_number(out, zone, "names");
	html_number(out, zone, "records");
	html_cell(out, json_is_set(zone, "anames") ? "yes" : "no");
	html_cell(out, json_is_set(zone, "in_kernel") ? "kernel and daemon" : "daemon");
	html_cell(out, transfer ? json_text_of(transfer, "primary") : from);
	fprintf(out, "</tr>\n");
}

static void write_zones(FILE *out, const json_t *document)
{
	const json_t *zones = json_object_get(document, "zones"), *zone;
	long long all = json_number_of(json_object_get(document, "status"), "zones");
	size_t shown = json_array_size(json_object_get(zones, "zones"));
	char caption[96];
	size_t i;

	snprintf(caption, sizeof(caption), "%lld zones%s", all,
	         (long long)shown < all ? "; the first of them" : "");
	html_table_begin(out, "zones", "Zones", caption,
	                 "Zone|State|#Serial|#Names|#Records|ANAME|Answered by|From");
	json_array_foreach(json_object_get(zones, "zones"), i, zone)
	{
		write_zone(out, zone);
	}
	html_table_end(out);
}

static void write_upstreams(FILE *out, const json_t *document)
{
	const json_t *list = json_object_get(json_object_get(document, "status"), "upstreams");
	const json_t *counts = json_object_get(json_object_get(document, "stats"), "upstreams");
	const json_t *one;
	char text[32];
	size_t i;

	if (!json_array_size(list))
		return;
	html_table_begin(
	        out, "upstreams", "Upstreams", "Who is asked for the targets of aliases.",
	        "Address|Kind|For|Client subnets|#Milliseconds|#Asked|#Answered|#Timed out");
	json_array_foreach(list, i, one)
	{
		const json_t *count = json_array_get(counts, i);

		html_row(out, json_text_of(one, "address"));
		html_cell(out, json_text_of(one, "kind"));
		html_cell(out, json_text_of(one, "suffix"));
		html_cell(out, !json_is_set(one, "edns") ? "no EDNS"
		               : json_is_set(one, "ecs") ? "sent"
		                                         : "not sent");
		snprintf(text, sizeof(text), "%.1f", (double)json_number_of(one, "rtt_us") / 1000);
		fprintf(out, "<td class=\"n\">%s</td>", text);
		html_number(out, count, "asked");
		html_number(out, count, "answered");
		html_number(out, count, "timeouts");
		fprintf(out, "</tr>\n");
	}
	html_table_end(out);
}

struct reason {
	const char *key;
	long long count;
};

static int by_count(const void *a, const void *b)
{
	const struct reason *left = a, *right = b;

	return left->count < right->count ? 1 : -(left->count > right->count);
}

/* Why the kernel passed packets up: the most frequent reasons. */
static void write_reasons(FILE *out, const json_t *document)
{
	const json_t *kernel = json_object_get(json_object_get(document, "stats"), "kernel");
	struct reason reasons[128];
	size_t count = 0;
	json_t *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)kernel, key, value)
	{
		if (strncmp(key, "pass_", 5) == 0 && json_integer_value(value) &&
		    count < sizeof(reasons) / sizeof(reasons[0]))
			reasons[count++] = (struct reason){key + 5, json_integer_value(value)};
	}
	if (!count)
		return;
	qsort(reasons, count, sizeof(reasons[0]), by_count);
	html_table_begin(
	        out, "reasons", "Passed up by the kernel",
	        "Packets that the daemon, or the rest of the system, had to see, by reason.",
	        "Reason|#Packets|What it counts");
	for (size_t i = 0; i < count && i < REASONS_MAX; i++) {
		html_row(out, reasons[i].key);
		fprintf(out, "<td class=\"n\">%lld</td>", reasons[i].count);
		html_cell(out, json_text_of(json_object_get(document, "reasons"), reasons[i].key));
		fprintf(out, "</tr>\n");
	}
	html_table_end(out);
}

static void write_interfaces(FILE *out, const json_t *document)
{
	const json_t *kernel = json_object_get(json_object_get(document, "status"), "kernel");
	const json_t *one;
	size_t i;

	if (!json_array_size(json_object_get(kernel, "interfaces")))
		return;
	html_table_begin(out, "interfaces", "Interfaces", "Where the kernel answers.",
	                 "Interface|XDP program|Mode|Note");
	json_array_foreach(json_object_get(kernel, "interfaces"), i, one)
	{
		bool attached = json_is_set(one, "attached");

		html_row(out, json_text_of(one, "interface"));
		html_state(out, attached, attached ? "attached" : "not attached", "");
		html_cell(out, json_text_of(one, "mode"));
		html_cell(out, json_text_of(one, "note"));
		fprintf(out, "</tr>\n");
	}
	html_table_end(out);
}

/* ---- the whole ---- */

static void write_header(FILE *out, const json_t *document)
{
	const json_t *status = json_object_get(document, "status");
	char up[64];

	fprintf(out, "<header><a class=\"skip\" href=\"#main\">To the content</a><h1>anamed on ");
	escape_html(out, json_text_of(document, "host"));
	fprintf(out, "</h1><p class=\"dim\">version ");
	escape_html(out, json_text_of(status, "version"));
	fprintf(out, ", up %s, as of ",
	        html_span(json_number_of(status, "uptime_s"), up, sizeof(up)));
	escape_html(out, json_text_of(document, "now"));
	fprintf(out, ". <a href=\"/\">Load again</a></p>");
	page_verdict(out, document);
	fprintf(out, "</header>\n");
}

void page_write(FILE *out, const json_t *document)
{
	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
	             "<title>anamed on ");
	escape_html(out, json_text_of(document, "host"));
	fprintf(out, "</title><style>%s</style></head>\n<body>\n", page_style);
	write_header(out, document);
	fprintf(out, "<main id=\"main\">\n");
	write_cards(out, document);
	page_regions(out, document);
	page_pools(out, document);
	page_health(out, document);
	write_zones(out, document);
	write_upstreams(out, document);
	write_interfaces(out, document);
	write_reasons(out, document);
	fprintf(out, "</main>\n<footer><p><a href=\"/metrics\">Metrics</a> for Prometheus, and "
	             "<a href=\"/status.json\">all of this as JSON</a>.</p></footer>\n"
	             "</body></html>\n");
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "show/chart.h"
#include "show/escape.h"
#include "show/json.h"
#include "show/map.h"

#define REASONS_MAX 12
#define WINDOW_S    3600

/* ---- pieces ---- */

static const char *span_text(long long seconds, char *ret, size_t size)
{
	if (seconds >= 86400)
		snprintf(ret, size, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		snprintf(ret, size, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		snprintf(ret, size, "%lld min %lld s", seconds / 60, seconds % 60);
	else
		snprintf(ret, size, "%lld s", seconds < 0 ? 0 : seconds);
	return ret;
}

/* A section's begin, up to the rows of its table. `columns`: separated by '|'; those that begin
 * with '#' are numbers. */
static void table_begin(FILE *out, const char *id, const char *title, const char *caption,
                        const char *columns)
{
	fprintf(out,
	        "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2><div class=\"scroll\" "
	        "tabindex=\"0\" role=\"group\" aria-labelledby=\"%s\"><table><caption>%s</caption>"
	        "<thead><tr>",
	        id, id, title, id, caption);
	while (*columns) {
		size_t len = strcspn(columns, "|");
		bool number = columns[0] == '#';

		fprintf(out, "<th scope=\"col\"%s>%.*s</th>", number ? " class=\"n\"" : "",
		        (int)(len - number), columns + number);
		columns += len + (columns[len] == '|');
	}
	fprintf(out, "</tr></thead><tbody>\n");
}

static void table_end(FILE *out)
{
	fprintf(out, "</tbody></table></div></section>\n");
}

static void row_begin(FILE *out, const char *head)
{
	fprintf(out, "<tr><th scope=\"row\">");
	escape_html(out, head);
	fprintf(out, "</th>");
}

static void cell(FILE *out, const char *text)
{
	fprintf(out, "<td>");
	escape_html(out, text);
	fprintf(out, "</td>");
}

static void cell_number(FILE *out, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	fprintf(out, "<td class=\"n\">");
	if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	fprintf(out, "</td>");
}

/* A word with a sign before it, and more behind it. */
static void cell_sign(FILE *out, const char *class, const char *sign, const char *word,
                      const char *more)
{
	fprintf(out, "<td><span class=\"%s\">%s</span> ", class, sign);
	escape_html(out, word);
	if (more[0]) {
		fprintf(out, " <span class=\"dim\">");
		escape_html(out, more);
		fprintf(out, "</span>");
	}
	fprintf(out, "</td>");
}

/* Good or bad, by more than its colour. */
static void cell_state(FILE *out, bool good, const char *word, const char *more)
{
	cell_sign(out, good ? "good" : "bad", good ? "&#9679;" : "&#9650;", word, more);
}

/* Neither. */
static void cell_neutral(FILE *out, const char *word, const char *more)
{
	cell_sign(out, "dim", "&#9675;", word, more);
}

/* ---- what is wrong ---- */

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
		if (i == REASONS_MAX)
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

static void write_verdict(FILE *out, const json_t *document)
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

	row_begin(out, json_text_of(zone, "zone"));
	cell_state(out, served && !json_text_of(zone, "fault")[0], served ? "served" : "not served",
	           json_text_of(zone, "fault"));
	cell_number(out, zone, "serial");
	cell_number(out, zone, "names");
	cell_number(out, zone, "records");
	cell(out, json_is_set(zone, "anames") ? "yes" : "no");
	cell(out, json_is_set(zone, "in_kernel") ? "kernel and daemon" : "daemon");
	cell(out, transfer ? json_text_of(transfer, "primary") : from);
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
	table_begin(out, "zones", "Zones", caption,
	            "Zone|State|#Serial|#Names|#Records|ANAME|Answered by|From");
	json_array_foreach(json_object_get(zones, "zones"), i, zone)
	{
		write_zone(out, zone);
	}
	table_end(out);
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
	table_begin(out, "upstreams", "Upstreams", "Who is asked for the targets of aliases.",
	            "Address|Kind|For|Client subnets|#Milliseconds|#Asked|#Answered|#Timed out");
	json_array_foreach(list, i, one)
	{
		const json_t *count = json_array_get(counts, i);

		row_begin(out, json_text_of(one, "address"));
		cell(out, json_text_of(one, "kind"));
		cell(out, json_text_of(one, "suffix"));
		cell(out, !json_is_set(one, "edns") ? "no EDNS"
		          : json_is_set(one, "ecs") ? "sent"
		                                    : "not sent");
		snprintf(text, sizeof(text), "%.1f", (double)json_number_of(one, "rtt_us") / 1000);
		fprintf(out, "<td class=\"n\">%s</td>", text);
		cell_number(out, count, "asked");
		cell_number(out, count, "answered");
		cell_number(out, count, "timeouts");
		fprintf(out, "</tr>\n");
	}
	table_end(out);
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
	table_begin(out, "reasons", "Passed up by the kernel",
	            "Packets that the daemon, or the rest of the system, had to see, by reason.",
	            "Reason|#Packets|What it counts");
	for (size_t i = 0; i < count && i < REASONS_MAX; i++) {
		row_begin(out, reasons[i].key);
		fprintf(out, "<td class=\"n\">%lld</td>", reasons[i].count);
		cell(out, json_text_of(json_object_get(document, "reasons"), reasons[i].key));
		fprintf(out, "</tr>\n");
	}
	table_end(out);
}

static void write_interfaces(FILE *out, const json_t *document)
{
	const json_t *kernel = json_object_get(json_object_get(document, "status"), "kernel");
	const json_t *one;
	size_t i;

	if (!json_array_size(json_object_get(kernel, "interfaces")))
		return;
	table_begin(out, "interfaces", "Interfaces", "Where the kernel answers.",
	            "Interface|XDP program|Mode|Note");
	json_array_foreach(json_object_get(kernel, "interfaces"), i, one)
	{
		bool attached = json_is_set(one, "attached");

		row_begin(out, json_text_of(one, "interface"));
		cell_state(out, attached, attached ? "attached" : "not attached", "");
		cell(out, json_text_of(one, "mode"));
		cell(out, json_text_of(one, "note"));
		fprintf(out, "</tr>\n");
	}
	table_end(out);
}

/* ---- steering ---- */

static void write_regions(FILE *out, const json_t *document)
{
	const json_t *regions = json_object_get(document, "regions"), *one;
	size_t i;

	if (!json_array_size(regions))
		return;
	table_begin(out, "regions", "Regions", "What is stored for the clients of each region.",
	            "Region|Policy|#Answers stored|#Replies of the daemon|Place");
	json_array_foreach(regions, i, one)
	{
		row_begin(out, json_text_of(one, "region"));
		cell(out, json_text_of(one, "policy"));
		cell_number(out, one, "answers");
		cell_number(out, one, "replies_user");
		fprintf(out, "<td>");
		if (json_is_number(json_object_get(one, "latitude")))
			fprintf(out, "%.1f, %.1f",
			        json_number_value(json_object_get(one, "latitude")),
			        json_number_value(json_object_get(one, "longitude")));
		fprintf(out, "</td></tr>\n");
	}
	table_end(out);
	map_write(out, regions);
}

/* What a pool is called, and for whom it stands so. */
static void pool_head(FILE *out, const json_t *pool, size_t rows)
{
	const char *region = json_text_of(pool, "region");

	fprintf(out, "<tr><th scope=\"rowgroup\" rowspan=\"%zu\">", rows);
	escape_html(out, json_text_of(pool, "pool"));
	fprintf(out, "<br><span class=\"dim\">");
	escape_html(out, json_text_of(pool, "type"));
	fprintf(out, "%s", region[0] ? ", region " : "");
	escape_html(out, region);
	fprintf(out, "</span></th><td rowspan=\"%zu\">", rows);
	escape_html(out, json_text_of(pool, "mode"));
	fprintf(out, "</td>");
}

static void write_member(FILE *out, const json_t *node)
{
	bool in = json_is_set(node, "in");

	fprintf(out, "<td>");
	for (long long depth = json_number_of(node, "depth"); depth > 1; depth--)
		fprintf(out, "&ndash; ");
	escape_html(out, json_text_of(node, "member"));
	fprintf(out, "</td>");
	cell(out, json_text_of(node, "region"));
	cell_number(out, node, "weight");
	cell_number(out, node, "live");
	if (!in && json_is_set(node, "up"))
		cell_neutral(out, "out", json_text_of(node, "why"));
	else
		cell_state(out, in, in ? "in" : "out", json_text_of(node, "why"));
	fprintf(out, "</tr>\n");
}

/* One row for each member, the pools' own included; the first node is the pool itself. */
static void write_pool(FILE *out, const json_t *pool)
{
	const json_t *nodes = json_object_get(pool, "nodes");
	size_t count = json_array_size(nodes);

	pool_head(out, pool, count > 1 ? count - 1 : 1);
	if (count <= 1)
		fprintf(out, "<td>no members</td></tr>\n");
	for (size_t i = 1; i < count; i++) {
		if (i > 1)
			fprintf(out, "<tr>");
		write_member(out, json_array_get(nodes, i));
	}
}

static void write_pools(FILE *out, const json_t *document)
{
	const json_t *pools = json_object_get(document, "pools"), *pool;
	size_t i;

	if (!json_array_size(pools))
		return;
	table_begin(out, "pools", "Pools", "Members, and which of them are given out.",
	            "Pool|Mode|Member|For region|#Weight|#Live addresses|State");
	json_array_foreach(pools, i, pool)
	{
		write_pool(out, pool);
	}
	table_end(out);
}

static void write_check(FILE *out, const json_t *one, long long now)
{
	bool up = json_is_set(one, "up");
	const char *forced = json_text_of(one, "forced");
	char since[64] = "", text[160];

	if (json_number_of(one, "since_unix_s"))
		span_text(now - json_number_of(one, "since_unix_s"), since, sizeof(since));
	row_begin(out, json_text_of(one, "address"));
	cell(out, json_text_of(one, "check"));
	snprintf(text, sizeof(text), "%s%s%s", strcmp(forced, "auto") != 0 ? "forced " : "",
	         since[0] ? "for " : "", since);
	cell_state(out, up, up ? "up" : "down", text);
	fprintf(out, "<td>");
	chart_strip(out, json_object_get(one, "history"), up, now, WINDOW_S);
	fprintf(out, "</td>");
	snprintf(text, sizeof(text), "%.1f", (double)json_number_of(one, "connect_us") / 1000);
	fprintf(out, "<td class=\"n\">%s</td>", json_number_of(one, "connect_us") ? text : "");
	cell(out, json_text_of(one, "reason"));
	fprintf(out, "</tr>\n");
}

static void write_health(FILE *out, const json_t *document)
{
	const json_t *health = json_object_get(document, "health"), *one;
	long long now = json_number_of(document, "now_unix_s");
	size_t i;

	if (!json_array_size(health))
		return;
	table_begin(out, "health", "Health",
	            "Addresses that are checked, with the last hour of each.",
	            "Address|Check|State|Last hour|#Milliseconds|Last result");
	json_array_foreach(health, i, one)
	{
		write_check(out, one, now);
	}
	table_end(out);
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
	        span_text(json_number_of(status, "uptime_s"), up, sizeof(up)));
	escape_html(out, json_text_of(document, "now"));
	fprintf(out, ". <a href=\"/\">Load again</a></p>");
	write_verdict(out, document);
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
	write_regions(out, document);
	write_pools(out, document);
	write_health(out, document);
	write_zones(out, document);
	write_upstreams(out, document);
	write_interfaces(out, document);
	write_reasons(out, document);
	fprintf(out, "</main>\n<footer><p><a href=\"/metrics\">Metrics</a> for Prometheus, and "
	             "<a href=\"/status.json\">all of this as JSON</a>.</p></footer>\n"
	             "</body></html>\n");
}

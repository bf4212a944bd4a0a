/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions, pools, health. */
#include <string.h>

#include "show/chart.h"
#include "show/escape.h"
#include "show/html.h"
#include "show/json.h"
#include "show/map.h"
#include "show/page_room.h"

#define WINDOW_S 3600

void page_regions(FILE *out, const json_t *document)
{
	const json_t *regions = json_object_get(document, "regions"), *one;
	size_t i;

	if (!json_array_size(regions))
		return;
	html_table_begin(
	        out, "regions", "Regions",
	        "What is stored for the clients of each region, and who has replied to them.",
	        "Region|Policy|#Answers stored|#Replies of the kernel|"
	        "#Replies of the daemon|Place");
	json_array_foreach(regions, i, one)
	{
		html_row(out, json_text_of(one, "region"));
		html_cell(out, json_text_of(one, "policy"));
		html_number(out, one, "answers");
		html_number(out, one, "replies_xdp");
		html_number(out, one, "replies_user");
		fprintf(out, "<td>");
		if (json_is_number(json_object_get(one, "latitude")))
			fprintf(out, "%.1f, %.1f",
			        json_number_value(json_object_get(one, "latitude")),
			        json_number_value(json_object_get(one, "longitude")));
		fprintf(out, "</td></tr>\n");
	}
	html_table_end(out);
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
	html_cell(out, json_text_of(node, "region"));
	html_number(out, node, "weight");
	html_number(out, node, "live");
	if (!in && json_is_set(node, "up"))
		html_neutral(out, "out", json_text_of(node, "why"));
	else
		html_state(out, in, in ? "in" : "out", json_text_of(node, "why"));
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

void page_pools(FILE *out, const json_t *document)
{
	const json_t *pools = json_object_get(document, "pools"), *pool;
	size_t i;

	if (!json_array_size(pools))
		return;
	html_table_begin(out, "pools", "Pools", "Members, and which of them are given out.",
	                 "Pool|Mode|Member|For region|#Weight|#Live addresses|State");
	json_array_foreach(pools, i, pool)
	{
		write_pool(out, pool);
	}
	html_table_end(out);
}

static void write_check(FILE *out, const json_t *one, long long now)
{
	bool up = json_is_set(one, "up");
	const char *forced = json_text_of(one, "forced");
	char since[64] = "", text[160];

	if (json_number_of(one, "since_unix_s"))
		html_span(now - json_number_of(one, "since_unix_s"), since, sizeof(since));
	html_row(out, json_text_of(one, "address"));
	html_cell(out, json_text_of(one, "check"));
	snprintf(text, sizeof(text), "%s%s%s", strcmp(forced, "auto") != 0 ? "forced " : "",
	         since[0] ? "for " : "", since);
	html_state(out, up, up ? "up" : "down", text);
	fprintf(out, "<td>");
	chart_strip(out, json_object_get(one, "history"), up, now, WINDOW_S);
	fprintf(out, "</td>");
	snprintf(text, sizeof(text), "%.1f", (double)json_number_of(one, "connect_us") / 1000);
	fprintf(out, "<td class=\"n\">%s</td>", json_number_of(one, "connect_us") ? text : "");
	html_cell(out, json_text_of(one, "reason"));
	fprintf(out, "</tr>\n");
}

void page_health(FILE *out, const json_t *document)
{
	const json_t *health = json_object_get(document, "health"), *one;
	long long now = json_number_of(document, "now_unix_s");
	size_t i;

	if (!json_array_size(health))
		return;
	html_table_begin(out, "health", "Health",
	                 "Addresses that are checked, with the last hour of each.",
	                 "Address|Check|State|Last hour|#Milliseconds|Last result");
	json_array_foreach(health, i, one)
	{
		write_check(out, one, now);
	}
	html_table_end(out);
}

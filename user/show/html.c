/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/html.h"

#include <string.h>

#include "show/escape.h"

const char *html_span(long long seconds, char *ret, size_t size)
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

void html_table_begin(FILE *out, const char *id, const char *title, const char *caption,
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

void html_table_end(FILE *out)
{
	fprintf(out, "</tbody></table></div></section>\n");
}

void html_row(FILE *out, const char *head)
{
	fprintf(out, "<tr><th scope=\"row\">");
	escape_html(out, head);
	fprintf(out, "</th>");
}

void html_cell(FILE *out, const char *text)
{
	fprintf(out, "<td>");
	escape_html(out, text);
	fprintf(out, "</td>");
}

void html_number(FILE *out, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	fprintf(out, "<td class=\"n\">");
	if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	fprintf(out, "</td>");
}

/* A word with a sign before it, and more behind it. */
static void html_sign(FILE *out, const char *class, const char *sign, const char *word,
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

void html_state(FILE *out, bool good, const char *word, const char *more)
{
	html_sign(out, good ? "good" : "bad", good ? "&#9679;" : "&#9650;", word, more);
}

void html_neutral(FILE *out, const char *word, const char *more)
{
	html_sign(out, "dim", "&#9675;", word, more);
}

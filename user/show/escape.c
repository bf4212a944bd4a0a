/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/escape.h"

static const char *html_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c < ' ' || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

void escape_html(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		const char *instead = html_of(*text);

		if (instead)
			fputs(instead, out);
		else
			putc(*text, out);
	}
}

void escape_label(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
	}
}

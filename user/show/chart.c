/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/chart.h"

#include <stdbool.h>

#define WIDTH  600.0
#define HEIGHT 80.0
#define STRIP  240.0

char *chart_number(double value, char *ret, size_t size)
{
	static const char units[] = " kMGT";
	size_t unit = 0;

	while (value >= 999.5 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(ret, size,
	         value >= 99.5 || (!unit && value == (double)(long long)value) ? "%.0f%.*s"
	                                                                       : "%.1f%.*s",
	         value, unit ? 1 : 0, &units[unit]);
	return ret;
}

static double most(const json_t *values)
{
	double top = 0;
	json_t *one;
	size_t i;

	json_array_foreach(values, i, one)
	{
		double value = json_number_value(one);

		top = value > top ? value : top;
	}
	return top;
}

static void points(FILE *out, const json_t *values, double top)
{
	size_t count = json_array_size(values);

	for (size_t i = 0; i < count; i++) {
		double value = json_number_value(json_array_get(values, i));
		double x = count > 1 ? WIDTH * (double)i / (double)(count - 1) : 0;

		fprintf(out, "%s%.1f,%.1f", i ? " " : "", x,
		        HEIGHT - (top > 0 ? value / top * (HEIGHT - 4) : 0));
	}
}

void chart_line(FILE *out, const char *name, const json_t *values, double step_s)
{
	size_t count = json_array_size(values);
	double top = most(values);
	char now[32] = "0", high[32];

	if (count)
		chart_number(json_number_value(json_array_get(values, count - 1)), now,
		             sizeof(now));
	chart_number(top, high, sizeof(high));
	fprintf(out,
	        "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %.0f %.0f\" "
	        "preserveAspectRatio=\"none\"><title>%s: now %s a second, most %s, over %.0f "
	        "minutes</title>",
	        WIDTH, HEIGHT, name, now, high, (double)count * step_s / 60);
	if (count > 1) {
		fprintf(out, "<polygon class=\"area\" points=\"0,%.0f ", HEIGHT);
		points(out, values, top);
		fprintf(out, " %.0f,%.0f\"/><polyline class=\"line\" points=\"", WIDTH, HEIGHT);
		points(out, values, top);
		fprintf(out, "\"/>");
	}
	fprintf(out, "</svg>");
}

void chart_words(FILE *out, const json_t *values)
{
	size_t count = json_array_size(values);
	char now[32], high[32];

	if (!count) {
		fprintf(out, "<p class=\"dim\">no plot yet</p>");
		return;
	}
	chart_number(json_number_value(json_array_get(values, count - 1)), now, sizeof(now));
	chart_number(most(values), high, sizeof(high));
	fprintf(out, "<p class=\"dim\">now %s a second, most %s</p>", now, high);
}

/* ---- up and down ---- */

static void strip_part(FILE *out, double from, double to, bool up)
{
	if (to > from)
		fprintf(out,
		        "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
		        up ? "up" : "down", from, up ? 4 : 0, to - from, up ? 8 : 16);
}

void chart_strip(FILE *out, const json_t *changes, int up, long long now_unix_s, long long window_s)
{
	long long begin = now_unix_s - window_s;
	size_t count = json_array_size(changes), shown = 0;
	double at = 0;
	bool state;

	/* Before the first change it was the other. */
	state = count ? !json_is_true(json_object_get(json_array_get(changes, 0), "up")) : up != 0;
	fprintf(out,
	        "<svg class=\"strip\" role=\"img\" viewBox=\"0 0 %.0f 16\" "
	        "preserveAspectRatio=\"none\"><title>",
	        STRIP);
	for (size_t i = 0; i < count; i++)
		shown += json_integer_value(
		                 json_object_get(json_array_get(changes, i), "unix_s")) >= begin;
	fprintf(out, "%zu changes in the last %lld minutes, now %s</title>", shown, window_s / 60,
	        up ? "up" : "down");
	for (size_t i = 0; i < count; i++) {
		const json_t *change = json_array_get(changes, i);
		long long when = json_integer_value(json_object_get(change, "unix_s"));

		if (when > begin) {
			double to = when >= now_unix_s
			                    ? STRIP
			                    : STRIP * (double)(when - begin) / (double)window_s;

			strip_part(out, at, to, state);
			at = to > at ? to : at;
		}
		state = json_is_true(json_object_get(change, "up"));
	}
	strip_part(out, at, STRIP, state);
	fprintf(out, "</svg>");
}

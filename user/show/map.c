/* SPDX-License-Identifier: BSD-2-Clause */
#include "show/map.h"

#include <math.h>
#include <stdbool.h>

#include "show/escape.h"
#include "show/json.h"

/* Longitude, latitude, in degrees; the map leaves out what lies south of 58. */
static const char *const coasts[] = {
        /* North America */
        "-168,66 -156,71 -141,70 -128,70 -115,68 -108,68 -95,68 -94,72 -86,69 -82,69 -87,64 "
        "-94,61 -94,58 -92,57 -85,55 -82,55 -82,53 -80,51 -79,54 -77,56 -78,59 -74,62 -70,61 "
        "-65,58 -60,55 -56,52 -60,50 -66,50 -65,48 -61,46 -66,44 -70,43 -74,40 -76,37 -76,35 "
        "-81,31 -80,26 -82,28 -84,30 -90,29 -97,28 -97,22 -95,18 -91,19 -90,21 -87,21 -88,16 "
        "-84,16 -83,10 -80,9 -83,8 -86,11 -92,14 -96,16 -105,20 -106,23 -112,29 -114,31 "
        "-109,23 -115,30 -118,34 -121,35 -124,40 -124,47 -130,54 -136,58 -146,60 -152,60 "
        "-157,57 -164,54 -158,58 -166,61 -162,66",
        /* Greenland */
        "-73,78 -60,82 -35,83 -20,80 -22,71 -32,68 -43,60 -52,65 -54,71 -60,76",
        /* South America */
        "-80,9 -77,8 -72,12 -62,10 -52,5 -50,0 -44,-2 -37,-5 -35,-8 -39,-13 -39,-18 -41,-22 "
        "-48,-26 -50,-30 -54,-34 -58,-35 -57,-38 -62,-39 -65,-43 -66,-48 -69,-52 -66,-55 "
        "-72,-53 -75,-48 -73,-40 -71,-30 -70,-18 -76,-14 -81,-6 -80,-2 -79,2 -77,4",
        /* Africa */
        "-6,36 10,37 11,34 20,31 29,31 34,31 35,28 37,22 39,16 43,12 51,12 48,5 42,-1 39,-6 "
        "41,-15 35,-20 35,-24 32,-28 28,-33 20,-35 18,-32 14,-22 12,-17 13,-9 9,-1 9,4 4,6 "
        "-4,5 -8,4 -13,9 -17,14 -16,20 -13,27 -10,30",
        "44,-25 47,-25 50,-15 49,-12 44,-17",
        /* Europe and Asia */
        "-9,37 -9,43 -2,43 -1,46 -5,48 2,51 5,53 8,54 8,57 11,57 11,54 19,54 21,57 24,59 30,60 "
        "22,60 22,63 25,65 22,66 17,62 19,60 16,57 12,56 11,59 5,59 5,62 14,68 25,71 41,67 "
        "34,67 38,64 44,66 44,68 54,69 68,69 73,72 81,73 98,76 104,78 113,74 130,71 140,73 "
        "160,70 180,69 180,65 178,63 170,60 163,58 162,52 157,51 156,57 163,62 155,59 143,59 "
        "135,55 141,53 140,48 131,43 128,40 129,35 126,35 125,39 122,39 118,39 122,37 119,35 "
        "122,30 119,25 110,21 106,20 109,12 105,9 101,13 99,11 103,2 101,3 98,9 98,16 94,16 "
        "91,23 87,21 80,15 80,10 77,8 73,17 72,21 67,25 57,26 52,28 48,30 51,25 56,26 60,22 "
        "55,17 45,13 43,13 39,21 35,28 34,31 36,36 31,37 27,37 26,40 29,41 36,42 41,41 38,45 "
        "40,47 34,46 31,46 28,43 28,41 23,41 23,38 22,37 19,42 13,46 16,42 18,40 16,38 12,42 "
        "9,44 3,43 0,40 -2,37 -6,36",
        /* Islands, by their size: Britain, Ireland, Iceland, Japan, and those of the south-east */
        "-5,50 1,51 2,53 -2,56 -3,59 -6,57 -3,54 -5,52",
        "-10,52 -6,52 -6,55 -10,54",
        "-24,65 -22,64 -18,63 -14,65 -16,66 -22,66",
        "130,31 132,34 136,34 140,35 142,40 145,43 142,46 140,42 137,37 131,34",
        "95,6 104,-3 106,-6 102,-4",
        "105,-6 115,-8 114,-9 106,-7",
        "109,2 117,7 119,5 116,-4 110,-3",
        "119,-5 120,1 125,2 121,0 123,-5 121,-3 120,-6",
        "131,-1 141,-3 151,-10 144,-8 138,-8 133,-4",
        "120,18 122,18 124,13 126,7 122,8 120,14",
        /* Australia and New Zealand */
        "114,-22 122,-18 129,-15 132,-11 137,-12 136,-15 141,-17 142,-11 146,-19 153,-25 "
        "153,-31 150,-37 147,-39 141,-38 138,-35 131,-31 124,-33 116,-35 115,-31",
        "145,-41 148,-41 147,-43 146,-43",
        "173,-35 178,-38 175,-41 173,-39",
        "173,-41 171,-46 167,-46 171,-42",
};

#define NORTH 84
#define SOUTH (-58)

static void write_land(FILE *out)
{
	fprintf(out, "<g class=\"land\" transform=\"scale(1 -1)\" aria-hidden=\"true\">");
	for (size_t i = 0; i < sizeof(coasts) / sizeof(coasts[0]); i++)
		fprintf(out, "<polygon points=\"%s\"/>", coasts[i]);
	fprintf(out, "</g>");
}

/* Every thirty degrees. */
static void write_grid(FILE *out)
{
	fprintf(out, "<path class=\"grid\" aria-hidden=\"true\" d=\"");
	for (int longitude = -150; longitude < 180; longitude += 30)
		fprintf(out, "M%d %dV%d", longitude, -NORTH, -SOUTH);
	for (int latitude = -30; latitude <= 60; latitude += 30)
		fprintf(out, "M-180 %dH180", -latitude);
	fprintf(out, "\"/>");
}

static bool place_of(const json_t *region, double *ret_x, double *ret_y)
{
	const json_t *latitude = json_object_get(region, "latitude");
	const json_t *longitude = json_object_get(region, "longitude");

	if (!json_is_number(latitude) || !json_is_number(longitude))
		return false;
	*ret_x = json_number_value(longitude);
	*ret_y = -json_number_value(latitude);
	return true;
}

/* The name stands to the right of its spot, unless the map ends there, or another spot is. */
static bool right_is_free(const json_t *regions, double x, double y)
{
	const json_t *other;
	double other_x, other_y;
	size_t i;

	json_array_foreach(regions, i, other)
	{
		if (place_of(other, &other_x, &other_y) && other_x > x && other_x - x < 25 &&
		    fabs(other_y - y) < 6)
			return false;
	}
	return x < 140;
}

static void write_spot(FILE *out, const json_t *regions, const json_t *region)
{
	bool right;
	double x, y;

	if (!place_of(region, &x, &y))
		return;
	right = right_is_free(regions, x, y);
	fprintf(out, "<circle class=\"spot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>", x, y);
	escape_html(out, json_text_of(region, "region"));
	fprintf(out, ": %lld answers</title></circle>", json_number_of(region, "answers"));
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\"%s>", right ? x + 4 : x - 4, y + 2,
	        right ? "" : " text-anchor=\"end\"");
	escape_html(out, json_text_of(region, "region"));
	fprintf(out, "</text>");
}

void map_write(FILE *out, const json_t *regions)
{
	const json_t *region;
	bool any = false;
	double x, y;
	size_t i;

	json_array_foreach(regions, i, region)
	{
		any = any || place_of(region, &x, &y);
	}
	if (!any)
		return;
	fprintf(out,
	        "<svg class=\"map\" role=\"img\" viewBox=\"-180 %d 360 %d\"><title>Where the "
	        "regions with coordinates lie; coasts are sketched</title>",
	        -NORTH, NORTH - SOUTH);
	write_land(out);
	write_grid(out);
	json_array_foreach(regions, i, region)
	{
		write_spot(out, regions, region);
	}
	fprintf(out, "</svg>\n");
}

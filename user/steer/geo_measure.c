/* SPDX-License-Identifier: BSD-2-Clause */
/* What is nearest to a record by coordinates, and quickest by milliseconds. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_records_room.h"

#define EARTH_RADIUS_KM 6371

/* ---- coordinates ---- */

void measure_paths(struct records *records)
{
	mmdb_path_parse("location/latitude", &records->latitude[0]);
	mmdb_path_parse("location/longitude", &records->longitude[0]);
	mmdb_path_parse("latitude", &records->latitude[1]);
	mmdb_path_parse("longitude", &records->longitude[1]);
}

static struct point point_at(double latitude, double longitude)
{
	double phi = latitude * M_PI / 180, lambda = longitude * M_PI / 180;

	return (struct point){.x = cos(phi) * cos(lambda),
	                      .y = cos(phi) * sin(lambda),
	                      .z = sin(phi),
	                      .factor = 1};
}

/* Route 53's formula. */
double geo_bias_factor(double bias)
{
	return bias > 0 ? 1 - bias / 100 : 1 / (1 + bias / 100);
}

int measure_points(struct records *records, unsigned int policy, struct error *error)
{
	const struct config_policy *config = &records->plan->config->policies[policy];
	struct point *points = calloc(config->nearest_count, sizeof(*points));

	if (!points)
		return records_no_memory(error);
	for (size_t i = 0; i < config->nearest_count; i++) {
		const struct config_nearest *nearest = &config->nearest[i];

		points[i] = point_at(nearest->latitude, nearest->longitude);
		points[i].factor = geo_bias_factor(nearest->bias);
		points[i].region = (uint32_t)geo_names_region(
		        records->plan->names, records->plan->numbers[policy], nearest->region);
	}
	records->points[policy] = points;
	return 0;
}

/* The angle between two points: with the chord, which is exact for small ones too. */
static double distance(const struct point *a, const struct point *b)
{
	double x = a->x - b->x, y = a->y - b->y, z = a->z - b->z;
	double half = sqrt(x * x + y * y + z * z) / 2;

	return 2 * asin(half < 1 ? half : 1) * b->factor;
}

double geo_distance_km(double latitude, double longitude, double to_latitude, double to_longitude)
{
	struct point from = point_at(latitude, longitude), to = point_at(to_latitude, to_longitude);

	return distance(&from, &to) * EARTH_RADIUS_KM;
}

static bool has_region(const uint32_t *regions, size_t count, uint32_t region)
{
	for (size_t i = 0; i < count; i++)
		if (regions[i] == region)
			return true;
	return false;
}

/* The nearest point that is not of a region taken before; NULL: none is left. */
static const struct point *next_nearest(const struct records *records, unsigned int policy,
                                        const struct point *here, const uint32_t *taken,
                                        size_t taken_count)
{
	const struct point *points = records->points[policy], *best = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < records->plan->config->policies[policy].nearest_count; i++) {
		double far;

		if (has_region(taken, taken_count, points[i].region))
			continue;
		far = distance(here, &points[i]);
		if (best && far >= least)
			continue;
		best = &points[i];
		least = far;
	}
	return best;
}

/* The region that stands for these: known, or named now. Of 0 words behind them. */
static int64_t region_for(struct records *records, unsigned int policy,
                          const uint32_t regions[GEO_ORDER_MAX], size_t count)
{
	const struct geo_plan *plan = records->plan;
	unsigned int number = plan->numbers[policy];
	const struct geo_policy_names *known = &plan->names->policies[number];
	struct geo_orders *orders = &records->orders[policy];
	const char *names[GEO_ORDER_MAX];
	uint32_t *more;
	int64_t at;
	int region;

	if (!orders->known)
		orders->known = intern_new(GEO_ORDER_MAX);
	at = orders->known ? intern_put(orders->known, regions) : -ENOMEM;
	if (at < 0 || at < orders->count)
		return at < 0 ? at : orders->region[at];
	for (size_t i = 0; i < count; i++)
		names[i] = known->regions[regions[i] - 1];
	region = geo_names_order(plan->names, number, names, count);
	more = realloc(orders->region, (size_t)(at + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	orders->region = more;
	orders->region[at] = (uint32_t)region;
	orders->count = (uint32_t)at + 1;
	return region;
}

/* The nearest region, or the one that stands for as many as the policy wants, nearest first. */
static int64_t nearest_of(struct records *records, unsigned int policy, const struct point *here)
{
	uint32_t regions[GEO_ORDER_MAX] = {0};
	size_t count = 0;

	while (count < records->plan->config->policies[policy].nearest_limit) {
		const struct point *point = next_nearest(records, policy, here, regions, count);

		if (!point)
			break;
		regions[count++] = point->region;
	}
	return count == 1 ? regions[0] : region_for(records, policy, regions, count);
}

/* 0, -ENOENT: it has none, -EBADMSG. */
static int find_point(const struct records *records, const struct mmdb *mmdb, uint32_t record,
                      struct point *ret)
{
	double latitude, longitude;
	int err = -ENOENT;

	for (size_t i = 0; i < 2 && err == -ENOENT; i++) {
		err = mmdb_number(mmdb, record, &records->latitude[i], &latitude);
		if (!err)
			err = mmdb_number(mmdb, record, &records->longitude[i], &longitude);
	}
	if (!err)
		*ret = point_at(latitude, longitude);
	return err;
}

int measure_nearest(struct records *records, const struct mmdb *mmdb, uint32_t record,
                    uint32_t *nearest)
{
	struct point here;
	int err = -ENOENT;
	bool wanted = false;

	for (size_t i = 0; i < records->plan->config->policies_count; i++)
		wanted |= records->points[i] != NULL;
	if (wanted)
		err = find_point(records, mmdb, record, &here);
	if (err)
		return err == -ENOENT ? 0 : err;
	records->coordinates = true;
	for (unsigned int i = 0; i < records->plan->config->policies_count; i++) {
		int64_t region;

		if (!records->points[i])
			continue;
		region = nearest_of(records, i, &here);
		if (region < 0)
			return (int)region;
		nearest[i] = (uint32_t)region;
	}
	return 0;
}

/* ---- milliseconds ---- */

int measure_quicks(struct records *records, unsigned int policy, struct error *error)
{
	const struct config_policy *config = &records->plan->config->policies[policy];
	unsigned int number = records->plan->numbers[policy];
	const struct geo_policy_names *names = &records->plan->names->policies[number];
	struct quick *quicks = calloc(names->regions_count, sizeof(*quicks));
	char path[400];

	if (!quicks)
		return records_no_memory(error);
	records->quicks[policy] = quicks;
	for (size_t i = 0; i < names->regions_count; i++) {
		struct quick *quick = &quicks[records->quicks_count[policy]];

		if (strstr(names->regions[i], GEO_THEN))
			continue; /* stands for others */
		snprintf(path, sizeof(path), "%s/%s", config->table_path, names->regions[i]);
		if (mmdb_path_parse(path, &quick->path))
			return error_set(error, EINVAL, records->plan->config->path, config->line,
			                 "table-path: cannot hold region %s", names->regions[i]);
		quick->region = (uint32_t)i + 1;
		records->quicks_count[policy]++;
	}
	return 0;
}

int measure_quickest(const struct records *records, const struct mmdb *mmdb, uint32_t record,
                     uint32_t *quickest)
{
	for (size_t i = 0; i < records->plan->config->policies_count; i++) {
		double best = INFINITY, ms;

		for (size_t j = 0; j < records->quicks_count[i]; j++) {
			int err = mmdb_number(mmdb, record, &records->quicks[i][j].path, &ms);

			if (err == -EBADMSG)
				return err;
			if (err || !(ms < best))
				continue;
			best = ms;
			quickest[i] = records->quicks[i][j].region;
		}
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What is nearest to a record by coordinates, and quickest by milliseconds. */
#include <math.h>
#include <stdlib.h>

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

static uint32_t nearest_of(const struct records *records, unsigned int policy,
                           const struct point *here)
{
	const struct point *points = records->points[policy];
	size_t count = records->plan->config->policies[policy].nearest_count, best = 0;

	for (size_t i = 1; i < count; i++)
		if (distance(here, &points[i]) < distance(here, &points[best]))
			best = i;
	return points[best].region;
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
	for (unsigned int i = 0; i < records->plan->config->policies_count; i++)
		if (records->points[i])
			nearest[i] = nearest_of(records, i, &here);
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
	records->quicks_count[policy] = names->regions_count;
	for (size_t i = 0; i < names->regions_count; i++) {
		snprintf(path, sizeof(path), "%s/%s", config->table_path, names->regions[i]);
		if (mmdb_path_parse(path, &quicks[i].path))
			return error_set(error, EINVAL, records->plan->config->path, config->line,
			                 "table-path: cannot hold region %s", names->regions[i]);
		quicks[i].region = (uint32_t)i + 1;
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

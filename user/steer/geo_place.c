/* SPDX-License-Identifier: BSD-2-Clause */
/* What databases have of a network, for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "steer/geo_records_room.h"

struct telling {
	struct geo_place *place;
	size_t len;
	const char *word; /* before the first text of a subject */
	bool any;
};

static void __attribute__((format(printf, 2, 3)))
tell(struct telling *telling, const char *format, ...)
{
	size_t room = sizeof(telling->place->text) - telling->len;
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(telling->place->text + telling->len, room, format, args);
	va_end(args);
	if (more > 0)
		telling->len += (size_t)more < room ? (size_t)more : room - 1;
}

static void take_text(void *arg, const char *text)
{
	struct telling *telling = arg;

	if (!text[0])
		return;
	if (telling->any)
		tell(telling, "/%s", text);
	else
		tell(telling, "%s%s %s", telling->len ? ", " : "", telling->word, text);
	telling->any = true;
}

static int tell_subject(struct telling *telling, const struct mmdb *mmdb, uint32_t record,
                        enum subject subject)
{
	struct mmdb_path path = {0};
	int err = 0;

	telling->any = false;
	telling->word = matcher_key(subject);
	for (size_t way = 0; !err && !telling->any && matcher_path(subject, way); way++) {
		mmdb_path_parse(matcher_path(subject, way), &path);
		err = mmdb_texts(mmdb, record, &path, take_text, telling);
	}
	return err;
}

static int tell_point(struct telling *telling, const struct mmdb *mmdb, uint32_t record)
{
	static const char *const keys[][2] = {{"location/latitude", "location/longitude"},
	                                      {"latitude", "longitude"}};
	double value[2] = {0};

	for (size_t way = 0; way < 2; way++) {
		struct mmdb_path path = {0};
		int found = 0;

		for (size_t i = 0; i < 2; i++) {
			mmdb_path_parse(keys[way][i], &path);
			found += mmdb_number(mmdb, record, &path, &value[i]) == 0;
		}
		if (found < 2)
			continue;
		tell(telling, "%sat %.4g, %.4g", telling->len ? ", " : "", value[0], value[1]);
		telling->place->located = true;
		telling->place->latitude = value[0];
		telling->place->longitude = value[1];
		return 0;
	}
	return 0;
}

static int tell_record(struct telling *telling, const struct mmdb *mmdb, uint32_t record)
{
	static const enum subject subjects[] = {SUBJECT_CONTINENT, SUBJECT_COUNTRY,
	                                        SUBJECT_SUBDIVISION, SUBJECT_CITY, SUBJECT_ASN};
	int err = 0;

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]) && !err; i++)
		err = tell_subject(telling, mmdb, record, subjects[i]);
	return err ? err : tell_point(telling, mmdb, record);
}

/* As the table has it: the first address of a block speaks for it. */
static int find_place(const struct mmdb *mmdb, const struct network *network, struct geo_place *ret)
{
	struct mmdb_place at = mmdb_root(mmdb, network->family), both[2];
	struct telling telling = {.place = ret};
	unsigned int bit = 0;
	int err = 0;

	for (; !err && at.kind == MMDB_NODE && bit < net_family_bits(network->family); bit++) {
		err = mmdb_children(mmdb, network->family, at.value, both);
		at = both[network->address[bit / 8] >> (7 - bit % 8) & 1];
	}
	if (err || at.kind == MMDB_NODE)
		return err ? err : -EBADMSG;
	ret->network = network_of(network->family, network->address, (uint8_t)bit);
	ret->known = at.kind == MMDB_RECORD;
	return ret->known ? tell_record(&telling, mmdb, at.value) : 0;
}

/* The IPv4 network inside of one of 6to4 (RFC 3056). */
static struct network without_six_to_four(const struct network *network)
{
	uint8_t address[16] = {0};

	if (network->family != AN_FAMILY_IPV6 || network->address[0] != 0x20 ||
	    network->address[1] != 0x02)
		return *network;
	memcpy(address, network->address + 2, 4);
	return network_of(AN_FAMILY_IPV4, address, AN_GEO_IPV4_LEN);
}

int geo_place(const struct config_database *database, const struct network *network,
              struct geo_place *ret, struct error *error)
{
	struct network inside = without_six_to_four(network), cut;
	bool ipv6 = inside.family == AN_FAMILY_IPV6;
	struct mmdb *mmdb = NULL;
	int err;

	*ret = (struct geo_place){0};
	cut = network_of(inside.family, inside.address, ipv6 ? AN_GEO_IPV6_LEN : AN_GEO_IPV4_LEN);
	err = mmdb_open(ipv6 && database->file_ipv6 ? database->file_ipv6 : database->file, &mmdb,
	                error);
	if (!err)
		err = find_place(mmdb, &cut, ret);
	mmdb_close(mmdb);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Zones out of text, for the tests of the zone room. */
#ifndef TESTS_UNIT_ZONE_FROM_TEXT_H
#define TESTS_UNIT_ZONE_FROM_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anamed/dns.h"
#include "base/config.h"
#include "zone/zones.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* A wire name in a block of exactly its size, so that ASan sees one octet too far; free() it. */
static inline uint8_t *wire_name(const char *text, size_t *ret_len)
{
	uint8_t octets[NAME_MAX_LEN];
	int len = name_from_text(text, NULL, 0, octets);
	uint8_t *name;

	assert_true(len > 0);
	name = malloc((size_t)len);
	assert_non_null(name);
	memcpy(name, octets, (size_t)len);
	*ret_len = (size_t)len;
	return name;
}

static inline int load_octets(const char *apex, const char *text, size_t size,
                              const struct config_zone *settings, struct zone **ret,
                              struct error *error)
{
	size_t len;
	uint8_t *name = wire_name(apex, &len);
	FILE *in = fmemopen((char *)(uintptr_t)text, size, "r");
	int result;

	assert_non_null(in);
	result = zone_load_stream(name, len, in, "text", AN_TYPE_ANAME, settings, ret, error);
	fclose(in);
	free(name);
	return result;
}

static inline int load_text(const char *apex, const char *text, const struct config_zone *settings,
                            struct zone **ret, struct error *error)
{
	return load_octets(apex, text, strlen(text), settings, ret, error);
}

/* A zone that must load. */
static inline struct zone *zone_of(const char *apex, const char *text,
                                   const struct config_zone *settings)
{
	struct error error = {0};
	struct zone *zone = NULL;
	char words[900];

	if (load_text(apex, text, settings, &zone, &error))
		fail_msg("%s", error_text(&error, words, sizeof(words)));
	return zone;
}

static inline const struct zone_node *node_of(const struct zone *zone, const char *text)
{
	size_t len;
	uint8_t *name = wire_name(text, &len);
	const struct zone_node *node = zone_node_exact(zone, name, len);

	free(name);
	return node;
}

static inline const struct zone_rrset *set_of(const struct zone *zone, const char *text,
                                              uint16_t type)
{
	const struct zone_node *node = node_of(zone, text);

	return node ? zone_rrset(node, type) : NULL;
}

/* The least that a zone must hold. */
#define HEAD                                                                                       \
	"$TTL 300\n"                                                                               \
	"@ SOA ns hostmaster 7 2 3 4 60\n"                                                         \
	"@ NS ns\n"                                                                                \
	"ns A 192.0.2.53\n"

#endif

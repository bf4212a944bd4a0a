/* SPDX-License-Identifier: BSD-2-Clause */
/* json - members of a document that may lack them. */
#ifndef ANAMED_SHOW_JSON_H
#define ANAMED_SHOW_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* "" if it is no text. */
static inline const char *json_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* 0 if it is no whole number. */
static inline long long json_number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static inline bool json_is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

#endif

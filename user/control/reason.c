/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "steer/geo.h"

struct telling {
	const struct config *config;
	const struct config_policy *policy;
	struct network network;
	json_t *reply, *words, *places;
	size_t at; /* where the next line goes */
};

static void __attribute__((format(printf, 2, 3)))
say(struct telling *telling, const char *format, ...)
{
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_insert_new(telling->words, telling->at++, json_string(text));
}

/* ---- what stands in the databases ---- */

static bool is_asked(const struct config_policy *policy, const char *database)
{
	bool asked = (policy->nearest_count || policy->table_path) && policy->database &&
	             !strcmp(policy->database, database);

	for (size_t i = 0; i < policy->rules_count && !asked; i++) {
		const struct config_rule *rule = &policy->rules[i];
		const char *name = rule->database ? rule->database : policy->database;

		asked = geo_rule_needs_database(rule) && name && !strcmp(name, database);
	}
	return asked;
}

static void say_distances(struct telling *telling, const struct geo_place *place)
{
	char text[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < telling->policy->nearest_count && len < sizeof(text); i++) {
		const struct config_nearest *nearest = &telling->policy->nearest[i];
		double km = geo_distance_km(place->latitude, place->longitude, nearest->latitude,
		                            nearest->longitude);
		int more = snprintf(text + len, sizeof(text) - len, "%s%s %.0f km", len ? ", " : "",
		                    nearest->region, km);

		if (more > 0 && nearest->bias != 0 && len + (size_t)more < sizeof(text))
			more += snprintf(text + len + more, sizeof(text) - len - (size_t)more,
			                 " (bias %g: as %.0f)", nearest->bias,
			                 km * geo_bias_factor(nearest->bias));
		len += more > 0 ? (size_t)more : 0;
	}
	say(telling, "From there: %s.", text);
}

static int say_place(struct telling *telling, const struct config_database *database,
                     struct error *error)
{
	char text[NET_TEXT_MAX];
	struct geo_place place;
	int err = geo_place(database, &telling->network, &place, error);

	if (err)
		return err;
	network_text(&place.network, text);
	if (place.known)
		say(telling, "Database %s has %s: %s.", database->name, text,
		    place.text[0] ? place.text : "a record without a place");
	else
		say(telling, "Database %s has nothing for %s.", database->name, text);
	json_array_append_new(telling->places,
	                      json_pack("{s:s, s:s, s:b, s:s}", "database", database->name,
	                                "network", text, "known", place.known, "has", place.text));
	if (place.located && telling->policy->nearest_count && telling->policy->database &&
	    !strcmp(telling->policy->database, database->name))
		say_distances(telling, &place);
	return 0;
}

static int say_places(struct telling *telling, struct error *error)
{
	int err = 0;

	for (size_t i = 0; i < telling->config->databases_count && !err; i++)
		if (telling->network.family &&
		    is_asked(telling->policy, telling->config->databases[i].name))
			err = say_place(telling, &telling->config->databases[i], error);
	return err;
}

/* ---- what decided ---- */

static const char *reason_words(const struct geo_reason *reason, char *ret, size_t size)
{
	const char *asked = reason->database ? reason->database : "";

	if (reason->how == GEO_BY_RULE)
		snprintf(ret, size, "by the rule at line %u of the configuration%s%s", reason->line,
		         asked[0] ? ", out of database " : ", without a database", asked);
	else if (reason->how == GEO_BY_TABLE)
		snprintf(ret, size, "as the quickest, by %s", reason->file ? reason->file : asked);
	else if (reason->how == GEO_BY_DISTANCE)
		snprintf(ret, size, "as the nearest, by the coordinates of database %s", asked);
	else
		snprintf(ret, size, "as the policy's default: nothing else holds for it");
	return ret;
}

static int say_reason(struct telling *telling, struct error *error)
{
	struct geo_reason reason;
	char words[512];
	int err = geo_explain(telling->config, telling->policy->name, &telling->network, &reason,
	                      error);

	if (err)
		return err;
	reason_words(&reason, words, sizeof(words));
	json_object_set_new(telling->reply, "region_by", json_string(words));
	say(telling, "That region was found %s.", words);
	return 0;
}

/* ---- all of it ---- */

static const struct config_policy *policy_named(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->policies_count; i++)
		if (!strcmp(config->policies[i].name, name))
			return &config->policies[i];
	return NULL;
}

/* Behind the line that names the region. */
static size_t find_place(const json_t *words)
{
	const json_t *line;
	size_t i;

	json_array_foreach(words, i, line)
	{
		if (!strncmp(json_string_value(line), "Policy ", 7))
			return i + 1;
	}
	return json_array_size(words);
}

int reason_add(const char *config_path, json_t *reply, struct error *error)
{
	const char *policy = json_string_value(json_object_get(reply, "policy"));
	const char *place = json_string_value(json_object_get(reply, "place"));
	struct telling telling = {.reply = reply, .words = json_object_get(reply, "words")};
	struct config *config = NULL;
	int err;

	if (!policy || !json_is_array(telling.words))
		return 0;
	if (place)
		network_parse(place, &telling.network); /* "nobody" has none */
	err = config_load(config_path, &config, error);
	if (err)
		return err;
	telling.config = config;
	telling.policy = policy_named(config, policy);
	telling.places = json_array();
	telling.at = find_place(telling.words);
	json_object_set_new(reply, "places", telling.places);
	if (telling.policy)
		err = say_places(&telling, error);
	if (telling.policy && !err)
		err = say_reason(&telling, error);
	config_free(config);
	return err;
}

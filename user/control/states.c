/* SPDX-License-Identifier: BSD-2-Clause */
/* What health checks have found, as JSON. */
#include <string.h>

#include "base/clock.h"
#include "control/daemon.h"
#include "control/report.h"

#define SET(object, key, value) json_object_set_new(object, key, value)

static const char *const force_words[] = {"auto", "up", "down"};

static json_t *history_json(const struct health_info *info)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < info->history_count; i++) {
		const struct health_change *change = &info->history[i];

		json_array_append_new(list, json_pack("{s:I, s:b, s:s}", "unix_s",
		                                      (json_int_t)(change->unix_ms / 1000), "up",
		                                      change->up, "reason", change->reason));
	}
	return list;
}

static json_t *count_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static void set_outlook(json_t *object, const struct health_state *state)
{
	uint64_t now_ms = clock_ms();

	SET(object, "near", json_boolean(state->near));
	if (state->next_change_ms == CLOCK_MS_NEVER)
		return;
	SET(object, "next_change_ms",
	    count_json(state->next_change_ms > now_ms ? state->next_change_ms - now_ms : 0));
}

static json_t *info_json(const struct health_info *info)
{
	const struct health_state *state = &info->state;
	char address[NET_TEXT_MAX];
	json_t *object = json_object();

	net_address_text(info->family, info->address, address);
	SET(object, "check", json_string(info->check));
	SET(object, "kind", info->gone ? json_null() : json_string(health_kind_word(info->kind)));
	SET(object, "address", json_string(address));
	SET(object, "up", json_boolean(state->up));
	SET(object, "known", json_boolean(state->known));
	SET(object, "damped", json_boolean(state->damped));
	SET(object, "forced", json_string(force_words[state->forced]));
	set_outlook(object, state);
	SET(object, "run", json_integer(info->run));
	SET(object, "run_good", json_boolean(info->run_good));
	SET(object, "reason", json_string(info->reason));
	SET(object, "connect_us", json_integer(state->connect_us));
	SET(object, "last_us", json_integer(info->last_us));
	if (info->since_unix_ms)
		SET(object, "since_unix_s", json_integer(info->since_unix_ms / 1000));
	if (info->last_unix_ms)
		SET(object, "last_unix_s", json_integer(info->last_unix_ms / 1000));
	SET(object, "watchers", json_integer(info->watchers));
	SET(object, "good", count_json(info->good));
	SET(object, "bad", count_json(info->bad));
	SET(object, "changes", count_json(info->changes));
	SET(object, "late", count_json(info->late));
	SET(object, "history", history_json(info));
	return object;
}

struct listing {
	json_t *list;
	const char *only; /* check or address; NULL: all */
	size_t limit, left;
	bool up; /* those that are up, or those that are not */
};

static void add_info(const struct health_info *info, void *arg)
{
	struct listing *listing = arg;
	char address[NET_TEXT_MAX];

	if (info->state.up != listing->up)
		return;
	net_address_text(info->family, info->address, address);
	if (listing->only && strcmp(listing->only, info->check) != 0 &&
	    strcmp(listing->only, address) != 0)
		return;
	if (json_array_size(listing->list) < listing->limit)
		json_array_append_new(listing->list, info_json(info));
	else
		listing->left++;
}

json_t *report_health(struct daemon *daemon, const char *only, size_t limit, size_t *ret_left)
{
	struct listing listing = {json_array(), only, limit, 0, false};

	health_each(daemon->health, add_info, &listing);
	listing.up = true;
	health_each(daemon->health, add_info, &listing);
	*ret_left = listing.left;
	return listing.list;
}

json_t *report_health_stats(struct daemon *daemon)
{
	struct health_stats stats;
	json_t *object = json_object();

	health_stats(daemon->health, &stats);
	SET(object, "watched", count_json(stats.watched));
	SET(object, "up", count_json(stats.up));
	SET(object, "down", count_json(stats.down));
	SET(object, "forced", count_json(stats.forced));
	SET(object, "damped", count_json(stats.damped));
	SET(object, "running", count_json(stats.running));
	SET(object, "waiting", count_json(stats.waiting));
	SET(object, "good", count_json(stats.good));
	SET(object, "bad", count_json(stats.bad));
	SET(object, "changes", count_json(stats.changes));
	SET(object, "late", count_json(stats.late));
	return object;
}

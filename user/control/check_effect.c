/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/check_effect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/control.h"
#include "control/settings.h"

/* What holds where the file says nothing: who writes that down is not told that it says nothing. */
struct standards {
	struct config *config;
	struct config_pool pool;
	struct config_member member;
	struct config_check check;
};

struct effect {
	struct config *config;
	const struct places *places;
	struct standards standard;
	size_t room; /* of config->warnings */
	int err;
};

/* ---- defaults ---- */

static const struct section *section_of(const char *key)
{
	size_t i = 0;

	while (strcmp(sections[i].key, key) != 0)
		i++;
	return &sections[i];
}

static const struct section *entries_of(const struct section *section, const char *key)
{
	size_t i = 0;

	while (strcmp(section->settings[i].key, key) != 0)
		i++;
	return section->settings[i].entries;
}

static int standards_open(struct standards *ret)
{
	const struct section *pools = section_of("pools");

	ret->config = config_default();
	if (!ret->config || settings_default(pools, &ret->pool) ||
	    settings_default(entries_of(pools, "members"), &ret->member) ||
	    settings_default(section_of("checks"), &ret->check))
		return -ENOMEM;
	return 0;
}

static void standards_close(struct standards *standard)
{
	const struct section *pools = section_of("pools");

	config_free(standard->config);
	settings_free(pools, &standard->pool);
	settings_free(entries_of(pools, "members"), &standard->member);
	settings_free(section_of("checks"), &standard->check);
}

/* ---- warnings ---- */

static void __attribute__((format(printf, 3, 4)))
warn(struct effect *effect, unsigned int line, const char *format, ...)
{
	struct config *config = effect->config;
	struct config_warning *more;
	va_list args;

	if (config->warnings_count == effect->room) {
		size_t room = effect->room ? effect->room * 2 : 8;

		more = realloc(config->warnings, room * sizeof(*more));
		if (!more) {
			effect->err = -ENOMEM;
			return;
		}
		config->warnings = more;
		effect->room = room;
	}
	more = &config->warnings[config->warnings_count++];
	more->line = line;
	va_start(args, format);
	vsnprintf(more->text, sizeof(more->text), format, args);
	va_end(args);
}

/* Of a setting at `where`, if it is another than the default. */
static void warn_idle(struct effect *effect, bool other, const char *where, const char *key,
                      const char *why)
{
	if (other)
		warn(effect, places_line(effect->places, "%s/%s", where, key),
		     "%s: has no effect %s", key, why);
}

/* ---- pools ---- */

struct look {
	struct effect *effect;
	const struct pool_tree *tree;
	bool held, far; /* its `hold-down' and its `margin' are other than by default */
	char where[48]; /* of the pool, among the places */
	/* Of its leaves, those of the pools inside included: */
	bool may_fail; /* some can be down */
	bool measured; /* of some it is known how far they are */
	bool by_place; /* which ones count depends on where the client is */
	unsigned int families;
	const struct config_pool *pool; /* that was looked at last, and its check */
	const struct config_check *check;
};

/* NULL: the pool has none. Leaves of one pool mostly follow one another. */
static const struct config_check *check_of(struct look *look, const struct config_pool *pool)
{
	if (pool != look->pool)
		look->check =
		        pool->check ? config_find_check(look->effect->config, pool->check) : NULL;
	look->pool = pool;
	return look->check;
}

static void look_at_node(struct look *look, const struct pool_node *node)
{
	const struct config_check *check;

	if (node->kind == POOL_NODE_POOL)
		look->by_place |= node->pool->mode == POOL_GEO;
	if (node->kind == POOL_NODE_ADDRESS)
		look->families |= 1U << node->address->family;
	if (node->kind != POOL_NODE_ADDRESS && node->kind != POOL_NODE_ANAME)
		return;
	check = check_of(look, node->pool);
	/* A target may fail to resolve, whoever checks its addresses. */
	look->may_fail |= check || node->kind == POOL_NODE_ANAME;
	look->measured |= check && check->kind != CHECK_COMMAND;
}

/* Of a pool's members the first says it for all. */
static void warn_weights(const struct look *look)
{
	const struct config_pool *pool = look->tree->pool;
	char where[80];
	size_t i = 0;

	if (pool->mode == POOL_WEIGHTED || pool->mode == POOL_CONSISTENT)
		return;
	while (i < pool->members_count &&
	       pool->members[i].weight == look->effect->standard.member.weight)
		i++;
	snprintf(where, sizeof(where), "%s/members/%zu", look->where, i);
	warn_idle(look->effect, i < pool->members_count, where, "weight",
	          "but in modes weighted and consistent");
}

/* What some modes alone look at. */
static void warn_modes(const struct look *look)
{
	enum pool_mode mode = look->tree->pool->mode;

	warn_idle(look->effect, look->held && mode != POOL_FAILOVER && mode != POOL_LATENCY,
	          look->where, "hold-down", "but in modes failover and latency");
	warn_idle(look->effect, look->far && mode != POOL_LATENCY, look->where, "margin",
	          "but in mode latency");
	warn_weights(look);
}

static void warn_check(const struct look *look)
{
	const struct config_pool *pool = look->tree->pool;

	for (size_t i = 0; i < pool->members_count; i++)
		if (!pool->members[i].pool.len)
			return;
	warn_idle(look->effect, pool->check != NULL, look->where, "check",
	          "where all members are pools, which have their own");
}

/* Nobody says how far members are. */
static void warn_latency(const struct look *look)
{
	const struct config_pool *pool = look->tree->pool;
	unsigned int line = places_line(look->effect->places, "%s/mode", look->where);

	if (pool->mode != POOL_LATENCY || look->measured || pool->members_count < 2)
		return;
	warn(look->effect, line,
	     "mode: latency goes by what checks measure, and %s: members are taken in their order",
	     look->may_fail ? "none here measures" : "there is none");
}

/* An address of last resort, of a family of which there is always a member up. */
static void warn_resorts(const struct look *look)
{
	const struct config_pool *pool = look->tree->pool;
	char text[NET_TEXT_MAX];

	for (size_t i = 0; i < pool->last_resort_count && !look->by_place; i++) {
		const struct endpoint *address = &pool->last_resort[i];

		if (!(look->families & 1U << address->family))
			continue;
		net_address_text(address->family, address->address, text);
		warn(look->effect,
		     places_line(look->effect->places, "%s/last-resort/%zu", look->where, i),
		     "last-resort: %s is never given: without a `check' no member can be down",
		     text);
	}
}

/* Members that are always up. */
static void warn_always_up(const struct look *look)
{
	static const char why[] = "without a `check', since no member can be down";
	const struct config_pool *pool = look->tree->pool;

	if (look->may_fail)
		return;
	warn_idle(look->effect, pool->min_up != look->effect->standard.pool.min_up, look->where,
	          "min-up", why);
	warn_idle(look->effect, look->held && pool->mode == POOL_FAILOVER, look->where, "hold-down",
	          why);
	if (pool->mode == POOL_FAILOVER && pool->members_count > 1)
		warn(look->effect, places_line(look->effect->places, "%s/mode", look->where),
		     "mode: failover without a `check' gives the first member of each family, and "
		     "never another");
	warn_resorts(look);
}

static void look_at_pool(struct effect *effect, const struct pool_tree *tree, size_t index)
{
	const struct config_pool *pool = tree->pool, *standard = &effect->standard.pool;
	struct look look = {.effect = effect,
	                    .tree = tree,
	                    .held = pool->hold_down_ms != standard->hold_down_ms,
	                    .far = pool->margin_ms != standard->margin_ms};

	snprintf(look.where, sizeof(look.where), "pools/%zu", index);
	for (uint16_t i = 0; i < tree->count; i++)
		look_at_node(&look, &tree->nodes[i]);
	warn_modes(&look);
	warn_check(&look);
	warn_latency(&look);
	warn_always_up(&look);
}

/* ---- checks ---- */

static void look_at_check(struct effect *effect, const struct config_check *check, size_t index)
{
	const struct config_check *standard = &effect->standard.check;
	char where[48];

	snprintf(where, sizeof(where), "checks/%zu", index);
	warn_idle(effect,
	          !check->idle_interval_ms && check->idle_after_ms != standard->idle_after_ms,
	          where, "idle-after", "without `idle-interval'");
	warn_idle(effect, !check->damping_ms && check->damping_limit != standard->damping_limit,
	          where, "damping-limit", "with `damping: 0'");
	warn_idle(effect, !check->verify && check->ca_file, where, "ca-file", "with `verify: no'");
}

/* ---- the server ---- */

static void look_at_limits(struct effect *effect)
{
	const struct config *config = effect->config, *standard = effect->standard.config;
	static const char rate[] = "without `rate-limit'", miss[] = "with `miss-limit: 0'";
	bool no_rate = !config->rate_limit, no_miss = !config->miss_limit;

	warn_idle(effect, no_rate && config->rate_window_ms != standard->rate_window_ms, "server",
	          "rate-limit-window", rate);
	warn_idle(effect, no_rate && config->rate_slip != standard->rate_slip, "server",
	          "rate-limit-slip", rate);
	warn_idle(effect, no_rate && config->rate_exempt_count, "server", "rate-limit-exempt",
	          rate);
	warn_idle(effect, no_miss && config->miss_burst != standard->miss_burst, "server",
	          "miss-burst", miss);
	warn_idle(effect, no_miss && config->miss_slip != standard->miss_slip, "server",
	          "miss-slip", miss);
}

static void look_at_server(struct effect *effect)
{
	look_at_limits(effect);
	warn_idle(effect, !effect->config->cookies && effect->config->cookie_secrets_count,
	          "server", "cookie-secrets", "without `cookies: yes'");
}

static int compare_lines(const void *a, const void *b)
{
	const struct config_warning *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return strcmp(x->text, y->text);
}

int check_effect(struct config *config, const struct places *places, const struct pools *pools)
{
	struct effect effect = {.config = config, .places = places};

	effect.err = standards_open(&effect.standard);
	if (effect.err)
		goto close;
	for (size_t i = 0; i < pools_count(pools); i++)
		look_at_pool(&effect, pools_at(pools, i), i);
	for (size_t i = 0; i < config->checks_count; i++)
		look_at_check(&effect, &config->checks[i], i);
	look_at_server(&effect);
	if (config->warnings_count)
		qsort(config->warnings, config->warnings_count, sizeof(*config->warnings),
		      compare_lines);
close:
	standards_close(&effect.standard);
	return effect.err;
}

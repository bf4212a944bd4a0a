/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "health/health_room.h"

/* Addresses that nobody watches any more, whose states are kept. */
#define DORMANT_MAX  10000
#define COMMANDS_MAX 16

/* ---- boxes and targets ---- */

struct check_box *box_get(struct health *health, const char *name)
{
	struct check_box *box;

	HASH_FIND_STR(health->boxes, name, box);
	if (box)
		return box;
	box = calloc(1, sizeof(*box));
	if (!box)
		return NULL;
	box->name = strdup(name);
	if (!box->name) {
		free(box);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, health->boxes, box->name, strlen(box->name), box);
	if (HASH_ADDED(box))
		return box;
	free(box->name);
	free(box);
	return NULL;
}

static void free_box(struct health *health, struct check_box *box)
{
	HASH_DEL(health->boxes, box);
	free(box->name);
	free(box);
}

static void free_target(uv_handle_t *handle)
{
	struct target *target = handle->data;

	free(target->history);
	free(target);
}

static void forget(struct target *target)
{
	struct health *health = target->health;

	TAILQ_REMOVE(&health->dormant, target, dormant);
	health->dormant_count--;
	HASH_DEL(health->targets, target);
	target->key.box->targets--;
	target->timer.data = target;
	if (target->timer_open)
		uv_close((uv_handle_t *)&target->timer, free_target);
	else
		free_target((uv_handle_t *)&target->timer);
}

static void add_dormant(struct target *target)
{
	struct health *health = target->health;

	TAILQ_INSERT_TAIL(&health->dormant, target, dormant);
	if (health->dormant_count++ >= DORMANT_MAX)
		forget(TAILQ_FIRST(&health->dormant));
}

static struct target_key key_of(struct check_box *box, uint8_t family, const uint8_t *address)
{
	struct target_key key = {.box = box, .family = family};

	memcpy(key.address, address, net_family_octets(family));
	return key;
}

struct target *target_get(struct check_box *box, struct health *health, uint8_t family,
                          const uint8_t address[16])
{
	struct target_key key = key_of(box, family, address);
	struct target *target;

	HASH_FIND(hh, health->targets, &key, sizeof(key), target);
	if (target)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->key = key;
	target->health = health;
	target->machine.live = true;
	target->up = true;
	LIST_INIT(&target->watches);
	HASH_ADD(hh, health->targets, key, sizeof(target->key), target);
	if (!HASH_ADDED(target)) {
		free(target);
		return NULL;
	}
	box->targets++;
	add_dormant(target);
	return target;
}

static uint16_t port_of(const struct config_check *config)
{
	static const uint16_t ports[] = {
	        [CHECK_TLS] = 443, [CHECK_HTTP] = 80, [CHECK_HTTPS] = 443, [CHECK_DNS] = 53};

	if (config->port || config->kind >= sizeof(ports) / sizeof(ports[0]))
		return config->port;
	return ports[config->kind];
}

struct endpoint target_endpoint(const struct target *target)
{
	struct endpoint endpoint = {.family = (uint8_t)target->key.family,
	                            .port = port_of(target->key.box->config)};

	memcpy(endpoint.address, target->key.address, sizeof(endpoint.address));
	return endpoint;
}

struct machine_rules target_rules(const struct target *target)
{
	const struct config_check *config = target->key.box->config;

	if (!config)
		return (struct machine_rules){.rise = 1, .fall = 1};
	return (struct machine_rules){
	        .rise = config->rise,
	        .fall = config->fall,
	        .interval_ms = config->interval_ms - config->interval_ms * config->jitter / 100,
	        .damping_ms = config->damping_ms,
	        .damping_limit = config->damping_limit,
	};
}

enum health_force target_forced(const struct target *target)
{
	return target->forced ? target->forced : target->key.box->forced;
}

static bool counts_as_up(const struct target *target)
{
	enum health_force forced = target_forced(target);

	return forced ? forced == HEALTH_UP : machine_up(&target->machine);
}

static bool is_near(const struct target *target)
{
	struct machine_rules rules = target_rules(target);

	return target->key.box->config && target->watchers && !target_forced(target) &&
	       machine_near(&target->machine, &rules);
}

/* ---- telling ---- */

static void add_history(struct target *target, const char *reason)
{
	struct health_change *change;

	if (!target->history)
		target->history = calloc(1, sizeof(*target->history));
	if (!target->history)
		return;
	change = &target->history->changes[target->history->count++ % HEALTH_HISTORY];
	change->unix_ms = target->since_unix_ms;
	change->up = target->up;
	snprintf(change->reason, sizeof(change->reason), "%s", reason);
}

static void note_change(struct target *target, const char *reason)
{
	char address[NET_TEXT_MAX];

	target->since_unix_ms = clock_unix_ms();
	target->changes++;
	target->health->stats.changes++;
	add_history(target, reason);
	net_address_text((uint8_t)target->key.family, target->key.address, address);
	log_notice("health: %s: %s is %s: %s", target->key.box->name, address,
	           target->up ? "up" : "down", reason);
}

static void become_dormant(struct target *target)
{
	schedule_end(target);
	target->health->watched--;
	add_dormant(target);
}

static void tell(struct target *target, unsigned int events)
{
	struct health_watch *watch, *next;

	target->telling = true;
	LIST_FOREACH(watch, &target->watches, others)
	{
		if (watch->told && watch->target)
			watch->told(watch, events, watch->arg);
	}
	target->telling = false;
	for (watch = LIST_FIRST(&target->watches); watch; watch = next) {
		next = LIST_NEXT(watch, others);
		if (watch->target)
			continue;
		LIST_REMOVE(watch, others);
		free(watch);
	}
	if (!target->watchers)
		become_dormant(target);
}

void target_settle(struct target *target, const char *reason, unsigned int events)
{
	bool up = counts_as_up(target), near = is_near(target);

	if (up != target->up) {
		target->up = up;
		events |= HEALTH_CHANGED;
		note_change(target, reason);
	}
	if (near != target->near) {
		target->near = near;
		events |= HEALTH_NEAR;
	}
	if (events & HEALTH_CHANGED)
		keepsake_changed(target->health->keepsake);
	if (events && target->watchers && !target->telling)
		tell(target, events);
}

/* ---- watching ---- */

struct health_watch *health_watch(struct health *health, const char *check, uint8_t family,
                                  const uint8_t address[16], health_told told, void *arg)
{
	struct health_watch *watch;
	struct check_box *box;
	struct target *target;

	HASH_FIND_STR(health->boxes, check, box);
	if (!box || !box->config)
		return NULL;
	watch = calloc(1, sizeof(*watch));
	target = watch ? target_get(box, health, family, address) : NULL;
	if (!target) {
		free(watch);
		return NULL;
	}
	*watch = (struct health_watch){.target = target, .told = told, .arg = arg};
	LIST_INSERT_HEAD(&target->watches, watch, others);
	if (target->watchers++ || target->telling)
		return watch;
	TAILQ_REMOVE(&health->dormant, target, dormant);
	health->dormant_count--;
	health->watched++;
	schedule_begin(target);
	target->near = is_near(target);
	return watch;
}

void health_unwatch(struct health_watch *watch)
{
	struct target *target = watch ? watch->target : NULL;

	if (!target)
		return;
	target->watchers--;
	watch->target = NULL;
	if (target->telling)
		return;
	LIST_REMOVE(watch, others);
	free(watch);
	if (!target->watchers)
		become_dormant(target);
}

void health_use(struct health_watch *watch)
{
	schedule_use(watch->target);
}

bool health_slows(const struct health_watch *watch)
{
	const struct config_check *config = watch->target->key.box->config;

	return config && config->idle_interval_ms;
}

void target_state(const struct target *target, struct health_state *ret)
{
	struct machine_rules rules = target_rules(target);
	enum health_force forced = target_forced(target);
	bool checked = target->key.box->config && !forced;

	*ret = (struct health_state){
	        .up = target->up,
	        .known = target->machine.known,
	        .near = is_near(target),
	        .damped = target->machine.damped && !forced,
	        .forced = forced,
	        .next_change_ms = checked ? machine_next_change(&target->machine, &rules,
	                                                        schedule_next(target))
	                                  : CLOCK_MS_NEVER,
	        .connect_us = target->connect_us,
	};
}

void health_state(const struct health_watch *watch, struct health_state *ret)
{
	target_state(watch->target, ret);
}

/* ---- configuration ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_lists(const struct config_check *a, const struct config_check *b)
{
	if (a->status_count != b->status_count || a->command_count != b->command_count)
		return false;
	for (size_t i = 0; i < a->command_count; i++) {
		if (strcmp(a->command[i], b->command[i]) != 0)
			return false;
	}
	return !a->status_count ||
	       memcmp(a->status, b->status, a->status_count * sizeof(*a->status)) == 0;
}

/* Whether a check would be made and judged in the same way. */
static bool same_check(const struct config_check *a, const struct config_check *b)
{
	return a->kind == b->kind && a->port == b->port && same_text(a->host, b->host) &&
	       same_text(a->path, b->path) && a->verify == b->verify &&
	       same_text(a->ca_file, b->ca_file) && same_lists(a, b) &&
	       same_text(a->match, b->match) && a->query.len == b->query.len &&
	       memcmp(a->query.name, b->query.name, a->query.len) == 0 &&
	       a->query_type == b->query_type && a->rcode == b->rcode &&
	       a->answer.family == b->answer.family &&
	       memcmp(a->answer.address, b->answer.address, sizeof(a->answer.address)) == 0 &&
	       a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
	       a->rise == b->rise && a->fall == b->fall && a->jitter == b->jitter &&
	       a->idle_interval_ms == b->idle_interval_ms && a->idle_after_ms == b->idle_after_ms &&
	       a->damping_ms == b->damping_ms && a->damping_limit == b->damping_limit;
}

/* Calls of one box's watched targets. */
static void each_of(struct health *health, const struct check_box *box,
                    void (*visit)(struct target *target))
{
	for (struct target *target = health->targets; target; target = target->hh.next) {
		if (target->key.box == box && target->watchers)
			visit(target);
	}
}

static void configure_box(struct health *health, struct check_box *box,
                          const struct config_check *check)
{
	if (check && box->config && same_check(check, box->config)) {
		box->config = check;
		return;
	}
	if (box->config)
		each_of(health, box, schedule_end);
	box->config = check;
	each_of(health, box, schedule_begin);
}

void health_configure(struct health *health, const struct config *config)
{
	const char *folder = config->state_dir;
	struct check_box *box, *next;
	bool first = !health->config;

	health->net.most = config->probes_max;
	health->config = config;
	for (size_t i = 0; i < config->checks_count; i++)
		box_get(health, config->checks[i].name);
	HASH_ITER(hh, health->boxes, box, next)
	{
		configure_box(health, box, config_find_check(config, box->name));
		if (!box->config && !box->targets && !box->forced)
			free_box(health, box);
	}
	if (first && folder && folder[0])
		health->keepsake = keepsake_open(health, folder);
}

/* ---- forcing ---- */

static void force_targets(struct health *health, const struct check_box *box,
                          const struct network *address, enum health_force force, int *count)
{
	struct target *target, *next;

	HASH_ITER(hh, health->targets, target, next)
	{
		if (box && target->key.box != box)
			continue;
		if (address && (target->key.family != address->family ||
		                memcmp(target->key.address, address->address, 16) != 0))
			continue;
		/* For a check as a whole, what was said of one address goes as well. */
		target->forced = address ? force : HEALTH_AUTO;
		*count += 1;
		target_settle(target, force ? "forced" : "no longer forced", 0);
	}
}

static bool is_address(const struct network *network)
{
	return network->len == net_family_bits(network->family);
}

int health_force(struct health *health, const char *name, enum health_force force)
{
	size_t check_len = strcspn(name, "/");
	const char *rest = name[check_len] ? name + check_len + 1 : NULL;
	struct network address;
	struct check_box *box;
	int count = 0;

	HASH_FIND(hh, health->boxes, name, check_len, box);
	if (box && !rest) {
		box->forced = force;
		force_targets(health, box, NULL, force, &count);
	} else if (!network_parse(box ? rest : name, &address) && is_address(&address)) {
		force_targets(health, box, &address, force, &count);
		if (!count)
			return -ENOENT;
	} else {
		return -ENOENT;
	}
	keepsake_changed(health->keepsake);
	return count;
}

/* ---- life ---- */

struct health *health_new(uv_loop_t *loop)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	health->loop = loop;
	health->commands.most = COMMANDS_MAX;
	TAILQ_INIT(&health->dormant);
	TAILQ_INIT(&health->net.waiting);
	TAILQ_INIT(&health->commands.waiting);
	health->curl = curl_part_new(health);
	health->icmp = icmp_part_new(health);
	if (health->curl && health->icmp)
		return health;
	health_free(health);
	return NULL;
}

void health_free(struct health *health)
{
	struct check_box *box, *next;

	if (!health)
		return;
	keepsake_close(health->keepsake);
	while (!TAILQ_EMPTY(&health->dormant))
		forget(TAILQ_FIRST(&health->dormant));
	if (health->curl)
		curl_part_free(health->curl);
	if (health->icmp)
		icmp_part_free(health->icmp);
	HASH_ITER(hh, health->boxes, box, next)
	free_box(health, box);
	free(health);
}

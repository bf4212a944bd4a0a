/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program reads besides answers: control block, special-use and served addresses. */
#include <errno.h>
#include <string.h>

#include "base/secrets.h"
#include "kernel/desk.h"

/* ---- control block ---- */

void publish_beat(struct publish *publish)
{
	struct kernel_maps *maps = publish->maps;
	struct an_control *control = maps->control;
	uint64_t now;
	int64_t unix_ms = clock_unix_ms();

	kernel_clock(maps);
	now = desk_now(publish);
	__atomic_store_n(&control->unix_offset,
	                 unix_ms / 1000 * control->hz + unix_ms % 1000 * control->hz / 1000 -
	                         (int64_t)now,
	                 __ATOMIC_RELAXED);
	__atomic_store_n(&control->heartbeat, now, __ATOMIC_RELEASE);
}

/* ---- special-use networks ---- */

static void mark_special(uint64_t *words, uint8_t family, uint32_t top, enum an_special mark)
{
	uint64_t *word = &words[an_special_word(family, (uint16_t)top)];
	unsigned int shift = (top & 31) * 2;

	if ((*word >> shift & 3) != AN_SPECIAL_WHOLE)
		*word = (*word & ~(3ULL << shift)) | (uint64_t)mark << shift;
}

static void add_special(uint64_t *words, const struct network *network)
{
	uint32_t top = (uint32_t)(network->address[0] << 8 | network->address[1]);
	uint32_t count = network->len < 16 ? 1u << (16 - network->len) : 1;

	for (uint32_t i = 0; i < count && top + i <= 0xffff; i++)
		mark_special(words, network->family, top + i,
		             network->len <= 16 ? AN_SPECIAL_WHOLE : AN_SPECIAL_PART);
}

static void write_special(uint64_t *to, const struct config *config)
{
	uint64_t words[2 * AN_SPECIAL_WORDS] = {0};

	for (size_t i = 0; i < config->special_count; i++)
		if (config->special[i].family)
			add_special(words, &config->special[i]);
	for (size_t i = 0; i < 2 * AN_SPECIAL_WORDS; i++)
		__atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
}

/* Before the flag that says they are there. A reader that sees half of a new secret takes a cookie
 * for bad that is good, and makes one that is bad: once, for who asks in that moment. */
static void write_cookies(struct an_control *control, const struct config *config)
{
	__u64 secrets[AN_COOKIE_SECRETS][2] = {0};
	unsigned int count = config->cookies ? secrets_cookie(config, secrets) : 0;

	if (!count)
		__atomic_store_n(&control->cookie_count, 0, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < AN_COOKIE_SECRETS; i++)
		for (unsigned int word = 0; word < 2; word++)
			__atomic_store_n(&control->cookie_secrets[i][word], secrets[i][word],
			                 __ATOMIC_RELAXED);
	__atomic_store_n(&control->cookie_count, (uint8_t)count, __ATOMIC_RELEASE);
}

static void write_limits(struct an_control *control, const struct config *config)
{
	__atomic_store_n(&control->miss_burst, config->miss_burst, __ATOMIC_RELAXED);
	__atomic_store_n(&control->miss_slip, config->miss_slip, __ATOMIC_RELAXED);
	__atomic_store_n(&control->miss_rate, config->miss_limit, __ATOMIC_RELEASE);
}

int publish_settings(struct publish *publish, const struct config *config)
{
	struct an_control *control = publish->maps->control;
	uint32_t flags = (config->nsid ? AN_CONTROL_PASS_NSID : 0) |
	                 (config->cookies ? AN_CONTROL_COOKIES : 0) |
	                 (config->cookies && config->cookie_required ? AN_CONTROL_NEED_COOKIE : 0);
	uint64_t limit = (uint64_t)config->heartbeat_limit_ms * control->hz / 1000;

	write_special(publish->maps->special, config);
	write_cookies(control, config);
	write_limits(control, config);
	publish->networks_per_owner = config->networks_per_name_max;
	__atomic_store_n(&control->flags, flags, __ATOMIC_RELAXED);
	__atomic_store_n(&control->udp_payload, config->udp_payload, __ATOMIC_RELAXED);
	__atomic_store_n(&control->source_ipv4_len, config->ecs_from_source ? 24 : 0,
	                 __ATOMIC_RELAXED);
	__atomic_store_n(&control->source_ipv6_len, config->ecs_from_source ? 56 : 0,
	                 __ATOMIC_RELAXED);
	__atomic_store_n(&control->heartbeat_limit, limit, __ATOMIC_RELEASE);
	return 0;
}

/* ---- served addresses ---- */

static bool same_place(const struct an_served *a, const struct an_served *b)
{
	return a->family == b->family && a->ifindex == b->ifindex && a->port == b->port &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

static const struct an_served *wanted(const struct an_served *entries, size_t count,
                                      const struct an_served *entry)
{
	for (size_t i = 0; i < count; i++)
		if (same_place(&entries[i], entry))
			return &entries[i];
	return NULL;
}

/* Family last, and first to go: the program looks at an entry only where there is one. */
static void clear_served(struct an_served *entry)
{
	__atomic_store_n(&entry->family, 0, __ATOMIC_RELEASE);
}

static void fill_served(struct an_served *to, const struct an_served *from)
{
	struct an_served entry = *from;

	entry.family = 0;
	*to = entry;
	__atomic_store_n(&to->family, from->family, __ATOMIC_RELEASE);
}

/* Where the entry is (ret true), or a free place for it (NULL: none). */
static bool served_place(struct an_served *table, const struct an_served *entry,
                         struct an_served **ret)
{
	uint32_t first = an_served_index(entry->address, entry->ifindex, entry->port);

	*ret = NULL;
	for (uint32_t i = 0; i < AN_SERVED_PROBES; i++) {
		struct an_served *at = &table[(first + i) & (AN_SERVED_SIZE - 1)];

		if (at->family && same_place(at, entry)) {
			*ret = at;
			return true;
		}
		if (!at->family && !*ret)
			*ret = at;
	}
	return false;
}

int publish_served(struct publish *publish, const struct an_served *entries, size_t count)
{
	struct an_served *table = publish->maps->served, *at;
	int left_out = 0;

	for (size_t i = 0; i < AN_SERVED_SIZE; i++)
		if (table[i].family && !wanted(entries, count, &table[i]))
			clear_served(&table[i]);
	for (size_t i = 0; i < count; i++) {
		if (served_place(table, &entries[i], &at)) {
			if (memcmp(at->mac, entries[i].mac, sizeof(at->mac)))
				memcpy(at->mac, entries[i].mac, sizeof(at->mac));
		} else if (at) {
			fill_served(at, &entries[i]);
		} else {
			left_out++;
		}
	}
	return left_out;
}

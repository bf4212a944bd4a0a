/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration of any octets: no crash, no leak; what is refused has a line
 * of the text and a reason, and what is taken is within its bounds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* YAML knows more line breaks than LF: CR, NEL, LS and PS, the latter in two and three octets. */
static unsigned int lines_of(const uint8_t *data, size_t size)
{
	unsigned int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 ||
		         data[i] == 0xa9 ||
		         (data[i] == 0x28 || data[i] == 0x29); /* UTF-16's LS and PS */
	return lines + 1;
}

static void check_peers(const struct config *config, const struct config_peer *peer, size_t count,
                        bool primary)
{
	for (size_t i = 0; i < count; i++, peer++) {
		check(peer->network.family && peer->network.len <= 128);
		check(!primary || (peer->address.family && peer->address.port));
		check(!peer->notify || peer->address.family);
		check(peer->mode <= TRANSFER_BOTH);
		check(!peer->key ||
		      (peer->key >= config->keys && peer->key < config->keys + config->keys_count));
	}
}

static void check_config(const struct config *config)
{
	check(config->zones_count >= 1 && config->listen_count >= 1);
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *zone = &config->zones[i];

		check(name_parse_wire(zone->name.name, zone->name.len) == zone->name.len);
		check((zone->file && zone->file[0]) || zone->primaries_count);
		check(zone->line && (!zone->catalog || zone->primaries_count));
		check_peers(config, zone->primaries, zone->primaries_count, true);
		check_peers(config, zone->secondaries, zone->secondaries_count, false);
		check(zone->siblings <= SIBLINGS_REJECT);
		check(zone->flatten_cnames <= FLATTEN_CNAMES_ALL);
	}
	for (size_t i = 0; i < config->upstreams_count; i++) {
		const struct config_upstream *upstream = &config->upstreams[i];

		check(upstream->address.family && upstream->address.port);
		check(upstream->ecs_ipv4_max <= 32 && upstream->ecs_ipv6_max <= 64);
		check(upstream->tries && upstream->timeout_ms);
	}
	for (size_t i = 0; i < config->keys_count; i++)
		check(config->keys[i].secret_len && config->keys[i].secret_len <= 128);
	check(config->cookie_secrets_count <= 4);
	check(config->ttl_floor <= config->ttl_cap);
	check(config->udp_payload >= 512 && config->udp_payload <= 1232);
	check(config->control_socket && config->state_dir && config->pin_dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct error error = {0};
	int err;

	err = config_parse("/c/f", (const char *)data, size, &config, &error);
	if (err) {
		check(!config && error.text[0]);
		check(err != -EINVAL || (error.line && error.line <= lines_of(data, size)));
		return 0;
	}
	check_config(config);
	config_free(config);
	return 0;
}

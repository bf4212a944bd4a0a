/* SPDX-License-Identifier: BSD-2-Clause */
#include "steer/audience.h"

#include <stdio.h>
#include <string.h>

/* Prefix lengths that a packet's source stands for without ECS (RFC 7871 11.1). */
#define SOURCE_IPV4_LEN 24
#define SOURCE_IPV6_LEN 56

/* Keys hold 64 bits of address. */
#define KEY_BITS 64

static const struct network nobody;

/* By the first octet, which most of the table does not share with the network. */
static bool may_contain(const struct network *special, const struct network *network)
{
	unsigned int differ = special->address[0] ^ network->address[0];

	return special->family == network->family &&
	       !(special->len < 8 ? differ >> (8 - special->len) : differ);
}

const struct network *audience_special(const struct config *config, const struct network *network)
{
	const struct network *best = NULL;

	for (size_t i = 0; i < config->special_count; i++) {
		const struct network *special = &config->special[i];

		if (!may_contain(special, network) || (best && special->len <= best->len))
			continue;
		if (network_contains(special, network))
			best = special;
	}
	return best;
}

unsigned int audience_clear(const struct config *config, const struct network *network,
                            unsigned int scope)
{
	for (size_t i = 0; i < config->special_count; i++) {
		const struct network *special = &config->special[i];
		unsigned int shared;

		if (special->family != network->family || network_contains(special, network))
			continue;
		shared = network_shared(special, network);
		if (shared >= scope)
			scope = shared + 1;
	}
	return scope;
}

/* The network that stands for a packet's source address. */
static struct network from_source(const struct config *config, const struct endpoint *source)
{
	struct network host;

	if (!config->ecs_from_source || !source->family)
		return nobody;
	host = network_of(source->family, source->address, 128);
	if (audience_special(config, &host))
		return nobody;
	return network_of(source->family, source->address,
	                  source->family == AN_FAMILY_IPV6 ? SOURCE_IPV6_LEN : SOURCE_IPV4_LEN);
}

static struct client client_of(const struct config *config, const struct ecs *ecs,
                               const struct endpoint *source)
{
	struct client client = {.ecs_present = ecs != NULL};
	const struct network *special;
	struct network asked;

	if (!ecs) {
		client.network = from_source(config, source);
		return client;
	}
	client.ecs = *ecs;
	if (!ecs->family || !ecs->source) /* RFC 7871 7.1.2: the client wants no tailoring */
		return client;
	asked = network_of(ecs->family, ecs->address, ecs->source);
	special = audience_special(config, &asked);
	if (special) {
		client.special = true;
		client.special_len = special->len;
		client.network = from_source(config, source);
		return client;
	}
	client.network =
	        asked.len > KEY_BITS ? network_of(asked.family, asked.address, KEY_BITS) : asked;
	return client;
}

struct client audience_client(const struct config *config, const struct ecs *ecs,
                              const struct endpoint *source)
{
	struct client client = client_of(config, ecs, source);

	client.place = client.network;
	if (!client.place.family && source->family)
		client.place = network_of(source->family, source->address, 128);
	return client;
}

struct network audience_ask(const struct network *client, unsigned int ipv4_max,
                            unsigned int ipv6_max)
{
	unsigned int len = client->len;
	unsigned int maximum = client->family == AN_FAMILY_IPV6 ? ipv6_max : ipv4_max;

	if (len > maximum)
		len = maximum;
	if (!client->family || !len)
		return nobody;
	return network_of(client->family, client->address, len);
}

static struct an_audience_key key_of(uint8_t kind, const struct network *network, unsigned int len)
{
	struct an_audience_key key = {.kind = kind, .family = network->family};
	struct network cut;

	if (len > KEY_BITS)
		len = KEY_BITS;
	cut = network_of(network->family, network->address, len);
	key.len = cut.len;
	memcpy(key.prefix, cut.address, sizeof(key.prefix));
	return key;
}

struct an_audience_key audience_key(const struct network *asked, unsigned int maximum,
                                    unsigned int scope, bool tailored)
{
	uint8_t kind = asked->len < maximum ? AN_AUDIENCE_EXACT : AN_AUDIENCE_NET;

	/* "/0 because SOURCE was 0" is not "/0 because SCOPE was 0". */
	if (!asked->family || !asked->len)
		return key_of(AN_AUDIENCE_EXACT, &nobody, 0);
	if (!scope && !tailored)
		return key_of(AN_AUDIENCE_NET, &nobody, 0);
	/*
	 * The default answer of a tailored name holds for whom it was asked. Asked with less than
	 * our maximum it says nothing about the networks inside: they are asked for themselves.
	 */
	if (!scope)
		return key_of(kind, asked, asked->len);
	if (scope <= asked->len) /* RFC 7871 7.3.1, the three cases */
		return key_of(AN_AUDIENCE_NET, asked, scope);
	return key_of(kind, asked, asked->len);
}

struct network audience_network(const struct an_audience_key *key)
{
	uint8_t address[16] = {0};

	if (!key->family || !key->len)
		return nobody;
	memcpy(address, key->prefix, sizeof(key->prefix));
	return network_of(key->family, address, key->len);
}

char *audience_text(const struct an_audience_key *key, char ret[NET_TEXT_MAX + 16])
{
	struct network network = audience_network(key);
	bool exact = key->kind == AN_AUDIENCE_EXACT;
	char text[NET_TEXT_MAX];

	if (!network.family)
		strcpy(ret, exact ? "nobody" : "everyone");
	else
		snprintf(ret, NET_TEXT_MAX + 16, "%s%s", network_text(&network, text),
		         exact ? " exactly" : "");
	return ret;
}

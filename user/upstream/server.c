/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/server.h"

#include "steer/audience.h"

#define BEHIND_FIRST_MS 1000u
#define BEHIND_MAX_MS   30000u  /* RFC 8767 5: a failing one is looked at again within 30 s */
#define LEARNED_MS      900000u /* then ECS or EDNS is tried again */
#define REFUSED_ENOUGH  3u      /* REFUSED may be about one name: once proves nothing */

unsigned int server_limit(const struct server *server, uint8_t family)
{
	if (!server->config.ecs)
		return 0;
	return family == AN_FAMILY_IPV6 ? server->config.ecs_ipv6_max : server->config.ecs_ipv4_max;
}

struct packet_question server_question(const struct server *server, const struct network *client,
                                       uint64_t now_ms)
{
	struct packet_question question = {
	        .recursion = server->config.kind == UPSTREAM_RESOLVER,
	        .edns = now_ms >= server->no_edns_until_ms,
	};

	question.ecs = question.edns && server->config.ecs && now_ms >= server->no_ecs_until_ms;
	/* RFC 7871 7.1.2: no more than the limit; of nobody, nothing. */
	if (question.ecs)
		question.asked = audience_ask(client, server->config.ecs_ipv4_max,
		                              server->config.ecs_ipv6_max);
	return question;
}

static void smooth_rtt(struct upstream_stats *stats, uint64_t rtt_us)
{
	stats->rtt_us = stats->rtt_us ? (stats->rtt_us * 7 + rtt_us) / 8 : rtt_us;
}

static void learn(struct server *server, const struct packet_question *question,
                  uint16_t first_rcode, uint64_t now_ms)
{
	if (question->ecs)
		server->refused_ecs = 0;
	if (first_rcode == AN_RCODE_NOERROR)
		return;
	if (!question->edns) {
		server->no_edns_until_ms = now_ms + LEARNED_MS;
		return;
	}
	if (first_rcode == AN_RCODE_REFUSED && ++server->refused_ecs < REFUSED_ENOUGH)
		return;
	server->refused_ecs = 0;
	server->no_ecs_until_ms = now_ms + LEARNED_MS;
}

void server_answered(struct server *server, const struct packet_question *question,
                     uint16_t first_rcode, uint64_t rtt_us, uint64_t now_ms)
{
	server->stats.answered++;
	server->failures = 0;
	server->behind_until_ms = 0;
	smooth_rtt(&server->stats, rtt_us);
	learn(server, question, first_rcode, now_ms);
}

/* 1 s, 2 s, 4 s ... behind the others. */
void server_failed(struct server *server, uint64_t now_ms)
{
	uint64_t behind = BEHIND_MAX_MS;

	if (server->failures < 5)
		behind = (uint64_t)BEHIND_FIRST_MS << server->failures;
	server->failures++;
	server->behind_until_ms = now_ms + behind;
}

static size_t longest_suffix(const struct server *servers, size_t count, const uint8_t *target,
                             size_t len)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		const struct config_name *suffix = &servers[i].config.suffix;

		if (suffix->len > longest && name_under(target, len, suffix->name, suffix->len))
			longest = suffix->len;
	}
	return longest;
}

size_t server_order(const struct server *servers, size_t count, const uint8_t *target, size_t len,
                    uint64_t now_ms, uint8_t *ret)
{
	size_t longest = longest_suffix(servers, count, target, len), found = 0;

	for (int behind = 0; behind < 2; behind++)
		for (size_t i = 0; i < count; i++) {
			const struct server *server = &servers[i];
			const struct config_name *suffix = &server->config.suffix;

			if (suffix->len == longest &&
			    (now_ms < server->behind_until_ms) == behind &&
			    name_under(target, len, suffix->name, suffix->len))
				ret[found++] = (uint8_t)i;
		}
	return found;
}

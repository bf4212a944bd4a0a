/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/edns.h"

#include "answer/cookie.h"

#define OPTION_LEN 4 /* code and length */

static size_t ecs_octets(const struct ecs *ecs)
{
	return ((size_t)ecs->source + 7) / 8;
}

static size_t text_len(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t options_len(const struct edns *edns)
{
	size_t len = 0;

	if (edns->ecs)
		len += OPTION_LEN + 4 + ecs_octets(edns->ecs);
	if (edns->nsid)
		len += OPTION_LEN + strlen(edns->nsid);
	if (edns->cookie)
		len += OPTION_LEN + COOKIE_LEN;
	if (edns->keepalive >= 0)
		len += OPTION_LEN + 2;
	if (edns->ede >= 0)
		len += OPTION_LEN + 2 + text_len(edns->ede_text);
	return len;
}

size_t edns_len(const struct edns *edns)
{
	return AN_DNS_OPT_LEN + options_len(edns);
}

/* RFC 7871 7.2.1: FAMILY, SOURCE and ADDRESS as they were asked. */
static void put_ecs(struct wire *w, const struct ecs *ecs, unsigned int scope)
{
	wire_put16(w, AN_EDNS_ECS);
	wire_put16(w, (unsigned int)(4 + ecs_octets(ecs)));
	wire_put16(w, ecs->family);
	wire_put8(w, ecs->source);
	wire_put8(w, scope);
	wire_put(w, ecs->address, ecs_octets(ecs));
}

static void put_option(struct wire *w, unsigned int code, const void *data, size_t len)
{
	wire_put16(w, code);
	wire_put16(w, (unsigned int)len);
	wire_put(w, data, len);
}

void edns_put(struct wire *w, const struct edns *edns)
{
	size_t len = options_len(edns);
	uint8_t head[AN_DNS_OPT_LEN] = {
	        [2] = AN_TYPE_OPT,
	        [3] = (uint8_t)(edns->payload >> 8),
	        [4] = (uint8_t)edns->payload,
	        [5] = (uint8_t)(edns->rcode >> 4),
	        [7] = (uint8_t)((edns->dnssec_ok ? AN_EDNS_DO >> 8 : 0) |
	                        (edns->compact_ok ? AN_EDNS_CO >> 8 : 0)),
	        [9] = (uint8_t)(len >> 8),
	        [10] = (uint8_t)len,
	};

	wire_put(w, head, sizeof(head));
	if (!len)
		return;
	if (edns->ecs)
		put_ecs(w, edns->ecs, edns->scope);
	if (edns->nsid)
		put_option(w, AN_EDNS_NSID, edns->nsid, strlen(edns->nsid));
	if (edns->cookie)
		put_option(w, AN_EDNS_COOKIE, edns->cookie, COOKIE_LEN);
	if (edns->keepalive >= 0) {
		wire_put16(w, AN_EDNS_KEEPALIVE);
		wire_put16(w, 2);
		wire_put16(w, (unsigned int)edns->keepalive);
	}
	if (edns->ede >= 0) {
		wire_put16(w, AN_EDNS_EDE);
		wire_put16(w, (unsigned int)(2 + text_len(edns->ede_text)));
		wire_put16(w, (unsigned int)edns->ede);
		wire_put(w, edns->ede_text, text_len(edns->ede_text));
	}
}

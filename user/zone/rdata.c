/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/rdata.h"

#include <stdio.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "zone/nsec3.h"

/* `before` octets, `names` names, then `after` octets or more, or exactly. */
struct form {
	uint16_t type;
	uint8_t before, names, after;
	bool open; /* more may follow */
	const char *text;
};

static const struct form forms[] = {
        {AN_TYPE_A, 4, 0, 0, false, "A"},         {AN_TYPE_NS, 0, 1, 0, false, "NS"},
        {AN_TYPE_CNAME, 0, 1, 0, false, "CNAME"}, {AN_TYPE_SOA, 0, 2, 20, false, "SOA"},
        {AN_TYPE_PTR, 0, 1, 0, false, "PTR"},     {AN_TYPE_MX, 2, 1, 0, false, "MX"},
        {AN_TYPE_TXT, 1, 0, 0, true, "TXT"},      {AN_TYPE_AAAA, 16, 0, 0, false, "AAAA"},
        {AN_TYPE_SRV, 6, 1, 0, false, "SRV"},     {AN_TYPE_DNAME, 0, 1, 0, false, "DNAME"},
        {AN_TYPE_DS, 4, 0, 0, true, "DS"},        {AN_TYPE_RRSIG, 18, 1, 0, true, "RRSIG"},
        {AN_TYPE_NSEC, 0, 1, 0, true, "NSEC"},    {AN_TYPE_DNSKEY, 4, 0, 0, true, "DNSKEY"},
        {AN_TYPE_SVCB, 2, 1, 0, true, "SVCB"},    {AN_TYPE_HTTPS, 2, 1, 0, true, "HTTPS"},
        {AN_TYPE_ANAME, 0, 1, 0, false, "ANAME"},
};

static const struct form *form_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].type == type)
			return &forms[i];
	return NULL;
}

/* TXT: character strings, at least one, up to the end. */
static bool strings_valid(const uint8_t *rdata, size_t len)
{
	size_t at = 0;

	while (at < len)
		at += 1u + rdata[at];
	return len && at == len;
}

bool rdata_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	const struct form *form = form_of(type);
	size_t at;

	if (type == AN_TYPE_TXT)
		return strings_valid(rdata, len);
	if (type == AN_TYPE_NSEC3)
		return nsec3_valid(rdata, len);
	if (type == AN_TYPE_NSEC3PARAM)
		return nsec3_param_valid(rdata, len);
	if (!form)
		return true;
	if (len < form->before)
		return false;
	at = form->before;
	for (unsigned int i = 0; i < form->names; i++) {
		int used = name_parse_wire(rdata + at, len - at);

		if (used < 0)
			return false;
		at += (size_t)used;
	}
	return form->open ? len - at >= form->after : len - at == form->after;
}

bool rdata_type_storable(uint16_t type)
{
	return type && type != AN_TYPE_OPT && !(type >= 128 && type <= 255);
}

static int octets_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

int rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	const struct form *form = form_of(type);
	uint8_t low[2][2 * NAME_MAX_LEN + 20]; /* two names of SOA, and the rest of it */
	size_t before;

	/* Closed forms with names are those of RFC 4034 6.2, and short. */
	if (!form || !form->names || form->open)
		return octets_compare(a, a_len, b, b_len);
	before = form->before;
	memcpy(low[0], a, before);
	memcpy(low[1], b, before);
	name_lower(low[0] + before, a + before, a_len - before - form->after);
	name_lower(low[1] + before, b + before, b_len - before - form->after);
	memcpy(low[0] + a_len - form->after, a + a_len - form->after, form->after);
	memcpy(low[1] + b_len - form->after, b + b_len - form->after, form->after);
	return octets_compare(low[0], a_len, low[1], b_len);
}

char *rdata_type_text(uint16_t type, char ret[RDATA_TYPE_TEXT_MAX])
{
	const struct form *form = form_of(type);

	if (form)
		return strcpy(ret, form->text);
	snprintf(ret, RDATA_TYPE_TEXT_MAX, "TYPE%u", type);
	return ret;
}

uint16_t rdata_key_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "differential/peers/reply.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "base/wire.h"

#define POINTER     0xc0
#define LINES_MAX   8192
#define LINE_FIELDS 64 /* what stands in a line beside owner and rdata */

struct reply {
	const uint8_t *octets;
	struct wire w;
	const char *fault; /* the first one */
	unsigned int opt;  /* 1: there is one, 2: with DO */
	char *lines[LINES_MAX];
	size_t count;
};

static void fault(struct reply *reply, const char *text)
{
	if (!reply->fault)
		reply->fault = text;
	reply->w.failed = true;
}

/* ---- names and rdata ---- */

/* Follows pointers, which must lead backwards; *ret_pointer: there was one. */
static size_t get_name(struct reply *reply, uint8_t ret[NAME_MAX_LEN], bool *ret_pointer)
{
	struct wire *w = &reply->w;
	size_t len = 0, at = w->at, end = 0, bound = w->at;

	*ret_pointer = false;
	for (;;) {
		unsigned int octet;

		if (w->failed || at >= w->size)
			break;
		octet = reply->octets[at];
		if ((octet & POINTER) == POINTER) {
			if (at + 2 > w->size)
				break;
			end = end ? end : at + 2;
			at = (octet & 0x3fU) << 8 | reply->octets[at + 1];
			*ret_pointer = true;
			if (at >= bound)
				break;
			bound = at;
			continue;
		}
		if (octet & POINTER || at + 1 + octet > w->size || len + 1 + octet > NAME_MAX_LEN)
			break;
		memcpy(ret + len, reply->octets + at, 1 + octet);
		len += 1 + octet;
		at += 1 + octet;
		if (!octet) {
			w->at = end ? end : at;
			name_lower(ret, ret, len);
			return len;
		}
	}
	fault(reply, "bad name");
	return 0;
}

/* Where names stand in the rdata of a type: octets before, how many, may they be compressed. */
struct form {
	uint16_t type;
	uint8_t before, names;
	bool compressible; /* RFC 3597 4: the types of RFC 1035 only */
};

static const struct form forms[] = {
        {AN_TYPE_NS, 0, 1, true},
        {3, 0, 1, true},
        {4, 0, 1, true},
        {AN_TYPE_CNAME, 0, 1, true},
        {AN_TYPE_SOA, 0, 2, true},
        {7, 0, 1, true},
        {8, 0, 1, true},
        {9, 0, 1, true},
        {AN_TYPE_PTR, 0, 1, true},
        {14, 0, 2, true},
        {AN_TYPE_MX, 2, 1, true},
        {17, 0, 2, false},
        {18, 2, 1, false},
        {21, 2, 1, false},
        {26, 2, 2, false},
        {AN_TYPE_SRV, 6, 1, false},
        {36, 2, 1, false},
        {AN_TYPE_DNAME, 0, 1, false},
        {AN_TYPE_SVCB, 2, 1, false},
        {AN_TYPE_HTTPS, 2, 1, false},
};

static struct form form_of(unsigned int type)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].type == type)
			return forms[i];
	return (struct form){0};
}

/* Room for rdata whose names have grown by decompression. */
#define RDATA_MAX (UINT16_MAX + 2 * NAME_MAX_LEN)

static void get_rdata(struct reply *reply, unsigned int type, size_t len, struct wire *ret)
{
	struct form form = form_of(type);
	struct wire *w = &reply->w;
	size_t end = w->at + len;
	uint8_t name[NAME_MAX_LEN];

	if (end > w->size) {
		fault(reply, "rdata runs over the end");
		return;
	}
	if (form.names && len > form.before) {
		wire_put(ret, wire_take(w, form.before), form.before);
		for (unsigned int i = 0; i < form.names; i++) {
			bool pointer;
			size_t name_len = get_name(reply, name, &pointer);

			if (pointer && !form.compressible)
				fault(reply, "compressed name in rdata");
			wire_put(ret, name, name_len);
		}
	}
	if (w->failed || w->at > end) {
		fault(reply, "rdata length");
		return;
	}
	len = end - w->at;
	wire_put(ret, wire_take(w, len), len);
}

/* ---- lines ---- */

static char *put_hex(char *at, const uint8_t *octets, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*at++ = digits[octets[i] >> 4];
		*at++ = digits[octets[i] & 15];
	}
	*at = 0;
	return at;
}

static void add_line(struct reply *reply, unsigned int section, const uint8_t *owner,
                     size_t owner_len, unsigned int class, unsigned int type, uint32_t ttl,
                     const struct wire *rdata)
{
	char *line = malloc(2 * owner_len + 2 * rdata->at + LINE_FIELDS), *at = line;

	if (!line || reply->count == LINES_MAX) {
		free(line);
		fault(reply, "too many records");
		return;
	}
	at += sprintf(at, "%u ", section);
	at = put_hex(at, owner, owner_len);
	at += sprintf(at, " %u %u %u ", class, type, ttl);
	at = put_hex(at, rdata->base, rdata->at);
	memcpy(at, "\n", 2);
	reply->lines[reply->count++] = line;
}

static void get_record(struct reply *reply, unsigned int section)
{
	static uint8_t octets[RDATA_MAX];
	struct wire rdata = wire_writer(octets, sizeof(octets));
	uint8_t owner[NAME_MAX_LEN];
	bool pointer;
	size_t owner_len = get_name(reply, owner, &pointer);
	unsigned int type = wire_get16(&reply->w), class = wire_get16(&reply->w);
	uint32_t ttl = wire_get32(&reply->w);
	unsigned int len = wire_get16(&reply->w);

	if (type == AN_TYPE_OPT) {
		if (reply->opt || section != 3 || owner_len != 1)
			fault(reply, "OPT in the wrong place");
		reply->opt = ttl & AN_EDNS_DO ? 2 : 1;
		wire_take(&reply->w, len);
		return;
	}
	get_rdata(reply, type, len, &rdata);
	if (!reply->w.failed)
		add_line(reply, section, owner, owner_len, class, type, ttl, &rdata);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The whole text; frees the lines. */
static char *join(struct reply *reply, const char *head)
{
	size_t len = strlen(head) + 1;
	char *text, *at;

	qsort(reply->lines, reply->count, sizeof(reply->lines[0]), compare);
	for (size_t i = 0; i < reply->count; i++)
		len += strlen(reply->lines[i]);
	text = at = malloc(len);
	if (text)
		at = stpcpy(at, head);
	for (size_t i = 0; i < reply->count; i++) {
		if (text)
			at = stpcpy(at, reply->lines[i]);
		free(reply->lines[i]);
	}
	return text;
}

static void check_question(struct reply *reply, const uint8_t *query, size_t query_len,
                           unsigned int count)
{
	int name = name_parse_wire(query + AN_DNS_HEADER_LEN, query_len - AN_DNS_HEADER_LEN);
	size_t len = (size_t)name + 4;
	const uint8_t *echo = wire_take(&reply->w, count ? len : 0);

	if (count != 1 || !echo || memcmp(echo, query + AN_DNS_HEADER_LEN, len))
		fault(reply, "question not repeated");
}

char *reply_text(const uint8_t *query, size_t query_len, const uint8_t *octets, size_t len)
{
	struct reply reply = {.octets = octets, .w = wire_reader(octets, len)};
	unsigned int flags, counts[4];
	char head[128];

	if (!len)
		return strdup("! silent\n");
	wire_get16(&reply.w);
	flags = wire_get16(&reply.w);
	for (unsigned int i = 0; i < 4; i++)
		counts[i] = wire_get16(&reply.w);
	check_question(&reply, query, query_len, counts[0]);
	for (unsigned int section = 1; section < 4; section++)
		for (unsigned int i = counts[section]; i && !reply.w.failed; i--)
			get_record(&reply, section);
	if (reply.w.failed)
		fault(&reply, "cut");
	else if (reply.w.at != len)
		fault(&reply, "octets after the end");
	if (reply.fault) {
		while (reply.count)
			free(reply.lines[--reply.count]);
		snprintf(head, sizeof(head), "! %s\n", reply.fault);
	} else {
		snprintf(head, sizeof(head), "%u %u %u\n", flags & AN_FLAG_RCODE,
		         flags & ~(unsigned int)AN_FLAG_RCODE, reply.opt);
	}
	return join(&reply, head);
}

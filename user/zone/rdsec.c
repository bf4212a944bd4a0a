/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/rdsec.h"

#include <string.h>
#include <time.h>

#include "base/name.h"
#include "zone/nsec3.h"
#include "zone/number.h"
#include "zone/rdtext.h"

#define TYPES       65536
#define WINDOW_LEN  32 /* octets of bits for 256 types (RFC 4034 4.1.2) */
#define DATE_DIGITS 14 /* YYYYMMDDHHmmSS */

/* ---- fields ---- */

static const char *put_number(struct rdsec *in, uint32_t most, unsigned int octets,
                              struct wire *out)
{
	uint32_t number;

	if (number_parse(in->tokens[in->at].text, most, &number))
		return "not a number, or too large";
	if (octets == 1)
		wire_put8(out, number);
	else if (octets == 2)
		wire_put16(out, number);
	else
		wire_put32(out, number);
	in->at++;
	return NULL;
}

static const char *put_name(struct rdsec *in, struct wire *out)
{
	const struct token *token = &in->tokens[in->at];
	uint8_t name[NAME_MAX_LEN];
	int len = name_from_text(token->text, in->origin, in->origin_len, name);

	if (len < 0 || token->quoted || token->inner_quotes)
		return "bad name";
	wire_put(out, name, (size_t)len);
	in->at++;
	return NULL;
}

static const char *put_type(struct rdsec *in, struct wire *out)
{
	uint16_t type = rdtext_type(in->tokens[in->at].text);

	if (!type)
		return "unknown type";
	wire_put16(out, type);
	in->at++;
	return NULL;
}

static unsigned int two_digits(const char *text)
{
	return (unsigned int)((text[0] - '0') * 10 + text[1] - '0');
}

/* A date, or seconds since 1970 (RFC 4034 3.2). */
static const char *put_time(struct rdsec *in, struct wire *out)
{
	const char *text = in->tokens[in->at].text;
	struct tm date;
	time_t seconds;

	if (strlen(text) != DATE_DIGITS || strspn(text, "0123456789") != DATE_DIGITS)
		return put_number(in, UINT32_MAX, 4, out);
	date = (struct tm){.tm_year = (int)(two_digits(text) * 100 + two_digits(text + 2)) - 1900,
	                   .tm_mon = (int)two_digits(text + 4) - 1,
	                   .tm_mday = (int)two_digits(text + 6),
	                   .tm_hour = (int)two_digits(text + 8),
	                   .tm_min = (int)two_digits(text + 10),
	                   .tm_sec = (int)two_digits(text + 12)};
	if (date.tm_mon < 0 || date.tm_mon > 11 || !date.tm_mday || date.tm_mday > 31 ||
	    date.tm_hour > 23 || date.tm_min > 59 || date.tm_sec > 60)
		return "no such date";
	seconds = timegm(&date);
	wire_put32(out, (uint32_t)seconds);
	in->at++;
	return NULL;
}

/* ---- the types at a name ---- */

static void put_window(const uint8_t *bits, unsigned int window, struct wire *out)
{
	unsigned int len = WINDOW_LEN;

	while (len && !bits[len - 1])
		len--;
	if (!len)
		return;
	wire_put8(out, window);
	wire_put8(out, len);
	wire_put(out, bits, len);
}

/* Those of the remaining tokens, as windows of bits. */
static const char *put_types(struct rdsec *in, struct wire *out)
{
	uint8_t bits[TYPES / 8] = {0};
	unsigned int last = 0;

	for (; in->at < in->count; in->at++) {
		unsigned int type = rdtext_type(in->tokens[in->at].text);

		if (!type)
			return "unknown type";
		bits[type / 8] |= (uint8_t)(0x80u >> type % 8);
		last = type > last ? type : last;
	}
	for (unsigned int window = 0; window <= last / 256; window++)
		put_window(bits + window * WINDOW_LEN, window, out);
	return NULL;
}

/* ---- records ---- */

const char *rdsec_rrsig(struct rdsec *in, struct wire *out)
{
	const char *fault = NULL;

	in->at = 0;
	if (in->count <= RDSEC_RRSIG_FIELDS)
		return "a field is missing";
	fault = put_type(in, out);
	for (unsigned int i = 0; i < 2 && !fault; i++) /* algorithm, labels */
		fault = put_number(in, UINT8_MAX, 1, out);
	if (!fault)
		fault = put_number(in, UINT32_MAX, 4, out);
	for (unsigned int i = 0; i < 2 && !fault; i++) /* expiration, inception */
		fault = put_time(in, out);
	if (!fault)
		fault = put_number(in, UINT16_MAX, 2, out);
	return fault ? fault : put_name(in, out);
}

const char *rdsec_nsec(struct rdsec *in, struct wire *out)
{
	const char *fault;

	in->at = 0;
	fault = put_name(in, out);
	return fault ? fault : put_types(in, out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *put_salt(struct rdsec *in, struct wire *out)
{
	const struct token *token = &in->tokens[in->at++];
	size_t len = strcmp(token->text, "-") ? token->len / 2 : 0;

	if (len > UINT8_MAX || (len && token->len % 2))
		return "bad salt";
	wire_put8(out, (unsigned int)len);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(token->text[2 * i]), low = hex_digit(token->text[2 * i + 1]);

		if (high < 0 || low < 0)
			return "bad salt";
		wire_put8(out, (unsigned int)(high << 4 | low));
	}
	return NULL;
}

static const char *put_next(struct rdsec *in, struct wire *out)
{
	const struct token *token = &in->tokens[in->at];
	uint8_t label[1 + NSEC3_LABEL_LEN], hash[NSEC3_HASH_LEN];

	label[0] = NSEC3_LABEL_LEN;
	if (token->len != NSEC3_LABEL_LEN)
		return "not a hash of 20 octets";
	memcpy(label + 1, token->text, NSEC3_LABEL_LEN);
	if (!nsec3_from_label(label, hash))
		return "bad base32hex";
	wire_put8(out, NSEC3_HASH_LEN);
	wire_put(out, hash, NSEC3_HASH_LEN);
	in->at++;
	return NULL;
}

const char *rdsec_nsec3(struct rdsec *in, struct wire *out)
{
	const char *fault;

	in->at = 0;
	if (in->count < 5)
		return "a field is missing";
	fault = put_number(in, UINT8_MAX, 1, out);
	if (!fault)
		fault = put_number(in, UINT8_MAX, 1, out);
	if (!fault)
		fault = put_number(in, UINT16_MAX, 2, out);
	if (!fault)
		fault = put_salt(in, out);
	if (!fault)
		fault = put_next(in, out);
	return fault ? fault : put_types(in, out);
}

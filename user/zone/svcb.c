/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/svcb.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "zone/number.h"

/* RFC 9460 14.3.2, RFC 9461, RFC 9540. */
enum {
	MANDATORY,
	ALPN,
	NO_DEFAULT_ALPN,
	PORT,
	IPV4HINT,
	ECH,
	IPV6HINT,
	DOHPATH,
	OHTTP,
	NAMED_COUNT
};

static const char *const key_names[NAMED_COUNT] = {
        "mandatory", "alpn",     "no-default-alpn", "port",  "ipv4hint",
        "ech",       "ipv6hint", "dohpath",         "ohttp",
};

struct param {
	uint16_t key;
	bool generic;         /* written as keyNNNNN: the value is what is on the wire */
	const uint8_t *value; /* escapes and quotes of the master file are gone */
	size_t len;
	size_t token;
};

/* ---- keys ---- */

/* "alpn", "key123"; -1: not a key. */
static int key_of(const char *text, size_t len, bool *ret_generic)
{
	char number[6] = "";
	uint32_t key;

	*ret_generic = false;
	for (int i = 0; i < NAMED_COUNT; i++)
		if (strlen(key_names[i]) == len && !memcmp(text, key_names[i], len))
			return i;
	if (len < 4 || len > 8 || memcmp(text, "key", 3) || (text[3] == '0' && len > 4))
		return -1;
	memcpy(number, text + 3, len - 3);
	*ret_generic = true;
	return number_parse(number, 65535, &key) ? -1 : (int)key;
}

static int by_key(const void *a, const void *b)
{
	return (int)((const struct param *)a)->key - (int)((const struct param *)b)->key;
}

static const struct param *find(const struct param *params, size_t count, unsigned int key)
{
	const struct param wanted = {.key = (uint16_t)key};

	return bsearch(&wanted, params, count, sizeof(*params), by_key);
}

/* ---- values as the master file has them ---- */

/* RFC 1035 5.1: \DDD and \X; quotes go. Length, -1: a bad escape. Never longer than the text. */
static long unescape(const char *text, size_t len, uint8_t *ret)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned int octet = (uint8_t)text[i];

		if (octet == '"')
			continue;
		if (octet != '\\') {
			ret[at++] = (uint8_t)octet;
			continue;
		}
		if (i + 1 == len)
			return -1;
		octet = (uint8_t)text[++i];
		if (octet >= '0' && octet <= '9') {
			char digits[4] = "";
			uint32_t number;

			if (len - i < 3)
				return -1;
			memcpy(digits, text + i, 3);
			if (number_parse(digits, 255, &number))
				return -1;
			octet = number;
			i += 2;
		}
		ret[at++] = (uint8_t)octet;
	}
	return (long)at;
}

/* The next item of a list (appendix A.1) into item[256]: length, -1: too long. *at moves behind. */
static int next_item(const struct param *param, size_t *at, uint8_t item[256])
{
	int len = 0;

	for (; *at < param->len && param->value[*at] != ','; (*at)++) {
		if (param->value[*at] == '\\' && *at + 1 < param->len)
			(*at)++;
		if (len == 255)
			return -1;
		item[len++] = param->value[*at];
	}
	if (*at < param->len)
		(*at)++;
	item[len] = 0;
	return len;
}

/* True while something is left, also the empty item behind a last comma. */
static bool more_items(const struct param *param, size_t at)
{
	return at < param->len || (at && param->value[at - 1] == ',');
}

/* ---- values on the wire ---- */

static const char *put_alpn(const struct param *param, struct wire *out)
{
	uint8_t item[256];

	for (size_t at = 0; more_items(param, at);) {
		int len = next_item(param, &at, item);

		if (len <= 0)
			return "alpn: protocols have 1 to 255 octets";
		wire_put8(out, (unsigned int)len);
		wire_put(out, item, (size_t)len);
		if (at == param->len && param->value[at - 1] != ',')
			break;
	}
	return NULL;
}

static const char *put_hints(const struct param *param, struct wire *out, int family)
{
	uint8_t item[256], address[16];

	for (size_t at = 0; more_items(param, at);) {
		if (next_item(param, &at, item) <= 0 ||
		    inet_pton(family, (const char *)item, address) != 1)
			return "bad address in a hint";
		wire_put(out, address, family == AF_INET ? 4 : 16);
		if (at == param->len && param->value[at - 1] != ',')
			break;
	}
	return NULL;
}

static const char *put_port(const struct param *param, struct wire *out)
{
	char text[8] = "";
	uint32_t port;

	if (param->len >= sizeof(text))
		return "port: not a number up to 65535";
	memcpy(text, param->value, param->len);
	if (number_parse(text, 65535, &port))
		return "port: not a number up to 65535";
	wire_put16(out, port);
	return NULL;
}

static int base64_digit(unsigned int c)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, (int)c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* RFC 4648 4, with its padding. */
static const char *put_ech(const struct param *param, struct wire *out)
{
	static const char fault[] = "ech: bad base64";
	size_t len = param->len;
	uint32_t bits = 0;

	if (len % 4)
		return fault;
	for (int i = 0; i < 2 && len && param->value[len - 1] == '='; i++)
		len--;
	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(param->value[i]);

		if (digit < 0)
			return fault;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			wire_put8(out, bits >> (6 - i % 4 * 2) & 0xff);
	}
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* RFC 9460 8: in ascending order, each once, each there, never itself. */
static const char *put_mandatory(const struct param *param, const struct param *params,
                                 size_t count, struct wire *out)
{
	uint16_t keys[64] = {0};
	size_t found = 0;
	uint8_t item[256];

	for (size_t at = 0; more_items(param, at);) {
		int len = next_item(param, &at, item);
		bool generic;
		int key = len > 0 ? key_of((const char *)item, (size_t)len, &generic) : -1;

		if (key < 0 || found == sizeof(keys) / sizeof(keys[0]))
			return "mandatory: not a list of keys";
		if (key == MANDATORY || !find(params, count, (unsigned int)key))
			return "mandatory: names a key that is not there";
		keys[found++] = (uint16_t)key;
		if (at == param->len && param->value[at - 1] != ',')
			break;
	}
	qsort(keys, found, sizeof(keys[0]), by_number);
	for (size_t i = 0; i < found; i++) {
		if (i && keys[i] == keys[i - 1])
			return "mandatory: names a key twice";
		wire_put16(out, keys[i]);
	}
	return NULL;
}

/* Is this what the key's value looks like on the wire? For known keys that were written keyNNNNN.
 */
static bool fits_key(const struct param *param)
{
	size_t at = 0;

	switch (param->key) {
	case MANDATORY:
		return param->len && param->len % 2 == 0;
	case ALPN:
		while (at < param->len && param->value[at])
			at += 1u + param->value[at];
		return param->len && at == param->len;
	case NO_DEFAULT_ALPN:
	case OHTTP:
		return !param->len;
	case PORT:
		return param->len == 2;
	case IPV4HINT:
		return param->len && param->len % 4 == 0;
	case IPV6HINT:
		return param->len && param->len % 16 == 0;
	default:
		return true;
	}
}

static const char *put_value(const struct param *param, const struct param *params, size_t count,
                             struct wire *out)
{
	unsigned int key = param->generic ? (unsigned int)NAMED_COUNT : param->key;

	if (param->generic && !fits_key(param))
		return "octets that the key cannot have";
	if (key <= IPV6HINT && key != NO_DEFAULT_ALPN && !param->len)
		return "a key without the value that it needs";
	switch (key) {
	case MANDATORY:
		return put_mandatory(param, params, count, out);
	case ALPN:
		return put_alpn(param, out);
	case NO_DEFAULT_ALPN:
	case OHTTP:
		return param->len ? "a value for a key that has none" : NULL;
	case PORT:
		return put_port(param, out);
	case IPV4HINT:
		return put_hints(param, out, AF_INET);
	case ECH:
		return put_ech(param, out);
	case IPV6HINT:
		return put_hints(param, out, AF_INET6);
	default:
		wire_put(out, param->value, param->len);
		return NULL;
	}
}

/* ---- all of them ---- */

/* octets: room for the value, token->len octets. */
static const char *read_param(const struct token *token, uint8_t *octets, struct param *ret)
{
	const char *equals = token->quoted ? NULL : memchr(token->text, '=', token->len);
	size_t key_len = equals ? (size_t)(equals - token->text) : token->len;
	int key = key_of(token->text, key_len, &ret->generic);
	long len = 0;

	if (key < 0)
		return "not a service parameter";
	if (equals)
		len = unescape(equals + 1, token->len - key_len - 1, octets);
	if (len < 0)
		return "bad escape";
	ret->key = (uint16_t)key;
	ret->value = octets;
	ret->len = (size_t)len;
	return NULL;
}

static const char *read_params(const struct token *tokens, size_t count, uint8_t *octets,
                               struct param *params, size_t *ret_at)
{
	for (size_t i = 0; i < count; octets += tokens[i++].len) {
		const char *fault = read_param(&tokens[i], octets, &params[i]);

		params[i].token = *ret_at = i;
		if (fault)
			return fault;
	}
	qsort(params, count, sizeof(*params), by_key);
	for (size_t i = 1; i < count; i++) {
		*ret_at = params[i].token;
		if (params[i].key == params[i - 1].key)
			return "the same service parameter twice";
	}
	return NULL;
}

static const char *put_params(const struct param *params, size_t count, struct wire *out,
                              size_t *ret_at)
{
	for (size_t i = 0; i < count; i++) {
		const char *fault;
		size_t at;

		*ret_at = params[i].token;
		wire_put16(out, params[i].key);
		at = out->at;
		wire_put16(out, 0);
		fault = put_value(&params[i], params, count, out);
		if (fault)
			return fault;
		wire_set16(out, at, (unsigned int)(out->at - at - 2));
	}
	return NULL;
}

const char *svcb_params(const struct token *tokens, size_t count, struct wire *out, size_t *ret_at)
{
	struct param *params = calloc(count + 1, sizeof(*params));
	const char *fault = "out of memory";
	size_t size = 1;
	uint8_t *octets;

	*ret_at = 0;
	for (size_t i = 0; i < count; i++)
		size += tokens[i].len;
	octets = malloc(size);
	if (params && octets)
		fault = read_params(tokens, count, octets, params, ret_at);
	if (params && octets && !fault)
		fault = put_params(params, count, out, ret_at);
	free(octets);
	free(params);
	return fault;
}

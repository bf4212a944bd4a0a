/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/name.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "anamed/key.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

int name_parse_wire(const uint8_t *p, size_t size)
{
	size_t at = 0;

	while (at < size && at < NAME_MAX_LEN) {
		if (p[at] == 0)
			return (int)at + 1;
		if (p[at] > 63)
			return -EBADMSG;
		at += 1u + p[at];
	}
	return -EBADMSG;
}

/* One octet of presentation form; returns characters used, 0 if malformed. */
static size_t text_octet(const char *text, uint8_t *ret)
{
	unsigned int value = 0;

	if (text[0] != '\\') {
		*ret = (uint8_t)text[0];
		return 1;
	}
	if (text[1] < '0' || text[1] > '9') {
		*ret = (uint8_t)text[1];
		return text[1] ? 2 : 0;
	}
	for (int i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned int)(text[i] - '0');
	}
	if (value > 255)
		return 0;
	*ret = (uint8_t)value;
	return 4;
}

int name_from_text(const char *text, const uint8_t *origin, size_t origin_len,
                   uint8_t ret[NAME_MAX_LEN])
{
	size_t label = 0, at = 1;

	if (!strcmp(text, ".")) {
		ret[0] = 0;
		return 1;
	}
	if (!strcmp(text, "@") && origin) {
		memcpy(ret, origin, origin_len);
		return (int)origin_len;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t used;

		if (*text == '.') {
			if (at == label + 1 || at >= NAME_MAX_LEN)
				return -EINVAL;
			ret[label] = (uint8_t)(at - label - 1);
			label = at++;
			text++;
			continue;
		}
		if (at >= NAME_MAX_LEN || at - label > 63)
			return -EINVAL;
		used = text_octet(text, &ret[at]);
		if (!used)
			return -EINVAL;
		at++;
		text += used;
	}
	if (at == label + 1) { /* ended by a dot: absolute */
		ret[label] = 0;
		return (int)at <= NAME_MAX_LEN ? (int)at : -EINVAL;
	}
	ret[label] = (uint8_t)(at - label - 1);
	if (!origin) {
		static const uint8_t root[1] = {0};

		origin = root;
		origin_len = 1;
	}
	if (at + origin_len > NAME_MAX_LEN)
		return -EINVAL;
	memcpy(ret + at, origin, origin_len);
	return (int)(at + origin_len);
}

char *name_to_text(const uint8_t *name, char ret[NAME_TEXT_MAX])
{
	char *out = ret;

	if (*name == 0)
		*out++ = '.';
	while (*name) {
		unsigned int count = *name++;

		for (; count; count--, name++) {
			if (*name <= ' ' || *name >= 127) {
				*out++ = '\\';
				*out++ = (char)('0' + *name / 100);
				*out++ = (char)('0' + *name / 10 % 10);
				*out++ = (char)('0' + *name % 10);
				continue;
			}
			if (strchr(".\\\"();@$", *name))
				*out++ = '\\';
			*out++ = (char)*name;
		}
		*out++ = '.';
	}
	*out = '\0';
	return ret;
}

size_t name_len(const uint8_t *name)
{
	const uint8_t *p = name;

	while (*p)
		p += 1 + *p;
	return (size_t)(p - name) + 1;
}

unsigned int name_labels(const uint8_t *name)
{
	unsigned int count = 0;

	for (; *name; name += 1 + *name)
		count++;
	return count;
}

static void lower8(uint8_t *dst, const uint8_t *src)
{
	uint64_t word = htole64(an_lower8(an_load8(src)));

	memcpy(dst, &word, sizeof(word));
}

void name_lower(uint8_t *dst, const uint8_t *src, size_t len)
{
	if (len < 8) {
		for (size_t i = 0; i < len; i++)
			dst[i] = lower(src[i]);
		return;
	}
	for (size_t i = 0; i + 8 < len; i += 8)
		lower8(dst + i, src + i);
	lower8(dst + len - 8, src + len - 8); /* overlaps what was written already */
}

/* Names of less than eight octets. */
bool name_equal_short(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool name_under(const uint8_t *name, size_t len, const uint8_t *apex, size_t apex_len)
{
	while (len > apex_len) {
		size_t step = 1u + *name;

		name += step;
		len -= step;
	}
	return name_equal(name, len, apex, apex_len);
}

const uint8_t *name_parent(const uint8_t *name)
{
	return *name ? name + 1 + *name : name;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *labels[2][128];
	unsigned int count[2] = {0, 0};

	for (; *a; a += 1 + *a)
		labels[0][count[0]++] = a;
	for (; *b; b += 1 + *b)
		labels[1][count[1]++] = b;
	while (count[0] && count[1]) {
		const uint8_t *la = labels[0][--count[0]], *lb = labels[1][--count[1]];
		unsigned int shorter = *la < *lb ? *la : *lb;

		for (unsigned int i = 1; i <= shorter; i++)
			if (lower(la[i]) != lower(lb[i]))
				return lower(la[i]) < lower(lb[i]) ? -1 : 1;
		if (*la != *lb)
			return *la < *lb ? -1 : 1;
	}
	return (int)count[0] - (int)count[1];
}

uint64_t name_hash(const uint8_t *name, size_t len)
{
	return name_hash_from(0x616e616d6564ULL, name, len);
}

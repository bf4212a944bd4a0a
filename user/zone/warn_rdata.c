/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rdata that has the form of its type, and makes no sense: it is served as it
 * is, and nobody can use it.
 */
#include <string.h>

#include "anamed/dns.h"
#include "base/wire.h"
#include "zone/build.h"

#define TYPE_X25    19
#define TYPE_LOC    29
#define TYPE_NAPTR  35
#define TYPE_APL    42
#define TYPE_SSHFP  44
#define TYPE_TLSA   52
#define TYPE_SMIMEA 53
#define TYPE_ZONEMD 63

#define SHA1_LEN   20
#define SHA256_LEN 32
#define SHA384_LEN 48
#define SHA512_LEN 64

/* What says which hash it is stands at `at`, the hash itself behind it. */
static const char *check_hash(const uint8_t *rdata, size_t len, size_t at, const uint8_t lens[5])
{
	size_t wanted = len > at && rdata[at] < 5 ? lens[rdata[at]] : 0;

	return wanted && len - at - 1 != wanted ? "digest of a wrong length" : NULL;
}

/* RFC 4034 5.1.3 with RFC 4509, 5933 and 6605. */
static const char *check_ds(const uint8_t *rdata, size_t len)
{
	static const uint8_t lens[5] = {0, SHA1_LEN, SHA256_LEN, SHA256_LEN, SHA384_LEN};

	return check_hash(rdata, len, 3, lens);
}

/* RFC 4255 3.1, RFC 6594 */
static const char *check_sshfp(const uint8_t *rdata, size_t len)
{
	static const uint8_t lens[5] = {0, SHA1_LEN, SHA256_LEN};

	return check_hash(rdata, len, 1, lens);
}

/* RFC 6698 2.1.3; RFC 8162 2 */
static const char *check_tlsa(const uint8_t *rdata, size_t len)
{
	static const uint8_t lens[5] = {0, SHA256_LEN, SHA512_LEN};

	return check_hash(rdata, len, 2, lens);
}

/* RFC 8976 2.2.3 */
static const char *check_zonemd(const uint8_t *rdata, size_t len)
{
	static const uint8_t lens[5] = {0, SHA384_LEN, SHA512_LEN};

	return check_hash(rdata, len, 5, lens);
}

static bool is_within(uint32_t angle, uint32_t degrees)
{
	uint32_t most = degrees * 3600 * 1000, middle = UINT32_C(1) << 31;

	return angle <= middle + most && angle >= middle - most;
}

/* RFC 1876 2: a size is a digit and a power of ten. */
static bool is_size(unsigned int octet)
{
	return octet >> 4 <= 9 && (octet & 15) <= 9;
}

static const char *check_loc(const uint8_t *rdata, size_t len)
{
	struct wire w = wire_reader(rdata, len);
	unsigned int version = wire_get8(&w), size = wire_get8(&w);
	unsigned int horizontal = wire_get8(&w), vertical = wire_get8(&w);
	uint32_t latitude = wire_get32(&w), longitude = wire_get32(&w);

	if (w.failed || version)
		return NULL;
	if (!is_within(latitude, 90) || !is_within(longitude, 180))
		return "coordinates that no place has";
	return is_size(size) && is_size(horizontal) && is_size(vertical) ? NULL : "impossible size";
}

/* RFC 1183 3.1: it begins with the four digits of a network. */
static const char *check_x25(const uint8_t *rdata, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (rdata[i] < '0' || rdata[i] > '9')
			return "not a number";
	return len < 5 ? "fewer than four digits" : NULL;
}

/* RFC 3123 4 */
static const char *check_apl(const uint8_t *rdata, size_t len)
{
	struct wire w = wire_reader(rdata, len);

	while (wire_left(&w)) {
		unsigned int family = wire_get16(&w), prefix = wire_get8(&w);
		unsigned int octets = wire_get8(&w) & 0x7f;

		if (!wire_take(&w, octets))
			return "cut short";
		if ((family == 1 && (prefix > 32 || octets > 4)) ||
		    (family == 2 && (prefix > 128 || octets > 16)))
			return "prefix longer than an address";
	}
	return NULL;
}

/* RFC 3402 3.2: delimiter, expression, delimiter, replacement, delimiter, flags. */
static const char *check_expression(const uint8_t *text, size_t len)
{
	unsigned int delimiters = 0;
	size_t i;

	for (i = 0; i < len && delimiters < 3; i++) {
		if (text[i] == text[0])
			delimiters++;
		else if (text[i] == '\\')
			i++;
	}
	if (delimiters < 3)
		return "an expression without its three delimiters";
	for (; i < len; i++)
		if ((text[i] | 0x20) != 'i')
			return "an expression with an unknown flag";
	return NULL;
}

static const char *check_naptr(const uint8_t *rdata, size_t len)
{
	struct wire w = wire_reader(rdata, len);
	const uint8_t *text = NULL;
	unsigned int octets = 0;

	wire_take(&w, 4);             /* order and preference */
	for (int i = 0; i < 3; i++) { /* flags, services, expression */
		octets = wire_get8(&w);
		text = wire_take(&w, octets);
	}
	return text && octets ? check_expression(text, octets) : NULL;
}

/* RFC 9460 7.1.1: no-default-alpn (2) says what alpn (1) is not. */
static const char *check_svcb(const uint8_t *rdata, size_t len)
{
	struct wire w = wire_reader(rdata, len);
	unsigned int priority = wire_get16(&w);
	bool has[3] = {false, false, false};

	if (!wire_skip_name(&w) || !priority)
		return NULL;
	while (wire_left(&w)) {
		unsigned int key = wire_get16(&w), octets = wire_get16(&w);

		if (!wire_take(&w, octets))
			return "cut short";
		if (key < 3)
			has[key] = true;
	}
	return has[2] && !has[1] ? "no-default-alpn without alpn" : NULL;
}

const char *warn_rdata(uint16_t type, const uint8_t *rdata, size_t len)
{
	switch (type) {
	case AN_TYPE_DS:
	case AN_TYPE_CDS:
		return check_ds(rdata, len);
	case TYPE_SSHFP:
		return check_sshfp(rdata, len);
	case TYPE_TLSA:
	case TYPE_SMIMEA:
		return check_tlsa(rdata, len);
	case TYPE_ZONEMD:
		return check_zonemd(rdata, len);
	case TYPE_LOC:
		return check_loc(rdata, len);
	case TYPE_X25:
		return check_x25(rdata, len);
	case TYPE_APL:
		return check_apl(rdata, len);
	case TYPE_NAPTR:
		return check_naptr(rdata, len);
	case AN_TYPE_SVCB:
	case AN_TYPE_HTTPS:
		return check_svcb(rdata, len);
	default:
		return NULL;
	}
}

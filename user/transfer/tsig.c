/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/tsig.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/name.h"
#include "base/wire.h"

#define UNSIGNED_MAX 99 /* RFC 8945 5.3.1: at least every hundredth message is signed */

static const struct {
	const char *text;
	const char *digest;
	uint8_t name[32]; /* wire */
	uint16_t len;     /* octets of a whole MAC */
} algorithms[] = {
        [TSIG_HMAC_SHA1] = {"hmac-sha1", "SHA1", "\011hmac-sha1", 20},
        [TSIG_HMAC_SHA224] = {"hmac-sha224", "SHA224", "\013hmac-sha224", 28},
        [TSIG_HMAC_SHA256] = {"hmac-sha256", "SHA256", "\013hmac-sha256", 32},
        [TSIG_HMAC_SHA384] = {"hmac-sha384", "SHA384", "\013hmac-sha384", 48},
        [TSIG_HMAC_SHA512] = {"hmac-sha512", "SHA512", "\013hmac-sha512", 64},
        [TSIG_HMAC_MD5] = {"hmac-md5", "MD5", "\010hmac-md5\007sig-alg\003reg\003int", 16},
};

int tsig_algorithm_parse(const char *text)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (!strcmp(text, algorithms[i].text))
			return (int)i;
	return -1;
}

/* ---- finding the record ---- */

/* The name at `at`, pointers followed backwards only, in lower case; its length, 0 if malformed. */
static size_t read_name(const uint8_t *message, size_t len, size_t at, uint8_t ret[NAME_MAX_LEN])
{
	size_t used = 0, limit = at;

	while (at < len) {
		size_t label = message[at];

		if (label >= 0xc0) {
			if (at + 2 > len)
				return 0;
			at = (label & 0x3f) << 8 | message[at + 1];
			if (at >= limit)
				return 0;
			limit = at;
			continue;
		}
		if (label > 63 || used + label + 1 > NAME_MAX_LEN || at + label + 1 > len)
			return 0;
		memcpy(ret + used, message + at, label + 1);
		used += label + 1;
		at += label + 1;
		if (!label) {
			name_lower(ret, ret, used);
			return used;
		}
	}
	return 0;
}

struct record {
	size_t at; /* of its owner */
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata, rdata_len;
};

/* False: malformed. */
static bool read_record(struct wire *wire, struct record *ret)
{
	ret->at = wire->at;
	if (!wire_skip_name(wire))
		return false;
	ret->type = (uint16_t)wire_get16(wire);
	ret->class = (uint16_t)wire_get16(wire);
	ret->ttl = wire_get32(wire);
	ret->rdata_len = wire_get16(wire);
	ret->rdata = wire->at;
	return wire_take(wire, ret->rdata_len) != NULL;
}

/*
 * The last record of the additional section, if it is a TSIG. 1; 0: there is
 * none, or the message is malformed; -EBADMSG: a TSIG stands anywhere else
 * (RFC 8945 5.1).
 */
static int find_record(const uint8_t *message, size_t len, struct record *ret)
{
	struct wire wire = wire_reader(message, len);
	unsigned int questions, records;
	bool before = false;

	wire_take(&wire, 4);
	questions = wire_get16(&wire);
	records = wire_get16(&wire);
	records += wire_get16(&wire);
	records += wire_get16(&wire);
	if (wire.failed || !records)
		return 0;
	while (questions--)
		if (!wire_skip_name(&wire) || !wire_take(&wire, 4))
			return 0;
	for (; records; records--) {
		if (!read_record(&wire, ret))
			return 0;
		if (records > 1)
			before |= ret->type == AN_TYPE_TSIG;
	}
	if (before || (ret->type == AN_TYPE_TSIG && !(message[10] | message[11])))
		return -EBADMSG;
	return ret->type == AN_TYPE_TSIG;
}

bool tsig_present(const uint8_t *message, size_t len, size_t *ret_at)
{
	struct record record;

	if (find_record(message, len, &record) <= 0)
		return false;
	*ret_at = record.at;
	return true;
}

struct fields {
	size_t at;
	uint8_t key[NAME_MAX_LEN], algorithm[NAME_MAX_LEN];
	size_t key_len, algorithm_len;
	uint64_t time_s;
	uint16_t fudge, mac_len, original_id, error, other_len;
	const uint8_t *mac, *other;
};

static int read_fields(const uint8_t *message, size_t len, struct fields *ret)
{
	struct record record;
	struct wire wire;
	bool named;
	int found;

	memset(ret, 0, sizeof(*ret));
	found = find_record(message, len, &record);
	if (found <= 0)
		return found ? found : -ENOENT;
	ret->at = record.at;
	ret->key_len = read_name(message, len, record.at, ret->key);
	wire = wire_reader(message, record.rdata + record.rdata_len);
	wire.at = record.rdata;
	named = wire_skip_name(&wire);
	ret->algorithm_len = read_name(message, len, record.rdata, ret->algorithm);
	/* RFC 8945 4.2: class ANY, TTL 0, and nothing behind it. */
	if (!ret->key_len || !ret->algorithm_len || !named || record.class != AN_CLASS_ANY ||
	    record.ttl || record.rdata + record.rdata_len != len)
		return -EBADMSG;
	ret->time_s = (uint64_t)wire_get16(&wire) << 32;
	ret->time_s |= wire_get32(&wire);
	ret->fudge = (uint16_t)wire_get16(&wire);
	ret->mac_len = (uint16_t)wire_get16(&wire);
	ret->mac = wire_take(&wire, ret->mac_len);
	ret->original_id = (uint16_t)wire_get16(&wire);
	ret->error = (uint16_t)wire_get16(&wire);
	ret->other_len = (uint16_t)wire_get16(&wire);
	ret->other = wire_take(&wire, ret->other_len);
	return wire.failed || wire_left(&wire) ? -EBADMSG : 0;
}

/* ---- digests ---- */

static EVP_MAC_CTX *digest_new(const struct config_key *key)
{
	char digest[16];
	OSSL_PARAM parameters[2];
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	EVP_MAC_free(hmac);
	/* The parameter's length is taken when it is made. */
	strcpy(digest, algorithms[key->algorithm].digest);
	parameters[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
	parameters[1] = OSSL_PARAM_construct_end();
	if (context && !EVP_MAC_init(context, key->secret, key->secret_len, parameters)) {
		EVP_MAC_CTX_free(context);
		return NULL;
	}
	return context;
}

static void digest_put(EVP_MAC_CTX *context, const void *data, size_t len)
{
	EVP_MAC_update(context, data, len);
}

static void digest_put16(EVP_MAC_CTX *context, unsigned int value)
{
	uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	digest_put(context, octets, 2);
}

static void digest_time(EVP_MAC_CTX *context, uint64_t time_s)
{
	digest_put16(context, (unsigned int)(time_s >> 32) & 0xffff);
	digest_put16(context, (unsigned int)(time_s >> 16) & 0xffff);
	digest_put16(context, (unsigned int)time_s & 0xffff);
}

/* The message as it was before its TSIG: original id, one additional record less. */
static void digest_message(EVP_MAC_CTX *context, const uint8_t *message, size_t len, uint16_t id,
                           bool had_record)
{
	uint8_t header[12];
	unsigned int additional;

	memcpy(header, message, sizeof(header));
	additional = (unsigned int)(header[10] << 8 | header[11]) - (had_record ? 1 : 0);
	header[0] = (uint8_t)(id >> 8);
	header[1] = (uint8_t)id;
	header[10] = (uint8_t)(additional >> 8);
	header[11] = (uint8_t)additional;
	digest_put(context, header, sizeof(header));
	digest_put(context, message + 12, len - 12);
}

/* RFC 8945 4.3.3 */
static void digest_variables(EVP_MAC_CTX *context, const struct config_key *key, uint64_t time_s,
                             uint16_t fudge, uint16_t error, const uint8_t *other,
                             uint16_t other_len)
{
	const uint8_t *algorithm = algorithms[key->algorithm].name;

	digest_put(context, key->name.name, key->name.len);
	digest_put16(context, AN_CLASS_ANY);
	digest_put16(context, 0);
	digest_put16(context, 0);
	digest_put(context, algorithm, name_len(algorithm));
	digest_time(context, time_s);
	digest_put16(context, fudge);
	digest_put16(context, error);
	digest_put16(context, other_len);
	digest_put(context, other, other_len);
}

static void digest_timers(EVP_MAC_CTX *context, uint64_t time_s, uint16_t fudge)
{
	digest_time(context, time_s);
	digest_put16(context, fudge);
}

static size_t digest_end(EVP_MAC_CTX *context, uint8_t ret[TSIG_MAC_MAX])
{
	size_t len = 0;

	if (!EVP_MAC_final(context, ret, &len, TSIG_MAC_MAX))
		len = 0;
	EVP_MAC_CTX_free(context);
	return len;
}

/* What went before: the request's MAC, or that of the message before (RFC 8945 4.3.1, 5.3.1). */
static void digest_prior(EVP_MAC_CTX *context, const struct tsig *tsig)
{
	if (!tsig->mac_len)
		return;
	digest_put16(context, tsig->mac_len);
	digest_put(context, tsig->mac, tsig->mac_len);
}

/* RFC 8945 5.2.2.1: a truncated MAC has at least 10 octets and at least half. */
static bool mac_long_enough(const struct config_key *key, uint16_t len)
{
	uint16_t whole = algorithms[key->algorithm].len;

	return len <= whole && len >= 10 && len >= whole / 2;
}

/* ---- server ---- */

static const struct config_key *find_key(const struct config_key *keys, size_t count,
                                         const struct fields *fields)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *algorithm = algorithms[keys[i].algorithm].name;

		if (name_equal(keys[i].name.name, keys[i].name.len, fields->key, fields->key_len) &&
		    name_equal(algorithm, name_len(algorithm), fields->algorithm,
		               fields->algorithm_len))
			return &keys[i];
	}
	return NULL;
}

static int refuse(struct tsig *tsig, uint16_t error)
{
	tsig->error = error;
	return -EACCES;
}

static void keep_name(struct config_name *to, const uint8_t *name, size_t len)
{
	memcpy(to->name, name, len);
	to->len = (uint8_t)len;
}

int tsig_verify_request(struct tsig *tsig, const struct config_key *keys, size_t keys_count,
                        const uint8_t *message, size_t len, uint64_t now_s, size_t *ret_len)
{
	struct fields fields;
	uint8_t mac[TSIG_MAC_MAX];
	EVP_MAC_CTX *context;
	size_t mac_len;
	int error = read_fields(message, len, &fields);

	memset(tsig, 0, sizeof(*tsig));
	if (error)
		return error;
	tsig->original_id = fields.original_id;
	tsig->time_s = fields.time_s;
	keep_name(&tsig->asked_key, fields.key, fields.key_len);
	keep_name(&tsig->asked_algorithm, fields.algorithm, fields.algorithm_len);
	*ret_len = fields.at;
	tsig->key = find_key(keys, keys_count, &fields);
	if (!tsig->key)
		return refuse(tsig, TSIG_BADKEY);
	if (fields.mac_len > algorithms[tsig->key->algorithm].len)
		return -EBADMSG;
	context = digest_new(tsig->key);
	if (!context)
		return refuse(tsig, TSIG_BADKEY);
	digest_message(context, message, fields.at, fields.original_id, true);
	digest_variables(context, tsig->key, fields.time_s, fields.fudge, fields.error,
	                 fields.other, fields.other_len);
	mac_len = digest_end(context, mac);
	if (!mac_len || !fields.mac_len || CRYPTO_memcmp(mac, fields.mac, fields.mac_len))
		return refuse(tsig, TSIG_BADSIG);
	memcpy(tsig->mac, fields.mac, fields.mac_len);
	tsig->mac_len = fields.mac_len;
	if (!mac_long_enough(tsig->key, fields.mac_len))
		return refuse(tsig, TSIG_BADTRUNC);
	if (now_s > fields.time_s + fields.fudge || fields.time_s > now_s + fields.fudge)
		return refuse(tsig, TSIG_BADTIME);
	return 0;
}

/* A reply to a request that no key or no good MAC came with is not signed: MAC size 0 (RFC
 * 8945 5.3.2). */
static bool signs_nothing(const struct tsig *tsig)
{
	return !tsig->key || tsig->error == TSIG_BADKEY || tsig->error == TSIG_BADSIG;
}

static uint16_t other_len_of(const struct tsig *tsig)
{
	return tsig->error == TSIG_BADTIME ? 6 : 0;
}

/* The names that go into our record: the key's, or, where it is unknown, what was asked with. */
static const uint8_t *key_name(const struct tsig *tsig, size_t *ret_len)
{
	const struct config_name *name = tsig->key ? &tsig->key->name : &tsig->asked_key;

	*ret_len = name->len;
	return name->name;
}

static const uint8_t *algorithm_name(const struct tsig *tsig, size_t *ret_len)
{
	const uint8_t *name =
	        tsig->key ? algorithms[tsig->key->algorithm].name : tsig->asked_algorithm.name;

	*ret_len = name_len(name);
	return name;
}

#define RECORD_LEN 10 /* type, class, TTL, length */
#define FIELDS_LEN 16 /* time, fudge, MAC size, original id, error, other length */

size_t tsig_sign_len(const struct tsig *tsig)
{
	size_t key, algorithm;

	if (!tsig->key && !tsig->error)
		return 0;
	key_name(tsig, &key);
	algorithm_name(tsig, &algorithm);
	return key + RECORD_LEN + algorithm + FIELDS_LEN +
	       (signs_nothing(tsig) ? 0 : algorithms[tsig->key->algorithm].len) +
	       other_len_of(tsig);
}

int tsig_sign(struct tsig *tsig, uint8_t *message, size_t *len, size_t size, uint64_t now_s)
{
	struct wire wire = wire_writer(message, size);
	const uint8_t *algorithm, *key;
	size_t algorithm_len, key_len;
	uint8_t other[6], mac[TSIG_MAC_MAX];
	uint16_t other_len = other_len_of(tsig);
	uint64_t time_s = tsig->error == TSIG_BADTIME ? tsig->time_s : now_s;
	size_t mac_len = 0, rdlen_at;
	uint16_t id = (uint16_t)(message[0] << 8 | message[1]);

	if (!tsig->key && !tsig->error)
		return -EINVAL;
	key = key_name(tsig, &key_len);
	algorithm = algorithm_name(tsig, &algorithm_len);
	for (int i = 0; i < 6; i++)
		other[i] = (uint8_t)(now_s >> (40 - 8 * i));
	if (!signs_nothing(tsig)) {
		EVP_MAC_CTX *context = digest_new(tsig->key);

		if (!context)
			return -ENOMEM;
		digest_prior(context, tsig);
		digest_message(context, message, *len, id, false);
		if (tsig->later)
			digest_timers(context, time_s, TSIG_FUDGE_S);
		else
			digest_variables(context, tsig->key, time_s, TSIG_FUDGE_S, tsig->error,
			                 other, other_len);
		mac_len = digest_end(context, mac);
	}
	wire_take(&wire, *len);
	wire_put(&wire, key, key_len);
	wire_put16(&wire, AN_TYPE_TSIG);
	wire_put16(&wire, AN_CLASS_ANY);
	wire_put32(&wire, 0);
	rdlen_at = wire.at;
	wire_put16(&wire, 0);
	wire_put(&wire, algorithm, algorithm_len);
	wire_put16(&wire, (unsigned int)(time_s >> 32) & 0xffff);
	wire_put32(&wire, (uint32_t)time_s);
	wire_put16(&wire, TSIG_FUDGE_S);
	wire_put16(&wire, (unsigned int)mac_len);
	wire_put(&wire, mac, mac_len);
	wire_put16(&wire, id);
	wire_put16(&wire, tsig->error);
	wire_put16(&wire, other_len);
	wire_put(&wire, other, other_len);
	if (wire.failed)
		return -ENOSPC;
	wire_set16(&wire, rdlen_at, (unsigned int)(wire.at - rdlen_at - 2));
	wire_set16(&wire, 10, (unsigned int)(message[10] << 8 | message[11]) + 1);
	*len = wire.at;
	memcpy(tsig->mac, mac, mac_len);
	tsig->mac_len = (uint16_t)mac_len;
	tsig->later = true;
	return 0;
}

/* ---- client ---- */

void tsig_begin(struct tsig *tsig, const struct config_key *key)
{
	memset(tsig, 0, sizeof(*tsig));
	tsig->key = key;
}

/*
 * After the request was signed, mac is its MAC and `later` is set by us: the
 * other side's first message still has the full variables, which is what
 * original_id counts here: messages of theirs seen since the last signed one,
 * and bit 15 once a signed one was seen.
 */
#define SEEN_SIGNED 0x8000u

int tsig_verify_reply(struct tsig *tsig, const uint8_t *message, size_t len, uint64_t now_s,
                      bool last, size_t *ret_len)
{
	struct fields fields;
	uint8_t mac[TSIG_MAC_MAX];
	size_t mac_len;
	EVP_MAC_CTX *context = tsig->running;
	int error = len < 12 ? -EBADMSG : read_fields(message, len, &fields);

	*ret_len = len;
	if (!tsig->key)
		return error == -ENOENT ? 0 : -EBADMSG;
	if (error && error != -ENOENT)
		return error;
	if (!context) {
		context = tsig->running = digest_new(tsig->key);
		if (!context)
			return -ENOMEM;
		digest_prior(context, tsig);
	}
	if (error == -ENOENT) { /* only inside a stream, and not for ever */
		if (last || !(tsig->original_id & SEEN_SIGNED) ||
		    (tsig->original_id & ~SEEN_SIGNED) >= UNSIGNED_MAX)
			return -EACCES;
		tsig->original_id++;
		digest_put(context, message, len);
		return 0;
	}
	*ret_len = fields.at;
	tsig->running = NULL;
	digest_message(context, message, fields.at, fields.original_id, true);
	if (tsig->original_id & SEEN_SIGNED)
		digest_timers(context, fields.time_s, fields.fudge);
	else
		digest_variables(context, tsig->key, fields.time_s, fields.fudge, fields.error,
		                 fields.other, fields.other_len);
	mac_len = digest_end(context, mac);
	tsig->error = fields.error;
	if (find_key(tsig->key, 1, &fields) == NULL || fields.mac_len > mac_len ||
	    !mac_long_enough(tsig->key, fields.mac_len) ||
	    CRYPTO_memcmp(mac, fields.mac, fields.mac_len))
		return -EACCES;
	if (fields.error || now_s > fields.time_s + fields.fudge ||
	    fields.time_s > now_s + fields.fudge)
		return -EACCES;
	memcpy(tsig->mac, fields.mac, fields.mac_len);
	tsig->mac_len = fields.mac_len;
	tsig->original_id = SEEN_SIGNED;
	return 0;
}

void tsig_done(struct tsig *tsig)
{
	EVP_MAC_CTX_free(tsig->running);
	tsig->running = NULL;
}

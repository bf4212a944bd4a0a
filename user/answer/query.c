/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/query.h"

#include "answer/cookie.h"
#include "base/wire.h"

#define ECS_FIXED_LEN 4

static void set_error(struct query *q, unsigned int rcode)
{
	q->rcode = (uint16_t)rcode;
}

/* RFC 7871 6 and 7.1.2. */
static bool parse_ecs(const struct config *config, const uint8_t *data, size_t len, struct query *q)
{
	struct wire w = wire_reader(data, len);
	struct ecs ecs = {0};
	unsigned int family = wire_get16(&w), source = wire_get8(&w), scope = wire_get8(&w);
	size_t octets = (source + 7) / 8;

	if (w.failed || scope || wire_left(&w) != octets)
		return false;
	if (family == 0) {
		q->ecs_present = config->lenient_family0 && source == 0;
		return q->ecs_present;
	}
	if ((family != AN_FAMILY_IPV4 && family != AN_FAMILY_IPV6) ||
	    source > net_family_bits((uint8_t)family))
		return false;
	ecs.family = (uint8_t)family;
	ecs.source = (uint8_t)source;
	memcpy(ecs.address, data + ECS_FIXED_LEN, octets);
	net_mask(ecs.address, source);
	if (memcmp(ecs.address, data + ECS_FIXED_LEN, octets))
		return false;
	q->ecs = ecs;
	q->ecs_present = true;
	return true;
}

/* RFC 7873 5.2.2. A server without cookies knows no such option. */
static bool parse_cookie(const struct config *config, const uint8_t *data, size_t len,
                         struct query *q)
{
	if (!config->cookies)
		return true;
	if (!cookie_len_is_possible(len))
		return false;
	q->cookie = data;
	q->cookie_len = (uint8_t)len;
	return true;
}

/* The options of an OPT of version 0; of each the first counts. False: malformed. */
static bool parse_options(const struct config *config, struct wire options, struct query *q)
{
	bool ecs_seen = false;

	while (options.at < options.size) {
		unsigned int code = wire_get16(&options), len = wire_get16(&options);
		const uint8_t *data = wire_take(&options, len);

		if (!data)
			return false;
		if (code == AN_EDNS_ECS && !ecs_seen) {
			ecs_seen = true;
			if (!parse_ecs(config, data, len, q))
				return false;
		} else if (code == AN_EDNS_NSID) {
			q->nsid = true;
		} else if (code == AN_EDNS_KEEPALIVE) {
			/* RFC 7828 3.2.1: without a time-out, which is the server's to say. */
			q->keepalive = q->keepalive || !len;
		} else if (code == AN_EDNS_COOKIE && !q->cookie) {
			if (!parse_cookie(config, data, len, q))
				return false;
		}
	}
	return true;
}

/* What a reply to a query with a faulty OPT must not repeat. */
static void forget_options(struct query *q)
{
	q->ecs_present = q->nsid = q->keepalive = false;
	q->cookie = NULL;
}

/* RFC 6891 6.1. Faults leave an RCODE behind; false: FORMERR. */
static bool parse_opt(const struct config *config, const struct wire_record *opt, struct query *q)
{
	if (q->edns || !opt->root_owner)
		return false;
	q->edns = true;
	q->payload = (uint16_t)(opt->class < AN_DNS_UDP_MIN ? AN_DNS_UDP_MIN : opt->class);
	q->dnssec_ok = opt->ttl & AN_EDNS_DO;
	q->compact_ok = opt->ttl & AN_EDNS_CO;
	if (opt->ttl >> 16 & 0xff) {
		/* 6.1.3: an unknown version's options have no known form. */
		set_error(q, AN_RCODE_BADVERS);
		return true;
	}
	return parse_options(config, opt->rdata, q);
}

/* One of the records behind the question; `place` counts down to 1 in its section. */
static bool take_record(const struct config *config, struct wire *w, bool additional,
                        unsigned int place, struct query *q)
{
	struct wire_record record;

	if (!wire_get_record(w, &record))
		return false;
	if (record.type == AN_TYPE_OPT) {
		if (!additional || !parse_opt(config, &record, q)) {
			q->edns = true;
			return false;
		}
	} else if (record.type == AN_TYPE_TSIG) {
		/* RFC 8945 5.1: the last record, or FORMERR. Whoever has the keys takes it off
		 * before: one that is still there was verified by nobody (5.2). */
		if (!additional || place != 1)
			return false;
		set_error(q, AN_RCODE_NOTAUTH);
	}
	return true;
}

static bool parse_records(const struct config *config, struct wire *w, const unsigned int counts[3],
                          struct query *q)
{
	for (unsigned int section = 0; section < 3; section++)
		for (unsigned int left = counts[section]; left; left--)
			if (!take_record(config, w, section == 2, left, q))
				return false;
	return w->at == w->size;
}

/* Reads `count` questions; keeps the first if it is the only one. */
static bool parse_questions(struct wire *w, unsigned int count, struct query *q)
{
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *name = w->base + w->at;
		int len = name_parse_wire(name, wire_left(w));

		if (len < 0)
			return false;
		wire_take(w, (size_t)len);
		q->type = (uint16_t)wire_get16(w);
		q->class = (uint16_t)wire_get16(w);
		if (w->failed)
			return false;
		if (count == 1) {
			name_lower(q->name, name, (size_t)len);
			q->name_len = (uint8_t)len;
			q->question_end = w->at;
		}
	}
	return true;
}

static bool is_transfer(const struct query *q)
{
	return q->type == AN_TYPE_AXFR || q->type == AN_TYPE_IXFR;
}

/* Types and classes that are refused whatever the name is. */
static void check_question(struct query *q)
{
	if (q->type == AN_TYPE_OPT) {
		set_error(q, AN_RCODE_FORMERR);
	} else if (q->type == AN_TYPE_NXNAME) {
		set_error(q, AN_RCODE_FORMERR);
		q->ede = AN_EDE_INVALID_QUERY_TYPE;
	} else if (q->class == AN_CLASS_CH) {
		if (q->type != AN_TYPE_TXT && q->type != AN_TYPE_ANY)
			set_error(q, AN_RCODE_REFUSED);
	} else if (q->class != AN_CLASS_IN && (q->class != AN_CLASS_ANY || is_transfer(q))) {
		set_error(q, AN_RCODE_REFUSED);
	}
}

/* One question, and nothing wrong so far. */
static enum query_verdict judge(struct query *q, unsigned int opcode)
{
	if (opcode == AN_OPCODE_NOTIFY) {
		if (q->class != AN_CLASS_IN)
			set_error(q, AN_RCODE_REFUSED);
		return q->rcode ? QUERY_ERROR : QUERY_NOTIFY;
	}
	check_question(q);
	if (q->rcode)
		return QUERY_ERROR;
	if (is_transfer(q))
		return QUERY_TRANSFER;
	return QUERY_OK;
}

static enum query_verdict fail(struct query *q, unsigned int rcode)
{
	forget_options(q);
	set_error(q, rcode);
	return QUERY_ERROR;
}

/* What follows the header of an unknown opcode need not be what it seems to be. */
static enum query_verdict not_implemented(struct query *q, bool good)
{
	if (!good)
		forget_options(q);
	set_error(q, AN_RCODE_NOTIMP);
	return QUERY_ERROR;
}

/* RFC 7873 5.4: no question, but an OPT with a COOKIE: an empty NOERROR. Else RFC 9619 4. */
static enum query_verdict without_one_question(struct query *q, unsigned int opcode,
                                               unsigned int questions)
{
	if (questions || opcode != AN_OPCODE_QUERY || !q->cookie)
		set_error(q, AN_RCODE_FORMERR);
	return QUERY_ERROR;
}

enum query_verdict query_parse(const struct config *config, const uint8_t *packet, size_t len,
                               struct query *ret)
{
	struct wire w = wire_reader(packet, len);
	struct query *q = ret;
	unsigned int questions, counts[3], opcode;
	bool good;

	memset(q, 0, offsetof(struct query, name));
	q->name[0] = 0;
	q->packet = packet;
	q->len = len;
	q->id = (uint16_t)wire_get16(&w);
	q->flags = (uint16_t)wire_get16(&w);
	questions = wire_get16(&w);
	for (unsigned int i = 0; i < 3; i++)
		counts[i] = wire_get16(&w);
	q->question_end = AN_DNS_HEADER_LEN;
	q->payload = AN_DNS_UDP_MIN;
	q->ede = -1;
	if (w.failed || q->flags & AN_FLAG_QR)
		return QUERY_DROP;

	opcode = (unsigned int)(q->flags & AN_FLAG_OPCODE) >> 11;
	good = parse_questions(&w, questions, q) && parse_records(config, &w, counts, q);
	/* RFC 6891 6.1.3 asks for this whatever the rest is. */
	if (good && q->rcode == AN_RCODE_BADVERS)
		return fail(q, AN_RCODE_BADVERS);
	if (opcode != AN_OPCODE_QUERY && opcode != AN_OPCODE_NOTIFY)
		return not_implemented(q, good);
	if (!good)
		return fail(q, AN_RCODE_FORMERR);
	if (questions != 1)
		return without_one_question(q, opcode, questions);
	return q->rcode ? QUERY_ERROR : judge(q, opcode);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/message.h"

#include "anamed/dns.h"
#include "base/name.h"

#define POINTER     0xc000u
#define POINTER_MAX 0x3fffu
#define TYPE_MINFO  14

void message_begin(struct message *m, void *out, size_t size)
{
	m->w = wire_writer(out, size);
	m->target_count = m->known_next = 0;
	m->class = AN_CLASS_IN;
	m->ttl_at = 0;
	memset(m->counts, 0, sizeof(m->counts));
	memset(m->lens, 0, sizeof(m->lens));
	wire_take(&m->w, AN_DNS_HEADER_LEN);
}

/* Every label of the name at `at` that is written out becomes a target; what is behind them, if
 * anything, stands at the target `rest`. */
static void add_targets(struct message *m, size_t at, const uint8_t *name, size_t len, size_t run,
                        uint16_t rest)
{
	while (run > 1 && at <= POINTER_MAX && m->target_count < MESSAGE_TARGETS) {
		size_t step = 1u + *name;

		m->targets[m->target_count++] = (struct message_target){
		        .at = (uint16_t)at,
		        .len = (uint8_t)len,
		        .run = (uint8_t)run,
		        .rest = rest,
		};
		m->lens[len / 64] |= 1ULL << len % 64;
		at += step;
		name += step;
		len -= step;
		run -= step;
	}
}

static void know(struct message *m, const uint8_t *name, size_t at)
{
	if (at > POINTER_MAX)
		return;
	m->known[m->known_next++ % MESSAGE_KNOWN] =
	        (struct message_known){.name = name, .at = (uint16_t)at};
}

void message_question(struct message *m, const uint8_t *question, size_t name_len)
{
	size_t at = m->w.at;

	wire_put(&m->w, question, name_len + 4);
	if (!m->w.failed)
		add_targets(m, at, m->w.base + at, name_len, name_len, 0);
}

void message_question_is(struct message *m, const uint8_t *name)
{
	if (*name && !m->w.failed)
		know(m, name, AN_DNS_HEADER_LEN);
}

/* Is the name at a target equal to `name` of the same length? */
static bool same_name(const struct message *m, const struct message_target *target,
                      const uint8_t *name)
{
	for (;;) {
		/* Length octets stand under 'A', so case does not touch them. */
		if (!name_equal(m->w.base + target->at, target->run, name, target->run))
			return false;
		if (target->run == target->len)
			return true;
		name += target->run;
		target = &m->targets[target->rest];
	}
}

static bool find_target(const struct message *m, const uint8_t *name, size_t len, uint16_t *ret)
{
	if (!(m->lens[len / 64] >> len % 64 & 1))
		return false;
	for (unsigned int i = 0; i < m->target_count; i++) {
		if (m->targets[i].len == len && same_name(m, &m->targets[i], name)) {
			*ret = (uint16_t)i;
			return true;
		}
	}
	return false;
}

static bool put_known(struct message *m, const uint8_t *name)
{
	for (unsigned int i = 0; i < MESSAGE_KNOWN && i < m->known_next; i++) {
		if (m->known[i].name == name) {
			wire_put16(&m->w, POINTER | m->known[i].at);
			return true;
		}
	}
	return false;
}

static void put_name(struct message *m, const uint8_t *name, size_t len)
{
	const uint8_t *suffix = name;
	size_t rest = len, at = m->w.at;
	uint16_t target = 0;

	if (put_known(m, name))
		return;
	while (rest > 1 && !find_target(m, suffix, rest, &target)) {
		rest -= 1u + *suffix;
		suffix += 1u + *suffix;
	}
	wire_put(&m->w, name, len - rest);
	if (rest > 1)
		wire_put16(&m->w, POINTER | m->targets[target].at);
	else
		wire_put8(&m->w, 0);
	if (m->w.failed || len == 1)
		return;
	know(m, name, rest == len ? m->targets[target].at : at);
	add_targets(m, at, name, len, rest > 1 ? len - rest : len, target);
}

/* How many names stand in the rdata of a type that may be compressed, and how far in. */
static unsigned int names_in(unsigned int type, size_t *ret_before)
{
	*ret_before = 0;
	switch (type) {
	case AN_TYPE_NS:
	case 3: /* MD */
	case 4: /* MF */
	case AN_TYPE_CNAME:
	case 7: /* MB */
	case 8: /* MG */
	case 9: /* MR */
	case AN_TYPE_PTR:
		return 1;
	case AN_TYPE_MX:
		*ret_before = 2;
		return 1;
	case AN_TYPE_SOA:
	case TYPE_MINFO:
		return 2;
	default:
		return 0;
	}
}

static void put_rdata(struct message *m, unsigned int type, const uint8_t *rdata, size_t len)
{
	size_t before;
	unsigned int names = names_in(type, &before);

	if (names && before < len) {
		wire_put(&m->w, rdata, before);
		rdata += before;
		len -= before;
		for (; names; names--) {
			int name = name_parse_wire(rdata, len);

			if (name < 0)
				break;
			put_name(m, rdata, (size_t)name);
			rdata += name;
			len -= (size_t)name;
		}
	}
	wire_put(&m->w, rdata, len);
}

/* What stands between owner and rdata, whose length is not known yet. */
static void put_fixed(struct message *m, unsigned int type, uint32_t ttl)
{
	uint8_t *p = wire_take(&m->w, 10);
	struct wire w = wire_writer(p, 10);

	if (!p)
		return;
	wire_put16(&w, type);
	wire_put16(&w, m->class);
	wire_put32(&w, ttl);
	wire_put16(&w, 0);
}

void message_record(struct message *m, enum message_section section, const uint8_t *owner,
                    size_t owner_len, unsigned int type, uint32_t ttl, const uint8_t *rdata,
                    size_t rdata_len)
{
	size_t rdata_at;

	put_name(m, owner, owner_len);
	m->ttl_at = m->w.at + 4;
	put_fixed(m, type, ttl);
	rdata_at = m->w.at;
	put_rdata(m, type, rdata, rdata_len);
	wire_set16(&m->w, rdata_at - 2, (unsigned int)(m->w.at - rdata_at));
	m->counts[section]++;
}

uint8_t *message_append(struct message *m, const uint8_t *records, size_t len,
                        const uint16_t counts[3])
{
	uint8_t *out = len <= wire_left(&m->w) ? wire_take(&m->w, len) : NULL;

	if (!out)
		return NULL;
	memcpy(out, records, len);
	for (unsigned int i = 0; i < 3; i++)
		m->counts[i] = (uint16_t)(m->counts[i] + counts[i]);
	return out;
}

struct message_mark message_mark(const struct message *m)
{
	struct message_mark mark = {.at = m->w.at, .target_count = m->target_count};

	memcpy(mark.counts, m->counts, sizeof(mark.counts));
	return mark;
}

void message_rewind(struct message *m, const struct message_mark *mark)
{
	m->w.at = mark->at;
	m->w.failed = false;
	m->target_count = mark->target_count;
	m->known_next = 0; /* some of it is gone */
	memcpy(m->counts, mark->counts, sizeof(m->counts));
}

void message_header(struct message *m, unsigned int id, unsigned int flags, bool question,
                    unsigned int opt)
{
	struct wire w = wire_writer(m->w.base, AN_DNS_HEADER_LEN);

	wire_put16(&w, id);
	wire_put16(&w, flags);
	wire_put16(&w, question);
	wire_put16(&w, m->counts[MESSAGE_ANSWER]);
	wire_put16(&w, m->counts[MESSAGE_AUTHORITY]);
	wire_put16(&w, m->counts[MESSAGE_ADDITIONAL] + opt);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/respond.h"

#include "answer/chaos.h"
#include "answer/cookie.h"
#include "answer/edns.h"
#include "answer/plan.h"
#include "base/clock.h"

/* The address as an_choice() takes it. */
static uint64_t choice_address(const struct endpoint *source)
{
	const uint8_t *a = source->address;

	if (source->family == AN_FAMILY_IPV6)
		return an_load8(a) ^ an_load8(a + 8);
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

/* One query on its way to a reply. */
struct exchange {
	const struct world *world;
	const struct respond_input *input;
	struct query query;
	bool cookie_put;
	bool cut; /* TC, whatever the plan holds */
	bool verified;
	uint8_t cookie[COOKIE_LEN];
	uint8_t text[CHAOS_RDATA_MAX];
	struct plan_question question;
	struct plan plan;
};

/* How long the reply may be: RFC 6891 6.2.3-6.2.5. */
static size_t limit_of(const struct exchange *e, size_t size)
{
	const struct config *config = e->world->config;
	size_t limit = e->input->tcp ? UINT16_MAX : e->query.payload;

	if (!e->input->tcp && e->query.edns && limit > config->udp_payload)
		limit = config->udp_payload;
	limit = limit < size ? limit : size;
	return limit > e->input->reserve ? limit - e->input->reserve : 0;
}

/* RFC 7828 3.3.1 and 3.3.2: over TCP, to who asked; in 100 ms. */
static int keepalive_of(const struct exchange *e)
{
	uint32_t units = e->input->idle_ms / 100;

	if (!e->input->tcp || !e->query.keepalive)
		return -1;
	return units < UINT16_MAX ? (int)units : UINT16_MAX;
}

/* RFC 9824 5.1: who makes compact denials answers CO with CO. */
static bool is_signed_here(const struct plan *plan)
{
	return plan->zone && plan->zone->security == ZONE_SIGNED;
}

static struct edns edns_of(const struct exchange *e)
{
	const struct query *query = &e->query;

	return (struct edns){
	        .payload = e->world->config->udp_payload,
	        .rcode = e->plan.rcode,
	        .dnssec_ok = query->dnssec_ok,
	        .compact_ok = e->question.compact_ok && is_signed_here(&e->plan),
	        .ecs = query->ecs_present ? &query->ecs : NULL,
	        .scope = e->plan.scope,
	        .nsid = query->nsid ? e->world->config->nsid : NULL,
	        .cookie = e->cookie_put ? e->cookie : NULL,
	        .keepalive = keepalive_of(e),
	        .ede = e->plan.ede,
	        .ede_text = e->plan.ede_text,
	};
}

/* RFC 1035 4.1.1: id, opcode and RD come from the query. AD and CD are clear (RFC 4035 3.1.6). */
static unsigned int flags_of(const struct query *query, const struct plan *plan, bool complete)
{
	return AN_FLAG_QR | (query->flags & (AN_FLAG_OPCODE | AN_FLAG_RD)) |
	       (plan->aa ? AN_FLAG_AA : 0) | (complete ? 0 : AN_FLAG_TC) |
	       (plan->rcode & AN_FLAG_RCODE);
}

/* What a person reads goes first where header, question and OPT do not fit. Octets of OPT. */
static size_t fit_opt(const struct exchange *e, struct edns *edns, size_t limit)
{
	size_t before = e->query.question_end, len;

	if (!e->query.edns)
		return 0;
	len = edns_len(edns);
	if (before + len <= limit)
		return len;
	edns->nsid = NULL;
	if (before + edns_len(edns) > limit)
		edns->ede_text = NULL;
	return edns_len(edns);
}

/* False: something that must be there did not fit. */
static bool put_records(struct exchange *e, struct message *m)
{
	if (e->plan.body) {
		if (body_put(e->plan.body, m, e->query.name_len))
			return true;
		plan_unpack(&e->plan);
	}
	return plan_render(&e->plan, m, e->question.choice);
}

static void write_reply(struct exchange *e, uint8_t *out, size_t size, struct respond_result *ret)
{
	const struct query *query = &e->query;
	struct edns edns = edns_of(e);
	size_t limit = limit_of(e, size), opt = fit_opt(e, &edns, limit);
	bool question = query->question_end > AN_DNS_HEADER_LEN, complete;
	struct message m;

	if (query->question_end + opt > limit)
		return;
	message_begin(&m, out, limit - opt);
	if (query->class == AN_CLASS_CH)
		m.class = AN_CLASS_CH;
	if (question) {
		message_question(&m, query->packet + AN_DNS_HEADER_LEN, query->name_len);
		message_question_is(&m, query->name);
	}
	complete = put_records(e, &m) && !e->cut;
	message_header(&m, query->id, flags_of(query, &e->plan, complete), question, query->edns);
	if (query->edns) {
		m.w.size = limit;
		edns_put(&m.w, &edns);
	}
	ret->verdict = m.w.failed ? RESPOND_DROP : RESPOND_SEND;
	ret->len = m.w.at;
	ret->rcode = e->plan.rcode;
	ret->flags = e->plan.flags;
	ret->zone = e->plan.zone;
	if (query->ecs_present)
		ret->flags |= RESPOND_ECS;
	if (e->verified)
		ret->flags |= RESPOND_VERIFIED;
	if (!complete)
		ret->flags = (ret->flags & ~RESPOND_KERNEL) | RESPOND_TRUNCATED;
}

static void plan_nothing(struct exchange *e, unsigned int rcode, int ede)
{
	plan_make_empty(&e->plan, &e->question, rcode, ede);
}

/* ---- cookies ---- */

/* RFC 7873 5.2: a client's cookie always comes back, with one of ours. */
static enum cookie_verdict take_cookie(struct exchange *e)
{
	const struct config *config = e->world->config;
	const struct query *query = &e->query;

	e->cookie_put = query->cookie != NULL;
	if (!query->cookie)
		return COOKIE_NONE;
	return cookie_check(config, &e->input->source, (uint32_t)(clock_unix_ms() / 1000),
	                    query->cookie, query->cookie_len, e->cookie);
}

/*
 * True: the reply is settled. Who has to show a good cookie and shows none
 * learns it by BADCOOKIE (5.2.3, 5.2.4), and who knows no cookies comes again
 * over TCP.
 */
static bool cookie_settles(struct exchange *e, enum cookie_verdict verdict)
{
	const struct config *config = e->world->config;
	bool needed = config->cookies && config->cookie_required && !e->input->tcp;
	bool question = e->query.question_end > AN_DNS_HEADER_LEN;

	if (verdict == COOKIE_GOOD)
		return false;
	if (verdict == COOKIE_NONE)
		e->cut = needed;
	/* 5.4: without a question the client's cookie alone is no fault. */
	else if (!question)
		needed = verdict == COOKIE_BAD;
	if (needed)
		plan_nothing(e, e->cut ? AN_RCODE_NOERROR : AN_RCODE_BADCOOKIE, -1);
	return needed;
}

/* ---- the reply's plan ---- */

static void plan_chaos(struct exchange *e)
{
	size_t len = chaos_rdata(e->world->config, e->query.name, e->query.name_len, e->text);

	if (len)
		plan_make_text(&e->plan, &e->question, e->text, len);
	else
		plan_nothing(e, AN_RCODE_REFUSED, -1);
}

/* RFC 1034 3.7.1: we have one class only, so what we say of all of them has no authority. */
static void plan_every_class(struct plan *plan)
{
	plan->aa = false;
	plan->flags &= ~RESPOND_KERNEL;
}

static void plan_query(struct exchange *e)
{
	const struct query *query = &e->query;

	if (query->class == AN_CLASS_CH) {
		plan_chaos(e);
		return;
	}
	e->question.ecs = query->ecs_present ? &query->ecs : NULL;
	e->question.dnssec_ok = query->dnssec_ok;
	e->question.compact_ok = query->dnssec_ok && query->compact_ok;
	plan_make(&e->plan, &e->question);
	if (query->class == AN_CLASS_ANY)
		plan_every_class(&e->plan);
}

static void begin(struct exchange *e, const struct world *world, const struct respond_input *input)
{
	e->world = world;
	e->input = input;
	e->cut = input->cut;
	e->question.world = world;
	e->question.ecs = NULL;
	e->question.dnssec_ok = e->question.compact_ok = false;
	e->question.source = &input->source;
	e->question.group = 0;
	e->question.last_try = input->last_try;
	e->question.now_ms = input->now_ms;
}

/* From the parser's verdict to a plan. */
static void make_plan(struct exchange *e, enum query_verdict verdict)
{
	const struct endpoint *source = &e->input->source;
	enum cookie_verdict cookie = take_cookie(e);

	e->verified = cookie == COOKIE_GOOD;
	e->question.name = e->query.name;
	e->question.len = e->query.name_len;
	e->question.type = e->query.type;
	e->question.choice =
	        an_choice(e->world->seed, e->query.id, choice_address(source), source->port);
	if (e->input->rcode || e->input->cut) /* with cut: NOERROR */
		plan_nothing(e, e->input->rcode, -1);
	else if (verdict == QUERY_ERROR && e->query.rcode)
		plan_nothing(e, e->query.rcode, e->query.ede);
	else if (cookie_settles(e, cookie))
		return;
	else if (verdict == QUERY_ERROR)
		plan_nothing(e, AN_RCODE_NOERROR, -1);
	else
		plan_query(e);
}

/* The zone's denial, whatever name it was that did not exist: type 0 of its apex. */
static void want_denial(const struct zone *zone, struct want *want)
{
	memcpy(want->owner, zone->apex, zone->apex_len);
	want->owner_len = zone->apex_len;
	want->type = 0;
}

static const struct network nobody;

/* What is to be flattened, or was; static data are offered to the kernel as they were asked for. */
static void fill_want(struct exchange *e, struct want *want)
{
	bool fixed = !e->plan.wait && e->plan.flags & (RESPOND_FROM_ZONE | RESPOND_CHAINED);
	const uint8_t *owner = fixed ? e->query.name : e->plan.owner;
	size_t len = fixed ? e->query.name_len : e->plan.owner_len;

	name_lower(want->owner, owner, len);
	want->owner_len = (uint8_t)len;
	want->type = e->query.type == AN_TYPE_AAAA ? AN_TYPE_AAAA : AN_TYPE_A;
	if (fixed)
		want->type = e->query.type;
	want->client = fixed ? nobody : plan_client(&e->plan)->network;
	want->region = e->plan.region;
	want->source = e->input->source;
}

void respond(const struct world *world, const struct respond_input *input, uint8_t *out,
             size_t size, struct respond_result *ret)
{
	struct exchange e;
	enum query_verdict verdict;

	ret->verdict = RESPOND_DROP;
	ret->len = 0;
	ret->rcode = AN_RCODE_NOERROR;
	ret->flags = 0;
	ret->zone = NULL;
	ret->policy = 0;
	begin(&e, world, input);
	verdict = query_parse(world->config, input->packet, input->len, &e.query);
	if (verdict == QUERY_DROP)
		return;
	if (!input->rcode && (verdict == QUERY_TRANSFER || verdict == QUERY_NOTIFY)) {
		ret->verdict = verdict == QUERY_NOTIFY ? RESPOND_NOTIFY : RESPOND_TRANSFER;
		return;
	}
	make_plan(&e, verdict);
	if (e.plan.wait || e.plan.flags & (RESPOND_CACHEABLE | RESPOND_CHAINED))
		fill_want(&e, &ret->want);
	else if (e.plan.flags & RESPOND_DENIAL)
		want_denial(e.plan.zone, &ret->want);
	if (e.plan.wait) {
		ret->verdict = RESPOND_WAIT;
		ret->zone = e.plan.zone;
		return;
	}
	ret->policy = e.plan.policy;
	ret->region = e.plan.region;
	write_reply(&e, out, size, ret);
	/* RFC 7766 5: TC over TCP would send the client round in circles. */
	if (input->tcp && ret->flags & RESPOND_TRUNCATED) {
		plan_nothing(&e, AN_RCODE_SERVFAIL, -1);
		write_reply(&e, out, size, ret);
	}
}

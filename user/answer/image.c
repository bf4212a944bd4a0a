/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel images. The reply is rendered by the very code that answers queries,
 * for a question without EDNS, and then cut into the records that rotate and
 * the tail. So the kernel's bytes are the daemon's.
 */
#include "answer/draft.h"
#include "answer/online.h"
#include "base/wire.h"

#define RECORD_FIXED_LEN 12 /* pointer, type, class, TTL, length */
#define RECORD_TTL_AT    6

static void zero_ttl(uint8_t *ttl)
{
	memset(ttl, 0, 4);
}

/* The records that rotate: those of the first item, if it is the question's own addresses. */
static void cut_records(const struct draft *draft, struct an_answer_slot *ret)
{
	const struct plan_item *first = &draft->plan.items[0];

	if (!draft->plan.count || !first->rotate)
		return;
	ret->answer.count = (uint8_t)first->count;
	ret->answer.stride =
	        first->wire_type == AN_TYPE_AAAA ? RECORD_FIXED_LEN + 16 : RECORD_FIXED_LEN + 4;
	for (unsigned int i = 0; i < first->count; i++)
		zero_ttl(ret->data + (size_t)i * ret->answer.stride + RECORD_TTL_AT);
}

/* Its records have the answer's TTL as it goes out: the first item, and its signatures; all of a
 * denial that was made here, which lives and dies as one. */
static bool has_answers_ttl(const struct plan *plan, unsigned int i)
{
	if (plan->items[0].section == MESSAGE_AUTHORITY && plan->zone->security == ZONE_SIGNED)
		return true;
	return i == 0 || (i == 1 && plan->items[i].wire_type == AN_TYPE_RRSIG);
}

/* The next record's TTL is the answer's; the rotating ones' are known to be. */
static bool mark_ttl(size_t at, struct an_answer_slot *ret)
{
	size_t records = (size_t)ret->answer.count * ret->answer.stride;

	if (at < records)
		return true;
	if (ret->answer.tail_ttl_count == AN_TAIL_TTLS)
		return false;
	ret->answer.tail_ttl[ret->answer.tail_ttl_count++] = (uint16_t)(at - records);
	zero_ttl(ret->data + at);
	return true;
}

/* Item `i`, whose records are the next in the data. */
static bool mark_item(const struct plan *plan, unsigned int i, struct wire *data,
                      struct an_answer_slot *ret)
{
	for (unsigned int n = 0; n < plan->items[i].count; n++) {
		wire_skip_name(data);
		wire_take(data, 4);
		if (data->failed || (has_answers_ttl(plan, i) && !mark_ttl(data->at, ret)))
			return false;
		wire_take(data, 4);
		wire_take(data, wire_get16(data));
	}
	return !data->failed;
}

/*
 * In the tail, the TTLs of the SOA of a negative answer, and of the signatures
 * of what the answer is. Items stand in the order of plan_render(). False: there
 * are too many.
 */
static bool mark_tail_ttls(const struct draft *draft, struct an_answer_slot *ret)
{
	const struct plan *plan = &draft->plan;
	struct wire data = wire_reader(draft->out + draft->data_at, draft->m.w.at - draft->data_at);

	ret->answer.tail_ttl_count = 0; /* cut() has marked a SOA that is alone */
	for (unsigned int turn = 0; turn < (plan->mixed ? 6 : 1); turn++)
		for (unsigned int i = 0; i < plan->count; i++) {
			const struct plan_item *item = &plan->items[i];

			if (plan->mixed && item->section * 2u + item->late != turn)
				continue;
			if (!mark_item(plan, i, &data, ret))
				return false;
		}
	return true;
}

/* Is the SOA of a negative answer all there is? */
static bool is_soa_alone(const struct plan *plan)
{
	return plan->count == 1 && plan->items[0].section == MESSAGE_AUTHORITY;
}

static size_t cut(const struct draft *draft, struct an_answer_slot *ret)
{
	const struct plan *plan = &draft->plan;
	size_t len = draft->m.w.at - draft->data_at, records;

	memset(ret, 0, AN_SLOT_LARGE_SIZE);
	memcpy(ret->data, draft->out + draft->data_at, len);
	cut_records(draft, ret);
	if (is_soa_alone(plan))
		mark_tail_ttls(draft, ret);
	records = (size_t)ret->answer.count * ret->answer.stride;
	ret->answer.tail_len = (uint16_t)(len - records);
	for (size_t i = 0; i < 3; i++)
		ret->answer.counts[i] = (uint8_t)draft->m.counts[i];
	ret->answer.flags = (uint16_t)((plan->aa ? AN_FLAG_AA : 0) | plan->rcode);
	ret->answer.ttl = plan->items[0].ttl;
	ret->answer.stale_ttl =
	        (uint8_t)(ret->answer.ttl < AN_STALE_TTL ? ret->answer.ttl : AN_STALE_TTL);
	ret->answer.wire_scope = plan->scope;
	ret->answer.traits = plan->zone->security == ZONE_SIGNED ? AN_TRAIT_COMPACT : 0;
	ret->head.kind = AN_SLOT_ANSWER;
	ret->head.zone = plan->zone->id;
	ret->head.generation = plan->zone->generation;
	ret->head.used = (uint16_t)(AN_ANSWER_DATA_AT + len);
	return ret->head.used;
}

/* ---- secure zones: one image for queries with DO and without ---- */

static size_t data_len(const struct draft *draft)
{
	return draft->m.w.at - draft->data_at;
}

/* Does the reply without DO end somewhere in that with it, and is the same up to there? */
static bool is_beginning(const struct draft *plain, const struct draft *whole)
{
	return plain->plan.rcode == whole->plan.rcode && plain->plan.aa == whole->plan.aa &&
	       plain->plan.scope == whole->plan.scope && data_len(plain) <= data_len(whole) &&
	       !memcmp(plain->out + plain->data_at, whole->out + whole->data_at, data_len(plain));
}

/* What the image of the reply with DO has more than the one without. */
static void mark_signed(const struct draft *plain, const struct draft *whole,
                        struct an_answer_slot *ret)
{
	unsigned int more[3];

	for (unsigned int i = 0; i < 3; i++)
		more[i] = (unsigned int)(whole->m.counts[i] - plain->m.counts[i]);
	if (!is_beginning(plain, whole) || more[0] > 15 || more[1] > 15 || more[2]) {
		ret->answer.traits |= AN_TRAIT_ONLY_DO;
		return;
	}
	ret->answer.signed_len = (uint16_t)(data_len(whole) - data_len(plain));
	ret->answer.signed_counts = (uint8_t)(more[0] | more[1] << 4);
}

/* At the root, an owner is shorter than the pointer that rotating records have. */
static bool is_possible(size_t len)
{
	return len > 1;
}

/* The least choice of which an_choice_below(choice, turns) is `turn`. */
static uint32_t choice_of_turn(unsigned int turn, unsigned int turns)
{
	return (uint32_t)((((uint64_t)turn << 32) + turns - 1) / turns);
}

/* The image is for queries without DO alone. */
static size_t cut_plain(const struct draft *plain, struct an_answer_slot *ret)
{
	cut(plain, ret);
	ret->answer.traits |= AN_TRAIT_NOT_DO;
	return ret->head.used;
}

/* One reply out of zone data. False: the kernel cannot hold it. */
static bool render_static(struct draft *draft, const struct plan_question *question,
                          unsigned int turn, unsigned int *ret_turns)
{
	const unsigned int asked = RESPOND_CACHEABLE | RESPOND_FROM_ZONE;

	plan_make(&draft->plan, question);
	if (draft->plan.wait || (draft->plan.flags & asked) != asked)
		return false;
	*ret_turns = plan_turns(&draft->plan);
	return turn < *ret_turns && draft_render(draft, question->name, question->len,
	                                         question->type, choice_of_turn(turn, *ret_turns));
}

size_t respond_image_static(const struct world *world, const uint8_t *name, size_t len,
                            uint16_t type, unsigned int turn, unsigned int *ret_turns,
                            struct an_answer_slot *ret)
{
	struct plan_question question = {.world = world, .len = len, .type = type};
	uint8_t lower[NAME_MAX_LEN];
	struct draft plain, whole;

	if (!is_possible(len))
		return 0;
	name_lower(lower, name, len);
	question.name = lower;
	if (!render_static(&plain, &question, turn, ret_turns))
		return 0;
	if (plain.plan.zone->security == ZONE_INSECURE)
		return cut(&plain, ret);
	question.dnssec_ok = true;
	/* A denial at a chain's end has another RCODE for DO, and a third for CO (RFC 9824 5.1). */
	if (!render_static(&whole, &question, turn, ret_turns) ||
	    whole.plan.rcode != plain.plan.rcode)
		return cut_plain(&plain, ret);
	cut(&whole, ret);
	mark_signed(&plain, &whole, ret);
	return ret->head.used;
}

/* ---- denial ---- */

#define POINTER_LABEL 0xc0

/* The name at `at` of the tail: *ret_pointer is where the pointer that ends it stands, 0 if none
 * does. What follows the name. */
static size_t pointer_in(const uint8_t *tail, size_t at, uint16_t *ret_pointer)
{
	while (tail[at] && tail[at] < POINTER_LABEL)
		at += 1u + tail[at];
	*ret_pointer = tail[at] ? (uint16_t)at : 0;
	return at + (tail[at] ? 2 : 1);
}

/* Owner, MNAME and RNAME of the SOA that is the tail. */
static void mark_pointers(struct an_answer_slot *ret)
{
	uint16_t *places = ret->answer.tail_ttl + 1;
	size_t at = pointer_in(ret->data, RECORD_FIXED_LEN, &places[1]);

	places[0] = 0;
	pointer_in(ret->data, at, &places[2]);
}

size_t respond_image_denial(const struct zone *zone, struct an_answer_slot *ret)
{
	struct plan_question question = {.name = zone->apex, .len = zone->apex_len};
	struct draft draft;
	size_t len;

	if (!is_possible(zone->apex_len) || !zone->soa ||
	    __atomic_load_n(&zone->expired, __ATOMIC_RELAXED))
		return 0;
	plan_denied(&draft.plan, &question, zone);
	if (!draft_render(&draft, zone->apex, zone->apex_len, 0, 0))
		return 0;
	len = cut(&draft, ret);
	mark_pointers(ret);
	/* The proof is another one for each name. */
	if (zone->security != ZONE_INSECURE)
		ret->answer.traits |= AN_TRAIT_NOT_DO;
	return len;
}

/* The reply that a fresh stored answer gives. False: there is no room, or it could not be signed.
 */
static bool render_flat(struct draft *draft, const struct plan_question *question,
                        const struct zone *zone, const struct answer *answer)
{
	plan_stored(&draft->plan, question, zone, answer);
	return draft->plan.rcode != AN_RCODE_SERVFAIL &&
	       draft_render(draft, question->name, question->len, question->type, 0);
}

/* `whole`: NULL if it could not be rendered. */
static void cut_flat(const struct draft *plain, const struct draft *whole,
                     struct an_answer_slot *ret)
{
	if (whole)
		cut(whole, ret);
	if (whole && mark_tail_ttls(whole, ret))
		mark_signed(plain, whole, ret);
	else
		cut_plain(plain, ret);
}

size_t respond_image_flat(const struct world *world, const struct zone *zone,
                          const struct answer *answer, unsigned int group,
                          struct an_answer_slot *ret)
{
	const struct store_owner *owner = answer->owner;
	struct plan_question question = {.world = world,
	                                 .name = owner->name,
	                                 .len = owner->name_len,
	                                 .type = owner->type,
	                                 .group = answer->pool ? group + 1 : 0};
	struct draft plain, whole;

	/* The ANAME beside the addresses would need its number on the wire: the daemon's to do. */
	if (!is_possible(owner->name_len) || __atomic_load_n(&zone->expired, __ATOMIC_RELAXED) ||
	    (zone->expose_aname && !answer->negative))
		return 0;
	if (!render_flat(&plain, &question, zone, answer))
		return 0;
	if (zone->security == ZONE_INSECURE) {
		cut(&plain, ret);
	} else {
		question.dnssec_ok = true;
		cut_flat(&plain, render_flat(&whole, &question, zone, answer) ? &whole : NULL, ret);
		if (online_is_disputed(zone, answer))
			ret->answer.traits |= AN_TRAIT_NOT_DO;
	}
	if (!answer->negative) {
		ret->answer.traits |= AN_TRAIT_COUNTING;
		ret->answer.stale_ttl = AN_STALE_TTL;
	}
	return ret->head.used;
}

/* The last `count` records of the tail, all of one length, have the answer's TTL. False: it is not
 * so. */
static bool mark_last(const struct draft *draft, unsigned int count, size_t stride,
                      struct an_answer_slot *ret)
{
	size_t at = draft->m.ttl_at - draft->data_at;

	if (count > AN_TAIL_TTLS ||
	    (count > 1 && at + stride - RECORD_TTL_AT != ret->answer.tail_len))
		return false;
	for (unsigned int i = 0; i < count; i++, at -= stride) {
		if (count > 1 && ret->data[at - RECORD_TTL_AT] < POINTER_LABEL)
			return false;
		zero_ttl(ret->data + at);
		ret->answer.tail_ttl[i] = (uint16_t)at;
	}
	ret->answer.tail_ttl_count = (uint8_t)count;
	return true;
}

size_t respond_image_chained(const struct world *world, const struct zone *zone,
                             const uint8_t *name, size_t len, const struct answer *answer,
                             unsigned int turn, unsigned int *ret_turns, struct an_answer_slot *ret)
{
	uint16_t type = answer->owner->type;
	struct plan_question question = {.world = world, .name = name, .len = len, .type = type};
	unsigned int count = answer->negative ? 1 : answer->count;
	struct draft draft;
	uint32_t ttl;

	*ret_turns = count;
	if (!is_possible(len) || zone->security != ZONE_INSECURE ||
	    __atomic_load_n(&zone->expired, __ATOMIC_RELAXED) ||
	    (zone->expose_aname && !answer->negative) || turn >= count || count > AN_TAIL_TTLS ||
	    !plan_chained(&draft.plan, &question, zone, answer) ||
	    !draft_render(&draft, name, len, type, choice_of_turn(turn, count)))
		return 0;
	cut(&draft, ret);
	if (!mark_last(&draft, count, RECORD_FIXED_LEN + address_len(type), ret))
		return 0;
	ttl = draft.plan.items[draft.plan.count - 1].ttl;
	ret->answer.ttl = ttl;
	ret->answer.stale_ttl = (uint8_t)(ttl < AN_STALE_TTL ? ttl : AN_STALE_TTL);
	if (!answer->negative) {
		ret->answer.traits |= AN_TRAIT_COUNTING;
		ret->answer.stale_ttl = AN_STALE_TTL;
	}
	return ret->head.used;
}

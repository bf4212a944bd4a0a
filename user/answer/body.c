/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/body.h"

#include <stdlib.h>

#include "answer/draft.h"
#include "base/wire.h"
#include "zone/memo.h"

#define POINTER       0xc0u
#define NAMES_MAX     512 /* in what a draft has room for */
#define OWNER_POINTER (POINTER << 8 | AN_DNS_HEADER_LEN)

struct body {
	struct zone_memo memo; /* first */
	uint8_t base_len;      /* of the name that was the question */
	uint16_t counts[3];
	uint16_t len; /* 0: these records are rendered each time */
	uint16_t pointer_count, label_count;
	/* Where compression pointers stand; where labels do that the question's name follows; and
	 * the records. */
	uint16_t places[];
};

static const uint16_t *labels_of(const struct body *body)
{
	return body->places + body->pointer_count;
}

static const uint8_t *records_of(const struct body *body)
{
	return (const uint8_t *)(labels_of(body) + body->label_count);
}

/* ---- making ---- */

struct survey {
	struct wire w; /* the records */
	uint16_t pointers[NAMES_MAX], labels[NAMES_MAX];
	uint16_t pointer_count, label_count;
	uint16_t counts[3];
};

static void survey_name(struct survey *survey)
{
	struct wire *w = &survey->w;
	size_t label = w->at, at = w->at;

	while (at < w->size && w->base[at] && w->base[at] < POINTER) {
		label = at;
		at += 1u + w->base[at];
	}
	if (!wire_skip_name(w) || !w->base[at])
		return;
	if (survey->pointer_count == NAMES_MAX) {
		w->failed = true;
		return;
	}
	survey->pointers[survey->pointer_count++] = (uint16_t)at;
	if (at > label && (w->base[at] << 8 | w->base[at + 1]) == OWNER_POINTER)
		survey->labels[survey->label_count++] = (uint16_t)label;
}

/* Of the types that denials and referrals have. */
static unsigned int names_in(unsigned int type)
{
	return type == AN_TYPE_NS ? 1 : type == AN_TYPE_SOA ? 2 : 0;
}

static bool survey_records(struct survey *survey)
{
	struct wire *w = &survey->w;

	while (w->at < w->size && !w->failed) {
		unsigned int type, len;
		size_t end;

		survey_name(survey);
		type = wire_get16(w);
		wire_take(w, 6);
		len = wire_get16(w);
		end = w->at + len;
		for (unsigned int names = names_in(type); names; names--)
			survey_name(survey);
		wire_take(w, end - w->at);
	}
	return !w->failed;
}

static struct body *body_of(const struct survey *survey, size_t base_len)
{
	size_t places = (size_t)survey->pointer_count + survey->label_count;
	struct body *body =
	        malloc(sizeof(*body) + places * sizeof(body->places[0]) + survey->w.size);

	if (!body)
		return NULL;
	*body = (struct body){
	        .base_len = (uint8_t)base_len,
	        .len = (uint16_t)survey->w.size,
	        .pointer_count = survey->pointer_count,
	        .label_count = survey->label_count,
	};
	memcpy(body->counts, survey->counts, sizeof(body->counts));
	memcpy(body->places, survey->pointers, survey->pointer_count * sizeof(body->places[0]));
	memcpy(body->places + survey->pointer_count, survey->labels,
	       survey->label_count * sizeof(body->places[0]));
	if (body->len)
		memcpy(body->places + places, survey->w.base, body->len);
	return body;
}

/* False: they are to be rendered each time. */
static bool render(const struct zone *zone, const struct zone_node *cut, const uint8_t *base,
                   size_t len, struct draft *draft)
{
	struct plan_question question = {.name = base, .len = len};

	if (cut)
		plan_referred(&draft->plan, &question, zone, cut);
	else
		plan_denied(&draft->plan, &question, zone);
	/* No pointer leads to the root: there other names than these are compressed. */
	return len > 1 && draft_render(draft, base, len, 0, 0);
}

/* NULL: out of memory. */
static const struct zone_memo *make(const struct zone *zone, const struct zone_node *cut)
{
	const uint8_t *base = cut ? cut->name : zone->apex;
	size_t len = cut ? cut->name_len : zone->apex_len;
	struct survey survey = {.pointer_count = 0};
	struct draft draft;
	struct body *body;

	if (render(zone, cut, base, len, &draft)) {
		survey.w = wire_reader(draft.out + draft.data_at, draft.m.w.at - draft.data_at);
		memcpy(survey.counts, draft.m.counts, sizeof(survey.counts));
	}
	if (!survey_records(&survey))
		survey = (struct survey){.pointer_count = 0};
	body = body_of(&survey, len);
	return body ? zone_memo_put(zone, cut, &body->memo) : NULL;
}

/* ---- using ---- */

/* Is the question's name, one label on from the base, that of one of the records? Then their names
 * have more in common with it than with the base. */
static bool meets_label(const struct body *body, const uint8_t *name, size_t len)
{
	const uint16_t *labels = labels_of(body);
	const uint8_t *records = records_of(body);

	if (len == body->base_len)
		return false;
	while (len - 1u - *name > body->base_len) {
		len -= 1u + *name;
		name += 1u + *name;
	}
	for (unsigned int i = 0; i < body->label_count; i++) {
		const uint8_t *label = records + labels[i];

		if (name_equal(label, 1u + *label, name, 1u + *name))
			return true;
	}
	return false;
}

const struct body *body_find(const struct zone *zone, const struct zone_node *cut,
                             const uint8_t *name, size_t len)
{
	const struct zone_memo *memo = zone_memo_find(zone, cut);
	const struct body *body;

	if (!memo)
		memo = make(zone, cut);
	body = (const struct body *)memo;
	return body && body->len && !meets_label(body, name, len) ? body : NULL;
}

bool body_put(const struct body *body, struct message *m, size_t len)
{
	uint8_t *out = message_append(m, records_of(body), body->len, body->counts);
	unsigned int further = (unsigned int)len - body->base_len;

	for (unsigned int i = 0; out && i < body->pointer_count; i++) {
		uint8_t *at = out + body->places[i];
		unsigned int pointer = (unsigned int)(at[0] << 8 | at[1]) + further;

		at[0] = (uint8_t)(pointer >> 8);
		at[1] = (uint8_t)pointer;
	}
	return out;
}

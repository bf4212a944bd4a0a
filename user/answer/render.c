/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/plan.h"

#define ORDER_MAX 255 /* larger RRsets go out in the zone's order */

/* A list of values to write: zone data or octets, in which order, from where on. */
struct values {
	const struct plan_item *item;
	unsigned int start;
	bool sorted;
	uint8_t order[ORDER_MAX];
};

static int compare(const struct zone_rdata *a, const struct zone_rdata *b)
{
	int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return order ? order : (int)a->len - (int)b->len;
}

/* Canonical order (RFC 4034 6.3), the one that the store and the kernel's images have. Zone data
 * mostly stands so already: then one pass. */
static void sort(struct values *values)
{
	const struct zone_rdata *rdata = values->item->rrset->rdata;

	for (unsigned int i = 0; i < values->item->count; i++) {
		unsigned int at = i;

		for (; at && compare(&rdata[values->order[at - 1]], &rdata[i]) > 0; at--)
			values->order[at] = values->order[at - 1];
		values->order[at] = (uint8_t)i;
	}
	values->sorted = true;
}

static void values_of(struct values *values, const struct plan_item *item, uint32_t choice)
{
	values->item = item;
	values->start = 0;
	values->sorted = false;
	if (!item->rotate || item->count > ORDER_MAX)
		return;
	values->start = an_choice_below(choice, item->count);
	if (item->rrset && item->count > 1)
		sort(values);
}

static void put_value(const struct values *values, unsigned int i, struct message *m)
{
	const struct plan_item *item = values->item;
	const uint8_t *data;
	size_t len;

	i = (i + values->start) % item->count;
	if (item->rrset) {
		const struct zone_rdata *rdata =
		        &item->rrset->rdata[values->sorted ? values->order[i] : i];

		data = rdata->data;
		len = rdata->len;
	} else {
		data = item->octets + (size_t)i * item->stride;
		len = item->stride;
	}
	message_record(m, item->section, item->owner, item->owner_len, item->wire_type, item->ttl,
	               data, len);
}

static bool put_item(const struct plan_item *item, struct message *m, uint32_t choice)
{
	struct message_mark mark = message_mark(m);
	struct values values;

	values_of(&values, item, choice);
	for (unsigned int i = 0; i < item->count && !m->w.failed; i++)
		put_value(&values, i, m);
	if (m->w.failed) {
		message_rewind(m, &mark);
		return false;
	}
	return true;
}

bool plan_render(const struct plan *plan, struct message *m, uint32_t choice)
{
	for (unsigned int i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		/* RFC 2181 9: what merely helps is left out without TC; RFC 9471: glue is not. */
		if (!put_item(item, m, choice) &&
		    (item->section != MESSAGE_ADDITIONAL || item->glue))
			return false;
	}
	return true;
}

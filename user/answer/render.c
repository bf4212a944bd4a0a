/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/plan.h"

static void put_value(const struct plan_item *item, unsigned int i, struct message *m)
{
	const uint8_t *data;
	size_t len;

	if (item->rrset) {
		data = item->rrset->rdata[i].data;
		len = item->rrset->rdata[i].len;
	} else {
		if (item->picked)
			i = item->picked[i];
		data = item->octets + (size_t)i * item->stride;
		len = item->stride;
	}
	message_record(m, item->section, item->owner, item->owner_len, item->wire_type, item->ttl,
	               data, len);
}

/* Zone data and stored answers both stand in canonical order (RFC 4034 6.3), as the kernel's images
 * do: so the turn that the choice says is the same in all three. */
static bool put_item(const struct plan_item *item, struct message *m, uint32_t choice)
{
	struct message_mark mark = message_mark(m);
	unsigned int at;

	if (item->picked)
		choice = item->choice;
	at = item->rotate ? an_choice_below(choice, item->count) : 0;

	for (unsigned int i = 0; i < item->count && !m->w.failed; i++) {
		put_value(item, at, m);
		at = at + 1 == item->count ? 0 : at + 1;
	}
	if (m->w.failed) {
		message_rewind(m, &mark);
		return false;
	}
	return true;
}

/* The items of the sections from first to last. */
static bool put_sections(const struct plan *plan, enum message_section first,
                         enum message_section last, struct message *m, uint32_t choice)
{
	for (unsigned int i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		/* RFC 2181 9: what merely helps is left out without TC; RFC 9471: glue is not. */
		if (item->section >= first && item->section <= last && !put_item(item, m, choice) &&
		    (item->section != MESSAGE_ADDITIONAL || item->glue))
			return false;
	}
	return true;
}

bool plan_render(const struct plan *plan, struct message *m, uint32_t choice)
{
	if (!plan->mixed)
		return put_sections(plan, MESSAGE_ANSWER, MESSAGE_ADDITIONAL, m, choice) &&
		       !plan->overfull;
	return put_sections(plan, MESSAGE_ANSWER, MESSAGE_ANSWER, m, choice) &&
	       put_sections(plan, MESSAGE_AUTHORITY, MESSAGE_AUTHORITY, m, choice) &&
	       put_sections(plan, MESSAGE_ADDITIONAL, MESSAGE_ADDITIONAL, m, choice) &&
	       !plan->overfull;
}

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

/* The items of one section, or (mixed false) all. */
static bool put_items(const struct plan *plan, enum message_section section, bool late,
                      struct message *m, uint32_t choice)
{
	for (unsigned int i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (plan->mixed && (item->section != section || item->late != late))
			continue;
		/* RFC 2181 9: what merely helps is left out without TC; RFC 9471: glue is not. */
		if (!put_item(item, m, choice) &&
		    (item->section != MESSAGE_ADDITIONAL || item->glue))
			return false;
	}
	return true;
}

/*
 * In answer and additional section signatures stand behind all that they cover:
 * so addresses come before what there may be no room for (RFC 4035 3.1.1), and
 * what those get who do not ask for signatures is often the front part of what
 * the others get (docs/adr/0020).
 */
bool plan_render(const struct plan *plan, struct message *m, uint32_t choice)
{
	if (!plan->mixed)
		return put_items(plan, MESSAGE_ANSWER, false, m, choice) && !plan->overfull;
	for (unsigned int section = MESSAGE_ANSWER; section <= MESSAGE_ADDITIONAL; section++)
		if (!put_items(plan, section, false, m, choice) ||
		    !put_items(plan, section, true, m, choice))
			return false;
	return !plan->overfull;
}

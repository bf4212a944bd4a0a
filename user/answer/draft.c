/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/draft.h"

/* Where room is short, the additional section is left out without a word. */
static bool is_whole(const struct draft *draft)
{
	unsigned int missing = 0;

	for (unsigned int i = 0; i < draft->plan.count; i++)
		missing += draft->plan.items[i].count;
	for (unsigned int i = 0; i < 3; i++)
		missing -= draft->m.counts[i];
	return !missing;
}

bool draft_render(struct draft *draft, const uint8_t *name, size_t len, uint16_t type,
                  uint32_t choice)
{
	uint8_t question[NAME_MAX_LEN + 4];
	struct wire w = wire_writer(question, sizeof(question));

	wire_put(&w, name, len);
	wire_put16(&w, type);
	wire_put16(&w, AN_CLASS_IN);
	message_begin(&draft->m, draft->out, AN_DNS_HEADER_LEN + len + 4 + AN_ANSWER_LARGE);
	message_question(&draft->m, question, len);
	draft->data_at = draft->m.w.at;
	return plan_render(&draft->plan, &draft->m, choice) && !draft->m.w.failed &&
	       is_whole(draft);
}

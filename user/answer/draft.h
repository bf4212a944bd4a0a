/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * draft - a reply rendered for nobody: to be kept, here or in the kernel.
 *
 * By the very code that answers queries, for a question without EDNS.
 */
#ifndef ANAMED_ANSWER_DRAFT_H
#define ANAMED_ANSWER_DRAFT_H

#include "answer/plan.h"

#define DRAFT_MAX (AN_DNS_HEADER_LEN + NAME_MAX_LEN + 4 + AN_ANSWER_LARGE)

struct draft {
	struct plan plan; /* the caller's to make */
	struct message m;
	size_t data_at; /* behind the question */
	uint8_t out[DRAFT_MAX];
};

/* Writes header, question and the plan's items, as `choice` turns them. False: there is no room for
 * all of them. */
bool draft_render(struct draft *draft, const uint8_t *name, size_t len, uint16_t type,
                  uint32_t choice);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* dns_reply - the query of a DNS check, and what a reply to it means. Pure. */
#ifndef ANAMED_HEALTH_DNS_REPLY_H
#define ANAMED_HEALTH_DNS_REPLY_H

#include "base/config.h"

struct dns_question {
	uint8_t octets[12 + 255 + 4]; /* the whole query */
	size_t len;
};

/* The query of this check, with recursion desired. */
void dns_ask(const struct config_check *check, uint16_t id, struct dns_question *ret);

enum dns_verdict {
	DNS_NOT_OURS, /* another id or question, or no reply: wait on */
	DNS_GOOD,
	DNS_BAD, /* ret_fault says what is wrong */
};

enum dns_verdict dns_judge(const struct dns_question *question, const struct config_check *check,
                           const uint8_t *reply, size_t len, char *ret_fault, size_t fault_size);

#endif

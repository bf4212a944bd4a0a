/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reply of any octets to the query of a DNS check: no read outside of it,
 * and a verdict that is explained where it is bad.
 */
#include <stdlib.h>
#include <string.h>

#include "health/dns_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t name[] = "\3www\7example";
	struct config_check check = {
	        .query_type = AN_TYPE_A,
	        .query = {.len = sizeof(name)},
	        .answer = {.family = AN_FAMILY_IPV4, .address = {192, 0, 2, 1}}};
	struct dns_question question;
	uint8_t *reply = malloc(size ? size : 1);
	char fault[64] = "";
	enum dns_verdict verdict;

	if (!reply)
		return 0;
	memcpy(check.query.name, name, sizeof(name));
	dns_ask(&check, 0x1234, &question);
	memcpy(reply, data, size);
	verdict = dns_judge(&question, &check, reply, size, fault, sizeof(fault));
	if ((verdict == DNS_BAD) != (fault[0] != 0))
		abort();
	if (verdict != DNS_NOT_OURS && size < question.len)
		abort();
	free(reply);
	return 0;
}

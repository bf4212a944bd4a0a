/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/dns_reply.h"

#include <stdio.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/wire.h"

void dns_ask(const struct config_check *check, uint16_t id, struct dns_question *ret)
{
	struct wire w = wire_writer(ret->octets, sizeof(ret->octets));

	wire_put16(&w, id);
	wire_put16(&w, AN_FLAG_RD);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put16(&w, 0);
	wire_put16(&w, 0);
	wire_put(&w, check->query.name, check->query.len);
	wire_put16(&w, check->query_type);
	wire_put16(&w, AN_CLASS_IN);
	ret->len = w.at;
}

/* Whether the wanted address is among the answers that follow. */
static bool has_answer(struct wire *w, unsigned int count, const struct endpoint *wanted)
{
	uint16_t wanted_type = wanted->family == AN_FAMILY_IPV6 ? AN_TYPE_AAAA : AN_TYPE_A;
	size_t octets = net_family_octets(wanted->family);

	for (unsigned int i = 0; i < count && wire_skip_name(w); i++) {
		unsigned int type = wire_get16(w), class = wire_get16(w);
		const uint8_t *data;
		unsigned int len;

		wire_take(w, 4);
		len = wire_get16(w);
		data = wire_take(w, len);
		if (data && type == wanted_type && class == AN_CLASS_IN && len == octets &&
		    memcmp(data, wanted->address, octets) == 0)
			return true;
	}
	return false;
}

enum dns_verdict dns_judge(const struct dns_question *question, const struct config_check *check,
                           const uint8_t *reply, size_t len, char *ret_fault, size_t fault_size)
{
	size_t asked_len = question->len - AN_DNS_HEADER_LEN;
	struct wire w = wire_reader(reply, len);
	unsigned int id = wire_get16(&w), flags = wire_get16(&w);
	unsigned int questions = wire_get16(&w), answers = wire_get16(&w);
	const uint8_t *asked;

	wire_take(&w, 4);
	asked = wire_take(&w, asked_len);
	if (w.failed || id != (unsigned int)(question->octets[0] << 8 | question->octets[1]) ||
	    !(flags & AN_FLAG_QR) || questions != 1 ||
	    memcmp(asked, question->octets + AN_DNS_HEADER_LEN, asked_len) != 0)
		return DNS_NOT_OURS;
	if ((flags & AN_FLAG_RCODE) != check->rcode) {
		snprintf(ret_fault, fault_size, "RCODE %u", flags & AN_FLAG_RCODE);
		return DNS_BAD;
	}
	if (!check->answer.family || has_answer(&w, answers, &check->answer))
		return DNS_GOOD;
	snprintf(ret_fault, fault_size, "the answer is another%s",
	         flags & AN_FLAG_TC ? " (and is cut)" : "");
	return DNS_BAD;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ADDITIONAL_AT 10 /* ARCOUNT in the header */

static uint64_t now_s(void)
{
	return (uint64_t)(clock_unix_ms() / 1000);
}

/* A copy of the first len octets with one additional record less. */
static uint8_t *without_tsig(const uint8_t *packet, size_t len)
{
	uint8_t *copy = malloc(len);
	unsigned int count;

	if (!copy)
		return NULL;
	memcpy(copy, packet, len);
	count = (unsigned int)(copy[ADDITIONAL_AT] << 8 | copy[ADDITIONAL_AT + 1]) - 1;
	copy[ADDITIONAL_AT] = (uint8_t)(count >> 8);
	copy[ADDITIONAL_AT + 1] = (uint8_t)count;
	return copy;
}

/* The RCODE that a verdict of tsig_verify_request() stands for (RFC 8945 5.2). */
static uint16_t rcode_of(int error)
{
	switch (error) {
	case 0:
		return AN_RCODE_NOERROR;
	case -EACCES:
		return AN_RCODE_NOTAUTH;
	default:
		return AN_RCODE_FORMERR;
	}
}

static bool has_additional(const struct respond_input *input)
{
	const uint8_t *packet = input->packet;

	return input->len >= AN_DNS_HEADER_LEN &&
	       (packet[ADDITIONAL_AT] || packet[ADDITIONAL_AT + 1]) &&
	       !(packet[2] & AN_FLAG_QR >> 8);
}

/* The usual query: one question and an OPT. Saves the walk over the records. */
static bool is_plain(const struct respond_input *input)
{
	static const uint8_t counts[8] = {0, 1, 0, 0, 0, 0, 0, 1};
	const uint8_t *packet = input->packet;
	int name;
	size_t at;

	if (memcmp(packet + 4, counts, sizeof(counts)) != 0)
		return false;
	name = name_parse_wire(packet + AN_DNS_HEADER_LEN, input->len - AN_DNS_HEADER_LEN);
	if (name < 0)
		return false;
	at = AN_DNS_HEADER_LEN + (size_t)name + 4;
	return at + 3 <= input->len && !packet[at] && !packet[at + 1] &&
	       packet[at + 2] == AN_TYPE_OPT;
}

void signature_take(struct signature *signature, const struct world *world,
                    struct respond_input *input)
{
	const struct config *config = world->config;
	size_t at, len;
	int error;

	signature->present = false;
	signature->packet = NULL;
	if (!has_additional(input) || is_plain(input) ||
	    !tsig_present(input->packet, input->len, &at))
		return;
	len = at;
	error = tsig_verify_request(&signature->tsig, config->keys, config->keys_count,
	                            input->packet, input->len, now_s(), &len);
	signature->present = error != -EBADMSG;
	signature->packet = without_tsig(input->packet, len);
	input->rcode = rcode_of(error);
	if (signature->packet) {
		input->packet = signature->packet;
		input->len = len;
	}
	if (signature->present)
		input->reserve = (uint16_t)tsig_sign_len(&signature->tsig);
}

void signature_put(struct signature *signature, uint8_t *out, size_t size,
                   struct respond_result *result)
{
	if (signature->present && result->verdict == RESPOND_SEND &&
	    tsig_sign(&signature->tsig, out, &result->len, size, now_s()))
		result->verdict = RESPOND_DROP;
	if (signature->present)
		tsig_done(&signature->tsig);
	free(signature->packet);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A query of any octets on its way through the transaction signatures: what is
 * left of it is inside of what came, and the reply is signed within its room.
 */
#include <stdlib.h>

#include "serve/signature.h"

#define ROOM 1232

static struct config_key key;
static struct config config;
static struct world world = {.config = &config};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	key.name.len = 3;
	memcpy(key.name.name, "\1k", 3);
	key.algorithm = TSIG_HMAC_SHA256;
	key.secret_len = 16;
	config.keys = &key;
	config.keys_count = 1;
	return 0;
}

static void check(bool good)
{
	if (!good)
		abort();
}

/* The reply: header and nothing else. */
static void sign(struct signature *signature, const struct respond_input *input)
{
	uint8_t reply[ROOM] = {0};
	struct respond_result result = {.verdict = RESPOND_SEND, .len = AN_DNS_HEADER_LEN};
	bool present = signature->present;
	size_t at;

	memcpy(reply, input->packet, 2);
	reply[2] = 0x80;
	signature_put(signature, reply, sizeof(reply), &result);
	check(result.verdict == RESPOND_SEND);
	check(result.len == AN_DNS_HEADER_LEN + (size_t)input->reserve);
	check(tsig_present(reply, result.len, &at) == present);
	check(!present || at == AN_DNS_HEADER_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct respond_input input = {.packet = data, .len = size};
	struct signature signature;
	size_t at;

	signature_take(&signature, &world, &input);
	check(input.len <= size);
	if (!signature.present) {
		signature_put(&signature, NULL, 0, &(struct respond_result){RESPOND_DROP});
		return 0;
	}
	/* Nobody has the secret. */
	check(input.rcode == AN_RCODE_NOTAUTH);
	check(input.len >= AN_DNS_HEADER_LEN);
	check(tsig_present(data, size, &at) && at == input.len);
	sign(&signature, &input);
	return 0;
}

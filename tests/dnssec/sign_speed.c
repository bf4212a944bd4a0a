/* SPDX-License-Identifier: BSD-2-Clause */
/* sign_speed - microseconds a signature, by algorithm, on one core; for tests/dnssec/speed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sign/key.h"

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(void)
{
	static const uint8_t algorithms[] = {SIGN_ECDSAP256SHA256, SIGN_ED25519,
	                                     SIGN_ECDSAP384SHA384, SIGN_ED448, SIGN_RSASHA256};
	uint8_t data[150] = "an RRset", signature[SIGN_SIGNATURE_MAX];

	for (size_t i = 0; i < sizeof(algorithms); i++) {
		struct sign_key key;
		unsigned int count = 0;
		double begin, took;

		if (sign_key_generate(algorithms[i], 257, 0, &key))
			return 1;
		begin = now_us();
		do {
			data[9] = (uint8_t)count;
			if (!sign_key_sign(&key, data, sizeof(data), signature))
				return 1;
			count++;
			took = now_us() - begin;
		} while (took < 300000);
		printf("%-16s %7.1f us a signature\n", sign_algorithm_text(algorithms[i]),
		       took / count);
		sign_key_done(&key);
	}
	return 0;
}

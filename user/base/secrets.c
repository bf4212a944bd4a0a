/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secrets.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define SECRET_LEN sizeof(((struct config *)0)->cookie_secrets[0])

_Static_assert(SECRET_LEN == 16, "a SipHash key");

static uint8_t drawn[SECRET_LEN];
static pthread_once_t drawn_once = PTHREAD_ONCE_INIT;

static void draw(void)
{
	/* Up to 256 octets come whole once the kernel's generator is ready. */
	if (getrandom(drawn, sizeof(drawn), 0) != sizeof(drawn))
		abort();
}

static void take(const uint8_t *secret, __u64 ret[2])
{
	ret[0] = an_load8(secret);
	ret[1] = an_load8(secret + 8);
}

unsigned int secrets_cookie(const struct config *config, __u64 ret[AN_COOKIE_SECRETS][2])
{
	unsigned int count = config->cookie_secrets_count;

	if (!count) {
		pthread_once(&drawn_once, draw);
		take(drawn, ret[0]);
		return 1;
	}
	for (unsigned int i = 0; i < count; i++)
		take(config->cookie_secrets[i], ret[i]);
	return count;
}

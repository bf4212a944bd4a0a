/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "traffic.h"

static uint32_t address(const char *text)
{
	struct in_addr four = {0};

	inet_pton(AF_INET, text, &four);
	return ntohl(four.s_addr);
}

static int station(const char *text, uint8_t ret[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ret[0], &ret[1], &ret[2], &ret[3],
	              &ret[4], &ret[5]) == 6
	               ? 0
	               : -1;
}

static int end(struct traffic *traffic)
{
	int code = traffic_end(traffic);
	struct torture_counts counts = traffic_counts(traffic);
	/* Hexdumps of what is wrong come before the line. */
	uint64_t faults = traffic_faults(traffic);

	printf("{\"sent\": %llu, \"replies\": %llu, \"by_daemon\": %llu, \"faults\": %llu, "
	       "\"code\": %d}\n",
	       (unsigned long long)counts.sent, (unsigned long long)counts.replies,
	       (unsigned long long)counts.by_daemon, (unsigned long long)faults, code);
	return 0;
}

static int obey(struct traffic *traffic, struct torture_control *control, const char *line)
{
	uint32_t value, rate, exchanged;
	int words = sscanf(line, "begin %u %u %u", &value, &rate, &exchanged);

	if (words >= 2 && value && value <= TORTURE_NAMES) {
		traffic_reset(traffic);
		control->names = value;
		control->rate = rate;
		control->nets = control->one_epoch = control->newest = 1;
		if (words == 3)
			traffic_zipf(traffic, value, exchanged);
		printf("{\"code\": %d}\n", traffic_begin(traffic));
	} else if (sscanf(line, "zipf %u", &value) == 1 && value <= control->names / 2) {
		traffic_zipf(traffic, control->names, value);
		printf("{}\n");
	} else if (sscanf(line, "newest %u", &value) == 1) {
		__atomic_store_n(&control->newest, value, __ATOMIC_SEQ_CST);
		printf("{}\n");
	} else if (sscanf(line, "oldest %u", &value) == 1) {
		__atomic_store_n(&control->oldest, value, __ATOMIC_SEQ_CST);
		printf("{}\n");
	} else if (strncmp(line, "end", 3) || end(traffic)) {
		return -1;
	}
	fflush(stdout);
	return 0;
}

int watch(char **words)
{
	struct torture_control *control;
	struct traffic *traffic;
	uint8_t mac[6];
	char line[64];

	if (station(words[3], mac))
		return 2;
	traffic = traffic_open(words[0], address(words[1]), address(words[2]), mac);
	if (!traffic)
		return 1;
	control = traffic_reset(traffic);
	printf("{}\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && !obey(traffic, control, line))
		;
	traffic_close(traffic);
	return 0;
}

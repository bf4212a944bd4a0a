/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leaves CONFIG - every network of the compiled table in its order, one a line:
 * prefix, location, then the region of each configured policy. What is odd is
 * said as "warning LINE TEXT". Exit 1 with the error on stderr. With -q: only
 * how large it is and how long it took.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "control/control.h"
#include "steer/geo.h"

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned int print_leaf(const struct config *config, const struct geo *geo, uint8_t family,
                               uint64_t address)
{
	struct network network = {.family = family, .len = family == AN_FAMILY_IPV4 ? 32 : 64};
	char text[NET_TEXT_MAX];
	struct geo_found found;

	for (int i = 0; i < 8; i++)
		network.address[i] = (uint8_t)(address >> (56 - 8 * i));
	found = geo_find(geo, (unsigned int)geo_policy(geo, config->policies[0].name), &network);
	network = network_of(family, network.address, found.len);
	printf("%s %u", network_text(&network, text), found.location);
	for (size_t i = 0; i < config->policies_count; i++) {
		unsigned int policy = (unsigned int)geo_policy(geo, config->policies[i].name);

		printf(" %s", geo_region_name(geo, policy, geo_find(geo, policy, &network).region));
	}
	printf("\n");
	return found.len;
}

static void print_family(const struct config *config, const struct geo *geo, uint8_t family)
{
	uint64_t address = 0, next;

	do {
		unsigned int len = print_leaf(config, geo, family, address);

		next = len ? address + (UINT64_C(1) << (64 - len)) : 0;
		if (next <= address)
			break;
		address = next;
	} while (1);
}

static void print_size(const struct geo *geo, double took)
{
	struct geo_size size = geo_size(geo);
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("seconds %.2f\nnetworks_ipv4 %u\nnetworks_ipv6 %u\nlocations %u\n"
	       "octets %zu\npeak_mib %ld\n",
	       took, size.networks_ipv4, size.networks_ipv6, size.locations,
	       size.lines * sizeof(struct an_geo_line), usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
	bool quiet = argc == 3 && !strcmp(argv[1], "-q");
	struct config *config = NULL;
	struct error error = {0};
	struct geo *geo = NULL;
	const struct config_warning *warnings;
	double began;
	size_t count;
	char text[1024];

	if (argc != 2 + quiet)
		return 2;
	if (config_load(argv[argc - 1], &config, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		return 1;
	}
	began = seconds();
	if (geo_new(config, NULL, &geo, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		config_free(config);
		return 1;
	}
	if (quiet)
		print_size(geo, seconds() - began);
	warnings = geo_warnings(geo, &count);
	for (size_t i = 0; i < count; i++)
		printf("warning %u %s\n", warnings[i].line, warnings[i].text);
	if (!quiet) {
		print_family(config, geo, AN_FAMILY_IPV4);
		print_family(config, geo, AN_FAMILY_IPV6);
	}
	geo_free(geo);
	config_free(config);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* anamed - the daemon: options, --check, and off it goes. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "control/daemon.h"
#include "control/privilege.h"
#include "zone/zones.h"

#define TRIM_OCTETS (8 << 20)
#define CONFIG_PATH "/etc/anamed/anamed.conf"

static const char usage[] = "usage: anamed [--config FILE] [--check] [-v]\n"
                            "\n"
                            "  -c, --config FILE  configuration (default " CONFIG_PATH ")\n"
                            "      --check        load configuration and zones, say what is wrong\n"
                            "  -v, --verbose      say more in the log\n"
                            "  -V, --version\n"
                            "  -h, --help\n"
                            "\n"
                            "Signals: HUP reload, TERM and INT stop, USR1 statistics to the log.\n";

static void print_odd(const struct config_warning *warnings, size_t count, const char *path)
{
	struct error odd = {0};
	char text[1024];

	for (size_t i = 0; i < count; i++) {
		error_write(&odd, path, warnings[i].line, "%s", warnings[i].text);
		fprintf(stderr, "%s\n", error_text_as(&odd, "warning", text, sizeof(text)));
	}
}

static void print_policies(const struct world_load *loaded, const char *path)
{
	char text[1024];
	size_t count;
	const struct config_warning *warnings = geo_warnings(loaded->geo, &count);

	if (loaded->geo_error.text[0])
		fprintf(stderr, "%s\n", error_text(&loaded->geo_error, text, sizeof(text)));
	print_odd(warnings, count, path);
}

static void print_warnings(const struct zones *zones)
{
	char text[1024];

	for (size_t i = 0; i < zones_count(zones); i++) {
		const struct zone_warning *warning = zones_at(zones, i)->warnings;

		for (; warning; warning = warning->next)
			if (warning->mild)
				fprintf(stderr, "%s\n",
				        error_text_as(&warning->error, "warning", text,
				                      sizeof(text)));
	}
}

/* The configuration is read twice, since the zones are checked against it. */
static int load(const char *path, struct config **ret_policy, struct world_load **ret,
                struct error *error)
{
	int err = config_load(path, ret_policy, error);

	if (err)
		return err;
	zone_check_closely(*ret_policy);
	return world_load(path, NULL, NULL, ret, error);
}

/* Every fault on a line of its own; 0: none. */
static int check(const char *path)
{
	struct config *policy = NULL;
	struct world_load *loaded;
	struct error error = {0};
	char text[1024];
	int failed;
	bool no_user;

	if (load(path, &policy, &loaded, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		config_free(policy);
		return 1;
	}
	no_user = privilege_find_user(loaded->base, &error) != 0;
	if (no_user)
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
	for (size_t i = 0; i < loaded->faults_count; i++)
		fprintf(stderr, "%s\n", error_text(&loaded->faults[i].error, text, sizeof(text)));
	print_odd(loaded->base->warnings, loaded->base->warnings_count, path);
	print_policies(loaded, path);
	print_warnings(loaded->zones);
	failed = no_user || loaded->faults_count || loaded->geo_error.text[0];
	if (!failed)
		printf("%s: %zu zones, no faults\n", path, zones_count(loaded->zones));
	world_load_free(loaded);
	config_free(policy);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'},
	        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
	        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	enum log_level level = LOG_LEVEL_INFO;
	const char *path = CONFIG_PATH;
	bool only_check = false;
	int option;

	/* For every record that ldns reads it takes 128 KiB and gives them back: not each time from
	 * the kernel. */
	mallopt(M_TRIM_THRESHOLD, TRIM_OCTETS);
	while ((option = getopt_long(argc, argv, "c:nvVh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		case 'v':
			level = LOG_LEVEL_DEBUG;
			break;
		case 'V':
			printf("anamed %s\n", ANAMED_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	log_init(level);
	return only_check ? check(path) : daemon_run(path);
}

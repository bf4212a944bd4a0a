/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/check_health.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anamed/dns.h"
#include "health/health.h"

struct check {
	const struct config *config;
	const struct places *places;
	struct error *error;
	size_t index; /* of the one that is looked at */
};

static const struct config_check *one(const struct check *check)
{
	return &check->config->checks[check->index];
}

/* Line of a key of it; 0: it is not in the file. */
static unsigned int line_of(const struct check *check, const char *key)
{
	return places_line(check->places, "checks/%zu/%s", check->index, key);
}

/* At the key's line, or that of the check. */
#define FAULT(check, key, ...)                                                                     \
	error_set((check)->error, EINVAL, (check)->config->path,                                   \
	          line_of(check, key) ? line_of(check, key) : one(check)->line, __VA_ARGS__)

/* ---- which settings belong to which kinds ---- */

#define KIND(kind) (1U << (kind))
#define WEB        (KIND(CHECK_HTTP) | KIND(CHECK_HTTPS))
#define SECURE     (KIND(CHECK_TLS) | KIND(CHECK_HTTPS))

static const struct {
	const char *key;
	unsigned int kinds;
} belongs[] = {
        {"port", ~KIND(CHECK_ICMP)},
        {"host", WEB | KIND(CHECK_TLS)},
        {"path", WEB},
        {"status", WEB},
        {"match", WEB},
        {"verify", SECURE},
        {"ca-file", SECURE},
        {"query", KIND(CHECK_DNS)},
        {"type", KIND(CHECK_DNS)},
        {"rcode", KIND(CHECK_DNS)},
        {"answer", KIND(CHECK_DNS)},
        {"command", KIND(CHECK_COMMAND)},
};

static int check_belongs(const struct check *check)
{
	enum check_kind kind = one(check)->kind;

	for (size_t i = 0; i < sizeof(belongs) / sizeof(belongs[0]); i++) {
		if (line_of(check, belongs[i].key) && !(belongs[i].kinds & KIND(kind)))
			return FAULT(check, belongs[i].key, "%s: a check of kind %s has none",
			             belongs[i].key, health_kind_word(kind));
	}
	return 0;
}

/* ---- what each says ---- */

static int check_name(const struct check *check)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789-_.";
	const char *name = one(check)->name;

	if (name[strspn(name, allowed)])
		return FAULT(check, "name", "name: letters, digits, `-', `_' and `.', not `%s'",
		             name);
	for (size_t i = 0; i < check->index; i++) {
		if (strcmp(check->config->checks[i].name, name) == 0)
			return FAULT(check, "name", "check %s is listed twice", name);
	}
	return 0;
}

static int check_times(const struct check *check)
{
	const struct config_check *config = one(check);

	if (config->timeout_ms > config->interval_ms)
		return FAULT(check, line_of(check, "timeout") ? "timeout" : "interval",
		             "timeout is longer than interval");
	if (config->idle_interval_ms && config->idle_interval_ms < config->interval_ms)
		return FAULT(check, "idle-interval", "idle-interval is shorter than interval");
	return 0;
}

/* "-----BEGIN CERTIFICATE-----", or with TRUSTED or X509 before the word: what OpenSSL reads. */
static bool begins_certificate(const char *line)
{
	return !strncmp(line, "-----BEGIN ", 11) && strstr(line, "CERTIFICATE-----");
}

static bool has_certificate(FILE *file)
{
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (begins_certificate(line))
			return true;
	return false;
}

/* Whether what is in it can be believed is found out by the checks. */
static int check_authorities(const struct check *check, const char *path)
{
	struct stat status;
	FILE *file;
	bool any;

	if (stat(path, &status))
		return FAULT(check, "ca-file", "ca-file: %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return FAULT(check, "ca-file", "ca-file: %s: not a file", path);
	file = fopen(path, "re");
	if (!file)
		return FAULT(check, "ca-file", "ca-file: %s: %s", path, strerror(errno));
	any = has_certificate(file);
	fclose(file);
	return any ? 0 : FAULT(check, "ca-file", "ca-file: %s: no certificate in it (PEM)", path);
}

/* What goes into a URL and a header. */
static int check_web(const struct check *check)
{
	const struct config_check *config = one(check);
	const char *host = config->host;

	if (host && host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789-_.")])
		return FAULT(check, "host", "host: a host name, not `%s'", host);
	if (config->path[0] != '/')
		return FAULT(check, "path", "path: begins with `/', unlike `%s'", config->path);
	for (const char *p = config->path; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return FAULT(check, "path",
			             "path: blanks and octets that are not ASCII are written %%20");
	}
	return config->ca_file ? check_authorities(check, config->ca_file) : 0;
}

static int check_dns(const struct check *check)
{
	const struct config_check *config = one(check);
	uint8_t family = config->answer.family;

	if (family && config->query_type != (family == AN_FAMILY_IPV6 ? AN_TYPE_AAAA : AN_TYPE_A))
		return FAULT(check, "answer", "answer: an address of another type than `type'");
	if (family && config->rcode)
		return FAULT(check, "answer", "answer: none comes with that `rcode'");
	return 0;
}

static int check_command(const struct check *check)
{
	const struct config_check *config = one(check);
	struct stat status;

	if (config->kind != CHECK_COMMAND)
		return 0;
	if (!config->command_count)
		return FAULT(check, "command", "`command' is missing");
	if (config->command[0][0] != '/')
		return FAULT(check, "command",
		             "command: begins with an absolute path (and there is no shell)");
	if (access(config->command[0], X_OK) || stat(config->command[0], &status))
		return FAULT(check, "command", "command: %s: %s", config->command[0],
		             strerror(errno));
	if (!S_ISREG(status.st_mode))
		return FAULT(check, "command", "command: %s: not a file", config->command[0]);
	return 0;
}

static int check_port(const struct check *check)
{
	if (one(check)->kind == CHECK_TCP && !one(check)->port)
		return FAULT(check, "port", "`port' is missing");
	return 0;
}

int check_health(const struct config *config, const struct places *places, struct error *error)
{
	static int (*const checks[])(const struct check *check) = {
	        check_name, check_belongs, check_port,   check_times,
	        check_web,  check_dns,     check_command};
	struct check check = {config, places, error, 0};

	for (; check.index < config->checks_count; check.index++) {
		for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
			int err = checks[i](&check);

			if (err)
				return err;
		}
	}
	return 0;
}

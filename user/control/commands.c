/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's verbs. Each looks at its arguments, then answers the request. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "control/daemon.h"
#include "control/report.h"
#include "control/words.h"

#define LIST_MAX     100000
#define LIST_DEFAULT 1000

struct command {
	const char *verb;
	/* Answers the request, or returns a negative errno with *error. */
	int (*run)(struct daemon *daemon, struct control_request *request, json_t *arguments,
	           struct error *error);
};

/* ---- arguments ---- */

/* A domain name; -ENOENT if it is absent. */
static int name_argument(json_t *arguments, const char *key, struct config_name *ret,
                         struct error *error)
{
	const char *text = json_string_value(json_object_get(arguments, key));

	if (!text)
		return error_set(error, ENOENT, NULL, 0, "`%s' is missing", key);
	if (words_name(text, ret))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no domain name", text);
	return 0;
}

static bool has_argument(json_t *arguments, const char *key)
{
	return json_object_get(arguments, key) != NULL;
}

static int limit_argument(json_t *arguments, size_t *ret, struct error *error)
{
	json_t *value = json_object_get(arguments, "limit");
	json_int_t limit = value ? json_integer_value(value) : LIST_DEFAULT;

	if (limit < 1 || limit > LIST_MAX)
		return error_set(error, EINVAL, NULL, 0, "`limit' is from 1 to %d", LIST_MAX);
	*ret = (size_t)limit;
	return 0;
}

/* ---- verbs ---- */

static int run_status(struct daemon *daemon, struct control_request *request, json_t *arguments,
                      struct error *error)
{
	(void)arguments;
	(void)error;
	control_reply(request, report_status(daemon));
	return 0;
}

static int run_stats(struct daemon *daemon, struct control_request *request, json_t *arguments,
                     struct error *error)
{
	(void)arguments;
	(void)error;
	control_reply(request, report_stats(daemon));
	return 0;
}

static int run_reload(struct daemon *daemon, struct control_request *request, json_t *arguments,
                      struct error *error)
{
	(void)arguments;
	(void)error;
	reload_start(daemon, request);
	return 0;
}

static int run_stop(struct daemon *daemon, struct control_request *request, json_t *arguments,
                    struct error *error)
{
	(void)arguments;
	(void)error;
	control_reply(request, json_object());
	log_notice("asked to stop over the control socket");
	daemon_stop(daemon);
	return 0;
}

static int run_answers(struct daemon *daemon, struct control_request *request, json_t *arguments,
                       struct error *error)
{
	bool one = has_argument(arguments, "name");
	struct config_name name;
	size_t limit;
	int err = one ? name_argument(arguments, "name", &name, error) : 0;

	if (!err)
		err = limit_argument(arguments, &limit, error);
	if (!err)
		control_reply(request, report_answers(daemon, one ? &name : NULL, limit));
	return err;
}

static int run_flush(struct daemon *daemon, struct control_request *request, json_t *arguments,
                     struct error *error)
{
	const char *subnet = json_string_value(json_object_get(arguments, "subnet"));
	struct network network;
	struct config_name name;
	size_t count;
	int err = name_argument(arguments, "name", &name, error);

	if (err)
		return err;
	if (has_argument(arguments, "subnet") && (!subnet || network_parse(subnet, &network)))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no network",
		                 subnet ? subnet : "subnet");
	count = flatten_flush(daemon->flatten, name.name, name.len, subnet ? &network : NULL);
	control_reply(request, json_pack("{s:I}", "flushed", (json_int_t)count));
	return 0;
}

static int run_explain(struct daemon *daemon, struct control_request *request, json_t *arguments,
                       struct error *error)
{
	const char *type_text = json_string_value(json_object_get(arguments, "type"));
	const char *client = json_string_value(json_object_get(arguments, "client"));
	struct network network;
	struct config_name name;
	uint16_t type;
	int err = name_argument(arguments, "name", &name, error);

	if (err)
		return err;
	if (!type_text || words_type(type_text, &type))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no type of record",
		                 type_text ? type_text : "");
	if (!client || network_parse(client, &network))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no address or network",
		                 client ? client : "");
	control_reply(request,
	              report_explain(daemon, &name, type, &network, strchr(client, '/') != NULL));
	return 0;
}

static int run_zone_status(struct daemon *daemon, struct control_request *request,
                           json_t *arguments, struct error *error)
{
	bool one = has_argument(arguments, "zone");
	struct config_name name;
	json_t *reply;
	int err = one ? name_argument(arguments, "zone", &name, error) : 0;

	if (err)
		return err;
	reply = report_zones(daemon, one ? &name : NULL, SIZE_MAX);
	if (one && !json_array_size(json_object_get(reply, "zones"))) {
		json_decref(reply);
		return error_set(error, ENOENT, daemon->path, 0, "this zone is not configured");
	}
	control_reply(request, reply);
	return 0;
}

/* "zone", as a zone that is configured, or a member of a catalog. */
static int zone_argument(const struct daemon *daemon, json_t *arguments, struct config_name *ret,
                         struct error *error)
{
	int err = name_argument(arguments, "zone", ret, error);

	if (err || zones_exact(daemon->zones, ret->name, ret->len))
		return err;
	return error_set(error, ENOENT, NULL, 0, "this zone is not served");
}

static int refresh(struct daemon *daemon, struct control_request *request, json_t *arguments,
                   bool whole, struct error *error)
{
	struct config_name zone;
	int err = zone_argument(daemon, arguments, &zone, error);

	if (err)
		return err;
	err = transfers_refresh(daemon, &zone, whole);
	if (err)
		return error_set(error, -err, NULL, 0, "this zone has no primaries");
	control_reply(request, json_object());
	return 0;
}

static int run_zone_refresh(struct daemon *daemon, struct control_request *request,
                            json_t *arguments, struct error *error)
{
	return refresh(daemon, request, arguments, false, error);
}

static int run_zone_retransfer(struct daemon *daemon, struct control_request *request,
                               json_t *arguments, struct error *error)
{
	return refresh(daemon, request, arguments, true, error);
}

static int run_zone_notify(struct daemon *daemon, struct control_request *request,
                           json_t *arguments, struct error *error)
{
	struct config_name zone;
	int count, err = zone_argument(daemon, arguments, &zone, error);

	if (err)
		return err;
	count = transfers_notify(daemon, &zone);
	if (count < 0)
		return error_set(error, -count, NULL, 0,
		                 "this zone has no secondaries, or no data");
	control_reply(request, json_pack("{s:i}", "notified", count));
	return 0;
}

static int run_zone_read(struct daemon *daemon, struct control_request *request, json_t *arguments,
                         struct error *error)
{
	bool one = has_argument(arguments, "name");
	struct config_name apex, name;
	const struct zone *zone;
	size_t limit;
	int err = name_argument(arguments, "zone", &apex, error);

	if (!err && one)
		err = name_argument(arguments, "name", &name, error);
	if (!err)
		err = limit_argument(arguments, &limit, error);
	if (err)
		return err;
	zone = zones_exact(daemon->zones, apex.name, apex.len);
	if (!zone)
		return error_set(error, ENOENT, NULL, 0, "this zone is not served");
	control_reply(request, report_records(zone, one ? &name : NULL, limit));
	return 0;
}

static int run_states(struct daemon *daemon, struct control_request *request, json_t *arguments,
                      struct error *error)
{
	const char *name = json_string_value(json_object_get(arguments, "name"));
	size_t limit, left;
	json_t *list;
	int err = limit_argument(arguments, &limit, error);

	if (err)
		return err;
	list = report_health(daemon, name, limit, &left);
	control_reply(request, json_pack("{s:o, s:I, s:o}", "states", list, "left_out",
	                                 (json_int_t)left, "counts", report_health_stats(daemon)));
	return 0;
}

static int run_choices(struct daemon *daemon, struct control_request *request, json_t *arguments,
                       struct error *error)
{
	struct config_name name;
	int err = name_argument(arguments, "name", &name, error);

	if (!err)
		control_reply(request,
		              json_pack("{s:o}", "choices", report_choices(daemon, &name)));
	return err;
}

static int run_force(struct daemon *daemon, struct control_request *request, json_t *arguments,
                     struct error *error)
{
	static const char *const words[] = {"auto", "up", "down"};
	const char *name = json_string_value(json_object_get(arguments, "name"));
	const char *state = json_string_value(json_object_get(arguments, "state"));
	int force = 0, count;

	if (!name || !state)
		return error_set(error, ENOENT, NULL, 0, "`%s' is missing",
		                 name ? "state" : "name");
	while (force < 3 && strcmp(words[force], state) != 0)
		force++;
	if (force == 3)
		return error_set(error, EINVAL, NULL, 0, "`%s' is not one of up, down, auto",
		                 state);
	count = health_force(daemon->health, name, (enum health_force)force);
	if (count < 0)
		return error_set(error, -count, NULL, 0,
		                 "`%s' is neither a check nor an address that is checked", name);
	log_notice("health: %s is forced: %s", name, state);
	control_reply(request, json_pack("{s:i}", "forced", count));
	return 0;
}

static const struct command commands[] = {
        {"status", run_status},
        {"stats", run_stats},
        {"reload", run_reload},
        {"stop", run_stop},
        {"answers", run_answers},
        {"flush", run_flush},
        {"explain", run_explain},
        {"states", run_states},
        {"choices", run_choices},
        {"force", run_force},
        {"zone-status", run_zone_status},
        {"zone-read", run_zone_read},
        {"zone-refresh", run_zone_refresh},
        {"zone-retransfer", run_zone_retransfer},
        {"zone-notify", run_zone_notify},
};

void commands_handle(struct control_request *request, const char *verb, json_t *arguments,
                     void *arg)
{
	struct error error = {0};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(verb, commands[i].verb) != 0)
			continue;
		if (commands[i].run(arg, request, arguments, &error))
			control_fail(request, &error);
		return;
	}
	error_set(&error, EINVAL, NULL, 0, "`%s' is no verb of this daemon", verb);
	control_fail(request, &error);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anamectl - asks the daemon, checks files, and (as root) handles the kernel
 * half in its own process. Exit: 0 done, 1 failed, 2 used wrongly.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/bring_up.h"
#include "control/control.h"
#include "control/key_verbs.h"
#include "control/reason.h"
#include "control/report.h"
#include "control/show.h"
#include "control/simulate.h"
#include "control/words.h"
#include "sign/sign.h"
#include "zone/zones.h"

#define CONFIG_PATH "/etc/anamed/anamed.conf"
#define ASSUME_MAX  256
#define WORDS_MAX   100000
#define STATES_MAX  100000

struct options {
	const char *config; /* path; NULL: none was given */
	const char *socket;
	bool json;
	/* For simulate. */
	const char *clients, *against;
	char *assume[ASSUME_MAX];
	size_t assume_count;
	bool now;
};

struct verb;

/* What was typed. */
struct call {
	const struct options *options;
	const struct verb *verb;
	char **arguments;
	int count;
};

struct verb {
	const char *name; /* with its second word */
	const char *arguments, *help;
	int least, most;
	/* Gives a new object, or a negative errno with *error. */
	int (*run)(const struct call *call, json_t **ret, struct error *error);
	void (*show)(FILE *out, const json_t *reply);
	const char *keys[3]; /* of the daemon's arguments, in order */
};

static const char *config_path(const struct options *options)
{
	return options->config ? options->config : CONFIG_PATH;
}

/* The configuration, or all defaults where none was named and the usual one is not there. */
static int get_config(const struct options *options, struct config **ret, struct error *error)
{
	int err = config_load(config_path(options), ret, error);

	if (err != -ENOENT || options->config)
		return err;
	*ret = config_default();
	return *ret ? 0 : error_set(error, ENOMEM, NULL, 0, "out of memory");
}

/* A daemon can be asked even while the configuration is being edited and wrong. */
static char *socket_path(const struct options *options)
{
	struct config *config = NULL;
	struct error error = {0};
	char text[1024], *path;

	if (options->socket)
		return strdup(options->socket);
	if (get_config(options, &config, &error)) {
		fprintf(stderr, "%s\n", error_text(&error, text, sizeof(text)));
		config = config_default();
	}
	path = config ? strdup(config->control_socket) : NULL;
	config_free(config);
	return path;
}

/* ---- verbs of the daemon ---- */

static int ask(const struct options *options, const char *verb, json_t *arguments, json_t **ret,
               struct error *error)
{
	char *path = socket_path(options);
	int err;

	if (!path)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	err = control_call(path, verb, arguments, ret, error);
	free(path);
	return err;
}

static int run_daemon(const struct call *call, json_t **ret, struct error *error)
{
	json_t *object = json_object();
	int err = 0;

	for (int i = 0; i < call->count && !err; i++) {
		if (json_object_set_new(object, call->verb->keys[i],
		                        json_string(call->arguments[i])))
			err = error_set(error, EINVAL, NULL, 0, "an argument is not UTF-8");
	}
	if (!err)
		err = ask(call->options, call->verb->name, object, ret, error);
	json_decref(object);
	return err;
}

/* ---- explain: the daemon says where a client is, the files say why ---- */

static int run_explain(const struct call *call, json_t **ret, struct error *error)
{
	struct error none = {0};
	char text[1024];
	int err = run_daemon(call, ret, error);

	if (!err && reason_add(config_path(call->options), *ret, &none))
		fprintf(stderr, "why the client is in its region cannot be said: %s\n",
		        error_text(&none, text, sizeof(text)));
	return err;
}

/* The kernel's part outlives the daemon. */
static int stats_of_kernel(const struct options *options, json_t **ret, struct error *error)
{
	struct config *config = NULL;
	struct kernel_maps *maps;
	int err = get_config(options, &config, error);

	if (err)
		return err;
	err = kernel_open(config->pin_dir, &maps, error);
	config_free(config);
	if (err)
		return err;
	*ret = report_stats_kernel(maps);
	kernel_close(maps);
	return 0;
}

static int run_stats(const struct call *call, json_t **ret, struct error *error)
{
	struct error none = {0};
	int err = ask(call->options, "stats", NULL, ret, error);

	if (err != -ENOENT && err != -ECONNREFUSED)
		return err;
	if (stats_of_kernel(call->options, ret, &none))
		return err;
	fprintf(stderr, "the daemon is not there; the kernel's counters are:\n");
	return 0;
}

/* ---- verbs without a daemon ---- */

static int run_conf_check(const struct call *call, json_t **ret, struct error *error)
{
	const char *path = call->count ? call->arguments[0] : config_path(call->options);
	struct config *config;
	int err = config_load(path, &config, error);

	if (err)
		return err;
	*ret = json_pack("{s:I}", "zones", (json_int_t)config->zones_count);
	config_free(config);
	return 0;
}

static json_t *place_json(const struct error *error)
{
	json_t *object = json_pack("{s:s, s:s}", "file", error->file, "error", error->text);

	if (error->line)
		json_object_set_new(object, "line", json_integer(error->line));
	return object;
}

/* What is wrong, or (mild) worth a word. */
static json_t *warnings_json(const struct zone *zone, bool mild)
{
	const struct zone_warning *warning = zone->warnings;
	json_t *list = json_array();

	for (; warning; warning = warning->next)
		if (warning->mild == mild)
			json_array_append_new(list, place_json(&warning->error));
	return list;
}

/* What a daemon that starts now would make of the zone's keys. */
static void add_kept_on(const struct zone *zone, json_t *list)
{
	struct error error = {0};

	if (!zone->signer || !signer_kept_on(zone->signer))
		return;
	error_set(&error, ENOKEY, zone->settings->dnssec_keys, 0, SIGN_KEPT_ON);
	json_array_append_new(list, place_json(&error));
}

struct loops {
	const struct zone *zone;
	const char *file;
	json_t *list;
};

static void on_loop(const struct zone_node *owner, const char *text, void *arg)
{
	const struct loops *loops = arg;
	struct error error = {0};

	error_set(&error, ELOOP, loops->file, 0, "%s", text);
	zone_alias_place(loops->zone, owner, &error);
	json_array_append_new(loops->list, place_json(&error));
}

/* Takes over the zone. */
static int add_loops(struct zone *zone, const struct config *config, const char *file, json_t *list,
                     struct error *error)
{
	struct loops loops = {zone, file, list};
	struct zones *zones = zones_new(&zone, 1);

	if (!zones)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	zones_check_loops(zones, config, on_loop, &loops);
	zones_free(zones);
	return 0;
}

/* With -c: the zone's own settings, and which targets may be looked up. */
static const struct config_zone *settings_of(const struct config *config,
                                             const struct config_name *apex)
{
	for (size_t i = 0; config && i < config->zones_count; i++) {
		const struct config_name *name = &config->zones[i].name;

		if (name_equal(name->name, name->len, apex->name, apex->len))
			return &config->zones[i];
	}
	return NULL;
}

static int check_zone(const char *file, const struct config_name *apex, const struct config *config,
                      json_t **ret, struct error *error)
{
	uint16_t type = config ? config->aname_type : AN_TYPE_ANAME;
	json_t *reply, *faults;
	struct zone *zone;
	int err;

	zone_check_closely(config);
	err = zone_load_file(apex->name, apex->len, file, type, settings_of(config, apex), &zone,
	                     error);
	if (err)
		return err;
	err = sign_zone(zone, NULL, clock_unix_ms() / 1000, error);
	if (err) {
		zone_free(zone);
		return err;
	}
	faults = warnings_json(zone, false);
	add_kept_on(zone, faults);
	reply = json_pack("{s:I, s:I, s:I, s:o, s:o}", "serial", (json_int_t)zone->serial, "names",
	                  (json_int_t)zone->node_count, "records", (json_int_t)zone->record_count,
	                  "faults", faults, "warnings", warnings_json(zone, true));
	err = add_loops(zone, config, file, faults, error);
	if (err)
		json_decref(reply);
	else
		*ret = reply;
	return err;
}

static int run_zone_check(const struct call *call, json_t **ret, struct error *error)
{
	struct config *config = NULL;
	struct config_name apex;
	int err = 0;

	if (words_name(call->arguments[1], &apex))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no domain name",
		                 call->arguments[1]);
	if (call->options->config)
		err = config_load(call->options->config, &config, error);
	if (!err)
		err = check_zone(call->arguments[0], &apex, config, ret, error);
	config_free(config);
	return err;
}

/* ---- keys ---- */

static int run_key_generate(const struct call *call, json_t **ret, struct error *error)
{
	struct config *config;
	int err = config_load(config_path(call->options), &config, error);

	if (err)
		return err;
	err = key_verb_generate(config, call->arguments[0],
	                        call->count > 1 ? call->arguments[1] : NULL, ret, error);
	config_free(config);
	return err;
}

static int run_ds(const struct call *call, json_t **ret, struct error *error)
{
	struct config *config;
	int err = config_load(config_path(call->options), &config, error);

	if (err)
		return err;
	err = key_verb_ds(config, call->arguments[0], ret, error);
	config_free(config);
	return err;
}

/* ---- the simulator ---- */

/* What the daemon says to a verb: a list of its own name. */
static int list_now(const struct options *options, const char *verb, json_t *arguments,
                    json_t **ret, struct error *error)
{
	json_t *reply = NULL;
	int err = ask(options, verb, arguments, &reply, error);

	json_decref(arguments);
	if (!err)
		*ret = json_incref(json_object_get(reply, verb));
	json_decref(reply);
	return err;
}

static int run_simulate(const struct call *call, json_t **ret, struct error *error)
{
	const struct options *options = call->options;
	struct simulate request = {.config = config_path(options),
	                           .against = options->against,
	                           .clients_file = options->clients,
	                           .clients = call->arguments + 2,
	                           .clients_count = (size_t)call->count - 2,
	                           .assume = options->assume,
	                           .assume_count = options->assume_count};
	json_t *states = NULL, *choices = NULL;
	int err = 0;

	if (words_name(call->arguments[0], &request.name))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no domain name",
		                 call->arguments[0]);
	if (words_type(call->arguments[1], &request.type) ||
	    (request.type != AN_TYPE_A && request.type != AN_TYPE_AAAA))
		return error_set(error, EINVAL, NULL, 0, "A or AAAA, not `%s'", call->arguments[1]);
	if (options->now)
		err = list_now(options, "states", json_pack("{s:i}", "limit", STATES_MAX), &states,
		               error);
	if (options->now && !err)
		err = list_now(options, "choices", json_pack("{s:s}", "name", call->arguments[0]),
		               &choices, error);
	request.states = states;
	request.choices = choices;
	if (!err)
		err = simulate(&request, ret, error);
	json_decref(states);
	json_decref(choices);
	return err;
}

static void show_places(FILE *out, const json_t *list, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		struct error error = {
		        .line = (unsigned int)json_integer_value(json_object_get(one, "line"))};
		char text[1024];

		snprintf(error.file, sizeof(error.file), "%s",
		         json_string_value(json_object_get(one, "file")));
		snprintf(error.text, sizeof(error.text), "%s",
		         json_string_value(json_object_get(one, "error")));
		fprintf(out, "%s\n", error_text_as(&error, word, text, sizeof(text)));
	}
}

static void show_zone_check(FILE *out, const json_t *reply)
{
	show_places(out, json_object_get(reply, "faults"), "error");
	show_places(out, json_object_get(reply, "warnings"), "warning");
	fprintf(out, "serial %lld, %lld records\n",
	        (long long)json_integer_value(json_object_get(reply, "serial")),
	        (long long)json_integer_value(json_object_get(reply, "records")));
}

/* ---- the kernel half ---- */

static int with_config(const struct call *call, enum bring_up_step step, json_t **ret,
                       struct error *error)
{
	struct config *config = NULL;
	int err = get_config(call->options, &config, error);

	if (err)
		return err;
	err = bring_up_step(config, call->count ? call->arguments[0] : NULL, step, ret, error);
	config_free(config);
	return err;
}

static int run_xdp_status(const struct call *call, json_t **ret, struct error *error)
{
	return with_config(call, BRING_UP_STATUS, ret, error);
}

static int run_xdp_attach(const struct call *call, json_t **ret, struct error *error)
{
	return with_config(call, BRING_UP_ATTACH, ret, error);
}

static int run_xdp_detach(const struct call *call, json_t **ret, struct error *error)
{
	return with_config(call, BRING_UP_DETACH, ret, error);
}

static int run_xdp_upgrade(const struct call *call, json_t **ret, struct error *error)
{
	return with_config(call, BRING_UP_UPGRADE, ret, error);
}

static int run_xdp_unpin(const struct call *call, json_t **ret, struct error *error)
{
	struct config *config = NULL;
	int err = get_config(call->options, &config, error);

	if (err)
		return err;
	err = bring_up_unpin(config, error);
	config_free(config);
	if (!err)
		*ret = json_object();
	return err;
}

/* ---- the command line ---- */

static const struct verb verbs[] = {
        {"status", "", "how the daemon is", 0, 0, run_daemon, show_status, {0}},
        {"stats",
         "",
         "counters; the kernel's alone where no daemon runs",
         0,
         0,
         run_stats,
         show_stats,
         {0}},
        {"reload", "", "load configuration and zones again", 0, 0, run_daemon, show_reload, {0}},
        {"stop", "", "end the daemon", 0, 0, run_daemon, show_nothing, {0}},
        {"answers",
         "[NAME]",
         "flattened answers that are stored",
         0,
         1,
         run_daemon,
         show_answers,
         {"name"}},
        {"flush",
         "NAME [SUBNET]",
         "forget answers of a name",
         1,
         2,
         run_daemon,
         show_flush,
         {"name", "subnet"}},
        {"explain",
         "NAME TYPE CLIENT",
         "how a query would be answered, and why; CLIENT is an "
         "address, or a network as a client subnet",
         3,
         3,
         run_explain,
         show_explain,
         {"name", "type", "client"}},
        {"states",
         "[NAME]",
         "what health checks have found; NAME is a check or an address",
         0,
         1,
         run_daemon,
         show_states,
         {"name"}},
        {"force",
         "NAME up|down|auto",
         "say what a check finds; NAME is a check, an address, or CHECK/ADDRESS",
         2,
         2,
         run_daemon,
         show_forced,
         {"name", "state"}},
        {"conf-check", "[FILE]", "check a configuration", 0, 1, run_conf_check, show_nothing, {0}},
        {"zone-check",
         "FILE ZONE",
         "check a zone file",
         2,
         2,
         run_zone_check,
         show_zone_check,
         {0}},
        {"zone-status",
         "[ZONE]",
         "zones that are configured",
         0,
         1,
         run_daemon,
         show_zones,
         {"zone"}},
        {"zone-read",
         "ZONE [NAME]",
         "records that are served",
         1,
         2,
         run_daemon,
         show_records,
         {"zone", "name"}},
        {"zone-refresh",
         "ZONE",
         "ask the primaries now whether there is something new",
         1,
         1,
         run_daemon,
         show_nothing,
         {"zone"}},
        {"zone-retransfer",
         "ZONE",
         "transfer the whole zone again",
         1,
         1,
         run_daemon,
         show_nothing,
         {"zone"}},
        {"zone-notify",
         "ZONE",
         "tell the secondaries once more",
         1,
         1,
         run_daemon,
         show_notified,
         {"zone"}},
        {"key-generate",
         "ZONE [csk|ksk|zsk]",
         "make a key that the zone is signed with from now on",
         1,
         2,
         run_key_generate,
         show_key,
         {0}},
        {"ds",
         "ZONE",
         "a zone's keys, and the DS records for its parent",
         1,
         1,
         run_ds,
         show_ds,
         {0}},
        {"simulate",
         "NAME TYPE [CLIENT...]",
         "who would get what, before and after a change",
         2,
         WORDS_MAX,
         run_simulate,
         show_simulate,
         {0}},
        {"xdp status",
         "[IFACE]",
         "what runs on the interfaces",
         0,
         1,
         run_xdp_status,
         show_interfaces,
         {0}},
        {"xdp attach",
         "[IFACE]",
         "load, pin, and attach (root)",
         0,
         1,
         run_xdp_attach,
         show_interfaces,
         {0}},
        {"xdp detach",
         "[IFACE]",
         "take the program off (root)",
         0,
         1,
         run_xdp_detach,
         show_interfaces,
         {0}},
        {"xdp upgrade",
         "[IFACE]",
         "replace the program, keep the maps (root)",
         0,
         1,
         run_xdp_upgrade,
         show_interfaces,
         {0}},
        {"xdp unpin",
         "",
         "remove what is pinned, after detach (root)",
         0,
         0,
         run_xdp_unpin,
         show_nothing,
         {0}},
};

#define VERBS_COUNT (sizeof(verbs) / sizeof(verbs[0]))

/* Takes the verb's one or two words off the line. */
static const struct verb *find_verb(int *count, char ***words)
{
	for (size_t i = 0; i < VERBS_COUNT; i++) {
		const char *space = strchr(verbs[i].name, ' ');
		size_t first = space ? (size_t)(space - verbs[i].name) : strlen(verbs[i].name);
		int used = space ? 2 : 1;

		if (*count < used || strlen((*words)[0]) != first ||
		    strncmp((*words)[0], verbs[i].name, first) != 0 ||
		    (space && strcmp((*words)[1], space + 1) != 0))
			continue;
		*count -= used;
		*words += used;
		return &verbs[i];
	}
	return NULL;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: anamectl [-j] [-c CONFIG] [-s SOCKET] VERB ...\n\n");
	for (size_t i = 0; i < VERBS_COUNT; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s %s", verbs[i].name, verbs[i].arguments);
		fprintf(out, "  %-26s %s\n", line, verbs[i].help);
	}
	fprintf(out, "\n"
	             "  -c, --config CONFIG  configuration (default " CONFIG_PATH ")\n"
	             "  -s, --socket SOCKET  control socket (default: the configuration's)\n"
	             "  -j, --json           print JSON\n"
	             "      --clients FILE   simulate: networks, one a line, with a weight\n"
	             "      --assume WHO=STATE  simulate: after the change this one is up, down,\n"
	             "                       failing, none, or so many ms away; can be repeated\n"
	             "      --against CONFIG simulate: the configuration after the change\n"
	             "      --now            simulate: begin with the states that the daemon has,\n"
	             "                       and with what its pools chose last\n"
	             "  -V, --version\n"
	             "  -h, --help\n");
}

static void print_failure(const struct options *options, const struct error *error)
{
	char text[1024];
	json_t *object;

	if (!options->json) {
		fprintf(stderr, "%s\n", error_text(error, text, sizeof(text)));
		return;
	}
	object = json_pack("{s:b, s:s}", "ok", 0, "error", error->text);
	if (error->file[0])
		json_object_set_new(object, "file", json_string(error->file));
	if (error->line)
		json_object_set_new(object, "line", json_integer(error->line));
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* A reload that left zones behind has failed, though the daemon runs; a checked zone is without
 * fault or not. */
static int status_of(const json_t *reply, const struct verb *verb)
{
	const json_t *fault;
	size_t i;

	if (verb->show == show_zone_check)
		return json_array_size(json_object_get(reply, "faults")) != 0;
	if (verb->show != show_reload)
		return 0;
	json_array_foreach(json_object_get(reply, "faults"), i, fault)
	{
		if (!json_is_true(json_object_get(fault, "served")))
			return 1;
	}
	return 0;
}

static int misused(const struct verb *verb, int count, char **words)
{
	if (verb)
		fprintf(stderr, "usage: anamectl %s %s\n", verb->name, verb->arguments);
	else if (count && strcmp(words[0], "xdp") != 0)
		fprintf(stderr, "`%s' is no verb; `anamectl --help' lists them\n", words[0]);
	else
		usage(stderr);
	return 2;
}

static int run(const struct options *options, int count, char **words)
{
	const struct verb *verb = find_verb(&count, &words);
	const struct call call = {options, verb, words, count};
	struct error error = {0};
	json_t *reply = NULL;
	int status;

	if (!verb || count < verb->least || count > verb->most)
		return misused(verb, count, words);
	if (verb->run(&call, &reply, &error)) {
		print_failure(options, &error);
		return 1;
	}
	if (options->json) {
		json_dumpf(reply, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		verb->show(stdout, reply);
	}
	status = status_of(reply, verb);
	json_decref(reply);
	return fflush(stdout) || ferror(stdout) ? 1 : status;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
	        {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
	        {"json", no_argument, NULL, 'j'},         {"version", no_argument, NULL, 'V'},
	        {"help", no_argument, NULL, 'h'},         {"clients", required_argument, NULL, 'C'},
	        {"assume", required_argument, NULL, 'A'}, {"against", required_argument, NULL, 'G'},
	        {"now", no_argument, NULL, 'N'},          {NULL, 0, NULL, 0},
	};
	struct options options = {0};
	int option;

	while ((option = getopt_long(argc, argv, "c:s:jVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.config = optarg;
			break;
		case 's':
			options.socket = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'C':
			options.clients = optarg;
			break;
		case 'G':
			options.against = optarg;
			break;
		case 'N':
			options.now = true;
			break;
		case 'A':
			if (options.assume_count == ASSUME_MAX) {
				fprintf(stderr, "more than %d assumptions\n", ASSUME_MAX);
				return 2;
			}
			options.assume[options.assume_count++] = optarg;
			break;
		case 'V':
			printf("anamectl %s\n", ANAMED_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	log_init(LOG_LEVEL_WARNING);
	return run(&options, argc - optind, argv + optind);
}

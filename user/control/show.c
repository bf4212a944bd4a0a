/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/show.h"

#include "control/key_verbs.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* "3d 4h", "5m 2s", "7s". */
static const char *span_text(long long seconds, char *ret, size_t size)
{
	if (seconds >= 86400)
		snprintf(ret, size, "%lldd %lldh", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		snprintf(ret, size, "%lldh %lldm", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		snprintf(ret, size, "%lldm %llds", seconds / 60, seconds % 60);
	else
		snprintf(ret, size, "%llds", seconds);
	return ret;
}

void show_fault(FILE *out, const json_t *fault)
{
	const char *file = text_of(fault, "file");
	long long line = number_of(fault, "line");

	if (file[0] && line)
		fprintf(out, "%s:%lld: error: %s\n", file, line, text_of(fault, "error"));
	else if (file[0])
		fprintf(out, "%s: error: %s\n", file, text_of(fault, "error"));
	else
		fprintf(out, "error: %s\n", text_of(fault, "error"));
}

static void show_faults(FILE *out, const json_t *reply)
{
	const json_t *fault;
	size_t i;

	json_array_foreach(json_object_get(reply, "faults"), i, fault)
	{
		fprintf(out, "zone %s %s: ", text_of(fault, "zone"),
		        is_true(fault, "loop")     ? "has a loop"
		        : is_true(fault, "served") ? "is served as it is"
		        : is_true(fault, "kept")   ? "keeps its old data"
		                                   : "is not served");
		show_fault(out, fault);
	}
}

/* ---- status ---- */

static void show_upstreams(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(reply, "upstreams"), i, one)
	{
		fprintf(out, "upstream       %s, %s, for %s, %s, %.1f ms: %s\n",
		        text_of(one, "address"), text_of(one, "kind"), text_of(one, "suffix"),
		        !is_true(one, "edns") ? "no EDNS"
		        : is_true(one, "ecs") ? "client subnets"
		                              : "no client subnets",
		        (double)number_of(one, "rtt_us") / 1000, text_of(one, "freshness"));
	}
}

void show_interfaces(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	if (!json_array_size(json_object_get(reply, "interfaces")))
		fprintf(out, "no interface is configured for XDP\n");

	json_array_foreach(json_object_get(reply, "interfaces"), i, one)
	{
		const char *note = text_of(one, "note");

		fprintf(out, "%-14s ", text_of(one, "interface"));
		if (is_true(one, "attached"))
			fprintf(out, "attached, %s mode, %s, program %lld%s", text_of(one, "mode"),
			        is_true(one, "dispatcher") ? "under libxdp's dispatcher"
			                                   : "as a pinned link",
			        number_of(one, "program_id"),
			        is_true(one, "ours") ? "" : ", not the one that is pinned");
		else
			fprintf(out, "not attached");
		fprintf(out, "%s%s%s\n", note[0] ? " (" : "", note, note[0] ? ")" : "");
	}
}

static void show_process(FILE *out, const json_t *reply)
{
	time_t loaded = (time_t)number_of(reply, "loaded_unix_s");
	long long failed = number_of(reply, "reloads_failed");
	const char *page = text_of(reply, "status_page");
	char up[64], when[64] = "";
	const json_t *address;
	struct tm local;
	size_t i;

	if (localtime_r(&loaded, &local))
		strftime(when, sizeof(when), "%F %T", &local);
	fprintf(out, "anamed %s, process %lld, up %s\n", text_of(reply, "version"),
	        number_of(reply, "pid"), span_text(number_of(reply, "uptime_s"), up, sizeof(up)));
	fprintf(out, "configuration  %s, loaded %s", text_of(reply, "config"), when);
	fprintf(out, failed ? "; %lld reloads, %lld FAILED\n" : "; %lld reloads\n",
	        number_of(reply, "reloads"), failed);
	fprintf(out, "listens on    ");
	json_array_foreach(json_object_get(reply, "listen"), i, address)
	{
		fprintf(out, " %s", json_string_value(address));
	}
	fprintf(out, "\nstatus page    %s\n", page[0] ? page : "none");
}

static void show_queries(FILE *out, const json_t *queries)
{
	long long total = number_of(queries, "total"), kernel = number_of(queries, "kernel");

	fprintf(out, "queries        %lld", total);
	if (total)
		fprintf(out, ": %.1f %% answered in the kernel, %lld with a last good answer",
		        (double)kernel * 100 / (double)total, number_of(queries, "stale"));
	fprintf(out, "\n");
}

static void show_zone_counts(FILE *out, const json_t *reply)
{
	const json_t *counts = json_object_get(reply, "zone_counts");
	long long expired = number_of(counts, "expired"), empty = number_of(counts, "empty");

	fprintf(out, "zones          %lld served", number_of(counts, "served"));
	if (expired)
		fprintf(out, ", %lld EXPIRED", expired);
	if (empty)
		fprintf(out, ", %lld WITHOUT DATA", empty);
	fprintf(out, "\n");
}

static void show_health(FILE *out, const json_t *reply)
{
	const json_t *health = json_object_get(reply, "health"), *one;
	long long down = number_of(health, "down"), forced = number_of(health, "forced");
	size_t i;

	if (!number_of(health, "watched"))
		return;
	fprintf(out, "health         %lld up, %lld down", number_of(health, "up"), down);
	fprintf(out, forced ? ", %lld forced\n" : "\n", forced);
	json_array_foreach(json_object_get(reply, "down"), i, one)
	{
		fprintf(out, "  %s is down by %s: %s\n", text_of(one, "address"),
		        text_of(one, "check"), text_of(one, "reason"));
	}
	if (down > (long long)i)
		fprintf(out, "  and %lld more: anamectl states\n", down - (long long)i);
}

static void show_databases(FILE *out, const json_t *reply)
{
	const char *fault = text_of(reply, "databases_fault");

	if (fault[0])
		fprintf(out, "databases      NOT READ, so those before stay in use: %s\n", fault);
}

static void show_kernel(FILE *out, const json_t *kernel)
{
	if (!json_is_object(kernel)) {
		fprintf(out, "kernel         none: the daemon answers alone\n");
		return;
	}
	fprintf(out, "kernel         %s, maps under %s\n",
	        strcmp(text_of(kernel, "mode"), "answer") == 0 ? "answers" : "PASSES EVERYTHING",
	        text_of(kernel, "pin_dir"));
	show_interfaces(out, kernel);
}

void show_status(FILE *out, const json_t *reply)
{
	show_process(out, reply);
	show_kernel(out, json_object_get(reply, "kernel"));
	show_queries(out, json_object_get(reply, "queries"));
	show_zone_counts(out, reply);
	show_faults(out, reply);
	show_databases(out, reply);
	show_health(out, reply);
	show_upstreams(out, reply);
	fprintf(out, "freshness      %s; last good answers up to %s%s\n",
	        text_of(reply, "freshness"), text_of(reply, "stale_max"),
	        is_true(reply, "keeps_last_good") ? ", kept on disk" : ", not kept on disk");
}

/* ---- stats ---- */

/* Members as dotted names; what is zero is left out, but for the sums. */
static void show_numbers(FILE *out, const char *path, const json_t *value)
{
	const json_t *member;
	const char *key;
	size_t i;
	char name[128];

	if (json_is_integer(value)) {
		if (json_integer_value(value) || strncmp(path, "queries.", 8) == 0)
			fprintf(out, "%-32s %" PRId64 "\n", path,
			        (int64_t)json_integer_value(value));
		return;
	}
	/* jansson's iterators take objects that can be changed; nothing is. */
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		snprintf(name, sizeof(name), "%s%s%s", path, path[0] ? "." : "", key);
		show_numbers(out, name, member);
	}
	json_array_foreach(value, i, member)
	{
		snprintf(name, sizeof(name), "%s.%zu", path, i);
		show_numbers(out, name, member);
	}
}

void show_stats(FILE *out, const json_t *reply)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)reply);

	json_object_del(copy, "v");
	json_object_del(copy, "ok");
	show_numbers(out, "", copy);
	json_decref(copy);
}

/* ---- the others ---- */

void show_reload(FILE *out, const json_t *reply)
{
	const char *restart = text_of(reply, "restart_needed");

	fprintf(out, "reloaded, %lld zones\n", number_of(reply, "zones"));
	if (restart[0])
		fprintf(out, "these wait for a restart: %s\n", restart);
	show_databases(stderr, reply);
	show_faults(stderr, reply);
}

static void show_answer(FILE *out, const json_t *one)
{
	const json_t *address, *used = json_object_get(one, "used_s");
	char age[64], ago[64] = "never";
	size_t i;

	if (json_is_integer(used))
		span_text(json_integer_value(used), ago, sizeof(ago));
	fprintf(out, "%-30s %-4s %-26s %-7s ttl %-6lld age %-8s used %-8s %-6s", //
	        text_of(one, "owner"), text_of(one, "type"), text_of(one, "audience"),
	        text_of(one, "state"), number_of(one, "ttl_left_s"),
	        span_text(number_of(one, "age_s"), age, sizeof(age)), ago, text_of(one, "where"));
	json_array_foreach(json_object_get(one, "addresses"), i, address)
	{
		fprintf(out, " %s", json_string_value(address));
	}
	if (!i)
		fprintf(out, " no address");
	fprintf(out, "\n");
}

void show_answers(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(reply, "answers"), i, one)
	{
		show_answer(out, one);
	}
	if (is_true(reply, "more"))
		fprintf(out, "and more; %lld are stored\n", number_of(reply, "stored"));
}

void show_flush(FILE *out, const json_t *reply)
{
	fprintf(out, "flushed %lld answers\n", number_of(reply, "flushed"));
}

void show_explain(FILE *out, const json_t *reply)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(reply, "words"), i, line)
	{
		fprintf(out, "%s\n", json_string_value(line));
	}
}

/* Where a zone comes from, and how that goes. */
static void show_transfer(FILE *out, const json_t *transfer)
{
	const json_t *next = json_object_get(transfer, "next_check_in_s"), *primary;
	char span[64];
	size_t i;

	if (!json_is_object(transfer))
		return;
	fprintf(out, "  from");
	json_array_foreach(json_object_get(transfer, "primaries"), i, primary)
	{
		fprintf(out, " %s", json_string_value(primary));
	}
	fprintf(out, ": %s", text_of(transfer, "state"));
	if (json_is_integer(next))
		fprintf(out, ", next check in %s",
		        span_text(json_integer_value(next), span, sizeof(span)));
	if (is_true(transfer, "expired"))
		fprintf(out, ", EXPIRED");
	else if (json_object_get(transfer, "expires_in_s"))
		fprintf(out, ", expires in %s",
		        span_text(number_of(transfer, "expires_in_s"), span, sizeof(span)));
	fprintf(out, "\n");
	if (text_of(transfer, "error")[0])
		fprintf(out, "  %s\n", text_of(transfer, "error"));
}

void show_notified(FILE *out, const json_t *reply)
{
	fprintf(out, "%lld secondaries are told\n", number_of(reply, "notified"));
}

/* ---- health ---- */

static void show_state(FILE *out, const json_t *one)
{
	const char *forced = text_of(one, "forced"), *reason = text_of(one, "reason");
	long long connect_us = number_of(one, "connect_us"), since = number_of(one, "since_unix_s");
	char span[32];

	fprintf(out, "%s %s %s", text_of(one, "check"), text_of(one, "address"),
	        is_true(one, "up") ? "up" : "down");
	if (since)
		fprintf(out, " for %s",
		        span_text((long long)time(NULL) - since, span, sizeof(span)));
	if (strcmp(forced, "auto") != 0)
		fprintf(out, ", forced");
	else if (is_true(one, "damped"))
		fprintf(out, ", damped");
	else if (!is_true(one, "known"))
		fprintf(out, ", not known yet");
	else if (is_true(one, "near"))
		fprintf(out, ", near a change (not before %.1f s)",
		        (double)number_of(one, "next_change_ms") / 1000);
	if (connect_us)
		fprintf(out, ", %.1f ms", (double)connect_us / 1000);
	if (reason[0])
		fprintf(out, ": %s (%lld in a row)", reason, number_of(one, "run"));
	fprintf(out, "\n");
}

void show_states(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(reply, "states"), i, one)
	{
		show_state(out, one);
	}
	if (!i)
		fprintf(out, "nothing is checked\n");
	if (number_of(reply, "left_out"))
		fprintf(out, "and %lld more\n", number_of(reply, "left_out"));
}

void show_forced(FILE *out, const json_t *reply)
{
	fprintf(out, "%lld addresses\n", number_of(reply, "forced"));
}

void show_zones(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(reply, "zones"), i, one)
	{
		fprintf(out, "%-30s ", text_of(one, "zone"));
		if (is_true(one, "served"))
			fprintf(out, "serial %lld, %lld names, %lld records, generation %lld, %s",
			        number_of(one, "serial"), number_of(one, "names"),
			        number_of(one, "records"), number_of(one, "generation"),
			        is_true(one, "in_kernel") ? "kernel" : "daemon only");
		else
			fprintf(out, "not served");
		if (text_of(one, "file")[0])
			fprintf(out, ", %s", text_of(one, "file"));
		if (text_of(one, "catalog")[0])
			fprintf(out, ", of catalog %s", text_of(one, "catalog"));
		fprintf(out, "\n");
		show_signing(out, json_object_get(one, "dnssec"));
		show_transfer(out, json_object_get(one, "transfer"));
		if (text_of(one, "fault")[0])
			fprintf(out, "  %s\n", text_of(one, "fault"));
	}
}

void show_records(FILE *out, const json_t *reply)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(reply, "records"), i, line)
	{
		fprintf(out, "%s\n", json_string_value(line));
	}
	if (is_true(reply, "more"))
		fprintf(out, "; and more\n");
}

/* ---- the simulator ---- */

static void show_gives(FILE *out, const json_t *outcome)
{
	const json_t *one, *gives = json_object_get(outcome, "gives");
	size_t i;

	json_array_foreach(gives, i, one)
	{
		double share = json_number_value(json_object_get(one, "share"));

		fprintf(out, "%s%s", i ? ", " : "", text_of(one, "give"));
		if (share < 0.9995)
			fprintf(out, " %.1f %%", share * 100);
	}
	fprintf(out, "%s%s%s", i ? "" : "nothing", is_true(outcome, "panic") ? " (panic)" : "",
	        is_true(outcome, "last_resort") ? " (last resort)" : "");
}

static void show_client(FILE *out, const json_t *row)
{
	const json_t *before = json_object_get(row, "before"),
	             *after = json_object_get(row, "after");
	const char *region = text_of(before, "region"), *client = text_of(row, "client");
	double moved = json_number_value(json_object_get(row, "moved"));

	fprintf(out, "%-24s %-12s ", client[0] ? client : "any client", region);
	show_gives(out, before);
	fprintf(out, "\n");
	if (!json_is_object(after) || moved < 0.0005)
		return;
	region = text_of(after, "region");
	fprintf(out, "%-24s %-12s ", "  then", region);
	show_gives(out, after);
	fprintf(out, "; %.1f %% moved\n", moved * 100);
}

void show_simulate(FILE *out, const json_t *reply)
{
	const json_t *one, *moved = json_object_get(reply, "moved");
	size_t i;

	fprintf(out, "pool %s for %s %s\n", text_of(reply, "pool"), text_of(reply, "name"),
	        text_of(reply, "type"));
	json_array_foreach(json_object_get(reply, "clients"), i, one)
	{
		show_client(out, one);
	}
	if (is_true(reply, "more"))
		fprintf(out, "and more: %lld clients in all\n", number_of(reply, "count"));
	fprintf(out, "\n%-37s %9s%s\n", "share of all clients", "before",
	        moved ? "     after" : "");
	json_array_foreach(json_object_get(reply, "totals"), i, one)
	{
		fprintf(out, "%-37s %7.2f %%", text_of(one, "give"),
		        json_number_value(json_object_get(one, "before")) * 100);
		if (moved)
			fprintf(out, " %7.2f %%",
			        json_number_value(json_object_get(one, "after")) * 100);
		fprintf(out, "\n");
	}
	if (moved)
		fprintf(out, "%-47s %7.2f %%\n", "moved", json_number_value(moved) * 100);
}

void show_nothing(FILE *out, const json_t *reply)
{
	(void)out;
	(void)reply;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop's side: what each zone's secondaries get, and who is told of it.
 *
 * A change becomes a job: in another thread the difference is worked out and
 * expanded serials are put on disk; then, on the loop, the view goes into the
 * book and NOTIFY goes out. So nobody sees a serial that a restart could
 * forget. One job a zone at a time; what changes meanwhile is the next one's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "transfer/expand.h"
#include "transfer/notify.h"
#include "transfer/out.h"
#include "transfer/out_book.h"
#include "transfer/out_serials.h"

struct transfer_desk {
	uv_loop_t *loop;
	struct flatten *flatten;
	struct out_serials *serials;
	struct notify *notify;
	struct desk_zone *zones;
	size_t jobs;
	bool closing;
};

struct desk_zone {
	UT_hash_handle hh;
	struct transfer_desk *desk;
	uint8_t apex[NAME_MAX_LEN]; /* lower case */
	uint8_t apex_len;
	struct zone *zone; /* as served */
	bool modes[BOOK_MODES];
	struct config_peer *peers; /* those that are notified */
	struct config_key *keys;   /* theirs */
	size_t peers_count;
	struct view *views[BOOK_MODES]; /* in the book */
	struct expand *expand;
	bool native_changed, expand_changed;
	bool busy; /* a job is under way */
	bool seen; /* in the world that is being taken */
	bool gone; /* freed with its job */
};

/* One view on its way into the book. */
struct move {
	struct view *from, *to; /* from may be NULL */
	struct step *step;
	bool same; /* nothing but the snapshot is another */
};

struct job {
	uv_work_t work;
	struct desk_zone *dz;
	struct move moves[BOOK_MODES];
	size_t count;
	bool save;
	int save_err;
};

static bool expands(const struct desk_zone *dz)
{
	return dz->modes[TRANSFER_EXPAND] || dz->modes[TRANSFER_BOTH];
}

/* ---- jobs ---- */

static void job_start(struct desk_zone *dz);

static bool add_move(struct job *job, struct zone *zone, struct expand_table *table,
                     enum transfer_mode mode, uint32_t serial)
{
	struct move *move = &job->moves[job->count];

	move->to = view_new(zone, table, mode, serial);
	if (!move->to)
		return false;
	if (job->dz->views[mode])
		move->from = view_hold(job->dz->views[mode]);
	job->count++;
	return true;
}

/* Both expanded views; the serial moves if their data has changed. */
static bool add_expanded(struct job *job)
{
	struct desk_zone *dz = job->dz;
	struct zone *zone = NULL;
	struct expand_table *table = expand_table(dz->expand, &zone);
	uint32_t serial;
	bool good;

	if (!table)
		return false;
	good = !out_serials_next(dz->desk->serials, dz->apex, dz->apex_len, zone->serial,
	                         zone->content + table->content, &serial);
	for (int mode = TRANSFER_EXPAND; mode <= TRANSFER_BOTH && good; mode++)
		if (dz->modes[mode])
			good = add_move(job, zone, table, (enum transfer_mode)mode, serial);
	job->save = true;
	expand_table_free(table);
	zone_free(zone);
	return good;
}

static void move_done(struct move *move)
{
	view_free(move->from);
	view_free(move->to);
	step_free(move->step);
}

static void job_free(struct job *job)
{
	for (size_t i = 0; i < job->count; i++)
		move_done(&job->moves[i]);
	free(job);
}

/* In another thread: the way from the view before, if there is one. */
static void find_way(struct move *move)
{
	const struct view *from = move->from, *to = move->to;
	struct step *step;

	if (!from || (from->serial != to->serial && !serial_after(to->serial, from->serial)))
		return;
	if (step_between(from, to, history_room(to->zone), &step))
		return;
	if (from->serial != to->serial) {
		move->step = step;
		return;
	}
	move->same = !step_octets(step) && step->soa_ttl[0] == step->soa_ttl[1] &&
	             step->soa_len[0] == step->soa_len[1] &&
	             !memcmp(step->soa[0], step->soa[1], step->soa_len[0]);
	step_free(step);
}

static void job_work(uv_work_t *work)
{
	struct job *job = work->data;

	for (size_t i = 0; i < job->count; i++)
		find_way(&job->moves[i]);
	if (job->save)
		job->save_err = out_serials_save(job->dz->desk->serials);
}

static void tell_peers(const struct desk_zone *dz, const struct view *view)
{
	for (size_t i = 0; i < dz->peers_count; i++)
		if (dz->peers[i].mode == view->mode &&
		    notify_send(dz->desk->notify, view, &dz->peers[i]))
			log_error("NOTIFY: out of memory");
}

static void log_unmoved(const struct view *view)
{
	char zone[NAME_TEXT_MAX];

	log_warning("zone %s: other data under the same serial %u: secondaries will not ask for it",
	            name_to_text(view->zone->apex, zone), view->serial);
}

/* From the job into the book. */
static void settle_move(struct desk_zone *dz, struct move *move)
{
	struct view *to = move->to;
	bool moved = !move->from || move->from->serial != to->serial;

	if (!dz->modes[to->mode])
		return; /* nobody wants it any more */
	if (!moved && !move->same)
		log_unmoved(to);
	if (book_put(to, move->step, move->same)) {
		log_error("transfers: out of memory");
		move->step = NULL;
		return;
	}
	move->step = NULL;
	view_free(dz->views[to->mode]);
	dz->views[to->mode] = view_hold(to);
	if (!moved)
		return;
	if (to->mode != TRANSFER_NATIVE && move->from && move->from->zone == to->zone)
		atomic_fetch_add_explicit(&out_counters.expanded_changes, 1, memory_order_relaxed);
	tell_peers(dz, to);
}

static void dz_free(struct desk_zone *dz);
static void desk_finish(struct transfer_desk *desk);

static void job_done(uv_work_t *work, int status)
{
	struct job *job = work->data;
	struct desk_zone *dz = job->dz;
	struct transfer_desk *desk = dz->desk;

	(void)status; /* never cancelled */
	if (job->save_err)
		log_warning("expanded serials cannot be kept: %s", strerror(-job->save_err));
	dz->busy = false;
	desk->jobs--;
	if (!dz->gone)
		for (size_t i = 0; i < job->count; i++)
			settle_move(dz, &job->moves[i]);
	job_free(job);
	if (dz->gone)
		dz_free(dz);
	else
		job_start(dz);
	desk_finish(desk);
}

/* Whatever has changed since the last one. */
static bool job_fill(struct job *job)
{
	struct desk_zone *dz = job->dz;

	if (dz->native_changed && dz->modes[TRANSFER_NATIVE] &&
	    !add_move(job, dz->zone, NULL, TRANSFER_NATIVE, dz->zone->serial))
		return false;
	if (dz->expand_changed && dz->expand && !add_expanded(job))
		return false;
	dz->native_changed = dz->expand_changed = false;
	return true;
}

static void job_start(struct desk_zone *dz)
{
	struct job *job;

	if (dz->busy || (!dz->native_changed && !dz->expand_changed))
		return;
	job = calloc(1, sizeof(*job));
	if (job) {
		job->dz = dz;
		job->work.data = job;
	}
	if (!job || !job_fill(job) || !job->count) {
		if (job)
			job_free(job);
		return; /* tried again at the next change */
	}
	if (uv_queue_work(dz->desk->loop, &job->work, job_work, job_done)) {
		job_free(job);
		return;
	}
	dz->busy = true;
	dz->desk->jobs++;
}

static void expanded_changed(void *arg)
{
	struct desk_zone *dz = arg;

	dz->expand_changed = true;
	job_start(dz);
}

/* ---- zones ---- */

static void dz_free(struct desk_zone *dz)
{
	for (int mode = 0; mode < BOOK_MODES; mode++)
		view_free(dz->views[mode]);
	zone_free(dz->zone);
	free(dz->peers);
	free(dz->keys);
	free(dz);
}

static void dz_remove(struct desk_zone *dz)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the analyzer does not know uthash */
	HASH_DEL(dz->desk->zones, dz);
	for (int mode = 0; mode < BOOK_MODES; mode++)
		book_drop(dz->apex, dz->apex_len, (enum transfer_mode)mode);
	notify_drop(dz->desk->notify, dz->apex, dz->apex_len);
	expand_free(dz->expand);
	dz->expand = NULL;
	dz->gone = true;
	if (!dz->busy)
		dz_free(dz);
}

static struct desk_zone *dz_get(struct transfer_desk *desk, const struct zone *zone)
{
	struct desk_zone *dz;

	HASH_FIND(hh, desk->zones, zone->apex, zone->apex_len, dz);
	if (dz)
		return dz;
	dz = calloc(1, sizeof(*dz));
	if (!dz)
		return NULL;
	dz->desk = desk;
	memcpy(dz->apex, zone->apex, zone->apex_len);
	dz->apex_len = zone->apex_len;
	HASH_ADD_KEYPTR(hh, desk->zones, dz->apex, dz->apex_len, dz);
	if (HASH_ADDED(dz))
		return dz;
	free(dz);
	return NULL;
}

/* The peers as they are now, with copies of their keys: configurations come and go. */
static int take_peers(struct desk_zone *dz, const struct config_zone *settings)
{
	size_t count = settings->secondaries_count;
	struct config_peer *peers = calloc(count, sizeof(*peers));
	struct config_key *keys = calloc(count, sizeof(*keys));

	if (!peers || !keys) {
		free(peers);
		free(keys);
		return -ENOMEM;
	}
	free(dz->peers);
	free(dz->keys);
	dz->peers = peers;
	dz->keys = keys;
	dz->peers_count = 0;
	memset(dz->modes, 0, sizeof(dz->modes));
	for (size_t i = 0; i < count; i++) {
		const struct config_peer *peer = &settings->secondaries[i];
		size_t at = dz->peers_count;

		dz->modes[peer->mode] = true;
		if (!peer->notify || !peer->address.family)
			continue;
		peers[at] = *peer;
		if (peer->key) {
			keys[at] = *peer->key;
			peers[at].key = &keys[at];
		}
		dz->peers_count++;
	}
	return 0;
}

static void drop_unwanted(struct desk_zone *dz)
{
	for (int mode = 0; mode < BOOK_MODES; mode++) {
		if (dz->modes[mode])
			continue;
		book_drop(dz->apex, dz->apex_len, (enum transfer_mode)mode);
		view_free(dz->views[mode]);
		dz->views[mode] = NULL;
	}
	if (!expands(dz)) {
		expand_free(dz->expand);
		dz->expand = NULL;
	}
}

/* True if a view is missing for a mode that is wanted now. */
static bool lacks_view(const struct desk_zone *dz)
{
	for (int mode = 0; mode < BOOK_MODES; mode++)
		if (dz->modes[mode] && !dz->views[mode])
			return true;
	return false;
}

static int take_zone(struct desk_zone *dz, const struct world *world, struct zone *zone)
{
	int err = take_peers(dz, zone->settings);
	bool other = dz->zone != zone;

	if (err)
		return err;
	drop_unwanted(dz);
	if (!other && !lacks_view(dz))
		return 0;
	zone_hold(zone);
	zone_free(dz->zone);
	dz->zone = zone;
	dz->native_changed = dz->modes[TRANSFER_NATIVE];
	if (expands(dz) && !dz->expand)
		dz->expand = expand_new(dz->desk->loop, dz->desk->flatten, expanded_changed, dz);
	if (expands(dz))
		err = dz->expand ? expand_zone(dz->expand, world, zone) : -ENOMEM;
	job_start(dz);
	return err;
}

void transfer_desk_world(struct transfer_desk *desk, const struct world *world)
{
	struct desk_zone *dz, *next;

	if (notify_sources(desk->notify, world->config->listen, world->config->listen_count))
		log_error("transfers: out of memory");
	for (dz = desk->zones; dz; dz = dz->hh.next)
		dz->seen = false;
	for (size_t i = 0; i < zones_count(world->zones); i++) {
		struct zone *zone = zones_at(world->zones, i);

		if (!zone->settings || !zone->settings->secondaries_count || !zone->soa)
			continue;
		dz = dz_get(desk, zone);
		if (dz)
			dz->seen = true;
		if (dz && !zone->soa)
			continue; /* no data yet */
		if (!dz || take_zone(dz, world, zone))
			log_error("transfers: out of memory");
	}
	HASH_ITER(hh, desk->zones, dz, next)
	{
		if (!dz->seen)
			dz_remove(dz);
	}
}

int transfer_desk_notify(struct transfer_desk *desk, const uint8_t *apex, size_t apex_len)
{
	struct desk_zone *dz;

	HASH_FIND(hh, desk->zones, apex, apex_len, dz);
	if (!dz)
		return -ENOENT;
	for (int mode = 0; mode < BOOK_MODES; mode++)
		if (dz->views[mode])
			tell_peers(dz, dz->views[mode]);
	return (int)dz->peers_count;
}

/* ---- life ---- */

static struct out_serials *open_serials(const char *state_dir)
{
	struct out_serials *serials;
	struct error error = {0};
	char *path = NULL, text[900];

	if (state_dir && *state_dir && asprintf(&path, "%s/expanded", state_dir) < 0)
		return NULL;
	serials = out_serials_new(path, &error);
	if (error.text[0])
		log_warning("%s", error_text(&error, text, sizeof(text)));
	free(path);
	return serials;
}

struct transfer_desk *transfer_desk_new(uv_loop_t *loop, struct flatten *flatten,
                                        const char *state_dir)
{
	struct transfer_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	desk->loop = loop;
	desk->flatten = flatten;
	desk->serials = open_serials(state_dir);
	desk->notify = notify_new(loop);
	if (!desk->serials || !desk->notify) {
		out_serials_free(desk->serials);
		notify_free(desk->notify);
		free(desk);
		return NULL;
	}
	return desk;
}

static void desk_finish(struct transfer_desk *desk)
{
	if (!desk->closing || desk->jobs)
		return;
	out_serials_free(desk->serials);
	free(desk);
}

void transfer_desk_free(struct transfer_desk *desk)
{
	if (!desk)
		return;
	while (desk->zones)
		dz_remove(desk->zones);
	notify_free(desk->notify);
	desk->notify = NULL;
	desk->closing = true;
	desk_finish(desk);
}

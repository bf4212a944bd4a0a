/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/key_verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/name.h"
#include "control/words.h"
#include "sign/keyfile.h"
#include "sign/sign.h"

#define SET(object, key, value) json_object_set_new(object, key, value)
#define DS_SHA256               2

/* ---- words ---- */

static json_t *time_json(int64_t time)
{
	char text[32];
	time_t seconds = (time_t)time;
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return json_string(text);
}

static void set_time(json_t *object, const char *key, int64_t time)
{
	if (time != SIGN_TIME_NONE)
		SET(object, key, time_json(time));
}

static char *ds_text(const struct sign_key *key, const uint8_t *apex, size_t apex_len, char *ret,
                     size_t size)
{
	uint8_t ds[SIGN_DS_MAX];
	size_t len = sign_key_ds(key, apex, apex_len, DS_SHA256, ds);
	char name[NAME_TEXT_MAX];
	size_t at;

	at = (size_t)snprintf(ret, size, "%s %d IN DS %u %u %u ", name_to_text(apex, name),
	                      SIGNER_KEY_TTL, key->tag, key->algorithm, (unsigned int)DS_SHA256);
	for (size_t i = 4; i < len && at + 2 < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%02X", ds[i]);
	return ret;
}

static json_t *key_json(const struct sign_key *key, const struct sign_role *role)
{
	json_t *one = json_object();

	SET(one, "tag", json_integer(key->tag));
	SET(one, "algorithm", json_string(sign_algorithm_text(key->algorithm)));
	SET(one, "flags", json_integer(key->flags));
	SET(one, "private", json_boolean(key->private));
	SET(one, "published", json_boolean(role->published));
	SET(one, "signs_keys", json_boolean(role->signs_keys));
	SET(one, "signs_zone", json_boolean(role->signs_zone));
	set_time(one, "created", key->times.created);
	set_time(one, "publish", key->times.publish);
	set_time(one, "activate", key->times.activate);
	set_time(one, "inactive", key->times.inactive);
	set_time(one, "delete", key->times.remove);
	return one;
}

/* ---- the zone and its folder ---- */

struct folder {
	struct config_name zone;
	const struct config_zone *settings; /* NULL: not in the configuration */
	char path[PATH_MAX];
};

static int find_folder(const struct config *config, const char *zone, struct folder *ret,
                       struct error *error)
{
	char *copy;

	if (words_name(zone, &ret->zone))
		return error_set(error, EINVAL, NULL, 0, "`%s' is no domain name", zone);
	ret->settings = NULL;
	for (size_t i = 0; i < config->zones_count; i++)
		if (name_equal(config->zones[i].name.name, config->zones[i].name.len,
		               ret->zone.name, ret->zone.len))
			ret->settings = &config->zones[i];
	if (!ret->settings)
		return error_set(error, ENOENT, config->path, 0, "no zone %s", zone);
	if (ret->settings->dnssec_keys) {
		snprintf(ret->path, sizeof(ret->path), "%s", ret->settings->dnssec_keys);
		return 0;
	}
	copy = strdup(config->path);
	if (!copy)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	snprintf(ret->path, sizeof(ret->path), "%s/keys", dirname(copy));
	free(copy);
	return 0;
}

/* ---- key-generate ---- */

/* As root: what the daemon is to read when it is root no longer. */
static int give(const struct config *config, const char *path, struct error *error)
{
	const struct passwd *user = geteuid() == 0 && config->user ? getpwnam(config->user) : NULL;

	if (user && lchown(path, user->pw_uid, user->pw_gid))
		return error_set(error, errno, path, 0, "%s", strerror(errno));
	return 0;
}

static int make_folder(const struct config *config, const char *path, struct error *error)
{
	if (!mkdir(path, 0750))
		return give(config, path, error);
	return errno == EEXIST ? 0 : error_set(error, errno, path, 0, "%s", strerror(errno));
}

static int give_files(const struct config *config, const char *stem, struct error *error)
{
	char path[PATH_MAX + 16];
	int err;

	snprintf(path, sizeof(path), "%s.key", stem);
	err = give(config, path, error);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s.private", stem);
	return give(config, path, error);
}

static int flags_of(const char *kind, uint16_t *ret, struct error *error)
{
	*ret = SIGN_FLAG_ZONE | SIGN_FLAG_SEP;
	if (!kind || !strcmp(kind, "csk") || !strcmp(kind, "ksk"))
		return 0;
	*ret = SIGN_FLAG_ZONE;
	return strcmp(kind, "zsk")
	               ? error_set(error, EINVAL, NULL, 0, "csk, ksk or zsk, not `%s'", kind)
	               : 0;
}

static int write_key(const struct config *config, const struct folder *folder,
                     const struct sign_key *key, json_t **ret, struct error *error)
{
	char stem[PATH_MAX], text[512];
	int err = make_folder(config, folder->path, error);

	if (!err)
		err = sign_keyfile_write(folder->path, folder->zone.name, key, stem, error);
	if (!err)
		err = give_files(config, stem, error);
	if (err)
		return err;
	*ret = json_pack("{s:s, s:i, s:s}", "file", stem, "tag", key->tag, "algorithm",
	                 sign_algorithm_text(key->algorithm));
	if (key->flags & SIGN_FLAG_SEP)
		SET(*ret, "ds",
		    json_string(
		            ds_text(key, folder->zone.name, folder->zone.len, text, sizeof(text))));
	SET(*ret, "switched_on", json_boolean(folder->settings->dnssec));
	return 0;
}

int key_verb_generate(const struct config *config, const char *zone, const char *kind, json_t **ret,
                      struct error *error)
{
	int64_t now = clock_unix_ms() / 1000;
	struct folder folder;
	struct sign_key key;
	uint16_t flags;
	int err = find_folder(config, zone, &folder, error);

	if (!err)
		err = flags_of(kind, &flags, error);
	if (err)
		return err;
	err = sign_key_generate(sign_algorithm_of(folder.settings), flags, 0, &key);
	if (err)
		return error_set(error, -err, NULL, 0, "no key could be made: %s", strerror(-err));
	key.times.created = key.times.publish = key.times.activate = now;
	err = write_key(config, &folder, &key, ret, error);
	sign_key_done(&key);
	return err;
}

void show_key(FILE *out, const json_t *reply)
{
	const char *ds = json_string_value(json_object_get(reply, "ds"));

	fprintf(out, "%s\n", json_string_value(json_object_get(reply, "file")));
	if (ds)
		fprintf(out, "%s\n", ds);
	if (!json_is_true(json_object_get(reply, "switched_on")))
		fprintf(out, "; the zone is not signed yet: its `dnssec' is off\n");
}

/* ---- ds ---- */

static json_t *keys_json(const struct sign_keys *keys, const struct signer *signer)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < keys->count; i++) {
		struct sign_role role = signer_role(signer, i);

		json_array_append_new(list, key_json(&keys->keys[i], &role));
	}
	return list;
}

/* Of keys that sign the DNSKEY set now: the parent's others are of no use, or not yet. */
static json_t *ds_json(const struct folder *folder, const struct sign_keys *keys,
                       const struct signer *signer)
{
	json_t *list = json_array();
	char text[512];

	for (unsigned int i = 0; i < keys->count; i++) {
		struct sign_role role = signer_role(signer, i);

		if (role.published && role.signs_keys)
			json_array_append_new(
			        list, json_string(ds_text(&keys->keys[i], folder->zone.name,
			                                  folder->zone.len, text, sizeof(text))));
	}
	return list;
}

/* A zone without data, which is all that its keys need. */
static int make_signer(const struct folder *folder, struct sign_keys *keys, struct signer **ret,
                       struct error *error)
{
	const struct sign_policy policy = {folder->settings->dnssec_validity_s, SIGN_CDS_OFF};
	struct zone *zone = zone_without_data(folder->zone.name, folder->zone.len, NULL);
	bool kept_on;
	int err;

	if (!zone)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	err = signer_new(zone, keys, &policy, clock_unix_ms() / 1000, NULL, ret, &kept_on, error);
	zone_free(zone);
	return err;
}

int key_verb_ds(const struct config *config, const char *zone, json_t **ret, struct error *error)
{
	struct sign_keys *keys;
	struct signer *signer;
	struct folder folder;
	int err = find_folder(config, zone, &folder, error);

	if (!err)
		err = sign_keys_load(folder.path, folder.zone.name, folder.zone.len, &keys, error);
	if (err)
		return err;
	err = make_signer(&folder, keys, &signer, error);
	if (!err) {
		*ret = json_pack("{s:o, s:o}", "ds", ds_json(&folder, keys, signer), "keys",
		                 keys_json(keys, signer));
		signer_free(signer);
	}
	sign_keys_free(keys);
	return err;
}

/* ---- for people ---- */

static const char *role_text(const json_t *key)
{
	bool keys = json_is_true(json_object_get(key, "signs_keys"));
	bool zone = json_is_true(json_object_get(key, "signs_zone"));

	return keys && zone ? "signs all"
	       : keys       ? "signs keys"
	       : zone       ? "signs the zone"
	                    : "signs nothing";
}

static void show_keys(FILE *out, const json_t *keys, const char *before)
{
	const json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		fprintf(out, "%skey %lld %s, %s, %s%s\n", before,
		        (long long)json_integer_value(json_object_get(key, "tag")),
		        json_string_value(json_object_get(key, "algorithm")),
		        json_is_true(json_object_get(key, "published")) ? "published"
		                                                        : "not published",
		        role_text(key),
		        json_is_true(json_object_get(key, "private")) ? ""
		                                                      : ", without a private half");
	}
}

void show_ds(FILE *out, const json_t *reply)
{
	const json_t *one;
	size_t i;

	show_keys(out, json_object_get(reply, "keys"), "; ");
	json_array_foreach(json_object_get(reply, "ds"), i, one)
	{
		fprintf(out, "%s\n", json_string_value(one));
	}
}

json_t *key_report(const struct zone *zone)
{
	const struct signer *signer = zone->signer;

	if (!signer)
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o}", "inception", time_json(signer_inception(signer)),
	                 "expiration", time_json(signer_expiration(signer)), "next",
	                 time_json(signer_next(signer)), "keys",
	                 keys_json(signer_keys(signer), signer));
}

void show_signing(FILE *out, const json_t *dnssec)
{
	if (!dnssec)
		return;
	fprintf(out, "  signed until %s, anew at %s\n",
	        json_string_value(json_object_get(dnssec, "expiration")),
	        json_string_value(json_object_get(dnssec, "next")));
	show_keys(out, json_object_get(dnssec, "keys"), "  ");
}

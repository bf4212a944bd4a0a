/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/roles.h"

#include <errno.h>
#include <string.h>

struct look {
	const struct sign_keys *keys;
	const struct sign_roles_before *before;
	int64_t now;
	bool published[SIGN_KEYS_MAX], on[SIGN_KEYS_MAX];
	bool stands_in[SIGN_KEYS_MAX]; /* not a key-signing one, and signs the keys all the same */
	bool kept_on;
};

static bool is_sep(const struct look *look, unsigned int i)
{
	return look->keys->keys[i].flags & SIGN_FLAG_SEP;
}

/* What validators can make use of. */
static bool is_usable(const struct look *look, unsigned int i)
{
	return look->on[i] && look->published[i];
}

static bool has_ended(const struct look *look, unsigned int i)
{
	return sign_key_ended(&look->keys->keys[i], look->now) != SIGN_TIME_NONE;
}

/* A parent's DS may name it: it is in use, announced, or was ours until its times were over. */
static bool is_known_sep(const struct look *look, unsigned int i)
{
	return is_sep(look, i) && (look->on[i] || look->published[i] || has_ended(look, i));
}

/* Is there such a key of this algorithm (0: of any)? */
static bool any(const struct look *look, uint8_t algorithm,
                bool (*is)(const struct look *look, unsigned int i))
{
	for (unsigned int i = 0; i < look->keys->count; i++)
		if ((!algorithm || look->keys->keys[i].algorithm == algorithm) && is(look, i))
			return true;
	return false;
}

static bool is_usable_sep(const struct look *look, unsigned int i)
{
	return is_sep(look, i) && is_usable(look, i);
}

static bool is_usable_other(const struct look *look, unsigned int i)
{
	return !is_sep(look, i) && is_usable(look, i);
}

static bool is_on(const struct look *look, unsigned int i)
{
	return look->on[i];
}

/* Somebody else's, or without its file: it never signs here. */
static bool is_sep_of_others(const struct look *look, unsigned int i)
{
	return is_known_sep(look, i) && !look->keys->keys[i].private;
}

/* ---- the last keys go on ---- */

static void wake(struct look *look, unsigned int i)
{
	look->on[i] = look->published[i] = look->kept_on = true;
}

static bool same_key(const struct sign_key *a, const struct sign_key *b)
{
	return a->public_len == b->public_len && !memcmp(a->public, b->public, a->public_len);
}

/* What the key did before; nothing, if it was not there or cannot do it any longer. */
static struct sign_role role_before(const struct look *look, unsigned int i)
{
	const struct sign_roles_before *before = look->before;
	const struct sign_key *key = &look->keys->keys[i];

	for (unsigned int j = 0; key->private && j < before->keys->count; j++)
		if (same_key(key, &before->keys->keys[j]))
			return before->roles[j];
	return (struct sign_role){0};
}

/* Which of two ended keys was the last: one that is to stand in the set before one that is not. */
static int compare_ends(const struct look *look, unsigned int a, unsigned int b)
{
	int64_t x = sign_key_ended(&look->keys->keys[a], look->now);
	int64_t y = sign_key_ended(&look->keys->keys[b], look->now);

	if (look->published[a] != look->published[b])
		return look->published[a] ? 1 : -1;
	return (x > y) - (x < y);
}

/* Of a kind, or of all: an algorithm's key-signing keys, or any key. */
static bool is_wanted(const struct look *look, unsigned int i, uint8_t algorithm)
{
	return !algorithm || (look->keys->keys[i].algorithm == algorithm && is_sep(look, i));
}

/* Those that ended last: several, if they ended together. */
static void wake_last(struct look *look, uint8_t algorithm)
{
	const struct look as_it_was = *look;
	int last = -1;

	for (unsigned int i = 0; i < look->keys->count; i++)
		if (is_wanted(look, i, algorithm) && has_ended(look, i) &&
		    (last < 0 || compare_ends(look, i, (unsigned int)last) > 0))
			last = (int)i;
	for (unsigned int i = 0; last >= 0 && i < look->keys->count; i++)
		if (is_wanted(look, i, algorithm) && has_ended(look, i) &&
		    !compare_ends(&as_it_was, i, (unsigned int)last))
			wake(look, i);
}

static void keep_all(struct look *look)
{
	if (!look->before) {
		wake_last(look, 0);
		return;
	}
	for (unsigned int i = 0; i < look->keys->count; i++) {
		struct sign_role role = role_before(look, i);

		if (role.signs_keys || role.signs_zone)
			wake(look, i);
	}
}

/* A key that signed all, alone, until another kind is active that is only announced yet. */
static void stand_in(struct look *look, uint8_t algorithm)
{
	if (!look->before && any(look, algorithm, is_sep_of_others))
		return;
	for (unsigned int i = 0; i < look->keys->count; i++) {
		if (look->keys->keys[i].algorithm != algorithm || !is_usable_other(look, i) ||
		    (look->before && !role_before(look, i).signs_keys))
			continue;
		look->stands_in[i] = look->kept_on = true;
	}
}

/* The algorithm signs the zone, and its key-signing keys, which there are, do nothing. */
static void keep_sep(struct look *look, uint8_t algorithm)
{
	for (unsigned int i = 0; look->before && i < look->keys->count; i++)
		if (is_wanted(look, i, algorithm) && role_before(look, i).signs_keys)
			wake(look, i);
	if (!look->before)
		wake_last(look, algorithm);
	if (!any(look, algorithm, is_usable_sep))
		stand_in(look, algorithm);
}

static void keep_seps(struct look *look)
{
	for (unsigned int i = 0; i < look->keys->count; i++) {
		uint8_t algorithm = look->keys->keys[i].algorithm;

		if (is_usable_other(look, i) && !look->stands_in[i] &&
		    any(look, algorithm, is_known_sep) && !any(look, algorithm, is_usable_sep))
			keep_sep(look, algorithm);
	}
}

/* ---- all of them ---- */

static struct sign_role role_of(const struct look *look, unsigned int i)
{
	uint8_t algorithm = look->keys->keys[i].algorithm;
	bool sep = is_sep(look, i), on = look->on[i];

	return (struct sign_role){
	        .published = look->published[i],
	        .signs_keys =
	                on && (sep || look->stands_in[i] || !any(look, algorithm, is_known_sep)),
	        .signs_zone = on && (!sep || !any(look, algorithm, is_usable_other)),
	};
}

static int refuse(const struct look *look, struct error *error)
{
	if (!any(look, 0, is_on))
		return error_set(error, ENOKEY, NULL, 0,
		                 "no key is active: all are without a private half, or not active "
		                 "yet");
	if (!any(look, 0, is_usable))
		return error_set(error, ENOKEY, NULL, 0,
		                 "no key that is active is published as well");
	return error_set(error, ENOKEY, NULL, 0,
	                 "no key-signing key is active: it is without its private half, or not "
	                 "active yet; the zone's other keys do not stand in for it");
}

/* By keys that are published, both the zone and its keys are signed. */
static bool is_whole(const struct sign_role *roles, unsigned int count)
{
	bool keys = false, zone = false;

	for (unsigned int i = 0; i < count; i++) {
		keys |= roles[i].published && roles[i].signs_keys;
		zone |= roles[i].published && roles[i].signs_zone;
	}
	return keys && zone;
}

static bool find(struct look *look, struct sign_role *roles)
{
	keep_seps(look);
	for (unsigned int i = 0; i < look->keys->count; i++)
		roles[i] = role_of(look, i);
	return is_whole(roles, look->keys->count);
}

int sign_roles_find(const struct sign_keys *keys, int64_t now,
                    const struct sign_roles_before *before, struct sign_role ret[SIGN_KEYS_MAX],
                    bool *ret_kept_on, struct error *error)
{
	struct look look = {.keys = keys, .before = before, .now = now};
	struct sign_role roles[SIGN_KEYS_MAX];

	for (unsigned int i = 0; i < keys->count; i++) {
		look.published[i] = sign_key_published(&keys->keys[i], now);
		look.on[i] = sign_key_active(&keys->keys[i], now);
	}
	if (!find(&look, roles)) {
		keep_all(&look);
		if (!find(&look, roles))
			return refuse(&look, error);
	}
	memcpy(ret, roles, keys->count * sizeof(*ret));
	*ret_kept_on = look.kept_on;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/keys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "sign/keyfile.h"

#define ENDING ".key"

struct sign_keys *sign_keys_new(void)
{
	struct sign_keys *keys = calloc(1, sizeof(*keys));

	if (keys)
		keys->holders = 1;
	return keys;
}

struct sign_keys *sign_keys_hold(struct sign_keys *keys)
{
	__atomic_add_fetch(&keys->holders, 1, __ATOMIC_RELAXED);
	return keys;
}

void sign_keys_free(struct sign_keys *keys)
{
	if (!keys || __atomic_sub_fetch(&keys->holders, 1, __ATOMIC_ACQ_REL))
		return;
	for (unsigned int i = 0; i < keys->count; i++)
		sign_key_done(&keys->keys[i]);
	free(keys);
}

static int order(const struct sign_key *a, const struct sign_key *b)
{
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return (a->algorithm > b->algorithm) - (a->algorithm < b->algorithm);
}

/* Takes the key over. A validator knows keys by tag and algorithm: two that are alike would each be
 * tried for the other. */
static int add(struct sign_keys *keys, const struct sign_key *key, const char *path,
               struct error *error)
{
	unsigned int at = keys->count;

	if (at == SIGN_KEYS_MAX)
		return error_set(error, E2BIG, path, 0, "more than %d keys", SIGN_KEYS_MAX);
	while (at && order(&keys->keys[at - 1], key) > 0)
		at--;
	if (at && !order(&keys->keys[at - 1], key))
		return error_set(error, EEXIST, path, 0,
		                 "another key has this tag and algorithm too");
	memmove(&keys->keys[at + 1], &keys->keys[at], (keys->count - at) * sizeof(*key));
	keys->keys[at] = *key;
	keys->count++;
	return 0;
}

static int load_one(struct sign_keys *keys, const char *stem, const uint8_t *apex, size_t apex_len,
                    struct error *error)
{
	struct sign_key key;
	int err = sign_keyfile_read(stem, apex, apex_len, &key, error);

	if (err)
		return err;
	err = add(keys, &key, stem, error);
	if (err)
		sign_key_done(&key);
	return err;
}

/* "Kexample.org.+013+12345.key" */
static bool is_key_of(const char *file, const char *prefix)
{
	size_t len = strlen(file), prefix_len = strlen(prefix), ending = sizeof(ENDING) - 1;

	return len > prefix_len + ending && !strncasecmp(file, prefix, prefix_len) &&
	       !strcmp(file + len - ending, ENDING);
}

static int load_all(struct sign_keys *keys, DIR *folder, const char *path, const uint8_t *apex,
                    size_t apex_len, struct error *error)
{
	char prefix[NAME_TEXT_MAX + 4], stem[PATH_MAX];
	struct dirent *entry;
	int err = 0;

	sign_keyfile_prefix(apex, prefix, sizeof(prefix));
	while (!err && (entry = readdir(folder))) {
		int len = (int)(strlen(entry->d_name) - (sizeof(ENDING) - 1));

		if (!is_key_of(entry->d_name, prefix))
			continue;
		if (snprintf(stem, sizeof(stem), "%s/%.*s", path, len, entry->d_name) >=
		    (int)sizeof(stem))
			return error_set(error, ENAMETOOLONG, path, 0, "%s",
			                 strerror(ENAMETOOLONG));
		err = load_one(keys, stem, apex, apex_len, error);
	}
	if (!err && !keys->count)
		err = error_set(error, ENOENT, path, 0, "no key of the zone: %s*" ENDING, prefix);
	return err;
}

int sign_keys_load(const char *folder, const uint8_t *apex, size_t apex_len, struct sign_keys **ret,
                   struct error *error)
{
	struct sign_keys *keys = sign_keys_new();
	DIR *open = opendir(folder);
	int err;

	if (!keys || !open) {
		err = error_set(error, keys ? errno : ENOMEM, folder, 0, "%s",
		                strerror(keys ? errno : ENOMEM));
		free(keys);
		if (open)
			closedir(open);
		return err;
	}
	err = load_all(keys, open, folder, apex, apex_len, error);
	closedir(open);
	if (err)
		sign_keys_free(keys);
	else
		*ret = keys;
	return err;
}

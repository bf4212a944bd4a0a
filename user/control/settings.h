/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings - every key of the configuration, in one place.
 *
 * A table for each section: key, form, place in the struct, bounds, and the
 * default as it would be written. Defaults go through the same parsers as the
 * file. Knows nothing of YAML. Source of the man page anamed.conf(5).
 */
#ifndef ANAMED_CONTROL_SETTINGS_H
#define ANAMED_CONTROL_SETTINGS_H

#include "base/config.h"
#include "base/error.h"

enum setting_form {
	SETTING_NUMBER8, /* whole numbers, by the width of the field */
	SETTING_NUMBER16,
	SETTING_NUMBER32,
	SETTING_SIZE32, /* with K, M, G */
	SETTING_MS32,   /* duration; kept in milliseconds */
	SETTING_MS64,
	SETTING_SECONDS, /* duration of whole seconds; a number alone is seconds; kept in seconds */
	SETTING_BOOL,
	SETTING_WORD,    /* one of words[]: an enum by its order */
	SETTING_TEXT,    /* length is bounded */
	SETTING_PATH,    /* the same; relative to the configuration's folder */
	SETTING_DEGREES, /* a number with a fraction, in a double; min and max are taken as int64_t
	                  */
	SETTING_NAME,    /* domain name */
	SETTING_RRTYPE,  /* "AAAA", "TYPE65" */
	SETTING_ADDRESS, /* endpoint, port 53 if none is given */
	SETTING_LISTEN,  /* the same, port `min` if none is given; "off": family 0 */
	SETTING_HOST,    /* endpoint without a port */
	SETTING_NETWORK,
	SETTING_SECRET, /* base64; octets at `offset`, uint8_t length at `count_offset` */
	SETTING_SECRET_FILE,
	SETTING_KEY,       /* name of a key: a pointer into config->keys */
	SETTING_PRIMARY,   /* a struct config_peer's network and address, from an endpoint */
	SETTING_SECONDARY, /* the same, from an endpoint or a network */
	/* Lists: pointer at `offset`, size_t at `count_offset`. */
	SETTING_NAMES,
	SETTING_NETWORKS,
	SETTING_ADDRESSES,
	SETTING_TEXTS,   /* of strings, each on the heap */
	SETTING_NUMBERS, /* of uint32_t */
	SETTING_HOSTS,
	SETTING_STATUSES, /* of struct config_status: "200", "200-299" */
	SETTING_ENTRIES,  /* of mappings: `entries` says what is in them */
	/* Lists of at most `max`, in the struct itself; uint8_t at `count_offset`. */
	SETTING_COOKIES, /* 32 hexadecimal digits each */
	SETTING_TYPES,   /* private use; not counted, those that are absent are 0 */
};

struct section;

struct setting {
	const char *key;
	enum setting_form form;
	size_t offset, count_offset;
	uint64_t min, max;
	const char *standard; /* default; lists: separated by blanks; NULL: none, left zero */
	const char *const *words;
	bool required;
	const struct section *entries;
};

/* A section: what one mapping of the file may hold. */
struct section {
	const char *key; /* at the top level */
	const struct setting *settings;
	size_t count;
	size_t entry_size; /* of the struct that each list entry fills; 0: fills struct config */
	size_t offset, count_offset; /* of the list in struct config */
	size_t entries_max;
	size_t line_offset; /* where an entry's line is kept (unsigned int); 0: nowhere */
};

#define SETTINGS_MAX 32 /* most in any section */
#define NESTED_MAX   16 /* lists of mappings inside the sections */

extern const struct section section_top; /* settings that stand at the top level */
extern const struct section sections[];
extern const size_t sections_count;

static inline bool setting_is_list(const struct setting *setting)
{
	return setting->form >= SETTING_NAMES;
}

/* A list that is on the heap. */
static inline bool setting_is_heap_list(const struct setting *setting)
{
	return setting_is_list(setting) && setting->form < SETTING_COOKIES;
}

/* Where a value stands. */
struct setting_place {
	const char *file;   /* of the configuration */
	const char *folder; /* that relative paths start from; NULL: as they are */
	unsigned int line;
	const struct config *config; /* where keys are found */
};

/* Parses text into its field of the struct at base. 0, -EINVAL, -ENOMEM with *error. */
int setting_set(const struct setting *setting, void *base, const char *text,
                const struct setting_place *place, struct error *error);

/* A list: makes room for count entries, then each is set. A list that was there is freed. */
int setting_list_begin(const struct setting *setting, void *base, size_t count);
int setting_list_set(const struct setting *setting, void *base, size_t index, const char *text,
                     const struct setting_place *place, struct error *error);

/* An entry of a list of mappings (SETTING_ENTRIES), once room is made. */
void *setting_list_entry(const struct setting *setting, void *base, size_t index);

/* All defaults of a section into the struct at base (zeroed before). 0 or -ENOMEM. */
int settings_default(const struct section *section, void *base);

/* Frees the strings and lists of a section's struct. */
void settings_free(const struct section *section, void *base);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message - writes one DNS message, section by section, with compression.
 *
 * The one writer of replies and of kernel images. Names are compressed
 * against the question and all that was written before, without regard to
 * case, so the pointers do not depend on the case that the client used.
 * Owners are compressed always, names in rdata only in the types of RFC 1035
 * (RFC 3597 4). A mark takes back what did not fit. The caller's buffer; no
 * allocation.
 */
#ifndef ANAMED_ANSWER_MESSAGE_H
#define ANAMED_ANSWER_MESSAGE_H

#include "base/wire.h"

#define MESSAGE_TARGETS 256

#define MESSAGE_KNOWN 8

/* A label that a pointer may lead to: `run` octets from `at` on stand in one piece, the rest of the
 * name (`len` in all) at another target. */
struct message_target {
	uint16_t at;
	uint8_t len, run;
	uint16_t rest;
};

/* The same octets in memory were written before: no look at them is needed. */
struct message_known {
	const uint8_t *name;
	uint16_t at;
};

enum message_section { MESSAGE_ANSWER, MESSAGE_AUTHORITY, MESSAGE_ADDITIONAL };

struct message {
	struct wire w;
	uint16_t counts[3];
	unsigned int class; /* of records: IN, until the caller says another */
	size_t ttl_at;      /* of the record written last */
	unsigned int target_count;
	uint64_t lens[4]; /* a bit for each length that a target's name has, or had */
	struct message_target targets[MESSAGE_TARGETS];
	unsigned int known_next;
	struct message_known known[MESSAGE_KNOWN];
};

struct message_mark {
	size_t at;
	unsigned int target_count;
	uint16_t counts[3];
};

/* Room for the header is left; `size` octets may be written in all. */
void message_begin(struct message *m, void *out, size_t size);

/*
 * Copies a question (name, type, class) octet for octet. Names that are handed
 * in stay as they are until the message is done.
 */
void message_question(struct message *m, const uint8_t *question, size_t name_len);

/* `name` is the question's in another place: where it is an owner it need not be compared. */
void message_question_is(struct message *m, const uint8_t *name);

/* One record. Rdata is uncompressed wire. */
void message_record(struct message *m, enum message_section section, const uint8_t *owner,
                    size_t owner_len, unsigned int type, uint32_t ttl, const uint8_t *rdata,
                    size_t rdata_len);

/* Records that are rendered already, so many a section; to no name in them is a pointer made later.
 * Where they stand now, or NULL: there is no room, nothing is written. */
uint8_t *message_append(struct message *m, const uint8_t *records, size_t len,
                        const uint16_t counts[3]);

struct message_mark message_mark(const struct message *m);
void message_rewind(struct message *m, const struct message_mark *mark);

/* Fills the header in: flags as on the wire, one question or none, `opt` records counted on top. */
void message_header(struct message *m, unsigned int id, unsigned int flags, bool question,
                    unsigned int opt);

#endif

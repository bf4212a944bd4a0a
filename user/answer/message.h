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

enum message_section { MESSAGE_ANSWER, MESSAGE_AUTHORITY, MESSAGE_ADDITIONAL };

struct message {
	struct wire w;
	uint16_t counts[3];
	unsigned int class; /* of records: IN, until the caller says another */
	size_t ttl_at;      /* of the record written last */
	unsigned int target_count;
	uint16_t target_at[MESSAGE_TARGETS]; /* labels that a pointer may lead to */
	uint8_t target_len[MESSAGE_TARGETS]; /* length of the name from there on */
};

struct message_mark {
	size_t at;
	unsigned int target_count;
	uint16_t counts[3];
};

/* Room for the header is left; `size` octets may be written in all. */
void message_begin(struct message *m, void *out, size_t size);

/* Copies a question (name, type, class) octet for octet. */
void message_question(struct message *m, const uint8_t *question, size_t name_len);

/* One record. Rdata is uncompressed wire. */
void message_record(struct message *m, enum message_section section, const uint8_t *owner,
                    size_t owner_len, unsigned int type, uint32_t ttl, const uint8_t *rdata,
                    size_t rdata_len);

struct message_mark message_mark(const struct message *m);
void message_rewind(struct message *m, const struct message_mark *mark);

/* Fills the header in: flags as on the wire, one question or none, `opt` records counted on top. */
void message_header(struct message *m, unsigned int id, unsigned int flags, bool question,
                    unsigned int opt);

#endif

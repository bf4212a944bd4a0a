/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lex - entries of a master file (RFC 1035 5.1), taken apart into tokens.
 *
 * An entry is one line, or more where parentheses or nothing else hold them
 * together. Comments, parentheses and blanks are gone afterwards; quotes and
 * escapes stay in the tokens as they were written. Line numbers are those
 * where things began. CR counts as blank, a last line needs no newline.
 */
#ifndef ANAMED_ZONE_LEX_H
#define ANAMED_ZONE_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

#define LEX_ENTRY_MAX                                                                              \
	(512 * 1024) /* octets of an entry's tokens: the longest rdata as \DDD fit                 \
	              */

struct token {
	const char *text; /* terminated; valid until the next lex_next() */
	size_t len;
	size_t at;         /* of lex.c */
	unsigned int line; /* where it begins */
	bool quoted;       /* "..." as a whole; the quotes are in text */
	bool inner_quotes; /* as in key="value" */
};

struct lex {
	FILE *in;
	const char *file; /* name for messages */
	unsigned int line;
	char *text;
	size_t used, room;
	struct token *tokens;
	size_t count, tokens_room;
	unsigned int entry_line; /* of the first token */
	bool inherits;           /* the entry begins with a blank: owner of the one before */
};

/* Reads the next entry into lex->tokens. 1, 0 at the end of the file, or a negative errno. */
int lex_next(struct lex *lex, struct error *error);

/* Frees what lex holds, but not the file. */
void lex_done(struct lex *lex);

#endif

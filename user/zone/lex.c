/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/lex.h"

#include <errno.h>
#include <stdlib.h>

static int put(struct lex *lex, int c, struct error *error)
{
	if (lex->used == lex->room) {
		size_t room = lex->room ? lex->room * 2 : 256;
		char *text;

		if (lex->used >= LEX_ENTRY_MAX)
			return error_set(error, E2BIG, lex->file, lex->entry_line,
			                 "entry longer than %d octets", LEX_ENTRY_MAX);
		text = realloc(lex->text, room);
		if (!text)
			return error_set(error, ENOMEM, lex->file, lex->line, "out of memory");
		lex->text = text;
		lex->room = room;
	}
	lex->text[lex->used++] = (char)c;
	return 0;
}

/* The next octet, EOF at the end; a negative errno through *ret_fault. */
static int next(struct lex *lex, int *ret_fault, struct error *error)
{
	int c = getc_unlocked(lex->in);

	if (c == 0)
		*ret_fault = error_set(error, EINVAL, lex->file, lex->line, "NUL octet");
	else if (c == EOF && ferror(lex->in))
		*ret_fault = error_set(error, EIO, lex->file, lex->line, "cannot read");
	return c;
}

static struct token *token_new(struct lex *lex)
{
	struct token *token;

	if (lex->count == lex->tokens_room) {
		size_t room = lex->tokens_room ? lex->tokens_room * 2 : 16;
		struct token *tokens = realloc(lex->tokens, room * sizeof(*tokens));

		if (!tokens)
			return NULL;
		lex->tokens = tokens;
		lex->tokens_room = room;
	}
	token = &lex->tokens[lex->count++];
	*token = (struct token){.at = lex->used, .line = lex->line};
	if (lex->count == 1)
		lex->entry_line = lex->line;
	return token;
}

/* Behind a backslash: the octet that it escapes. */
static int escape(struct lex *lex, struct error *error)
{
	int fault = 0, c = next(lex, &fault, error);

	if (fault)
		return fault;
	if (c == EOF || c == '\n' || c == '\r')
		return error_set(error, EINVAL, lex->file, lex->line, "backslash ends the line");
	fault = put(lex, '\\', error);
	return fault ? fault : put(lex, c, error);
}

/* From a quote, which is put already, up to and including the one that closes it. */
static int quoted(struct lex *lex, struct error *error)
{
	for (;;) {
		int fault = 0, c = next(lex, &fault, error);

		if (fault)
			return fault;
		if (c == EOF || c == '\n')
			return error_set(error, EINVAL, lex->file, lex->line, "quote not closed");
		fault = c == '\\' ? escape(lex, error) : put(lex, c, error);
		if (fault || c == '"')
			return fault;
	}
}

static bool ends_word(int c)
{
	return c == EOF || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' ||
	       c == '(' || c == ')';
}

/* A token that begins with c. */
static int word(struct lex *lex, int c, struct error *error)
{
	struct token *token = token_new(lex);
	int fault = 0;

	if (!token)
		return error_set(error, ENOMEM, lex->file, lex->line, "out of memory");
	token->quoted = c == '"';
	while (!fault && !ends_word(c)) {
		fault = c == '\\' ? escape(lex, error) : put(lex, c, error);
		if (!fault && c == '"') {
			token->inner_quotes |= !token->quoted;
			fault = quoted(lex, error);
			if (token->quoted)
				goto end; /* the next token may follow without a blank */
		}
		if (!fault)
			c = next(lex, &fault, error);
	}
	if (c != EOF)
		ungetc(c, lex->in);
end:
	if (fault)
		return fault;
	token->len = lex->used - token->at;
	return put(lex, '\0', error);
}

static int comment(struct lex *lex, struct error *error)
{
	int fault = 0, c;

	do
		c = next(lex, &fault, error);
	while (!fault && c != EOF && c != '\n');
	if (c == '\n')
		ungetc(c, lex->in);
	return fault;
}

static int ended(struct lex *lex)
{
	for (size_t i = 0; i < lex->count; i++)
		lex->tokens[i].text = lex->text + lex->tokens[i].at;
	return lex->count > 0;
}

int lex_next(struct lex *lex, struct error *error)
{
	unsigned int depth = 0, opened = 0;
	bool line_start = true;
	int fault = 0;

	if (!lex->line)
		lex->line = 1;
	lex->used = lex->count = 0;
	lex->inherits = false;
	lex->entry_line = lex->line;
	for (;;) {
		int c = next(lex, &fault, error);

		if (fault)
			return fault;
		if (c == EOF || c == '\n') {
			if (c == EOF && depth)
				return error_set(error, EINVAL, lex->file, opened,
				                 "parenthesis not closed");
			if (c == '\n')
				lex->line++;
			if (c == EOF || (!depth && lex->count))
				return ended(lex);
			if (!depth) {
				line_start = true;
				lex->inherits = false;
			}
			continue;
		}
		if (c == '(') {
			if (!depth++)
				opened = lex->line;
		} else if (c == ')') {
			if (!depth--)
				return error_set(error, EINVAL, lex->file, lex->line,
				                 "closing parenthesis without an opening one");
		} else if (c == ';') {
			fault = comment(lex, error);
		} else if (!ends_word(c)) {
			fault = word(lex, c, error);
		} else if (line_start) {
			lex->inherits = true;
		}
		if (fault)
			return fault;
		line_start = false;
	}
}

void lex_done(struct lex *lex)
{
	free(lex->text);
	free(lex->tokens);
	lex->text = NULL;
	lex->tokens = NULL;
}

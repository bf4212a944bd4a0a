/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error - a fault that a person reads: where, and what.
 *
 * Functions that take a struct error fill it whenever they return a negative
 * errno, and leave it alone otherwise. Formatting: "FILE:LINE: error: TEXT".
 */
#ifndef ANAMED_BASE_ERROR_H
#define ANAMED_BASE_ERROR_H

#include <stdarg.h>
#include <stdio.h>

struct error {
	char file[256];    /* without control octets */
	unsigned int line; /* 0: not about a line */
	char text[512];    /* printable ASCII, whatever the file holds that it quotes */
};

/* What a file says may not speak to a terminal, nor spoil the JSON that it is put into. */
static inline void error_make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* The same for what may be UTF-8: a path, a line of the log. */
static inline void error_take_control_away(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static inline void __attribute__((format(printf, 4, 5)))
error_write(struct error *error, const char *file, unsigned int line, const char *format, ...)
{
	va_list args;

	if (!error)
		return;
	snprintf(error->file, sizeof(error->file), "%s", file ? file : "");
	error_take_control_away(error->file);
	error->line = line;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	error_make_printable(error->text);
}

/*
 * error_set(error, code, file, line, format, ...) fills *error (may be NULL)
 * and gives -code. A macro, so that who reads a caller alone, an analyzer
 * above all, sees that it gives an error.
 */
#define error_set(error, code, ...)                                                                \
	({                                                                                         \
		int error_set_code = (code);                                                       \
		error_write(error, __VA_ARGS__);                                                   \
		-error_set_code;                                                                   \
	})

/* "FILE:LINE: WORD: TEXT" without what is unknown; returns buffer. */
static inline char *error_text_as(const struct error *error, const char *word, char *buffer,
                                  size_t size)
{
	if (error->file[0] && error->line)
		snprintf(buffer, size, "%s:%u: %s: %s", error->file, error->line, word,
		         error->text);
	else if (error->file[0])
		snprintf(buffer, size, "%s: %s: %s", error->file, word, error->text);
	else
		snprintf(buffer, size, "%s: %s", word, error->text);
	return buffer;
}

static inline char *error_text(const struct error *error, char *buffer, size_t size)
{
	return error_text_as(error, "error", buffer, size);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

static enum log_level threshold = LOG_LEVEL_INFO;
static bool journal;

void log_init(enum log_level level)
{
	threshold = level;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char *const words[] = {[LOG_LEVEL_ERROR] = "error",
	                                    [LOG_LEVEL_WARNING] = "warning",
	                                    [LOG_LEVEL_NOTICE] = "notice",
	                                    [LOG_LEVEL_INFO] = "info",
	                                    [LOG_LEVEL_DEBUG] = "debug"};
	char line[2048];
	va_list args;
	int at, more;

	if (level > threshold)
		return;
	if (journal)
		at = snprintf(line, sizeof(line), "<%d>", (int)level);
	else
		at = snprintf(line, sizeof(line), "anamed: %s: ", words[level]);
	va_start(args, format);
	more = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, format, args);
	va_end(args);
	if (more < 0)
		return;
	at += more;
	if ((size_t)at > sizeof(line) - 2)
		at = (int)sizeof(line) - 2;
	/* Nobody's name or text makes a line of its own, or speaks to the terminal. */
	error_take_control_away(line);
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)at) < 0)
		return; /* nowhere to say it */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page - the status page, for people: one HTML document with all that it needs
 * in it. Pure.
 *
 * Made of the document that /status.json gives; what that lacks is left out.
 * No script, no picture, no font from elsewhere, and the policy that goes with
 * it lets the browser use none. Everything that is not ours is escaped.
 */
#ifndef ANAMED_SHOW_PAGE_H
#define ANAMED_SHOW_PAGE_H

#include <jansson.h>
#include <stdio.h>

#define PAGE_TYPE "text/html; charset=utf-8"

/* The Content-Security-Policy of the page: its own style by its hash, and nothing else. */
extern const char page_policy[];

/* What stands between <style> and </style>. */
extern const char page_style[];

void page_write(FILE *out, const json_t *document);

#endif

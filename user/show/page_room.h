/* SPDX-License-Identifier: BSD-2-Clause */
/* page_room - the parts of the status page that have files of their own. */
#ifndef ANAMED_SHOW_PAGE_ROOM_H
#define ANAMED_SHOW_PAGE_ROOM_H

#include <jansson.h>
#include <stdio.h>

void page_verdict(FILE *out, const json_t *document);
void page_regions(FILE *out, const json_t *document);
void page_pools(FILE *out, const json_t *document);
void page_health(FILE *out, const json_t *document);

#endif

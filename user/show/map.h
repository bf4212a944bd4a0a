/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map - regions that have coordinates, on a map of the world. Pure.
 *
 * Equirectangular: a degree is a unit, in both directions. The coasts are drawn
 * by hand, a few points each, to say which continent a spot is on and no more.
 */
#ifndef ANAMED_SHOW_MAP_H
#define ANAMED_SHOW_MAP_H

#include <jansson.h>
#include <stdio.h>

/* Nothing, unless a region has "latitude" and "longitude". */
void map_write(FILE *out, const json_t *regions);

#endif

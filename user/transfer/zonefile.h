/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile - a zone as an RFC 1035 master file, which zone_load_file() reads back as it was.
 *
 * One record a line, owners and TTLs always stated. The common types and
 * ANAME have their text form, all others that of RFC 3597 5. Files are
 * replaced by rename, so that whoever reads one finds the old or the new.
 */
#ifndef ANAMED_TRANSFER_ZONEFILE_H
#define ANAMED_TRANSFER_ZONEFILE_H

#include "zone/zone.h"

/* Writes the records, SOA first. 0; -EIO (see ferror()). */
int zonefile_write(const struct zone *zone, FILE *out);

/* Writes to a temporary name beside `path`, syncs, renames. 0, or a negative errno and *error;
 * the file that was there is then untouched. */
int zonefile_save(const struct zone *zone, const char *path, struct error *error);

/*
 * Where a zone is kept: FOLDER/zones/NAME.zone; NAME is the apex in lower case without its last
 * dot ("@": the root), whatever is not a letter, digit, hyphen or underscore as %XX. A name that
 * is too long for a file is named by its hash. -ENAMETOOLONG.
 */
int zonefile_path(const char *folder, const uint8_t *apex, char *ret, size_t size);

#endif

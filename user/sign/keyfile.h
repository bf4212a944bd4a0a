/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyfile - keys as BIND keeps them: Kname.+algorithm+tag.key and .private.
 *
 * The first holds the DNSKEY record, the second the private numbers and the
 * times (format 1.2 and 1.3). dnssec-keygen and dnssec-settime make and change
 * them, `pdnsutil export-zone-key` prints the second. In its place may stand a
 * PEM file, as Knot DNS has them. Files are input: what is
 * wrong is said with file and line.
 */
#ifndef ANAMED_SIGN_KEYFILE_H
#define ANAMED_SIGN_KEYFILE_H

#include "base/error.h"
#include "sign/key.h"

/* The DNSKEY record of the zone `apex` (lower case); `file` is for messages. 0, or a negative errno
 * and *error. */
int sign_keyfile_parse_public(const char *text, size_t len, const char *file, const uint8_t *apex,
                              size_t apex_len, struct sign_key *key, struct error *error);

/* The private half of a key whose public one is there, and its times. */
int sign_keyfile_parse_private(const char *text, size_t len, const char *file, struct sign_key *key,
                               struct error *error);

/*
 * Reads `stem`.key and, where there is one, `stem`.private. The caller gives
 * the key back with sign_key_done().
 */
int sign_keyfile_read(const char *stem, const uint8_t *apex, size_t apex_len, struct sign_key *ret,
                      struct error *error);

/*
 * Writes both files of a key into a folder, the private one with mode 0600;
 * fails where they are there already. *ret_stem (PATH_MAX octets): their path
 * without the ending.
 */
int sign_keyfile_write(const char *folder, const uint8_t *apex, const struct sign_key *key,
                       char *ret_stem, struct error *error);

/* How the names of a zone's files begin: "Kexample.org.+". */
void sign_keyfile_prefix(const uint8_t *apex, char *ret, size_t size);

#endif

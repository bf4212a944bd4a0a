/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer - a zone's signatures of one epoch.
 *
 * Time is cut into epochs of a quarter of the validity, at the same instants
 * on every host. All signatures of an epoch begin an hour before it and end one
 * validity after its beginning: so none that is given has less than three
 * quarters left, and hosts that share keys say the same. An epoch also ends
 * where a key comes or goes by its times. The next one is another signer (and,
 * see zone.h, another zone on the same data).
 *
 * What is signed here is the zone's: sets of its data are signed when they are
 * first asked for, and kept with the signer; what has no end (denials, expanded
 * wildcards) is in cache.h. Immutable but for that; any thread may ask.
 */
#ifndef ANAMED_SIGN_SIGNER_H
#define ANAMED_SIGN_SIGNER_H

#include "base/error.h"
#include "sign/canon.h"
#include "sign/roles.h"

struct signer;

#define SIGNER_INCEPTION_S 3600 /* before the epoch: clocks of validators differ */
#define SIGNER_EPOCHS      4    /* in a validity */
#define SIGNER_KEY_TTL     3600 /* of DNSKEY, CDS and CDNSKEY; the SOA's, if that is less */

enum sign_cds { SIGN_CDS_OFF, SIGN_CDS_ON, SIGN_CDS_DELETE };

struct sign_policy {
	uint32_t validity_s;
	enum sign_cds cds; /* CDS and CDNSKEY at the apex: RFC 7344, 8078 */
};

/*
 * A signer for this zone at this time (seconds since 1970); takes a count of
 * the keys. Where keys are missing that are active, the last ones go on, those
 * of `keep_on` if that is not NULL, and *ret_kept_on says so (roles.h): signatures
 * by keys that are over are better than none. Else -ENOKEY with *error.
 */
int signer_new(const struct zone *zone, struct sign_keys *keys, const struct sign_policy *policy,
               int64_t now, const struct signer *keep_on, struct signer **ret, bool *ret_kept_on,
               struct error *error);
void signer_free(struct signer *signer);

struct sign_keys *signer_keys(const struct signer *signer);
struct sign_policy signer_policy(const struct signer *signer);

/* Unlike any other signer's of this process. */
uint64_t signer_number(const struct signer *signer);

/* What its answers depend on besides the zone's data: same on every host, and over restarts. */
uint64_t signer_content(const struct signer *signer);

/* True if one is as good as the other, now and in epochs to come: keys, times and policy. */
bool signer_same(const struct signer *a, const struct signer *b);

int64_t signer_inception(const struct signer *signer);
int64_t signer_expiration(const struct signer *signer);
uint64_t signer_left_ms(const struct signer *signer); /* until they expire; 0: they have */
/* When another signer is due: at this time, or where the clock was set to before the epoch. */
bool signer_is_over(const struct signer *signer, int64_t now);
int64_t signer_next(const struct signer *signer);

/* Do keys go on that are over? */
bool signer_kept_on(const struct signer *signer);

/* What the i-th of its keys does now. */
struct sign_role signer_role(const struct signer *signer, unsigned int i);

/* The apex's DNSKEY, CDS or CDNSKEY; NULL: none, or another type. */
const struct zone_rrset *signer_apex_rrset(const struct signer *signer, uint16_t type);

/* ---- signatures ---- */

/* RRSIGs over one set, as a set. */
struct sign_set {
	struct zone_rrset rrset;
	struct zone_rdata rdata[];
};

/*
 * Of zone data, or of signer_apex_rrset(): `owner` is the node's own name,
 * `wire_type` the type as it goes out. Lives as long as the signer. NULL: out of
 * memory, or the library would not sign.
 */
const struct sign_set *signer_signatures(const struct signer *signer, const uint8_t *owner,
                                         size_t owner_len, uint16_t wire_type,
                                         const struct zone_rrset *rrset);

/* Octets that the next one needs. */
size_t signer_room(const struct signer *signer, uint16_t type);

/* Of anything, into memory of the caller's (aligned to 8), which may be asked for again at once:
 * see cache.h. NULL: as above, or too small. */
const struct sign_set *signer_sign(const struct signer *signer, const struct sign_input *input,
                                   void *room, size_t size);

/* Signatures that were made by this process: each by one key. */
uint64_t signer_made(void);

#endif

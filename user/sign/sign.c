/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/sign.h"

#include <errno.h>
#include <string.h>

#include "base/config.h"
#include "zone/zones.h"

uint8_t sign_algorithm_of(const struct config_zone *settings)
{
	static const uint8_t numbers[] = {
	        [DNSSEC_ECDSAP256SHA256] = SIGN_ECDSAP256SHA256,
	        [DNSSEC_ECDSAP384SHA384] = SIGN_ECDSAP384SHA384,
	        [DNSSEC_ED25519] = SIGN_ED25519,
	        [DNSSEC_ED448] = SIGN_ED448,
	        [DNSSEC_RSASHA256] = SIGN_RSASHA256,
	        [DNSSEC_RSASHA512] = SIGN_RSASHA512,
	};

	return numbers[settings->dnssec_algorithm];
}

static struct sign_policy policy_of(const struct config_zone *settings)
{
	static const enum sign_cds cds[] = {
	        [DNSSEC_CDS_NO] = SIGN_CDS_OFF,
	        [DNSSEC_CDS_YES] = SIGN_CDS_ON,
	        [DNSSEC_CDS_DELETE] = SIGN_CDS_DELETE,
	};

	return (struct sign_policy){settings->dnssec_validity_s, cds[settings->dnssec_cds]};
}

/* Of a catalog the setting is its members'. */
static bool is_wanted(const struct config_zone *settings)
{
	return settings && settings->dnssec && !settings->catalog;
}

static void attach(struct zone *zone, struct signer *signer)
{
	zone->signer = signer;
	zone->signer_free = signer_free;
	zone->security = ZONE_SIGNED;
}

/* A signer for the zone by these settings; keys of the one before may go on. */
static int make(const struct zone *zone, const struct config_zone *settings,
                const struct signer *before, int64_t now, struct signer **ret, struct error *error)
{
	const struct sign_policy policy = policy_of(settings);
	struct sign_keys *keys;
	bool kept_on;
	int err;

	err = sign_keys_load(settings->dnssec_keys, zone->apex, zone->apex_len, &keys, error);
	if (err == -ENOENT)
		err = -ENOKEY; /* what is not there is not the zone */
	if (err)
		return err;
	err = signer_new(zone, keys, &policy, now, before, ret, &kept_on, error);
	sign_keys_free(keys);
	if (err && error && !error->file[0])
		snprintf(error->file, sizeof(error->file), "%.255s", settings->dnssec_keys);
	return err;
}

int sign_zone(struct zone *zone, const struct zone *before, int64_t now, struct error *error)
{
	struct signer *signer;
	int err;

	if (!is_wanted(zone->settings))
		return 0;
	err = make(zone, zone->settings, before ? before->signer : NULL, now, &signer, error);
	if (!err)
		attach(zone, signer);
	return err;
}

/* A signer with the keys of another zone's, or those in the folder. */
static int make_after(const struct zone *zone, const struct zone *before, int64_t now,
                      struct signer **ret, struct error *error)
{
	struct sign_policy policy;
	bool kept_on;

	if (!before || !before->signer)
		return make(zone, zone->settings, NULL, now, ret, error);
	policy = signer_policy(before->signer);
	return signer_new(zone, signer_keys(before->signer), &policy, now, before->signer, ret,
	                  &kept_on, error);
}

int sign_arrived(struct zone *zone, const struct zone *before, int64_t now, struct zone **ret,
                 struct error *error)
{
	struct signer *signer;
	struct zone *again;
	int err;

	if (!is_wanted(zone->settings)) {
		*ret = zone;
		return 0;
	}
	err = make_after(zone, before, now, &signer, error);
	if (err)
		return err;
	again = zone_again(zone);
	if (!again) {
		signer_free(signer);
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	}
	attach(again, signer);
	zone_free(zone);
	*ret = again;
	return 0;
}

static bool same_policy(struct sign_policy a, struct sign_policy b)
{
	return a.validity_s == b.validity_s && a.cds == b.cds;
}

/* Again on its data, by the keys of this signer. */
static int sign_like(const struct zone *zone, const struct signer *like,
                     const struct sign_policy *policy, int64_t now, struct zone **ret,
                     struct error *error)
{
	struct zone *again = zone_again(zone);
	struct signer *signer;
	bool kept_on;
	int err;

	if (!again)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	err = signer_new(zone, signer_keys(like), policy, now, like, &signer, &kept_on, error);
	if (err) {
		zone_free(again);
		return err;
	}
	attach(again, signer);
	*ret = again;
	return 0;
}

int sign_waited(struct zone *zone, const struct config_zone *settings, const struct zone *served,
                int64_t now, struct zone **ret, struct error *error)
{
	const struct signer *like = zone->signer;
	struct sign_policy policy;

	if (is_wanted(settings) != (like != NULL))
		return error_set(error, ESTALE, NULL, 0,
		                 "its data came before `dnssec' was switched");
	if (like) {
		policy = policy_of(settings);
		if (served && served->signer)
			like = served->signer;
		if (signer_keys(like) != signer_keys(zone->signer) ||
		    !same_policy(policy, signer_policy(zone->signer)))
			return sign_like(zone, like, &policy, now, ret, error);
	}
	*ret = zone_hold(zone);
	return 0;
}

int sign_reload(struct zone *zone, const struct config_zone *settings, int64_t now,
                struct zone **ret, struct error *error)
{
	struct signer *signer;
	struct zone *again;
	int err;

	if (!is_wanted(settings)) {
		*ret = zone_hold(zone);
		return 0;
	}
	err = make(zone, settings, zone->signer, now, &signer, error);
	if (err)
		return err;
	if (zone->signer && signer_same(zone->signer, signer)) {
		signer_free(signer);
		*ret = zone_hold(zone);
		return 0;
	}
	again = zone_again(zone);
	if (!again) {
		signer_free(signer);
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	}
	attach(again, signer);
	*ret = again;
	return 0;
}

bool sign_is_exposed(const struct zone *zone)
{
	const struct sign_keys *keys = signer_keys(zone->signer);

	for (unsigned int i = 0; i < keys->count; i++)
		if (keys->keys[i].exposed)
			return true;
	return false;
}

bool sign_is_due(const struct zone *zone, int64_t now)
{
	return zone->signer && signer_is_over(zone->signer, now);
}

struct zone *sign_renew(const struct zone *zone, int64_t now, bool *ret_kept_on)
{
	const struct sign_policy policy = signer_policy(zone->signer);
	struct zone *again = zone_again(zone);
	struct signer *signer;

	if (!again)
		return NULL;
	if (signer_new(zone, signer_keys(zone->signer), &policy, now, zone->signer, &signer,
	               ret_kept_on, NULL)) {
		zone_free(again);
		return NULL;
	}
	attach(again, signer);
	return again;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NOTIFY (RFC 1996): taken from a zone's primaries only, by address, and by
 * key where one is configured. Any thread; what is to be done is put down for
 * the loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/wire.h"
#include "transfer/in_room.h"

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct transfer_in *current; /* that NOTIFYs are for */

void in_notify_open(struct transfer_in *in)
{
	uv_async_init(in->loop, &in->notified, in_notify_on_async);
	in->notified.data = in;
	in->open++;
	pthread_mutex_lock(&current_lock);
	current = in;
	pthread_mutex_unlock(&current_lock);
}

static void on_closed(uv_handle_t *handle)
{
	in_release(handle->data);
}

static struct in_notice *take_notices(struct transfer_in *in)
{
	struct in_notice *notices;

	pthread_mutex_lock(&in->lock);
	notices = in->notices;
	in->notices = NULL;
	in->notices_count = 0;
	pthread_mutex_unlock(&in->lock);
	return notices;
}

void in_notify_close(struct transfer_in *in)
{
	pthread_mutex_lock(&current_lock);
	if (current == in)
		current = NULL;
	pthread_mutex_unlock(&current_lock);
	for (struct in_notice *notice = take_notices(in), *next; notice; notice = next) {
		next = notice->next;
		free(notice);
	}
	uv_close((uv_handle_t *)&in->notified, on_closed);
}

/* ---- on the loop ---- */

static bool is_from(const struct in_primary *primary, const struct endpoint *source)
{
	return primary->address.family == source->family &&
	       !memcmp(primary->address.address, source->address, sizeof(source->address));
}

static void act(struct transfer_in *in, const struct in_notice *notice)
{
	struct in_zone *zone = in_find(in, notice->name.name, notice->name.len);

	if (!zone)
		return;
	for (size_t i = 0; i < zone->settings->primaries_count; i++) {
		if (is_from(&zone->settings->primaries[i], &notice->source)) {
			zone->notifier = i;
			break;
		}
	}
	in_zone_check(zone);
}

void in_notify_on_async(uv_async_t *async)
{
	struct transfer_in *in = async->data;
	struct in_notice *notice = take_notices(in);

	for (struct in_notice *next; notice; notice = next) {
		next = notice->next;
		act(in, notice);
		free(notice);
	}
}

/* ---- in any thread ---- */

/* A NOTIFY in the taking apart. */
struct notify {
	const uint8_t *packet;
	size_t len;          /* without its TSIG */
	size_t question_end; /* 12: none that could be read */
	struct config_name apex;
	bool edns;
	bool dnssec_ok;
	struct tsig tsig;
	bool is_signed;
};

/* RFC 1996 3.7: one question, SOA, IN. */
static bool read_question(struct notify *notify)
{
	struct wire wire = wire_reader(notify->packet, notify->len);
	unsigned int type, class;
	int len;

	wire_take(&wire, 4);
	if (wire_get16(&wire) != 1)
		return false;
	wire_take(&wire, 6);
	len = wire.failed ? -EBADMSG : name_parse_wire(wire.base + wire.at, wire_left(&wire));
	if (len < 0)
		return false;
	name_lower(notify->apex.name, wire.base + wire.at, (size_t)len);
	notify->apex.len = (uint8_t)len;
	wire_take(&wire, (size_t)len);
	type = wire_get16(&wire);
	class = wire_get16(&wire);
	if (wire.failed)
		return false;
	notify->question_end = wire.at;
	return type == AN_TYPE_SOA && class == AN_CLASS_IN;
}

/* RFC 6891 6.1.1: a reply has an OPT record if the request had one. False: malformed. */
static bool find_edns(struct notify *notify)
{
	struct wire header = wire_reader(notify->packet, notify->len);
	struct in_message message = {notify->packet, notify->len, notify->question_end, 0, 0};
	static const struct in_types no_types;
	struct in_record *record = malloc(sizeof(*record));
	int more = 1;

	if (!record)
		return false;
	wire_take(&header, 6);
	for (int i = 0; i < 3; i++)
		message.left += wire_get16(&header);
	if (notify->is_signed && message.left)
		message.left--;
	while ((more = in_message_record(&message, &no_types, record, NULL)) > 0)
		if (record->type == AN_TYPE_OPT) {
			notify->edns = true;
			notify->dnssec_ok = record->ttl & AN_EDNS_DO;
		}
	free(record);
	return !more;
}

/* The primary that this comes from, by address and key; with a TSIG that is no good, -EACCES. */
static int check_source(struct notify *notify, const struct in_settings *settings,
                        const struct endpoint *source)
{
	bool signed_badly = false;
	size_t at;

	notify->is_signed = tsig_present(notify->packet, notify->len, &at);
	for (size_t i = 0; i < settings->primaries_count; i++) {
		const struct in_primary *primary = &settings->primaries[i];
		size_t plain;

		if (!is_from(primary, source))
			continue;
		if (!primary->has_key && !notify->is_signed)
			return 0;
		if (!primary->has_key || !notify->is_signed)
			continue;
		if (!tsig_verify_request(&notify->tsig, &primary->key, 1, notify->packet,
		                         notify->len, (uint64_t)time(NULL), &plain)) {
			notify->len = plain;
			return 0;
		}
		signed_badly = true;
	}
	return signed_badly ? -EACCES : -ENOENT;
}

/* False: the loop has more than it can do; the primary will say it again. */
static bool put_down(struct transfer_in *in, const struct notify *notify,
                     const struct endpoint *source)
{
	struct in_notice *notice;

	for (notice = in->notices; notice; notice = notice->next)
		if (name_equal(notice->name.name, notice->name.len, notify->apex.name,
		               notify->apex.len))
			return true;
	notice = in->notices_count < IN_NOTICES_MAX ? malloc(sizeof(*notice)) : NULL;
	if (!notice)
		return false;
	notice->name = notify->apex;
	notice->source = *source;
	notice->next = in->notices;
	in->notices = notice;
	in->notices_count++;
	uv_async_send(&in->notified);
	return true;
}

/* The settings, and the zone they are of, hold as long as the lock of `in`. */
static unsigned int judge_locked(struct transfer_in *in, struct notify *notify,
                                 const struct world *world, const struct endpoint *source)
{
	const struct in_zone *zone = in_find(in, notify->apex.name, notify->apex.len);
	int fault;

	if (!zone)
		return zones_exact(world->zones, notify->apex.name, notify->apex.len)
		               ? AN_RCODE_REFUSED
		               : AN_RCODE_NOTAUTH;
	fault = check_source(notify, zone->settings, source);
	if (fault)
		return fault == -EACCES ? AN_RCODE_NOTAUTH : AN_RCODE_REFUSED;
	return put_down(in, notify, source) ? AN_RCODE_NOERROR : AN_RCODE_SERVFAIL;
}

static unsigned int judge(struct notify *notify, const struct world *world,
                          const struct endpoint *source)
{
	unsigned int rcode = AN_RCODE_NOTAUTH;

	if (!read_question(notify)) {
		find_edns(notify);
		return AN_RCODE_FORMERR;
	}
	pthread_mutex_lock(&current_lock);
	if (current) {
		pthread_mutex_lock(&current->lock);
		rcode = judge_locked(current, notify, world, source);
		pthread_mutex_unlock(&current->lock);
	}
	pthread_mutex_unlock(&current_lock);
	return find_edns(notify) ? rcode : AN_RCODE_FORMERR;
}

static void log_refusal(const struct notify *notify, const struct endpoint *source,
                        unsigned int rcode)
{
	char name[NAME_TEXT_MAX], address[NET_TEXT_MAX], text[20];

	log_debug("NOTIFY for %s from %s: %s",
	          notify->apex.len ? name_to_text(notify->apex.name, name) : "nothing",
	          endpoint_text(source, address), in_message_rcode(rcode, text));
}

static size_t write_reply(const struct notify *notify, const struct config *config,
                          unsigned int rcode, uint8_t *out, size_t size)
{
	struct wire wire = wire_writer(out, size);
	unsigned int recursion = (unsigned int)notify->packet[2] << 8 & AN_FLAG_RD;
	unsigned int flags = AN_FLAG_QR | AN_FLAG_AA | AN_OPCODE_NOTIFY << 11 | recursion | rcode;
	bool question = notify->question_end > AN_DNS_HEADER_LEN;

	wire_put(&wire, notify->packet, 2);
	wire_put16(&wire, flags);
	wire_put16(&wire, question ? 1 : 0);
	wire_put32(&wire, 0);
	wire_put16(&wire, notify->edns ? 1 : 0);
	wire_put(&wire, notify->packet + AN_DNS_HEADER_LEN,
	         notify->question_end - AN_DNS_HEADER_LEN);
	if (notify->edns) {
		wire_put8(&wire, 0);
		wire_put16(&wire, AN_TYPE_OPT);
		wire_put16(&wire, config->udp_payload);
		wire_put32(&wire, notify->dnssec_ok ? AN_EDNS_DO : 0); /* RFC 3225 3 */
		wire_put16(&wire, 0);
	}
	return wire.failed ? 0 : wire.at;
}

size_t transfer_in_notify(const struct world *world, const uint8_t *packet, size_t len,
                          const struct endpoint *source, uint8_t *out, size_t size)
{
	struct notify notify = {.packet = packet, .len = len, .question_end = AN_DNS_HEADER_LEN};
	unsigned int rcode;
	size_t used;

	if (len < AN_DNS_HEADER_LEN || (packet[2] & 0x80)) /* replies get no reply */
		return 0;
	in_count(&in_counters.notifies);
	rcode = judge(&notify, world, source);
	if (rcode) {
		in_count(&in_counters.notifies_refused);
		log_refusal(&notify, source, rcode);
	}
	used = write_reply(&notify, world->config, rcode, out, size);
	if (used && (notify.tsig.key || notify.tsig.error) &&
	    tsig_sign(&notify.tsig, out, &used, size, (uint64_t)time(NULL)))
		used = 0;
	tsig_done(&notify.tsig);
	return used;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer/edns.h"
#include "answer/message.h"
#include "base/clock.h"
#include "transfer/out_book.h"

/* Compression reaches no further, and a slow client is no burden. */
#define MESSAGE_USUAL 16384

/* Names are looked for among so many that were written before: each one costs every record. */
#define TARGETS_KEPT 32

/* Where a stream is. A whole zone: SOA, RECORDS, SOA_LAST. A difference: SOA, SOA_OLD, REMOVED,
 * SOA_NEW, ADDED, SOA_LAST (RFC 1995 4). */
enum phase {
	PHASE_SOA,
	PHASE_RECORDS,
	PHASE_SOA_OLD,
	PHASE_REMOVED,
	PHASE_SOA_NEW,
	PHASE_ADDED,
	PHASE_SOA_LAST,
	PHASE_END,
};

struct transfer_out {
	struct view *view;
	struct step *step;
	struct config_key key;
	struct tsig tsig;
	uint16_t id, flags;
	uint8_t question[NAME_MAX_LEN + 4];
	uint8_t name_len;
	bool opt, dnssec_ok, first;
	uint16_t aname_type, payload;

	enum phase phase;
	struct zone_walk walk;
	struct view_node node;
	struct view_set set;
	uint16_t set_at;
	size_t list_at;
	bool pending; /* `record` is still to be sent */
	struct record_item record;
	uint8_t soa[VIEW_SOA_MAX];
};

struct transfer_out *out_stream_new(const struct out_plan *plan)
{
	const struct out_request *q = plan->request;
	struct transfer_out *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->view = view_hold(plan->view);
	stream->step = plan->step ? step_hold(plan->step) : NULL;
	stream->tsig = *plan->tsig;
	if (plan->tsig->key) { /* a reload must not take it away */
		stream->key = *plan->tsig->key;
		stream->tsig.key = &stream->key;
	}
	stream->id = q->id;
	stream->flags = q->flags;
	memcpy(stream->question, q->packet + AN_DNS_HEADER_LEN, q->name_len + 4u);
	stream->name_len = q->name_len;
	stream->opt = q->edns;
	stream->dnssec_ok = q->dnssec_ok;
	stream->aname_type = plan->aname_type;
	stream->payload = plan->payload;
	stream->first = true;
	stream->walk = zone_walk(stream->view->zone);
	return stream;
}

void transfer_out_free(struct transfer_out *stream)
{
	if (!stream)
		return;
	tsig_done(&stream->tsig);
	view_free(stream->view);
	step_free(stream->step);
	free(stream);
}

bool out_stream_ended(const struct transfer_out *stream)
{
	return stream->phase == PHASE_END && !stream->pending;
}

/* ---- one record after the other ---- */

/* The SOA of the view, or (which 0 or 1) the step's old and new one. */
static bool give_soa(struct transfer_out *stream, int which, enum phase next)
{
	const struct zone *zone = stream->view->zone;
	struct record_item *record = &stream->record;

	*record = (struct record_item){.name = zone->apex_node->name,
	                               .name_len = zone->apex_node->name_len,
	                               .type = AN_TYPE_SOA};
	if (stream->step) {
		record->rdata = stream->step->soa[which];
		record->rdata_len = stream->step->soa_len[which];
		record->ttl = stream->step->soa_ttl[which];
	} else {
		record->rdata = stream->soa;
		record->rdata_len = (uint16_t)view_soa(stream->view, stream->soa);
		record->ttl = zone->soa->ttl;
	}
	stream->phase = next;
	return true;
}

/* The next record of the zone, SOA aside; false at its end. */
static bool give_zone_record(struct transfer_out *stream)
{
	struct record_item *record = &stream->record;

	while (stream->set_at >= stream->set.count) {
		stream->set_at = 0;
		if (stream->node.node && view_node_next(&stream->node, &stream->set))
			continue;
		stream->set.count = 0;
		stream->node.node = zone_walk_next(&stream->walk);
		if (!stream->node.node)
			return false;
		stream->node = view_node(stream->view, stream->node.node);
	}
	*record = (struct record_item){.name = stream->node.node->name,
	                               .name_len = stream->node.node->name_len,
	                               .type = stream->set.type,
	                               .ttl = stream->set.ttl};
	record->rdata = view_rdata(&stream->set, stream->set_at++, &record->rdata_len);
	return true;
}

static bool give_list_record(struct transfer_out *stream, const struct record_list *list)
{
	if (record_list_next(list, &stream->list_at, &stream->record))
		return true;
	stream->list_at = 0;
	return false;
}

/* Puts the next record into stream->record; false once there is none. */
static bool give_next(struct transfer_out *stream)
{
	for (;;) {
		switch (stream->phase) {
		case PHASE_SOA:
			return give_soa(stream, 1, stream->step ? PHASE_SOA_OLD : PHASE_RECORDS);
		case PHASE_RECORDS:
			if (give_zone_record(stream))
				return true;
			stream->phase = PHASE_SOA_LAST;
			break;
		case PHASE_SOA_OLD:
			return give_soa(stream, 0, PHASE_REMOVED);
		case PHASE_REMOVED:
			if (give_list_record(stream, &stream->step->removed))
				return true;
			stream->phase = PHASE_SOA_NEW;
			break;
		case PHASE_SOA_NEW:
			return give_soa(stream, 1, PHASE_ADDED);
		case PHASE_ADDED:
			if (give_list_record(stream, &stream->step->added))
				return true;
			stream->phase = PHASE_SOA_LAST;
			break;
		case PHASE_SOA_LAST:
			return give_soa(stream, 1, PHASE_END);
		case PHASE_END:
			return false;
		}
	}
}

/* ---- one message ---- */

static void put_record(struct message *m, const struct transfer_out *stream)
{
	const struct record_item *record = &stream->record;

	message_record(m, MESSAGE_ANSWER, record->name, record->name_len,
	               record->type == AN_TYPE_ANAME ? stream->aname_type : record->type,
	               record->ttl, record->rdata, record->rdata_len);
}

/* Records until `usual` octets are full; a first one that is longer may fill all there is. */
static int put_records(struct transfer_out *stream, struct message *m, size_t usual)
{
	size_t all = m->w.size, count = 0;

	while (stream->pending || give_next(stream)) {
		struct message_mark mark;

		if (m->target_count > TARGETS_KEPT)
			m->target_count = TARGETS_KEPT;
		mark = message_mark(m);
		stream->pending = true;
		if (usual < all)
			m->w.size = count ? usual : all;
		put_record(m, stream);
		if (m->w.failed) {
			message_rewind(m, &mark);
			break;
		}
		stream->pending = false;
		count++;
	}
	m->w.size = all;
	atomic_fetch_add_explicit(&out_counters.records, count, memory_order_relaxed);
	return count ? 0 : -EMSGSIZE;
}

int transfer_out_next(struct transfer_out *stream, uint8_t *out, size_t size)
{
	struct edns edns = {.payload = stream->payload,
	                    .dnssec_ok = stream->dnssec_ok,
	                    .keepalive = -1,
	                    .ede = -1};
	/* RFC 5936 2.2.1, 2.2.5: question and OPT in the first message. */
	bool question = stream->first, opt = stream->first && stream->opt;
	size_t signing = stream->tsig.key ? tsig_sign_len(&stream->tsig) : 0;
	size_t reserve = signing + (opt ? edns_len(&edns) : 0), len;
	struct message m;
	int err;

	if (out_stream_ended(stream))
		return 0;
	if (size < AN_DNS_HEADER_LEN + sizeof(stream->question) + reserve)
		return -EMSGSIZE;
	message_begin(&m, out, size - reserve);
	if (question)
		message_question(&m, stream->question, stream->name_len);
	err = put_records(stream, &m, MESSAGE_USUAL - reserve);
	if (err)
		return err;
	message_header(&m, stream->id, AN_FLAG_QR | AN_FLAG_AA | (stream->flags & AN_FLAG_RD),
	               question, opt);
	m.w.size = size;
	if (opt)
		edns_put(&m.w, &edns);
	len = m.w.at;
	stream->first = false;
	if (stream->tsig.key) {
		err = tsig_sign(&stream->tsig, out, &len, size, (uint64_t)(clock_unix_ms() / 1000));
		if (err)
			return err;
	}
	return (int)len;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out_request.h"

#include "base/wire.h"

#define SOA_TIMES_LEN 20 /* SERIAL to MINIMUM */

static bool read_question(struct wire *w, struct out_request *q)
{
	const uint8_t *name = w->base + w->at;
	int len = name_parse_wire(name, wire_left(w));

	if (len < 0)
		return false;
	wire_take(w, (size_t)len);
	q->type = (uint16_t)wire_get16(w);
	q->class = (uint16_t)wire_get16(w);
	if (w->failed)
		return false;
	name_lower(q->name, name, (size_t)len);
	q->name_len = (uint8_t)len;
	q->question_end = w->at;
	return true;
}

/* RFC 1995 3: the version that the client has. */
static bool read_version(struct wire *w, struct out_request *q)
{
	struct wire_record record;

	if (!wire_get_record(w, &record) || record.type != AN_TYPE_SOA)
		return false;
	for (int names = 0; names < 2; names++)
		if (!wire_skip_name(&record.rdata))
			return false;
	if (wire_left(&record.rdata) != SOA_TIMES_LEN)
		return false;
	q->serial = wire_get32(&record.rdata);
	q->has_serial = true;
	return true;
}

static bool take_opt(const struct wire_record *opt, struct out_request *q)
{
	if (q->edns || !opt->root_owner)
		return false;
	q->edns = true;
	q->payload = (uint16_t)(opt->class < AN_DNS_UDP_MIN ? AN_DNS_UDP_MIN : opt->class);
	q->dnssec_ok = opt->ttl & AN_EDNS_DO;
	if (opt->ttl >> 16 & 0xff)
		q->rcode = AN_RCODE_BADVERS;
	return true;
}

static bool read_additional(struct wire *w, unsigned int count, struct out_request *q)
{
	for (; count; count--) {
		struct wire_record record;
		size_t at = w->at;

		if (!wire_get_record(w, &record))
			return false;
		if (record.type == AN_TYPE_OPT && !take_opt(&record, q))
			return false;
		if (record.type != AN_TYPE_TSIG)
			continue;
		if (count != 1) /* RFC 8945 5.1: the last */
			return false;
		q->tsig = true;
		q->tsig_at = at;
		q->rdlength = record.rdlength_at;
	}
	return w->at == w->size;
}

bool out_request_parse(struct out_request *ret, const uint8_t *packet, size_t len)
{
	struct wire w = wire_reader(packet, len);
	struct out_request *q = ret;
	unsigned int counts[4];
	bool good;

	memset(q, 0, sizeof(*q));
	q->packet = packet;
	q->len = len;
	q->question_end = AN_DNS_HEADER_LEN;
	q->payload = AN_DNS_UDP_MIN;
	q->id = (uint16_t)wire_get16(&w);
	q->flags = (uint16_t)wire_get16(&w);
	for (int i = 0; i < 4; i++)
		counts[i] = wire_get16(&w);
	if (w.failed || q->flags & AN_FLAG_QR)
		return false;
	if (q->flags & AN_FLAG_OPCODE) {
		q->rcode = AN_RCODE_NOTIMP;
		return true;
	}
	good = counts[0] == 1 && counts[1] == 0 && counts[2] <= 1 && read_question(&w, q);
	if (good && counts[2])
		good = q->type == AN_TYPE_IXFR && read_version(&w, q);
	good = good && read_additional(&w, counts[3], q);
	if (!good || (q->type == AN_TYPE_IXFR && !q->has_serial))
		q->rcode = AN_RCODE_FORMERR;
	return true;
}

const struct config_peer *out_request_peer(const struct config_zone *settings,
                                           const struct endpoint *source,
                                           const struct config_key *key)
{
	struct network client =
	        network_of(source->family, source->address, net_family_bits(source->family));
	const struct config_peer *found = NULL;
	int longest = -1;

	for (size_t i = 0; settings && i < settings->secondaries_count; i++) {
		const struct config_peer *peer = &settings->secondaries[i];
		bool keyed = peer->key && peer->key == key;

		if (!network_contains(&peer->network, &client) || peer->network.len < longest)
			continue;
		if (peer->network.len > longest) {
			longest = peer->network.len;
			found = NULL;
		}
		/* Of two with one network, the one whose key has signed. */
		if (keyed || (!peer->key && !found))
			found = peer;
	}
	return found;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/packet.h"

#include <errno.h>
#include <ldns/ldns.h>

#include "base/wire.h"

/* ---- questions ---- */

static void put_name(struct wire *w, const uint8_t *name, size_t len, const uint8_t *cases)
{
	uint8_t *p = wire_take(w, len);

	for (size_t i = 0; p && i < len; i++) {
		p[i] = name[i];
		if (name[i] >= 'a' && name[i] <= 'z' && (cases[i / 8] >> (i % 8) & 1))
			p[i] = (uint8_t)(name[i] - ('a' - 'A'));
	}
}

/* RFC 7871 6. Nobody is FAMILY 1, SOURCE 0, no address (7.1.2). */
static void put_ecs(struct wire *w, const struct network *asked)
{
	unsigned int family = asked->family ? asked->family : AN_FAMILY_IPV4;
	unsigned int source = asked->family ? asked->len : 0;
	size_t octets = (source + 7) / 8;

	wire_put16(w, AN_EDNS_ECS);
	wire_put16(w, (unsigned int)(4 + octets));
	wire_put16(w, family);
	wire_put8(w, source);
	wire_put8(w, 0);
	wire_put(w, asked->address, octets);
}

static void put_opt(struct wire *w, const struct packet_question *question)
{
	size_t length_at, start;

	wire_put8(w, 0);
	wire_put16(w, AN_TYPE_OPT);
	wire_put16(w, AN_DNS_UDP_OURS);
	wire_put32(w, 0);
	length_at = w->at;
	wire_put16(w, 0);
	start = w->at;
	if (question->ecs)
		put_ecs(w, &question->asked);
	wire_set16(w, length_at, (unsigned int)(w->at - start));
}

size_t packet_question(const struct packet_question *question,
                       const uint8_t cases[PACKET_CASE_OCTETS], uint8_t ret[PACKET_QUESTION_MAX])
{
	struct wire w = wire_writer(ret, PACKET_QUESTION_MAX);

	wire_put16(&w, 0);
	wire_put16(&w, question->recursion ? AN_FLAG_RD : 0);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put16(&w, 0);
	wire_put16(&w, question->edns ? 1 : 0);
	put_name(&w, question->name, question->name_len, cases);
	wire_put16(&w, question->type);
	wire_put16(&w, AN_CLASS_IN);
	if (question->edns)
		put_opt(&w, question);
	return w.failed ? 0 : w.at;
}

/* ---- a walk to the OPT record, for queries and replies ---- */

struct edns {
	bool present;
	uint8_t extended_rcode;
	bool ecs;
	unsigned int family, source, scope;
	uint8_t address[16];
};

static void skip_name(struct wire *w)
{
	unsigned int octet;

	do {
		octet = wire_get8(w);
		if (octet >= 0xc0) {
			wire_get8(w);
			return;
		}
		if (octet > AN_DNS_LABEL_MAX)
			w->failed = true;
		wire_take(w, octet);
	} while (octet && !w->failed);
}

static int read_ecs(struct wire *option, struct edns *edns)
{
	size_t octets;
	const uint8_t *address;

	edns->family = wire_get16(option);
	edns->source = wire_get8(option);
	edns->scope = wire_get8(option);
	octets = (edns->source + 7) / 8;
	if (octets > sizeof(edns->address) || wire_left(option) != octets)
		return -EBADMSG;
	address = wire_take(option, octets);
	if (address)
		memcpy(edns->address, address, octets);
	edns->ecs = true;
	return 0;
}

static int read_options(struct wire options, struct edns *edns)
{
	while (wire_left(&options)) {
		unsigned int code = wire_get16(&options);
		size_t len = wire_get16(&options);
		const uint8_t *data = wire_take(&options, len);
		struct wire option;

		if (!data)
			return -EBADMSG;
		option = wire_reader(data, len);
		if (code == AN_EDNS_ECS && !edns->ecs && read_ecs(&option, edns))
			return -EBADMSG;
	}
	return 0;
}

/* ldns reads the first octets of an address that is too long, and is content. */
static bool address_fits(unsigned int type, size_t len)
{
	return (type != AN_TYPE_A || len == 4) && (type != AN_TYPE_AAAA || len == 16);
}

static int read_record(struct wire *w, struct edns *edns)
{
	unsigned int type, class;
	uint32_t ttl;
	size_t len;
	const uint8_t *rdata;

	skip_name(w);
	type = wire_get16(w);
	class = wire_get16(w);
	ttl = wire_get32(w);
	len = wire_get16(w);
	rdata = wire_take(w, len);
	if (!rdata || (class == AN_CLASS_IN && !address_fits(type, len)))
		return -EBADMSG;
	if (type != AN_TYPE_OPT || edns->present)
		return 0;
	edns->present = true;
	edns->extended_rcode = (uint8_t)(ttl >> 24);
	return read_options(wire_reader(rdata, len), edns);
}

/* -EBADMSG if the message cannot be walked to its end. */
static int read_edns(const uint8_t *message, size_t size, struct edns *ret)
{
	struct wire w = wire_reader(message, size);
	unsigned int questions, records;

	memset(ret, 0, sizeof(*ret));
	wire_take(&w, 4);
	questions = wire_get16(&w);
	records = wire_get16(&w);
	records += wire_get16(&w);
	records += wire_get16(&w);
	for (; questions && !w.failed; questions--) {
		skip_name(&w);
		wire_take(&w, 4);
	}
	for (; records && !w.failed; records--)
		if (read_record(&w, ret))
			return -EBADMSG;
	return w.failed ? -EBADMSG : 0;
}

/* ---- is it the reply? ---- */

static unsigned int flags_of(const uint8_t *message)
{
	return (unsigned int)(message[2] << 8 | message[3]);
}

/* Length of header and question of a query that packet_question() wrote. */
static size_t question_end(const uint8_t *query, size_t len)
{
	struct wire w = wire_reader(query, len);

	wire_take(&w, AN_DNS_HEADER_LEN);
	skip_name(&w);
	wire_take(&w, 4);
	return w.failed ? 0 : w.at;
}

/* RFC 7871 7.3: an echo that does not match voids the whole reply. */
static bool echo_matches(const struct edns *sent, const struct edns *got)
{
	if (!sent->ecs || !got->ecs)
		return true;
	return got->family == sent->family && got->source == sent->source &&
	       got->scope <= net_family_bits((uint8_t)sent->family) &&
	       !memcmp(got->address, sent->address, sizeof(sent->address));
}

bool packet_matches(const uint8_t *query, size_t query_len, const uint8_t *reply, size_t reply_len)
{
	size_t end = question_end(query, query_len);
	struct edns sent, got;

	if (!end || reply_len < end)
		return false;
	if (memcmp(query, reply, 2) || !(flags_of(reply) & AN_FLAG_QR) ||
	    (flags_of(reply) & AN_FLAG_OPCODE))
		return false;
	if (reply[4] != 0 || reply[5] != 1)
		return false;
	if (memcmp(query + AN_DNS_HEADER_LEN, reply + AN_DNS_HEADER_LEN, end - AN_DNS_HEADER_LEN))
		return false;
	if ((flags_of(reply) & AN_FLAG_TC) || read_edns(query, query_len, &sent) ||
	    read_edns(reply, reply_len, &got))
		return true;
	return echo_matches(&sent, &got);
}

/* ---- what it says ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* RFC 2181 8: the most significant bit set counts as 0. */
static uint32_t sane_ttl(uint32_t ttl)
{
	return ttl & 0x80000000u ? 0 : ttl;
}

static bool record_is(const ldns_rr *rr, unsigned int type, const uint8_t *name, size_t len)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);

	return (unsigned int)ldns_rr_get_type(rr) == type &&
	       ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN && owner &&
	       name_equal(ldns_rdf_data(owner), ldns_rdf_size(owner), name, len);
}

/* Keeps the list sorted and without doubles; when it is full the greatest address goes. */
static void add_address(struct packet_answer *answer, const uint8_t *address, size_t size)
{
	size_t at = 0, after;
	int order = 1;

	while (at < answer->count) {
		order = memcmp(answer->octets + at * size, address, size);
		if (order >= 0)
			break;
		at++;
	}
	if (at == UPSTREAM_ADDRESSES_MAX || (at < answer->count && order == 0))
		return;
	if (answer->count < UPSTREAM_ADDRESSES_MAX)
		answer->count++;
	after = answer->count - 1u - at;
	memmove(answer->octets + (at + 1) * size, answer->octets + at * size, after * size);
	memcpy(answer->octets + at * size, address, size);
}

static void read_addresses(const ldns_rr_list *section, const uint8_t *name, size_t len,
                           uint16_t type, struct packet_answer *ret)
{
	size_t size = type == AN_TYPE_AAAA ? 16 : 4;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		const ldns_rdf *rdf;

		if (!record_is(rr, type, name, len) || ldns_rr_rd_count(rr) != 1)
			continue;
		rdf = ldns_rr_rdf(rr, 0);
		if (ldns_rdf_size(rdf) != size)
			continue;
		add_address(ret, ldns_rdf_data(rdf), size);
		ret->ttl = least(ret->ttl, sane_ttl(ldns_rr_ttl(rr)));
		ret->answered = true;
	}
}

static const ldns_rr *find_cname(const ldns_rr_list *section, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);

		if (record_is(rr, AN_TYPE_CNAME, name, len) && ldns_rr_rd_count(rr) == 1 &&
		    ldns_rdf_size(ldns_rr_rdf(rr, 0)) <= NAME_MAX_LEN)
			return rr;
	}
	return NULL;
}

static bool seen(const struct packet_answer *answer, const uint8_t *first, size_t first_len,
                 const uint8_t *name, size_t len)
{
	if (name_equal(first, first_len, name, len))
		return true;
	for (unsigned int i = 0; i < answer->chain_count; i++)
		if (name_equal(answer->chain[i], name_len(answer->chain[i]), name, len))
			return true;
	return false;
}

/*
 * From the question's name along the CNAMEs, in whatever order they stand (RFC
 * 1034 3.6.2; those made from a DNAME stand beside it, RFC 6672 3.1), to the
 * addresses of the last name.
 */
static const uint8_t *read_chain(const ldns_rr_list *section, const uint8_t *first,
                                 size_t first_len, uint16_t type, struct packet_answer *ret)
{
	const uint8_t *name = first;
	const ldns_rr *cname;

	for (;;) {
		const ldns_rdf *target;

		read_addresses(section, name, name_len(name), type, ret);
		if (ret->count)
			return name;
		cname = find_cname(section, name, name_len(name));
		if (!cname)
			return name;
		target = ldns_rr_rdf(cname, 0);
		ret->answered = true;
		ret->ttl = least(ret->ttl, sane_ttl(ldns_rr_ttl(cname)));
		if (ret->chain_count == UPSTREAM_CHAIN_MAX ||
		    seen(ret, first, first_len, ldns_rdf_data(target), ldns_rdf_size(target))) {
			ret->loop = true;
			return name;
		}
		name_lower(ret->chain[ret->chain_count], ldns_rdf_data(target),
		           ldns_rdf_size(target));
		name = ret->chain[ret->chain_count++];
	}
}

/* RFC 2308 5: of the SOA in authority, if it is of a zone that the name is in. */
static void read_soa(const ldns_rr_list *section, const uint8_t *name, size_t len,
                     struct packet_answer *ret)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(section, i);
		const ldns_rdf *owner = ldns_rr_owner(rr);

		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) != 7 ||
		    !name_under(name, len, ldns_rdf_data(owner), ldns_rdf_size(owner)))
			continue;
		ret->soa = true;
		ret->negative_ttl = least(sane_ttl(ldns_rr_ttl(rr)),
		                          sane_ttl(ldns_rdf2native_int32(ldns_rr_rdf(rr, 6))));
		return;
	}
}

int packet_read(const uint8_t *reply, size_t len, const uint8_t *name, size_t name_length,
                uint16_t type, struct packet_answer *ret)
{
	const uint8_t *last;
	ldns_status status;
	struct edns edns;
	ldns_pkt *pkt;

	memset(ret, 0, sizeof(*ret));
	ret->ttl = UINT32_MAX;
	if (len < AN_DNS_HEADER_LEN || read_edns(reply, len, &edns))
		return -EBADMSG;
	status = ldns_wire2pkt(&pkt, reply, len);
	if (status != LDNS_STATUS_OK)
		return status == LDNS_STATUS_MEM_ERR ? -ENOMEM : -EBADMSG;
	ret->rcode = (uint16_t)((unsigned int)edns.extended_rcode << 4 |
	                        (flags_of(reply) & AN_FLAG_RCODE));
	ret->authoritative = flags_of(reply) & AN_FLAG_AA;
	ret->truncated = flags_of(reply) & AN_FLAG_TC;
	ret->recursion = flags_of(reply) & AN_FLAG_RA;
	ret->ecs_echoed = edns.ecs;
	ret->scope = edns.ecs && edns.source ? (uint8_t)edns.scope : 0;
	last = read_chain(ldns_pkt_answer(pkt), name, name_length, type, ret);
	read_soa(ldns_pkt_authority(pkt), last, name_len(last), ret);
	ldns_pkt_free(pkt);
	return 0;
}

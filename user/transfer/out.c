/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/out.h"

#include <errno.h>
#include <string.h>

#include "answer/edns.h"
#include "answer/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "transfer/out_book.h"
#include "transfer/out_request.h"
#include "transfer/out_stream.h"

#define EDE_PROHIBITED 18 /* RFC 8914 4.19 */

struct asking {
	const struct world *world;
	const struct endpoint *source;
	bool tcp;
	uint8_t *out;
	size_t size;
	size_t *ret_len;
	struct out_request request;
	struct tsig tsig; /* key and error clear: the reply is not signed */
	const struct zone *zone;
	const struct config_peer *peer;
	struct view *view; /* held */
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t now_s(void)
{
	return (uint64_t)(clock_unix_ms() / 1000);
}

/* ---- a reply of one message ---- */

/* How long a reply may be: RFC 6891 6.2.3-6.2.5. */
static size_t limit_of(const struct asking *a)
{
	size_t limit = a->tcp ? UINT16_MAX : a->request.payload;

	if (!a->tcp && limit > a->world->config->udp_payload)
		limit = a->world->config->udp_payload;
	return limit < a->size ? limit : a->size;
}

static bool is_signed(const struct asking *a)
{
	return a->tsig.key || a->tsig.error;
}

static void put_soa(struct message *m, const struct view *view)
{
	const struct zone_node *apex = view->zone->apex_node;
	uint8_t soa[VIEW_SOA_MAX];
	size_t len = view_soa(view, soa);

	message_record(m, MESSAGE_ANSWER, apex->name, apex->name_len, AN_TYPE_SOA,
	               view->zone->soa->ttl, soa, len);
}

/* The RCODE with its extended error (-1: none), or the SOA of a view. */
static void reply(struct asking *a, unsigned int rcode, int ede, const struct view *soa)
{
	const struct out_request *q = &a->request;
	struct edns edns = {.payload = a->world->config->udp_payload,
	                    .rcode = (uint16_t)rcode,
	                    .dnssec_ok = q->dnssec_ok,
	                    .keepalive = -1,
	                    .ede = ede};
	size_t limit = limit_of(a), signing = is_signed(a) ? tsig_sign_len(&a->tsig) : 0;
	size_t opt = q->edns ? edns_len(&edns) : 0, len;
	bool question = q->question_end > AN_DNS_HEADER_LEN;
	struct message m;

	*a->ret_len = 0;
	if (q->question_end + opt + signing > limit)
		return;
	message_begin(&m, a->out, limit - opt - signing);
	if (question)
		message_question(&m, q->packet + AN_DNS_HEADER_LEN, q->name_len);
	if (soa)
		put_soa(&m, soa);
	message_header(&m, q->id,
	               AN_FLAG_QR | (q->flags & (AN_FLAG_OPCODE | AN_FLAG_RD)) |
	                       (soa ? AN_FLAG_AA : 0u) | (rcode & AN_FLAG_RCODE),
	               question, q->edns);
	m.w.size = limit;
	if (q->edns)
		edns_put(&m.w, &edns);
	len = m.w.at;
	if (m.w.failed || (is_signed(a) && tsig_sign(&a->tsig, a->out, &len, limit, now_s())))
		return;
	*a->ret_len = len;
}

/* Strangers do not fill the log: one line a second. */
static bool log_allowed(void)
{
	static _Atomic uint64_t last_s;
	uint64_t now = clock_ms() / 1000 + 1;

	return atomic_exchange_explicit(&last_s, now, memory_order_relaxed) != now;
}

static void refuse(struct asking *a, unsigned int rcode, int ede)
{
	char zone[NAME_TEXT_MAX], source[NET_TEXT_MAX];

	count(&out_counters.refused);
	if (log_allowed())
		log_info("transfer of %s to %s refused: RCODE %u",
		         name_to_text(a->request.name, zone), endpoint_text(a->source, source),
		         rcode);
	reply(a, rcode, ede, NULL);
}

/* ---- who asks, and for what ---- */

/* RFC 8945 5.2: what is signed must be signed well. False: the reply is written. */
static bool verify(struct asking *a)
{
	const struct config *config = a->world->config;
	size_t len;
	int err;

	if (!a->request.tsig)
		return true;
	err = tsig_verify_request(&a->tsig, config->keys, config->keys_count, a->request.packet,
	                          a->request.len, now_s(), &len);
	if (!err)
		return true;
	if (err != -EACCES)
		memset(&a->tsig, 0, sizeof(a->tsig));
	refuse(a, err == -EACCES ? AN_RCODE_NOTAUTH : AN_RCODE_FORMERR, -1);
	return false;
}

/* The view that this secondary gets; NULL where it is not made yet. */
static struct view *view_of(const struct asking *a)
{
	struct zone *zone = zones_exact(a->world->zones, a->request.name, a->request.name_len);

	if (a->peer->mode == TRANSFER_NATIVE)
		return view_new(zone, NULL, TRANSFER_NATIVE, zone->serial);
	return book_view(zone->apex, zone->apex_len, a->peer->mode);
}

/* Zone and peer. False: the reply is written. */
static bool admit(struct asking *a)
{
	a->zone = zones_exact(a->world->zones, a->request.name, a->request.name_len);
	if (!a->zone || a->request.class != AN_CLASS_IN) { /* RFC 5936 2.2.1 */
		refuse(a, AN_RCODE_NOTAUTH, AN_EDE_NOT_AUTHORITATIVE);
		return false;
	}
	a->peer = out_request_peer(a->zone->settings, a->source, a->tsig.key);
	if (!a->peer) {
		refuse(a, AN_RCODE_REFUSED, EDE_PROHIBITED);
		return false;
	}
	a->view = __atomic_load_n(&a->zone->expired, __ATOMIC_RELAXED) ? NULL : view_of(a);
	if (!a->view) {
		refuse(a, AN_RCODE_SERVFAIL, AN_EDE_NOT_READY);
		return false;
	}
	return true;
}

static bool begin(struct asking *a, const struct world *world, const uint8_t *packet, size_t len,
                  const struct endpoint *source, bool tcp, uint8_t *out, size_t size,
                  size_t *ret_len)
{
	memset(a, 0, sizeof(*a));
	*ret_len = 0;
	a->world = world;
	a->source = source;
	a->tcp = tcp;
	a->out = out;
	a->size = size;
	a->ret_len = ret_len;
	return out_request_parse(&a->request, packet, len);
}

static void end(struct asking *a)
{
	tsig_done(&a->tsig);
	view_free(a->view);
}

/* ---- what is sent ---- */

static struct transfer_out *stream_of(struct asking *a, struct step *step)
{
	struct out_plan plan = {.request = &a->request,
	                        .tsig = &a->tsig,
	                        .view = a->view,
	                        .step = step,
	                        .aname_type = a->world->config->aname_type,
	                        .payload = a->world->config->udp_payload};

	return out_stream_new(&plan);
}

static void log_transfer(const struct asking *a, const char *what)
{
	char zone[NAME_TEXT_MAX], source[NET_TEXT_MAX];

	log_info("%s of %s, serial %u, to %s", what, name_to_text(a->zone->apex, zone),
	         a->view->serial, endpoint_text(a->source, source));
}

static void whole_zone(struct asking *a, bool asked_ixfr, struct transfer_out **ret)
{
	*ret = stream_of(a, NULL);
	if (!*ret) {
		reply(a, AN_RCODE_SERVFAIL, -1, NULL);
		return;
	}
	count(asked_ixfr ? &out_counters.ixfr_as_axfr : &out_counters.axfr);
	log_transfer(a, asked_ixfr ? "AXFR (asked for IXFR)" : "AXFR");
}

/* RFC 1995 2: over UDP the difference if it fits into one message, else the SOA alone. */
static void difference_by_udp(struct asking *a, struct transfer_out *stream)
{
	int len = stream ? transfer_out_next(stream, a->out, limit_of(a)) : -ENOMEM;

	if (len > 0 && out_stream_ended(stream)) {
		*a->ret_len = (size_t)len;
		count(&out_counters.ixfr);
		log_transfer(a, "IXFR by UDP");
	} else {
		reply(a, AN_RCODE_NOERROR, -1, a->view);
	}
	transfer_out_free(stream);
}

static void difference(struct asking *a, struct step *step, struct transfer_out **ret)
{
	struct transfer_out *stream = stream_of(a, step);

	if (!a->tcp) {
		difference_by_udp(a, stream);
		return;
	}
	if (!stream) {
		reply(a, AN_RCODE_SERVFAIL, -1, NULL);
		return;
	}
	*ret = stream;
	count(&out_counters.ixfr);
	log_transfer(a, "IXFR");
}

/* RFC 1995 2 and 4 */
static void incremental(struct asking *a, struct transfer_out **ret)
{
	struct step *step = NULL;
	int err;

	if (!serial_after(a->view->serial, a->request.serial)) {
		reply(a, AN_RCODE_NOERROR, -1, a->view);
		return;
	}
	err = book_way(a->view, a->request.serial, history_room(a->view->zone), &step);
	if (!err)
		difference(a, step, ret);
	else if (a->tcp)
		whole_zone(a, true, ret);
	else
		reply(a, AN_RCODE_NOERROR, -1, a->view);
	step_free(step);
}

static void give(struct asking *a, struct transfer_out **ret)
{
	if (a->request.type == AN_TYPE_IXFR)
		incremental(a, ret);
	else
		whole_zone(a, false, ret);
}

/* What is wrong with the form of the request, whoever asks. */
static unsigned int fault_of(const struct asking *a)
{
	uint16_t type = a->request.type;

	if (a->request.rcode)
		return a->request.rcode;
	if (type == AN_TYPE_IXFR || (type == AN_TYPE_AXFR && a->tcp)) /* RFC 5936 4.2 */
		return AN_RCODE_NOERROR;
	return AN_RCODE_FORMERR;
}

void transfer_out_begin(const struct world *world, const uint8_t *packet, size_t len,
                        const struct endpoint *source, bool tcp, uint8_t *out, size_t size,
                        size_t *ret_len, struct transfer_out **ret)
{
	struct asking a;
	unsigned int rcode;

	*ret = NULL;
	if (!begin(&a, world, packet, len, source, tcp, out, size, ret_len))
		return;
	rcode = fault_of(&a);
	if (rcode)
		reply(&a, rcode, -1, NULL);
	else if (verify(&a) && admit(&a))
		give(&a, ret);
	end(&a);
}

/* ---- the serial of what a secondary gets ---- */

/* True if the packet has one question, for a SOA. */
static bool asks_soa(const uint8_t *packet, size_t len)
{
	int name;

	if (len < AN_DNS_HEADER_LEN || packet[4] || packet[5] != 1)
		return false;
	name = name_parse_wire(packet + AN_DNS_HEADER_LEN, len - AN_DNS_HEADER_LEN);
	return name > 0 && len >= AN_DNS_HEADER_LEN + (size_t)name + 4 &&
	       packet[AN_DNS_HEADER_LEN + name] == 0 &&
	       packet[AN_DNS_HEADER_LEN + name + 1] == AN_TYPE_SOA;
}

bool transfer_out_soa(const struct world *world, const uint8_t *packet, size_t len,
                      const struct endpoint *source, bool tcp, uint8_t *out, size_t size,
                      size_t *ret_len)
{
	struct asking a;
	bool ours = false;

	if (!asks_soa(packet, len) ||
	    !begin(&a, world, packet, len, source, tcp, out, size, ret_len))
		return false;
	if (a.request.rcode || a.request.class != AN_CLASS_IN)
		return false;
	a.zone = zones_exact(world->zones, a.request.name, a.request.name_len);
	if (!a.zone || __atomic_load_n(&a.zone->expired, __ATOMIC_RELAXED))
		return false;
	if (a.request.tsig &&
	    tsig_verify_request(&a.tsig, world->config->keys, world->config->keys_count, packet,
	                        len, now_s(), &(size_t){0}))
		goto out;
	a.peer = out_request_peer(a.zone->settings, source, a.tsig.key);
	if (!a.peer || a.peer->mode == TRANSFER_NATIVE)
		goto out;
	ours = true;
	a.view = view_of(&a);
	if (a.view)
		reply(&a, AN_RCODE_NOERROR, -1, a.view);
	else
		reply(&a, AN_RCODE_SERVFAIL, AN_EDE_NOT_READY, NULL);
out:
	end(&a);
	return ours;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "answer/message.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "transfer/out_book.h"
#include "transfer/tsig.h"

#define MESSAGE_MAX 1232

struct news_place {
	struct endpoint address;
	uint8_t apex[NAME_MAX_LEN]; /* lower case */
};

/* One zone's news for one peer. */
struct news {
	UT_hash_handle hh;
	struct news_place place;
	struct news *next, *prev;
	struct notify *notify;
	uint8_t apex[NAME_MAX_LEN]; /* as written */
	uint8_t apex_len;
	struct endpoint address;
	bool keyed;
	struct config_key key;
	uint32_t serial, soa_ttl;
	uint8_t soa[VIEW_SOA_MAX];
	size_t soa_len;
	unsigned int tries;
	bool active;          /* handles are open */
	bool gone;            /* not in the list any more; freed when its handles are closed */
	unsigned int handles; /* open */
	uint16_t id;
	struct tsig tsig;
	uv_udp_t udp;
	uv_timer_t timer;
	uint8_t reply[MESSAGE_MAX];
};

struct notify {
	uv_loop_t *loop;
	struct news *first, *last; /* in the order in which they came */
	struct news *by_place;
	size_t count, active;
	struct endpoint *sources;
	size_t sources_count;
	bool closing;
};

static void start_next(struct notify *notify);

/* ---- the list ---- */

/* False: out of memory. */
static bool list_add(struct notify *notify, struct news *news)
{
	HASH_ADD(hh, notify->by_place, place, sizeof(news->place), news);
	if (!HASH_ADDED(news))
		return false;
	news->prev = notify->last;
	if (notify->last)
		notify->last->next = news;
	else
		notify->first = news;
	notify->last = news;
	notify->count++;
	return true;
}

static void list_remove(struct notify *notify, struct news *news)
{
	if (news->prev)
		news->prev->next = news->next;
	else
		notify->first = news->next;
	if (news->next)
		news->next->prev = news->prev;
	else
		notify->last = news->prev;
	HASH_DEL(notify->by_place, news);
	notify->count--;
}

static void notify_finish(struct notify *notify)
{
	if (!notify->closing || notify->active)
		return;
	free(notify->sources);
	free(notify);
}

static void handle_closed(uv_handle_t *handle)
{
	struct news *news = handle->data;
	struct notify *notify = news->notify;

	if (--news->handles)
		return;
	tsig_done(&news->tsig);
	free(news);
	notify->active--;
	if (!notify->closing)
		start_next(notify);
	notify_finish(notify);
}

static void news_end(struct news *news)
{
	if (news->gone)
		return;
	news->gone = true;
	list_remove(news->notify, news);
	if (!news->active) {
		free(news);
		return;
	}
	uv_close((uv_handle_t *)&news->timer, handle_closed);
	uv_close((uv_handle_t *)&news->udp, handle_closed);
}

static void log_end(const struct news *news, const char *what)
{
	char zone[NAME_TEXT_MAX], peer[NET_TEXT_MAX];

	log_info("NOTIFY of %s, serial %u, to %s: %s", name_to_text(news->apex, zone), news->serial,
	         endpoint_text(&news->address, peer), what);
}

static void news_fail(struct news *news, const char *why)
{
	atomic_fetch_add_explicit(&out_counters.notify_failures, 1, memory_order_relaxed);
	log_end(news, why);
	news_end(news);
}

/* ---- the message ---- */

/* RFC 1996 3.7: the SOA as a hint stands in the answer section. */
static size_t write_message(struct news *news, uint8_t out[MESSAGE_MAX])
{
	static const uint8_t soa_in[4] = {0, AN_TYPE_SOA, 0, AN_CLASS_IN};
	uint8_t question[NAME_MAX_LEN + 4];
	struct message m;
	size_t len;

	memcpy(question, news->apex, news->apex_len);
	memcpy(question + news->apex_len, soa_in, sizeof(soa_in));
	message_begin(&m, out, MESSAGE_MAX - TSIG_RR_MAX);
	message_question(&m, question, news->apex_len);
	message_record(&m, MESSAGE_ANSWER, news->apex, news->apex_len, AN_TYPE_SOA, news->soa_ttl,
	               news->soa, news->soa_len);
	message_header(&m, news->id, AN_OPCODE_NOTIFY << 11 | AN_FLAG_AA, true, 0);
	len = m.w.at;
	tsig_done(&news->tsig);
	tsig_begin(&news->tsig, news->keyed ? &news->key : NULL);
	if (m.w.failed || (news->keyed && tsig_sign(&news->tsig, out, &len, MESSAGE_MAX,
	                                            (uint64_t)(clock_unix_ms() / 1000))))
		return 0;
	return len;
}

/* True for the reply to what was sent last (RFC 1996 3.8: QR, opcode, id, question's name). */
static bool is_reply(struct news *news, const uint8_t *packet, size_t len)
{
	size_t bare;
	int name;

	if (len < AN_DNS_HEADER_LEN || (packet[0] << 8 | packet[1]) != news->id ||
	    !(packet[2] & AN_FLAG_QR >> 8) || (packet[2] >> 3 & 15) != AN_OPCODE_NOTIFY)
		return false;
	if (packet[5] == 1) {
		name = name_parse_wire(packet + AN_DNS_HEADER_LEN, len - AN_DNS_HEADER_LEN);
		if (name < 0 || !name_equal(packet + AN_DNS_HEADER_LEN, (size_t)name, news->apex,
		                            news->apex_len))
			return false;
	}
	return !news->keyed || !tsig_verify_reply(&news->tsig, packet, len,
	                                          (uint64_t)(clock_unix_ms() / 1000), true, &bare);
}

static void take_reply(struct news *news, const uint8_t *packet, size_t len)
{
	unsigned int rcode = packet[3] & AN_FLAG_RCODE;
	char text[32];

	if (!is_reply(news, packet, len))
		return;
	if (!rcode) {
		log_end(news, "heard");
		news_end(news);
		return;
	}
	snprintf(text, sizeof(text), "RCODE %u", rcode);
	news_fail(news, text);
}

/* ---- sockets ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct news *news = handle->data;

	(void)suggested;
	*buf = uv_buf_init((char *)news->reply, sizeof(news->reply));
}

static void on_packet(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *from,
                      unsigned int flags)
{
	struct news *news = udp->data;

	(void)buf;
	(void)flags;
	if (len > 0 && from && !news->gone)
		take_reply(news, news->reply, (size_t)len);
}

static bool is_loopback(const struct endpoint *e)
{
	static const uint8_t six[16] = {[15] = 1};

	return e->family == AN_FAMILY_IPV6 ? !memcmp(e->address, six, 16) : e->address[0] == 127;
}

static bool is_wildcard(const struct endpoint *e)
{
	static const uint8_t none[16];

	return !memcmp(e->address, none, 16);
}

/* The address that the secondary knows us by, as far as the configuration tells. */
static struct endpoint source_for(const struct news *news)
{
	const struct notify *notify = news->notify;
	struct endpoint any = {.family = news->address.family};

	for (size_t i = 0; i < notify->sources_count; i++) {
		const struct endpoint *one = &notify->sources[i];

		if (one->family != news->address.family || is_wildcard(one) ||
		    is_loopback(one) != is_loopback(&news->address))
			continue;
		any = *one;
		any.port = 0;
		break;
	}
	return any;
}

/* A connected socket: only the peer's packets come in, from a port drawn by the kernel. */
static int open_socket(struct news *news)
{
	struct endpoint source = source_for(news);
	struct sockaddr_storage address;
	int err;

	endpoint_to_sockaddr(&source, &address);
	err = uv_udp_bind(&news->udp, (const struct sockaddr *)&address, 0);
	if (err)
		return err;
	endpoint_to_sockaddr(&news->address, &address);
	err = uv_udp_connect(&news->udp, (const struct sockaddr *)&address);
	return err ? err : uv_udp_recv_start(&news->udp, on_alloc, on_packet);
}

static void on_timer(uv_timer_t *timer);

static void send_once(struct news *news)
{
	uint8_t message[MESSAGE_MAX];
	uv_buf_t buf;

	if (getrandom(&news->id, sizeof(news->id), 0) != sizeof(news->id))
		return;
	buf = uv_buf_init((char *)message, (unsigned int)write_message(news, message));
	/* What cannot be sent now counts as lost. */
	if (buf.len && uv_udp_try_send(&news->udp, &buf, 1, NULL) > 0)
		atomic_fetch_add_explicit(&out_counters.notifies, 1, memory_order_relaxed);
}

static void try_now(struct news *news)
{
	send_once(news);
	uv_timer_start(&news->timer, on_timer, NOTIFY_FIRST_MS << news->tries, 0);
	news->tries++;
}

static void on_timer(uv_timer_t *timer)
{
	struct news *news = timer->data;

	if (news->tries < NOTIFY_TRIES)
		try_now(news);
	else
		news_fail(news, "no reply");
}

static void news_start(struct news *news)
{
	struct notify *notify = news->notify;
	int err;

	uv_udp_init(notify->loop, &news->udp);
	uv_timer_init(notify->loop, &news->timer);
	news->udp.data = news->timer.data = news;
	news->handles = 2;
	news->active = true;
	notify->active++;
	err = open_socket(news);
	if (err)
		news_fail(news, uv_strerror(err));
	else
		try_now(news);
}

static void start_next(struct notify *notify)
{
	struct news *next;

	for (struct news *news = notify->first; news && notify->active < NOTIFY_AT_ONCE;
	     news = next) {
		next = news->next;
		if (!news->active)
			news_start(news);
	}
}

/* ---- from the desk ---- */

struct notify *notify_new(uv_loop_t *loop)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (notify)
		notify->loop = loop;
	return notify;
}

int notify_sources(struct notify *notify, const struct endpoint *listen, size_t count)
{
	struct endpoint *sources = calloc(count ? count : 1, sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sources[i] = listen[i];
	free(notify->sources);
	notify->sources = sources;
	notify->sources_count = count;
	return 0;
}

static void place_of(const struct view *view, const struct endpoint *address,
                     struct news_place *ret)
{
	memset(ret, 0, sizeof(*ret)); /* padding counts */
	ret->address.family = address->family;
	ret->address.port = address->port;
	ret->address.scope = address->scope;
	memcpy(ret->address.address, address->address, sizeof(ret->address.address));
	memcpy(ret->apex, view->zone->apex, view->zone->apex_len);
}

int notify_send(struct notify *notify, const struct view *view, const struct config_peer *peer)
{
	struct news *old, *news = calloc(1, sizeof(*news));

	if (!news)
		return -ENOMEM;
	place_of(view, &peer->address, &news->place);
	HASH_FIND(hh, notify->by_place, &news->place, sizeof(news->place), old);
	if (old)
		news_end(old);
	news->notify = notify;
	news->apex_len = view->zone->apex_len;
	memcpy(news->apex, view->zone->apex_node->name, news->apex_len);
	news->address = peer->address;
	news->keyed = peer->key != NULL;
	if (peer->key)
		news->key = *peer->key;
	news->serial = view->serial;
	news->soa_ttl = view->zone->soa->ttl;
	news->soa_len = view_soa(view, news->soa);
	if (!list_add(notify, news)) {
		free(news);
		return -ENOMEM;
	}
	start_next(notify);
	return 0;
}

void notify_drop(struct notify *notify, const uint8_t *apex, size_t apex_len)
{
	struct news *next;

	for (struct news *news = notify->first; news; news = next) {
		next = news->next;
		if (name_equal(news->apex, news->apex_len, apex, apex_len))
			news_end(news);
	}
}

size_t notify_waiting(const struct notify *notify)
{
	return notify->count;
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	notify->closing = true;
	while (notify->first)
		news_end(notify->first);
	notify_finish(notify);
}

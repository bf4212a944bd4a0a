/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/in_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "transfer/tsig.h"

#define UDP_TRIES  2
#define QUERY_MAX  (12 + NAME_MAX_LEN + 4 + 12 + 2 * NAME_MAX_LEN + 20 + TSIG_RR_MAX)
#define BUFFER_MAX (2 + 65535)

struct in_ask {
	struct in_ask_setup setup;
	struct in_primary primary;
	struct in_limits limits;
	struct in_question question;
	struct tsig tsig;
	struct in_stream *stream;
	struct in_record record; /* of a SOA reply */

	union {
		uv_handle_t handle;
		uv_udp_t udp;
		uv_tcp_t tcp;
	};
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t write;
	unsigned int open; /* handles */
	bool has_handle;   /* besides the timer */
	bool ended;
	int fault; /* that kept the ask from beginning; told from the loop, as every outcome is */
	unsigned int tries;
	uint64_t deadline_ms;
	uint64_t octets;

	uint8_t query[2 + QUERY_MAX]; /* its length before it, as TCP wants it */
	size_t query_len;
	size_t used;
	uint8_t buffer[BUFFER_MAX];
};

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
	struct in_ask *ask = handle->data;

	if (--ask->open)
		return;
	in_stream_free(ask->stream);
	tsig_done(&ask->tsig);
	if (ask->setup.closed)
		ask->setup.closed(ask->setup.closed_arg);
	free(ask);
}

void in_ask_cancel(struct in_ask *ask)
{
	if (ask->ended)
		return;
	ask->ended = true;
	if (ask->has_handle)
		uv_close(&ask->handle, on_closed);
	uv_close((uv_handle_t *)&ask->timer, on_closed);
}

static void end(struct in_ask *ask, struct in_outcome *outcome)
{
	if (ask->ended)
		return;
	in_ask_cancel(ask);
	ask->setup.done(outcome, ask->setup.arg);
}

static void __attribute__((format(printf, 3, 4)))
end_badly(struct in_ask *ask, enum in_result result, const char *format, ...)
{
	char text[600];
	struct in_outcome outcome = {.result = result, .text = text};
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	end(ask, &outcome);
}

/* ---- replies ---- */

static const char *tsig_error_text(uint16_t error)
{
	switch (error) {
	case TSIG_BADSIG:
		return "BADSIG";
	case TSIG_BADKEY:
		return "BADKEY";
	case TSIG_BADTIME:
		return "BADTIME";
	case TSIG_BADTRUNC:
		return "BADTRUNC";
	default:
		return NULL;
	}
}

/* The reply is not signed as it should be: what the other side says about it, if anything. */
static void bad_signature(struct in_ask *ask, const uint8_t *octets, size_t len)
{
	const char *said = tsig_error_text(ask->tsig.error);
	char rcode[20];

	in_message_rcode(len >= 4 ? octets[3] & 15u : 0, rcode);
	if (!ask->primary.has_key)
		end_badly(ask, IN_REFUSED, "TSIG where none was asked for, or malformed");
	else if (said)
		end_badly(ask, IN_REFUSED, "the primary refuses our TSIG: %s (%s)", said, rcode);
	else
		end_badly(ask, IN_REFUSED, "reply without a good TSIG (%s)", rcode);
}

static void take_soa(struct in_ask *ask, struct in_message *message)
{
	struct in_outcome outcome = {.result = IN_SERIAL};
	struct error error = {0};
	int more;

	if (!(message->flags & AN_FLAG_AA)) {
		end_badly(ask, IN_REFUSED, "the primary is not authoritative for the zone");
		return;
	}
	while ((more = in_message_record(message, &ask->setup.stream.types, &ask->record, &error)) >
	       0) {
		if (in_message_soa(&ask->record, ask->question.apex, ask->question.apex_len,
		                   &outcome.serial)) {
			end(ask, &outcome);
			return;
		}
	}
	end_badly(ask, IN_REFUSED, "%s", more ? error.text : "reply without the zone's SOA");
}

/* True: more is to come. */
static bool take_transfer(struct in_ask *ask, struct in_message *message, bool is_signed)
{
	struct in_outcome outcome = {.result = IN_NO_NEWER};
	struct error error = {0};
	int progress = in_stream_message(ask->stream, message, &error);

	if (progress == IN_MORE)
		return true;
	if (progress < 0) {
		end_badly(ask, IN_REFUSED, "%s", error.text);
		return false;
	}
	if (ask->primary.has_key && !is_signed) { /* RFC 8945 5.3.1: the last one is signed */
		end_badly(ask, IN_REFUSED, "the transfer's last message is not signed");
		return false;
	}
	outcome.serial = in_stream_serial(ask->stream);
	if (progress == IN_DONE) {
		outcome.result = IN_STREAM;
		outcome.stream = ask->stream;
		ask->stream = NULL;
	}
	end(ask, &outcome);
	return false;
}

/* One whole message; true: more is to come. */
static bool take_message(struct in_ask *ask, const uint8_t *octets, size_t len)
{
	struct in_message message;
	struct error error = {0};
	size_t plain = len;
	char rcode[20];

	if (len < AN_DNS_HEADER_LEN) {
		end_badly(ask, IN_REFUSED, "message of %zu octets", len);
		return false;
	}
	if (tsig_verify_reply(&ask->tsig, octets, len, (uint64_t)time(NULL), false, &plain)) {
		bad_signature(ask, octets, len);
		return false;
	}
	if (in_message_begin(&message, octets, plain, &ask->question, &error)) {
		end_badly(ask, IN_REFUSED, "%s", error.text);
		return false;
	}
	if (message.flags & AN_FLAG_RCODE) {
		end_badly(ask, IN_REFUSED, "the primary answers %s",
		          in_message_rcode(message.flags & AN_FLAG_RCODE, rcode));
		return false;
	}
	if (message.flags & AN_FLAG_TC) {
		end_badly(ask, IN_REFUSED, "truncated reply");
		return false;
	}
	if (ask->stream)
		return take_transfer(ask, &message, plain != len);
	take_soa(ask, &message);
	return false;
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

static void await(struct in_ask *ask, uint64_t ms)
{
	uint64_t now = clock_ms();
	uint64_t left = now < ask->deadline_ms ? ask->deadline_ms - now : 0;

	uv_timer_start(&ask->timer, on_timer, ms < left ? ms : left, 0);
}

/* ---- UDP ---- */

static void on_udp_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct in_ask *ask = handle->data;

	(void)wanted;
	*ret = uv_buf_init((char *)ask->buffer, sizeof(ask->buffer));
}

static bool is_our_id(const struct in_ask *ask, const uint8_t *octets, size_t len)
{
	return len >= AN_DNS_HEADER_LEN && (octets[0] << 8 | octets[1]) == ask->question.id;
}

static void on_udp(uv_udp_t *udp, ssize_t got, const uv_buf_t *buffer, const struct sockaddr *from,
                   unsigned int flags)
{
	struct in_ask *ask = udp->data;
	const uint8_t *octets = (const uint8_t *)buffer->base;

	(void)flags;
	if (got < 0)
		end_badly(ask, IN_REFUSED, "UDP: %s", uv_strerror((int)got));
	else if (from && is_our_id(ask, octets, (size_t)got)) /* another id: a late or forged one */
		take_message(ask, octets, (size_t)got);
}

static void send_udp(struct in_ask *ask)
{
	uv_buf_t query = uv_buf_init((char *)ask->query + 2, (unsigned int)ask->query_len);
	int sent = uv_udp_try_send(&ask->udp, &query, 1, NULL);

	ask->tries++;
	/* A full queue is a lost datagram; a refusal of the last one shows up here too. */
	await(ask, sent < 0 && sent != UV_EAGAIN ? 1 : ask->limits.udp_ms);
}

static int start_udp(struct in_ask *ask, const struct sockaddr *address)
{
	int fault = uv_udp_init(ask->setup.loop, &ask->udp);

	if (fault)
		return fault;
	ask->handle.data = ask;
	ask->has_handle = true;
	ask->open++;
	fault = uv_udp_connect(&ask->udp, address);
	if (!fault)
		fault = uv_udp_recv_start(&ask->udp, on_udp_room, on_udp);
	if (!fault)
		send_udp(ask);
	return fault;
}

/* ---- TCP ---- */

static void on_tcp_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct in_ask *ask = handle->data;

	(void)wanted;
	*ret = uv_buf_init((char *)ask->buffer + ask->used,
	                   (unsigned int)(sizeof(ask->buffer) - ask->used));
}

/* Takes the whole messages from the buffer's front. */
static void take_frames(struct in_ask *ask)
{
	size_t at = 0;
	bool more = true;

	while (more && ask->used - at >= 2) {
		size_t len = (size_t)(ask->buffer[at] << 8 | ask->buffer[at + 1]);

		if (ask->used - at < 2 + len)
			break;
		more = take_message(ask, ask->buffer + at + 2, len);
		at += 2 + len;
	}
	if (!more)
		return;
	ask->used -= at;
	memmove(ask->buffer, ask->buffer + at, ask->used);
}

static void on_tcp(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct in_ask *ask = stream->data;

	(void)buffer;
	if (got == UV_EOF) {
		end_badly(ask, IN_REFUSED, "the primary closed the connection %s",
		          ask->octets ? "in the middle" : "without a reply");
		return;
	}
	if (got < 0) {
		end_badly(ask, IN_REFUSED, "TCP: %s", uv_strerror((int)got));
		return;
	}
	ask->used += (size_t)got;
	ask->octets += (size_t)got;
	if (ask->octets > ask->limits.octets_max) {
		end_badly(ask, IN_REFUSED, "transfer that does not end");
		return;
	}
	if (got)
		await(ask, ask->limits.idle_ms);
	take_frames(ask);
}

static void on_written(uv_write_t *write, int status)
{
	struct in_ask *ask = write->data;

	if (ask->ended)
		return;
	if (status)
		end_badly(ask, IN_FAILED, "TCP: %s", uv_strerror(status));
	else
		await(ask, ask->limits.idle_ms);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct in_ask *ask = connect->data;
	uv_stream_t *stream = (uv_stream_t *)&ask->tcp;
	uv_buf_t query = uv_buf_init((char *)ask->query, (unsigned int)(2 + ask->query_len));

	if (ask->ended)
		return;
	ask->write.data = ask;
	if (!status)
		status = uv_read_start(stream, on_tcp_room, on_tcp);
	if (!status)
		status = uv_write(&ask->write, stream, &query, 1, on_written);
	if (status)
		end_badly(ask, IN_FAILED, "TCP: %s", uv_strerror(status));
}

static int start_tcp(struct in_ask *ask, const struct sockaddr *address)
{
	int fault = uv_tcp_init(ask->setup.loop, &ask->tcp);

	if (fault)
		return fault;
	ask->handle.data = ask;
	ask->has_handle = true;
	ask->open++;
	ask->connect.data = ask;
	await(ask, ask->limits.connect_ms);
	return uv_tcp_connect(&ask->connect, &ask->tcp, address, on_connected);
}

static void on_timer(uv_timer_t *timer)
{
	struct in_ask *ask = timer->data;

	if (ask->fault) {
		end_badly(ask, IN_FAILED, "it cannot be asked: %s", uv_strerror(ask->fault));
		return;
	}
	if (ask->setup.kind == IN_SOA_UDP && ask->tries && ask->tries < UDP_TRIES &&
	    clock_ms() < ask->deadline_ms) {
		send_udp(ask);
		return;
	}
	end_badly(ask, ask->setup.kind == IN_SOA_UDP ? IN_REFUSED : IN_FAILED, "%s: timed out",
	          ask->setup.kind == IN_SOA_UDP ? "UDP" : "TCP");
}

/* ---- the beginning ---- */

static uint16_t question_type(enum in_kind kind)
{
	switch (kind) {
	case IN_IXFR:
		return AN_TYPE_IXFR;
	case IN_AXFR:
		return AN_TYPE_AXFR;
	default:
		return AN_TYPE_SOA;
	}
}

static int make_query(struct in_ask *ask)
{
	const struct in_ask_setup *setup = &ask->setup;
	const struct zone_rdata *soa =
	        setup->kind == IN_IXFR ? &setup->stream.old->soa->rdata[0] : NULL;

	ask->question = (struct in_question){.apex = setup->stream.apex,
	                                     .apex_len = setup->stream.apex_len,
	                                     .type = question_type(setup->kind)};
	if (getrandom(&ask->question.id, sizeof(ask->question.id), 0) != sizeof(ask->question.id))
		return -errno;
	ask->query_len = in_message_query(&ask->question, soa ? soa->data : NULL,
	                                  soa ? soa->len : 0, ask->query + 2, QUERY_MAX);
	tsig_begin(&ask->tsig, ask->primary.has_key ? &ask->primary.key : NULL);
	if (ask->primary.has_key &&
	    tsig_sign(&ask->tsig, ask->query + 2, &ask->query_len, QUERY_MAX, (uint64_t)time(NULL)))
		return -EINVAL;
	ask->query[0] = (uint8_t)(ask->query_len >> 8);
	ask->query[1] = (uint8_t)ask->query_len;
	return 0;
}

struct in_ask *in_ask_start(const struct in_ask_setup *setup)
{
	struct in_ask *ask = calloc(1, sizeof(*ask));
	struct sockaddr_storage address;

	if (!ask)
		return NULL;
	ask->setup = *setup;
	ask->primary = *setup->primary;
	ask->limits = *setup->limits;
	ask->setup.stream.ixfr = setup->kind == IN_IXFR;
	ask->setup.stream.memory_max = setup->limits->memory_max;
	if (setup->kind == IN_IXFR || setup->kind == IN_AXFR)
		ask->stream = in_stream_new(&ask->setup.stream);
	if (!ask->stream && question_type(setup->kind) != AN_TYPE_SOA) {
		free(ask);
		return NULL;
	}
	uv_timer_init(setup->loop, &ask->timer);
	ask->timer.data = ask;
	ask->open = 1;
	ask->deadline_ms = clock_ms() + ask->limits.whole_ms;
	endpoint_to_sockaddr(&ask->primary.address, &address);
	ask->fault = make_query(ask);
	if (!ask->fault && setup->kind == IN_SOA_UDP)
		ask->fault = start_udp(ask, (const struct sockaddr *)&address);
	else if (!ask->fault)
		ask->fault = start_tcp(ask, (const struct sockaddr *)&address);
	if (ask->fault)
		uv_timer_start(&ask->timer, on_timer, 0, 0);
	return ask;
}

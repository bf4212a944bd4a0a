/* SPDX-License-Identifier: BSD-2-Clause */
#include "upstream/ares.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "upstream/packet.h"
#include "upstream/polls.h"

/* A channel keeps its UDP port while questions are out: it is left after so many, or so long. */
#define CHANNEL_QUESTIONS 256
#define CHANNEL_LIFE_MS   2000
#define ID_BUCKETS        256
#define DATAGRAMS_A_READ  64 /* unbelieved ones in a row before the loop gets its turn */

/* Handed to c-ares in place of FORMERR; 15 is not assigned (RFC 6895 2.3). */
#define RCODE_HIDDEN 15

struct exchange {
	struct channel *channel;
	struct exchange *next; /* in its id's bucket */
	line_done done;
	void *arg;
	uint64_t sent_ns;
	uint16_t id;
	uint16_t len;
	bool sending;    /* still inside ares_send() */
	bool mismatched; /* something came that was not believed */
	bool tcp;
	bool formerr;             /* the reply's RCODE was hidden */
	enum line_status at_once; /* outcome, when c-ares called back from inside ares_send() */
	bool over;
	uint8_t query[PACKET_QUESTION_MAX];
};

struct channel {
	struct line *line; /* NULL once the line is closed */
	uv_loop_t *loop;
	ares_channel ares;
	uv_timer_t timer;
	struct polls polls;
	struct exchange *by_id[ID_BUCKETS];
	unsigned int out, sent, depth;
	uint64_t born_ms;
	bool retired;
	struct channel *next;
};

struct line {
	uv_loop_t *loop;
	struct endpoint address;
	uint32_t timeout_ms;
	struct channel *channels; /* the first one is asked, if it is not retired */
	struct line_counters counters;
};

/* ---- exchanges ---- */

static struct exchange **id_bucket(struct channel *channel, uint16_t id)
{
	return &channel->by_id[id % ID_BUCKETS];
}

static struct exchange *find_exchange(struct channel *channel, uint16_t id)
{
	struct exchange *exchange = *id_bucket(channel, id);

	while (exchange && exchange->id != id)
		exchange = exchange->next;
	return exchange;
}

/* RFC 5452 9.2: unpredictable, and unique among those out (CHANNEL_QUESTIONS at most). */
static int pick_id(struct channel *channel, uint16_t *ret)
{
	for (;;) {
		uint16_t id;

		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return -EAGAIN;
		if (find_exchange(channel, id))
			continue;
		*ret = id;
		return 0;
	}
}

static void add_exchange(struct exchange *exchange)
{
	struct exchange **bucket = id_bucket(exchange->channel, exchange->id);

	exchange->next = *bucket;
	*bucket = exchange;
	exchange->channel->out++;
}

static void remove_exchange(struct exchange *exchange)
{
	struct exchange **link = id_bucket(exchange->channel, exchange->id);

	while (*link != exchange)
		link = &(*link)->next;
	*link = exchange->next;
	exchange->channel->out--;
}

/* ---- the sockets, read through our own filter ---- */

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
	(void)arg;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

/* The address of the configuration: c-ares has no place for the scope of a link-local one. */
static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t len,
                          void *arg)
{
	const struct channel *channel = arg;
	struct sockaddr_storage ours;

	(void)address;
	(void)len;
	if (!channel->line) {
		errno = ENETUNREACH;
		return -1;
	}
	len = endpoint_to_sockaddr(&channel->line->address, &ours);
	return connect(fd, (struct sockaddr *)&ours, len);
}

static ares_ssize_t send_socket(ares_socket_t fd, const struct iovec *pieces, int count, void *arg)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
	                         .msg_iovlen = (size_t)count};

	(void)arg;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/*
 * True if c-ares may see this datagram. It would end a question at any reply
 * with the right id and, whatever its case, the right question, so all that is
 * stricter is done here, and the wait for a true reply goes on.
 */
static bool believe(struct channel *channel, uint8_t *data, size_t len)
{
	struct exchange *exchange = NULL;

	if (len >= AN_DNS_HEADER_LEN)
		exchange = find_exchange(channel, (uint16_t)(data[0] << 8 | data[1]));
	if (!exchange || !packet_matches(exchange->query, exchange->len, data, len)) {
		if (exchange)
			exchange->mismatched = true;
		if (channel->line)
			channel->line->counters.mismatched++;
		return false;
	}
	if (((data[2] & 0x02) || len > AN_DNS_UDP_OURS) && !exchange->tcp) {
		exchange->tcp = true;
		if (channel->line)
			channel->line->counters.tcp++;
	}
	/* On FORMERR without OPT c-ares 1.18 cuts 11 octets off the query, which is wrong for an
	 * OPT with an option, sends the rest, and does without EDNS from then on. */
	if ((data[3] & 0x0f) == AN_RCODE_FORMERR) {
		exchange->formerr = true;
		data[3] |= RCODE_HIDDEN;
	}
	return true;
}

static ares_ssize_t read_socket(ares_socket_t fd, void *data, size_t size, int flags,
                                struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	ares_ssize_t len;

	if (!from) /* TCP: a piece of a stream; judged when it is whole */
		return recv(fd, data, size, flags);
	for (int i = 0; i < DATAGRAMS_A_READ; i++) {
		ares_socklen_t room = *from_len;

		len = recvfrom(fd, data, size, flags, from, &room);
		if (len < 0)
			return len;
		if (believe(arg, data, (size_t)len)) {
			*from_len = room;
			return len;
		}
	}
	errno = EAGAIN;
	return -1;
}

static const struct ares_socket_functions socket_functions = {
        .asocket = open_socket,
        .aclose = close_socket,
        .aconnect = connect_socket,
        .arecvfrom = read_socket,
        .asendv = send_socket,
};

/* ---- channels ---- */

static void free_channel(uv_handle_t *handle)
{
	free(handle->data);
}

static void unlink_channel(struct channel *channel)
{
	struct channel **link;

	if (!channel->line)
		return;
	for (link = &channel->line->channels; *link != channel; link = &(*link)->next)
		;
	*link = channel->next;
}

/* Not from inside c-ares. Calls back for what is still out. */
static void destroy_channel(struct channel *channel)
{
	unlink_channel(channel);
	channel->line = NULL;
	ares_destroy(channel->ares);
	channel->ares = NULL;
	uv_close((uv_handle_t *)&channel->timer, free_channel);
}

static void reap_channel(struct channel *channel)
{
	if (channel->retired && !channel->out && !channel->depth)
		destroy_channel(channel);
}

static void on_timer(uv_timer_t *timer);

/* All questions wait equally long, so the first to time out stays the first. */
static void arm_timer(struct channel *channel)
{
	struct timeval left;

	if (!channel->out || uv_is_active((uv_handle_t *)&channel->timer) ||
	    !ares_timeout(channel->ares, NULL, &left))
		return;
	uv_update_time(channel->loop);
	uv_timer_start(&channel->timer, on_timer,
	               (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1, 0);
}

static void process(struct channel *channel, ares_socket_t readable, ares_socket_t writable)
{
	channel->depth++;
	ares_process_fd(channel->ares, readable, writable);
	channel->depth--;
	arm_timer(channel);
	reap_channel(channel);
}

/* What has come while the loop was held up is read before it counts as late. */
static void on_timer(uv_timer_t *timer)
{
	struct channel *channel = timer->data;

	process(channel, polls_first(&channel->polls), ARES_SOCKET_BAD);
}

static void on_ready(int fd, bool readable, bool writable, void *arg)
{
	process(arg, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

/* c-ares says so before it closes a descriptor: the handle leaves it in time. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *channel = arg;

	polls_set(&channel->polls, fd, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

/* Everything that c-ares would else read from the machine's resolver configuration is given. */
static int init_ares(struct channel *channel, uint32_t timeout_ms)
{
	static char lookups[] = "b", nowhere[] = "/dev/null";
	struct in_addr placeholder = {0};
	struct ares_options options = {
	        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
	                 ARES_FLAG_NOALIASES,
	        .timeout = (int)timeout_ms,
	        .tries = 1,
	        .ndots = 1,
	        .servers = &placeholder,
	        .nservers = 1,
	        .lookups = lookups,
	        .sock_state_cb = on_socket_state,
	        .sock_state_cb_data = channel,
	        .ednspsz = AN_DNS_UDP_OURS,
	        .resolvconf_path = nowhere,
	};

	return ares_init_options(
	        &channel->ares, &options,
	        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
	                ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
	                ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF);
}

static int set_server(struct channel *channel, const struct endpoint *address)
{
	struct ares_addr_port_node node = {
	        .family = address->family == AN_FAMILY_IPV6 ? AF_INET6 : AF_INET,
	        .udp_port = address->port,
	        .tcp_port = address->port,
	};

	memcpy(&node.addr, address->address, net_family_octets(address->family));
	return ares_set_servers_ports(channel->ares, &node);
}

static struct channel *make_channel(struct line *line)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->line = line;
	channel->loop = line->loop;
	channel->polls = (struct polls){.loop = line->loop, .ready = on_ready, .arg = channel};
	channel->born_ms = clock_ms();
	if (init_ares(channel, line->timeout_ms) != ARES_SUCCESS)
		goto free_channel;
	if (set_server(channel, &line->address) != ARES_SUCCESS)
		goto destroy_ares;
	ares_set_socket_functions(channel->ares, &socket_functions, channel);
	uv_timer_init(line->loop, &channel->timer);
	channel->timer.data = channel;
	channel->next = line->channels;
	line->channels = channel;
	line->counters.channels++;
	return channel;

destroy_ares:
	ares_destroy(channel->ares);
free_channel:
	free(channel);
	return NULL;
}

/* RFC 5452 9.2: another source port every so often; the old channel stays until its replies are
 * in. */
static struct channel *channel_to_ask(struct line *line)
{
	struct channel *channel = line->channels;

	if (channel && (channel->sent >= CHANNEL_QUESTIONS ||
	                clock_ms() - channel->born_ms >= CHANNEL_LIFE_MS))
		channel->retired = true;
	if (!channel || channel->retired) {
		struct channel *old = channel;

		channel = make_channel(line);
		if (old)
			reap_channel(old);
	}
	return channel;
}

/* ---- one question ---- */

static enum line_status status_of(int ares_status, const struct exchange *exchange)
{
	switch (ares_status) {
	case ARES_SUCCESS:
		return LINE_REPLY;
	case ARES_ETIMEOUT:
		return exchange->mismatched ? LINE_MISMATCHED : LINE_TIMEOUT;
	case ARES_ENOMEM:
	case ARES_EDESTRUCTION:
	case ARES_ECANCELLED:
		return LINE_FAILED;
	default:
		return LINE_NETWORK;
	}
}

static uint64_t elapsed_us(const struct exchange *exchange)
{
	return (uv_hrtime() - exchange->sent_ns) / 1000;
}

/* What came over TCP has not been through the filter. */
static void check_reply(struct exchange *exchange, struct line_outcome *outcome, uint8_t *reply)
{
	if (exchange->formerr)
		reply[3] = (uint8_t)((reply[3] & 0xf0) | AN_RCODE_FORMERR);
	if (!packet_matches(exchange->query, exchange->len, reply, outcome->len)) {
		outcome->status = LINE_MISMATCHED;
		if (exchange->channel->line)
			exchange->channel->line->counters.mismatched++;
		return;
	}
	if (exchange->tcp && (reply[3] & 0x0f) == AN_RCODE_FORMERR)
		exchange->channel->retired = true; /* c-ares has switched its EDNS off */
	outcome->reply = reply;
	outcome->rtt_us = elapsed_us(exchange);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
	struct exchange *exchange = arg;
	struct line_outcome outcome = {.status = status_of(status, exchange)};

	(void)timeouts;
	if (exchange->sending) {
		exchange->over = true;
		exchange->at_once = outcome.status;
		return;
	}
	if (outcome.status == LINE_REPLY) {
		outcome.len = (size_t)len;
		check_reply(exchange, &outcome, reply);
	}
	remove_exchange(exchange);
	exchange->done(&outcome, exchange->arg);
	free(exchange);
}

static int make_exchange(struct channel *channel, uint8_t *query, size_t len, struct exchange **ret)
{
	struct exchange *exchange;
	uint16_t id;

	if (pick_id(channel, &id))
		return -EAGAIN;
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return -ENOMEM;
	query[0] = (uint8_t)(id >> 8);
	query[1] = (uint8_t)id;
	exchange->channel = channel;
	exchange->id = id;
	exchange->len = (uint16_t)len;
	memcpy(exchange->query, query, len);
	add_exchange(exchange);
	*ret = exchange;
	return 0;
}

int line_send(struct line *line, uint8_t *query, size_t len, line_done done, void *arg)
{
	struct channel *channel = channel_to_ask(line);
	struct exchange *exchange;
	int error;

	if (!channel)
		return -ENOMEM;
	error = make_exchange(channel, query, len, &exchange);
	if (error)
		return error;
	exchange->done = done;
	exchange->arg = arg;
	exchange->sent_ns = uv_hrtime();
	exchange->sending = true;
	channel->sent++;
	channel->depth++;
	ares_send(channel->ares, query, (int)len, on_answer, exchange);
	channel->depth--;
	exchange->sending = false;
	if (exchange->over) {
		error = exchange->at_once == LINE_FAILED ? -ENOMEM : -ENETUNREACH;
		remove_exchange(exchange);
		free(exchange);
		return error;
	}
	arm_timer(channel);
	return 0;
}

struct line *line_open(uv_loop_t *loop, const struct endpoint *address, uint32_t timeout_ms)
{
	struct line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	line->loop = loop;
	line->address = *address;
	line->timeout_ms = timeout_ms;
	return line;
}

void line_counters(const struct line *line, struct line_counters *ret)
{
	*ret = line->counters;
}

void line_close(struct line *line)
{
	while (line->channels)
		destroy_channel(line->channels);
	free(line);
}

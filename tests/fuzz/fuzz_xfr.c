/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as what a primary sends: no crash, nothing read outside, and a
 * zone that comes out of it is one that can be written and read back.
 *
 * First octet of the input: bit 0: an IXFR, and there is an old zone; bit 1:
 * header and question are put in their right form in each message; bit 2: the
 * input is a signed reply, or a NOTIFY, and no transfer. The rest: messages,
 * each after its length in two octets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/catalog.h"
#include "transfer/in.h"
#include "transfer/in_stream.h"
#include "transfer/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t apex[] = "\7example\4test";

static const char old_text[] = "$TTL 300\n"
                               "@ SOA ns host 5 10 10 10 10\n"
                               "@ NS ns\n"
                               "ns A 192.0.2.53\n"
                               "version TXT 2\n"
                               "a.zones PTR one.test.\n"
                               "coo.a.zones PTR two.test.\n"
                               "a A 192.0.2.1\n"
                               "a A 192.0.2.2\n"
                               "b ANAME cdn.test.\n";

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static struct zone *load(const char *text, size_t size)
{
	FILE *in = fmemopen((char *)(uintptr_t)text, size, "r");
	struct zone *zone = NULL;

	if (in &&
	    zone_load_stream(apex, sizeof(apex), in, "text", AN_TYPE_ANAME, NULL, &zone, NULL))
		zone = NULL;
	if (in)
		fclose(in);
	return zone;
}

static void check_zone(struct zone *zone)
{
	struct catalog catalog;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct zone *back;

	require(zone->soa && zone->soa->count == 1, "a zone has one SOA");
	require(!zonefile_write(zone, out), "a zone can be written");
	fclose(out);
	/* Rdata that is malformed for its type is kept on the wire, and refused in a file. */
	back = load(text, size);
	if (back)
		require(back->content == zone->content, "what was written is read back");
	zone_free(back);
	free(text);
	if (!catalog_read(zone, &catalog, NULL))
		catalog_done(&catalog);
}

static void right_header(uint8_t *message, size_t len, const struct in_question *question)
{
	if (len < 12)
		return;
	message[0] = (uint8_t)(question->id >> 8);
	message[1] = (uint8_t)question->id;
	message[2] = 0x84;
	message[3] = 0;
	message[4] = message[5] = 0;
}

static int feed(struct in_stream *stream, const uint8_t *data, size_t len, bool right)
{
	const struct in_question question = {7, apex, sizeof(apex), AN_TYPE_AXFR};
	uint8_t *exact = malloc(len ? len : 1);
	struct in_message message;
	int result;

	memcpy(exact, data, len);
	if (right)
		right_header(exact, len, &question);
	result = in_message_begin(&message, exact, len, &question, NULL);
	if (!result)
		result = in_stream_message(stream, &message, NULL);
	free(exact);
	return result;
}

static void fuzz_stream(const uint8_t *data, size_t size, const struct zone *old, bool right)
{
	const struct in_stream_setup setup = {.apex = apex,
	                                      .apex_len = sizeof(apex),
	                                      .old = old,
	                                      .ixfr = old != NULL,
	                                      .types = {{AN_TYPE_ANAME, 65280}},
	                                      .memory_max = 1 << 20};
	struct in_stream *stream = in_stream_new(&setup);
	struct zone *zone = NULL;
	int result = IN_MORE;

	while (result == IN_MORE && size >= 2) {
		size_t len = (size_t)(data[0] << 8 | data[1]);

		len = len > size - 2 ? size - 2 : len;
		result = feed(stream, data + 2, len, right);
		data += 2 + len;
		size -= 2 + len;
	}
	require(in_stream_memory(stream) <= (1 << 20) + 70000, "memory is bounded");
	if (result == IN_UP_TO_DATE)
		require(old && !in_serial_newer(in_stream_serial(stream), old->serial),
		        "up to date with what is no newer");
	if (result == IN_DONE && !in_stream_finish(stream, &zone, NULL)) {
		require(zone->serial == in_stream_serial(stream), "the zone has the serial");
		check_zone(zone);
		zone_free(zone);
	}
	in_stream_free(stream);
}

static void fuzz_message(const uint8_t *data, size_t size)
{
	static const struct config_key key = {.name = {"\1k", 3},
	                                      .algorithm = TSIG_HMAC_SHA256,
	                                      .secret = "secret",
	                                      .secret_len = 6};
	static const struct config config = {.udp_payload = 1232};
	static const struct world world = {.config = &config};
	const struct endpoint source = {.family = AN_FAMILY_IPV4};
	uint8_t *exact = malloc(size ? size : 1), out[1500];
	struct tsig tsig;
	size_t plain = size, len;

	memcpy(exact, data, size);
	require(tsig_verify_request(&tsig, &key, 1, exact, size, 1000, &plain) < 0,
	        "nobody guesses a MAC");
	tsig_begin(&tsig, &key);
	require(tsig_verify_reply(&tsig, exact, size, 1000, true, &plain) < 0,
	        "nobody guesses a MAC");
	tsig_done(&tsig);
	len = transfer_in_notify(&world, exact, size, &source, out, sizeof(out));
	require(len <= size + 11, "a reply is hardly longer than what it answers");
	require(!len || (out[2] & 0x80 && out[3] & 15), "refused, while there is no zone");
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *old;

	if (!old)
		old = load(old_text, sizeof(old_text) - 1);
	require(old, "the old zone loads");
	if (!size)
		return 0;
	if (data[0] & 4)
		fuzz_message(data + 1, size - 1);
	else
		fuzz_stream(data + 1, size - 1, data[0] & 1 ? old : NULL, data[0] & 2);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/in_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/in_delta.h"
#include "zone/rdata.h"
#include "zone/zones.h"

#define RECORD_COST 112u /* of a record in a builder besides its octets, at most about */

/* What may come next. */
enum state {
	FIRST,    /* the SOA that is also the last record */
	SECOND,   /* of an IXFR: differences or the whole? */
	WHOLE,    /* AXFR, also as the reply to an IXFR */
	REMOVING, /* of differences, behind the SOA that they begin with */
	ADDING,
	ENDED,
};

struct in_stream {
	struct in_stream_setup setup;
	struct zone *old;
	enum state state;
	uint32_t serial; /* of the first SOA */
	uint32_t step;   /* of the SOA that began the records being added */
	uint32_t soa_ttl;
	uint16_t soa_len;
	uint8_t soa[2 * NAME_MAX_LEN + 20];
	struct zone_builder *builder;
	struct in_delta *delta; /* not NULL: differences */
	bool incremental;
	uint64_t memory, records;
	struct in_record record;
};

#define FAULT(error, ...) error_set(error, EBADMSG, NULL, 0, __VA_ARGS__)

struct in_stream *in_stream_new(const struct in_stream_setup *setup)
{
	struct in_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->setup = *setup;
	if (setup->old)
		stream->old = zone_hold((struct zone *)(uintptr_t)setup->old);
	return stream;
}

static int add_to_builder(struct in_stream *stream, const struct in_record *record,
                          struct error *error)
{
	stream->memory += RECORD_COST + (unsigned int)record->name_len + record->rdata_len;
	return zone_add(stream->builder, record->name, record->name_len, record->type, record->ttl,
	                record->rdata, record->rdata_len, NULL, 0, error);
}

static int begin_whole(struct in_stream *stream, struct error *error)
{
	stream->state = WHOLE;
	stream->builder =
	        zone_begin(stream->setup.apex, stream->setup.apex_len, stream->setup.settings);
	return stream->builder ? 0 : error_set(error, ENOMEM, NULL, 0, "out of memory");
}

static int take_first(struct in_stream *stream, const struct in_record *record, bool is_soa,
                      uint32_t serial, struct error *error)
{
	if (!is_soa)
		return FAULT(error, "transfer that does not begin with the zone's SOA");
	stream->serial = serial;
	stream->soa_ttl = record->ttl;
	stream->soa_len = record->rdata_len;
	memcpy(stream->soa, record->rdata, record->rdata_len);
	stream->state = SECOND;
	return stream->setup.ixfr ? 0 : begin_whole(stream, error);
}

static int take_whole(struct in_stream *stream, const struct in_record *record, bool is_soa,
                      uint32_t serial, struct error *error)
{
	if (!is_soa)
		return add_to_builder(stream, record, error);
	if (serial != stream->serial)
		return FAULT(error, "transfer of serial %u that ends with serial %u",
		             stream->serial, serial);
	stream->state = ENDED;
	return 0;
}

/* RFC 1995 4: an old SOA as the second record means differences. */
static int take_second(struct in_stream *stream, const struct in_record *record, bool is_soa,
                       uint32_t serial, struct error *error)
{
	int fault;

	if (is_soa && stream->old && serial == stream->old->serial && serial != stream->serial) {
		stream->delta = in_delta_new(stream->old);
		if (!stream->delta)
			return error_set(error, ENOMEM, NULL, 0, "out of memory");
		stream->incremental = true;
		stream->state = REMOVING;
		return 0;
	}
	fault = begin_whole(stream, error);
	return fault ? fault : take_whole(stream, record, is_soa, serial, error);
}

static int take_removed(struct in_stream *stream, const struct in_record *record, bool is_soa,
                        uint32_t serial, struct error *error)
{
	if (!is_soa)
		return in_delta_remove(stream->delta, record, &stream->memory, error);
	stream->step = serial;
	stream->state = ADDING;
	return 0;
}

static int take_added(struct in_stream *stream, const struct in_record *record, bool is_soa,
                      uint32_t serial, struct error *error)
{
	if (!is_soa)
		return in_delta_add(stream->delta, record, &stream->memory, error);
	if (serial != stream->step)
		return FAULT(error, "differences up to serial %u are followed by those from %u",
		             stream->step, serial);
	stream->state = serial == stream->serial ? ENDED : REMOVING;
	return 0;
}

static int take(struct in_stream *stream, const struct in_record *record, struct error *error)
{
	const struct in_stream_setup *setup = &stream->setup;
	uint32_t serial = 0;
	bool is_soa = in_message_soa(record, setup->apex, setup->apex_len, &serial);

	if (record->class != AN_CLASS_IN)
		return FAULT(error, "record of class %u", record->class);
	if (record->type == AN_TYPE_SOA && !is_soa)
		return FAULT(error, "SOA of another name, or malformed");
	switch (stream->state) {
	case FIRST:
		return take_first(stream, record, is_soa, serial, error);
	case SECOND:
		return take_second(stream, record, is_soa, serial, error);
	case WHOLE:
		return take_whole(stream, record, is_soa, serial, error);
	case REMOVING:
		return take_removed(stream, record, is_soa, serial, error);
	case ADDING:
		return take_added(stream, record, is_soa, serial, error);
	case ENDED:
		break;
	}
	return FAULT(error, "records behind the end of the transfer");
}

/* Differences are checked as they come, for what a builder would refuse only in the end. */
static int check_record(const struct in_stream *stream, const struct in_record *record,
                        struct error *error)
{
	char name[NAME_TEXT_MAX], type[RDATA_TYPE_TEXT_MAX];

	if (!name_under(record->name, record->name_len, stream->setup.apex, stream->setup.apex_len))
		return FAULT(error, "%.240s is outside the zone", name_to_text(record->name, name));
	if (!rdata_valid(record->type, record->rdata, record->rdata_len))
		return FAULT(error, "%.240s: malformed %s rdata", name_to_text(record->name, name),
		             rdata_type_text(record->type, type));
	return 0;
}

int in_stream_message(struct in_stream *stream, struct in_message *message, struct error *error)
{
	struct in_record *record = &stream->record;
	int fault;

	if (!message->left)
		return FAULT(error, "message without a record");
	while ((fault = in_message_record(message, &stream->setup.types, record, error)) > 0) {
		stream->records++;
		fault = check_record(stream, record, error);
		if (!fault && zone_leaves_out(stream->setup.settings, record->type,
		                              record->name_len == stream->setup.apex_len))
			continue;
		if (!fault)
			fault = take(stream, record, error);
		if (fault)
			return fault;
		if (stream->memory > stream->setup.memory_max)
			return error_set(error, EFBIG, NULL, 0, "transfer that is too large");
	}
	if (fault)
		return fault;
	/* Neither a zone that is older nor the same one comes in place of ours. */
	if (stream->setup.ixfr && stream->old &&
	    !in_serial_newer(stream->serial, stream->old->serial))
		return IN_UP_TO_DATE;
	return stream->state == ENDED ? IN_DONE : IN_MORE;
}

static int finish_delta(struct in_stream *stream, struct error *error)
{
	int fault;

	stream->builder =
	        zone_begin(stream->setup.apex, stream->setup.apex_len, stream->setup.settings);
	if (!stream->builder)
		return error_set(error, ENOMEM, NULL, 0, "out of memory");
	fault = in_delta_apply(stream->delta, stream->builder, error);
	in_delta_free(stream->delta);
	stream->delta = NULL;
	return fault;
}

int in_stream_finish(struct in_stream *stream, struct zone **ret, struct error *error)
{
	const struct in_stream_setup *setup = &stream->setup;
	struct zone_builder *builder;
	int fault = 0;

	if (stream->delta)
		fault = finish_delta(stream, error);
	if (!fault)
		fault = zone_add(stream->builder, setup->apex, setup->apex_len, AN_TYPE_SOA,
		                 stream->soa_ttl, stream->soa, stream->soa_len, NULL, 0, error);
	if (fault)
		return fault;
	builder = stream->builder;
	stream->builder = NULL;
	return zone_end(builder, ret, error);
}

uint32_t in_stream_serial(const struct in_stream *stream)
{
	return stream->serial;
}

bool in_stream_is_incremental(const struct in_stream *stream)
{
	return stream->incremental;
}

uint64_t in_stream_memory(const struct in_stream *stream)
{
	return stream->memory;
}

uint64_t in_stream_records(const struct in_stream *stream)
{
	return stream->records;
}

void in_stream_free(struct in_stream *stream)
{
	if (!stream)
		return;
	zone_abandon(stream->builder);
	in_delta_free(stream->delta);
	zone_free(stream->old);
	free(stream);
}

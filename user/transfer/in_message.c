/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/in_message.h"

#include <errno.h>

#include "base/wire.h"

#define POINTER 0xc0u

/* Rdata with names in it: octets before them, how many names; what follows is copied. */
static const struct form {
	uint16_t type;
	uint8_t before, names;
} forms[] = {{AN_TYPE_NS, 0, 1},
             {3, 0, 1},
             {4, 0, 1},
             {AN_TYPE_CNAME, 0, 1},
             {AN_TYPE_SOA, 0, 2},
             {7, 0, 1},
             {8, 0, 1},
             {9, 0, 1},
             {AN_TYPE_PTR, 0, 1},
             {14, 0, 2},
             {17, 0, 2},
             {AN_TYPE_MX, 2, 1},
             {18, 2, 1},
             {21, 2, 1},
             {23, 0, 1},
             {24, 18, 1},
             {26, 2, 2},
             {30, 0, 1},
             {36, 2, 1},
             {AN_TYPE_SRV, 6, 1},
             {AN_TYPE_DNAME, 0, 1},
             {AN_TYPE_ANAME, 0, 1}};

#define TYPE_NAPTR 35

#define FAULT(error, ...) error_set(error, EBADMSG, NULL, 0, __VA_ARGS__)

/*
 * The name at *at, spelled out into `out`; *at moves behind it. Each pointer
 * leads to before the place where the run of labels began, so that this ends.
 * 0 or -EBADMSG.
 */
static int read_name(const struct in_message *message, size_t *at, size_t end, struct wire *out)
{
	size_t from = *at, limit = *at, begin = out->at;
	bool jumped = false;

	for (;;) {
		size_t bound = jumped ? message->len : end;
		unsigned int count;

		if (from >= bound)
			return -EBADMSG;
		count = message->octets[from];
		if (count >= POINTER) {
			if (bound - from < 2)
				return -EBADMSG;
			if (!jumped)
				*at = from + 2;
			jumped = true;
			from = (count & 0x3fu) << 8 | message->octets[from + 1];
			if (from >= limit)
				return -EBADMSG;
			limit = from;
			continue;
		}
		if (count > 63 || count >= bound - from ||
		    out->at - begin + count + 1 > NAME_MAX_LEN)
			return -EBADMSG;
		wire_put(out, message->octets + from, count + 1);
		from += count + 1;
		if (count)
			continue;
		if (!jumped)
			*at = from;
		return out->failed ? -EBADMSG : 0;
	}
}

/* ---- header and question ---- */

static int read_question(struct in_message *message, const struct in_question *question)
{
	uint8_t name[NAME_MAX_LEN];
	struct wire out = wire_writer(name, sizeof(name)), fields;

	if (read_name(message, &message->at, message->len, &out))
		return -EBADMSG;
	fields = wire_reader(message->octets + message->at, message->len - message->at);
	if (wire_get16(&fields) != question->type || wire_get16(&fields) != AN_CLASS_IN ||
	    fields.failed || !name_equal(name, out.at, question->apex, question->apex_len))
		return -EBADMSG;
	message->at += fields.at;
	return 0;
}

int in_message_begin(struct in_message *ret, const uint8_t *octets, size_t len,
                     const struct in_question *question, struct error *error)
{
	struct wire header = wire_reader(octets, len);
	unsigned int id = wire_get16(&header), flags = wire_get16(&header);
	unsigned int questions = wire_get16(&header), answers = wire_get16(&header);

	if (!wire_take(&header, 4))
		return FAULT(error, "message of %zu octets", len);
	*ret = (struct in_message){octets, len, header.at, (uint16_t)flags, answers};
	if (id != question->id)
		return FAULT(error, "message with another id");
	if (!(flags & AN_FLAG_QR) || (flags & AN_FLAG_OPCODE) != AN_OPCODE_QUERY)
		return FAULT(error, "message that is no reply to a query");
	if (questions > 1 || (questions && read_question(ret, question)))
		return FAULT(error, "message with another question");
	return 0;
}

/* ---- records ---- */

static const struct form *form_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].type == type)
			return &forms[i];
	return NULL;
}

static int copy_octets(const struct in_message *message, size_t *at, size_t end, size_t count,
                       struct wire *out)
{
	if (count > end - *at)
		return -EBADMSG;
	wire_put(out, message->octets + *at, count);
	*at += count;
	return out->failed ? -EBADMSG : 0;
}

/* ORDER, PREFERENCE, three strings, and a name (RFC 3403 4.1). */
static int read_naptr(const struct in_message *message, size_t *at, size_t end, struct wire *out)
{
	int fault = copy_octets(message, at, end, 4, out);

	for (int i = 0; i < 3 && !fault; i++)
		fault = *at < end ? copy_octets(message, at, end, 1u + message->octets[*at], out)
		                  : -EBADMSG;
	return fault ? fault : read_name(message, at, end, out);
}

static int read_rdata(const struct in_message *message, size_t at, size_t end,
                      struct in_record *record)
{
	struct wire out = wire_writer(record->rdata, sizeof(record->rdata));
	const struct form *form = form_of(record->type);
	int fault = 0;

	if (record->type == TYPE_NAPTR) {
		fault = read_naptr(message, &at, end, &out);
	} else if (form) {
		fault = copy_octets(message, &at, end, form->before, &out);
		for (unsigned int i = 0; i < form->names && !fault; i++)
			fault = read_name(message, &at, end, &out);
	}
	if (!fault)
		fault = copy_octets(message, &at, end, end - at, &out);
	record->rdata_len = (uint16_t)out.at;
	return fault;
}

static uint16_t mapped_type(const struct in_types *types, uint16_t type)
{
	for (size_t i = 0; i < sizeof(types->aname) / sizeof(types->aname[0]); i++)
		if (type && type == types->aname[i])
			return AN_TYPE_ANAME;
	return type;
}

int in_message_record(struct in_message *message, const struct in_types *types,
                      struct in_record *ret, struct error *error)
{
	struct wire out = wire_writer(ret->name, sizeof(ret->name)), fields;
	size_t rdata, len;

	if (!message->left)
		return 0;
	if (read_name(message, &message->at, message->len, &out))
		return FAULT(error, "message with a malformed owner name");
	ret->name_len = (uint8_t)out.at;
	fields = wire_reader(message->octets + message->at, message->len - message->at);
	ret->type = mapped_type(types, (uint16_t)wire_get16(&fields));
	ret->class = (uint16_t)wire_get16(&fields);
	ret->ttl = wire_get32(&fields);
	len = wire_get16(&fields);
	rdata = message->at + fields.at;
	if (!wire_take(&fields, len))
		return FAULT(error, "message that ends within a record");
	if (read_rdata(message, rdata, rdata + len, ret))
		return FAULT(error, "message with malformed rdata of type %u", ret->type);
	message->at = rdata + len;
	message->left--;
	return 1;
}

bool in_message_soa(const struct in_record *record, const uint8_t *apex, size_t apex_len,
                    uint32_t *ret_serial)
{
	struct wire numbers;
	int first, second;

	if (record->type != AN_TYPE_SOA || record->class != AN_CLASS_IN ||
	    !name_equal(record->name, record->name_len, apex, apex_len))
		return false;
	first = name_parse_wire(record->rdata, record->rdata_len);
	if (first < 0)
		return false;
	second = name_parse_wire(record->rdata + first, record->rdata_len - (size_t)first);
	if (second < 0 || record->rdata_len != (size_t)(first + second) + 20)
		return false;
	numbers = wire_reader(record->rdata + first + second, 4);
	*ret_serial = wire_get32(&numbers);
	return true;
}

/* ---- queries ---- */

size_t in_message_query(const struct in_question *question, const uint8_t *soa, size_t soa_len,
                        uint8_t *out, size_t size)
{
	struct wire wire = wire_writer(out, size);

	wire_put16(&wire, question->id);
	wire_put16(&wire, 0);
	wire_put16(&wire, 1);
	wire_put16(&wire, 0);
	wire_put16(&wire, soa ? 1 : 0);
	wire_put16(&wire, 0);
	wire_put(&wire, question->apex, question->apex_len);
	wire_put16(&wire, question->type);
	wire_put16(&wire, AN_CLASS_IN);
	if (soa) {
		wire_put16(&wire, POINTER << 8 | AN_DNS_HEADER_LEN);
		wire_put16(&wire, AN_TYPE_SOA);
		wire_put16(&wire, AN_CLASS_IN);
		wire_put32(&wire, 0);
		wire_put16(&wire, (unsigned int)soa_len);
		wire_put(&wire, soa, soa_len);
	}
	return wire.failed ? 0 : wire.at;
}

char *in_message_rcode(unsigned int rcode, char ret[20])
{
	static const char *const words[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
	                                    "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
	                                    "NXRRSET", "NOTAUTH", "NOTZONE"};

	if (rcode < sizeof(words) / sizeof(words[0]))
		snprintf(ret, 20, "%s", words[rcode]);
	else
		snprintf(ret, 20, "RCODE %u", rcode);
	return ret;
}

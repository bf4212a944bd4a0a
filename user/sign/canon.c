/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/canon.h"

#include <stdlib.h>

#include "anamed/dns.h"
#include "base/name.h"

#define RR_FIXED_LEN 10 /* type, class, TTL, length */
#define TYPE_NAPTR   35
#define FEW          32 /* records whose order needs no memory of its own */

/* `before` octets, then `names` names: the types of RFC 4034 6.2 as RFC 6840 5.1 leaves them. */
static const struct form {
	uint16_t type;
	uint8_t before, names;
} forms[] = {
        {AN_TYPE_NS, 0, 1},     {3, 0, 1} /* MD */,    {4, 0, 1} /* MF */,
        {AN_TYPE_CNAME, 0, 1},  {AN_TYPE_SOA, 0, 2},   {7, 0, 1} /* MB */,
        {8, 0, 1} /* MG */,     {9, 0, 1} /* MR */,    {AN_TYPE_PTR, 0, 1},
        {14, 0, 2} /* MINFO */, {AN_TYPE_MX, 2, 1},    {17, 0, 2} /* RP */,
        {18, 2, 1} /* AFSDB */, {AN_TYPE_RT, 2, 1},    {24, 18, 1} /* SIG */,
        {26, 2, 2} /* PX */,    {30, 0, 1} /* NXT */,  {AN_TYPE_SRV, 6, 1},
        {AN_TYPE_KX, 2, 1},     {AN_TYPE_DNAME, 0, 1}, {AN_TYPE_RRSIG, 18, 1},
};

/* RFC 3403 4.1: order, preference, three strings, and the name. */
static size_t naptr_name_at(const uint8_t *rdata, size_t len)
{
	size_t at = 4;

	for (int strings = 0; strings < 3 && at < len; strings++)
		at += 1u + rdata[at];
	return at;
}

static void lower_names(uint16_t type, uint8_t *rdata, size_t len)
{
	size_t at = len;
	unsigned int names = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i].type == type) {
			at = forms[i].before;
			names = forms[i].names;
		}
	}
	if (type == TYPE_NAPTR) {
		at = naptr_name_at(rdata, len);
		names = 1;
	}
	for (; names && at < len; names--) {
		int name = name_parse_wire(rdata + at, len - at);

		if (name < 0)
			return; /* not of the form that its type has: opaque */
		name_lower(rdata + at, rdata + at, (size_t)name);
		at += (size_t)name;
	}
}

/* One record's rdata. */
struct value {
	const uint8_t *data;
	size_t len;
};

static struct value value_at(const struct sign_input *input, unsigned int i)
{
	if (input->rrset)
		return (struct value){input->rrset->rdata[i].data, input->rrset->rdata[i].len};
	if (input->picked)
		i = input->picked[i];
	return (struct value){input->octets + (size_t)i * input->stride, input->stride};
}

static unsigned int count_of(const struct sign_input *input)
{
	return input->rrset ? input->rrset->count : input->count;
}

size_t canon_len(const struct sign_input *input)
{
	size_t len = 0;

	for (unsigned int i = 0; i < count_of(input); i++)
		len += input->owner_len + RR_FIXED_LEN + value_at(input, i).len;
	return len;
}

unsigned int canon_labels(const uint8_t *owner)
{
	unsigned int labels = name_labels(owner);

	return labels && owner[0] == 1 && owner[1] == '*' ? labels - 1 : labels;
}

static void put_record(const struct sign_input *input, unsigned int i, struct wire *w)
{
	struct value value = value_at(input, i);
	uint8_t *owner = wire_take(w, input->owner_len), *rdata;

	if (owner)
		name_lower(owner, input->owner, input->owner_len);
	wire_put16(w, input->type);
	wire_put16(w, AN_CLASS_IN);
	wire_put32(w, input->ttl);
	wire_put16(w, (unsigned int)value.len);
	rdata = wire_take(w, value.len);
	if (!rdata)
		return;
	memcpy(rdata, value.data, value.len);
	lower_names(input->type, rdata, value.len);
}

/* ---- order ---- */

/* A record that was put, by its rdata. */
struct place {
	const uint8_t *rdata;
	size_t len;
};

static int places_compare(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = memcmp(one->rdata, two->rdata, one->len < two->len ? one->len : two->len);

	if (order)
		return order;
	return one->len < two->len ? -1 : one->len > two->len;
}

/* Zone data are in order already, each once, unless case says otherwise in a type that is opaque
 * there. */
static bool find_places(const struct sign_input *input, uint8_t *records, struct place *ret)
{
	unsigned int count = count_of(input);
	uint8_t *at = records;
	bool sorted = true;

	for (unsigned int i = 0; i < count; i++) {
		size_t len = value_at(input, i).len;

		ret[i] = (struct place){at + input->owner_len + RR_FIXED_LEN, len};
		at += input->owner_len + RR_FIXED_LEN + len;
		if (i && places_compare(&ret[i - 1], &ret[i]) >= 0)
			sorted = false;
	}
	return sorted;
}

/* RFC 4034 6.3: in order, and what has become the same once. *len is shortened with it. */
static bool sort(const struct sign_input *input, uint8_t *records, size_t *len,
                 struct place *places)
{
	size_t head = input->owner_len + RR_FIXED_LEN;
	unsigned int count = count_of(input);
	uint8_t *copy, *at = records;

	if (!records)
		return false;
	if (find_places(input, records, places))
		return true;
	copy = malloc(*len);
	if (!copy)
		return false;
	memcpy(copy, records, *len);
	qsort(places, count, sizeof(*places), places_compare);
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *record = copy + (places[i].rdata - records) - head;

		places[i].rdata = copy + (places[i].rdata - records);
		if (i && !places_compare(&places[i - 1], &places[i]))
			continue;
		memcpy(at, record, head + places[i].len);
		at += head + places[i].len;
	}
	*len = (size_t)(at - records);
	free(copy);
	return true;
}

bool canon_put(const struct sign_input *input, struct wire *w)
{
	unsigned int count = count_of(input);
	struct place few[FEW], *places = few;
	size_t at = w->at, len;
	bool good;

	for (unsigned int i = 0; i < count; i++)
		put_record(input, i, w);
	if (w->failed || count < 2)
		return !w->failed;
	if (count > FEW)
		places = calloc(count, sizeof(*places));
	len = w->at - at;
	good = places && sort(input, w->base + at, &len, places);
	w->at = at + len;
	if (places != few)
		free(places);
	return good;
}

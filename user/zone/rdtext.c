/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/rdtext.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "base/wire.h"
#include "zone/number.h"
#include "zone/rdata.h"
#include "zone/rdsec.h"
#include "zone/svcb.h"

/* Where a piece of rdata stands, for messages and relative names. */
struct place {
	const char *file;
	unsigned int line;
	const uint8_t *origin;
	size_t origin_len;
	struct error *error;
};

static unsigned int line_of(const struct place *place, const struct token *at)
{
	return at ? at->line : place->line;
}

/* About one token, or (NULL) the record as a whole. */
#define FAULT(place, at, ...)                                                                      \
	error_set((place)->error, EINVAL, (place)->file, line_of(place, at), __VA_ARGS__)

/* ---- types ---- */

uint16_t rdtext_type(const char *text)
{
	static const struct {
		const char *text;
		uint16_t type;
	} often[] = {
	        {"A", AN_TYPE_A},
	        {"AAAA", AN_TYPE_AAAA},
	        {"NS", AN_TYPE_NS},
	        {"CNAME", AN_TYPE_CNAME},
	        {"MX", AN_TYPE_MX},
	        {"TXT", AN_TYPE_TXT},
	        {"ANAME", AN_TYPE_ANAME},
	        {"ALIAS", AN_TYPE_ANAME},
	        {"SRV", AN_TYPE_SRV},
	        {"PTR", AN_TYPE_PTR},
	        {"CAA", LDNS_RR_TYPE_CAA},
	        {"DS", AN_TYPE_DS},
	        {"RRSIG", LDNS_RR_TYPE_RRSIG},
	        {"NSEC", LDNS_RR_TYPE_NSEC},
	        {"NSEC3", LDNS_RR_TYPE_NSEC3},
	};
	uint32_t number;

	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++)
		if (!strcasecmp(text, often[i].text))
			return often[i].type;
	if (!strncasecmp(text, "TYPE", 4))
		return number_parse(text + 4, 65535, &number) ? 0 : (uint16_t)number;
	return (uint16_t)ldns_get_rr_type_by_name(text);
}

/* ---- rdata of single fields ---- */

/* 4, 6: addresses; n: name; s: 16 bits. */
static const char *fields_of(uint16_t type)
{
	switch (type) {
	case AN_TYPE_A:
		return "4";
	case AN_TYPE_AAAA:
		return "6";
	case AN_TYPE_NS:
	case AN_TYPE_CNAME:
	case AN_TYPE_PTR:
	case AN_TYPE_DNAME:
	case AN_TYPE_ANAME:
	case LDNS_RR_TYPE_NSAP_PTR: /* text, says ldns */
		return "n";
	case AN_TYPE_MX:
		return "sn";
	case AN_TYPE_SRV:
		return "sssn";
	default:
		return NULL;
	}
}

static int parse_field(char field, const struct token *token, const struct place *place,
                       struct wire *out)
{
	uint8_t octets[NAME_MAX_LEN];
	uint32_t number;
	int len;

	switch (field) {
	case '4':
		if (inet_pton(AF_INET, token->text, octets) != 1)
			return FAULT(place, token, "bad IPv4 address \"%.60s\"", token->text);
		wire_put(out, octets, 4);
		return 0;
	case '6':
		if (inet_pton(AF_INET6, token->text, octets) != 1)
			return FAULT(place, token, "bad IPv6 address \"%.60s\"", token->text);
		wire_put(out, octets, 16);
		return 0;
	case 's':
		if (number_parse(token->text, 65535, &number))
			return FAULT(place, token, "\"%.60s\" is not a number up to 65535",
			             token->text);
		wire_put16(out, number);
		return 0;
	default:
		len = name_from_text(token->text, place->origin, place->origin_len, octets);
		if (len < 0)
			return FAULT(place, token, "bad name \"%.260s\"", token->text);
		wire_put(out, octets, (size_t)len);
		return 0;
	}
}

static int parse_fields(const char *fields, const struct token *tokens, size_t count,
                        const struct place *place, struct wire *out)
{
	size_t wanted = strlen(fields);

	if (count != wanted)
		return FAULT(place, count > wanted ? &tokens[wanted] : NULL,
		             "rdata of %zu fields, %zu wanted", count, wanted);
	for (size_t i = 0; i < count; i++) {
		int fault;

		if (tokens[i].quoted || tokens[i].inner_quotes)
			return FAULT(place, &tokens[i], "quotes around %.60s", tokens[i].text);
		fault = parse_field(fields[i], &tokens[i], place, out);
		if (fault)
			return fault;
	}
	return 0;
}

/* ---- TXT and CAA: ldns takes two allocations of 64 KiB for each ---- */

/* One octet of a character-string, RFC 1035 5.1; what it took of `text`, 0 if malformed. */
static size_t string_octet(const char *text, size_t len, uint8_t *ret)
{
	unsigned int value = 0;

	*ret = (uint8_t)text[0];
	if (text[0] != '\\')
		return 1;
	if (len < 2)
		return 0;
	*ret = (uint8_t)text[1];
	if (text[1] < '0' || text[1] > '9')
		return 2;
	for (size_t i = 1; i <= 3; i++) {
		if (i == len || text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned int)(text[i] - '0');
	}
	*ret = (uint8_t)value;
	return value > 255 ? 0 : 4;
}

static int parse_string(const struct token *token, const struct place *place, struct wire *out)
{
	const char *text = token->text + token->quoted;
	size_t len = token->len - 2u * token->quoted, count = 0, used;
	uint8_t octets[255];

	for (; len; text += used, len -= used) {
		if (count == sizeof(octets))
			return FAULT(place, token, "a string of over 255 octets");
		used = string_octet(text, len, &octets[count++]);
		if (!used)
			return FAULT(place, token, "bad escape in %.60s", token->text);
	}
	wire_put8(out, (unsigned int)count);
	wire_put(out, octets, count);
	return 0;
}

static int parse_strings(const struct token *tokens, size_t count, const struct place *place,
                         struct wire *out)
{
	for (size_t i = 0; i < count; i++) {
		int fault;

		if (tokens[i].inner_quotes)
			return FAULT(place, &tokens[i], "quote inside the word %.60s",
			             tokens[i].text);
		fault = parse_string(&tokens[i], place, out);
		if (fault)
			return fault;
	}
	return 0;
}

/* RFC 8659 4.1: letters and digits. */
static int parse_tag(const struct token *token, const struct place *place, struct wire *out)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (!token->len || token->len > 255 || strspn(token->text, allowed) != token->len)
		return FAULT(place, token, "bad property tag \"%.60s\"", token->text);
	wire_put8(out, (unsigned int)token->len);
	wire_put(out, token->text, token->len);
	return 0;
}

/* Flags, tag, and a value that is as long as what is left (RFC 8659 4.1). */
static int parse_caa(const struct token *tokens, size_t count, const struct place *place,
                     struct wire *out)
{
	const char *text;
	uint32_t flags;
	size_t len, used;
	int fault;

	if (count != 3)
		return FAULT(place, NULL, "rdata of %zu fields, 3 wanted", count);
	if (tokens[2].inner_quotes)
		return FAULT(place, &tokens[2], "quote inside the word %.60s", tokens[2].text);
	if (number_parse(tokens[0].text, 255, &flags))
		return FAULT(place, &tokens[0], "\"%.60s\" is not a number up to 255",
		             tokens[0].text);
	wire_put8(out, flags);
	fault = parse_tag(&tokens[1], place, out);
	text = tokens[2].text + tokens[2].quoted;
	len = tokens[2].len - 2u * tokens[2].quoted;
	for (; len && !fault; text += used, len -= used) {
		uint8_t octet;

		used = string_octet(text, len, &octet);
		if (!used)
			return FAULT(place, &tokens[2], "bad escape in %.60s", tokens[2].text);
		wire_put8(out, octet);
	}
	return fault;
}

/* ---- IPSECKEY: ldns forgets the origin of its gateway, and leaks over faults ---- */

/* The tokens together are one piece of base64. */
static int parse_base64(const struct token *tokens, size_t count, const struct place *place,
                        struct wire *out)
{
	size_t size = 1, at = 0;
	char *text;
	ldns_rdf *rdf;

	for (size_t i = 0; i < count; i++)
		size += tokens[i].len;
	text = malloc(size);
	if (!text)
		return error_set(place->error, ENOMEM, place->file, place->line, "out of memory");
	for (size_t i = 0; i < count; i++) {
		memcpy(text + at, tokens[i].text, tokens[i].len);
		at += tokens[i].len;
	}
	text[at] = '\0';
	rdf = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_B64, text);
	free(text);
	if (!rdf)
		return FAULT(place, tokens, "bad base64");
	wire_put(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
	return 0;
}

/* Precedence, gateway type, algorithm, gateway, key (RFC 4025 3.1). */
static int parse_ipseckey(const struct token *tokens, size_t count, const struct place *place,
                          struct wire *out)
{
	static const char fields[] = {'.', '4', '6', 'n'};
	uint32_t number[3];

	if (count < 4)
		return FAULT(place, NULL, "rdata of %zu fields, at least 4 wanted", count);
	for (int i = 0; i < 3; i++) {
		if (number_parse(tokens[i].text, i == 1 ? 3 : 255, &number[i]))
			return FAULT(place, &tokens[i], "bad number \"%.60s\"", tokens[i].text);
		wire_put8(out, number[i]);
	}
	if (number[1]) {
		int fault = parse_field(fields[number[1]], &tokens[3], place, out);

		if (fault)
			return fault;
	} else if (strcmp(tokens[3].text, ".")) {
		return FAULT(place, &tokens[3], "gateway type 0 has the gateway \".\"");
	}
	return count == 4 ? 0 : parse_base64(tokens + 4, count - 4, place, out);
}

/* ---- SVCB and HTTPS: ldns takes what RFC 9460 D.3 refuses, and reads escapes once only ---- */

static int parse_svcb(const struct token *tokens, size_t count, const struct place *place,
                      struct wire *out)
{
	const char *fault;
	size_t at;
	int bad;

	if (count < 2)
		return FAULT(place, NULL, "rdata of %zu fields, at least 2 wanted", count);
	bad = parse_fields("sn", tokens, 2, place, out);
	if (bad)
		return bad;
	fault = svcb_params(tokens + 2, count - 2, out, &at);
	return fault ? FAULT(place, &tokens[2 + at], "%s: %.60s", fault, tokens[2 + at].text) : 0;
}

/* ---- RRSIG, NSEC, NSEC3: rdsec.c ---- */

static bool is_security(uint16_t type)
{
	return type == AN_TYPE_RRSIG || type == AN_TYPE_NSEC || type == AN_TYPE_NSEC3;
}

static int parse_security(uint16_t type, const struct token *tokens, size_t count,
                          const struct place *place, struct wire *out)
{
	struct rdsec in = {tokens, count, place->origin, place->origin_len, 0};
	const char *fault = type == AN_TYPE_RRSIG  ? rdsec_rrsig(&in, out)
	                    : type == AN_TYPE_NSEC ? rdsec_nsec(&in, out)
	                                           : rdsec_nsec3(&in, out);

	if (fault && in.at < count)
		return FAULT(place, &tokens[in.at], "%s: %.60s", fault, tokens[in.at].text);
	if (fault)
		return FAULT(place, NULL, "%s", fault);
	if (type != AN_TYPE_RRSIG)
		return 0;
	return parse_base64(tokens + RDSEC_RRSIG_FIELDS, count - RDSEC_RRSIG_FIELDS, place, out);
}

/* A mnemonic in an algorithm's place is for ldns. */
static bool is_ours(uint16_t type, const struct token *tokens, size_t count)
{
	return is_security(type) &&
	       (type != AN_TYPE_RRSIG || count < 2 ||
	        strspn(tokens[1].text, "0123456789") == strlen(tokens[1].text));
}

/* ---- the generic form ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* True if ldns, which knows the type, reads the octets as rdata of it and writes the same. */
static bool generic_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	uint8_t record[11 + RDTEXT_MAX];
	struct wire w = wire_writer(record, sizeof(record));
	struct wire back = wire_reader(rdata, len);
	ldns_rr *rr = NULL;
	size_t at = 0;
	bool same = true;

	wire_put8(&w, 0);
	wire_put16(&w, type);
	wire_put16(&w, AN_CLASS_IN);
	wire_put32(&w, 0);
	wire_put16(&w, (unsigned int)len);
	wire_put(&w, rdata, len);
	if (ldns_wire2rr(&rr, record, w.at, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		return false;
	for (size_t i = 0; i < ldns_rr_rd_count(rr) && same; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *piece = wire_take(&back, ldns_rdf_size(rdf));

		same = piece && !memcmp(piece, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	}
	ldns_rr_free(rr);
	return same && !back.failed && !wire_left(&back);
}

static bool known_to_ldns(uint16_t type)
{
	const ldns_rr_descriptor *form = ldns_rr_descript(type);

	return form && form->_type == (ldns_rr_type)type;
}

static int parse_generic(uint16_t type, const struct token *tokens, size_t count,
                         const struct place *place, struct wire *out)
{
	uint32_t len;

	if (count < 2 || number_parse(tokens[1].text, RDTEXT_MAX, &len))
		return FAULT(place, &tokens[0], "\\# without a length up to 65535");
	for (size_t i = 2; i < count; i++) {
		for (const char *text = tokens[i].text; *text; text += 2) {
			int high = hex_digit(text[0]), low = text[1] ? hex_digit(text[1]) : -1;

			if (high < 0 || low < 0)
				return FAULT(place, &tokens[i], "bad hexadecimal \"%.60s\"",
				             tokens[i].text);
			wire_put8(out, (unsigned int)(high << 4 | low));
		}
	}
	if (out->failed || out->at != len)
		return FAULT(place, &tokens[1], "\\# %u is not followed by that many octets",
		             (unsigned int)len);
	/* RRSIG and the like are held to rdata_valid() alone: of them there are many. */
	if (!is_security(type) && known_to_ldns(type) && !generic_valid(type, out->base, out->at))
		return FAULT(place, &tokens[1], "these octets are not rdata of the type");
	return 0;
}

/* ---- the rest, by ldns ---- */

static bool all_digits(const char *text)
{
	return strspn(text, "0123456789") == strlen(text);
}

/* Refuses what ldns would take and bend: numbers that wrap, quotes that become part of a name. */
static int check_field(ldns_rdf_type field, const struct token *token, const struct place *place)
{
	uint32_t number, least = 0, most = UINT32_MAX;

	switch (field) {
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
		if (!all_digits(token->text)) /* a mnemonic */
			return 0;
		least = field == LDNS_RDF_TYPE_CERT_ALG; /* 0 is reserved, and leaks in ldns */
		most = field == LDNS_RDF_TYPE_ALG ? 255 : 65535;
		break;
	case LDNS_RDF_TYPE_INT8:
		most = 255;
		break;
	case LDNS_RDF_TYPE_INT16:
		most = 65535;
		break;
	case LDNS_RDF_TYPE_INT32:
		break;
	case LDNS_RDF_TYPE_PERIOD: /* RFC 1035 3.3.13: 32 bits; with units as a TTL */
		if (number_parse(token->text, UINT32_MAX, &number) &&
		    number_parse_ttl(token->text, &number))
			return FAULT(place, token, "bad period \"%.60s\"", token->text);
		return 0;
	case LDNS_RDF_TYPE_DNAME:
		if (token->quoted)
			return FAULT(place, token, "quotes around the name %.60s", token->text);
		return 0;
	default:
		return 0;
	}
	if (number_parse(token->text, most, &number) || number < least)
		return FAULT(place, token, "\"%.60s\" is not a number from %u up to %u",
		             token->text, (unsigned int)least, (unsigned int)most);
	return 0;
}

/* ldns would fill half an octet up. The digits may stand in several tokens. */
static int check_hex(const struct token *tokens, size_t count, const struct place *place)
{
	size_t digits = 0;

	for (size_t i = 0; i < count; i++)
		digits += tokens[i].len;
	return digits % 2 ? FAULT(place, tokens, "an odd number of hexadecimal digits") : 0;
}

static int check_fields(uint16_t type, const struct token *tokens, size_t count,
                        const struct place *place)
{
	const ldns_rr_descriptor *form = ldns_rr_descript(type);
	size_t most = ldns_rr_descriptor_maximum(form);

	for (size_t i = 0; i < count; i++) {
		int fault = 0;

		if (tokens[i].inner_quotes)
			return FAULT(place, &tokens[i], "quote inside the word %.60s",
			             tokens[i].text);
		if (i < most)
			fault = check_field(ldns_rr_descriptor_field_type(form, i), &tokens[i],
			                    place);
		if (!fault && i < most &&
		    ldns_rr_descriptor_field_type(form, i) == LDNS_RDF_TYPE_HEX)
			fault = check_hex(&tokens[i], count - i, place);
		if (fault)
			return fault;
	}
	return 0;
}

static void put_token(struct wire *line, const struct token *token, ldns_rdf_type field)
{
	/* RFC 8659 4.1: the value may stand without quotes; ldns wants them. */
	bool wrap = field == LDNS_RDF_TYPE_LONG_STR && !token->quoted;

	wire_put8(line, ' ');
	if (wrap)
		wire_put8(line, '"');
	wire_put(line, token->text, token->len);
	if (wrap)
		wire_put8(line, '"');
}

/* ". 0 IN TYPEnnn TOKEN ...", to be freed; NULL if out of memory. */
static char *line_for_ldns(uint16_t type, const struct token *tokens, size_t count)
{
	const ldns_rr_descriptor *form = ldns_rr_descript(type);
	size_t most = ldns_rr_descriptor_maximum(form), size = 32;
	struct wire line;
	char *text;

	for (size_t i = 0; i < count; i++)
		size += tokens[i].len + 3; /* a blank and two quotes */
	text = malloc(size);
	if (!text)
		return NULL;
	line = wire_writer(text, size);
	line.at = (size_t)snprintf(text, size, ". 0 IN TYPE%u", type);
	for (size_t i = 0; i < count; i++)
		put_token(&line, &tokens[i],
		          i < most ? ldns_rr_descriptor_field_type(form, i) : LDNS_RDF_TYPE_NONE);
	wire_put8(&line, '\0');
	return text;
}

static int parse_line(const char *line, const struct place *place, struct wire *out)
{
	ldns_rdf *origin =
	        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, place->origin_len, place->origin);
	ldns_status status = LDNS_STATUS_MEM_ERR;
	ldns_rr *rr = NULL;

	if (origin)
		status = ldns_rr_new_frm_str(&rr, line, 0, origin, NULL);
	ldns_rdf_deep_free(origin);
	if (status != LDNS_STATUS_OK)
		return FAULT(place, NULL, "%s", ldns_get_errorstr_by_id(status));
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		wire_put(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	}
	ldns_rr_free(rr);
	return 0;
}

static int parse_by_ldns(uint16_t type, const struct token *tokens, size_t count,
                         const struct place *place, struct wire *out)
{
	char text[RDATA_TYPE_TEXT_MAX];
	char *line;
	int fault;

	if (!known_to_ldns(type) || !rdata_type_storable(type))
		return FAULT(place, NULL, "%s needs the form \\# LENGTH HEX",
		             rdata_type_text(type, text));
	fault = check_fields(type, tokens, count, place);
	if (fault)
		return fault;
	line = line_for_ldns(type, tokens, count);
	if (!line)
		return error_set(place->error, ENOMEM, place->file, place->line, "out of memory");
	/* It reads that much of the rdata and then, silently, no more. */
	if (strlen(line) >= LDNS_MAX_PACKETLEN)
		fault = FAULT(place, NULL, "rdata of over %d characters", LDNS_MAX_PACKETLEN);
	else
		fault = parse_line(line, place, out);
	free(line);
	return fault;
}

int rdtext_parse(uint16_t type, const struct token *tokens, size_t count, const uint8_t *origin,
                 size_t origin_len, const char *file, unsigned int line, uint8_t ret[RDTEXT_MAX],
                 struct error *error)
{
	const struct place place = {file, line, origin, origin_len, error};
	const char *fields = fields_of(type);
	struct wire out = wire_writer(ret, RDTEXT_MAX);
	int fault;

	if (count && !strcmp(tokens[0].text, "\\#"))
		fault = parse_generic(type, tokens, count, &place, &out);
	else if (!count)
		fault = FAULT(&place, NULL, "record without rdata");
	else if (type == LDNS_RR_TYPE_IPSECKEY)
		fault = parse_ipseckey(tokens, count, &place, &out);
	else if (type == AN_TYPE_SVCB || type == AN_TYPE_HTTPS)
		fault = parse_svcb(tokens, count, &place, &out);
	else if (type == AN_TYPE_TXT)
		fault = parse_strings(tokens, count, &place, &out);
	else if (type == LDNS_RR_TYPE_CAA)
		fault = parse_caa(tokens, count, &place, &out);
	else if (is_ours(type, tokens, count))
		fault = parse_security(type, tokens, count, &place, &out);
	else if (fields)
		fault = parse_fields(fields, tokens, count, &place, &out);
	else
		fault = parse_by_ldns(type, tokens, count, &place, &out);
	if (fault)
		return fault;
	if (out.failed)
		return FAULT(&place, NULL, "rdata over %d octets", RDTEXT_MAX);
	return (int)out.at;
}

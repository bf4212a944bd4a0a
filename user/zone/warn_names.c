/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that are worth a word to who checks a zone: hosts that are not named
 * as hosts are (RFC 952, RFC 1123 2.1), wildcards that match nothing.
 */
#include <string.h>

#include "anamed/dns.h"
#include "zone/build.h"

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* A length octet and so many others. */
static bool is_host_label(const uint8_t *label)
{
	unsigned int len = label[0];

	for (unsigned int i = 1; i <= len; i++)
		if (!is_alphanumeric(label[i]) && (i == 1 || i == len || label[i] != '-'))
			return false;
	return true;
}

static bool is_host(const uint8_t *name)
{
	for (; *name; name += 1 + *name)
		if (!is_host_label(name))
			return false;
	return true;
}

static bool is_asterisk(const uint8_t *label)
{
	return label[0] == 1 && label[1] == '*';
}

/* Owners of addresses and MX: a wildcard stands for hosts; Active Directory has one of its own. */
static bool may_be_host(const uint8_t *name, size_t len)
{
	static const uint8_t directory[] = {2, 'g', 'c', 6, '_', 'm', 's', 'd', 'c', 's'};

	if (len > sizeof(directory) && !memcmp(name, directory, sizeof(directory)))
		return true;
	return is_host(is_asterisk(name) ? name + 2 : name);
}

/* RFC 4592 2.1.1: only the first label of a name can make it a wildcard. */
static bool has_lost_asterisk(const uint8_t *name)
{
	for (name += *name ? 1 + *name : 0; *name; name += 1 + *name)
		if (is_asterisk(name))
			return true;
	return false;
}

static bool is_of_host(uint16_t type)
{
	return type == AN_TYPE_A || type == AN_TYPE_AAAA || type == AN_TYPE_MX;
}

int warn_owner(struct zone_builder *builder, const struct node *node, const struct record *records)
{
	const struct record *host = NULL;
	int err = 0;

	if (has_lost_asterisk(node->pub.name))
		err = build_warn_of(builder, node, records, true,
		                    "an asterisk behind the first label is no wildcard");
	for (; records; records = records->next) /* the first in the file comes last */
		if (is_of_host(records->type))
			host = records;
	if (!err && host && !may_be_host(node->pub.name, node->pub.name_len))
		err = build_warn_of(builder, node, host, true, "is no name for a host");
	return err;
}

int warn_host_target(struct zone_builder *builder, const struct node *node,
                     const struct record *record)
{
	size_t at = record->type == AN_TYPE_MX ? 2 : record->type == AN_TYPE_SRV ? 6 : 0;
	char text[NAME_TEXT_MAX];

	if (record->type != AN_TYPE_NS && record->type != AN_TYPE_SOA && !at)
		return 0;
	if (is_host(record->data + at))
		return 0;
	return build_warn_of(builder, node, record, true, "%.200s is no name for a host",
	                     name_to_text(record->data + at, text));
}

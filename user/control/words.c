/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "anamed/dns.h"
#include "base/name.h"
#include "zone/rdata.h"

int words_name(const char *text, struct config_name *ret)
{
	struct config_name name;
	int len = text[0] ? name_from_text(text, NULL, 0, name.name) : -EINVAL;

	if (len < 0)
		return -EINVAL;
	name_lower(name.name, name.name, (size_t)len);
	name.len = (uint8_t)len;
	*ret = name;
	return 0;
}

static int words_type_number(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long value;

	if (strncasecmp(text, "TYPE", 4) != 0 || text[4] < '0' || text[4] > '9')
		return -EINVAL;
	value = strtoul(text + 4, &end, 10);
	if (*end || value > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)value;
	return 0;
}

int words_type(const char *text, uint16_t *ret)
{
	if (strcasecmp(text, "ALIAS") == 0) {
		*ret = AN_TYPE_ANAME;
		return 0;
	}
	if (strcasecmp(text, "ANY") == 0) {
		*ret = AN_TYPE_ANY;
		return 0;
	}
	for (unsigned int type = 1; type <= UINT16_MAX; type++) {
		char name[RDATA_TYPE_TEXT_MAX];

		if (strcasecmp(rdata_type_text((uint16_t)type, name), text) == 0) {
			*ret = (uint16_t)type;
			return 0;
		}
	}
	return words_type_number(text, ret);
}

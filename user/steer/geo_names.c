/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of policies and regions: by first mention, and kept. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/geo_room.h"

int geo_names_policy(struct geo_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->policies[i].name, name) == 0)
			return (int)i;
	if (names->count == AN_POLICIES_MAX)
		return -ENOSPC;
	names->policies[names->count].name = strdup(name);
	if (!names->policies[names->count].name)
		return -ENOMEM;
	return (int)names->count++;
}

int geo_names_region(struct geo_names *names, unsigned int policy, const char *name)
{
	struct geo_policy_names *p = &names->policies[policy];

	for (size_t i = 0; i < p->regions_count; i++)
		if (strcmp(p->regions[i], name) == 0)
			return (int)i + 1;
	if (p->regions_count == UINT16_MAX)
		return -ENOSPC;
	if (p->regions_count == p->regions_room) {
		size_t room = p->regions_room ? p->regions_room * 2 : 8;
		char **more = realloc(p->regions, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->regions = more;
		p->regions_room = room;
	}
	p->regions[p->regions_count] = strdup(name);
	if (!p->regions[p->regions_count])
		return -ENOMEM;
	return (int)++p->regions_count;
}

int geo_names_copy(struct geo_names *names, const struct geo_names *from)
{
	for (size_t i = 0; i < from->count; i++) {
		int policy = geo_names_policy(names, from->policies[i].name);

		for (size_t j = 0; policy >= 0 && j < from->policies[i].regions_count; j++)
			if (geo_names_region(names, (unsigned int)policy,
			                     from->policies[i].regions[j]) < 0)
				return -ENOMEM;
		if (policy < 0)
			return -ENOMEM;
	}
	return 0;
}

void geo_names_done(struct geo_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		struct geo_policy_names *p = &names->policies[i];

		for (size_t j = 0; j < p->regions_count; j++)
			free(p->regions[j]);
		free(p->regions);
		free(p->name);
	}
	names->count = 0;
}

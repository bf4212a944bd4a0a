/* SPDX-License-Identifier: BSD-2-Clause */
#include "data.h"

#include <stdio.h>
#include <string.h>

uint64_t data_mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15ULL;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
	return value ^ value >> 31;
}

size_t data_label(uint32_t number, char ret[DATA_LABEL_MAX])
{
	int filler = (int)(data_mix(number) % 13);

	return (size_t)snprintf(ret, DATA_LABEL_MAX, "n%07x%.*s", number, filler, "abcdefghijkl");
}

size_t data_name(uint32_t number, uint8_t ret[DATA_NAME_MAX])
{
	static const uint8_t apex[] = "\5bench\7example";
	char label[DATA_LABEL_MAX];
	size_t len = data_label(number, label);

	ret[0] = (uint8_t)len;
	memcpy(ret + 1, label, len);
	memcpy(ret + 1 + len, apex, sizeof(apex)); /* with its zero: the root label */
	return 1 + len + sizeof(apex);
}

void data_network(uint32_t number, uint32_t net, uint8_t ret[4])
{
	ret[0] = 11;
	ret[1] = (uint8_t)net;
	ret[2] = (uint8_t)number;
	ret[3] = 0;
}

void data_address(uint32_t number, uint32_t net, uint32_t record, uint8_t ret[4])
{
	uint64_t hash = data_mix((uint64_t)number << 8 | net);

	ret[0] = (uint8_t)(20 + record);
	ret[1] = (uint8_t)hash;
	ret[2] = (uint8_t)(hash >> 8);
	ret[3] = (uint8_t)(hash >> 16);
}

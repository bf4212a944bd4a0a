/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer/zonefile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "anamed/dns.h"
#include "base/wire.h"
#include "zone/rdata.h"

#define BUFFER_SIZE   (256 * 1024)
#define FILE_NAME_MAX 200 /* of NAME; NAME_MAX is 255 */

/* ---- records ---- */

static void put_name(FILE *out, const uint8_t *name)
{
	char text[NAME_TEXT_MAX];

	fputs(name_to_text(name, text), out);
}

static void put_names(FILE *out, struct wire *rdata, unsigned int count)
{
	while (count--) {
		const uint8_t *name = rdata->base + rdata->at;

		fputc(' ', out);
		put_name(out, name);
		wire_take(rdata, name_len(name));
	}
}

static void put_numbers(FILE *out, struct wire *rdata, unsigned int count)
{
	while (count--)
		fprintf(out, " %u", wire_get16(rdata));
}

/* RFC 1035 5.1: a character string between quotes. */
static void put_string(FILE *out, struct wire *rdata)
{
	unsigned int len = wire_get8(rdata);
	const uint8_t *octets = wire_take(rdata, len);

	fputs(" \"", out);
	for (unsigned int i = 0; octets && i < len; i++) {
		if (octets[i] < ' ' || octets[i] >= 127)
			fprintf(out, "\\%03u", octets[i]);
		else if (octets[i] == '"' || octets[i] == '\\')
			fprintf(out, "\\%c", octets[i]);
		else
			fputc(octets[i], out);
	}
	fputc('"', out);
}

static void put_address(FILE *out, int family, const struct zone_rdata *rdata)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(out, " %s", inet_ntop(family, rdata->data, text, sizeof(text)));
}

static void put_soa(FILE *out, struct wire *rdata)
{
	put_names(out, rdata, 2);
	for (int i = 0; i < 5; i++)
		fprintf(out, " %" PRIu32, wire_get32(rdata));
}

static void put_generic(FILE *out, const struct zone_rdata *rdata)
{
	static const char digits[] = "0123456789abcdef";

	fprintf(out, " \\# %u ", rdata->len);
	for (unsigned int i = 0; i < rdata->len; i++) {
		fputc(digits[rdata->data[i] >> 4], out);
		fputc(digits[rdata->data[i] & 15], out);
	}
}

/* Rdata was checked by rdata_valid() when it came into the zone. */
static void put_rdata(FILE *out, uint16_t type, const struct zone_rdata *rdata)
{
	struct wire wire = wire_reader(rdata->data, rdata->len);

	switch (type) {
	case AN_TYPE_A:
		put_address(out, AF_INET, rdata);
		break;
	case AN_TYPE_AAAA:
		put_address(out, AF_INET6, rdata);
		break;
	case AN_TYPE_NS:
	case AN_TYPE_CNAME:
	case AN_TYPE_PTR:
	case AN_TYPE_DNAME:
	case AN_TYPE_ANAME:
		put_names(out, &wire, 1);
		break;
	case AN_TYPE_MX:
	case AN_TYPE_SRV:
		put_numbers(out, &wire, type == AN_TYPE_MX ? 1 : 3);
		put_names(out, &wire, 1);
		break;
	case AN_TYPE_SOA:
		put_soa(out, &wire);
		break;
	case AN_TYPE_TXT:
		while (wire_left(&wire))
			put_string(out, &wire);
		break;
	default:
		put_generic(out, rdata);
	}
}

static bool has_text_form(uint16_t type)
{
	static const uint16_t types[] = {AN_TYPE_A,   AN_TYPE_AAAA,  AN_TYPE_NS,   AN_TYPE_CNAME,
	                                 AN_TYPE_PTR, AN_TYPE_DNAME, AN_TYPE_MX,   AN_TYPE_SRV,
	                                 AN_TYPE_SOA, AN_TYPE_TXT,   AN_TYPE_ANAME};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == type)
			return true;
	return false;
}

static void put_set(FILE *out, const char *owner, const struct zone_rrset *set)
{
	char type[RDATA_TYPE_TEXT_MAX];

	if (has_text_form(set->type))
		rdata_type_text(set->type, type);
	else
		snprintf(type, sizeof(type), "TYPE%u", set->type);
	for (unsigned int i = 0; i < set->count; i++) {
		fprintf(out, "%s %" PRIu32 " %s", owner, set->ttl, type);
		put_rdata(out, set->type, &set->rdata[i]);
		fputc('\n', out);
	}
}

static int put_node(const struct zone_node *node, void *arg)
{
	char owner[NAME_TEXT_MAX];
	FILE *out = arg;

	name_to_text(node->name, owner);
	for (unsigned int i = 0; i < node->rrset_count; i++)
		if (node->rrsets[i].type != AN_TYPE_SOA)
			put_set(out, owner, &node->rrsets[i]);
	return ferror(out) ? -EIO : 0;
}

int zonefile_write(const struct zone *zone, FILE *out)
{
	char owner[NAME_TEXT_MAX];

	put_set(out, name_to_text(zone->apex_node->name, owner), zone->soa);
	return zone_each(zone, put_node, out);
}

/* ---- files ---- */

/* The folder of a file, open, to be synced. */
static int open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	int fd;

	if (!folder)
		return -1;
	fd = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return fd;
}

static void sync_folder(const char *path)
{
	int fd = open_folder(path);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int write_out(const struct zone *zone, int fd)
{
	FILE *out = fdopen(fd, "w");
	int fault;

	if (!out) {
		fault = -errno;
		close(fd);
		return fault;
	}
	setvbuf(out, NULL, _IOFBF, BUFFER_SIZE);
	errno = 0;
	fault = zonefile_write(zone, out);
	if (!fault && fflush(out))
		fault = -EIO;
	if (fault && errno)
		fault = -errno; /* no space, over quota */
	if (!fault && fsync(fd))
		fault = -errno;
	if (fclose(out) && !fault)
		fault = -errno;
	return fault;
}

int zonefile_save(const struct zone *zone, const char *path, struct error *error)
{
	static atomic_uint number; /* two writers of one zone do not meet */
	char *temporary = NULL;
	int fd, fault = 0;

	if (asprintf(&temporary, "%s.new%u", path, atomic_fetch_add(&number, 1)) < 0)
		return error_set(error, ENOMEM, path, 0, "out of memory");
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fault = fd < 0 ? -errno : write_out(zone, fd);
	if (!fault && rename(temporary, path))
		fault = -errno;
	if (fault) {
		if (fd >= 0)
			unlink(temporary);
		error_set(error, -fault, path, 0, "cannot write: %s", strerror(-fault));
	} else {
		sync_folder(path);
	}
	free(temporary);
	return fault;
}

static size_t file_name(const uint8_t *apex, char *ret)
{
	size_t at = 0;

	for (const uint8_t *label = apex; *label; label += 1 + *label) {
		if (at)
			ret[at++] = '.';
		for (unsigned int i = 1; i <= *label; i++) {
			uint8_t c = label[i];

			if (c >= 'A' && c <= 'Z')
				c |= 0x20;
			if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			    c == '_')
				ret[at++] = (char)c;
			else
				at += (size_t)sprintf(ret + at, "%%%02x", c);
		}
	}
	if (!at)
		ret[at++] = '@';
	ret[at] = '\0';
	return at;
}

int zonefile_path(const char *folder, const uint8_t *apex, char *ret, size_t size)
{
	char name[3 * NAME_MAX_LEN + 1];
	int len;

	if (file_name(apex, name) > FILE_NAME_MAX) {
		XXH128_hash_t hash = XXH3_128bits(name, strlen(name));

		snprintf(name + FILE_NAME_MAX - 33, 34, "-%016" PRIx64 "%016" PRIx64,
		         (uint64_t)hash.high64, (uint64_t)hash.low64);
	}
	len = snprintf(ret, size, "%s/zones/%s.zone", folder, name);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

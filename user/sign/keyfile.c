/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign/keyfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/name.h"

#define FILE_MAX_LEN  (64u << 10)
#define BASE64_LENGTH 1400 /* of SIGN_PUBLIC_MAX octets */
#define TIME_LENGTH   14   /* YYYYMMDDHHMMSS */
#define DNSKEY_TTL    3600
#define PEM           "-----BEGIN "

/* ---- pieces ---- */

struct reader {
	const char *at, *end;
	const char *file;
	unsigned int line;
	struct error *error;
};

static int fault(const struct reader *reader, const char *text)
{
	return error_set(reader->error, EINVAL, reader->file, reader->line, "%s", text);
}

/* The next line without its end. False: there is none. */
static bool next_line(struct reader *reader, const char **ret, size_t *ret_len)
{
	const char *newline;

	if (reader->at == reader->end)
		return false;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	*ret = reader->at;
	*ret_len = (size_t)((newline ? newline : reader->end) - reader->at);
	reader->at = newline ? newline + 1 : reader->end;
	reader->line++;
	if (*ret_len && (*ret)[*ret_len - 1] == '\r')
		--*ret_len;
	return true;
}

/* Octets of base64 with blanks in it; -1: it is none, or longer than `size`. */
static int from_base64(const char *text, size_t len, uint8_t *ret, size_t size)
{
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	uint8_t octets[BASE64_LENGTH];
	int made = 0, rest = 0;
	size_t all;
	bool good;

	if (!context || len > BASE64_LENGTH || !len) {
		EVP_ENCODE_CTX_free(context);
		return -1;
	}
	EVP_DecodeInit(context);
	good = EVP_DecodeUpdate(context, octets, &made, (const uint8_t *)text, (int)len) >= 0 &&
	       EVP_DecodeFinal(context, octets + made, &rest) == 1;
	all = (size_t)made + (size_t)rest;
	good = good && all && all <= size;
	if (good)
		memcpy(ret, octets, all);
	OPENSSL_cleanse(octets, sizeof(octets));
	EVP_ENCODE_CTX_free(context);
	return good ? (int)all : -1;
}

/* ---- the public file ---- */

static void skip_blanks(const char **at, const char *end)
{
	while (*at < end && isblank((unsigned char)**at))
		++*at;
}

static bool is_blank(const char *line, size_t len)
{
	const char *at = line;

	skip_blanks(&at, line + len);
	return at == line + len;
}

static bool take_word(const char **at, const char *end, char ret[NAME_TEXT_MAX])
{
	size_t len = 0;

	skip_blanks(at, end);
	while (*at < end && !isblank((unsigned char)**at) && len + 1 < NAME_TEXT_MAX)
		ret[len++] = *(*at)++;
	ret[len] = 0;
	return len;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == 0;
}

/* Owner, then TTL and class in any order or none, DNSKEY. False: this is no such line. */
static bool take_head(const char **at, const char *end, char owner[NAME_TEXT_MAX])
{
	char word[NAME_TEXT_MAX];

	if (!take_word(at, end, owner))
		return false;
	while (take_word(at, end, word)) {
		if (!strcasecmp(word, "DNSKEY"))
			return true;
		if (strcasecmp(word, "IN") && !is_number(word))
			return false;
	}
	return false;
}

static int take_octets(struct reader *reader, const char **at, const char *end, uint8_t ret[4])
{
	static const unsigned long limits[] = {UINT16_MAX, UINT8_MAX, UINT8_MAX};
	unsigned long values[3];
	char word[NAME_TEXT_MAX];

	for (unsigned int i = 0; i < 3; i++) {
		if (!take_word(at, end, word))
			return fault(reader, "DNSKEY: flags, protocol and algorithm are missing");
		values[i] = i == 2 && !is_number(word) ? sign_algorithm_parse(word)
		            : is_number(word)          ? strtoul(word, NULL, 10)
		                                       : ULONG_MAX;
		if (values[i] > limits[i])
			return fault(reader, "DNSKEY: flags, protocol or algorithm is no number");
	}
	ret[0] = (uint8_t)(values[0] >> 8);
	ret[1] = (uint8_t)values[0];
	ret[2] = (uint8_t)values[1];
	ret[3] = (uint8_t)values[2];
	return 0;
}

static int take_record(struct reader *reader, const char *line, size_t line_len,
                       const uint8_t *apex, size_t apex_len, struct sign_key *key)
{
	const char *at = line, *end = line + line_len;
	char owner[NAME_TEXT_MAX];
	uint8_t name[NAME_MAX_LEN], rdata[SIGN_PUBLIC_MAX];
	int len, err;

	if (!take_head(&at, end, owner))
		return fault(reader, "no DNSKEY record");
	len = name_from_text(owner, NULL, 0, name);
	if (len < 0 || !name_equal(name, (size_t)len, apex, apex_len))
		return fault(reader, "the DNSKEY is of another zone");
	err = take_octets(reader, &at, end, rdata);
	if (err)
		return err;
	skip_blanks(&at, end);
	len = from_base64(at, (size_t)(end - at), rdata + 4, sizeof(rdata) - 4);
	if (len < 0)
		return fault(reader, "DNSKEY: bad base64");
	err = sign_key_set_public(key, rdata, (size_t)len + 4);
	if (err == -EOPNOTSUPP)
		return fault(reader, "DNSKEY: not an algorithm that zones are signed with here");
	if (err)
		return fault(reader, "DNSKEY: the public key is malformed");
	if (!(key->flags & SIGN_FLAG_ZONE))
		return fault(reader, "DNSKEY: not a zone key");
	return 0;
}

static void forget_times(struct sign_key *key)
{
	key->times = (struct sign_times){SIGN_TIME_NONE, SIGN_TIME_NONE, SIGN_TIME_NONE,
	                                 SIGN_TIME_NONE, SIGN_TIME_NONE};
}

static int take_time_line(struct reader *reader, const char *line, size_t len,
                          struct sign_times *times);

int sign_keyfile_parse_public(const char *text, size_t len, const char *file, const uint8_t *apex,
                              size_t apex_len, struct sign_key *key, struct error *error)
{
	struct reader reader = {text, text + len, file, 0, error};
	bool found = false;
	const char *line;
	size_t line_len;
	int err = 0;

	key->private = NULL;
	key->exposed = false;
	forget_times(key);
	while (!err && next_line(&reader, &line, &line_len)) {
		if (line_len && *line == ';') {
			/* The times stand here too: of a key without a private file nowhere else.
			 */
			err = take_time_line(&reader, line + 1, line_len - 1, &key->times);
			continue;
		}
		if (is_blank(line, line_len))
			continue;
		if (found)
			return fault(&reader, "more than one record");
		err = take_record(&reader, line, line_len, apex, apex_len, key);
		found = true;
	}
	return err || found ? err : fault(&reader, "no DNSKEY record");
}

/* ---- the private file ---- */

static const char *const part_words[SIGN_PARTS] = {"Modulus",   "PublicExponent", "PrivateExponent",
                                                   "Prime1",    "Prime2",         "Exponent1",
                                                   "Exponent2", "Coefficient"};

static const struct {
	const char *word;
	size_t offset;
} time_words[] = {
        {"Created", offsetof(struct sign_times, created)},
        {"Publish", offsetof(struct sign_times, publish)},
        {"Activate", offsetof(struct sign_times, activate)},
        {"Inactive", offsetof(struct sign_times, inactive)},
        {"Delete", offsetof(struct sign_times, remove)},
};

#define TIME_WORDS (sizeof(time_words) / sizeof(time_words[0]))

/* False: no such time. */
static bool parse_time(const char *text, int64_t *ret)
{
	struct tm parts = {0}, again;
	char digits[TIME_LENGTH + 1];
	time_t time;

	memcpy(digits, text, TIME_LENGTH);
	digits[TIME_LENGTH] = 0;
	if (!is_number(digits) || strlen(digits) != TIME_LENGTH ||
	    // NOLINTNEXTLINE(cert-err34-c): fourteen digits are six numbers
	    sscanf(digits, "%4d%2d%2d%2d%2d%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
	           &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon--;
	again = parts;
	time = timegm(&again);
	*ret = time;
	/* timegm() makes a day out of the 31st of February. */
	return parts.tm_mon == again.tm_mon && parts.tm_mday == again.tm_mday &&
	       parts.tm_hour == again.tm_hour && parts.tm_min == again.tm_min;
}

/* The value behind "word:" where the line begins with it, else NULL. */
static const char *value_of(const char *line, size_t len, const char *word, size_t *ret_len)
{
	const char *at = line, *end = line + len;
	size_t word_len = strlen(word);

	skip_blanks(&at, end);
	if ((size_t)(end - at) <= word_len || strncasecmp(at, word, word_len) ||
	    at[word_len] != ':')
		return NULL;
	at += word_len + 1;
	skip_blanks(&at, end);
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	*ret_len = (size_t)(end - at);
	return at;
}

/* A line that is about something else is none of a time. */
static int take_time_line(struct reader *reader, const char *line, size_t len,
                          struct sign_times *times)
{
	for (size_t i = 0; i < TIME_WORDS; i++) {
		size_t value_len;
		const char *value = value_of(line, len, time_words[i].word, &value_len);
		int64_t time;

		if (!value)
			continue;
		if (value_len < TIME_LENGTH || !parse_time(value, &time))
			return fault(reader, "a time is YYYYMMDDHHMMSS");
		memcpy((char *)times + time_words[i].offset, &time, sizeof(time));
		return 0;
	}
	return 0;
}

static int take_version(struct reader *reader)
{
	const char *line, *value;
	size_t len, value_len;

	if (!next_line(reader, &line, &len))
		return fault(reader, "empty");
	value = value_of(line, len, "Private-key-format", &value_len);
	if (!value || value_len < 4 || strncmp(value, "v1.", 3))
		return fault(reader, "not a private key of format v1");
	return 0;
}

static int take_algorithm(struct reader *reader, const char *value, size_t len,
                          const struct sign_key *key)
{
	char number[4] = {0};

	for (size_t i = 0; i < len && i < 3 && isdigit((unsigned char)value[i]); i++)
		number[i] = value[i];
	if (sign_algorithm_parse(number) != key->algorithm)
		return fault(reader, "the algorithm is not that of the .key file");
	return 0;
}

static int take_part(struct reader *reader, const char *line, size_t len, unsigned int parts,
                     struct sign_octets ret[SIGN_PARTS])
{
	for (unsigned int i = 0; i < parts; i++) {
		size_t value_len;
		const char *value =
		        value_of(line, len, parts == 1 ? "PrivateKey" : part_words[i], &value_len);
		int octets;

		if (!value)
			continue;
		octets = from_base64(value, value_len, ret[i].data, sizeof(ret[i].data));
		if (octets < 0)
			return fault(reader, "bad base64");
		ret[i].len = (uint16_t)octets;
		return 0;
	}
	return 0;
}

/* What the key itself says of its private half. */
static int judge(struct reader *reader, int err)
{
	reader->line = 0;
	if (err == -EKEYREJECTED)
		return fault(reader, "the private key is not that of the .key file");
	return err ? fault(reader, "the private key is malformed") : 0;
}

static int take_private(struct reader *reader, struct sign_key *key,
                        struct sign_octets parts[SIGN_PARTS])
{
	unsigned int count = sign_parts_of(key->algorithm);
	const char *line, *value;
	size_t len, value_len;
	int err = take_version(reader);

	while (!err && next_line(reader, &line, &len)) {
		value = value_of(line, len, "Algorithm", &value_len);
		if (value)
			err = take_algorithm(reader, value, value_len, key);
		if (!err)
			err = take_part(reader, line, len, count, parts);
		if (!err)
			err = take_time_line(reader, line, len, &key->times);
	}
	for (unsigned int i = 0; i < count && !err; i++)
		if (!parts[i].len)
			err = fault(reader, "a part of the private key is missing");
	return err ? err : judge(reader, sign_key_set_private(key, parts));
}

int sign_keyfile_parse_private(const char *text, size_t len, const char *file, struct sign_key *key,
                               struct error *error)
{
	struct reader reader = {text, text + len, file, 0, error};
	struct sign_octets parts[SIGN_PARTS] = {0};
	int err;

	if (len > sizeof(PEM) && !memcmp(text, PEM, sizeof(PEM) - 1))
		return judge(&reader, sign_key_set_pem(key, text, len));
	err = take_private(&reader, key, parts);
	OPENSSL_cleanse(parts, sizeof(parts));
	return err;
}

/* ---- files ---- */

/* -ENOENT without a word; others with *error. */
static int read_file(const char *path, char **ret, size_t *ret_len, bool *ret_exposed,
                     struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t got;
	char *text;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT
		                       : error_set(error, errno, path, 0, "%s", strerror(errno));
	text = malloc(FILE_MAX_LEN);
	if (!text || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		free(text);
		close(fd);
		return error_set(error, text ? EINVAL : ENOMEM, path, 0, "cannot be read");
	}
	got = read(fd, text, FILE_MAX_LEN);
	close(fd);
	if (got < 0 || got == FILE_MAX_LEN) {
		free(text);
		return error_set(error, EINVAL, path, 0, got < 0 ? "cannot be read" : "too long");
	}
	*ret = text;
	*ret_len = (size_t)got;
	*ret_exposed = status.st_mode & S_IRWXO;
	return 0;
}

static void forget_text(char *text, size_t len)
{
	OPENSSL_cleanse(text, len);
	free(text);
}

static int read_public(const char *path, const uint8_t *apex, size_t apex_len, struct sign_key *ret,
                       struct error *error)
{
	char *text = NULL;
	size_t len = 0;
	bool exposed;
	int err = read_file(path, &text, &len, &exposed, error);

	if (err == -ENOENT)
		return error_set(error, ENOENT, path, 0, "%s", strerror(ENOENT));
	if (err)
		return err;
	err = sign_keyfile_parse_public(text, len, path, apex, apex_len, ret, error);
	free(text);
	return err;
}

int sign_keyfile_read(const char *stem, const uint8_t *apex, size_t apex_len, struct sign_key *ret,
                      struct error *error)
{
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	int err;

	snprintf(path, sizeof(path), "%s.key", stem);
	err = read_public(path, apex, apex_len, ret, error);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s.private", stem);
	err = read_file(path, &text, &len, &ret->exposed, error);
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	err = sign_keyfile_parse_private(text, len, path, ret, error);
	forget_text(text, len);
	return err;
}

void sign_keyfile_prefix(const uint8_t *apex, char *ret, size_t size)
{
	char name[NAME_TEXT_MAX];

	snprintf(ret, size, "K%s+", name_to_text(apex, name));
}

/* ---- writing ---- */

static void put_time(FILE *out, const char *before, const char *word, int64_t time, bool words)
{
	char digits[TIME_LENGTH + 1], text[64] = "";
	time_t seconds = (time_t)time;
	struct tm parts;

	if (time == SIGN_TIME_NONE)
		return;
	gmtime_r(&seconds, &parts);
	strftime(digits, sizeof(digits), "%Y%m%d%H%M%S", &parts);
	if (words)
		strftime(text, sizeof(text), " (%a %b %e %H:%M:%S %Y)", &parts);
	fprintf(out, "%s%s: %s%s\n", before, word, digits, text);
}

static void put_times(FILE *out, const char *before, const struct sign_times *times, bool words)
{
	for (size_t i = 0; i < TIME_WORDS; i++) {
		int64_t time;

		memcpy(&time, (const char *)times + time_words[i].offset, sizeof(time));
		put_time(out, before, time_words[i].word, time, words);
	}
}

static void put_base64(FILE *out, const uint8_t *data, size_t len)
{
	uint8_t text[BASE64_LENGTH + 64];

	EVP_EncodeBlock(text, data, (int)len);
	fprintf(out, "%s\n", text);
	OPENSSL_cleanse(text, sizeof(text));
}

static void put_public(FILE *out, const uint8_t *apex, const struct sign_key *key)
{
	char name[NAME_TEXT_MAX];

	name_to_text(apex, name);
	fprintf(out, "; This is a %s key, keyid %u, for %s\n",
	        key->flags & SIGN_FLAG_SEP ? "key-signing" : "zone-signing", key->tag, name);
	put_times(out, "; ", &key->times, true);
	fprintf(out, "%s %d IN DNSKEY %u 3 %u ", name, DNSKEY_TTL, key->flags, key->algorithm);
	put_base64(out, key->public + 4, key->public_len - 4u);
}

static int put_private(FILE *out, const struct sign_key *key)
{
	unsigned int count = sign_parts_of(key->algorithm);
	struct sign_octets parts[SIGN_PARTS];
	int err = sign_key_parts(key, parts);

	if (err)
		return err;
	fprintf(out, "Private-key-format: v1.3\nAlgorithm: %u (%s)\n", key->algorithm,
	        sign_algorithm_text(key->algorithm));
	for (unsigned int i = 0; i < count; i++) {
		fprintf(out, "%s: ", count == 1 ? "PrivateKey" : part_words[i]);
		put_base64(out, parts[i].data, parts[i].len);
	}
	put_times(out, "", &key->times, false);
	OPENSSL_cleanse(parts, sizeof(parts));
	return 0;
}

static FILE *create(const char *path, mode_t mode, struct error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (out)
		return out;
	error_set(error, errno, path, 0, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int close_written(FILE *out, int err, const char *path, struct error *error)
{
	if (!err && (fflush(out) || fsync(fileno(out))))
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	if (!err)
		return 0;
	unlink(path);
	return error_set(error, -err, path, 0, "%s", strerror(-err));
}

int sign_keyfile_write(const char *folder, const uint8_t *apex, const struct sign_key *key,
                       char *ret_stem, struct error *error)
{
	char prefix[NAME_TEXT_MAX + 4], path[PATH_MAX];
	FILE *out;
	int err;

	sign_keyfile_prefix(apex, prefix, sizeof(prefix));
	if (strchr(prefix, '/'))
		return error_set(error, EINVAL, folder, 0, "a file cannot have this zone's name");
	snprintf(ret_stem, PATH_MAX, "%s/%s%03u+%05u", folder, prefix, key->algorithm, key->tag);
	snprintf(path, sizeof(path), "%.*s.private", PATH_MAX - 16, ret_stem);
	out = create(path, 0600, error);
	if (!out)
		return -EIO;
	err = close_written(out, put_private(out, key), path, error);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%.*s.key", PATH_MAX - 16, ret_stem);
	out = create(path, 0644, error);
	if (!out)
		return -EIO;
	put_public(out, apex, key);
	return close_written(out, 0, path, error);
}

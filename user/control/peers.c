/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/name.h"
#include "control/words.h"

#define SECRET_FILE_MAX 4096
#define BLANKS          " \t\r\n"

/* ---- secrets ---- */

/* Octets of strict base64 (RFC 4648 4); -EINVAL, -E2BIG. Never zero. */
static int decode(const char *text, size_t len, uint8_t *ret, size_t size)
{
	uint8_t octets[3 * (SECRET_FILE_MAX / 4)];
	size_t count, padding = 0;

	if (!len || len % 4 || len > SECRET_FILE_MAX)
		return -EINVAL;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	/* The decoder takes blanks and the end mark of PEM for what they are there. */
	for (size_t i = 0; i < len - padding; i++) {
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return -EINVAL;
	}
	if (EVP_DecodeBlock(octets, (const uint8_t *)text, (int)len) < 0)
		return -EINVAL;
	count = len / 4 * 3 - padding;
	if (count <= size)
		memcpy(ret, octets, count);
	OPENSSL_cleanse(octets, sizeof(octets));
	return count > size ? -E2BIG : (int)count;
}

/* The secret itself is in no message. */
static int set_secret(const struct setting *setting, struct config_key *key, const char *text,
                      size_t len, const struct setting_place *place, struct error *error)
{
	int count = decode(text, len, key->secret, sizeof(key->secret));

	if (count < 0)
		return error_set(error, EINVAL, place->file, place->line, "%s: %s", setting->key,
		                 count == -E2BIG ? "longer than 128 octets" : "must be base64");
	key->secret_len = (uint8_t)count;
	return 0;
}

static char *path_of(const char *folder, const char *text)
{
	char *path;

	if (!folder || text[0] == '/')
		return strdup(text);
	return asprintf(&path, "%s/%s", folder, text) < 0 ? NULL : path;
}

/* Octets read, or a negative errno. */
static ssize_t read_small(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t len;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		len = -EINVAL;
	else if (status.st_size > (off_t)size)
		len = -EFBIG;
	else
		len = read(fd, ret, size) < 0 ? -errno : status.st_size;
	close(fd);
	return len;
}

static int set_secret_file(const struct setting *setting, struct config_key *key, const char *text,
                           const struct setting_place *place, struct error *error)
{
	char content[SECRET_FILE_MAX + 1] = "", *path;
	size_t start;
	ssize_t len;
	int err;

	if (key->secret_len)
		return error_set(error, EINVAL, place->file, place->line,
		                 "%s: there is a `secret' already", setting->key);
	path = path_of(place->folder, text);
	if (!path)
		return error_set(error, ENOMEM, place->file, place->line, "out of memory");
	len = read_small(path, content, SECRET_FILE_MAX);
	if (len < 0) {
		err = error_set(error, EINVAL, place->file, place->line, "%s: %s: %s", setting->key,
		                path, strerror((int)-len));
	} else {
		start = strspn(content, BLANKS);
		err = set_secret(setting, key, content + start, strcspn(content + start, BLANKS),
		                 place, error);
	}
	OPENSSL_cleanse(content, sizeof(content));
	free(path);
	return err;
}

/* ---- keys by name ---- */

static int set_key(const struct setting *setting, struct config_peer *peer, const char *text,
                   const struct setting_place *place, struct error *error)
{
	const struct config *config = place->config;
	struct config_name name;

	if (words_name(text, &name))
		return error_set(error, EINVAL, place->file, place->line,
		                 "%s: a key's name, not `%s'", setting->key, text);
	for (size_t i = 0; config && i < config->keys_count; i++) {
		const struct config_key *key = &config->keys[i];

		if (!name_equal(key->name.name, key->name.len, name.name, name.len))
			continue;
		peer->key = key;
		return 0;
	}
	return error_set(error, EINVAL, place->file, place->line, "%s: no key `%s' is in keys",
	                 setting->key, text);
}

/* ---- addresses ---- */

static bool set_endpoint(struct config_peer *peer, const char *text)
{
	struct endpoint endpoint;

	if (endpoint_parse(text, AN_DNS_PORT, &endpoint) || !endpoint.port)
		return false;
	peer->address = endpoint;
	peer->network =
	        network_of(endpoint.family, endpoint.address, net_family_bits(endpoint.family));
	peer->notify = true;
	return true;
}

/* A network that is one address is that address. */
static bool set_network(struct config_peer *peer, const char *text)
{
	struct network network;

	if (network_parse(text, &network))
		return false;
	peer->network = network;
	if (network.len < net_family_bits(network.family))
		return true;
	peer->address.family = network.family;
	peer->address.port = AN_DNS_PORT;
	memcpy(peer->address.address, network.address, sizeof(network.address));
	peer->notify = true;
	return true;
}

static int set_address(const struct setting *setting, struct config_peer *peer, const char *text,
                       const struct setting_place *place, struct error *error)
{
	bool network = setting->form == SETTING_SECONDARY;

	if (set_endpoint(peer, text) || (network && set_network(peer, text)))
		return 0;
	return error_set(error, EINVAL, place->file, place->line,
	                 "%s: an address such as 192.0.2.1 or 2001:db8::1@5300%s, not `%s'",
	                 setting->key, network ? ", or a network such as 192.0.2.0/24" : "", text);
}

int peer_set(const struct setting *setting, void *base, const char *text,
             const struct setting_place *place, struct error *error)
{
	switch (setting->form) {
	case SETTING_SECRET:
		return set_secret(setting, base, text, strlen(text), place, error);
	case SETTING_SECRET_FILE:
		return set_secret_file(setting, base, text, place, error);
	case SETTING_KEY:
		return set_key(setting, base, text, place, error);
	default:
		return set_address(setting, base, text, place, error);
	}
}

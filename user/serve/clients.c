/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/clients.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define IPV6_LEN 64

struct client {
	UT_hash_handle hh;
	struct network network; /* the key: no padding in it */
	uint32_t count;
};

_Static_assert(sizeof(struct network) == 18, "padding in a key");

struct clients {
	pthread_mutex_t lock;
	uint32_t max;
	struct client *table;
};

struct clients *clients_new(uint32_t max_per_client)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients)
		return NULL;
	pthread_mutex_init(&clients->lock, NULL);
	clients->max = max_per_client;
	return clients;
}

void clients_free(struct clients *clients)
{
	struct client *client, *next;

	if (!clients)
		return;
	HASH_ITER(hh, clients->table, client, next)
	{
		HASH_DEL(clients->table, client);
		free(client);
	}
	pthread_mutex_destroy(&clients->lock);
	free(clients);
}

static struct network key_of(const struct endpoint *peer)
{
	return network_of(peer->family, peer->address,
	                  peer->family == AN_FAMILY_IPV6 ? IPV6_LEN : 32);
}

static struct client *find(const struct clients *clients, const struct network *network)
{
	struct client *client;

	HASH_FIND(hh, clients->table, network, sizeof(*network), client);
	return client;
}

static struct client *add(struct clients *clients, const struct network *network)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->network = *network;
	HASH_ADD(hh, clients->table, network, sizeof(client->network), client);
	if (HASH_ADDED(client))
		return client;
	free(client);
	return NULL;
}

static int enter(struct clients *clients, const struct network *network)
{
	struct client *client = find(clients, network);

	if (client && clients->max && client->count >= clients->max)
		return -EBUSY;
	if (!client)
		client = add(clients, network);
	if (!client)
		return -ENOMEM;
	client->count++;
	return 0;
}

int clients_enter(struct clients *clients, const struct endpoint *peer)
{
	struct network network = key_of(peer);
	int error;

	pthread_mutex_lock(&clients->lock);
	error = enter(clients, &network);
	pthread_mutex_unlock(&clients->lock);
	return error;
}

void clients_leave(struct clients *clients, const struct endpoint *peer)
{
	struct network network = key_of(peer);
	struct client *client;

	pthread_mutex_lock(&clients->lock);
	client = find(clients, &network);
	if (client && !--client->count) {
		HASH_DEL(clients->table, client);
		free(client);
	}
	pthread_mutex_unlock(&clients->lock);
}

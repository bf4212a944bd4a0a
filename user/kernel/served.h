/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served - which addresses are ours, on which interface.
 *
 * From config->listen and config->interfaces come the entries of the map of
 * served addresses. A wildcard stands for what the interface holds now. An
 * address on lo is a service address: it is served on every interface, unless
 * it is a loopback address. Only interfaces that exist count.
 */
#ifndef ANAMED_KERNEL_SERVED_H
#define ANAMED_KERNEL_SERVED_H

#include "anamed/treaty.h"
#include "base/config.h"
#include "base/error.h"

/* An address that an interface holds, and that interface's index; loopback: of lo. */
struct served_address {
	uint8_t family;
	uint8_t address[16];
	uint32_t ifindex;
	bool loopback;
};

/* An interface that is to answer. */
struct served_interface {
	uint32_t ifindex;
	uint8_t mac[6];
};

/*
 * The entries for `listen`, pure. ret has room for `size`; -> how many there
 * are, which may be more than were written.
 */
size_t served_entries(const struct endpoint *listen, size_t listen_count,
                      const struct served_interface *interfaces, size_t interfaces_count,
                      const struct served_address *addresses, size_t addresses_count,
                      struct an_served *ret, size_t size);

/* The entries now, asked from the system. *ret is the caller's to free(). 0 or a negative errno. */
int served_find(const struct config *config, struct an_served **ret, size_t *ret_count,
                struct error *error);

/* ---- changes ---- */

struct served_watch;

int served_watch_open(struct served_watch **ret, struct error *error);
/* To be polled for reading. */
int served_watch_fd(const struct served_watch *watch);
/* Reads all there is, never blocks. True: addresses or interfaces have changed. */
bool served_watch_read(struct served_watch *watch);
void served_watch_close(struct served_watch *watch);

#endif

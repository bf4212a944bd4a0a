/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/served.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- entries ---- */

static bool is_wildcard(const struct endpoint *endpoint)
{
	static const uint8_t zero[16];

	return !memcmp(endpoint->address, zero, sizeof(zero));
}

static bool is_loopback_address(const struct served_address *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->family == AN_FAMILY_IPV4)
		return address->address[0] == 127;
	return !memcmp(address->address, one, sizeof(one));
}

static bool is_link_local(const struct served_address *address)
{
	return address->family == AN_FAMILY_IPV6 && address->address[0] == 0xfe &&
	       (address->address[1] & 0xc0) == 0x80;
}

static bool listens_to(const struct endpoint *listen, const struct served_address *address)
{
	if (listen->family != address->family)
		return false;
	if (is_wildcard(listen))
		return true;
	if (memcmp(listen->address, address->address, sizeof(listen->address)))
		return false;
	return !is_link_local(address) || !listen->scope || listen->scope == address->ifindex;
}

static bool serves(const struct served_interface *interface, const struct served_address *address)
{
	if (interface->ifindex == address->ifindex)
		return true;
	return address->loopback && !is_loopback_address(address) && !is_link_local(address);
}

static bool already_there(const struct an_served *entries, size_t count,
                          const struct an_served *entry)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(&entries[i], entry, sizeof(*entry)))
			return true;
	return false;
}

struct collection {
	struct an_served *entries;
	size_t size, count;
};

static void collect(struct collection *into, const struct endpoint *listen,
                    const struct served_interface *interface, const struct served_address *address)
{
	struct an_served entry = {.ifindex = interface->ifindex,
	                          .port = htons(listen->port),
	                          .family = address->family};
	size_t written = into->count < into->size ? into->count : into->size;

	if (!listens_to(listen, address) || !serves(interface, address))
		return;
	memcpy(entry.address, address->address, net_family_octets(address->family));
	memcpy(entry.mac, interface->mac, sizeof(entry.mac));
	if (already_there(into->entries, written, &entry))
		return;
	if (into->count < into->size)
		into->entries[into->count] = entry;
	into->count++;
}

size_t served_entries(const struct endpoint *listen, size_t listen_count,
                      const struct served_interface *interfaces, size_t interfaces_count,
                      const struct served_address *addresses, size_t addresses_count,
                      struct an_served *ret, size_t size)
{
	struct collection into = {.entries = ret, .size = size};

	for (size_t l = 0; l < listen_count; l++)
		for (size_t i = 0; i < interfaces_count; i++)
			for (size_t a = 0; a < addresses_count; a++)
				collect(&into, &listen[l], &interfaces[i], &addresses[a]);
	return into.count;
}

/* ---- from the system ---- */

struct system_view {
	struct served_interface *interfaces;
	size_t interfaces_count;
	struct served_address *addresses;
	size_t addresses_count;
};

static void view_done(struct system_view *view)
{
	free(view->interfaces);
	free(view->addresses);
}

/* An IPv4 address may carry a label, "eth0:1", in place of its interface's name. */
static uint32_t index_of(const char *label)
{
	char name[IF_NAMESIZE];

	snprintf(name, sizeof(name), "%s", label);
	name[strcspn(name, ":")] = '\0';
	return if_nametoindex(name);
}

static void view_address(struct system_view *view, const struct ifaddrs *from)
{
	struct served_address *address = &view->addresses[view->addresses_count];
	struct endpoint endpoint = {0};
	struct sockaddr_storage storage = {0};
	uint32_t ifindex = index_of(from->ifa_name);

	memcpy(&storage, from->ifa_addr,
	       from->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
	                                             : sizeof(struct sockaddr_in));
	if (!ifindex || endpoint_from_sockaddr(&storage, &endpoint))
		return;
	*address = (struct served_address){.family = endpoint.family,
	                                   .ifindex = ifindex,
	                                   .loopback = from->ifa_flags & IFF_LOOPBACK};
	memcpy(address->address, endpoint.address, sizeof(address->address));
	view->addresses_count++;
}

static void view_interface(struct system_view *view, const struct config *config,
                           const struct ifaddrs *from)
{
	const struct sockaddr_ll *link = (const void *)from->ifa_addr;
	struct served_interface *interface = &view->interfaces[view->interfaces_count];

	for (size_t i = 0; i < config->interfaces_count; i++) {
		if (strcmp(config->interfaces[i].name, from->ifa_name))
			continue;
		*interface = (struct served_interface){.ifindex = (uint32_t)link->sll_ifindex};
		if (link->sll_halen == sizeof(interface->mac))
			memcpy(interface->mac, link->sll_addr, sizeof(interface->mac));
		view->interfaces_count++;
		return;
	}
}

static int view_system(const struct config *config, struct system_view *ret)
{
	struct ifaddrs *list, *at;
	size_t count = 1;

	*ret = (struct system_view){0};
	if (getifaddrs(&list))
		return -errno;
	for (at = list; at; at = at->ifa_next)
		count++;
	ret->interfaces = calloc(count, sizeof(*ret->interfaces));
	ret->addresses = calloc(count, sizeof(*ret->addresses));
	for (at = list; at && ret->interfaces && ret->addresses; at = at->ifa_next) {
		if (!at->ifa_addr)
			continue;
		if (at->ifa_addr->sa_family == AF_PACKET)
			view_interface(ret, config, at);
		else if (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6)
			view_address(ret, at);
	}
	freeifaddrs(list);
	if (ret->interfaces && ret->addresses)
		return 0;
	view_done(ret);
	return -ENOMEM;
}

int served_find(const struct config *config, struct an_served **ret, size_t *ret_count,
                struct error *error)
{
	struct system_view view;
	struct an_served *entries;
	int code = view_system(config, &view);
	size_t most;

	if (code)
		return error_set(error, -code, NULL, 0, "reading the interfaces' addresses: %s",
		                 strerror(-code));
	most = config->listen_count * view.interfaces_count * view.addresses_count;
	entries = calloc(most + 1, sizeof(*entries));
	if (entries) {
		*ret_count = served_entries(config->listen, config->listen_count, view.interfaces,
		                            view.interfaces_count, view.addresses,
		                            view.addresses_count, entries, most);
		*ret = entries;
	}
	view_done(&view);
	return entries ? 0 : error_set(error, ENOMEM, NULL, 0, "no memory");
}

/* ---- changes ---- */

struct served_watch {
	int fd;
};

int served_watch_open(struct served_watch **ret, struct error *error)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
	                              .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
	                                           RTMGRP_IPV6_IFADDR};
	struct served_watch *watch = calloc(1, sizeof(*watch));
	int code;

	if (!watch)
		return error_set(error, ENOMEM, NULL, 0, "no memory");
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (watch->fd < 0 || bind(watch->fd, (struct sockaddr *)&address, sizeof(address))) {
		code = error_set(error, errno, NULL, 0, "watching addresses: %s", strerror(errno));
		served_watch_close(watch);
		return code;
	}
	*ret = watch;
	return 0;
}

int served_watch_fd(const struct served_watch *watch)
{
	return watch->fd;
}

static bool tells_a_change(const void *buffer, size_t len)
{
	const struct nlmsghdr *message = buffer;

	while (NLMSG_OK(message, len)) {
		switch (message->nlmsg_type) {
		case RTM_NEWADDR:
		case RTM_DELADDR:
		case RTM_NEWLINK:
		case RTM_DELLINK:
			return true;
		}
		/* NLMSG_NEXT would cast const away. */
		size_t step = NLMSG_ALIGN(message->nlmsg_len);

		if (step >= len)
			break;
		len -= step;
		message = (const void *)((const uint8_t *)message + step);
	}
	return false;
}

bool served_watch_read(struct served_watch *watch)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[8192];
	bool changed = false;
	ssize_t len;

	for (;;) {
		len = recv(watch->fd, buffer, sizeof(buffer), 0);
		if (len > 0)
			changed |= tells_a_change(buffer, (size_t)len);
		else if (len < 0 && errno == ENOBUFS)
			changed = true; /* messages were lost: look again */
		else if (!(len < 0 && errno == EINTR))
			return changed;
	}
}

void served_watch_close(struct served_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VLANS "/proc/net/vlan/config" /* of this network namespace */

static int ask(const char *interface, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifreq->ifr_name, sizeof(ifreq->ifr_name), "%s", interface);
	if (ioctl(fd, request, ifreq))
		error = -errno;
	close(fd);
	return error;
}

bool nic_is_veth(const char *interface)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifreq = {.ifr_data = (char *)&info};

	return !ask(interface, SIOCETHTOOL, &ifreq) && !strcmp(info.driver, "veth");
}

int nic_mtu(const char *interface)
{
	struct ifreq ifreq = {0};

	return ask(interface, SIOCGIFMTU, &ifreq) ? 0 : ifreq.ifr_mtu;
}

static bool strips_tags(const char *interface)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq ifreq = {.ifr_data = (char *)&flags};

	return !ask(interface, SIOCETHTOOL, &ifreq) && flags.data & ETH_FLAG_RXVLAN;
}

/* Lines are "NAME | ID | BELOW", after two of headings. */
static bool has_vlan_above(const char *interface)
{
	FILE *file = fopen(VLANS, "re");
	char line[256], below[IFNAMSIZ];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s | %*u | %15s", below) == 1 && !strcmp(below, interface);
	fclose(file);
	return found;
}

bool nic_hides_vlans(const char *interface)
{
	return strips_tags(interface) && has_vlan_above(interface);
}

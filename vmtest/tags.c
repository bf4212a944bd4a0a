/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tags - VLAN tags stay in a device's frames, both ways, as `ethtool -K DEVICE rxvlan off
 * txvlan off` has it.
 *
 *   tags DEVICE
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int count, char **words)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&flags};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (count != 2 || fd < 0)
		return 2;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", words[1]);
	if (ioctl(fd, SIOCETHTOOL, &request)) {
		perror("tags: flags");
		return 1;
	}
	flags.cmd = ETHTOOL_SFLAGS;
	flags.data &= ~(__u32)(ETH_FLAG_RXVLAN | ETH_FLAG_TXVLAN);
	if (ioctl(fd, SIOCETHTOOL, &request)) {
		perror("tags: off");
		return 1;
	}
	return 0;
}

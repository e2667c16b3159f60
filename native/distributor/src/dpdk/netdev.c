#include "netdev.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool ask(const char *name, unsigned long question, struct ifreq *request)
{
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (descriptor < 0)
		return false;
	strncpy(request->ifr_name, name, sizeof(request->ifr_name) - 1);
	answered = ioctl(descriptor, question, request) == 0;
	close(descriptor);
	return answered;
}

unsigned dist_netdev_flags(const char *name)
{
	struct ifreq request = {0};

	return ask(name, SIOCGIFFLAGS, &request) ? (unsigned short)request.ifr_flags : 0;
}

unsigned dist_netdev_mtu(const char *name)
{
	struct ifreq request = {0};

	return ask(name, SIOCGIFMTU, &request) && request.ifr_mtu > 0 ? (unsigned)request.ifr_mtu : 0;
}

unsigned dist_netdev_receive_queues(const char *name, bool *combined)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {.ifr_data = (void *)&channels};

	*combined = false;
	if (!ask(name, SIOCETHTOOL, &request))
		return 0;
	*combined = channels.max_combined > 0;
	return channels.rx_count + channels.combined_count;
}

/** What the kernel says of a network device: the few questions that are asked by ioctl. */
#ifndef DIST_DPDK_NETDEV_H
#define DIST_DPDK_NETDEV_H

#include <stdbool.h>

/** IFF_UP, IFF_RUNNING, …; 0 where there is no such device. */
unsigned dist_netdev_flags(const char *name);
/** Bytes of IP packet; 0 where there is no such device. */
unsigned dist_netdev_mtu(const char *name);
/**
 * Receive queues in use; 0 where the driver does not tell. (The directory in /sys may be another network namespace's.)
 * `*combined`: they are one with the queues to send by, as cards have them; a veth has them apart.
 */
unsigned dist_netdev_receive_queues(const char *name, bool *combined);

#endif

#include "port_watch.h"

#include "../clock.h"
#include "netdev.h"

#include <net/if.h>

#include <rte_ethdev.h>

#define LOOK_NS DIST_NS_PER_SECOND

/* The drivers of netdevs always say that they have a link; the kernel knows. Beside a tap it is the other way round. */
static bool is_down(const struct dist_port_watch *watch)
{
	struct rte_eth_link link;

	if (*watch->plan->kernel_device)
		return rte_eth_link_get_nowait(watch->port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
	return (dist_netdev_flags(watch->plan->netdev) & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING);
}

void dist_port_watch_look(struct dist_port_watch *watch, uint64_t now_ns, dist_fault *fault, void *fault_context)
{
	if (now_ns - watch->looked_ns < LOOK_NS)
		return;
	watch->looked_ns = now_ns;
	bool gone = !*watch->plan->kernel_device && if_nametoindex(watch->plan->netdev) != watch->interface_index;
	bool down = !gone && is_down(watch);

	if (gone && !watch->was_gone && fault) {
		fault(fault_context, "PORT_GONE", "the interface of the port is gone");
		fault(fault_context, "ENGINE_FAILED", "without its port the engine cannot go on; it has to be started again");
	} else if (down && !watch->was_down && fault) {
		fault(fault_context, "PORT_DOWN", "the port has no link");
	}
	watch->was_gone = gone;
	watch->was_down = down;
}

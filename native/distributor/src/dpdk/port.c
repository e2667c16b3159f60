#include "port.h"

#include "../log.h"
#include "eal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define DESCRIPTORS 2048
#define POOL_CACHE 256
#define HEADER_ROOM (64 + 64 + DIST_PORT_COPY_BYTES)
#define HEADER_BUFFERS 8191
/* The fewest buffers of a queue: its rings full, a burst in hand, and the caches. */
#define PACKETS_MIN 8192
/* What goes in front of the payload on the wire and behind it: preamble, check sequence, gap. */
#define ETHERNET_MORE 22

/* AF_XDP: the kernel keeps so much at the start of each buffer for itself (XDP_PACKET_HEADROOM). */
#define XDP_HEADROOM 256

#define BURST_BYTES 65535

#ifndef AF_XDP
#define AF_XDP 44
#endif

/*
 * A pool of packet buffers. Where no card needs physical addresses they lie close together; otherwise each would be kept
 * within one page, which is one buffer a page where pages are small.
 */
static struct rte_mempool *open_pool(const struct dist_port *port, const char *name, unsigned count, unsigned room)
{
	struct rte_pktmbuf_pool_private layout = {.mbuf_data_room_size = (uint16_t)room};
	unsigned flags = port->scattered_memory ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;

	/* Large buffers of AF_XDP are a page at most: there is no room to spread them over the memory's channels. */
	if (port->backend == DIST_BACKEND_AF_XDP && room > RTE_MBUF_DEFAULT_BUF_SIZE)
		flags |= RTE_MEMPOOL_F_NO_SPREAD;
	struct rte_mempool *pool = rte_mempool_create_empty(name, count, (unsigned)sizeof(struct rte_mbuf) + room, POOL_CACHE,
							    sizeof(layout), SOCKET_ID_ANY, flags);
	if (!pool)
		return NULL;
	rte_pktmbuf_pool_init(pool, &layout);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

static bool open_pools(struct dist_port *port, const struct dist_engine_options *options, struct dist_error *error)
{
	unsigned room = RTE_MBUF_DEFAULT_BUF_SIZE;
	unsigned kernels_own = port->backend == DIST_BACKEND_AF_XDP ? XDP_HEADROOM : 0;
	unsigned needed = RTE_ALIGN(port->mtu + ETHERNET_MORE + RTE_PKTMBUF_HEADROOM + kernels_own, 64);
	unsigned count, object;
	char name[32];

	if (needed > room)
		room = needed;
	object = rte_mempool_calc_obj_size((uint32_t)(room + sizeof(struct rte_mbuf)), 0, NULL);
	count = (unsigned)((uint64_t)options->memory_mib * 1024 * 1024 / port->queues / object);
	if (count < PACKETS_MIN)
		return dist_error_set(error, "MEMORY_SMALL",
				      "%u MiB of packet memory make %u buffers a queue, and %u are needed; ask for %u MiB",
				      options->memory_mib, count, PACKETS_MIN,
				      options->memory_mib * PACKETS_MIN / (count ? count : 1) + 1);
	for (unsigned q = 0; q < port->queues; q++) {
		snprintf(name, sizeof(name), "packets%u", q);
		port->packets[q] = open_pool(port, name, count, room);
		snprintf(name, sizeof(name), "headers%u", q);
		port->headers[q] = open_pool(port, name, HEADER_BUFFERS, RTE_PKTMBUF_HEADROOM + HEADER_ROOM);
		if (!port->packets[q] || !port->headers[q])
			return dist_error_set(error, "EAL_FAILED", "no memory for %u packet buffers of %u bytes (%s); ask for less, or give DPDK more",
					      count, object, rte_strerror(rte_errno));
	}
	return true;
}

static bool configure(uint16_t id, struct dist_port *port, bool by_reference, struct dist_error *error)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t receive = DESCRIPTORS, send = DESCRIPTORS;
	int code = rte_eth_dev_info_get(id, &info);

	if (code == 0 && port->queues > 1 && info.flow_type_rss_offloads) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
	}
	if (by_reference)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (code == 0)
		code = rte_eth_dev_configure(id, (uint16_t)port->queues, (uint16_t)port->queues, &conf);
	if (code == 0)
		code = rte_eth_dev_adjust_nb_rx_tx_desc(id, &receive, &send);
	for (uint16_t q = 0; code == 0 && q < port->queues; q++) {
		code = rte_eth_rx_queue_setup(id, q, receive, SOCKET_ID_ANY, NULL, port->packets[q]);
		if (code == 0)
			code = rte_eth_tx_queue_setup(id, q, send, SOCKET_ID_ANY, NULL);
	}
	if (code == 0)
		return true;
	return dist_error_set(error, "PORT_UNFIT", "the port cannot be set up with %u queue%s: %s%s%s", port->queues,
			      port->queues == 1 ? "" : "s",
			      rte_strerror(-code), *dist_eal_complaint() ? "; DPDK says: " : "", dist_eal_complaint());
}

static bool find(const char *name, uint16_t *id, struct dist_error *error)
{
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return true;
	*id = DIST_PORT_NONE;
	return dist_error_set(error, "PORT_UNFIT", "DPDK made no device \"%s\"; %s%s", name,
			      *dist_eal_complaint() ? "it says: " : "is its driver installed?", dist_eal_complaint());
}

/*
 * The drivers of AF_XDP and AF_PACKET have one socket a queue and no way to wait for packets. Their sockets are among
 * our own descriptors, in the order of the queues; a worker may wait for one as for any socket. Should a newer driver
 * have more of them or fewer, workers sleep by the clock.
 */
static void find_descriptors(struct dist_port *port, const struct dist_plan *plan)
{
	int family = plan->backend == DIST_BACKEND_AF_XDP ? AF_XDP : AF_PACKET;
	int found[DIST_WORKERS_MAX];
	unsigned count = 0;
	struct dirent *entry;
	DIR *directory;

	if (plan->backend != DIST_BACKEND_AF_XDP && plan->backend != DIST_BACKEND_AF_PACKET)
		return;
	directory = opendir("/proc/self/fd");
	while (directory && (entry = readdir(directory))) {
		int descriptor = atoi(entry->d_name);
		int domain = 0;
		socklen_t bytes = sizeof(domain);

		if (entry->d_name[0] == '.' || getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) < 0 ||
		    domain != family)
			continue;
		if (count < DIST_WORKERS_MAX)
			found[count] = descriptor;
		count++;
	}
	if (directory)
		closedir(directory);
	if (count != port->queues) {
		dist_log(DIST_LOG_DEBUG, "port.descriptors", "%u sockets for %u queues; workers sleep by the clock", count,
			 port->queues);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		unsigned place = 0;

		for (unsigned j = 0; j < count; j++)
			place += found[j] < found[i];
		port->descriptors[place] = found[i];
	}
}

bool dist_port_open(struct dist_port *port, const struct dist_engine_options *options, const struct dist_plan *plan,
		    uint16_t mtu, struct dist_error *error)
{
	struct rte_ether_addr mac = {{0}};
	struct rte_eth_dev_info info;

	memset(port, 0, sizeof(*port));
	port->queues = options->queues;
	port->mtu = mtu;
	port->id = port->send_id = port->kernel_id = DIST_PORT_NONE;
	port->scattered_memory = plan->backend == DIST_BACKEND_PCI;
	port->backend = plan->backend;
	for (unsigned q = 0; q < DIST_WORKERS_MAX; q++)
		port->descriptors[q] = -1;
	/* As much may go at once as the queue of a small switch holds; a tenth of a second, as for receivers, is no pacing. */
	port->rate = dist_rate_of_bits(options->port_bits_per_second);
	port->rate.burst = dist_rate_byte_cost(&port->rate, BURST_BYTES);
	if (!find(plan->device_name, &port->id, error))
		return false;
	port->send_id = port->id;
	if (*plan->send_device_name && !find(plan->send_device_name, &port->send_id, error))
		return false;
	port->has_kernel = *plan->kernel_device_name != 0;
	if (port->has_kernel && !find(plan->kernel_device_name, &port->kernel_id, error))
		return false;
	port->kernel_reads = plan->backend == DIST_BACKEND_AF_PACKET;
	port->reads_back = port->kernel_reads;

	if (rte_eth_dev_info_get(port->send_id, &info) != 0)
		return dist_error_set(error, "PORT_UNFIT", "the device \"%s\" tells nothing of itself", plan->device_name);
	/* AF_PACKET copies the segments together again: then one copy of ours is the cheaper one. */
	port->by_reference = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) && !plan->by_copy &&
			     plan->backend != DIST_BACKEND_AF_PACKET;
	if (!open_pools(port, options, error))
		return false;
	if (plan->backend == DIST_BACKEND_AF_XDP && port->packets[0]->nb_mem_chunks != 1)
		return dist_error_set(error, "MEMORY_SPLIT",
				      "the packet memory is in %u pieces and AF_XDP needs it in one; ask for less, or set up "
				      "more hugepages",
				      port->packets[0]->nb_mem_chunks);
	dist_eal_forget_complaint();
	if (!configure(port->id, port, port->by_reference && port->send_id == port->id, error))
		return false;
	if (port->send_id != port->id && !configure(port->send_id, port, port->by_reference, error))
		return false;
	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	/* The tap has the port's address, so that what the kernel sends by it comes from the port. */
	if (port->has_kernel &&
	    (!configure(port->kernel_id, port, false, error) || rte_eth_dev_default_mac_addr_set(port->kernel_id, &mac) != 0))
		return error->code ? false
				   : dist_error_set(error, "PORT_UNFIT", "the tap does not take the port's Ethernet address");
	find_descriptors(port, plan);
	return true;
}

static bool start(uint16_t id, struct dist_error *error)
{
	int code = rte_eth_dev_start(id);

	if (code == 0)
		return true;
	return dist_error_set(error, "PORT_UNFIT", "the port does not start: %s%s%s", rte_strerror(-code),
			      *dist_eal_complaint() ? "; DPDK says: " : "", dist_eal_complaint());
}

bool dist_port_start(struct dist_port *port, struct dist_error *error)
{
	if (!start(port->id, error) || (port->send_id != port->id && !start(port->send_id, error)) ||
	    (port->has_kernel && !start(port->kernel_id, error)))
		return false;
	/* A card of our own has to let groups through; a netdev is told by the kernel, which joins them. */
	if (port->has_kernel)
		rte_eth_allmulticast_enable(port->id);
	return true;
}

static void end(uint16_t id)
{
	if (id == DIST_PORT_NONE)
		return;
	rte_eth_dev_stop(id);
	rte_eth_dev_close(id);
}

void dist_port_close(struct dist_port *port)
{
	end(port->id);
	if (port->send_id != port->id)
		end(port->send_id);
	if (port->has_kernel)
		end(port->kernel_id);
	for (unsigned q = 0; q < port->queues; q++) {
		rte_mempool_free(port->packets[q]);
		rte_mempool_free(port->headers[q]);
	}
}

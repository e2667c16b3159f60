#include "generator.h"

#include "../checksum.h"
#include "../frame.h"

#include <string.h>
#include <time.h>

#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define BURST 64
#define BUFFERS 8191
/* The driver's name for the ring of queue 0 of net_ring0. */
#define RING_NAME "ETH_RXTX0_net_ring0"

struct content {
	uint16_t bytes;
	uint8_t frame[DIST_ETHERNET_BYTES + 1500];
};

static void make_content(const struct dist_plan *plan, struct content *content)
{
	uint8_t *ip = content->frame + DIST_ETHERNET_BYTES;
	uint8_t *udp = ip + DIST_IPV4_BYTES;
	uint8_t *rtp = udp + DIST_UDP_BYTES;
	uint16_t udp_bytes_be = htons((uint16_t)(plan->generate_bytes + DIST_UDP_BYTES));
	uint16_t ip_bytes_be = htons((uint16_t)(plan->generate_bytes + DIST_UDP_BYTES + DIST_IPV4_BYTES));
	uint16_t port_be = htons(plan->generate_port);
	uint16_t checksum;

	memset(content, 0, sizeof(*content));
	content->bytes = (uint16_t)(DIST_ETHERNET_BYTES + DIST_IPV4_BYTES + DIST_UDP_BYTES + plan->generate_bytes);
	content->frame[0] = 0x02;
	content->frame[6] = 0x02;
	content->frame[12] = 0x08;
	ip[0] = 0x45;
	memcpy(ip + 2, &ip_bytes_be, 2);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (const uint8_t[]){192, 0, 2, 200}, 4);
	memcpy(ip + 16, plan->generate_to.bytes + 12, 4);
	checksum = dist_checksum_ip(dist_checksum_add(0, ip, DIST_IPV4_BYTES));
	memcpy(ip + 10, &checksum, 2);
	memcpy(udp, &port_be, 2);
	memcpy(udp + 2, &port_be, 2);
	/* Without a checksum of UDP, which IPv4 allows. */
	memcpy(udp + 4, &udp_bytes_be, 2);
	rtp[0] = 0x80;
	rtp[1] = 96;
	for (uint16_t i = 12; i < plan->generate_bytes; i++)
		rtp[i] = (uint8_t)(i * 7);
}

/* The bytes stay in a buffer while it goes round: they are written once, for every buffer there is. */
static void fill(struct rte_mempool *pool, void *context, void *object, unsigned index)
{
	const struct content *content = context;
	struct rte_mbuf *buffer = object;

	(void)pool;
	(void)index;
	memcpy((uint8_t *)buffer->buf_addr + RTE_PKTMBUF_HEADROOM, content->frame, content->bytes);
}

static void *run(void *context)
{
	struct dist_generator *g = context;
	const struct timespec wait = {.tv_nsec = 2000};
	struct rte_mbuf *buffers[BURST];

	rte_thread_register();
	while (!atomic_load_explicit(&g->stop, memory_order_relaxed)) {
		unsigned sent;

		if (rte_ring_free_count(g->ring) < BURST || rte_pktmbuf_alloc_bulk(g->pool, buffers, BURST) != 0) {
			nanosleep(&wait, NULL);
			continue;
		}
		for (unsigned i = 0; i < BURST; i++) {
			buffers[i]->data_len = g->frame_bytes;
			buffers[i]->pkt_len = g->frame_bytes;
		}
		sent = rte_ring_enqueue_burst(g->ring, (void **)buffers, BURST, NULL);
		if (sent < BURST)
			rte_pktmbuf_free_bulk(buffers + sent, BURST - sent);
	}
	rte_thread_unregister();
	return NULL;
}

bool dist_generator_start(struct dist_generator *g, const struct dist_plan *plan, struct dist_error *error)
{
	struct content content;

	if (plan->generate_bytes == 0)
		return true;
	make_content(plan, &content);
	g->frame_bytes = content.bytes;
	g->ring = rte_ring_lookup(RING_NAME);
	g->pool = rte_pktmbuf_pool_create("generator", BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!g->ring || !g->pool)
		return dist_error_set(error, "EAL_FAILED", "the generator has no %s", g->ring ? "memory" : "ring");
	rte_mempool_obj_iter(g->pool, fill, &content);
	atomic_store(&g->stop, false);
	if (pthread_create(&g->thread, NULL, run, g) != 0)
		return dist_error_set(error, "EAL_FAILED", "the generator's thread cannot be started");
	g->running = true;
	return true;
}

void dist_generator_stop(struct dist_generator *g)
{
	if (!g->running)
		return;
	atomic_store(&g->stop, true);
	pthread_join(g->thread, NULL);
	g->running = false;
}

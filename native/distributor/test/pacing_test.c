/* In any second no more than the rate and the burst; and over a long time no less than the rate. */
#include "check.h"
#include "clock.h"
#include "pacing.h"

/* Offers a packet of `bytes` every `step_ns`; gives how many are taken. */
static uint64_t offer(struct dist_bucket *bucket, const struct dist_rate *rate, uint64_t cost, uint64_t from_ns,
		      uint64_t span_ns, uint64_t step_ns)
{
	uint64_t taken = 0;

	for (uint64_t at = 0; at < span_ns; at += step_ns)
		taken += dist_bucket_admit(bucket, rate, cost, from_ns + at);
	return taken;
}

static void check_packets(uint64_t per_second, uint64_t from_ns)
{
	struct dist_rate rate = dist_rate_of_packets(per_second);
	struct dist_bucket bucket = {0};
	uint64_t burst = per_second / 10 > 1 ? per_second / 10 : 1;
	uint64_t taken = offer(&bucket, &rate, dist_rate_packet_cost(&rate), from_ns, 10 * DIST_NS_PER_SECOND,
			       DIST_NS_PER_SECOND / (per_second * 30));

	CHECK(taken >= per_second * 10 - per_second / 3 && taken <= per_second * 10 + burst + 1, "%llu a second: %llu in 10 s",
	      (unsigned long long)per_second, (unsigned long long)taken);
}

static void check_bits(uint64_t per_second, uint32_t bytes)
{
	struct dist_rate rate = dist_rate_of_bits(per_second);
	struct dist_bucket bucket = {0};
	uint64_t span_ns = 100 * DIST_NS_PER_SECOND;
	uint64_t taken = offer(&bucket, &rate, dist_rate_byte_cost(&rate, bytes), 1, span_ns, 1 + span_ns / 400000);
	double bits = (double)taken * bytes * 8;
	double most = (double)per_second * 100.1 + 12000 + bytes * 8.0;

	CHECK(bits <= most * 1.01 && bits >= (double)per_second * 99 - bytes * 8.0, "%llu bit/s, %u bytes: %.0f bits in 100 s",
	      (unsigned long long)per_second, bytes, bits);
}

static void check_edges(void)
{
	struct dist_rate none = dist_rate_of_packets(0);
	struct dist_rate slow = dist_rate_of_packets(1);
	struct dist_rate bits = dist_rate_of_bits(1000);
	struct dist_bucket bucket = {0};

	CHECK(offer(&bucket, &none, 0, 0, 1000, 1) == 1000, "no limit");
	CHECK(dist_bucket_admit(&bucket, &slow, slow.cost, 5), "the first");
	CHECK(!dist_bucket_admit(&bucket, &slow, slow.cost, 5), "the second at once");
	CHECK(dist_bucket_wait_ns(&bucket, &slow, slow.cost, 5) == DIST_NS_PER_SECOND, "wait a second");
	dist_bucket_refund(&bucket, slow.cost);
	CHECK(dist_bucket_admit(&bucket, &slow, slow.cost, 5), "after it was given back");
	CHECK(dist_bucket_admit(&bucket, &slow, slow.cost, 5 + DIST_NS_PER_SECOND), "a second later");

	struct dist_bucket large = {0};
	CHECK(dist_bucket_admit(&large, &bits, dist_rate_byte_cost(&bits, 9000), 1), "a jumbo packet from a full bucket");
	CHECK(!dist_bucket_admit(&large, &bits, dist_rate_byte_cost(&bits, 100), 60 * DIST_NS_PER_SECOND), "is paid for");
	CHECK(dist_bucket_admit(&large, &bits, dist_rate_byte_cost(&bits, 100), 73 * DIST_NS_PER_SECOND), "in 72 seconds");
	struct dist_rate fast = dist_rate_of_bits(UINT64_C(1000000000000));
	CHECK(dist_bucket_admit(&large, &fast, dist_rate_byte_cost(&fast, 100), 74 * DIST_NS_PER_SECOND), "at another rate");
}

int main(void)
{
	check_packets(1, 1);
	check_packets(7, 1);
	check_packets(50, UINT64_MAX / DIST_PACING_UNITS_PER_NS - DIST_NS_PER_SECOND); /* time wraps */
	check_packets(1000, UINT64_MAX / 2);
	check_packets(20000, 12345);
	check_bits(1000, 100);
	check_bits(1000000, 1200);
	check_bits(8000000, 1316);
	check_edges();
	CHECK_END();
}

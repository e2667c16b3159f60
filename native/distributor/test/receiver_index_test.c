#include "check.h"
#include "receiver_index.h"

#include <stdlib.h>

#define RECEIVERS 10000

static struct dist_receiver_spec receiver(uint32_t number)
{
	uint8_t bytes[4] = {10, (uint8_t)(number >> 14), (uint8_t)(number >> 6), 1};
	return (struct dist_receiver_spec){
		.address = dist_address_from_v4(bytes), .port = (uint16_t)(6000 + number % 64), .vlan = number % 3 == 0 ? 7 : 0};
}

int main(void)
{
	static struct dist_receiver_spec list[RECEIVERS + 1];
	struct dist_receiver_index index;
	uint32_t twice;

	CHECK(dist_receiver_index_build(&index, NULL, 0, &twice), "of none");
	CHECK(dist_receiver_index_find(&index, NULL, &list[0]) == DIST_RECEIVER_NOWHERE, "in none");
	dist_receiver_index_free(&index);

	for (uint32_t i = 0; i < RECEIVERS; i++)
		list[i] = receiver(i);
	CHECK(dist_receiver_index_build(&index, list, RECEIVERS, &twice), "%u is there twice", twice);
	for (uint32_t i = 0; i < RECEIVERS; i++)
		CHECK(dist_receiver_index_find(&index, list, &list[i]) == i, "receiver %u", i);
	struct dist_receiver_spec other = list[5];
	other.vlan ^= 1;
	CHECK(dist_receiver_index_find(&index, list, &other) == DIST_RECEIVER_NOWHERE, "another tag");
	other = list[5];
	other.ttl = 9;
	CHECK(dist_receiver_index_find(&index, list, &other) == 5, "the TTL does not tell receivers apart");
	dist_receiver_index_free(&index);

	list[RECEIVERS] = list[17];
	CHECK(!dist_receiver_index_build(&index, list, RECEIVERS + 1, &twice) && twice == RECEIVERS, "a receiver twice");
	CHECK_END();
}

/* Against the plain loop of RFC 1071, for every length and any way of cutting. */
#include "check.h"
#include "checksum.h"

#include <stdbool.h>
#include <stdlib.h>

static uint16_t plain(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t in_memory_order(uint16_t big_endian)
{
	uint8_t bytes[2] = {(uint8_t)(big_endian >> 8), (uint8_t)big_endian};
	uint16_t value;
	__builtin_memcpy(&value, bytes, 2);
	return value;
}

/* 0 and 0xffff are the same number. */
static bool same(uint16_t a, uint16_t b)
{
	return a % 0xffff == b % 0xffff;
}

int main(void)
{
	static uint8_t bytes[65536];

	srandom(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random();
	for (size_t length = 0; length < 300; length++) {
		uint8_t *exact = malloc(length + 1);
		__builtin_memcpy(exact + 1, bytes, length); /* an odd address */
		uint16_t whole = dist_checksum_fold(dist_checksum_add(0, exact + 1, length));
		CHECK(same(whole, in_memory_order(plain(bytes, length))), "length %zu", length);
		for (size_t cut = 0; cut <= length; cut += 2) {
			uint32_t sum = dist_checksum_add(dist_checksum_add(0, bytes, cut), bytes + cut, length - cut);
			CHECK(same(dist_checksum_fold(sum), whole), "length %zu, cut at %zu", length, cut);
		}
		free(exact);
	}
	uint16_t largest = dist_checksum_fold(dist_checksum_add(0, bytes, sizeof(bytes)));
	CHECK(same(largest, in_memory_order(plain(bytes, sizeof(bytes)))), "64 KiB");
	__builtin_memset(bytes, 0xff, sizeof(bytes));
	CHECK(same(dist_checksum_fold(dist_checksum_add(0, bytes, sizeof(bytes))), 0xffff), "64 KiB of ones");
	CHECK(dist_checksum_udp(0xffff) == 0xffff, "a UDP checksum of 0 is sent as 0xffff");
	CHECK(dist_checksum_ip(0xffff) == 0, "an IP checksum may be 0");
	CHECK_END();
}

#include "checksum.h"

#include <string.h>

/*
 * Words of 32 bits in a sum of 64: 2^32 and 2^16 are both 1 modulo 65535, so wide words fold to the same. Two sums, so
 * that one addition does not wait for the other (and a compiler with vectors uses them).
 */
uint32_t dist_checksum_add(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t wide[2] = {0, 0};

	while (length >= 16) {
		uint32_t words[4];
		memcpy(words, at, 16);
		wide[0] += (uint64_t)words[0] + words[2];
		wide[1] += (uint64_t)words[1] + words[3];
		at += 16;
		length -= 16;
	}
	uint64_t total = wide[0] + wide[1];
	while (length >= 2) {
		uint16_t word;
		memcpy(&word, at, 2);
		total += word;
		at += 2;
		length -= 2;
	}
	if (length == 1) {
		uint16_t word = 0;
		memcpy(&word, at, 1);
		total += word;
	}
	total = (total & 0xffffffff) + (total >> 32);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return sum + (uint32_t)total;
}

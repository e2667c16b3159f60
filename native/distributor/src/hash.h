/** Hashing of what a packet or a receiver is found by, for tables whose size is a power of two. */
#ifndef DIST_HASH_H
#define DIST_HASH_H

#include "address.h"

#include <stdint.h>
#include <string.h>

/** Every bit of the address and of `rest` moves about half of the bits (the finish is MurmurHash3's). */
static inline uint32_t dist_hash(const struct dist_address *address, uint32_t rest)
{
	uint64_t words[2];

	memcpy(words, address->bytes, sizeof(words));
	uint64_t mixed = (words[0] ^ rest) * UINT64_C(0x9e3779b97f4a7c15);
	mixed ^= mixed >> 32 ^ words[1];
	mixed = (mixed ^ mixed >> 33) * UINT64_C(0xff51afd7ed558ccd);
	mixed = (mixed ^ mixed >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(mixed ^ mixed >> 33);
}

#endif

/** The XDP program on an interface, and whose it is. */
#ifndef DIST_DPDK_PROGRAM_H
#define DIST_DPDK_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define DIST_PROGRAM_NAME_BYTES 16

/** The number of the program that is attached, or 0. */
uint32_t dist_program_attached(int interface_index);

/**
 * Is it a distributor's: called `steer`, with the maps of ours? Who may not ask the kernel goes by the number that was
 * recorded. `name` gets its name, or "?".
 */
bool dist_program_is_ours(const char *interface, uint32_t id, char name[DIST_PROGRAM_NAME_BYTES]);

/** Records the number of the program that was attached; 0: there is none any more. */
void dist_program_record(const char *interface, uint32_t id);

#endif

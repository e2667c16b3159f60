/** A loopback of the test's own, so that ports which others use on this machine do not matter. */
#ifndef DIST_TEST_OWN_NETWORK_H
#define DIST_TEST_OWN_NETWORK_H

#include <stdbool.h>

/**
 * Moves the process, which has one thread yet, into a new network namespace, as root or by a user namespace. Where the
 * system permits neither, it says so, stays and gives false: the ports of the golden vectors must then be free. The loopback has
 * an Ethernet's MTU of 1500 bytes there.
 */
bool own_network_enter(void);

#endif

/** A network namespace of the test's own, so that nothing of the machine is touched, and its ports do not matter. */
#ifndef DIST_TEST_OWN_NETWORK_H
#define DIST_TEST_OWN_NETWORK_H

#include <stdbool.h>

/** How a test ends that may not do what it needs: meson counts it as skipped. */
#define OWN_NETWORK_SKIPPED 77

/**
 * Moves the process, which has one thread yet, into a new network namespace, as root or by a user namespace. Where the
 * system permits neither, it says so, stays and gives false: the ports of the golden vectors must then be free. The loopback has
 * an Ethernet's MTU of 1500 bytes there.
 */
bool own_network_enter(void);

/** For tests that need interfaces and programs in the kernel, which is root's right: without it the test ends as skipped. */
void own_network_require(void);

/** Runs a line of the shell's in it, which must end well. */
void own_network_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

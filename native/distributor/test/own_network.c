#include "own_network.h"

#include "check.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool own_network_enter(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		fprintf(stderr, "the machine's own loopback is used: no network namespace can be had (%s)\n", strerror(errno));
		return false;
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &loopback) < 0)
		fprintf(stderr, "the loopback cannot be set up: %s\n", strerror(errno));
	struct ifreq mtu = {.ifr_name = "lo", .ifr_mtu = 1500};
	if (ioctl(fd, SIOCSIFMTU, &mtu) < 0)
		fprintf(stderr, "the loopback's MTU cannot be set: %s\n", strerror(errno));
	close(fd);
	return true;
}

void own_network_require(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return;
	fprintf(stderr, "skipped: a network namespace cannot be made (%s); run as root\n", strerror(errno));
	exit(OWN_NETWORK_SKIPPED);
}

void own_network_run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	REQUIRE(length >= 0 && length < (int)sizeof(command), "a command of at most %zu bytes", sizeof(command) - 1);
	REQUIRE(system(command) == 0, "the command works: %s", command);
}

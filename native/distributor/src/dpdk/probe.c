#include "probe.h"

#include "netdev.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif

#ifndef DIST_BPF_DIRECTORY
#define DIST_BPF_DIRECTORY "/usr/lib/penstock"
#endif

struct right {
	int number;
	const char *name;
};

static bool rights(const struct right *needed, size_t count, const struct dist_plan *plan, struct dist_error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	char missing[128] = "";

	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(missing);

		if (data[needed[i].number / 32].effective >> (needed[i].number % 32) & 1)
			continue;
		snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? ", " : "", needed[i].name);
	}
	if (!*missing)
		return true;
	return dist_error_set(error, "NOT_PERMITTED",
			      "the backend %s needs rights that this process does not have: %s; start it as root, or with "
			      "AmbientCapabilities= in systemd",
			      plan->backend_name, missing);
}

/* Media that comes by a queue without a socket would go to the kernel. */
static bool probe_queues(const struct dist_engine_options *options, const struct dist_plan *plan, struct dist_error *error)
{
	bool combined;
	unsigned queues = dist_netdev_receive_queues(plan->netdev, &combined);

	/* The driver of DPDK 22.11 counts such a device as one with one queue. */
	if (!combined && options->queues > 1)
		return dist_error_set(error, "PORT_UNFIT",
				      "the queues of \"%s\" are not combined ones, and af_xdp takes only one of such a device; ask "
				      "for one queue, or take af_packet",
				      plan->netdev);
	if (queues && queues != options->queues)
		return dist_error_set(error, "PORT_UNFIT",
				      "\"%s\" has %u receive queues and %u are asked for; make them as many "
				      "(`ethtool -L %s %s %u`)",
				      plan->netdev, queues, options->queues, plan->netdev, combined ? "combined" : "rx",
				      options->queues);
	return true;
}

static bool probe_netdev(const struct dist_engine_options *options, const struct dist_plan *plan,
			 struct dist_error *error)
{
	unsigned flags, mtu;

	if (if_nametoindex(plan->netdev) == 0)
		return dist_error_set(error, "PORT_MISSING", "there is no interface \"%s\" here; `ip link` lists them",
				      plan->netdev);
	flags = dist_netdev_flags(plan->netdev);
	mtu = dist_netdev_mtu(plan->netdev);
	if (flags & IFF_LOOPBACK)
		return dist_error_set(error, "PORT_UNFIT", "\"%s\" is the loopback interface, which has no Ethernet", plan->netdev);
	if (!(flags & IFF_UP))
		return dist_error_set(error, "PORT_DOWN", "the interface \"%s\" is down; `ip link set %s up`", plan->netdev,
				      plan->netdev);
	if (plan->backend == DIST_BACKEND_AF_XDP && mtu > DIST_PROBE_XDP_MTU_MAX)
		return dist_error_set(error, "PORT_UNFIT",
				      "the MTU of \"%s\" is %u and af_xdp takes %d at most; lower it, or take af_packet",
				      plan->netdev, mtu, DIST_PROBE_XDP_MTU_MAX);
	return plan->backend != DIST_BACKEND_AF_XDP || probe_queues(options, plan, error);
}

static bool probe_xdp(const char *program, struct dist_error *error)
{
	int descriptor = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		return dist_error_set(error, errno == EPERM ? "NOT_PERMITTED" : "XDP_MISSING",
				      "this kernel gives no AF_XDP sockets: %s; take af_packet, or a kernel with "
				      "CONFIG_XDP_SOCKETS",
				      strerror(errno));
	close(descriptor);
	if (access(program, R_OK) < 0)
		return dist_error_set(error, "PROGRAM_MISSING", "the XDP program %s cannot be read: %s", program,
				      strerror(errno));
	return true;
}

/* A device for DPDK hangs on vfio-pci (or igb_uio, uio_pci_generic), or stays with the kernel's driver (mlx4, mlx5). */
static bool probe_pci(const char *address, struct dist_error *error)
{
	static const char *const fits[] = {"vfio-pci", "igb_uio", "uio_pci_generic", "mlx4_core", "mlx5_core"};
	char path[128], target[256];
	const char *driver;
	ssize_t length;

	if (strlen(address) > 32 || strchr(address, '/'))
		return dist_error_set(error, "BACKEND_ARGUMENT", "\"%s\" is no PCI address such as 0000:3b:00.0", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	if (access(path, F_OK) < 0)
		return dist_error_set(error, "PORT_MISSING",
				      "there is no PCI device %s here; `dpdk-devbind.py --status` lists them", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = 0;
	driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : "none";
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		if (strcmp(driver, fits[i]) == 0)
			return true;
	return dist_error_set(error, "DRIVER_WRONG",
			      "the PCI device %s has the driver %s and not vfio-pci; `dpdk-devbind.py --bind=vfio-pci %s` "
			      "(the kernel loses the interface), or take af_xdp",
			      address, driver, address);
}

bool dist_probe(const struct dist_engine_options *options, const struct dist_plan *plan, const char *program,
		struct dist_error *error)
{
	/* The kernel checks programs of those without CAP_PERFMON more strictly, and takes no reckoning with pointers. */
	static const struct right netdev[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
					      {CAP_NET_RAW, "CAP_NET_RAW"},
					      {CAP_BPF, "CAP_BPF"},
					      {CAP_PERFMON, "CAP_PERFMON"},
					      {CAP_IPC_LOCK, "CAP_IPC_LOCK"}};
	static const struct right tap[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"}};

	switch (plan->backend) {
	case DIST_BACKEND_AF_XDP:
		return probe_netdev(options, plan, error) &&
		       rights(netdev, sizeof(netdev) / sizeof(netdev[0]), plan, error) && probe_xdp(program, error);
	case DIST_BACKEND_AF_PACKET:
		return probe_netdev(options, plan, error) &&
		       rights(netdev, sizeof(netdev) / sizeof(netdev[0]), plan, error);
	case DIST_BACKEND_PCI:
		return probe_pci(options->interface, error) && rights(tap, 1, plan, error);
	case DIST_BACKEND_MEMIF:
		return !plan->netdev || rights(tap, 1, plan, error);
	case DIST_BACKEND_PCAP:
	case DIST_BACKEND_RING:
	case DIST_BACKEND_NULL:
		return true;
	}
	return true;
}

void dist_probe_program(const char *name, char *path, size_t bytes)
{
	static const char *const beside[] = {"", "bpf/", "../bpf/", "../lib/penstock/"};
	char executable[512];
	ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable) - 1);
	char *slash;

	executable[length < 0 ? 0 : length] = 0;
	slash = strrchr(executable, '/');
	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(path, bytes, "%.*s/%s%s.bpf.o", (int)(slash - executable), executable, beside[i], name);
		if (access(path, R_OK) == 0)
			return;
	}
	snprintf(path, bytes, "%s/%s.bpf.o", DIST_BPF_DIRECTORY, name);
}

#include "eal.h"

#include "../log.h"
#include "generator.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

/* The part of the memory that is not packets, in MiB: devices, rings and what lies between; and headers for each queue. */
#define OWN_MIB 56
#define QUEUE_MIB 8

static char complaint[256];

static unsigned total_mib(const struct dist_engine_options *options, const struct dist_plan *plan)
{
	return options->memory_mib + OWN_MIB + QUEUE_MIB * options->queues +
	       (plan->generate_bytes > 0 ? DIST_GENERATOR_MIB : 0);
}

static bool add(struct dist_eal_arguments *arguments, struct dist_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool add(struct dist_eal_arguments *arguments, struct dist_error *error, const char *format, ...)
{
	char *text = arguments->text + arguments->used;
	size_t room = sizeof(arguments->text) - arguments->used;
	va_list values;
	int length;

	va_start(values, format);
	length = vsnprintf(text, room, format, values);
	va_end(values);
	if (length < 0 || (size_t)length >= room || arguments->count == DIST_EAL_ARGUMENTS_MAX)
		return dist_error_set(error, "BACKEND_ARGUMENT", "the arguments for DPDK are too long");
	arguments->values[arguments->count++] = text;
	arguments->values[arguments->count] = NULL;
	arguments->used += (size_t)length + 1;
	return true;
}

static bool add_cores(const struct dist_engine_options *options, const int *cpus, struct dist_eal_arguments *arguments,
		      struct dist_error *error)
{
	char list[256] = "";

	for (unsigned i = 0; i <= options->queues; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s%u@%d", i ? "," : "", i, cpus[i]);
	}
	return add(arguments, error, "--lcores") && add(arguments, error, "%s", list);
}

static bool add_devices(const struct dist_plan *plan, struct dist_eal_arguments *arguments, struct dist_error *error)
{
	bool pci = plan->backend == DIST_BACKEND_PCI;
	const char *others[] = {plan->send_device, plan->kernel_device};

	/* Without PCI there are no physical addresses to know: virtual ones need no right, and memory is in one piece. */
	if (!pci && !(add(arguments, error, "--no-pci") && add(arguments, error, "--iova-mode=va")))
		return false;
	if (!add(arguments, error, pci ? "--allow" : "--vdev") || !add(arguments, error, "%s", plan->device))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (*others[i] && !(add(arguments, error, "--vdev") && add(arguments, error, "%s", others[i])))
			return false;
	return true;
}

/*
 * Each distributor has a directory of its own for DPDK's things, so that any number of them run beside each other. A port
 * has one distributor, and its directory is used again: so what was killed leaves no more than one.
 */
static bool add_prefix(const struct dist_engine_options *options, const struct dist_plan *plan,
		       struct dist_eal_arguments *arguments, struct dist_error *error)
{
	struct stat network = {0};

	if (!add(arguments, error, "--file-prefix"))
		return false;
	if (options->file_prefix)
		return add(arguments, error, "%s", options->file_prefix);
	if (!plan->netdev || *plan->kernel_device)
		return add(arguments, error, "penstock-%d", (int)getpid());
	stat("/proc/self/ns/net", &network);
	return add(arguments, error, "penstock-%s-%lu", plan->netdev, (unsigned long)network.st_ino);
}

bool dist_eal_arguments(const struct dist_engine_options *options, const struct dist_plan *plan, const int *cpus,
			struct dist_eal_arguments *arguments, struct dist_error *error)
{
	memset(arguments, 0, sizeof(*arguments));
	if (!add(arguments, error, "penstock-distributor") || !add_cores(options, cpus, arguments, error))
		return false;
	/* Hugepages need no mounted file system this way, and neither way leaves files behind; the two exclude each other. */
	if (options->huge_pages != DIST_HUGE_PAGES_NEVER
		    ? !add(arguments, error, "--in-memory")
		    : !(add(arguments, error, "--no-huge") && add(arguments, error, "--no-shconf")))
		return false;
	if (!add(arguments, error, "-m") || !add(arguments, error, "%u", total_mib(options, plan)) ||
	    !add_prefix(options, plan, arguments, error))
		return false;
	return add_devices(plan, arguments, error);
}

unsigned dist_eal_read_cpus(const char *list, int *cpus, unsigned room)
{
	unsigned count = 0;

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list || *list < '0' || *list > '9')
			return 0;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list || *list < '0' || *list > '9')
				return 0;
		}
		if (last < first || last >= CPU_SETSIZE || (*end && *end != ',') || (*end == ',' && !end[1]))
			return 0;
		for (unsigned long cpu = first; cpu <= last && count < room; cpu++)
			cpus[count++] = (int)cpu;
		list = *end ? end + 1 : end;
	}
	return count;
}

/* Workers get the CPUs that the options name, or the last ones that this process may use; control gets another one. */
static bool choose_cpus(const struct dist_engine_options *options, int *cpus, struct dist_error *error)
{
	int usable[CPU_SETSIZE];
	unsigned workers = options->queues, count = 0, taken;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return dist_error_set(error, "CORES_MISSING", "the CPUs of this process cannot be read: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			usable[count++] = cpu;
	if (options->cores) {
		taken = dist_eal_read_cpus(options->cores, cpus + 1, workers);
	} else {
		taken = workers < count ? workers : count;
		memcpy(cpus + 1, usable + count - taken, taken * sizeof(*cpus));
	}
	for (unsigned i = 0; i < taken; i++)
		if (!CPU_ISSET(cpus[1 + i], &allowed))
			return dist_error_set(error, "CORES_MISSING", "CPU %d is none that this process may use", cpus[1 + i]);
	if (taken < workers)
		return dist_error_set(error, "CORES_MISSING",
				      "%u queues need as many CPUs and there are %u; ask for fewer queues, or name more CPUs",
				      workers, taken);
	cpus[0] = usable[0];
	for (unsigned i = 0; i < count; i++) {
		bool worker = false;

		for (unsigned w = 0; w < workers; w++)
			worker |= cpus[1 + w] == usable[i];
		if (!worker) {
			cpus[0] = usable[i];
			return true;
		}
	}
	dist_log(DIST_LOG_WARN, "cores.shared", "control shares CPU %d with a worker", cpus[0]);
	return true;
}

static ssize_t log_write(void *cookie, const char *text, size_t bytes)
{
	size_t length = bytes;

	(void)cookie;
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	if (length == 0)
		return (ssize_t)bytes;
	/* EAL's level for the line that is being written; threads of ours never log through it at the same time. */
	if (rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR) {
		/* The first of several: those behind it say what came of it. */
		if (complaint[0] == 0)
			snprintf(complaint, sizeof(complaint), "%.*s", (int)length, text);
		dist_log(DIST_LOG_WARN, "dpdk.log", "%.*s", (int)length, text);
	} else {
		dist_log(DIST_LOG_DEBUG, "dpdk.log", "%.*s", (int)length, text);
	}
	return (ssize_t)bytes;
}

const char *dist_eal_complaint(void)
{
	return complaint;
}

void dist_eal_forget_complaint(void)
{
	complaint[0] = 0;
}

/* MiB in hugepages that are free. */
static unsigned long free_huge_mib(void)
{
	unsigned long pages = 0, kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "HugePages_Free: %lu", &pages);
		sscanf(line, "Hugepagesize: %lu kB", &kib);
	}
	if (file)
		fclose(file);
	return pages * kib / 1024;
}

bool dist_eal_choose_pages(struct dist_engine_options *options, const struct dist_plan *plan, struct dist_error *error)
{
	unsigned long needed = total_mib(options, plan), there = free_huge_mib();

	if (options->huge_pages == DIST_HUGE_PAGES_NEVER)
		return true;
	if (there >= needed) {
		options->huge_pages = DIST_HUGE_PAGES_ALWAYS;
		return true;
	}
	dist_error_set(error, "HUGEPAGES_MISSING",
		       "%lu MiB of hugepages are needed and %lu are free; set them up (`sysctl vm.nr_hugepages=%lu`), or do "
		       "without",
		       needed, there, needed / 2 + 2);
	if (options->huge_pages == DIST_HUGE_PAGES_ALWAYS)
		return false;
	dist_log(DIST_LOG_INFO, "hugepages.missing", "%s: ordinary pages are taken, which is slower", error->text);
	*error = (struct dist_error){0};
	options->huge_pages = DIST_HUGE_PAGES_NEVER;
	return true;
}

static bool failed(const struct dist_engine_options *options, const struct dist_plan *plan, int code,
		   struct dist_error *error)
{
	if (code == EACCES || code == EPERM)
		return dist_error_set(error, "NOT_PERMITTED", "DPDK may not start: %s; %s", rte_strerror(code), complaint);
	return dist_error_set(error, "EAL_FAILED", "DPDK does not start with %u MiB%s: %s%s%s",
			      total_mib(options, plan), options->huge_pages != DIST_HUGE_PAGES_NEVER ? " of hugepages" : "",
			      rte_strerror(code), *complaint ? "; it says: " : "", complaint);
}

bool dist_eal_start(const struct dist_engine_options *options, const struct dist_plan *plan, struct dist_error *error)
{
	static const cookie_io_functions_t log_functions = {.write = log_write};
	static struct dist_eal_arguments arguments;
	char *values[DIST_EAL_ARGUMENTS_MAX + 1];
	int cpus[DIST_WORKERS_MAX + 1];
	cpu_set_t before;
	FILE *stream;
	int code;

	if (!choose_cpus(options, cpus, error) || !dist_eal_arguments(options, plan, cpus, &arguments, error))
		return false;
	stream = fopencookie(NULL, "w", log_functions);
	if (stream) {
		setvbuf(stream, NULL, _IOLBF, 512);
		rte_openlog_stream(stream);
	}
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	dist_eal_forget_complaint();
	/* EAL reorders the array that it gets. */
	memcpy(values, arguments.values, sizeof(values));
	code = rte_eal_init(arguments.count, values) < 0 ? rte_errno : 0;
	/* EAL has bound this thread to one CPU; only workers should be. */
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	return code == 0 || failed(options, plan, code, error);
}

void dist_eal_stop(void)
{
	const char *directory = rte_eal_get_runtime_dir();
	char path[PATH_MAX];

	rte_eal_cleanup();
	/* DPDK leaves its directory; with anything else in it than the socket of its telemetry, it stays. */
	snprintf(path, sizeof(path), "%s/dpdk_telemetry.v2", directory);
	unlink(path);
	rmdir(directory);
}

/*
 * The engine `dpdk` on a real interface (a veth of the test's own): what it attaches, what it leaves, and what it says
 * when something is missing. Each case is a process of its own, for DPDK starts once in one. No packet is sent here.
 */
#include "engine.h"

#include "check.h"
#include "log.h"
#include "own_network.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char steer[512], shade[512];

static struct dist_engine_options options_for(const char *backend, const char *interface)
{
	return (struct dist_engine_options){.backend = backend,
					    .interface = interface,
					    .program = strcmp(backend, "af_packet") == 0 ? shade : steer,
					    .queues = 1,
					    .memory_mib = 48,
					    .flows_max = 64};
}

static uint32_t attached(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	REQUIRE(bpf_xdp_query((int)if_nametoindex("port"), 0, &query) == 0, "the interface to be asked");
	return query.prog_id;
}

static void in_child(void (*work)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		work();
		_exit(0);
	}
	REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "the case to pass");
}

static void open_and_close(const char *backend)
{
	struct dist_engine_options options = options_for(backend, "port");
	struct dist_error error = {0};
	struct dist_engine *engine = dist_dpdk_engine.open(&options, &error);
	struct dist_flow_key key;
	struct dist_address group;

	REQUIRE(engine, "%s: %s", error.code, error.text);
	REQUIRE(strcmp(dist_dpdk_engine.facts(engine)->backend, backend) == 0, "the backend %s", backend);
	REQUIRE(dist_address_parse("239.1.1.1", &group), "a group");
	key = dist_flow_key(&group, 5004, 0);
	REQUIRE(dist_dpdk_engine.flow_add(engine, &key, DIST_MEDIA_ANY, &error), "%s", error.text);
	own_network_run("ip maddr show dev port | grep -q 239.1.1.1");
	dist_dpdk_engine.flow_remove(engine, &key);
	own_network_run("! ip maddr show dev port | grep -q 239.1.1.1");
	dist_dpdk_engine.close(engine);
}

static void af_xdp(void)
{
	open_and_close("af_xdp");
}

static void af_packet(void)
{
	open_and_close("af_packet");
}

static void refused(struct dist_engine_options options, const char *code, const char *word)
{
	struct dist_error error = {0};

	REQUIRE(!dist_dpdk_engine.open(&options, &error), "%s to be refused", code);
	REQUIRE(strcmp(error.code, code) == 0 && strstr(error.text, word), "%s about \"%s\", not %s: %s", code, word, error.code,
	       error.text);
}

static void refusals(void)
{
	struct dist_engine_options options = options_for("af_xdp", "nothing");

	refused(options, "PORT_MISSING", "\"nothing\"");
	options = options_for("af_xdp", "idle");
	refused(options, "PORT_DOWN", "ip link set idle up");
	options = options_for("af_xdp", "lo");
	refused(options, "PORT_UNFIT", "loopback");
	options = options_for("af_xdp", "port");
	options.queues = 2;
	refused(options, "PORT_UNFIT", "ask for one queue, or take af_packet");
	options = options_for("af_xdp", "queues");
	refused(options, "PORT_UNFIT", "ethtool -L queues rx 1");
	options = options_for("af_xdp", "port");
	options.program = "/nowhere/steer.bpf.o";
	refused(options, "PROGRAM_MISSING", "/nowhere/steer.bpf.o");
	options = options_for("af_xdp", "port");
	options.huge_pages = DIST_HUGE_PAGES_ALWAYS;
	options.memory_mib = 1 << 20;
	refused(options, "HUGEPAGES_MISSING", "vm.nr_hugepages");
	options = options_for("af_xdp", "port");
	options.cores = "500";
	refused(options, "CORES_MISSING", "CPU 500");
	options = options_for("pci", "0000:ff:1f.7");
	refused(options, "PORT_MISSING", "dpdk-devbind.py");
	options = options_for("pci", "../../x");
	refused(options, "BACKEND_ARGUMENT", "PCI address");
}

static void unprivileged(void)
{
	REQUIRE(setgid(65534) == 0 && setuid(65534) == 0, "to be nobody");
	refused(options_for("af_xdp", "port"), "NOT_PERMITTED", "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK");
	refused(options_for("af_packet", "port"), "NOT_PERMITTED", "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_IPC_LOCK");
}

static void second_distributor(void)
{
	refused(options_for("af_xdp", "port"), "PORT_BUSY", "another distributor");
}

static void foreign_program(void)
{
	refused(options_for("af_xdp", "port"), "PORT_BUSY", "ip link set port xdp off");
}

/* Opens the port and waits to be killed. */
static pid_t start_victim(void)
{
	int ready[2];
	char byte;
	pid_t child;

	REQUIRE(pipe(ready) == 0, "a pipe");
	child = fork();
	if (child == 0) {
		struct dist_engine_options options = options_for("af_xdp", "port");
		struct dist_error error = {0};

		REQUIRE(dist_dpdk_engine.open(&options, &error), "%s: %s", error.code, error.text);
		REQUIRE(write(ready[1], "r", 1) == 1, "to say so");
		pause();
		_exit(0);
	}
	close(ready[1]);
	REQUIRE(read(ready[0], &byte, 1) == 1, "the distributor to have the port");
	close(ready[0]);
	return child;
}

int main(int argc, char **argv)
{
	struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2}, {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, load_options);
	char own[] = "/tmp/penstock-test-XXXXXX";
	int foreign, status;
	pid_t victim;

	const char *directory = argc > 1 ? argv[1] : ".";
	snprintf(steer, sizeof(steer), "%s/steer.bpf.o", directory);
	snprintf(shade, sizeof(shade), "%s/shade.bpf.o", directory);
	own_network_require();
	REQUIRE(mkdtemp(own), "a directory");
	setenv("RUNTIME_DIRECTORY", own, 1);
	dist_log_set_level(DIST_LOG_WARN);
	own_network_run("ip link set lo up; ip link add port type veth peer name far && ip link set port up && ip link set far up");
	own_network_run("ip link add queues numrxqueues 2 numtxqueues 2 type veth peer name end numrxqueues 2 numtxqueues 2;"
			"ip link set queues up");
	own_network_run("ip link add idle type veth peer name other; ip addr add 10.9.0.1/24 dev port");

	in_child(refusals);
	in_child(unprivileged);
	in_child(af_xdp);
	REQUIRE(attached() == 0, "nothing to be left on the port");
	in_child(af_packet);
	own_network_run("! tc filter show dev port ingress | grep -q shade");

	victim = start_victim();
	REQUIRE(attached() != 0, "a program on the port");
	in_child(second_distributor);
	REQUIRE(kill(victim, SIGKILL) == 0 && waitpid(victim, &status, 0) == victim, "the distributor to be killed");
	REQUIRE(attached() != 0, "the killed distributor's program to be still there");
	in_child(af_xdp);
	REQUIRE(attached() == 0, "nothing to be left on the port");

	foreign = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", pass, 2, &load_options);
	REQUIRE(foreign >= 0 && bpf_xdp_attach((int)if_nametoindex("port"), foreign, 0, NULL) == 0, "a foreign program");
	in_child(foreign_program);
	REQUIRE(attached() != 0, "the foreign program to be still there");
	own_network_run("rm -r %s", own);
	return 0;
}

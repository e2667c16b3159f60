/* plan.c and eal.c: the arguments that DPDK gets for every backend, also for those that this machine cannot run. */
#include "check.h"
#include "dpdk/eal.h"
#include "dpdk/idle.h"
#include "dpdk/plan.h"


static const int cpus[] = {0, 1, 2, 3};

static struct dist_engine_options options_for(const char *backend, const char *interface, const char *arguments)
{
	return (struct dist_engine_options){.backend = backend,
					    .interface = interface,
					    .backend_arguments = arguments,
					    .file_prefix = "test",
					    .queues = 1,
					    .memory_mib = 64,
					    .huge_pages = DIST_HUGE_PAGES_ALWAYS};
}

static void expect_arguments(const struct dist_engine_options *options, const char *expected)
{
	struct dist_plan plan;
	struct dist_eal_arguments arguments;
	struct dist_error error = {0};
	char joined[4096] = "";

	REQUIRE(dist_plan_make(options, "/x/steer.bpf.o", &plan, &error), "%s", error.text);
	REQUIRE(dist_eal_arguments(options, &plan, cpus, &arguments, &error), "%s", error.text);
	for (int i = 1; i < arguments.count; i++) {
		strcat(joined, i > 1 ? " " : "");
		strcat(joined, arguments.values[i]);
	}
	REQUIRE(arguments.values[arguments.count] == NULL, "an array that ends with NULL");
	REQUIRE(strcmp(joined, expected) == 0, "arguments\n  %s\nnot\n  %s", expected, joined);
}

static void expect_refusal(const struct dist_engine_options *options, const char *code, const char *word)
{
	struct dist_plan plan;
	struct dist_error error = {0};

	REQUIRE(!dist_plan_make(options, "/x/steer.bpf.o", &plan, &error), "%s with %s to be refused", options->backend,
	       options->backend_arguments ? options->backend_arguments : "nothing");
	REQUIRE(strcmp(error.code, code) == 0 && strstr(error.text, word), "%s about %s, not %s: %s", code, word, error.code,
	       error.text);
}

static void idle_sleeps(enum dist_idle mode, bool woken, uint32_t polls, uint32_t first_us, uint32_t then_us)
{
	struct dist_idle_state idle = {.mode = mode, .woken = woken};

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < polls; i++)
			REQUIRE(dist_idle_empty(&idle) == 0, "no sleep after %u empty polls", i);
		REQUIRE(dist_idle_empty(&idle) == first_us, "a first sleep of %u us", first_us);
		for (int i = 0; i < 1000; i++)
			dist_idle_empty(&idle);
		REQUIRE(dist_idle_empty(&idle) == then_us, "sleeps of %u us after a while", then_us);
		dist_idle_busy(&idle);
	}
}

int main(void)
{
	struct dist_engine_options options = options_for("af_xdp", "eth0", NULL);
	struct dist_plan plan;
	struct dist_error error = {0};

	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_af_xdp0,iface=eth0,start_queue=0,queue_count=1,xdp_prog=/x/steer.bpf.o");
	options.busy_budget_set = true;
	options.busy_budget = 0;
	options.queues = 3;
	options.huge_pages = DIST_HUGE_PAGES_NEVER;
	expect_arguments(&options,
			 "--lcores 0@0,1@1,2@2,3@3 --no-huge --no-shconf -m 144 --file-prefix test --no-pci --iova-mode=va --vdev "
			 "net_af_xdp0,iface=eth0,start_queue=0,queue_count=3,xdp_prog=/x/steer.bpf.o,busy_budget=0");
	options = options_for("af_packet", "eth0", "qdisc_bypass=0");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_af_packet0,iface=eth0,qpairs=1,blocksz=4096,framesz=2048,framecnt=4096,qdisc_bypass=0");
	options = options_for("memif", NULL, "role=client,socket=/run/m.sock,next-hop=02:00:00:00:00:07,mtu=1400");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_memif0,role=client,socket=/run/m.sock");
	REQUIRE(dist_plan_make(&options, "", &plan, &error), "%s", error.text);
	REQUIRE(plan.link.target_mac[5] == 7 && plan.link.mtu == 1400 && !plan.netdev, "the link of the arguments");
	options = options_for("memif", "media0", "role=server");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_memif0,role=server --vdev net_tap0,iface=media0");
	options = options_for("pcap", NULL, "rx_pcap=a.pcap,tx_pcap=b.pcap,source6=2001:db8::9");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap");
	options = options_for("ring", NULL, "generate=1200,port=6000,to=10.0.0.1,copy=1");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 168 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_ring0 --vdev net_null0");
	REQUIRE(dist_plan_make(&options, "", &plan, &error), "%s", error.text);
	REQUIRE(plan.generate_bytes == 1200 && plan.generate_port == 6000 && plan.by_copy, "the generator of the arguments");
	options = options_for("null", NULL, "size=128");
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --no-pci --iova-mode=va --vdev "
				   "net_null0,size=128");
	options = options_for("pci", "0000:3b:00.0", NULL);
	expect_arguments(&options, "--lcores 0@0,1@1 --in-memory -m 128 --file-prefix test --allow 0000:3b:00.0 --vdev "
				   "net_tap0,iface=penstock0");
	REQUIRE(dist_plan_make(&options, "", &plan, &error) && strcmp(plan.netdev, "penstock0") == 0, "the tap's neighbours");

	options = options_for("afxdp", "eth0", NULL);
	expect_refusal(&options, "BACKEND_UNKNOWN", "af_xdp");
	options = options_for("af_xdp", NULL, NULL);
	expect_refusal(&options, "BACKEND_ARGUMENT", "interface");
	options = options_for("pci", "", NULL);
	expect_refusal(&options, "BACKEND_ARGUMENT", "0000:3b:00.0");
	options = options_for("pcap", NULL, NULL);
	expect_refusal(&options, "BACKEND_ARGUMENT", "rx_pcap");
	options = options_for("null", NULL, "next-hop=1:2:3");
	expect_refusal(&options, "BACKEND_ARGUMENT", "next-hop=1:2:3");
	options = options_for("null", NULL, "source=2001:db8::1");
	expect_refusal(&options, "BACKEND_ARGUMENT", "source");
	options = options_for("ring", NULL, "generate=20000");
	expect_refusal(&options, "BACKEND_ARGUMENT", "generate");
	options = options_for("ring", NULL, NULL);
	options.queues = 2;
	expect_refusal(&options, "BACKEND_ARGUMENT", "2 queues");

	int read[4];
	REQUIRE(dist_eal_read_cpus("3", read, 4) == 1 && read[0] == 3, "one CPU");
	REQUIRE(dist_eal_read_cpus("1-2,5", read, 4) == 3 && read[0] == 1 && read[1] == 2 && read[2] == 5, "three CPUs");
	REQUIRE(dist_eal_read_cpus("0-9", read, 4) == 4, "no more than there is room for");
	const char *const wrong[] = {"", "x", "-1", "1-", "3-1", "1,", "1,,2", "1 2", "99999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		REQUIRE(dist_eal_read_cpus(wrong[i], read, 4) == 0, "\"%s\" to be no list of CPUs", wrong[i]);

	struct dist_idle_state latency = {.mode = DIST_IDLE_LATENCY};
	for (int i = 0; i < 1000000; i++)
		REQUIRE(dist_idle_empty(&latency) == 0, "latency never to sleep");
	idle_sleeps(DIST_IDLE_BALANCED, false, 256, 50, 250);
	idle_sleeps(DIST_IDLE_BALANCED, true, 256, 1000, 1000);
	idle_sleeps(DIST_IDLE_ECO, false, 16, 250, 1000);
	idle_sleeps(DIST_IDLE_ECO, true, 16, 10000, 10000);
	return 0;
}

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum option_id {
	OPTION_BACKEND = 256,
	OPTION_BACKEND_ARGUMENTS,
	OPTION_BUSY_BUDGET,
	OPTION_CHECK,
	OPTION_CONTROL,
	OPTION_CORES,
	OPTION_END_WITH_PARENT,
	OPTION_ENGINE,
	OPTION_FILE_PREFIX,
	OPTION_HELP,
	OPTION_HUGE_PAGES,
	OPTION_IDLE,
	OPTION_INTERFACE,
	OPTION_LOG_LEVEL,
	OPTION_MAX_RECEIVERS,
	OPTION_MAX_RECEIVERS_PER_RULE,
	OPTION_MAX_RULES,
	OPTION_MEMORY,
	OPTION_NO_CAPTURE,
	OPTION_NO_HUGE_PAGES,
	OPTION_PORT_RATE,
	OPTION_PROGRAM,
	OPTION_QUEUES,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"backend", required_argument, NULL, OPTION_BACKEND},
	{"backend-arguments", required_argument, NULL, OPTION_BACKEND_ARGUMENTS},
	{"busy-budget", required_argument, NULL, OPTION_BUSY_BUDGET},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"cores", required_argument, NULL, OPTION_CORES},
	{"end-with-parent", no_argument, NULL, OPTION_END_WITH_PARENT},
	{"engine", required_argument, NULL, OPTION_ENGINE},
	{"file-prefix", required_argument, NULL, OPTION_FILE_PREFIX},
	{"help", no_argument, NULL, OPTION_HELP},
	{"huge-pages", no_argument, NULL, OPTION_HUGE_PAGES},
	{"idle", required_argument, NULL, OPTION_IDLE},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"max-receivers", required_argument, NULL, OPTION_MAX_RECEIVERS},
	{"max-receivers-per-rule", required_argument, NULL, OPTION_MAX_RECEIVERS_PER_RULE},
	{"max-rules", required_argument, NULL, OPTION_MAX_RULES},
	{"memory-mib", required_argument, NULL, OPTION_MEMORY},
	{"no-capture", no_argument, NULL, OPTION_NO_CAPTURE},
	{"no-huge-pages", no_argument, NULL, OPTION_NO_HUGE_PAGES},
	{"port-bits-per-second", required_argument, NULL, OPTION_PORT_RATE},
	{"program", required_argument, NULL, OPTION_PROGRAM},
	{"queues", required_argument, NULL, OPTION_QUEUES},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

void dist_options_help(FILE *out)
{
	fputs("usage: penstock-distributor --engine sockets|dpdk --control PATH [options]\n"
	      "\n"
	      "Sends the packets of media streams on to receivers, by rules that a controller gives over a Unix socket\n"
	      "(docs/wire/distributor.md). The log is one JSON object a line on stderr.\n"
	      "\n"
	      "  --engine NAME                 sockets: needs nothing; dpdk: a network port by DPDK\n"
	      "  --control PATH                the Unix socket to listen at, made with mode 0600\n"
	      "  --interface NAME              dpdk: the port's network device; sockets: take packets of this one alone\n"
	      "  --idle latency|balanced|eco   how to wait for packets (balanced); latency uses a whole core\n"
	      "  --port-bits-per-second N      send no faster than this in all\n"
	      "  --max-rules N                 rules at most (4096)\n"
	      "  --max-receivers N             receivers of all rules at most (65536)\n"
	      "  --max-receivers-per-rule N    receivers of one rule at most (16384)\n"
	      "  --no-capture                  refuse the verb capture, which writes files\n"
	      "  --end-with-parent             end, with all rules, when the process that started this one does\n"
	      "  --log-level error|warn|info|debug\n"
	      "  --check                       open the engine, say whether it works, and end\n"
	      "  --version, --help\n"
	      "\n"
	      "dpdk only:\n"
	      "  --backend NAME                af_xdp (default), af_packet, memif, pcap, ring, null, pci\n"
	      "  --backend-arguments TEXT      appended to the device's arguments\n"
	      "  --program FILE                the XDP program, instead of the one that was built\n"
	      "  --queues N                    RX queues, one worker each (1)\n"
	      "  --cores LIST                  the workers' cores, such as 1-3\n"
	      "  --memory-mib N                packet memory (64)\n"
	      "  --huge-pages                  end where not enough hugepages are free (else: ordinary pages then)\n"
	      "  --no-huge-pages               use ordinary pages: slower, needs no set-up\n"
	      "  --busy-budget N               af_xdp: packets per busy poll, 0 for none\n"
	      "  --file-prefix NAME            tells several distributors on one machine apart\n"
	      "\n"
	      "Exit status: 0 ended as asked, 1 the engine or the control socket failed, 2 the command line is wrong.\n",
	      out);
}

static bool parse_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value,
			 struct dist_error *error)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value >= least && *value <= most)
		return true;
	return dist_error_set(error, "COMMAND_LINE", "--%s is '%s' but must be a whole number from %llu to %llu", option, text,
			      (unsigned long long)least, (unsigned long long)most);
}

/* The position of `text` among `words`. */
static bool parse_word(const char *option, const char *text, const char *const *words, size_t count, size_t *at,
		       struct dist_error *error)
{
	char known[128] = "";

	for (*at = 0; *at < count; (*at)++) {
		if (strcmp(words[*at], text) == 0)
			return true;
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *at == 0 ? "" : ", ", words[*at]);
	}
	return dist_error_set(error, "COMMAND_LINE", "--%s is '%s' but must be one of %s", option, text, known);
}

static bool parse_engine(const char *text, struct dist_options *options, struct dist_error *error)
{
	char known[128] = "";

	options->ops = dist_engine_find(text);
	if (options->ops != NULL)
		return true;
	for (const char *const *name = dist_engine_names(); *name != NULL; name++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), " %s", *name);
	return dist_error_set(error, "ENGINE_UNKNOWN", "this program has no engine '%s'; it was built with:%s", text, known);
}

static bool parse_one(int id, const char *option, const char *text, struct dist_options *options, struct dist_error *error)
{
	static const char *const idles[] = {"latency", "balanced", "eco"};
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	struct dist_engine_options *engine = &options->engine;
	uint64_t number;
	size_t word;

	switch (id) {
	case OPTION_BACKEND:
		engine->backend = text;
		return true;
	case OPTION_BACKEND_ARGUMENTS:
		engine->backend_arguments = text;
		return true;
	case OPTION_BUSY_BUDGET:
		if (!parse_number(option, text, 0, 65535, &number, error))
			return false;
		engine->busy_budget_set = true;
		engine->busy_budget = (unsigned)number;
		return true;
	case OPTION_CHECK:
		options->task = DIST_TASK_CHECK;
		return true;
	case OPTION_CONTROL:
		options->control_path = text;
		return true;
	case OPTION_CORES:
		engine->cores = text;
		return true;
	case OPTION_END_WITH_PARENT:
		options->ends_with_parent = true;
		return true;
	case OPTION_ENGINE:
		return parse_engine(text, options, error);
	case OPTION_FILE_PREFIX:
		engine->file_prefix = text;
		return true;
	case OPTION_HELP:
		options->task = DIST_TASK_HELP;
		return true;
	case OPTION_HUGE_PAGES:
		engine->huge_pages = DIST_HUGE_PAGES_ALWAYS;
		return true;
	case OPTION_IDLE:
		if (!parse_word(option, text, idles, COUNT(idles), &word, error))
			return false;
		engine->idle = (enum dist_idle)word;
		return true;
	case OPTION_INTERFACE:
		engine->interface = text;
		return true;
	case OPTION_LOG_LEVEL:
		if (!parse_word(option, text, levels, COUNT(levels), &word, error))
			return false;
		options->log_level = (enum dist_log_level)word;
		return true;
	case OPTION_MAX_RECEIVERS:
		if (!parse_number(option, text, 1, DIST_RECEIVERS_MAX, &number, error))
			return false;
		options->limits.receivers = (uint32_t)number;
		return true;
	case OPTION_MAX_RECEIVERS_PER_RULE:
		if (!parse_number(option, text, 1, DIST_RULE_RECEIVERS_MAX, &number, error))
			return false;
		options->limits.receivers_per_rule = (uint32_t)number;
		return true;
	case OPTION_MAX_RULES:
		if (!parse_number(option, text, 1, DIST_RULES_MAX, &number, error))
			return false;
		options->limits.rules = (uint32_t)number;
		return true;
	case OPTION_MEMORY:
		if (!parse_number(option, text, 16, 65536, &number, error))
			return false;
		engine->memory_mib = (unsigned)number;
		return true;
	case OPTION_NO_CAPTURE:
		options->capture = false;
		return true;
	case OPTION_NO_HUGE_PAGES:
		engine->huge_pages = DIST_HUGE_PAGES_NEVER;
		return true;
	case OPTION_PORT_RATE:
		return parse_number(option, text, 1000, UINT64_C(1000000000000), &engine->port_bits_per_second, error);
	case OPTION_PROGRAM:
		engine->program = text;
		return true;
	case OPTION_QUEUES:
		if (!parse_number(option, text, 1, DIST_WORKERS_MAX, &number, error))
			return false;
		engine->queues = (unsigned)number;
		return true;
	case OPTION_VERSION:
		options->task = DIST_TASK_VERSION;
		return true;
	default:
		return dist_error_set(error, "COMMAND_LINE", "an option is not known, or lacks its value; see --help");
	}
}

static bool check_together(const struct dist_options *options, int rest, char **argv, struct dist_error *error)
{
	if (options->task == DIST_TASK_HELP || options->task == DIST_TASK_VERSION)
		return true;
	if (argv[rest] != NULL)
		return dist_error_set(error, "COMMAND_LINE", "'%s' is no option; see --help", argv[rest]);
	if (options->ops == NULL)
		return dist_error_set(error, "COMMAND_LINE", "--engine is missing; write --engine sockets, or see --help");
	if (options->task == DIST_TASK_RUN && options->control_path == NULL)
		return dist_error_set(error, "COMMAND_LINE",
				      "--control is missing; write --control and the path of the Unix socket to listen at");
	return true;
}

bool dist_options_parse(int argc, char **argv, struct dist_options *options, struct dist_error *error)
{
	*options = (struct dist_options){
		.task = DIST_TASK_RUN,
		.engine = {.queues = 1, .memory_mib = 64, .huge_pages = DIST_HUGE_PAGES_IF_FREE, .idle = DIST_IDLE_BALANCED},
		.limits = {.rules = DIST_RULES_MAX,
			   .receivers_per_rule = DIST_RULE_RECEIVERS_MAX,
			   .receivers = DIST_RECEIVERS_MAX},
		.capture = true,
		.log_level = DIST_LOG_INFO,
	};
	opterr = 0; /* what is wrong is said once, by the caller */
	for (;;) {
		int at = -1;
		int id = getopt_long(argc, argv, ":", long_options, &at);
		if (id == -1)
			break;
		if (id == '?' || id == ':')
			return dist_error_set(error, "COMMAND_LINE", id == ':' ? "%s lacks its value; see --help"
									       : "%s is not known here; see --help",
					      argv[optind - 1]);
		if (!parse_one(id, at >= 0 ? long_options[at].name : "", optarg, options, error))
			return false;
	}
	options->engine.flows_max = options->limits.rules + 1; /* a rule that moves has two for a moment */
	return check_together(options, optind, argv, error);
}

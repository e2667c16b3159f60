#include "check.h"
#include "options.h"

#include <getopt.h>
#include <string.h>

#define WORDS_MAX 16

/* Parses a command line; gives the code of the refusal, or "". */
static const char *parse(const char *line, struct dist_options *options)
{
	static char words[512];
	static struct dist_error error;
	char *arguments[WORDS_MAX + 1] = {0};
	int count = 0;

	snprintf(words, sizeof(words), "penstock-distributor %s", line);
	for (char *word = strtok(words, " "); word != NULL && count < WORDS_MAX; word = strtok(NULL, " "))
		arguments[count++] = word;
	optind = 0; /* getopt starts afresh */
	error = (struct dist_error){.code = ""};
	bool taken = dist_options_parse(count, arguments, options, &error);
	CHECK(taken == (error.code[0] == '\0'), "%s", line);
	CHECK(taken || strlen(error.text) > 20, "a refusal says what is wrong: %s", error.text);
	return error.code;
}

static void refuse(const char *line, const char *code)
{
	struct dist_options options;
	const char *got = parse(line, &options);
	CHECK(strcmp(got, code) == 0, "%s: '%s', not '%s'", line, got, code);
}

int main(void)
{
	struct dist_options options;

	refuse("--engine sockets --control /run/d.sock --interface eth0 --idle latency --port-bits-per-second 1000000000", "");
	parse("--engine sockets --control /run/d.sock --max-rules 7 --no-capture --idle eco --log-level warn", &options);
	CHECK(options.ops == &dist_sockets_engine && strcmp(options.control_path, "/run/d.sock") == 0, "engine and path");
	CHECK(options.limits.rules == 7 && options.engine.flows_max == 8, "a rule that moves has two flows for a moment");
	CHECK(!options.capture && options.engine.idle == DIST_IDLE_ECO && options.log_level == DIST_LOG_WARN, "the rest");
	CHECK(options.engine.queues == 1 && options.engine.huge_pages == DIST_HUGE_PAGES_IF_FREE && options.limits.receivers == DIST_RECEIVERS_MAX,
	      "what is not said");
	parse("--help", &options);
	CHECK(options.task == DIST_TASK_HELP, "help needs nothing else");
	parse("--version", &options);
	CHECK(options.task == DIST_TASK_VERSION, "version needs nothing else");
	parse("--engine sockets --check", &options);
	CHECK(options.task == DIST_TASK_CHECK, "a check needs no socket");

	refuse("", "COMMAND_LINE");
	refuse("--engine sockets", "COMMAND_LINE");
	refuse("--control /run/d.sock", "COMMAND_LINE");
	refuse("--engine none --control /run/d.sock", "ENGINE_UNKNOWN");
	refuse("--engine sockets --control", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock more", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --queues 0", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --queues -1", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --queues 1x", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --max-receivers 99999999999999999999", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --idle often", "COMMAND_LINE");
	refuse("--engine sockets --control /run/d.sock --colour red", "COMMAND_LINE");
	CHECK_END();
}

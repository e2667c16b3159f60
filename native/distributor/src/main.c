/*
 * penstock-distributor: one engine, one control socket. The main thread is the control thread; the engine brings its
 * workers.
 */
#include "control/protocol.h"
#include "control/server.h"
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "options.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_USAGE 2

struct distributor {
	struct dist_engine *engine;
	struct dist_server *server;
	struct dist_protocol *protocol;
	bool failed;
};

static void on_fault(void *context, const char *code, const char *text)
{
	struct distributor *distributor = context;

	if (strcmp(code, "ENGINE_FAILED") == 0)
		distributor->failed = true;
	if (distributor->protocol != NULL)
		dist_protocol_fault(distributor->protocol, code, text);
	else
		dist_log(DIST_LOG_ERROR, "engine.fault", "%s: %s", code, text);
	if (distributor->failed && distributor->server != NULL)
		dist_server_stop(distributor->server);
}

/* Signals are read by the control thread's loop; a thread that is made after this has them blocked too. */
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Ends with the process that started this one, also if that has ended already. */
static bool follow_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent;
}

/*
 * A large rule is built anew with every change of it: its megabytes are kept for the next one, instead of being given back
 * to the kernel and faulted in again each time.
 */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

static bool serve(struct distributor *distributor, const struct dist_options *options, struct dist_error *error)
{
	distributor->server = dist_server_open(options->control_path, error);
	if (distributor->server == NULL)
		return false;
	struct dist_protocol_options protocol = {.ops = options->ops,
						 .engine = distributor->engine,
						 .limits = options->limits,
						 .version = DIST_VERSION,
						 .capture = options->capture,
						 .send_event = dist_server_send_event,
						 .send_context = distributor->server};
	distributor->protocol = dist_protocol_new(&protocol, dist_clock_now_ns());
	if (distributor->protocol == NULL)
		return dist_error_set(error, "ENGINE_FAILED", "no memory for %u rules", options->limits.rules);
	if (!options->ops->start(distributor->engine, error))
		return false;
	dist_log(DIST_LOG_INFO, "started", "engine %s, backend %s, control at %s", options->ops->name,
		 options->ops->facts(distributor->engine)->backend, options->control_path);
	if (!dist_server_run(distributor->server, distributor->protocol, options->ops, distributor->engine, error))
		return false;
	dist_protocol_drain(distributor->protocol);
	return !distributor->failed || dist_error_set(error, "ENGINE_FAILED", "the engine failed; see the lines before");
}

static int run(struct dist_options *options)
{
	struct distributor distributor = {0};
	struct dist_error error = {0};
	bool done = true;

	options->engine.fault = on_fault;
	options->engine.fault_context = &distributor;
	distributor.engine = options->ops->open(&options->engine, &error);
	if (distributor.engine == NULL) {
		done = false;
	} else if (options->task == DIST_TASK_RUN) {
		done = serve(&distributor, options, &error);
		options->ops->stop(distributor.engine);
	}
	dist_protocol_free(distributor.protocol);
	dist_server_close(distributor.server);
	if (distributor.engine != NULL)
		options->ops->close(distributor.engine);
	if (!done)
		dist_log(DIST_LOG_ERROR, "failed", "%s: %s", error.code, error.text);
	else
		dist_log(DIST_LOG_INFO, options->task == DIST_TASK_CHECK ? "checked" : "ended", "engine %s %s",
			 options->ops->name, options->task == DIST_TASK_CHECK ? "works here" : "has ended as asked");
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const pid_t parent = getppid();
	struct dist_options options;
	struct dist_error error;

	if (!dist_options_parse(argc, argv, &options, &error)) {
		dist_log(DIST_LOG_ERROR, "failed", "%s: %s", error.code, error.text);
		return EXIT_USAGE;
	}
	switch (options.task) {
	case DIST_TASK_HELP:
		dist_options_help(stdout);
		return EXIT_SUCCESS;
	case DIST_TASK_VERSION:
		puts("penstock-distributor " DIST_VERSION);
		return EXIT_SUCCESS;
	case DIST_TASK_CHECK:
	case DIST_TASK_RUN:
	default:
		break;
	}
	dist_log_set_level(options.log_level);
	block_signals();
	if (options.ends_with_parent && !follow_parent(parent)) {
		dist_log(DIST_LOG_WARN, "ended", "the process that started this one has ended before it");
		return EXIT_FAILURE;
	}
	keep_memory();
	return run(&options);
}

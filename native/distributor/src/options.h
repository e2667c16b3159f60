/** The command line. */
#ifndef DIST_OPTIONS_H
#define DIST_OPTIONS_H

#include "control/rule_store.h"
#include "engine.h"
#include "log.h"

#include <stdbool.h>
#include <stdio.h>

enum dist_task { DIST_TASK_RUN, DIST_TASK_CHECK, DIST_TASK_HELP, DIST_TASK_VERSION };

struct dist_options {
	enum dist_task task;
	const struct dist_engine_ops *ops;
	struct dist_engine_options engine;
	struct dist_limits limits;
	const char *control_path;
	bool capture;
	bool ends_with_parent;
	enum dist_log_level log_level;
};

/** Reads the arguments; false and COMMAND_LINE or ENGINE_UNKNOWN with what is wrong and what to write instead. */
bool dist_options_parse(int argc, char **argv, struct dist_options *options, struct dist_error *error);
void dist_options_help(FILE *out);

#endif

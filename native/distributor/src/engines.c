/* The engines that this program was built with. */
#include "engine.h"

#include <string.h>

static const struct dist_engine_ops *const engines[] = {
	&dist_sockets_engine,
#ifdef DIST_WITH_DPDK
	&dist_dpdk_engine,
#endif
};
#define ENGINES (sizeof(engines) / sizeof(engines[0]))

const struct dist_engine_ops *dist_engine_find(const char *name)
{
	for (size_t i = 0; i < ENGINES; i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}

const char *const *dist_engine_names(void)
{
	static const char *names[ENGINES + 1];

	for (size_t i = 0; i < ENGINES; i++)
		names[i] = engines[i]->name;
	return names;
}

/* The list of reasons is the wire's, in its order. */
#include "check.h"
#include "drop_reasons.h"
#include "vectors.h"

#include <string.h>

int main(void)
{
	json_t *names = vectors_load("drop-reasons.json");

	CHECK(json_array_size(names) == DIST_DROP_COUNT, "%zu in the vector, %d here", json_array_size(names), DIST_DROP_COUNT);
	for (unsigned i = 0; i < DIST_DROP_COUNT && i < json_array_size(names); i++) {
		const char *name = dist_drop_name((enum dist_drop_reason)i);
		CHECK(strcmp(name, json_string_value(json_array_get(names, i))) == 0, "reason %u is %s", i, name);
		CHECK(strlen(dist_drop_text((enum dist_drop_reason)i)) > 0, "%s has no text", name);
		CHECK((dist_drop_scope((enum dist_drop_reason)i) == DIST_SCOPE_RECEIVER) == (i >= DIST_DROP_RECEIVER_FIRST),
		      "a receiver's reasons are the last: %s", name);
	}
	json_decref(names);
	CHECK_END();
}

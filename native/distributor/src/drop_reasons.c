#include "drop_reasons.h"

static const struct {
	const char *name;
	const char *text;
	enum dist_drop_scope scope;
} reasons[DIST_DROP_COUNT] = {
#define X(symbol, name_, scope_, text_)                                                                                 \
	[DIST_DROP_##symbol] = {.name = name_, .text = text_, .scope = DIST_SCOPE_##scope_},
	DIST_DROP_REASONS(X)
#undef X
};

const char *dist_drop_name(enum dist_drop_reason reason)
{
	return reasons[reason].name;
}

const char *dist_drop_text(enum dist_drop_reason reason)
{
	return reasons[reason].text;
}

enum dist_drop_scope dist_drop_scope(enum dist_drop_reason reason)
{
	return reasons[reason].scope;
}

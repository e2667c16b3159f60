#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool dist_error_set(struct dist_error *error, const char *code, const char *format, ...)
{
	va_list arguments;

	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

/* Takes an unfinished character of UTF-8 off the end. */
static void cut_at_character(char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0xc0) {
		unsigned char lead = (unsigned char)text[start - 1];
		size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
		if (length - (start - 1) < whole)
			text[start - 1] = '\0';
	}
}

bool dist_error_set(struct dist_error *error, const char *code, const char *format, ...)
{
	va_list arguments;

	error->code = code;
	va_start(arguments, format);
	int length = vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(error->text))
		cut_at_character(error->text, sizeof(error->text) - 1);
	return false;
}

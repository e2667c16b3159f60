#include "check.h"
#include "control/line_reader.h"

#include <stdlib.h>
#include <string.h>

#define MOST 10000

/* Feeds text in pieces; gives the lines that came out, joined by |, and ! for one that was too long. */
static void feed(const char *text, size_t length, size_t piece, char *out)
{
	struct dist_line_reader reader;
	const char *line;
	size_t line_length, at = 0;

	dist_line_reader_init(&reader, MOST);
	out[0] = '\0';
	while (at < length) {
		size_t room;
		char *into = dist_line_reader_room(&reader, &room);
		size_t now = length - at < piece ? length - at : piece;
		now = now < room ? now : room;
		if (now == 0) {
			CHECK(false, "no room");
			break;
		}
		memcpy(into, text + at, now);
		dist_line_reader_filled(&reader, now);
		at += now;
		enum dist_line got;
		while ((got = dist_line_reader_next(&reader, &line, &line_length)) == DIST_LINE_WHOLE) {
			strncat(out, line, line_length < 8 ? line_length : 8);
			strcat(out, "|");
		}
		if (got == DIST_LINE_TOO_LONG) {
			strcat(out, "!");
			break;
		}
	}
	dist_line_reader_free(&reader);
}

int main(void)
{
	static char text[MOST + 100], out[MOST];

	for (size_t piece = 1; piece < 12; piece++) {
		feed("one\ntwo\n\nthree\nrest", 19, piece, out);
		CHECK(strcmp(out, "one|two||three|") == 0, "in pieces of %zu: %s", piece, out);
	}
	memset(text, 'x', sizeof(text));
	text[MOST - 1] = '\n';
	for (size_t piece = 97; piece < MOST; piece += 1111) {
		feed(text, MOST, piece, out);
		CHECK(strcmp(out, "xxxxxxxx|") == 0, "the longest line, in pieces of %zu: %s", piece, out);
	}
	text[MOST - 1] = 'x';
	text[MOST] = '\n';
	feed(text, MOST + 1, 97, out);
	CHECK(strcmp(out, "!") == 0, "one more is too long: %s", out);
	CHECK_END();
}

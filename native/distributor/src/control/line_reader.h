/** Bytes in, lines out; a line has a bound. */
#ifndef DIST_CONTROL_LINE_READER_H
#define DIST_CONTROL_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

struct dist_line_reader {
	char *bytes;
	size_t capacity; /* grows up to `most` */
	size_t begin, end;
	size_t searched; /* no line end before this */
	size_t most;     /* bytes of a line, with its end */
};

enum dist_line { DIST_LINE_NONE, DIST_LINE_WHOLE, DIST_LINE_TOO_LONG };

void dist_line_reader_init(struct dist_line_reader *reader, size_t most);
void dist_line_reader_free(struct dist_line_reader *reader);

/** Where to put bytes that come; `*room` is never 0 unless memory is out. Any line read before is void after this. */
char *dist_line_reader_room(struct dist_line_reader *reader, size_t *room);
/** So many have been put there. */
void dist_line_reader_filled(struct dist_line_reader *reader, size_t length);

/** The next line, without its end; valid until the next call of room. */
enum dist_line dist_line_reader_next(struct dist_line_reader *reader, const char **line, size_t *length);

#endif

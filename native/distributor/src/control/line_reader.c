#include "line_reader.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 4096

void dist_line_reader_init(struct dist_line_reader *reader, size_t most)
{
	*reader = (struct dist_line_reader){.most = most};
}

void dist_line_reader_free(struct dist_line_reader *reader)
{
	free(reader->bytes);
}

char *dist_line_reader_room(struct dist_line_reader *reader, size_t *room)
{
	if (reader->begin > 0) {
		memmove(reader->bytes, reader->bytes + reader->begin, reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->searched -= reader->begin;
		reader->begin = 0;
	}
	if (reader->end == reader->capacity && reader->capacity < reader->most) {
		size_t larger = reader->capacity == 0 ? FIRST_BYTES : reader->capacity * 2;
		if (larger > reader->most)
			larger = reader->most;
		char *moved = realloc(reader->bytes, larger);
		if (moved != NULL) {
			reader->bytes = moved;
			reader->capacity = larger;
		}
	}
	*room = reader->capacity - reader->end;
	return reader->bytes + reader->end;
}

void dist_line_reader_filled(struct dist_line_reader *reader, size_t length)
{
	reader->end += length;
}

enum dist_line dist_line_reader_next(struct dist_line_reader *reader, const char **line, size_t *length)
{
	if (reader->searched == reader->end)
		return reader->end - reader->begin == reader->most ? DIST_LINE_TOO_LONG : DIST_LINE_NONE;
	char *end = memchr(reader->bytes + reader->searched, '\n', reader->end - reader->searched);
	if (end == NULL) {
		reader->searched = reader->end;
		return reader->end - reader->begin == reader->most ? DIST_LINE_TOO_LONG : DIST_LINE_NONE;
	}
	*line = reader->bytes + reader->begin;
	*length = (size_t)(end - *line);
	reader->begin = (size_t)(end - reader->bytes) + 1;
	reader->searched = reader->begin;
	return DIST_LINE_WHOLE;
}

#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void dist_connection_open(struct dist_connection *connection, int fd)
{
	*connection = (struct dist_connection){.fd = fd};
	dist_line_reader_init(&connection->reader, DIST_REQUEST_BYTES_MAX);
}

void dist_connection_close(struct dist_connection *connection)
{
	close(connection->fd);
	dist_line_reader_free(&connection->reader);
	free(connection->pending);
	*connection = (struct dist_connection){.fd = -1};
}

bool dist_connection_append(struct dist_connection *connection, const char *line, size_t length)
{
	if (connection->pending_sent > 0) {
		memmove(connection->pending, connection->pending + connection->pending_sent, dist_connection_pending(connection));
		connection->pending_length -= connection->pending_sent;
		connection->pending_sent = 0;
	}
	size_t needed = connection->pending_length + length;
	if (needed > connection->pending_capacity) {
		size_t larger = needed < 2 * connection->pending_capacity ? 2 * connection->pending_capacity : needed;
		char *moved = realloc(connection->pending, larger);
		if (moved == NULL)
			return false;
		connection->pending = moved;
		connection->pending_capacity = larger;
	}
	memcpy(connection->pending + connection->pending_length, line, length);
	connection->pending_length = needed;
	return true;
}

bool dist_connection_flush(struct dist_connection *connection)
{
	while (dist_connection_pending(connection) > 0) {
		ssize_t sent = send(connection->fd, connection->pending + connection->pending_sent, dist_connection_pending(connection),
				    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		connection->pending_sent += (size_t)sent;
	}
	free(connection->pending);
	connection->pending = NULL;
	connection->pending_length = connection->pending_capacity = connection->pending_sent = 0;
	return !connection->closing;
}

bool dist_connection_read(struct dist_connection *connection)
{
	size_t room;
	char *at = dist_line_reader_room(&connection->reader, &room);

	if (room == 0) /* no memory */
		return false;
	ssize_t got = recv(connection->fd, at, room, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0) /* nothing more is asked, but what was asked is answered */
		connection->closing = true;
	dist_line_reader_filled(&connection->reader, (size_t)got);
	return true;
}

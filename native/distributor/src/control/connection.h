/**
 * One controller's connection: what has come of it, and what is still to be sent. Whoever lets too much pile up is not
 * read from any more, and in the end closed (server.c).
 */
#ifndef DIST_CONTROL_CONNECTION_H
#define DIST_CONTROL_CONNECTION_H

#include "line_reader.h"
#include "protocol.h"

#include <stdint.h>

struct dist_connection {
	int fd; /* -1: free */
	struct dist_session session;
	struct dist_line_reader reader;
	char *pending; /* answers and events that the socket has not taken */
	size_t pending_length, pending_capacity, pending_sent;
	bool closing; /* as soon as everything is sent */
	uint32_t waits_for;
};

/** Takes the descriptor over. */
void dist_connection_open(struct dist_connection *connection, int fd);
void dist_connection_close(struct dist_connection *connection);

/** Bytes that wait to be sent. */
static inline size_t dist_connection_pending(const struct dist_connection *connection)
{
	return connection->pending_length - connection->pending_sent;
}

/** Puts a line behind what waits to be sent; false without memory. */
bool dist_connection_append(struct dist_connection *connection, const char *line, size_t length);
/** Sends what the socket takes. False: the connection is over. */
bool dist_connection_flush(struct dist_connection *connection);
/** Reads what the line reader has room for, once. False: the connection is over. */
bool dist_connection_read(struct dist_connection *connection);

#endif

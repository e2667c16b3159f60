/**
 * The control protocol's socket: a Unix stream socket of mode 0600, at most eight connections, and the loop of the control
 * thread, which also looks after the engine's descriptor, the protocol's time, and signals.
 * A connection whose answers nobody reads is not read from any more; one that lets events pile up is closed.
 */
#ifndef DIST_CONTROL_SERVER_H
#define DIST_CONTROL_SERVER_H

#include "protocol.h"

#include <stdbool.h>

struct dist_server;

/**
 * Listens at `path`. A socket that nobody listens at any more is replaced; one with a listener, and anything that is no
 * socket, is refused (CONTROL_SOCKET).
 */
struct dist_server *dist_server_open(const char *path, struct dist_error *error);
/** Closes all connections and removes the socket. */
void dist_server_close(struct dist_server *server);

/** Sends an event on every connection that has said hello: a dist_event_send, with the server as its context. */
void dist_server_send_event(void *server, const char *line, size_t length);

/** Makes dist_server_run return soon. The control thread's, from within an engine's `control`. */
void dist_server_stop(struct dist_server *server);

/** Runs until `quit` is asked for, or SIGTERM or SIGINT has come; both are blocked by the caller, in every thread. */
bool dist_server_run(struct dist_server *server, struct dist_protocol *protocol, const struct dist_engine_ops *ops,
		     struct dist_engine *engine, struct dist_error *error);

#endif

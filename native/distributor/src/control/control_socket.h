/** The Unix socket that controllers connect to, of mode 0600. */
#ifndef DIST_CONTROL_CONTROL_SOCKET_H
#define DIST_CONTROL_CONTROL_SOCKET_H

#include "error.h"

/**
 * Listens at `path`. A socket that nobody listens at any more is replaced; one with a listener, and anything that is no
 * socket, is refused. A descriptor that does not block, or -1 and CONTROL_SOCKET.
 */
int dist_control_socket_listen(const char *path, struct dist_error *error);

#endif

#include "server.h"

#include "clock.h"
#include "line_reader.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8
#define BACKLOG 16
#define EVENTS_PER_WAIT 16
#define ENGINE_LOOK_NS (100 * DIST_NS_PER_MS)
/* A connection is not read from while more than this waits to be sent on it, and closed when events make it more than that. */
#define PENDING_PAUSE_BYTES 65536
#define PENDING_CLOSE_BYTES (2 * DIST_ANSWER_BYTES_MAX)

struct connection {
	int fd; /* -1: free */
	struct dist_session session;
	struct dist_line_reader reader;
	char *pending; /* answers and events that the socket has not taken */
	size_t pending_length, pending_capacity, pending_sent;
	bool closing; /* as soon as everything is sent */
	uint32_t waits_for;
};

struct dist_server {
	int listener;
	int epoll;
	int signals;
	bool stops;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t engine_looked_ns;
	struct connection connections[CONNECTIONS_MAX];
};

/* What an epoll event is about: a connection, or one of these. */
static const char listener_mark, signal_mark, engine_mark;

static bool watch(const struct dist_server *server, int fd, uint32_t events, const void *mark)
{
	struct epoll_event event = {.events = events, .data.ptr = (void *)mark};
	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ---- Connections */

static void close_connection(struct connection *connection)
{
	close(connection->fd);
	dist_line_reader_free(&connection->reader);
	free(connection->pending);
	*connection = (struct connection){.fd = -1};
}

static size_t pending_of(const struct connection *connection)
{
	return connection->pending_length - connection->pending_sent;
}

static void wait_for(const struct dist_server *server, struct connection *connection)
{
	uint32_t events = 0;

	if (pending_of(connection) <= PENDING_PAUSE_BYTES && !connection->closing)
		events |= EPOLLIN;
	if (pending_of(connection) > 0)
		events |= EPOLLOUT;
	if (events == connection->waits_for)
		return;
	connection->waits_for = events;
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd,
		  &(struct epoll_event){.events = events, .data.ptr = connection});
}

/* Puts a line into what is to be sent; false without memory. */
static bool append(struct connection *connection, const char *line, size_t length)
{
	if (connection->pending_sent > 0) {
		memmove(connection->pending, connection->pending + connection->pending_sent, pending_of(connection));
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

/* Sends what the socket takes. False: the connection is over. */
static bool flush(struct connection *connection)
{
	while (pending_of(connection) > 0) {
		ssize_t sent = send(connection->fd, connection->pending + connection->pending_sent, pending_of(connection),
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

/* Handles the lines that are there, until answers pile up. False: the connection is over. */
static bool handle_lines(struct connection *connection, struct dist_protocol *protocol)
{
	const char *line;
	size_t length, answer_length;

	while (pending_of(connection) <= PENDING_PAUSE_BYTES && !connection->closing) {
		char *answer;
		switch (dist_line_reader_next(&connection->reader, &line, &length)) {
		case DIST_LINE_NONE:
			return true;
		case DIST_LINE_TOO_LONG:
			answer = dist_protocol_refuse_long_line(&answer_length);
			connection->closing = true;
			break;
		case DIST_LINE_WHOLE:
		default:
			answer = dist_protocol_handle(protocol, &connection->session, line, length, dist_clock_now_ns(),
						      &answer_length);
			connection->closing = dist_protocol_quits(protocol);
			break;
		}
		bool kept = answer != NULL && append(connection, answer, answer_length);
		free(answer);
		if (!kept)
			return false;
	}
	return true;
}

/* Reads once and handles what is there. Answers leave after the commit, so that they tell the truth. */
static bool serve(struct connection *connection, struct dist_protocol *protocol, bool readable)
{
	if (readable && pending_of(connection) <= PENDING_PAUSE_BYTES) {
		size_t room;
		char *at = dist_line_reader_room(&connection->reader, &room);
		ssize_t got = recv(connection->fd, at, room, MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (got == 0) /* nothing more is asked, but what was asked is answered */
			connection->closing = true;
		if (got > 0)
			dist_line_reader_filled(&connection->reader, (size_t)got);
	}
	if (!handle_lines(connection, protocol))
		return false;
	dist_protocol_commit(protocol);
	return flush(connection);
}

static void accept_connection(struct dist_server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd >= 0)
			continue;
		*connection = (struct connection){.fd = fd, .waits_for = EPOLLIN};
		dist_line_reader_init(&connection->reader, DIST_REQUEST_BYTES_MAX);
		if (!watch(server, fd, EPOLLIN, connection))
			close_connection(connection);
		return;
	}
	dist_log(DIST_LOG_WARN, "control.connections", "a connection was refused: there are %d, which is the most",
		 CONNECTIONS_MAX);
	close(fd);
}

void dist_server_send_event(void *context, const char *line, size_t length)
{
	struct dist_server *server = context;

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		if (connection->fd < 0 || !connection->session.greeted)
			continue;
		if (pending_of(connection) + length > PENDING_CLOSE_BYTES || !append(connection, line, length)) {
			dist_log(DIST_LOG_WARN, "control.slow", "a controller that reads no events was closed");
			close_connection(connection);
		} else {
			wait_for(server, connection);
		}
	}
}

/* ---- The listening socket */

static bool refuse_socket(struct dist_error *error, const char *path, const char *why)
{
	return dist_error_set(error, "CONTROL_SOCKET", "%s: %s", path, why);
}

/* A socket that a process has left behind is removed; what is in use, or something else, is refused. */
static bool clear_path(const struct sockaddr_un *address, struct dist_error *error)
{
	struct stat there;

	if (lstat(address->sun_path, &there) < 0)
		return errno == ENOENT || refuse_socket(error, address->sun_path, strerror(errno));
	if (!S_ISSOCK(there.st_mode))
		return refuse_socket(error, address->sun_path, "is there and is no socket; name another path");
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = connect(probe, (const struct sockaddr *)address, sizeof(*address));
	int why = errno;
	close(probe);
	if (failed == 0)
		return refuse_socket(error, address->sun_path, "another distributor listens there; end it, or name another path");
	if (why != ECONNREFUSED || unlink(address->sun_path) < 0)
		return refuse_socket(error, address->sun_path, strerror(why != ECONNREFUSED ? why : errno));
	return true;
}

static bool listen_at(struct dist_server *server, const char *path, struct dist_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return dist_error_set(error, "CONTROL_SOCKET", "%s has %zu bytes, but the path of a socket has at most %zu", path,
				      strlen(path), sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (!clear_path(&address, error))
		return false;
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t before = umask(0177);
	int failed = bind(server->listener, (struct sockaddr *)&address, sizeof(address));
	int why = errno;
	umask(before);
	if (failed < 0)
		return refuse_socket(error, path,
				     why == ENOENT ? "its directory is not there; make it first" : strerror(why));
	strcpy(server->path, path);
	if (listen(server->listener, BACKLOG) < 0)
		return refuse_socket(error, path, strerror(errno));
	return true;
}

struct dist_server *dist_server_open(const char *path, struct dist_error *error)
{
	struct dist_server *server = calloc(1, sizeof(*server));
	sigset_t signals;

	if (server == NULL) {
		dist_error_set(error, "CONTROL_SOCKET", "no memory");
		return NULL;
	}
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		server->connections[i].fd = -1;
	server->listener = -1;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (!listen_at(server, path, error)) {
		dist_server_close(server);
		return NULL;
	}
	if (!watch(server, server->listener, EPOLLIN, &listener_mark) || !watch(server, server->signals, EPOLLIN, &signal_mark)) {
		refuse_socket(error, path, strerror(errno));
		dist_server_close(server);
		return NULL;
	}
	return server;
}

void dist_server_close(struct dist_server *server)
{
	if (server == NULL)
		return;
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
		if (server->connections[i].fd >= 0)
			close_connection(&server->connections[i]);
	if (server->path[0] != '\0')
		unlink(server->path);
	if (server->listener >= 0)
		close(server->listener);
	close(server->signals);
	close(server->epoll);
	free(server);
}

/* ---- The loop */

static void look_after_engine(struct dist_server *server, struct dist_protocol *protocol, const struct dist_engine_ops *ops,
			      struct dist_engine *engine, uint64_t now_ns)
{
	server->engine_looked_ns = now_ns;
	if (ops->control(engine, now_ns)) {
		dist_protocol_links_changed(protocol);
		dist_protocol_commit(protocol);
	}
}

static void handle_event(struct dist_server *server, const struct epoll_event *event, struct dist_protocol *protocol,
			 const struct dist_engine_ops *ops, struct dist_engine *engine)
{
	if (event->data.ptr == &listener_mark) {
		accept_connection(server);
	} else if (event->data.ptr == &signal_mark) {
		struct signalfd_siginfo info;
		if (read(server->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			server->stops = true;
	} else if (event->data.ptr == &engine_mark) {
		look_after_engine(server, protocol, ops, engine, dist_clock_now_ns());
	} else {
		struct connection *connection = event->data.ptr;
		if (connection->fd < 0) /* closed by an event before this one */
			return;
		bool readable = (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
		if (!flush(connection) || !serve(connection, protocol, readable))
			close_connection(connection);
		else
			wait_for(server, connection);
	}
}

void dist_server_stop(struct dist_server *server)
{
	server->stops = true;
}

bool dist_server_run(struct dist_server *server, struct dist_protocol *protocol, const struct dist_engine_ops *ops,
		     struct dist_engine *engine, struct dist_error *error)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	int engine_fd = ops->control_fd(engine);

	if (engine_fd >= 0 && !watch(server, engine_fd, EPOLLIN, &engine_mark))
		return dist_error_set(error, "ENGINE_FAILED", "the engine's descriptor cannot be watched: %s", strerror(errno));
	while (!server->stops && !dist_protocol_quits(protocol)) {
		int count = epoll_wait(server->epoll, events, EVENTS_PER_WAIT, dist_protocol_tick_ms(protocol));
		if (count < 0 && errno != EINTR)
			return dist_error_set(error, "ENGINE_FAILED", "waiting failed: %s", strerror(errno));
		for (int i = 0; i < count; i++)
			handle_event(server, &events[i], protocol, ops, engine);
		uint64_t now_ns = dist_clock_now_ns();
		if (now_ns - server->engine_looked_ns >= ENGINE_LOOK_NS)
			look_after_engine(server, protocol, ops, engine, now_ns);
		dist_protocol_tick(protocol, now_ns);
	}
	return true;
}

#include "server.h"

#include "clock.h"
#include "connection.h"
#include "control_socket.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8
#define EVENTS_PER_WAIT 16
#define ENGINE_LOOK_NS (100 * DIST_NS_PER_MS)
/* A connection is not read from while more than this waits to be sent on it, and closed when events make it more than that. */
#define PENDING_PAUSE_BYTES 65536
#define PENDING_CLOSE_BYTES (2 * DIST_ANSWER_BYTES_MAX)

struct dist_server {
	int listener;
	int epoll;
	int signals;
	bool stops;
	bool deaf; /* connections wait for descriptors */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t engine_looked_ns;
	struct dist_connection connections[CONNECTIONS_MAX];
};

/* What an epoll event is about: a connection, or one of these. */
static const char listener_mark, signal_mark, engine_mark;

static bool watch(const struct dist_server *server, int fd, uint32_t events, const void *mark)
{
	struct epoll_event event = {.events = events, .data.ptr = (void *)mark};
	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ---- Connections */

static void wait_for(const struct dist_server *server, struct dist_connection *connection)
{
	uint32_t events = 0;

	if (dist_connection_pending(connection) <= PENDING_PAUSE_BYTES && !connection->closing)
		events |= EPOLLIN;
	if (dist_connection_pending(connection) > 0)
		events |= EPOLLOUT;
	if (events == connection->waits_for)
		return;
	connection->waits_for = events;
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd,
		  &(struct epoll_event){.events = events, .data.ptr = connection});
}

/* Handles the lines that are there, until answers pile up. False: the connection is over. */
static bool handle_lines(struct dist_connection *connection, struct dist_protocol *protocol)
{
	const char *line;
	size_t length, answer_length;

	while (dist_connection_pending(connection) <= PENDING_PAUSE_BYTES && !connection->closing) {
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
		bool kept = answer != NULL && dist_connection_append(connection, answer, answer_length);
		free(answer);
		if (!kept)
			return false;
	}
	return true;
}

/* Reads once and handles what is there. Answers leave after the commit, so that they tell the truth. */
static bool serve(struct dist_connection *connection, struct dist_protocol *protocol, bool readable)
{
	if (readable && dist_connection_pending(connection) <= PENDING_PAUSE_BYTES && !dist_connection_read(connection))
		return false;
	if (!handle_lines(connection, protocol))
		return false;
	/* Without memory to bring a change about there is no honest answer: the controller finds out what holds. */
	if (!dist_protocol_commit(protocol))
		return false;
	return dist_connection_flush(connection);
}

static void listen_again(struct dist_server *server, bool listens)
{
	server->deaf = !listens;
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener,
		  &(struct epoll_event){.events = listens ? EPOLLIN : 0, .data.ptr = (void *)&listener_mark});
}

static void accept_connection(struct dist_server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Without descriptors it would be asked for again at once, and again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			listen_again(server, false);
		return;
	}
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct dist_connection *connection = &server->connections[i];
		if (connection->fd >= 0)
			continue;
		dist_connection_open(connection, fd);
		connection->waits_for = EPOLLIN;
		if (!watch(server, fd, EPOLLIN, connection))
			dist_connection_close(connection);
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
		struct dist_connection *connection = &server->connections[i];
		if (connection->fd < 0 || !connection->session.greeted)
			continue;
		if (dist_connection_pending(connection) + length > PENDING_CLOSE_BYTES ||
		    !dist_connection_append(connection, line, length)) {
			dist_log(DIST_LOG_WARN, "control.slow", "a controller that reads no events was closed");
			dist_connection_close(connection);
		} else {
			wait_for(server, connection);
		}
	}
}

/* ---- Opening and closing */

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
	server->listener = dist_control_socket_listen(path, error);
	if (server->listener < 0) {
		dist_server_close(server);
		return NULL;
	}
	strcpy(server->path, path);
	if (!watch(server, server->listener, EPOLLIN, &listener_mark) || !watch(server, server->signals, EPOLLIN, &signal_mark)) {
		dist_error_set(error, "CONTROL_SOCKET", "%s: %s", path, strerror(errno));
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
			dist_connection_close(&server->connections[i]);
	if (server->path[0] != '\0')
		unlink(server->path);
	const int descriptors[] = {server->listener, server->signals, server->epoll};
	for (unsigned i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
	free(server);
}

/* ---- The loop */

static void look_after_engine(struct dist_server *server, struct dist_protocol *protocol, const struct dist_engine_ops *ops,
			      struct dist_engine *engine, uint64_t now_ns)
{
	server->engine_looked_ns = now_ns;
	if (server->deaf)
		listen_again(server, true);
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
		struct dist_connection *connection = event->data.ptr;
		if (connection->fd < 0) /* closed by an event before this one */
			return;
		bool readable = (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
		if (!dist_connection_flush(connection) || !serve(connection, protocol, readable))
			dist_connection_close(connection);
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

/* The control socket with real connections: lines in pieces, many at once, too long, half closed; and who may listen. */
#include "check.h"
#include "clock.h"
#include "control/server.h"
#include "own_network.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HELLO "{\"id\":0,\"do\":\"hello\",\"protocol\":1}\n"
#define LIST "{\"id\":1,\"do\":\"rule.list\"}\n"
#define CONNECTIONS 8

static char directory[] = "/tmp/penstock-server-XXXXXX";
static char path[64];

struct running {
	struct dist_engine *engine;
	struct dist_server *server;
	struct dist_protocol *protocol;
	pthread_t thread;
};

static void *run(void *context)
{
	struct running *running = context;
	struct dist_error error;

	CHECK(dist_server_run(running->server, running->protocol, &dist_sockets_engine, running->engine, &error), "%s",
	      error.text);
	return NULL;
}

static struct running start(void)
{
	const struct dist_engine_options engine_options = {.idle = DIST_IDLE_BALANCED, .flows_max = 5};
	struct dist_error error = {0};
	struct running running;

	running.engine = dist_sockets_engine.open(&engine_options, &error);
	running.server = dist_server_open(path, &error);
	CHECK(running.engine != NULL && running.server != NULL, "%s", error.text);
	const struct dist_protocol_options options = {.ops = &dist_sockets_engine,
						      .engine = running.engine,
						      .limits = {.rules = 4, .receivers_per_rule = 3, .receivers = 6},
						      .version = "0",
						      .send_event = dist_server_send_event,
						      .send_context = running.server};
	running.protocol = dist_protocol_new(&options, dist_clock_now_ns());
	return running;
}

static void end(struct running *running)
{
	dist_protocol_free(running->protocol);
	dist_server_close(running->server);
	dist_sockets_engine.close(running->engine);
}

static int try_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s", strerror(errno));
	return fd;
}

static void put(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes += sent;
		length -= (size_t)sent;
	}
}

/* Reads up to the line end; "" when the connection is closed or nothing comes. */
static const char *line_of(int fd)
{
	static char line[4096];
	size_t at = 0;

	while (at < sizeof(line) - 1 && recv(fd, line + at, 1, 0) == 1 && line[at] != '\n')
		at++;
	line[at] = '\0';
	return line;
}

static void expect(int fd, const char *part)
{
	const char *line = line_of(fd);
	CHECK(strstr(line, part) != NULL, "'%s' is not in '%s'", part, line);
}

static void check_lines(void)
{
	int fd = try_connect();

	for (const char *at = HELLO LIST; *at != '\0'; at++)
		put(fd, at, 1);
	expect(fd, "\"protocol\":1");
	expect(fd, "\"rules\":[]");
	put(fd, LIST LIST LIST, 3 * strlen(LIST));
	for (unsigned i = 0; i < 3; i++)
		expect(fd, "\"rules\":[]");
	put(fd, LIST, strlen(LIST));
	shutdown(fd, SHUT_WR);
	expect(fd, "\"rules\":[]");
	CHECK(line_of(fd)[0] == '\0', "and then it is closed");
	close(fd);
}

static void check_long_line(void)
{
	int fd = try_connect();
	char *line = malloc(DIST_REQUEST_BYTES_MAX + 1);

	put(fd, HELLO, strlen(HELLO));
	expect(fd, "\"ok\":true");
	memset(line, ' ', DIST_REQUEST_BYTES_MAX + 1);
	memcpy(line, LIST, strlen(LIST) - 1);
	line[DIST_REQUEST_BYTES_MAX - 1] = '\n';
	put(fd, line, DIST_REQUEST_BYTES_MAX);
	expect(fd, "\"rules\":[]");
	line[DIST_REQUEST_BYTES_MAX - 1] = ' ';
	put(fd, line, DIST_REQUEST_BYTES_MAX);
	expect(fd, "LINE_TOO_LONG");
	CHECK(line_of(fd)[0] == '\0', "and then it is closed");
	free(line);
	close(fd);
}

static void check_connections(void)
{
	int fds[CONNECTIONS];

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		fds[i] = try_connect();
		put(fds[i], HELLO, strlen(HELLO));
		expect(fds[i], "\"ok\":true");
	}
	int one_more = try_connect();
	CHECK(line_of(one_more)[0] == '\0', "the ninth is closed");
	close(one_more);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
}

/* A controller that asks and never reads does not fill the memory, and does not hold up others. */
static void check_reader_that_stops(void)
{
	int lazy = try_connect();
	int other = try_connect();

	put(lazy, HELLO, strlen(HELLO));
	for (unsigned i = 0; i < 100000; i++)
		if (send(lazy, LIST, strlen(LIST), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	put(other, HELLO LIST, strlen(HELLO LIST));
	expect(other, "\"protocol\":1");
	expect(other, "\"rules\":[]");
	close(lazy);
	close(other);
}

static void check_listeners(void)
{
	struct dist_error error = {0};
	struct stat status;
	char file[80];

	CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "mode %o", status.st_mode & 0777);
	CHECK(dist_server_open(path, &error) == NULL && strstr(error.text, "another distributor") != NULL, "%s", error.text);
	snprintf(file, sizeof(file), "%s/file", directory);
	fclose(fopen(file, "w"));
	CHECK(dist_server_open(file, &error) == NULL && strcmp(error.code, "CONTROL_SOCKET") == 0, "%s", error.text);
	CHECK(stat(file, &status) == 0, "the file is still there");
	unlink(file);
}

int main(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	own_network_enter();
	CHECK(mkdtemp(directory) != NULL, "a directory for the test");
	snprintf(path, sizeof(path), "%s/control.sock", directory);

	/* A socket that a killed process has left behind is replaced. */
	struct sockaddr_un stale = {.sun_family = AF_UNIX};
	strcpy(stale.sun_path, path);
	int left = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(left, (struct sockaddr *)&stale, sizeof(stale));
	close(left);

	struct running running = start();
	pthread_create(&running.thread, NULL, run, &running);
	check_listeners();
	check_lines();
	check_long_line();
	check_connections();
	check_reader_that_stops();
	int fd = try_connect();
	put(fd, HELLO "{\"id\":9,\"do\":\"quit\"}\n" LIST, strlen(HELLO "{\"id\":9,\"do\":\"quit\"}\n" LIST));
	expect(fd, "\"protocol\":1");
	expect(fd, "{\"id\":9,\"ok\":true}");
	CHECK(line_of(fd)[0] == '\0', "after quit nothing is answered");
	close(fd);
	pthread_join(running.thread, NULL);
	end(&running);

	running = start();
	pthread_create(&running.thread, NULL, run, &running);
	kill(getpid(), SIGTERM);
	pthread_join(running.thread, NULL);
	end(&running);
	CHECK(access(path, F_OK) < 0, "the socket is removed");
	rmdir(directory);
	CHECK_END();
}

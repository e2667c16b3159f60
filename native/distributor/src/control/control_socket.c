#include "control_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

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

/* Binds, so that nobody but the owner can connect at any moment, and listens. */
static bool listen_at(int fd, const struct sockaddr_un *address, struct dist_error *error)
{
	mode_t before = umask(0177);
	int failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	int why = errno;

	umask(before);
	if (failed < 0)
		return refuse_socket(error, address->sun_path,
				     why == ENOENT ? "its directory is not there; make it first" : strerror(why));
	if (listen(fd, BACKLOG) == 0)
		return true;
	refuse_socket(error, address->sun_path, strerror(errno));
	unlink(address->sun_path);
	return false;
}

int dist_control_socket_listen(const char *path, struct dist_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		dist_error_set(error, "CONTROL_SOCKET", "%s has %zu bytes, but the path of a socket has at most %zu", path,
			       strlen(path), sizeof(address.sun_path) - 1);
		return -1;
	}
	strcpy(address.sun_path, path);
	if (!clear_path(&address, error))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		refuse_socket(error, path, strerror(errno));
		return -1;
	}
	if (!listen_at(fd, &address, error)) {
		close(fd);
		return -1;
	}
	return fd;
}

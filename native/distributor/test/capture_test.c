/* A capture is read back block by block: what went in is in the file, and what was lost is told. */
#include "capture.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t word(const uint8_t *bytes, size_t at)
{
	uint32_t value;
	memcpy(&value, bytes + at, 4);
	return value;
}

static uint8_t *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	fseek(file, 0, SEEK_END);
	*length = (size_t)ftell(file);
	rewind(file);
	uint8_t *bytes = malloc(*length + 1);
	CHECK(fread(bytes, 1, *length, file) == *length, "%s", path);
	fclose(file);
	return bytes;
}

/* Walks the blocks; gives how many packets there are, and how many the statistics call lost. */
static void check_file(const char *path, unsigned wanted, uint64_t wanted_lost)
{
	size_t length, at = 0;
	uint8_t *bytes = read_file(path, &length);
	unsigned packets = 0, blocks = 0;
	uint64_t lost = 0;

	while (at + 12 <= length) {
		uint32_t type = word(bytes, at), size = word(bytes, at + 4);
		CHECK(size % 4 == 0 && at + size <= length && word(bytes, at + size - 4) == size, "block %u at %zu", blocks, at);
		if (size < 12 || at + size > length)
			break;
		CHECK(blocks != 0 || (type == 0x0a0d0d0a && word(bytes, at + 8) == 0x1a2b3c4d), "the section");
		CHECK(blocks != 1 || (type == 1 && bytes[at + 8] == 101), "the interface");
		if (type == 6) {
			CHECK(word(bytes, at + 20) == 5 + packets % 7, "packet %u has %u bytes", packets, word(bytes, at + 20));
			CHECK(memcmp(bytes + at + 28, "head", 4) == 0 && bytes[at + 32] == 't', "packet %u", packets);
			packets++;
		}
		if (type == 5)
			memcpy(&lost, bytes + at + 24, 8);
		at += size;
		blocks++;
	}
	CHECK(at == length, "%zu of %zu bytes are blocks", at, length);
	CHECK(packets == wanted, "%u packets, not %u", packets, wanted);
	CHECK(lost == wanted_lost, "%llu lost", (unsigned long long)lost);
	free(bytes);
}

int main(void)
{
	char directory[] = "/tmp/penstock-capture-XXXXXX";
	char path[64];
	struct dist_error error;
	struct stat status;

	CHECK(mkdtemp(directory) != NULL, "a directory for the test");
	snprintf(path, sizeof(path), "%s/a.pcapng", directory);

	struct dist_capture *capture = dist_capture_open(path, "cam-1", DIST_CAPTURE_RAW_IP, 3000, &error);
	CHECK(capture != NULL, "%s", error.text);
	CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "mode %o", status.st_mode & 0777);
	CHECK(dist_capture_open(path, "cam-1", DIST_CAPTURE_RAW_IP, 1, &error) == NULL && strcmp(error.code, "CAPTURE_FAILED") == 0,
	      "a file that is there is not overwritten");
	for (unsigned i = 0; i < 2500; i++) { /* more than the queue has slots: it is emptied now and then */
		dist_capture_add(capture, "head", 4, "tailtail", 1 + i % 7, i);
		if (i % 1000 == 999)
			CHECK(!dist_capture_write(capture), "not full yet");
	}
	dist_capture_write(capture);
	CHECK(dist_capture_written(capture) == 2500, "%u", dist_capture_written(capture));
	dist_capture_close(capture);
	check_file(path, 2500, 0);
	unlink(path);

	static const uint8_t large[10000];
	capture = dist_capture_open(path, "cam-1", DIST_CAPTURE_RAW_IP, 700, &error);
	dist_capture_add(capture, large, sizeof(large), NULL, 0, 1);
	for (unsigned i = 0; i < 1100; i++) /* nobody empties the queue of 1024 */
		dist_capture_add(capture, "head", 4, "tailtail", 1 + i % 7, i);
	CHECK(dist_capture_write(capture), "it has all that was asked for");
	CHECK(dist_capture_written(capture) == 700, "%u", dist_capture_written(capture));
	dist_capture_close(capture);
	check_file(path, 700, 1 + 76);
	unlink(path);
	rmdir(directory);
	CHECK_END();
}

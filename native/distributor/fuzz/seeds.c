/* Writes the golden vectors as seeds: `seeds DIRECTORY` makes DIRECTORY/packet and DIRECTORY/protocol. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *create(const char *directory, const char *kind, size_t number)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", directory, kind);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%03zu", directory, kind, number);
	FILE *file = fopen(path, "wb");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	return file;
}

static void write_packets(const char *directory)
{
	json_t *vectors = vectors_load("packets.json");
	size_t i;
	json_t *vector;

	json_array_foreach (vectors, i, vector) {
		size_t length;
		uint8_t *frame = vectors_bytes(vectors_text(vector, "frame"), &length);
		FILE *file = create(directory, "packet", i);
		fwrite(frame, 1, length, file);
		fclose(file);
		free(frame);
	}
	json_decref(vectors);
}

static void write_conversations(const char *directory)
{
	json_t *vectors = vectors_load("conversations.json");
	size_t i, at, written = 0;
	json_t *vector, *step;

	json_array_foreach (vectors, i, vector) {
		json_t *steps = json_object_get(vector, "steps");
		FILE *file = NULL;
		/* A seed is a few lines: the fuzzer works on short ones. */
		json_array_foreach (steps, at, step) {
			json_t *send = json_object_get(step, "send");
			char *line = send == NULL ? NULL : json_dumps(send, JSON_COMPACT);
			if (line == NULL)
				continue;
			if (file == NULL)
				file = create(directory, "protocol", written++);
			fprintf(file, "%s\n", line);
			free(line);
			if (at % 8 == 7) {
				fclose(file);
				file = NULL;
			}
		}
		if (file != NULL)
			fclose(file);
	}
	json_decref(vectors);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIRECTORY\n");
		return 2;
	}
	mkdir(argv[1], 0777);
	write_packets(argv[1]);
	write_conversations(argv[1]);
	return 0;
}

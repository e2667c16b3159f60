#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 1024 /* a power of two */
#define SLOT_BYTES 9216
#define CACHE_LINE 64

/* pcapng (draft-ietf-opsawg-pcapng): blocks, and options of the interface and its statistics. */
#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_STATISTICS 5
#define BLOCK_PACKET 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define OPTION_END 0
#define OPTION_INTERFACE_NAME 2
#define OPTION_TIME_RESOLUTION 9
#define OPTION_STATISTICS_DROPS 5
#define RESOLUTION_NS 9

/*
 * A slot's turn says whose it is: equal to a writer's ticket, the slot is free for that writer; one more, it is ready for
 * the reader. (Dmitry Vyukov's bounded queue.)
 */
struct slot {
	_Atomic uint32_t turn;
	uint32_t length;
	uint64_t at_ns;
	uint8_t bytes[SLOT_BYTES];
};

struct dist_capture {
	FILE *file;
	uint32_t wanted;
	uint32_t written;
	bool broken;
	uint32_t read; /* ticket of the next slot to read: the control thread's */
	alignas(CACHE_LINE) _Atomic uint32_t next; /* ticket of the next slot to fill */
	_Atomic uint64_t lost;
	alignas(CACHE_LINE) struct slot slots[SLOTS];
};

static uint32_t padded(uint32_t length)
{
	return (length + 3) & ~UINT32_C(3);
}

static void put(struct dist_capture *capture, const void *bytes, size_t length)
{
	static const uint8_t zeroes[4];
	size_t padding = padded((uint32_t)length) - length;

	if (fwrite(bytes, 1, length, capture->file) != length || fwrite(zeroes, 1, padding, capture->file) != padding)
		capture->broken = true;
}

static void put_u32(struct dist_capture *capture, uint32_t value)
{
	put(capture, &value, sizeof(value));
}

static void put_option(struct dist_capture *capture, uint16_t code, const void *value, uint16_t length)
{
	put_u32(capture, code | (uint32_t)length << 16);
	put(capture, value, length);
}

static void put_head(struct dist_capture *capture, const char *name, enum dist_capture_link link)
{
	uint16_t name_length = (uint16_t)strlen(name);
	uint8_t resolution = RESOLUTION_NS;
	uint32_t interface_bytes = 20 + 4 + padded(name_length) + 4 + 4 + 4;

	put_u32(capture, BLOCK_SECTION);
	put_u32(capture, 28);
	put_u32(capture, BYTE_ORDER_MAGIC);
	put_u32(capture, 1); /* version 1.0 */
	put_u32(capture, UINT32_MAX);
	put_u32(capture, UINT32_MAX); /* the section's length is not said */
	put_u32(capture, 28);

	put_u32(capture, BLOCK_INTERFACE);
	put_u32(capture, interface_bytes);
	put_u32(capture, (uint32_t)link);
	put_u32(capture, SLOT_BYTES);
	put_option(capture, OPTION_INTERFACE_NAME, name, name_length);
	put_option(capture, OPTION_TIME_RESOLUTION, &resolution, 1);
	put_u32(capture, OPTION_END);
	put_u32(capture, interface_bytes);
}

static void put_packet(struct dist_capture *capture, const struct slot *slot)
{
	uint32_t block_bytes = 32 + padded(slot->length);

	put_u32(capture, BLOCK_PACKET);
	put_u32(capture, block_bytes);
	put_u32(capture, 0); /* interface */
	put_u32(capture, (uint32_t)(slot->at_ns >> 32));
	put_u32(capture, (uint32_t)slot->at_ns);
	put_u32(capture, slot->length);
	put_u32(capture, slot->length);
	put(capture, slot->bytes, slot->length);
	put_u32(capture, block_bytes);
}

static void put_statistics(struct dist_capture *capture)
{
	uint64_t lost = atomic_load(&capture->lost);

	put_u32(capture, BLOCK_STATISTICS);
	put_u32(capture, 40);
	put_u32(capture, 0); /* interface */
	put_u32(capture, 0);
	put_u32(capture, 0); /* time */
	put_option(capture, OPTION_STATISTICS_DROPS, &lost, sizeof(lost));
	put_u32(capture, OPTION_END);
	put_u32(capture, 40);
}

struct dist_capture *dist_capture_open(const char *path, const char *rule_name, enum dist_capture_link link,
				       uint32_t packets, struct dist_error *error)
{
	/* The slots are touched here, so that no worker takes their page faults. */
	struct dist_capture *capture = aligned_alloc(CACHE_LINE, sizeof(*capture));
	if (capture == NULL) {
		dist_error_set(error, "CAPTURE_FAILED", "no memory for %zu bytes of packets", sizeof(*capture));
		return NULL;
	}
	memset(capture, 0, sizeof(*capture));
	for (uint32_t i = 0; i < SLOTS; i++)
		atomic_init(&capture->slots[i].turn, i);
	capture->wanted = packets;

	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		capture->file = fdopen(fd, "wb");
	if (capture->file == NULL) {
		dist_error_set(error, "CAPTURE_FAILED", "%s cannot be made: %s; name a file that is not there, in a "
			       "directory that the distributor may write to", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(capture);
		return NULL;
	}
	put_head(capture, rule_name, link);
	return capture;
}

void dist_capture_add(struct dist_capture *capture, const void *head, uint32_t head_length, const void *tail,
		      uint32_t tail_length, uint64_t at_ns)
{
	uint32_t ticket = atomic_load_explicit(&capture->next, memory_order_relaxed);
	struct slot *slot;

	if (head_length + tail_length > SLOT_BYTES) {
		atomic_fetch_add_explicit(&capture->lost, 1, memory_order_relaxed);
		return;
	}
	for (;;) {
		slot = &capture->slots[ticket % SLOTS];
		uint32_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if (turn == ticket) {
			if (atomic_compare_exchange_weak_explicit(&capture->next, &ticket, ticket + 1, memory_order_relaxed,
								  memory_order_relaxed))
				break;
		} else if ((int32_t)(turn - ticket) < 0) {
			atomic_fetch_add_explicit(&capture->lost, 1, memory_order_relaxed);
			return;
		} else {
			ticket = atomic_load_explicit(&capture->next, memory_order_relaxed);
		}
	}
	memcpy(slot->bytes, head, head_length);
	if (tail_length > 0)
		memcpy(slot->bytes + head_length, tail, tail_length);
	slot->length = head_length + tail_length;
	slot->at_ns = at_ns;
	atomic_store_explicit(&slot->turn, ticket + 1, memory_order_release);
}

bool dist_capture_write(struct dist_capture *capture)
{
	while (capture->written < capture->wanted && !capture->broken) {
		struct slot *slot = &capture->slots[capture->read % SLOTS];
		if (atomic_load_explicit(&slot->turn, memory_order_acquire) != capture->read + 1)
			break;
		put_packet(capture, slot);
		atomic_store_explicit(&slot->turn, capture->read + SLOTS, memory_order_release);
		capture->read++;
		capture->written++;
	}
	return capture->broken || capture->written == capture->wanted;
}

uint32_t dist_capture_written(const struct dist_capture *capture)
{
	return capture->written;
}

void dist_capture_close(struct dist_capture *capture)
{
	dist_capture_write(capture);
	put_statistics(capture);
	fclose(capture->file);
	free(capture);
}

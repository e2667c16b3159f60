/* What the vectors of packets do not say: the borders of each class. */
#include "check.h"
#include "classify.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Classifies bytes that lie at the end of their memory. */
static enum dist_media classify(const uint8_t *bytes, size_t length)
{
	uint8_t *exact = malloc(length > 0 ? length : 1);
	memcpy(exact, bytes, length);
	enum dist_media media = dist_classify(exact, length);
	free(exact);
	return media;
}

static void check_second_bytes(void)
{
	uint8_t packet[12] = {0x80, 0, 0, 2};

	for (unsigned second = 0; second < 256; second++) {
		unsigned type = second & 0x7f;
		enum dist_media wanted = second >= 192 && second <= 223 ? DIST_MEDIA_RTCP
					 : type >= 64 && type <= 95   ? DIST_MEDIA_NONE
								      : DIST_MEDIA_RTP;
		packet[1] = (uint8_t)second;
		CHECK(classify(packet, sizeof(packet)) == wanted, "second byte %u", second);
	}
}

static void check_versions(void)
{
	uint8_t packet[12] = {0};

	for (unsigned first = 0; first < 256; first++) {
		packet[0] = (uint8_t)first;
		bool fits = first >> 6 == 2 && (first & 0x1f) == 0;
		CHECK((classify(packet, sizeof(packet)) == DIST_MEDIA_RTP) == fits, "first byte %u in 12 bytes", first);
	}
}

static void check_extension(void)
{
	uint8_t packet[12 + 15 * 4 + 4 + 8] = {0x9f, 96};
	size_t extension = 12 + 15 * 4;

	packet[extension + 3] = 2;
	for (size_t length = 0; length <= sizeof(packet); length++)
		CHECK((classify(packet, length) == DIST_MEDIA_RTP) == (length == sizeof(packet)), "length %zu", length);
	packet[extension + 2] = 0xff;
	CHECK(classify(packet, sizeof(packet)) == DIST_MEDIA_NONE, "an extension of 65,282 words");
}

static void check_ts(void)
{
	uint8_t packet[188 * 7] = {0};

	for (size_t at = 0; at < sizeof(packet); at += 188)
		packet[at] = 0x47;
	for (size_t length = 0; length <= sizeof(packet); length++)
		CHECK((classify(packet, length) == DIST_MEDIA_TS) == (length > 0 && length % 188 == 0), "length %zu", length);
	packet[188 * 6] = 0x46;
	CHECK(classify(packet, sizeof(packet)) == DIST_MEDIA_NONE, "the last sync byte is wrong");
	CHECK(classify(packet, 188 * 6) == DIST_MEDIA_TS, "without the wrong one");
}

static void check_rtcp_lengths(void)
{
	uint8_t packet[32] = {0x80, 200};

	for (unsigned words = 0; words < 12; words++) {
		packet[3] = (uint8_t)words;
		for (size_t length = 0; length <= sizeof(packet); length++)
			CHECK((classify(packet, length) == DIST_MEDIA_RTCP) == (length >= 8 && (words + 1) * 4 <= length),
			      "%u words in %zu bytes", words, length);
	}
}

int main(void)
{
	check_second_bytes();
	check_versions();
	check_extension();
	check_ts();
	check_rtcp_lengths();
	CHECK(DIST_MEDIA_BIT(DIST_MEDIA_RTP) == 1 && DIST_MEDIA_BIT(DIST_MEDIA_RTCP) == 2 && DIST_MEDIA_BIT(DIST_MEDIA_TS) == 4 &&
		      DIST_MEDIA_BIT(DIST_MEDIA_NONE) == 0,
	      "the bits are those of the XDP program");
	CHECK_END();
}

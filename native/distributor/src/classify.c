#include "classify.h"

#include <stdbool.h>

#define RTP_BYTES 12
#define RTCP_BYTES 8
#define RTP_EXTENSION_BYTES 4
#define TS_PACKET_BYTES 188
#define TS_SYNC 0x47

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* |V=2|P| count | type 192…223 | length in words, less one | sender | … */
static bool is_rtcp(const uint8_t *payload, size_t length)
{
	if (length < RTCP_BYTES || payload[0] >> 6 != 2 || payload[1] < 192 || payload[1] > 223)
		return false;
	return ((size_t)read_u16(payload + 2) + 1) * 4 <= length;
}

/* |V=2|P|X| CC |M| PT | sequence | timestamp | SSRC | CSRC × CC | extension: profile, length in words, … | … */
static bool is_rtp(const uint8_t *payload, size_t length)
{
	if (length < RTP_BYTES || payload[0] >> 6 != 2)
		return false;
	uint8_t payload_type = payload[1] & 0x7f;
	if (payload_type >= 64 && payload_type <= 95)
		return false;
	size_t header_length = RTP_BYTES + (size_t)(payload[0] & 0x0f) * 4;
	if ((payload[0] & 0x10) != 0) {
		if (length < header_length + RTP_EXTENSION_BYTES)
			return false;
		header_length += RTP_EXTENSION_BYTES + (size_t)read_u16(payload + header_length + 2) * 4;
	}
	return header_length <= length;
}

static bool is_ts(const uint8_t *payload, size_t length)
{
	if (length == 0 || length % TS_PACKET_BYTES != 0)
		return false;
	for (size_t at = 0; at < length; at += TS_PACKET_BYTES)
		if (payload[at] != TS_SYNC)
			return false;
	return true;
}

enum dist_media dist_classify(const uint8_t *payload, size_t length)
{
	if (is_rtp(payload, length))
		return DIST_MEDIA_RTP;
	if (is_ts(payload, length))
		return DIST_MEDIA_TS;
	if (is_rtcp(payload, length))
		return DIST_MEDIA_RTCP;
	return DIST_MEDIA_NONE;
}

const char *dist_media_name(enum dist_media media)
{
	static const char *const names[DIST_MEDIA_COUNT] = {"none", "rtp", "rtcp", "ts"};
	return names[media];
}

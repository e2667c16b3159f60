/**
 * What a UDP payload is, by its own header: RTP (RFC 3550), RTCP (told from RTP by RFC 5761's rule) or MPEG-TS (whole
 * packets of 188 bytes). The three exclude each other: a TS sync byte 0x47 reads as RTP version 1. The header alone makes
 * nothing media: the rule table must know the flow too. What SRTP encrypts (padding, all behind RTCP's first header) is
 * not looked at.
 * Total over any bytes; no allocation, no lock.
 */
#ifndef DIST_CLASSIFY_H
#define DIST_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

enum dist_media {
	DIST_MEDIA_NONE = 0,
	DIST_MEDIA_RTP = 1,
	DIST_MEDIA_RTCP = 2,
	DIST_MEDIA_TS = 3,
};
#define DIST_MEDIA_COUNT 4

/** Sets of media, for rules: RTP 1, RTCP 2, TS 4 (as in bpf/flow.h). DIST_MEDIA_NONE is in no set. */
#define DIST_MEDIA_BIT(media) ((1u << (media)) >> 1)
#define DIST_MEDIA_ANY (DIST_MEDIA_BIT(DIST_MEDIA_RTP) | DIST_MEDIA_BIT(DIST_MEDIA_RTCP) | DIST_MEDIA_BIT(DIST_MEDIA_TS))

enum dist_media dist_classify(const uint8_t *payload, size_t length);

/** "rtp", "rtcp", "ts" or "none". */
const char *dist_media_name(enum dist_media media);

#endif

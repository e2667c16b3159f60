/**
 * Every reason for which a packet, or one receiver's copy of it, is not sent: a closed list. Each refusal in the
 * distributor returns one of these, and each one returned is counted, so that what came in is what went out plus these.
 * Names, order and meaning are the wire's (docs/wire/distributor.md, Packets); a golden vector holds them together.
 */
#ifndef DIST_DROP_REASONS_H
#define DIST_DROP_REASONS_H

/*
 * X(symbol, name, scope, text). The scope says what becomes of it:
 *   PASSED    it is left to the kernel, where the engine can
 *   DROPPED   no receiver gets it, and neither does the kernel
 *   RECEIVER  one receiver does not get its copy; the others do
 */
#define DIST_DROP_REASONS(X)                                                                                            \
	X(SHORT_FRAME, "short-frame", PASSED, "the frame ends inside a header")                                          \
	X(NESTED_VLAN, "nested-vlan", PASSED, "the frame has a tag in a tag, or a service tag")                          \
	X(ETHERTYPE, "ethertype", PASSED, "the frame is neither IPv4 nor IPv6")                                          \
	X(IP_HEADER, "ip-header", PASSED, "the IP header contradicts itself or the frame")                               \
	X(IP_OPTIONS, "ip-options", PASSED, "the IPv4 header has options")                                               \
	X(IP_CHECKSUM, "ip-checksum", PASSED, "the IPv4 header's checksum is wrong")                                     \
	X(FRAGMENT, "fragment", PASSED, "the packet is a fragment")                                                      \
	X(IP_EXTENSION, "ip-extension", PASSED, "the packet has an IPv6 extension header")                               \
	X(NOT_UDP, "not-udp", PASSED, "the packet is not UDP")                                                           \
	X(UDP_LENGTH, "udp-length", PASSED, "the UDP length is not that of the IP payload")                              \
	X(NO_MEDIA, "no-media", PASSED, "the payload is neither RTP, RTCP nor MPEG-TS")                                  \
	X(NO_RULE, "no-rule", PASSED, "no rule has this destination, port and tag")                                      \
	X(WRONG_SOURCE, "wrong-source", DROPPED, "the rule names another source")                                        \
	X(WRONG_MEDIA, "wrong-media", PASSED, "the rule is for other media")                                             \
	X(CHECKSUM, "checksum", DROPPED, "the UDP checksum is wrong")                                                    \
	X(JUMBO, "jumbo", DROPPED, "the packet did not fit into one buffer of the port's")                               \
	X(MISSED, "missed", DROPPED, "the packet came faster than packets were taken in")                                \
	X(OWN_FRAME, "own-frame", DROPPED, "the port read back a frame of its own")                                      \
	X(DRAINING, "draining", DROPPED, "the distributor is draining")                                                  \
	X(TOO_LARGE, "too-large", RECEIVER, "the IP packet exceeds the port's MTU")                                      \
	X(NO_NEIGHBOUR, "no-neighbour", RECEIVER, "no next hop is known for the receiver")                               \
	X(PACKET_RATE, "packet-rate", RECEIVER, "the receiver's maxPacketsPerSecond is used up")                         \
	X(BIT_RATE, "bit-rate", RECEIVER, "the receiver's maxBitsPerSecond is used up")                                  \
	X(QUEUE_FULL, "queue-full", RECEIVER, "the device or the socket took no more")                                   \
	X(NO_BUFFER, "no-buffer", RECEIVER, "there was no memory for the copy")                                          \
	X(SEND_FAILED, "send-failed", RECEIVER, "the kernel refused to send")

enum dist_drop_scope { DIST_SCOPE_PASSED, DIST_SCOPE_DROPPED, DIST_SCOPE_RECEIVER };

enum dist_drop_reason {
#define X(symbol, name, scope, text) DIST_DROP_##symbol,
	DIST_DROP_REASONS(X)
#undef X
	DIST_DROP_COUNT,
	/** Not a reason: go on. */
	DIST_DROP_NONE = DIST_DROP_COUNT,
	/** A receiver's reasons are the last of the list. */
	DIST_DROP_RECEIVER_FIRST = DIST_DROP_TOO_LARGE,
};
#define DIST_DROP_RECEIVER_COUNT (DIST_DROP_COUNT - DIST_DROP_RECEIVER_FIRST)

/** The reason's name on the wire, such as "ip-options". */
const char *dist_drop_name(enum dist_drop_reason reason);
/** One sentence for people. */
const char *dist_drop_text(enum dist_drop_reason reason);
enum dist_drop_scope dist_drop_scope(enum dist_drop_reason reason);

#endif

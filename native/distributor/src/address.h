/**
 * IP addresses of both versions in one shape: 16 bytes, an IPv4 address mapped as ::ffff:a.b.c.d. So a key, a compare
 * and a hash need no second case. A mapped address written as IPv6 text is refused: each address has one spelling.
 */
#ifndef DIST_ADDRESS_H
#define DIST_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct dist_address {
	uint8_t bytes[16];
};

/** What an address's text needs at most, with its final zero. */
#define DIST_ADDRESS_TEXT_BYTES INET6_ADDRSTRLEN

/** From text such as "239.1.1.1" or "2001:db8::1"; false if it is no address, or an IPv4 address in IPv6 clothes. */
bool dist_address_parse(const char *text, struct dist_address *address);
/** The address's text; `text` has DIST_ADDRESS_TEXT_BYTES. */
void dist_address_format(const struct dist_address *address, char *text);

static inline struct dist_address dist_address_from_v4(const uint8_t bytes[4])
{
	struct dist_address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
	memcpy(address.bytes + 12, bytes, 4);
	return address;
}

static inline struct dist_address dist_address_from_v6(const uint8_t bytes[16])
{
	struct dist_address address;
	memcpy(address.bytes, bytes, 16);
	return address;
}

static inline bool dist_address_is_v4(const struct dist_address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static inline bool dist_address_equal(const struct dist_address *a, const struct dist_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/** 224.0.0.0/4 or ff00::/8. */
bool dist_address_is_multicast(const struct dist_address *address);
/**
 * May it be in a rule? Not: unspecified, 0.0.0.0/8, 255.255.255.255, ::/96 (but ::1 may), and link-local IPv6, which says
 * nothing without an interface.
 */
bool dist_address_is_usable(const struct dist_address *address);

/** A socket address of either version. */
union dist_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** Fills a socket address and gives its length; `port` in host order. */
socklen_t dist_address_to_sockaddr(const struct dist_address *address, uint16_t port, union dist_sockaddr *out);
/** The address and port (host order) of a socket address; false if it is neither IPv4 nor IPv6. */
bool dist_address_from_sockaddr(const union dist_sockaddr *in, struct dist_address *address, uint16_t *port);

#endif

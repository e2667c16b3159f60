#include "address.h"

#include <arpa/inet.h>

bool dist_address_parse(const char *text, struct dist_address *address)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*address = dist_address_from_v4(bytes);
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		*address = dist_address_from_v6(bytes);
		return !dist_address_is_v4(address);
	}
	return false;
}

void dist_address_format(const struct dist_address *address, char *text)
{
	if (dist_address_is_v4(address))
		inet_ntop(AF_INET, address->bytes + 12, text, DIST_ADDRESS_TEXT_BYTES);
	else
		inet_ntop(AF_INET6, address->bytes, text, DIST_ADDRESS_TEXT_BYTES);
}

bool dist_address_is_multicast(const struct dist_address *address)
{
	if (dist_address_is_v4(address))
		return (address->bytes[12] & 0xf0) == 0xe0;
	return address->bytes[0] == 0xff;
}

bool dist_address_is_usable(const struct dist_address *address)
{
	static const uint8_t zeros[12];
	static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};
	static const uint8_t loopback[4] = {0, 0, 0, 1};
	const uint8_t *bytes = address->bytes;

	if (dist_address_is_v4(address))
		return bytes[12] != 0 && memcmp(bytes + 12, ones, 4) != 0;
	if (memcmp(bytes, zeros, 12) == 0) /* ::/96 */
		return memcmp(bytes + 12, loopback, 4) == 0;
	return !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

socklen_t dist_address_to_sockaddr(const struct dist_address *address, uint16_t port, union dist_sockaddr *out)
{
	memset(out, 0, sizeof(*out));
	if (dist_address_is_v4(address)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, address->bytes + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, address->bytes, 16);
	return sizeof(out->v6);
}

bool dist_address_from_sockaddr(const union dist_sockaddr *in, struct dist_address *address, uint16_t *port)
{
	switch (in->any.sa_family) {
	case AF_INET:
		*address = dist_address_from_v4((const uint8_t *)&in->v4.sin_addr);
		*port = ntohs(in->v4.sin_port);
		return true;
	case AF_INET6:
		*address = dist_address_from_v6((const uint8_t *)&in->v6.sin6_addr);
		*port = ntohs(in->v6.sin6_port);
		return true;
	default:
		return false;
	}
}

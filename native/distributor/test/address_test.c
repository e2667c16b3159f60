#include "address.h"
#include "check.h"

static void check_text(const char *in, const char *out)
{
	struct dist_address address;
	char text[DIST_ADDRESS_TEXT_BYTES] = "";
	bool parsed = dist_address_parse(in, &address);

	CHECK(parsed == (out != NULL), "%s", in);
	if (!parsed || out == NULL)
		return;
	dist_address_format(&address, text);
	CHECK(strcmp(text, out) == 0, "%s came back as %s", in, text);

	union dist_sockaddr socket_address;
	struct dist_address again;
	uint16_t port;
	dist_address_to_sockaddr(&address, 5004, &socket_address);
	CHECK(dist_address_from_sockaddr(&socket_address, &again, &port) && port == 5004 &&
		      dist_address_equal(&address, &again),
	      "%s through a socket address", in);
}

static void check_kind(const char *text, bool usable, bool multicast)
{
	struct dist_address address;

	dist_address_parse(text, &address);
	CHECK(dist_address_is_usable(&address) == usable, "%s", text);
	CHECK(dist_address_is_multicast(&address) == multicast, "%s", text);
}

int main(void)
{
	check_text("10.0.0.1", "10.0.0.1");
	check_text("2001:DB8:0:0::1", "2001:db8::1");
	check_text("fd00::192.0.2.1", "fd00::c000:201");
	check_text("10.0.0.01", NULL);
	check_text("10.0.0", NULL);
	check_text("::ffff:10.0.0.1", NULL);
	check_text("fe80::1%lo", NULL);
	check_text("", NULL);
	check_text("localhost", NULL);

	check_kind("10.0.0.1", true, false);
	check_kind("224.0.0.1", true, true);
	check_kind("239.255.255.255", true, true);
	check_kind("240.0.0.1", true, false);
	check_kind("ff3e::8000:1", true, true);
	check_kind("::1", true, false);
	check_kind("::", false, false);
	check_kind("::2", false, false);
	check_kind("0.0.0.0", false, false);
	check_kind("0.1.2.3", false, false);
	check_kind("255.255.255.255", false, false);
	check_kind("fe80::1", false, false);
	check_kind("febf::1", false, false);
	check_kind("fec0::1", true, false);
	CHECK_END();
}

import { expect, test } from "vitest";
import { hostOf } from "./listen-address.ts";
import { mediaOrigins } from "./media-origins.ts";

const at = (host: string, port = 8080) => ({ host, port });

test.each([
	[
		"all addresses, by a name",
		[at("0.0.0.0"), at("0.0.0.0", 8081)],
		"tv.example",
		at("0.0.0.0"),
		["http://tv.example:8080", "http://tv.example:8081"],
	],
	["all addresses, by an address of IPv6", [at("::")], "2001:db8::1", at("::"), ["http://[2001:db8::1]:8080"]],
	["all addresses of IPv4, by the loopback of IPv6", [at("0.0.0.0")], "::1", at("::1"), ["http://127.0.0.1:8080"]],
	[
		"one address, by a name of it",
		[at("127.0.0.1"), at("127.0.0.1", 80)],
		"localhost",
		at("127.0.0.1"),
		["http://localhost:8080", "http://localhost"],
	],
	[
		"another address than the one asked",
		[at("192.0.2.1"), at("127.0.0.1", 81)],
		"localhost",
		at("127.0.0.1"),
		["http://192.0.2.1:8080", "http://localhost:81"],
	],
])("listeners on %s", (_, listeners, name, address, origins) => {
	expect(mediaOrigins(listeners, { name, address })).toEqual(origins);
});

test.each([
	["localhost", { name: "localhost" }],
	["TV.Example:8080", { name: "tv.example", port: 8080 }],
	["[::1]:80", { name: "::1", port: 80 }],
	["a b", undefined],
	["a:b", undefined],
	["[::1", undefined],
	["", undefined],
	[undefined, undefined],
])("the host of a Host field %j", (header, host) => {
	expect(hostOf(header)).toEqual(host);
});

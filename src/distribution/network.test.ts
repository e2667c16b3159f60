import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfAddress } from "../wire/distributor-address.ts";
import { inNetwork, parseNetwork } from "./network.ts";

test.each([
	"10.0.0.1/8",
	"10.0.0.0/33",
	"10.0.0.0/",
	"10.0.0.0/08",
	"10.0.0.0/8/8",
	"fd00::/129",
	"fd00::1/64",
	"x/8",
	"",
])("%j is no network", (text) => {
	expect(parseNetwork(text)).toBeUndefined();
});

test.each([
	["0.0.0.0/0", "203.0.113.1", true],
	["10.0.0.0/8", "10.255.255.255", true],
	["10.0.0.0/8", "11.0.0.0", false],
	["172.16.0.0/12", "172.31.255.255", true],
	["172.16.0.0/12", "172.32.0.0", false],
	["127.0.0.1", "127.0.0.1", true],
	["127.0.0.1", "127.0.0.2", false],
	["fc00::/7", "fdff::1", true],
	["fc00::/7", "fe00::1", false],
	["::/0", "10.0.0.1", false],
])("%s has %s: %s", (network, address, has) => {
	expect(inNetwork(parseNetwork(network)!, bytesOfAddress(address)!)).toBe(has);
});

test("an address is in the network of its own first bits, and in none that differs there", () => {
	const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((one) => [...one]);
	fc.assert(
		fc.property(bytes, fc.integer({ min: 1, max: 32 }), (address, bits) => {
			const value = address.reduce((all, byte) => all * 256 + byte, 0);
			const size = 2 ** (32 - bits);
			const base = Math.floor(value / size) * size;
			const text = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".");
			const network = parseNetwork(`${text}/${bits}`)!;
			expect(inNetwork(network, address)).toBe(true);
			const other = (base + size) % 2 ** 32;
			const outside = [24, 16, 8, 0].map((shift) => Math.floor(other / 2 ** shift) % 256);
			expect(inNetwork(network, outside)).toBe(false);
		}),
	);
});

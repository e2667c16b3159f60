import { BlockList } from "node:net";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { networkHas, parseIp, parseNetwork, sourceOf } from "./ip-address.ts";

const v4 = fc
	.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })))
	.map((parts) => parts.join("."));
const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 });

/** As URLs write it: the witness for every other spelling. */
const canonical = (text: string): string => new URL(`http://[${text}]/`).hostname.slice(1, -1);
const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");
/** Sixteen bytes of what `canonical` gave, read in the plainest way. */
function plainBytes(text: string): string {
	const [before = "", after = ""] = text.split("::");
	const [head, tail] = [before, after].map((part) => (part === "" ? [] : part.split(":")));
	const zeros = Array.from({ length: text.includes("::") ? 8 - head!.length - tail!.length : 0 }, () => "0");
	return [...head!, ...zeros, ...tail!].map((group) => group.padStart(4, "0")).join("");
}

test("an IPv6 address is read the same in each of its spellings", () => {
	fc.assert(
		fc.property(groups, fc.boolean(), (numbers, upper) => {
			const long = numbers.map((group) => group.toString(16).padStart(4, "0")).join(":");
			const short = canonical(long);
			const dotted = `${long.slice(0, 30)}${numbers
				.slice(6)
				.flatMap((one) => [one >> 8, one & 255])
				.join(".")}`;
			const bytes = plainBytes(short);
			const expected = /^0{20}ffff/.test(bytes) ? bytes.slice(24) : bytes;
			for (const text of [long, short, dotted, upper ? long.toUpperCase() : short]) {
				expect([text, hexOf(parseIp(text))]).toEqual([text, expected]);
			}
		}),
	);
});

test("an IPv4 address inside an IPv6 one is the IPv4 address", () => {
	fc.assert(
		fc.property(v4, (text) => {
			expect(parseIp(`::ffff:${text}`)).toEqual(parseIp(text));
			expect(sourceOf(`::ffff:${text}`)).toBe(sourceOf(text));
		}),
	);
});

test.for([
	"",
	"1.2.3",
	"1.2.3.4.5",
	"01.2.3.4",
	"0x7f.0.0.1",
	"2130706433",
	"256.1.1.1",
	"1.2.3.4 ",
	"fe80::1%eth0",
	":::",
	"1::2::3",
	"g::",
	"[::1]",
	"localhost",
])("%j is no address", (text) => expect(parseIp(text)).toBeUndefined());

test("whether a network has an address is as Node's own list says", () => {
	fc.assert(
		fc.property(v4, fc.integer({ min: 0, max: 32 }), v4, (base, prefix, other) => {
			const list = new BlockList();
			list.addSubnet(base, prefix, "ipv4");
			const network = parseNetwork(`${base}/${prefix}`)!;
			for (const address of [base, other]) expect(networkHas(network, parseIp(address)!)).toBe(list.check(address));
		}),
	);
	fc.assert(
		fc.property(groups, fc.integer({ min: 0, max: 128 }), groups, fc.nat(128), (base, prefix, other, shared) => {
			const text = base.map((one) => one.toString(16)).join(":");
			// Neighbours are more interesting than strangers.
			const near = base.map((one, index) => (index * 16 < shared ? one : other[index]!));
			const list = new BlockList();
			list.addSubnet(text, prefix, "ipv6");
			const network = parseNetwork(`${text}/${prefix}`);
			fc.pre(network !== undefined && network.bytes.length === 16);
			for (const numbers of [base, other, near]) {
				const address = numbers.map((one) => one.toString(16)).join(":");
				const bytes = parseIp(address)!;
				fc.pre(bytes.length === 16);
				expect(networkHas(network!, bytes)).toBe(list.check(address, "ipv6"));
			}
		}),
	);
});

test.for(["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "/8", "::ffff:10.0.0.0/104", "any", "10.0.0.0/-1"])(
	"%j is no network",
	(text) => expect(parseNetwork(text)).toBeUndefined(),
);

test("a subscriber of IPv6 counts as one, whatever of his addresses he takes", () => {
	expect(sourceOf("2001:db8:1:2:aaaa::1")).toBe(sourceOf("2001:db8:1:2:bbbb::2"));
	expect(sourceOf("2001:db8:1:2::1")).not.toBe(sourceOf("2001:db8:1:3::1"));
	expect(sourceOf("192.0.2.1")).not.toBe(sourceOf("192.0.2.2"));
	expect(sourceOf("x".repeat(500))).toHaveLength(64);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { sessionKeyOf, sessionSecret } from "./session-secret.ts";

const OWN = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
const MADE = /^[0-9a-f]{32}$/;
const secretOf = (target: string, headers: Record<string, string> = {}): string =>
	sessionSecret(headers, new URL(target, "http://host/").searchParams);

test.each([
	["CMCD in the query", `/live/a.ts?CMCD=${encodeURIComponent(`bl=2000,sid="${OWN}",v=2`)}`, {}],
	["CMCD in a header", "/live/a.ts", { "cmcd-session": `cid="a",sid="${OWN}",v=2` }],
	["a plain query", `/live/a.ts?sid=${OWN}`, {}],
])("a client's own session id is taken from %s", (_, target, headers) => {
	expect(secretOf(target, headers)).toBe(OWN);
});

test.each([
	["/live/a.ts"],
	["/live/a.ts?sid=tooshort"],
	[`/live/a.ts?sid=${"x".repeat(65)}`],
	["/live/a.ts?sid=with%20a%20space%20in%20it"],
	[`/live/a.ts?CMCD=${encodeURIComponent(`com.example-sid="${OWN}"`)}`],
	[`/live/a.ts?CMCD=${encodeURIComponent(`sid=${OWN}`)}`],
])("%s gets a secret that the server makes, another each time", (target) => {
	const [one, other] = [secretOf(target), secretOf(target)];
	expect(one).toMatch(MADE);
	expect(other).toMatch(MADE);
	expect(one).not.toBe(other);
});

test("whatever a client sends, the secret can stand in a header, and its hash in a subject", () => {
	fc.assert(
		fc.property(fc.string(), fc.string(), (cmcd, sid) => {
			const secret = sessionSecret({ "cmcd-session": cmcd }, new URLSearchParams({ CMCD: cmcd, sid }));
			expect(secret).toMatch(/^[A-Za-z0-9._-]{16,64}$/);
			expect(sessionKeyOf(secret)).toMatch(/^[A-Za-z0-9_-]{43}$/);
		}),
	);
});

import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import { readAuth } from "../wire/rtsp-auth.ts";
import { RtspHeaders, type RtspRequest } from "../wire/rtsp-message.ts";
import { readTarget } from "../wire/rtsp-target.ts";
import { Authenticator, type AuthVerdict, type ConnectionAuth } from "./authenticator.ts";
import { digestResponse } from "./digest.ts";
import { FailureThrottle } from "./failure-throttle.ts";
import { PullCredentials } from "./pull-credentials.ts";

const URL = "rtsp://127.0.0.1:8554/live/cam";
const USER = "operator";
const PASSWORD = "kept to itself";

/** Lets the one user in, and whoever has the token. */
const gate = (asked: AccessRequest[]): AccessGate => ({
	ask: async (request) => {
		asked.push(request);
		const { user, password, query, bearer } = request.credentials;
		const isGood =
			(user === USER && password === PASSWORD && request.stream === "cam") ||
			query?.get("token") === "t" ||
			bearer === "t";
		if (isGood) return { kind: "granted", principal: user ?? "token" };
		return { kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "not this one.") };
	},
});

function request(authorization: string | undefined, method = "DESCRIBE"): RtspRequest {
	const headers = new RtspHeaders(authorization === undefined ? [] : [["authorization", authorization]]);
	return { version: "1.0", method, target: URL, headers, body: new Uint8Array(0) };
}

let clock: ManualClock;
let asked: AccessRequest[];
let authenticator: Authenticator;
let connection: ConnectionAuth;

function make(basic = false): void {
	const secrets = { passwordOf: async (user: string) => (user === USER ? PASSWORD : undefined) };
	authenticator = new Authenticator({ gate: gate(asked), clock, realm: "penstock", secrets, basic });
	connection = authenticator.open("192.0.2.7");
}

beforeEach(() => {
	clock = new ManualClock();
	asked = [];
	make();
});

async function ask(
	authorization?: string,
	{ url = URL, query = "", method = "DESCRIBE", on = connection } = {},
): Promise<AuthVerdict> {
	const target = readTarget(url);
	if (target.kind === "fault") throw target.error;
	return await on.ask(request(authorization, method), "play", target.value, query);
}

const challengesOf = (verdict: AuthVerdict): string[] => {
	if (verdict.kind !== "challenge") throw new Error(`${verdict.kind}, not a challenge`);
	return verdict.headers.map(([, value]) => value);
};

/** A client that knows the user and, it thinks, the password. */
async function challenged(password = PASSWORD): Promise<PullCredentials> {
	const client = new PullCredentials(USER, password);
	client.take(challengesOf(await ask()));
	return client;
}

describe("Digest", () => {
	test("is that of RFC 7616, clause 3.9.1", () => {
		const input = {
			...{
				user: "Mufasa",
				password: "Circle of Life",
				realm: "http-auth@example.org",
				method: "GET",
				uri: "/dir/index.html",
			},
			nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			counted: { nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" },
		};
		expect(digestResponse({ ...input, algorithm: "MD5" })).toBe("8ca523f5e9506fed4657c9700eebdbec");
		expect(digestResponse({ ...input, algorithm: "SHA-256" })).toBe(
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		);
	});

	test("is offered with SHA-256 first and MD5 last, which is the one that players know", async () => {
		const offers = challengesOf(await ask()).map((text) => readAuth(text)!.parameters);
		expect(offers.map((parameters) => parameters.get("algorithm"))).toEqual(["SHA-256", "MD5"]);
		expect(offers[0]!.get("nonce")).toMatch(/^[0-9a-f]{32}$/);
	});

	test("lets in who knows the password, with either algorithm, request after request", async () => {
		const client = await challenged();
		expect(await ask(client.authorize("DESCRIBE", URL))).toMatchObject({ kind: "granted", principal: USER });
		expect(await ask(client.authorize("SETUP", `${URL}/trackID=0`), { method: "SETUP" })).toMatchObject({
			kind: "granted",
		});
		const plain = new PullCredentials(USER, PASSWORD);
		plain.take(challengesOf(await ask()).slice(1));
		expect(await ask(plain.authorize("DESCRIBE", URL))).toMatchObject({ kind: "granted" });
	});

	test("lets in clients of RFC 2069, which know no count", async () => {
		const nonce = readAuth(challengesOf(await ask())[1]!)!.parameters.get("nonce")!;
		const response = digestResponse({
			algorithm: "MD5",
			user: USER,
			password: PASSWORD,
			realm: "penstock",
			nonce,
			method: "DESCRIBE",
			uri: URL,
		});
		const field = `Digest username="${USER}", realm="penstock", nonce="${nonce}", uri="${URL}", response="${response}"`;
		expect(await ask(field)).toMatchObject({ kind: "granted" });
		// The same answer is good again on its own connection, where nobody can come between, and on no other.
		expect(await ask(field)).toMatchObject({ kind: "granted" });
		const other = authenticator.open("192.0.2.8");
		expect((await ask(field, { on: other })).kind).toBe("challenge");
	});

	test("SEC4: an answer that was overheard is worth nothing: not again, not elsewhere, not later", async () => {
		const client = await challenged();
		const field = client.authorize("DESCRIBE", URL)!;
		expect(await ask(field)).toMatchObject({ kind: "granted" });
		for (const verdict of [await ask(field), await ask(field, { on: authenticator.open("192.0.2.8") })]) {
			expect(challengesOf(verdict)[0]).toContain("stale=true");
		}
		const late = client.authorize("DESCRIBE", URL)!;
		clock.advance(301_000);
		expect(challengesOf(await ask(late))[0]).toContain("stale=true");
		// And who knows the password goes on with the new nonce.
		expect(client.take(challengesOf(await ask(late)))).toBe(true);
		expect(await ask(client.authorize("DESCRIBE", URL))).toMatchObject({ kind: "granted" });
	});

	test.each([
		["another password", "wrong", "DESCRIBE", URL],
		["another method", PASSWORD, "ANNOUNCE", URL],
		["another stream", PASSWORD, "DESCRIBE", "rtsp://127.0.0.1:8554/live/other"],
	])("for %s is refused", async (_, password, method, uri) => {
		const client = await challenged(password);
		const verdict = await ask(client.authorize(method, uri));
		expect(challengesOf(verdict)[0]).not.toContain("stale");
		expect(client.take(challengesOf(verdict))).toBe(false);
	});

	test("that is right but may not is told no, and not asked again", async () => {
		const url = "rtsp://127.0.0.1:8554/live/other";
		const client = new PullCredentials(USER, PASSWORD);
		client.take(challengesOf(await ask(undefined, { url })));
		expect((await ask(client.authorize("DESCRIBE", url), { url })).kind).toBe("refused");
	});

	test.each([
		"Digest",
		"Digest nonsense",
		'Digest username="operator"',
		"Basic b3BlcmF0b3I6a2VwdCB0byBpdHNlbGY=",
		"Nothing x",
		"",
		'Digest username="operator", realm="other", nonce="1", uri="/", response="0"',
		'Digest username="operator", realm="penstock", nonce="1", uri="x", response="0", algorithm=MD5-sess',
	])("%j is wrong", async (field) => expect((await ask(field)).kind).toBe("challenge"));
});

describe("other credentials", () => {
	test("a token in the URL, and Bearer, go to the gate", async () => {
		expect(await ask(undefined, { query: "token=t" })).toMatchObject({ kind: "granted", principal: "token" });
		expect(await ask("Bearer t")).toMatchObject({ kind: "granted" });
		expect((await ask("Bearer x")).kind).toBe("challenge");
	});

	test("Basic is taken where it is allowed alone", async () => {
		const field = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
		expect((await ask(field)).kind).toBe("challenge");
		make(true);
		expect(await ask(field)).toMatchObject({ kind: "granted", principal: USER });
		expect(challengesOf(await ask())[0]).toBe('Basic realm="penstock"');
		expect(asked.at(-2)!.credentials).toEqual({ user: USER, password: PASSWORD });
	});
});

test.each([
	["ACCESS_AWAY", "refused"],
	["ACCESS_RATE", "refused"],
	["ACCESS_CREDENTIALS", "challenge"],
	["ACCESS_EXPIRED", "challenge"],
] as const)("what the gate refuses with %s is a %s", async (code, kind) => {
	const secrets = { passwordOf: async () => PASSWORD };
	const no: AccessGate = { ask: async () => ({ kind: "refused", error: new PenstockError(code, "no.") }) };
	const strict = new Authenticator({ gate: no, clock, realm: "penstock", secrets, basic: false });
	expect((await ask(undefined, { query: "token=t", on: strict.open("192.0.2.7") })).kind).toBe(kind);
});

describe("SEC20: who guesses", () => {
	test("is heard a few times and then not, from however many connections", async () => {
		const guess = async (password: string, address = "192.0.2.9"): Promise<AuthVerdict> => {
			const on = authenticator.open(address);
			const client = new PullCredentials(USER, password);
			client.take(challengesOf(await ask(undefined, { on })));
			return await ask(client.authorize("DESCRIBE", URL), { on });
		};
		const kinds: string[] = [];
		for (let tried = 0; tried < 100; tried++) kinds.push((await guess(`guess ${tried}`)).kind);
		expect(kinds.filter((kind) => kind === "challenge").length).toBe(10);
		// Not looked at, even if it is right; others are.
		expect((await guess(PASSWORD)).kind).toBe("refused");
		expect(await guess(PASSWORD, "192.0.2.7")).toMatchObject({ kind: "granted" });
		clock.advance(60_000);
		expect(await guess(PASSWORD)).toMatchObject({ kind: "granted" });
	});

	test("100 000 times is heard 600 times at the most in an hour", () => {
		const throttle = new FailureThrottle(clock);
		let heard = 0;
		for (let guess = 0; guess < 100_000; guess++) {
			if (throttle.allows("2001:db8::1")) {
				heard++;
				throttle.failed(`2001:db8::${(guess % 9) + 1}`);
			}
			clock.advance(36);
		}
		expect(heard).toBeLessThanOrEqual(600);
		expect(throttle.allows("2001:db8:0:1::1")).toBe(true);
	});
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAuth, writeAuth } from "./rtsp-auth.ts";
import { readSession, writeRtpInfo, writeSession } from "./rtsp-fields.ts";
import { controlsOf, queryWithout, readTarget } from "./rtsp-target.ts";
import { readTransports, type Transport, writeTransport } from "./rtsp-transport.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });

describe("Transport", () => {
	const first = (text: string): unknown => {
		const answer = readTransports(text);
		return answer.kind === "read" ? answer.value[0] : answer.error.code;
	};

	test.each([
		[
			"RTP/AVP/UDP;unicast;client_port=5000-5001;mode=record",
			{ lower: "udp", cast: "unicast", clientPorts: { rtp: 5000, rtcp: 5001 }, mode: "record" },
		],
		["RTP/AVP/TCP;unicast;interleaved=0-1", { lower: "tcp", cast: "unicast", interleaved: { rtp: 0, rtcp: 1 } }],
		[
			'RTP/AVP;unicast;client_port=5000-5001;mode="PLAY"',
			{ lower: "udp", cast: "unicast", clientPorts: { rtp: 5000, rtcp: 5001 }, mode: "play" },
		],
		[
			"RTP/AVP;multicast;destination=239.1.2.3;port=3456-3457;ttl=16",
			{ lower: "udp", cast: "multicast", destination: "239.1.2.3", ports: { rtp: 3456, rtcp: 3457 }, ttl: 16 },
		],
		[
			"RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;ssrc=7EED9B3C",
			{
				lower: "udp",
				cast: "unicast",
				clientPorts: { rtp: 4588, rtcp: 4589 },
				serverPorts: { rtp: 6256, rtcp: 6257 },
				ssrc: 0x7eed9b3c,
			},
		],
		["RTP/AVP;unicast;client_port=6000", { lower: "udp", cast: "unicast", clientPorts: { rtp: 6000 } }],
	])("%s", (text, expected) => expect(first(text)).toEqual(expected));

	test.each([
		...["client_port=0-1", "client_port=5000-5000", "client_port=65536-65537", "client_port=-1", "client_port=a"],
		...["interleaved=256-257", "interleaved=0-0", "ttl=256", "port=1-2-3"],
	])("RTP/AVP;%s is refused", (parameter) => expect(first(`RTP/AVP;${parameter}`)).toBe("RTSP_MALFORMED"));

	test("offers of other profiles are passed over, the rest stay in their order", () => {
		const answer = readTransports("RTP/SAVP;unicast;client_port=2-3, RTP/AVP/TCP, raw/raw/udp, RTP/AVP;multicast");
		expect(answer).toMatchObject({ kind: "read", value: [{ lower: "tcp" }, { lower: "udp", cast: "multicast" }] });
	});

	test("is read back as it was written", () => {
		const pair = fc.record({ rtp: fc.integer({ min: 2, max: 200 }) }).map(({ rtp }) => ({ rtp, rtcp: rtp + 1 }));
		const anyTransport: fc.Arbitrary<Transport> = fc.record(
			{
				lower: fc.constantFrom("udp", "tcp"),
				cast: fc.constantFrom("unicast", "multicast"),
				clientPorts: pair,
				serverPorts: pair,
				interleaved: pair,
				ports: pair,
				ttl: fc.nat(255),
				ssrc: fc.nat(2 ** 31 - 1),
				mode: fc.constantFrom("play", "record"),
				destination: fc.constantFrom("239.1.2.3", "ff05::1"),
			},
			{ requiredKeys: ["lower", "cast"] },
		);
		fc.assert(
			fc.property(anyTransport, (transport) => {
				expect(first(writeTransport(transport))).toEqual(transport);
			}),
		);
	});

	test("any text is read or refused", () => {
		fc.assert(
			fc.property(anyText, (text) => {
				expect(["read", "fault"]).toContain(readTransports(`RTP/AVP;${text}`).kind);
			}),
		);
	});
});

describe("the URL of a request", () => {
	const value = (text: string) => {
		const target = readTarget(text);
		if (target.kind === "fault") throw target.error;
		return target.value;
	};

	test.each([
		["rtsp://127.0.0.1:8554/live/cam", "", "", [""]],
		["rtsp://h/live/cam/", "", "", [""]],
		["rtsp://h/live/cam/trackID=1", "trackID=1", "", ["trackID=1"]],
		["rtsp://h/live/cam?token=x/streamid=0", "", "token=x/streamid=0", ["streamid=0", ""]],
		["rtsp://h/live/cam/streamid=0?token=x", "streamid=0", "token=x", ["streamid=0"]],
		["RTSPS://[::1]:322/live/cam", "", "", [""]],
		["rtsp://user:pass@h/live/cam", "", "", [""]],
	])("%s", (text, control, query, controls) => {
		const target = value(text);
		expect(target).toMatchObject({ app: "live", stream: "cam", control, query });
		expect(controlsOf(target)).toEqual(controls);
		expect(target.base).not.toMatch(/[?@]/);
	});

	test("the query is told from the track that stands behind it", () => {
		expect(queryWithout(value("rtsp://h/live/cam?token=a/b/streamid=0"), "streamid=0")).toBe("token=a/b");
		expect(queryWithout(value("rtsp://h/live/cam?token=a/b"), "streamid=0")).toBe("token=a/b");
	});

	test.each([
		"*",
		"",
		"rtsp://h/cam",
		"rtsp:///live/cam",
		"http://h/live/cam",
		"/live/cam",
		"rtsp://h/live//cam",
		"rtsp://h/../cam",
		"rtsp://h/live/%2e%2e",
		"rtsp://h/live/-i",
		"rtsp://h/live/a b",
		"rtsp://h/live/cäm",
	])("%j is refused", (text) => {
		const target = readTarget(text);
		expect(target.kind).toBe("fault");
	});

	test("never tells the query, where a token may be, in an error", () => {
		const target = readTarget("rtsp://user:secret1@h/live?token=secret2");
		expect(target.kind === "fault" && target.error.message).not.toMatch(/secret/);
	});

	test("any text is read or refused, and what is read has names", () => {
		fc.assert(
			fc.property(anyText, (text) => {
				const target = readTarget(`rtsp://h/${text}`);
				if (target.kind === "read")
					expect(`${target.value.app}/${target.value.stream}`).toMatch(/^[\w][\w-]*\/[\w][\w-]*$/);
			}),
		);
	});
});

describe("Authorization", () => {
	test("as clients write it", () => {
		const digest = readAuth(
			'Digest username="a\\"b", realm="r, s", nonce="1", uri="rtsp://h/live/cam", response="0", nc=00000001, qop=auth',
		);
		expect(digest).toMatchObject({ scheme: "digest" });
		expect([...digest!.parameters]).toEqual([
			["username", 'a"b'],
			["realm", "r, s"],
			["nonce", "1"],
			["uri", "rtsp://h/live/cam"],
			["response", "0"],
			["nc", "00000001"],
			["qop", "auth"],
		]);
		expect(readAuth("Basic dTpw")).toMatchObject({ scheme: "basic", token: "dTpw" });
		expect(readAuth("bearer a.b-c_d")).toMatchObject({ scheme: "bearer", token: "a.b-c_d" });
	});

	test.each([
		"",
		"Digest",
		"Digest nonsense here",
		'Digest nonce="1", nonce="2"',
		"Basic",
		`Basic ${"a".repeat(9000)}`,
	])("%j is none", (text) => expect(readAuth(text)).toBeUndefined());

	test("is read back as it was written", () => {
		const line = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019 "\\,;=/:')), maxLength: 30 });
		fc.assert(
			fc.property(line, line, (user, realm) => {
				const text = writeAuth("Digest", [
					["username", user, "quoted"],
					["realm", realm, "quoted"],
					["nc", "1", "bare"],
				]);
				expect([...readAuth(text)!.parameters.values()]).toEqual([user, realm, "1"]);
			}),
		);
	});

	test("too long a field is none", () => expect(readAuth(`Basic ${"a".repeat(9000)}`)).toBeUndefined());

	test("any text is read or is none", () => {
		fc.assert(fc.property(anyText, (text) => void readAuth(`Digest ${text}`)));
	});
});

describe("Session and RTP-Info", () => {
	test.each([
		["12345678", { id: "12345678" }],
		["abc;timeout=60", { id: "abc", timeoutS: 60 }],
		["abc ; Timeout=30", { id: "abc", timeoutS: 30 }],
		["", undefined],
		[undefined, undefined],
	])("%s", (text, expected) => expect(readSession(text)).toEqual(expected));

	test("are written", () => {
		expect(writeSession({ id: "abc", timeoutS: 60 })).toBe("abc;timeout=60");
		expect(writeRtpInfo([{ url: "rtsp://h/a/b/trackID=0", sequence: 65_536, rtpTime: -1 }, { url: "u" }])).toBe(
			"url=rtsp://h/a/b/trackID=0;seq=0;rtptime=4294967295,url=u",
		);
	});
});

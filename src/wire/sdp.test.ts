import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyDamage, damaged } from "../../test/kit/random-units.ts";
import { MOST_ATTRIBUTES, MOST_MEDIA, MOST_SDP_BYTES, MOST_SDP_LINES, type SdpSession, writeSdp } from "./sdp.ts";
import { payloadsOf } from "./sdp-payloads.ts";
import { readSdp } from "./sdp-reader.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function session(text: string): SdpSession {
	const answer = readSdp(bytesOf(text));
	if (answer.kind === "fault") throw answer.error;
	return answer.value;
}

const refusalOf = (text: string): string => {
	const answer = readSdp(bytesOf(text));
	return answer.kind === "fault" ? answer.error.message : "taken";
};

const FFMPEG = `v=0\r
o=- 0 0 IN IP4 127.0.0.1\r
s=No Name\r
c=IN IP4 127.0.0.1\r
t=0 0\r
a=tool:libavformat 59.27.100\r
m=video 0 RTP/AVP 96\r
b=AS:600\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z2QADKzZQUH7ARAAAAMAEAAAAwPA8UKZYA==,aOvjyyLA; profile-level-id=64000C\r
a=control:streamid=0\r
m=audio 0 RTP/AVP 97\r
b=AS:64\r
a=rtpmap:97 MPEG4-GENERIC/48000/2\r
a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=1190\r
a=control:streamid=1\r
`;

/** A camera's: absolute controls, a host name where an address should be, lines that nobody knows, no CR. */
const CAMERA = `v=0
o=- 1109162014219182 1109162014219192 IN IP4 x.y.z.w
s=Media Presentation
e=NONE
c=IN IP4 camera.local
t=0 0
a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/
a=range:npt=now-
m=video 0 RTP/AVP 96 26
i=Video Media
a=rtpmap:96 H265/90000
a=fmtp:96 sprop-vps=QAEMAf; sprop-sps=QgEB; sprop-pps=RAHA
a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1
m=audio 0 RTP/AVP 8
a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=2
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
a=recvonly
`;

describe("a session description", () => {
	test("of FFmpeg's", () => {
		const { name, media, connection } = session(FFMPEG);
		expect([name, connection]).toEqual(["No Name", { address: "127.0.0.1" }]);
		expect(media.map(({ kind, formats, bandwidthKbps }) => [kind, formats, bandwidthKbps])).toEqual([
			["video", ["96"], 600],
			["audio", ["97"], 64],
		]);
		const [video, audio] = media.map((medium) => payloadsOf(medium)[0]);
		expect(video).toMatchObject({ payloadType: 96, encodingName: "H264", clockRateHz: 90_000, channels: 1 });
		expect([...video!.parameters]).toEqual([
			["packetization-mode", "1"],
			["sprop-parameter-sets", "Z2QADKzZQUH7ARAAAAMAEAAAAwPA8UKZYA==,aOvjyyLA"],
			["profile-level-id", "64000C"],
		]);
		expect(audio).toMatchObject({ encodingName: "MPEG4-GENERIC", clockRateHz: 48_000, channels: 2 });
		expect(audio!.parameters.get("config")).toBe("1190");
	});

	test("of a camera's", () => {
		const { media } = session(CAMERA);
		expect(media.map((medium) => payloadsOf(medium).map(({ encodingName }) => encodingName))).toEqual([
			["H265", "JPEG"],
			["PCMA"],
			["VND.ONVIF.METADATA"],
		]);
		expect(media[2]!.attributes.at(-1)).toEqual({ name: "recvonly" });
	});

	test("is written as it was read", () => {
		for (const text of [FFMPEG, CAMERA]) {
			const read = session(text);
			expect(session(writeSdp(read))).toEqual(read);
		}
	});

	test.each([
		["nothing", "", "not with v=0"],
		["another version", "v=1\r\n", "not with v=0"],
		["a line that is none", "v=0\r\nnonsense\r\n", "line 2"],
		["a medium that is none", "v=0\r\nm=video\r\n", "line 2"],
		["a port that is none", "v=0\r\nm=video 70000 RTP/AVP 96\r\n", "65535"],
		["a control character", "v=0\r\na=x:\0\r\n", "control character"],
	])("of %s is refused", (_, text, words) => expect(refusalOf(text)).toContain(words));
});

describe("a bomb is refused:", () => {
	const medium = "m=video 0 RTP/AVP 96\r\n";
	test.each([
		["more bytes", `v=0\r\n${"a=x\r\n".repeat(MOST_SDP_BYTES / 5)}`],
		["more lines", `v=0\r\n${"\r\n".repeat(MOST_SDP_LINES)}`],
		["more media", `v=0\r\n${medium.repeat(MOST_MEDIA + 1)}`],
		["more attributes", `v=0\r\n${medium}${"a=x\r\n".repeat(MOST_ATTRIBUTES + 1)}`],
		["more formats", `v=0\r\nm=video 0 RTP/AVP ${"96 ".repeat(65)}\r\n`],
		["a longer line", `v=0\r\ns=${"x".repeat(20_000)}\r\n`],
	])("%s than are taken", (_, text) => expect(refusalOf(text)).toMatch(/^SDP_MALFORMED/));

	test("parameters without end, of which a few are kept", () => {
		const text = `v=0\r\n${medium}a=rtpmap:96 H264/90000\r\na=fmtp:96 ${Array.from({ length: 2000 }, (_, i) => `p${i}=1`).join(";")}\r\n`;
		expect(payloadsOf(session(text).media[0]!)[0]!.parameters.size).toBe(64);
	});
});

describe("any session description", () => {
	const anyLine = fc.string({ unit: "binary", maxLength: 60 });
	const anySession: fc.Arbitrary<SdpSession> = fc.record({
		name: anyLine,
		attributes: fc.array(fc.record({ name: anyLine, value: anyLine }), { maxLength: 5 }),
		media: fc.array(
			fc.record({
				kind: fc.constantFrom("video", "audio"),
				port: fc.nat(65_535),
				protocol: fc.constant("RTP/AVP"),
				formats: fc.array(fc.nat(127).map(String), { minLength: 1, maxLength: 4 }),
				attributes: fc.array(fc.record({ name: fc.constantFrom("rtpmap", "fmtp", "control"), value: anyLine }), {
					maxLength: 5,
				}),
			}),
			{ maxLength: 5 },
		),
	});

	test("is written in lines of its own alone, whatever stands in its values", () => {
		fc.assert(
			fc.property(anySession, (made) => {
				const text = writeSdp(made);
				const lines =
					4 + made.attributes.length + made.media.reduce((sum, { attributes }) => sum + 1 + attributes.length, 0);
				expect(text.split(/\r\n|\r|\n/).length).toBe(lines + 1);
				expect(session(text).media.length).toBe(made.media.length);
			}),
		);
	});

	test("is read or refused, and its payload types with it, however it is damaged", () => {
		fc.assert(
			fc.property(fc.constantFrom(FFMPEG, CAMERA), anyDamage, (text, damage) => {
				const answer = readSdp(damaged(bytesOf(text), damage));
				if (answer.kind === "fault") expect(answer.error.code).toBe("SDP_MALFORMED");
				else
					for (const medium of answer.value.media) {
						for (const { payloadType, clockRateHz, channels } of payloadsOf(medium)) {
							expect(payloadType <= 127 && clockRateHz > 0 && channels > 0).toBe(true);
						}
					}
			}),
			{ numRuns: 1000 },
		);
	});
});

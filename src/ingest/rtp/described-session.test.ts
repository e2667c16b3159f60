import { describe, expect, it } from "vitest";
import { describedMedia } from "./described-session.ts";

const HEAD = ["v=0", "o=- 0 0 IN IP4 10.0.0.9", "s=yard", "t=0 0"];
const VIDEO = ["m=video 5004 RTP/AVP 96", "a=rtpmap:96 H264/90000"];
const AUDIO = ["m=audio 5006 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/48000/2"];

const read = (...lines: readonly string[]) =>
	describedMedia(new TextEncoder().encode([...HEAD, ...lines].join("\r\n")), "yard.sdp");

describe("a session description", () => {
	it("says for each medium where it comes to, and from whom", () => {
		const filter = "a=source-filter: incl IN IP4 239.1.2.3 10.0.0.9 10.0.0.10";
		const media = read(
			"c=IN IP4 239.1.2.3/8",
			filter,
			...VIDEO,
			"a=rtcp:5100",
			...AUDIO,
			"c=IN IP4 10.0.0.5",
			"a=rtcp-mux",
		);
		expect(media).toMatchObject([
			{ kind: "video", address: "239.1.2.3", port: 5004, rtcpPort: 5100, sources: ["10.0.0.9", "10.0.0.10"] },
			{ kind: "audio", address: "10.0.0.5", port: 5006, rtcpPort: 5006, sources: [] },
		]);
		expect(media[0]!.payload).toMatchObject({ payloadType: 96, encodingName: "H264", clockRateHz: 90_000 });
	});

	it("has RTCP at the next port where it says nothing else, and a filter for any address where it says so", () => {
		const [video] = read("c=IN IP4 10.0.0.5", ...VIDEO, "a=source-filter: incl IN IP4 * 10.0.0.9");
		expect(video).toMatchObject({ rtcpPort: 5005, sources: ["10.0.0.9"] });
	});

	it.each([
		["no media", ["c=IN IP4 10.0.0.5"], /has no line m= of video or audio with a port/],
		["no address", VIDEO, /does not say where video at port 5004 comes to; add c=IN IP4/],
		["SRTP", ["c=IN IP4 10.0.0.5", "m=video 5004 RTP/SAVP 96"], /comes as RTP\/SAVP; RTP\/AVP and RTP\/AVPF are taken/],
		["an unknown format", ["c=IN IP4 10.0.0.5", "m=video 5004 RTP/AVP 96"], /does not say what video .* add a=rtpmap/],
		["one port twice", ["c=IN IP4 10.0.0.5", ...VIDEO, ...VIDEO], /two media on one port/],
		["no port for RTCP", ["c=IN IP4 10.0.0.5", "m=video 65535 RTP/AVP 33"], /leaves no port for RTCP/],
	])("with %s is refused", (_, lines, why) => {
		expect(() => read(...lines)).toThrow(why);
	});

	it("that is none is refused in its reader's words", () => {
		expect(() => describedMedia(new Uint8Array(10), "yard.sdp")).toThrow(/^SDP_MALFORMED/);
	});
});

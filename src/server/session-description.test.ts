import { describe, expect, test } from "vitest";
import { describedAt, describeTransportStream } from "./session-description.ts";

const CAM = [
	...["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=cam", "c=IN IP4 239.1.2.3/16", "b=AS:2000", "t=0 0", "a=recvonly"],
	...["m=video 5004/2 RTP/AVP 96 97", "c=IN IP4 192.0.2.9", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"],
	...["a=control:trackID=1", "a=rtcp:5010", "a=rtpmap:97 H264/90000"],
];
const at = { file: "cam.sdp", address: "127.0.0.1", port: 40_000 };

describe("a session description", () => {
	test("moved to another place keeps what says how packets are read, and nothing else", () => {
		expect(describedAt(CAM.join("\r\n"), at).split("\r\n")).toEqual([
			...["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"],
			...["m=video 40000 RTP/AVP 96 97", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"],
			...["a=rtpmap:97 H264/90000", ""],
		]);
	});

	test("of a transport stream needs nobody to write it", () => {
		expect(describeTransportStream("127.0.0.1", 40_000)).toContain(
			"m=video 40000 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\n",
		);
		expect(describedAt(describeTransportStream("192.0.2.1", 5004), at)).toBe(
			describeTransportStream("127.0.0.1", 40_000),
		);
	});

	test.each([
		["", "has no line m="],
		["m=video 1 RTP/AVP 96\nm=audio 3 RTP/AVP 97", "has 2 lines m="],
		["m=video 1 udp 96", 'says "m=video 1 udp 96"; wanted is'],
		["m=video 1 RTP/AVP 96 $(id)", "wanted is"],
		["m=application 1 RTP/AVP 96", "wanted is"],
		["m=video 1 RTP/SAVP 96", "is of SRTP, which is not decrypted here"],
	])("%j is refused with the reason", (text, reason) => {
		expect(() => describedAt(text, at)).toThrow(/^SOURCE_UNSUPPORTED: the session description cam\.sdp /);
		expect(() => describedAt(text, at)).toThrow(reason);
	});
});

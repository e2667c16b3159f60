import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { summarizeConfig } from "./config-summary.ts";

const parse = (text: string) => parseConfig(text, { file: "penstock.yaml", environment: {} });
const channel = (text: string): string => `publish: {}\nchannels:\n  cam:\n    ${text.replaceAll("\n", "\n    ")}\n`;
const TWO = "renditions:\n  - { name: high, from: publish }\n  - { name: low, from: publish, stream: sub }";

describe("channels whose renditions come ready-made", () => {
	it("have an input for each rendition, and no source", () => {
		const { channels } = parse(channel(`${TWO}\naudio: { from: high }`));
		expect(channels[0]!.ladder).toMatchObject({
			source: { kind: "ready" },
			audio: { from: "high" },
			renditions: [
				{ name: "high", kind: "ready", input: { kind: "published", stream: "cam_high" } },
				{ name: "low", kind: "ready", input: { kind: "published", stream: "sub" } },
			],
		});
	});

	it("may read them from URLs, which need no section for publishers", () => {
		const text = "channels: { cam: { renditions: [{ name: a, from: 'rtsp://u:hush@cam/1' }] } }";
		expect(parse(text).channels[0]!.ladder.renditions).toEqual([
			{ name: "a", kind: "ready", input: { kind: "url", url: "rtsp://u:hush@cam/1" } },
		]);
		expect(summarizeConfig(parse(text))).toMatch(
			/audio of the first that has any[\s\S]*ready-made, from rtsp:\/\/\*\*\*@cam/,
		);
	});

	it("may come as RTP by UDP, as a session description beside the configuration says", () => {
		const text = "channels: { cam: { renditions: [{ name: a, from: { sdp: a.sdp, localAddress: 10.0.0.5 } }] } }";
		expect(parse(text).channels[0]!.ladder.renditions).toEqual([
			{
				...{ name: "a", kind: "ready" },
				input: { kind: "described", sdpFile: resolve("a.sdp"), localAddress: "10.0.0.5" },
			},
		]);
		expect(() => parse(text.replace("10.0.0.5", "here"))).toThrow(/localAddress is "here" but must be an IP address/);
	});

	it.each([
		[`${TWO}\nsource: publish`, /cam\.source does not go with renditions that have "from"/],
		[`${TWO}\nframeRate: 30`, /cam\.frameRate does not go with/],
		[`${TWO}\naudio: { bitrateBps: 64k }`, /audio\.bitrateBps does not go with .* their sound stays as it is/],
		[`${TWO}\naudio: { from: middle }`, /audio\.from is "middle" but must be the name of one of the renditions/],
		["renditions: [{ name: a, from: publish, width: 640 }]", /width does not go with from: .* stays as it is/],
		["renditions: [{ name: a, from: publish }, { name: b, copy: true }]", /from is missing|renditions\[1\]\.from/],
		["renditions: [{ name: a, from: publish }, { name: a, from: 'udp://x:1' }]", /names are unique/],
		["renditions: [{ name: a, from: 'gopher://x' }]", /from is neither "publish" nor a URL that is opened: .*gopher/],
		["renditions: [{ name: a, from: 'udp://x:1', stream: s }]", /stream goes with from: publish alone/],
		["renditions: [{ name: a, from: publish, stream: s }, { name: b, from: publish, stream: s }]", /"live\/s", as/],
		["unitMs: 1000", /cam\.source/],
		["source: test\naudio: { from: high }", /audio\.from goes with renditions that have "from" alone/],
	])("%j is refused", (text, why) => {
		expect(() => parse(channel(text))).toThrow(why);
	});

	it("and are published need the section for publishers", () => {
		expect(() => parse(channel(TWO).replace("publish: {}", ""))).toThrow(
			/renditions\[0\]\.from is what somebody publishes, but nobody is let in/,
		);
	});
});

import { describe, expect, it } from "vitest";
import { PenstockError } from "../base/errors.ts";
import { type Config, parseConfig } from "./config.ts";
import { summarizeConfig } from "./config-summary.ts";

const parse = (text: string): Config => parseConfig(text, { file: "/etc/penstock/penstock.yaml", environment: {} });
const channels = (text: string): string => `publish: {}\nchannels:\n${text.replace(/^/gm, "  ")}`;

function refusal(text: string): string {
	try {
		parse(channels(text));
	} catch (thrown) {
		if (thrown instanceof PenstockError) return thrown.message;
		throw thrown;
	}
	return expect.fail("it was taken");
}

describe("a channel whose name is a pattern", () => {
	it("has any stream of its app, with renditions and all as any channel", () => {
		const config = parse(
			channels('"*": { source: publish, unitMs: 500, onDemand: true, renditions: [{ name: only, copy: true }] }'),
		);
		expect(config.channels).toEqual([]);
		expect(config.templates).toMatchObject([
			{
				...{ key: "*", label: "live/*", pattern: { app: "live", stream: undefined }, ring: 8000 },
				...{ onDemand: { idle: 10_000 }, ladder: { unitDuration: 500, renditions: [{ name: "only", kind: "copy" }] } },
			},
		]);
		expect(config.publish?.maxStreams).toBe(16);
		expect(summarizeConfig(config)).toMatch(/patterns make 16 channels at most\npattern {3}\/live\/\*\.ts from /);
	});

	it("is written as in rights, too, and stands beside channels with names", () => {
		const text =
			'"*": { app: studio, source: publish }\n"*/cam": { source: publish }\ncam: { source: publish }\n"*/*": { source: publish }';
		const { templates, channels: named } = parse(channels(text));
		expect(templates.map(({ label }) => label)).toEqual(["studio/*", "*/cam", "*/*"]);
		expect(named.map(({ label }) => label)).toEqual(["live/cam"]);
	});

	it.each([
		[
			'"*": { source: test }',
			'channels["*"].source is "test" but must be "publish": a pattern makes channels of what is published',
		],
		['"*": { source: { url: "http://192.0.2.1/" } }', 'channels["*"].source is a map but must be "publish"'],
		['"*": {}', 'channels["*"].source is missing; it must be "publish"'],
		[
			'"*": { source: publish, renditions: [{ name: a, from: publish }] }',
			"does not go with a pattern, which takes one stream",
		],
		['"cam*": { source: publish }', 'channels["cam*"] is no pattern: "*" stands for a whole name'],
		['"a/b/*": { source: publish }', 'channels["a/b/*"] is no pattern'],
		['"../*": { source: publish }', 'channels["../*"] is no pattern'],
		[
			'"live/*": { app: live, source: publish }',
			'channels["live/*"].app does not go with a key that has the app already',
		],
		[
			'"*/*": { source: publish }\n"live/*": { source: publish }',
			'channels["live/*"] never takes a stream: "*/*", which stands before it',
		],
		[
			'"*": { source: publish }\n"live/*": { source: publish }',
			'channels["live/*"] never takes a stream: "live/*", which stands before it',
		],
		['"live/cam": { source: publish }', 'the channel\'s name "live/cam" must be'],
	])("is refused as %s", (text, wanted) => {
		expect(refusal(text)).toContain(wanted);
	});

	it("needs somebody who lets publishers in, and the renditions that a policy names", () => {
		expect(() => parse('channels: { "*": { source: publish } }')).toThrow(
			/channels\["\*"\]\.source is what somebody publishes/,
		);
		const fixed = "switching: { policy: fixed, fixed: { rendition: best } }";
		expect(() => parse(`${fixed}\n${channels('"*": { source: publish }')}`)).toThrow(
			/which channel live\/\* does not have/,
		);
	});

	it("makes as many channels as the environment says", () => {
		const environment = { PENSTOCK_PUBLISH_MAX_STREAMS: "3" };
		const config = parseConfig(channels('"*": { source: publish }'), { file: "/etc/penstock.yaml", environment });
		expect(config.publish?.maxStreams).toBe(3);
	});
});

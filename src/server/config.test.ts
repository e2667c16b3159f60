import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { PenstockError } from "../base/errors.ts";
import { ADAPTIVE_DEFAULTS } from "../switching/adaptive.ts";
import { SERVER_LOAD_DEFAULTS } from "../switching/server-load.ts";
import { type Config, parseConfig } from "./config.ts";
import type { Environment } from "./config-environment.ts";
import { summarizeConfig } from "./config-summary.ts";

const parse = (text: string, environment: Environment = {}): Config =>
	parseConfig(text, { file: "/etc/penstock/penstock.yaml", environment });

/** What a text is refused with; fails where it is taken. */
function refusal(text: string, environment: Environment = {}): PenstockError {
	try {
		parse(text, environment);
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(PenstockError);
		return thrown as PenstockError;
	}
	throw new Error("the configuration was taken");
}

const channel = (body: string): string => `channels:\n  cam1: ${body}\n`;
const renditions = (...list: string[]): string => channel(`{ source: "film.mp4", renditions: [${list.join(", ")}] }`);
const rendition = (name: string, bitrateBps = "1M"): string =>
	`{ name: ${name}, width: 640, height: 360, bitrateBps: ${bitrateBps} }`;

describe("a configuration", () => {
	it("needs a channel and its source, and has a default for all else", () => {
		const config = parse(channel("{ source: test }"));
		expect(config.http.listen).toEqual([{ host: "0.0.0.0", port: 8080 }]);
		expect(config.api.listen).toEqual({ host: "127.0.0.1", port: 9998 });
		const { dwell, longestBan, buffer, stallWeight, climbMargin } = ADAPTIVE_DEFAULTS;
		expect(config.policy).toEqual({
			kind: "adaptive",
			settings: { dwell, longestBan, buffer, stallWeight, climbMargin },
		});
		expect(config.server).toEqual({ load: SERVER_LOAD_DEFAULTS, egressLimit: undefined });
		expect(config.channels).toHaveLength(1);
		expect(config.channels[0]).toMatchObject({ label: "live/cam1", ring: 8000 });
		expect(config.channels[0]!.onDemand).toBeUndefined();
		const { ladder } = config.channels[0]!;
		expect(ladder).toMatchObject({ unitDuration: 1000, audio: { bitsPerSecond: 128_000 } });
		expect(ladder.source).toEqual({
			kind: "test-pattern",
			width: 1280,
			height: 720,
			frameRate: { numerator: 30, denominator: 1 },
		});
		expect(ladder.renditions.map(({ name }) => name)).toEqual(["high", "mid", "low", "lowest"]);
	});

	it("has other codecs for the asking, one for all encoded renditions", () => {
		const [only] = parse(channel("{ source: test, codec: hevc, audio: { codec: opus, bitrateBps: 64k } }")).channels;
		expect(only!.ladder).toMatchObject({ codec: "hevc", audio: { codec: "opus", bitsPerSecond: 64_000 } });
		expect(parse(channel("{ source: test }")).channels[0]!.ladder.audio).toEqual({
			codec: "aac",
			bitsPerSecond: 128_000,
		});
	});

	it("takes reports of viewers here, and over NATS where that is named", () => {
		expect(parse(channel("{ source: test }")).reports).toEqual({
			...{ network: true, status: true, maxAge: 10_000, addressRate: 200 },
		});
		const nats = "nats: { url: 'nats://user:pass@bus', credentialsFile: bus.creds }";
		const { reports } = parse(`reports: { network: false, maxAgeMs: 2s, ${nats} }\n${channel("{ source: test }")}`, {
			PENSTOCK_REPORTS_NATS_TOKEN: "secret",
		});
		expect(reports).toMatchObject({ network: false, status: true, maxAge: 2000 });
		expect(reports.nats).toMatchObject({ token: "secret", credentialsFile: "/etc/penstock/bus.creds" });
		expect(reports.nats!.url.host).toBe("bus:4222");
		const told = summarizeConfig(
			parse(`reports: { status: false, nats: { url: 'tls://u:p@bus' } }\n${channel("{ source: test }")}`),
		);
		expect(told).toContain("reports   network here, and those passed on over NATS at bus:4222");
		expect(told).not.toContain("u:p");
		expect(refusal(`reports: { nats: { url: 'http://bus' } }\n${channel("{ source: test }")}`).message).toMatch(
			/reports\.nats\.url is .* must be the URL of a NATS server/,
		);
	});

	it("can be of audio alone, under any policy", () => {
		const text = channel("{ source: test, video: none }");
		const [only] = parse(text).channels;
		expect(only!.ladder).toMatchObject({ renditions: [], audio: { codec: "aac" } });
		const fixed = parse(`switching: { policy: fixed, fixed: { rendition: low } }\n${text}`);
		expect(fixed.policy).toMatchObject({ kind: "fixed" });
		expect(summarizeConfig(parse(text))).toContain("no video, audio aac 128 kbit/s");
	});

	it.each([
		["127.0.0.1:9998", "", false],
		["localhost:9998", "", false],
		["[::1]:9998", "", false],
		["0.0.0.0:9998", "", true],
		["10.1.2.3:9998", "", true],
		["api.example:9998", "", true],
		["127.0.0.1:9998", "login: always", true],
		["127.0.0.1:9998", "token: { file: t }", true],
		["0.0.0.0:9998", "login: never", false],
		["127.0.0.1:9998", "login: never, token: { file: t }", false],
	])("SEC6: of an API at %s, with { %s }: whether it asks for its token is %s", (listen, more, isAsked) => {
		const { api } = parse(
			`api: { listen: "${listen}"${more === "" ? "" : `, ${more}`} }\n${channel("{ source: test }")}`,
		);
		expect(api.login !== undefined).toBe(isAsked);
	});

	it("is what the example file says it is: the defaults", () => {
		const text = readFileSync(new URL("../../penstock.example.yaml", import.meta.url), "utf8");
		expect(parse(text)).toEqual(parse("channels: { demo: { source: test } }"));
	});

	it.each([
		['"0.0.0.0:80"', { host: "0.0.0.0", port: 80 }],
		['"[::1]:8080"', { host: "::1", port: 8080 }],
		['"example.net:0"', { host: "example.net", port: 0 }],
		["8081", { host: "0.0.0.0", port: 8081 }],
		['":8081"', { host: "0.0.0.0", port: 8081 }],
	])("takes the listen address %s", (text, expected) => {
		expect(parse(`http: { listen: ${text} }\n${channel("{ source: test }")}`).http.listen).toEqual([expected]);
	});

	it.each([
		'"0.0.0.0:65536"',
		'"::1:8080"',
		'"300.1.1.1:80"',
		'"[1.2.3.4]:80"',
		'"a b:80"',
		'"-x:80"',
		"host",
		"-1",
		"[]",
	])("refuses the listen address %s", (text) => {
		const error = refusal(`http: { listen: ${text} }\n${channel("{ source: test }")}`);
		expect(error.message).toMatch(/^CONFIG_VALUE: penstock\.yaml:1:\d+: http\.listen is .* but must be an address/);
	});

	it("takes several listen addresses", () => {
		const { http } = parse(`http: { listen: ["127.0.0.1:8080", 8081, ":0", ":0"] }\n${channel("{ source: test }")}`);
		expect(http.listen).toEqual([
			{ host: "127.0.0.1", port: 8080 },
			{ host: "0.0.0.0", port: 8081 },
			{ host: "0.0.0.0", port: 0 },
			{ host: "0.0.0.0", port: 0 },
		]);
		expect(summarizeConfig(parse(`http: { listen: [81, 82] }\n${channel("{ source: test }")}`))).toContain(
			"viewers   0.0.0.0:81, 0.0.0.0:82, at most 1000",
		);
	});

	it.each([
		["[]", "1:17: http.listen is a list of 0 but must be an address to listen on such as"],
		["[80, host]", '1:22: http.listen[1] is "host" but must be an address to listen on such as'],
		["[80, [81]]", "1:22: http.listen[1] is a list of 1 but must be an address"],
		['["127.0.0.1:80", ":80", 80]', "http.listen[2] is 0.0.0.0:80, as http.listen[1] already is"],
		[JSON.stringify(Array.from({ length: 17 }, (_, index) => index + 1)), "http.listen is a list of 17 but must be"],
	])("refuses the listen addresses %s", (text, part) => {
		expect(refusal(`http: { listen: ${text} }\n${channel("{ source: test }")}`).message).toContain(part);
	});

	it.each([
		["500k", 500_000],
		["1.5M", 1_500_000],
		["2000000", 2_000_000],
	])("takes the bit rate %s", (text, expected) => {
		expect(parse(renditions(rendition("only", text))).channels[0]!.ladder.renditions[0]).toMatchObject({
			bitsPerSecond: expected,
		});
	});

	it.each([
		["250ms", 250],
		["2s", 2000],
		["0.5s", 500],
		["10000", 10_000],
	])("takes the duration %s", (text, expected) => {
		expect(parse(channel(`{ source: test, unitMs: ${text} }`)).channels[0]!.ladder.unitDuration).toBe(expected);
	});

	it.each([
		["29.97", { numerator: 30_000, denominator: 1001 }],
		["23.976", { numerator: 24_000, denominator: 1001 }],
		["59.94", { numerator: 60_000, denominator: 1001 }],
		["30000/1001", { numerator: 30_000, denominator: 1001 }],
		["12.5", { numerator: 25, denominator: 2 }],
		["25", { numerator: 25, denominator: 1 }],
	])("takes the frame rate %s", (text, expected) => {
		expect(parse(channel(`{ source: test, frameRate: ${text} }`)).channels[0]!.ladder.frameRate).toEqual(expected);
	});

	it.each([
		["film.mp4", { kind: "file", path: "/etc/penstock/film.mp4", loop: true }],
		["{ file: ../a.mp4, loop: false }", { kind: "file", path: "/etc/a.mp4", loop: false }],
		['"rtsp://192.0.2.7/a"', { kind: "url", url: "rtsp://192.0.2.7/a" }],
		['{ url: "srt://192.0.2.7:9000" }', { kind: "url", url: "srt://192.0.2.7:9000" }],
		["{ test: { width: 320, height: 180, frameRate: 25 } }", { kind: "test-pattern", width: 320, height: 180 }],
	])("reads the source %s", (text, expected) => {
		expect(parse(channel(`{ source: ${text} }`)).channels[0]!.ladder.source).toMatchObject(expected);
	});

	it("may have a channel on demand, without audio, with a copied rendition on top", () => {
		const text = channel(
			`{ source: a.mp4, app: tv, onDemand: true, idleMs: 3s, audio: none, renditions: [{ name: source, copy: true }, ${rendition("low")}] }`,
		);
		const [only] = parse(text).channels;
		expect(only).toMatchObject({ label: "tv/cam1", onDemand: { idle: 3000 } });
		expect(only!.ladder.audio).toBeUndefined();
		expect(only!.ladder.renditions[0]).toEqual({ name: "source", kind: "copy" });
	});

	it("keeps three units where they are more than 8 s", () => {
		expect(parse(channel("{ source: test, unitMs: 10s }")).channels[0]!.ring).toBe(30_000);
	});

	it("has the thresholds of the design as settings (S6)", () => {
		const climbs = "[{ rendition: high, minBandwidthBps: 10M, minViewerCpuIdle: 0.9, maxViewerMemoryUsed: 0.5 }]";
		const text = `switching: { policy: threshold, threshold: { minServerCpuIdle: 0.4, climbs: ${climbs} } }\n${channel("{ source: test }")}`;
		expect(parse(text).policy).toEqual({
			kind: "threshold",
			settings: {
				minServerCpuIdle: 0.4,
				renditions: [{ rendition: "high", minBandwidth: 10_000_000, minViewerCpuIdle: 0.9, maxViewerMemoryUsed: 0.5 }],
			},
		});
	});
});

describe("the server's capability", () => {
	const server = (body: string): string => `server: ${body}\n${channel("{ source: test }")}`;

	it("has limits, recovery bounds and times as settings", () => {
		const text =
			"{ maxEgressBps: 900M, limits: { minCpuIdle: 0.2, maxEventLoopDelayMs: 0.1s }, recovery: { minCpuIdle: 0.4 }, minStayMs: 20s }";
		const { limits, recovery } = SERVER_LOAD_DEFAULTS;
		expect(parse(server(text)).server).toEqual({
			egressLimit: 900_000_000,
			load: {
				...SERVER_LOAD_DEFAULTS,
				limits: { ...limits, minCpuIdle: 0.2, maxEventLoopDelay: 100 },
				recovery: { ...recovery, minCpuIdle: 0.4 },
				minStay: 20_000,
			},
		});
	});

	it("may be let go less far, or not at all", () => {
		expect(parse(server("{ underDuress: freeze }")).server.load).toMatchObject({ most: "freeze" });
		expect(parse(server("{ underDuress: ignore }")).server.load).toBeUndefined();
	});

	it.each([
		[
			"{ limits: { minCpuIdle: 0.3 } }",
			"server.recovery.minCpuIdle is 0.2 but must be at least server.limits.minCpuIdle, which is 0.3.",
		],
		[
			"{ recovery: { maxMemoryUsed: 0.95 } }",
			"penstock.yaml:1:38: server.recovery.maxMemoryUsed is 0.95 but must be at most server.limits.maxMemoryUsed, which is 0.92.",
		],
		["{ shedCpuIdle: 0.15 }", "server.shedCpuIdle is 0.15 but must be at most server.limits.minCpuIdle, which is 0.1."],
		["{ underDuress: panic }", 'server.underDuress is "panic" but must be one of shed, freeze, ignore.'],
	])("is refused where it contradicts itself: %s", (body, sentence) => {
		expect(refusal(server(body)).message).toContain(sentence);
	});
});

describe("a policy", () => {
	const switching = (body: string): string => `switching: ${body}\n${channel("{ source: test }")}`;

	it("adaptive has its settings", () => {
		const { policy } = parse(switching("{ adaptive: { stallWeight: 6.5, climbMargin: 1.3, bufferMs: 2s } }"));
		expect(policy).toMatchObject({
			kind: "adaptive",
			settings: { stallWeight: 6.5, climbMargin: 1.3, buffer: 2000, dwell: ADAPTIVE_DEFAULTS.dwell },
		});
		expect(refusal(switching("{ adaptive: { stallWeight: 0.1 } }")).message).toContain(
			"switching.adaptive.stallWeight is 0.1 but must be a number from 0.5 to 50.",
		);
	});

	it("may be a module's, beside the configuration, with settings of any kind", () => {
		const body = "{ policy: module, module: { path: ./own.mjs, settings: { table: [1, { a: b }] } } }";
		expect(parse(switching(body)).policy).toEqual({
			kind: "module",
			path: "/etc/penstock/own.mjs",
			settings: { table: [1, { a: "b" }] },
		});
		expect(parse(switching("{ policy: module, module: { path: /srv/own.mjs } }")).policy).toEqual({
			kind: "module",
			path: "/srv/own.mjs",
			settings: {},
		});
		expect(refusal(switching("{ policy: module }")).message).toContain("switching.module.path is missing");
	});
});

describe("a refusal", () => {
	it.each([
		[
			"an unknown key, with what was meant",
			channel("{ source: test, unitms: 1000 }"),
			['CONFIG_KEY: penstock.yaml:2:25: unknown key "unitms" in channels.cam1; did you mean "unitMs"?'],
		],
		[
			"an unknown section",
			`htpp: {}\n${channel("{ source: test }")}`,
			['CONFIG_KEY: penstock.yaml:1:1: unknown key "htpp"; did you mean "http"?'],
		],
		[
			"an unknown key like no other, with those known",
			channel("{ source: { zzzzzzzz: 1 } }"),
			[
				'CONFIG_KEY: penstock.yaml:2:21: unknown key "zzzzzzzz" in channels.cam1.source; known here: test, file, loop, url, pull, transport, rule, sdp.',
			],
		],
		[
			"a wrong type",
			channel("{ source: test, unitMs: [1] }"),
			["CONFIG_VALUE: penstock.yaml:2:33: channels.cam1.unitMs is a list of 1 but must be a duration"],
		],
		[
			"a value out of its range",
			channel("{ source: test, unitMs: 20 }"),
			["penstock.yaml:2:33: channels.cam1.unitMs is 20 but must be a duration", "from 250 to 10000."],
		],
		[
			"a fraction of a number",
			`http: { maxHeaderBytes: 8192.5 }\n${channel("{ source: test }")}`,
			["penstock.yaml:1:25: http.maxHeaderBytes is 8192.5 but must be a whole number from 1024 to 65536."],
		],
		[
			"an odd width",
			renditions("{ name: a, width: 641, height: 360, bitrateBps: 1M }"),
			["channels.cam1.renditions[0].width is 641 but must be an even number"],
		],
		[
			"a missing source",
			channel("{}"),
			["penstock.yaml:2:3: channels.cam1.source is missing; it must be text or a map of keys and values, unless"],
		],
		["an empty channel", channel(""), ["channels.cam1 is empty but must be a map of keys and values."]],
		["no channel", "channels: {}", ["penstock.yaml:1:11: channels has no channel; add one"]],
		["nothing at all", "", ["penstock.yaml:1:1: channels is missing"]],
		["a list", "[1]", ["penstock.yaml:1:1: it is a list of 1 but must be a map"]],
		[
			"a name that is a path",
			"channels: { ../etc: { source: test } }",
			['penstock.yaml:1:13: the channel\'s name "../etc" must be 1 to 128 of the characters'],
		],
		["a name that is an option", renditions(rendition("-i")), ['the rendition\'s name "-i" must be 1 to 128']],
		[
			"two renditions of one name",
			renditions(rendition("a"), rendition("a")),
			['penstock.yaml:2:106: channels.cam1.renditions[1].name is "a", as renditions[0].name already is'],
		],
		["a rendition called auto", renditions(rendition("auto")), ['renditions[0].name is "auto"']],
		[
			"renditions from the lowest to the best",
			renditions(rendition("a", "1M"), rendition("b", "2M")),
			["channels.cam1.renditions[1].bitrateBps is 2000000 but must be at most 1000000"],
		],
		["no rendition", renditions(), ["channels.cam1.renditions is a list of 0 but must be a list of at least 1."]],
		[
			"a rendition without a bit rate",
			renditions("{ name: a, width: 640, height: 360 }"),
			['renditions[0].bitrateBps is missing; it must be given (or "copy: true" instead of all three).'],
		],
		["a copy with a size", renditions("{ name: a, copy: true, width: 640 }"), ["width does not go with copy"]],
		[
			"a copy of the test pattern",
			channel("{ source: test, renditions: [{ name: a, copy: true }] }"),
			["renditions[0].copy has nothing to copy"],
		],
		[
			"a copy with a frame rate",
			channel("{ source: a.mp4, frameRate: 25, renditions: [{ name: a, copy: true }] }"),
			["renditions[0].copy does not go with frameRate"],
		],
		[
			"a ring of less than two units",
			channel("{ source: test, unitMs: 5s, ringMs: 8s }"),
			["channels.cam1.ringMs is 8000 but must be at least two units (unitMs is 5000)."],
		],
		[
			"a codec that no encoder makes",
			channel("{ source: test, codec: vp9 }"),
			['channels.cam1.codec is "vp9" but must be one of h264, hevc, av1'],
		],
		[
			"Opus at 44.1 kHz",
			channel("{ source: test, audio: { codec: opus, sampleRateHz: 44100 } }"),
			[
				"channels.cam1.audio.sampleRateHz is 44100 but must be 48000 (or left out) with codec: opus, which has no other.",
			],
		],
		[
			"renditions without video",
			channel("{ source: test, video: none, renditions: [{ name: a, copy: true }] }"),
			["channels.cam1.renditions does not go with video: none; leave one of the two out."],
		],
		["a codec without video", channel("{ source: test, video: none, codec: hevc }"), ["cam1.codec does not go with"]],
		[
			"a frame rate without video",
			channel("{ source: test, video: none, frameRate: 25 }"),
			["cam1.frameRate does not"],
		],
		[
			"neither video nor audio",
			channel("{ source: test, video: none, audio: none }"),
			["channels.cam1.audio is none, and so is video; nothing would be left."],
		],
		["video that is not none", channel("{ source: test, video: yes }"), ['channels.cam1.video is "yes" but must be']],
		["a source with an unknown scheme", channel('{ source: "ftp://192.0.2.1/a" }'), ["channels.cam1.source", "ftp"]],
		[
			"a threshold for a rendition that no channel has",
			`switching: { policy: threshold, threshold: { climbs: [{ rendition: hihg, minBandwidthBps: 1M, minViewerCpuIdle: 0.9, maxViewerMemoryUsed: 0.5 }] } }\n${channel("{ source: test }")}`,
			['switching.threshold.climbs[0].rendition is "hihg", which no channel has.'],
		],
		[
			"policy fixed without its rendition",
			`switching: { policy: fixed }\n${channel("{ source: test }")}`,
			["switching.fixed.rendition is missing"],
		],
		["a password in a wrong value", channel('{ source: "ftp://user:geheim@192.0.2.1/a" }'), ["ftp://***@"]],
	])("names %s", (_, text, parts) => {
		const { message } = refusal(text);
		for (const part of parts) expect(message).toContain(part);
		expect(message).not.toContain("geheim");
		expect(message).not.toContain("\n");
	});

	it("names all that is wrong, in the order of the file, and ten at most", () => {
		const wrong = Array.from({ length: 12 }, (_, index) => `  c${index}: { source: test, unitMs: 1 }`);
		const { code, message } = refusal(`channels:\n${wrong.join("\n")}\n  last: { source: test, untiMs: 1 }\n`);
		expect(code).toBe("CONFIG_VALUE");
		const lines = message.split("\n");
		expect(lines[0]).toBe("CONFIG_VALUE: penstock.yaml has 13 problems:");
		expect(lines.slice(1, -1).map((line) => /yaml:(\d+):/.exec(line)?.[1])).toEqual(
			Array.from({ length: 10 }, (_, index) => String(index + 2)),
		);
		expect(lines.at(-1)).toBe("  and 3 more.");
	});

	it.each([
		["an open bracket", "http: [1,\nchannels: {}", "penstock.yaml:2:"],
		[
			"a key that comes twice",
			"channels: { a: { source: test }, a: { source: test } }",
			"penstock.yaml:1:34: Map keys must be unique.",
		],
		["a tab for indentation", "channels:\n\ta: 1", "penstock.yaml:2:1"],
	])("tells the line and column of %s", (_, text, part) => {
		const error = refusal(text);
		expect(error.code).toBe("CONFIG_SYNTAX");
		expect(error.message).toContain(part);
	});

	it("comes quickly for aliases that would fill the memory", () => {
		const bomb = Array.from({ length: 12 }, (_, index) => `a${index}: &a${index} [${`*a${index - 1}, `.repeat(9)}]`);
		bomb[0] = "a0: &a0 [x, x, x, x, x, x, x, x, x]";
		const started = performance.now();
		expect(refusal(bomb.join("\n")).code).toBe("CONFIG_SYNTAX");
		expect(performance.now() - started).toBeLessThan(1000);
	});

	it("comes for the key that JavaScript objects hide", () => {
		expect(refusal("channels: { __proto__: { source: test } }").message).toBe(
			'CONFIG_KEY: penstock.yaml:1:13: the key "__proto__" is not allowed.',
		);
	});

	test("whatever the text is, it is refused with a place or taken", () => {
		const words = fc.constantFrom(
			"channels",
			"http",
			"source",
			"test",
			":",
			" ",
			"\n",
			"{",
			"}",
			"[",
			"]",
			"&a",
			"*a",
			"-",
			"1",
			'"',
			"#",
			"\t",
		);
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.array(words).map((parts) => parts.join("")),
				),
				(text) => {
					try {
						parse(text);
					} catch (thrown) {
						expect((thrown as Error).message).toMatch(
							/^CONFIG_(KEY|SYNTAX|VALUE): penstock\.yaml(:\d+:\d+: | has \d+ problems:)/,
						);
					}
				},
			),
		);
	});
});

describe("the environment", () => {
	const text = `http: { listen: "127.0.0.1:80" }\n${channel("{ source: test }")}`;

	it("goes over the file", () => {
		const config = parse(text, {
			PENSTOCK_HTTP_LISTEN: "[::1]:8081, 8082",
			PENSTOCK_HTTP_CORS_ORIGINS: "https://a.example, https://b.example:8443",
			PENSTOCK_API_LISTEN: "9000",
			PENSTOCK_API_LIST_CHANNELS_TO404: "false",
			PENSTOCK_LOG_LEVEL: "debug",
			PENSTOCK_DELIVERY_MAX_VIEWERS: "7",
			PENSTOCK_SWITCHING_POLICY: "fixed",
			PENSTOCK_SWITCHING_FIXED_RENDITION: "low",
			PENSTOCK_SWITCHING_THRESHOLD_MIN_SERVER_CPU_IDLE: "0.5",
			PENSTOCK_DEBUG: "1",
			OTHER: "x",
		});
		expect(config.http.listen).toEqual([
			{ host: "::1", port: 8081 },
			{ host: "0.0.0.0", port: 8082 },
		]);
		expect(config.http.corsOrigins).toEqual(["https://a.example", "https://b.example:8443"]);
		expect(config.api).toMatchObject({ listen: { host: "127.0.0.1", port: 9000 }, listChannelsTo404: false });
		expect(config.log.level).toBe("debug");
		expect(config.delivery.maxViewers).toBe(7);
		expect(config.policy).toEqual({ kind: "fixed", settings: { rendition: "low" } });
	});

	it("is named where it is at fault", () => {
		expect(refusal(text, { PENSTOCK_LOG_LEVEL: "loud" }).message).toBe(
			'CONFIG_VALUE: PENSTOCK_LOG_LEVEL: log.level is "loud" but must be one of trace, debug, info, warn, error, fatal.',
		);
		expect(refusal(text, { PENSTOCK_HTTP_LISTN: "1" }).message).toBe(
			'CONFIG_KEY: environment: unknown variable "PENSTOCK_HTTP_LISTN"; did you mean PENSTOCK_HTTP_LISTEN?',
		);
	});
});

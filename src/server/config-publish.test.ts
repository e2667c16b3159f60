import { describe, expect, it } from "vitest";
import { PenstockError } from "../base/errors.ts";
import { type Config, parseConfig } from "./config.ts";
import { summarizeConfig } from "./config-summary.ts";

const parse = (text: string): Config => parseConfig(text, { file: "/etc/penstock/penstock.yaml", environment: {} });

function refusal(text: string): string {
	try {
		parse(text);
	} catch (thrown) {
		if (thrown instanceof PenstockError) return thrown.message;
		throw thrown;
	}
	return expect.fail("it was taken");
}

const CHANNELS = "channels: { cam: { source: publish } }";

describe("the section publish", () => {
	it("lets publishers in at 1935 and over HTTP, and asks them for the key of the first start", () => {
		const { publish, access, channels } = parse(`publish: {}\n${CHANNELS}`);
		expect(publish).toMatchObject({ rtmp: { listen: { host: "0.0.0.0", port: 1935 } }, http: true, second: "refuse" });
		expect(channels[0]!.ladder.source).toEqual({ kind: "published" });
		expect(access).toMatchObject({ secretsFolder: "/etc/penstock/secrets", settings: { keys: { publish: {} } } });
	});

	it("lets them in by RTMPS beside it, with files relative to the configuration", () => {
		const tls = "tls: { certFile: tls/cert.pem, keyFile: /keys/key.pem }";
		const config = parse(`publish: { rtmp: { maxConnections: 7, ${tls} } }\n${CHANNELS}`);
		expect(config.publish?.rtmps).toEqual({
			...{ listen: { host: "0.0.0.0", port: 1936 }, maxConnections: 7, maxConnectionsPerAddress: 100 },
			...{ certFile: "/etc/penstock/tls/cert.pem", keyFile: "/keys/key.pem" },
		});
		expect(summarizeConfig(config)).toContain(
			"RTMP at 0.0.0.0:1935, RTMPS at 0.0.0.0:1936, RTSP at 0.0.0.0:8554, HTTP; a second",
		);
		expect(refusal(`publish: { rtmp: { tls: { certFile: a } } }\n${CHANNELS}`)).toContain("publish.rtmp.tls.keyFile");
	});

	it("can do without RTMP", () => {
		const config = parse(
			`publish: { rtmp: { enabled: false }, rtsp: { enabled: false }, second: replace }\n${CHANNELS}`,
		);
		expect(config.publish).toMatchObject({ rtmp: undefined, second: "take-over" });
		expect(summarizeConfig(config)).toContain("publish   HTTP; a second publisher of a stream takes over");
	});

	it("lets publishers and players in by RTSP at 8554, and media by UDP at ports of its own", () => {
		const { publish } = parse(`publish: {}\n${CHANNELS}`);
		expect(publish!.rtsp).toMatchObject({ listen: { host: "0.0.0.0", port: 8554 }, relay: true });
		expect(publish!.rtsp!.udp).toMatchObject({ ports: { first: 20_000, last: 29_999 }, multicast: undefined });
		expect(parse(`publish: { rtsp: { udp: false } }\n${CHANNELS}`).publish!.rtsp!.udp).toBeUndefined();
		expect(parse(`publish: { rtsp: { enabled: false } }\n${CHANNELS}`).publish!.rtsp).toBeUndefined();
	});

	it("lets them in by RTSPS beside RTSP or without it, with files relative to the configuration", () => {
		const tls = "tls: { certFile: tls/cert.pem, keyFile: /keys/key.pem }";
		const both = parse(`publish: { rtsp: { ${tls} } }\n${CHANNELS}`);
		expect(both.publish!.rtsp).toMatchObject({
			listen: { host: "0.0.0.0", port: 8554 },
			tls: {
				...{ listen: { host: "0.0.0.0", port: 8322 } },
				...{ certFile: "/etc/penstock/tls/cert.pem", keyFile: "/keys/key.pem" },
			},
		});
		expect(summarizeConfig(both)).toContain("RTSP at 0.0.0.0:8554, RTSPS at 0.0.0.0:8322, HTTP;");
		const alone = parse(`publish: { rtsp: { enabled: false, ${tls} } }\n${CHANNELS}`);
		expect(alone.publish!.rtsp!.listen).toBeUndefined();
		expect(summarizeConfig(alone)).toContain("RTMP at 0.0.0.0:1935, RTSPS at 0.0.0.0:8322, HTTP;");
		expect(refusal(`publish: { rtsp: { tls: { keyFile: a } } }\n${CHANNELS}`)).toContain("publish.rtsp.tls.certFile");
	});

	it("needs no channel where streams are relayed", () => {
		expect(parse("publish: {}\nchannels: {}").channels).toEqual([]);
		expect(refusal("publish: { rtsp: { relay: false } }\nchannels: {}")).toContain("has no channel");
	});

	it.each([
		["ports: 5000-5001", "a range of at least 100 ports"],
		["ports: 60000-70000", "a range of at least 100 ports"],
		["multicast: { groups: 10.0.0.0/8 }", "groups of IPv4"],
		["multicast: { groups: 224.0.0.0/4 }", "groups of IPv4"],
	])("tells what is wrong with rtsp: { %s }", (text, wanted) => {
		expect(refusal(`publish: { rtsp: { ${text} } }\n${CHANNELS}`)).toContain(wanted);
	});

	it("takes what is pulled for a publisher, and keeps the password to itself", () => {
		const pull = 'channels: { cam: { source: { pull: "rtsp://u:hidden@10.0.0.7/s", transport: tcp } } }';
		const config = parse(`publish: {}\n${pull}`);
		expect(config.channels[0]).toMatchObject({
			ladder: { source: { kind: "published" } },
			pull: { transport: "interleaved" },
		});
		expect(JSON.stringify(config) + summarizeConfig(config)).not.toContain("hidden");
		expect(refusal(pull)).toContain("is pulled by RTSP, which is switched off");
		expect(refusal('publish: {}\nchannels: { cam: { source: { pull: "http://10.0.0.7/" } } }')).toContain(
			"channels.cam.source",
		);
	});

	it("must be there where a channel waits for a publisher", () => {
		expect(refusal(CHANNELS)).toContain("channels.cam.source is what somebody publishes, but nobody is let in");
	});
});

describe("the section access", () => {
	const access = (text: string): string => `access: ${text}\nchannels: { cam: { source: test } }`;

	it("keeps secrets to itself, and takes paths from the configuration's folder", () => {
		const text =
			'{ rights: [], keys: { a: { value: "sixteen bytes long" }, b: { file: b.key } }, secretsFolder: keys }';
		const config = parse(access(text));
		expect(config.access).toMatchObject({ secretsFolder: "/etc/penstock/keys" });
		expect(config.access!.settings.keys!["b"]).toEqual({ file: "/etc/penstock/b.key" });
		expect(JSON.stringify(config)).not.toContain("sixteen");
	});

	it("tells where a right names what is not there", () => {
		const text = "{ rights: [{ match: live/*, verbs: [play], by: [{ key: lost }] }] }";
		expect(refusal(access(text))).toContain('access.rights[0].by[0] names "lost", which is not under keys');
	});

	it("is absent where nobody publishes and nothing is said", () => {
		expect(parse("channels: { cam: { source: test } }").access).toBeUndefined();
	});
});

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
		expect(summarizeConfig(config)).toContain("RTMP at 0.0.0.0:1935, RTMPS at 0.0.0.0:1936, HTTP; a second");
		expect(refusal(`publish: { rtmp: { tls: { certFile: a } } }\n${CHANNELS}`)).toContain("publish.rtmp.tls.keyFile");
	});

	it("can do without RTMP", () => {
		const config = parse(`publish: { rtmp: { enabled: false }, second: replace }\n${CHANNELS}`);
		expect(config.publish).toMatchObject({ rtmp: undefined, second: "take-over" });
		expect(summarizeConfig(config)).toContain("publish   HTTP; a second publisher of a stream takes over");
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

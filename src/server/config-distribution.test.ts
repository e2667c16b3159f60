import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../distribution/rule-limits.ts";
import { type Config, parseConfig } from "./config.ts";
import type { Environment } from "./config-environment.ts";
import { summarizeConfig } from "./config-summary.ts";

const parse = (text: string, environment: Environment = {}): Config =>
	parseConfig(text, { file: "/etc/penstock/penstock.yaml", environment });
const section = (text: string, channels = "{}"): string => `channels: ${channels}\ndistribution:\n${text}`;

describe("the section distribution", () => {
	test("need not be there; where it is, there need be no channel, and all has a default", () => {
		expect(parse("channels: { demo: { source: test } }").distribution).toBeUndefined();
		const { distribution } = parse("channels: {}\ndistribution: {}");
		expect(distribution).toEqual({
			engine: "auto",
			distributor: { path: undefined, arguments: [], device: undefined, backend: undefined },
			...{ rules: [], rulesFile: undefined, stateFile: undefined, limits: DEFAULT_LIMITS },
		});
		expect(() => parse("channels: {}")).toThrow(/channels has no channel/);
	});

	test("names a port, a program, files and rules; paths start at the configuration's folder", () => {
		const config = parse(
			section(
				`  engine: dpdk\n  device: eth1\n  backend: af_packet\n  path: ./bin/distributor\n  arguments: ["--queues", "2"]
  rulesFile: rules.yaml\n  stateFile: /var/lib/penstock/rules.json
  limits: { receiverBitsPerSecond: 20M, allowedNetworks: [10.0.0.0/8, "fd00::/8"] }
  rules:\n    - { name: cam-1, match: "10.79.0.1:5004", media: rtp, receivers: ["10.78.0.2:6000", "[fd00::2]:6000"] }\n`,
			),
		);
		expect(config.distribution).toMatchObject({
			engine: "dpdk",
			distributor: {
				...{ path: "/etc/penstock/bin/distributor", arguments: ["--queues", "2"] },
				...{ device: "eth1", backend: "af_packet" },
			},
			rulesFile: "/etc/penstock/rules.yaml",
			stateFile: "/var/lib/penstock/rules.json",
			limits: { receiverBitsPerSecond: 20_000_000, allowedNetworks: [{ text: "10.0.0.0/8" }, { text: "fd00::/8" }] },
			rules: [{ name: "cam-1", match: { address: "10.79.0.1", port: 5004 }, permanent: false }],
		});
		expect(summarizeConfig(config)).toContain(
			"packets   distributed by engine dpdk on eth1 af_packet, 1 rules here and those of /etc/penstock/rules.yaml",
		);
	});

	test("can be set by the environment, which also says where the distributor is", () => {
		const { distribution } = parse("channels: {}", {
			PENSTOCK_DISTRIBUTION_ENGINE: "node",
			PENSTOCK_DISTRIBUTION_LIMITS_ALLOWED_NETWORKS: "10.0.0.0/8, 192.0.2.0/24",
			PENSTOCK_DISTRIBUTOR_PATH: "/opt/penstock-distributor",
		});
		expect(distribution).toMatchObject({ engine: "node", limits: { allowedNetworks: [{}, { text: "192.0.2.0/24" }] } });
	});

	test("or is somebody else's distributor, which is only spoken to", () => {
		const { distribution } = parse(section("  socket: run/distributor.sock\n"));
		expect(distribution!.distributor).toEqual({ socket: "/etc/penstock/run/distributor.sock" });
	});

	const rule = (text: string): string =>
		section(`  rules:\n    - { name: a, match: "10.0.0.1:1", media: rtp, ${text} }\n`);

	test.each([
		[
			section("  engine: fpga\n"),
			"CONFIG_VALUE",
			':3:11: distribution.engine is "fpga" but must be one of auto, dpdk,',
		],
		[section("  engin: node\n"), "CONFIG_KEY", ':3:3: unknown key "engin" in distribution; did you mean "engine"?'],
		[section("  engine: dpdk\n"), "CONFIG_VALUE", "distribution.device is missing; it must be the name of the network"],
		[section("  backend: dpaa\n"), "CONFIG_VALUE", "distribution.backend is"],
		[section("  socket: x\n  device: eth0\n"), "CONFIG_VALUE", ":4:3: distribution.device does not go with"],
		[section("  limits: { rules: 5000 }\n"), "CONFIG_VALUE", "a whole number from 1 to 4096"],
		[section("  limits: { allowedNetworks: [10.0.0.1/8] }\n"), "CONFIG_VALUE", "allowedNetworks[0] is"],
		[rule('receivers: ["10.0.0.2"]'), "CONFIG_VALUE", "distribution.rules[0].receivers[0] is"],
		[rule("receivers: [], colour: 1"), "CONFIG_KEY", ":4:66: distribution.rules[0].colour is an unknown key"],
		[rule('receivers: ["10.0.0.1:1"]'), "CONFIG_VALUE", "distribution.rules: rule a: what 10.0.0.1:1 gets is taken"],
		[rule('receivers: ["8.8.8.8:1"]'), "CONFIG_VALUE", "lies in none of the allowed networks"],
		[rule(""), "CONFIG_VALUE", "distribution.rules[0].receivers is missing"],
		[section("  rules: { a: 1 }\n"), "CONFIG_VALUE", "distribution.rules is a map but must be a list"],
		[section("  rules: [cam]\n"), "CONFIG_VALUE", 'distribution.rules[0] is "cam" but must be'],
	])("%j is refused: %s", (text, code, part) => {
		expect(() => parse(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }));
	});
});

describe("a channel's source that is a rule", () => {
	const withSource = (source: string): string =>
		`channels: { cam: { source: ${source} } }\ndistribution: { engine: node }`;

	test("is named by rule://, or with a session description", () => {
		const sourceOf = (source: string) => parse(withSource(source)).channels[0]!.ladder.source;
		expect(sourceOf("rule://cam-1")).toEqual({ kind: "rule", rule: "cam-1" });
		expect(sourceOf("{ rule: cam-1 }")).toEqual({ kind: "rule", rule: "cam-1" });
		expect(sourceOf("{ rule: cam-1, sdp: cam.sdp }")).toEqual({
			...{ kind: "rule", rule: "cam-1", sdpFile: "/etc/penstock/cam.sdp" },
		});
		expect(summarizeConfig(parse(withSource("rule://cam-1")))).toContain("from rule cam-1:");
	});

	test("needs somebody who distributes packets, and a name that a rule can have", () => {
		expect(() => parse("channels: { cam: { source: 'rule://cam-1' } }")).toThrow(
			/channels\.cam\.source takes a rule's packets, but nobody distributes any; add the section "distribution"/,
		);
		expect(() => parse(withSource("'rule://cam 1'"))).toThrow(/the rule "cam 1" must be 1 to 128 of the characters/);
	});
});

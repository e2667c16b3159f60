/** The configuration of `penstock demo`: one channel with the built-in test picture. */
import { type Config, parseConfig } from "../server/config.ts";
import type { Environment } from "../server/config-environment.ts";
import { formatListenAddress } from "../server/listen-address.ts";
import type { DemoSettings } from "./demo-settings.ts";

/**
 * Small enough that a machine of two cores encodes all of it, serves it, and shows it four times without a graphics card.
 * The lowest, with its sound, fits the narrowest link of the wall.
 */
const RENDITIONS = [
	{ name: "high", width: 640, height: 360, bitrateBps: 1_500_000 },
	{ name: "mid", width: 480, height: 270, bitrateBps: 800_000 },
	{ name: "low", width: 320, height: 180, bitrateBps: 400_000 },
	{ name: "lowest", width: 256, height: 144, bitrateBps: 200_000 },
];
const SOURCE = { test: { width: 640, height: 360 } };
const AUDIO = { bitrateBps: 64_000 };

/** @throws PenstockError CONFIG_VALUE for a host that is none, CONFIG_KEY for a strange environment variable */
export function demoConfig({ host, port, apiPort, policy }: DemoSettings, environment: Environment): Config {
	const data = {
		http: { listen: formatListenAddress({ host, port }) },
		api: { listen: `127.0.0.1:${apiPort}` },
		switching: { policy },
		channels: { demo: { source: SOURCE, renditions: RENDITIONS, audio: AUDIO } },
		// One machine encodes, serves and shows four pictures: it is at its limit, and would hold everybody down for that.
		server: { underDuress: "ignore" },
	};
	// JSON is YAML.
	return parseConfig(JSON.stringify(data, null, 2), { file: "demo", environment });
}

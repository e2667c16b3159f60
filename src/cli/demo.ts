/** The configuration of `penstock demo`: one channel with the built-in test picture. */
import { type Config, parseConfig } from "../server/config.ts";
import type { Environment } from "../server/config-environment.ts";
import { formatListenAddress } from "../server/listen-address.ts";
import type { DemoSettings } from "./demo-settings.ts";

/** @throws PenstockError CONFIG_VALUE for a host that is none, CONFIG_KEY for a strange environment variable */
export function demoConfig({ host, port, apiPort, policy }: DemoSettings, environment: Environment): Config {
	const data = {
		http: { listen: formatListenAddress({ host, port }) },
		api: { listen: `127.0.0.1:${apiPort}` },
		switching: { policy },
		channels: { demo: { source: "test" } },
		// One machine encodes, serves and shows four pictures: it is at its limit, and would hold everybody down for that.
		server: { underDuress: "ignore" },
	};
	// JSON is YAML.
	return parseConfig(JSON.stringify(data, null, 2), { file: "demo", environment });
}

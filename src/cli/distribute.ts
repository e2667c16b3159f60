/**
 * `penstock distribute`: the distribution plane alone. Packets by rules, the API, metrics, the console; no channels and no
 * viewers.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../server/config.ts";
import type { Environment } from "../server/config-environment.ts";
import type { ServeOptions } from "./serve.ts";

const ENGINES = ["auto", "dpdk", "sockets", "node"] as const;
const BACKENDS = ["af_xdp", "af_packet", "memif", "pcap", "ring", "null", "pci"] as const;

interface DistributeArguments {
	readonly config?: string;
	readonly engine: string;
	readonly portDevice?: string;
	readonly backend?: string;
	readonly distributor?: string;
	readonly distributorArgument: readonly string[];
	readonly socket?: string;
	readonly state?: string;
	readonly apiListen: string;
	readonly allow?: readonly string[];
}

export function addDistribute(
	program: Command,
	serve: (config: Config, options?: ServeOptions) => Promise<void>,
): void {
	program
		.command("distribute")
		.description("send media packets on to receivers by rules, until SIGTERM or SIGINT; SIGHUP reads the rules again")
		.option("-c, --config <file>", "the rules; without it, those alone that the API makes")
		.addOption(new Option("--engine <name>", "auto takes the best that works").choices(ENGINES).default(ENGINES[0]))
		.option("--port-device <name>", "the network device that DPDK gets; without it auto does not try DPDK")
		.addOption(new Option("--backend <name>", "of DPDK; else af_xdp").choices(BACKENDS))
		.option(
			"--distributor <path>",
			"the native distributor; else PENSTOCK_DISTRIBUTOR_PATH, else the one that was built",
		)
		.option("--distributor-argument <argument>", "one more for it; may be given more than once", more, [])
		.option("--socket <path>", "speak to the distributor that listens there, and start none")
		.option("--state <file>", "keep the rules that are made at run time there")
		.option("--api-listen <address>", "for the API, the metrics and the console", "127.0.0.1:9998")
		.option("--allow <network...>", "where receivers may be; else loopback and private networks")
		.action(async (options: DistributeArguments) => await serve(await distributeConfig(options, process.env)));
}

const more = (argument: string, before: readonly string[]): string[] => {
	if (argument === "") throw new InvalidArgumentError("it is not empty");
	return [...before, argument];
};

/** @throws PenstockError CONFIG_VALUE, CONFIG_KEY */
async function distributeConfig(options: DistributeArguments, environment: Environment): Promise<Config> {
	const { parseConfig } = await import("../server/config.ts");
	const { engine, backend, socket } = options;
	const data = {
		api: { listen: options.apiListen },
		distribution: {
			...{ engine, device: options.portDevice, backend, socket },
			...{ path: options.distributor, arguments: options.distributorArgument },
			...{ rulesFile: options.config, stateFile: options.state },
			limits: { allowedNetworks: options.allow },
		},
		// Nobody is switched here.
		server: { underDuress: "ignore" },
		channels: {},
	};
	// JSON is YAML, and leaves out what is undefined. Relative paths start where the command was given.
	const config = parseConfig(JSON.stringify(data, null, 2), { file: "distribute", environment });
	return { ...config, http: { ...config.http, listen: [] } };
}

/**
 * `penstock network-server` and `penstock status-server`: take reports of viewers and pass them on to media servers over
 * NATS. Secrets come by file or by the environment: everybody on a machine can read a command line.
 */
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { messageOf, PenstockError } from "../base/errors.ts";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../server/listen-address.ts";
import { parseNatsUrl } from "../server/nats-url.ts";
import type { ReportProcessOptions } from "../server/report-process.ts";
import { watchSignals } from "./signals.ts";

type Kind = ReportProcessOptions["server"];

interface ReportServerArguments {
	readonly listen: ListenAddress;
	readonly adminListen: ListenAddress;
	readonly nats?: URL;
	readonly natsTokenFile?: string;
	readonly natsCredentials?: string;
	readonly natsCa?: string;
	readonly corsOrigin: readonly string[];
	readonly addressRate: number;
}

const ABOUT: Readonly<Record<Kind, { readonly port: number; readonly takes: string }>> = {
	network: { port: 8090, takes: "reports of viewers' network bandwidth" },
	status: { port: 8091, takes: "reports of viewers' terminals (CPU, memory, decoder, buffer)" },
};

export function addReportServers(program: Command, done: (code: number) => void): void {
	for (const kind of ["network", "status"] as const) {
		const { port, takes } = ABOUT[kind];
		program
			.command(`${kind}-server`)
			.description(`take ${takes} and pass them on to media servers over NATS`)
			.option("--listen <address>", "where viewers report", listenAddress, { host: "127.0.0.1", port })
			.option("--admin-listen <address>", "for /healthz and /metrics", listenAddress, { host: "127.0.0.1", port: 0 })
			.option("--nats <url>", "nats://host:4222 or tls://…; else PENSTOCK_REPORTS_NATS_URL", natsUrl)
			.option("--nats-token-file <file>", "a file with a token; else PENSTOCK_REPORTS_NATS_TOKEN")
			.option("--nats-credentials <file>", "a .creds file")
			.option("--nats-ca <file>", "PEM: who signed the certificate of tls://…, where Node does not know them")
			.option("--cors-origin <origin...>", "pages that may report", ["*"])
			.option("--address-rate <number>", "reports a second that one address may send", rate, 200)
			.action(async (options: ReportServerArguments) => done(await runReportServer(kind, options)));
	}
}

/**
 * @returns the exit code
 * @throws PenstockError COMMAND_LINE, LISTEN_ADDRESS, NATS_CREDENTIALS
 */
async function runReportServer(server: Kind, given: ReportServerArguments): Promise<number> {
	const [{ createLog }, { startReportProcess }] = await Promise.all([
		import("../server/log.ts"),
		import("../server/report-process.ts"),
	]);
	const log = createLog({ level: "info" });
	const { listen, adminListen, corsOrigin: corsOrigins, addressRate } = given;
	const nats = natsSettings(given);
	const signals = watchSignals();
	try {
		const running = await startReportProcess({ server, listen, adminListen, nats, corsOrigins, addressRate, log });
		const [http, admin] = [running.http, running.admin].map((address) => `http://${formatListenAddress(address)}`);
		log.info({ server, http, admin }, "listening");
		const signal = await signals.first;
		log.info({ signal }, "shutting down; a second signal ends at once");
		await running.close();
		return 0;
	} finally {
		signals.forget();
	}
}

function natsSettings(given: ReportServerArguments): ReportProcessOptions["nats"] {
	const { nats, natsTokenFile, natsCredentials, natsCa } = given;
	const fromEnvironment = process.env["PENSTOCK_REPORTS_NATS_URL"];
	const url = nats ?? (fromEnvironment === undefined ? undefined : parseNatsUrl(fromEnvironment));
	if (url === undefined) {
		const text = "there is no NATS server to pass reports on to; name one: --nats nats://127.0.0.1:4222.";
		throw new PenstockError("COMMAND_LINE", text);
	}
	const token = natsTokenFile === undefined ? process.env["PENSTOCK_REPORTS_NATS_TOKEN"] : tokenIn(natsTokenFile);
	return {
		url,
		...(token !== undefined && { token }),
		...(natsCredentials !== undefined && { credentialsFile: natsCredentials }),
		...(natsCa !== undefined && { caFile: natsCa }),
	};
}

function tokenIn(file: string): string {
	try {
		return readFileSync(file, "utf8").trim();
	} catch (thrown) {
		throw new PenstockError("NATS_CREDENTIALS", `${file} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
	}
}

function listenAddress(text: string): ListenAddress {
	const address = parseListenAddress(text, "127.0.0.1");
	if (address === undefined)
		throw new InvalidArgumentError('it is an address such as "127.0.0.1:8090" or "[::1]:8090"');
	return address;
}

function natsUrl(text: string): URL {
	const url = parseNatsUrl(text);
	if (url === undefined) throw new InvalidArgumentError('it is a URL such as "nats://127.0.0.1:4222"');
	return url;
}

function rate(text: string): number {
	const value = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
	if (value < 1) throw new InvalidArgumentError("it is a whole number above 0");
	return value;
}

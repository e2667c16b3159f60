/**
 * The command line: arguments to commands, errors to one line and an exit code. 0: well; 1: it failed at run time;
 * 2: the command line or the configuration is wrong.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Config } from "../server/config.ts";
import { packageVersion } from "../server/version.ts";
import { nameValue } from "./argument-values.ts";
import { DEMO_POLICIES, type DemoSettings } from "./demo-settings.ts";
import { addDistribute } from "./distribute.ts";
import {
	headerField,
	type PlayArguments,
	play,
	positiveCount,
	positiveNumber,
	reportServerUrl,
	reportUrlOrNone,
	streamUrl,
} from "./play.ts";
import { addReportServers } from "./report-server.ts";
import { addRules } from "./rules.ts";
import type { ServeOptions } from "./serve.ts";
import { addToken } from "./token.ts";

const EXAMPLES = `
Examples:
  penstock demo                          a test picture; open http://127.0.0.1:9998/#/wall/live/demo
  penstock serve -c penstock.yaml        the channels of a configuration
  penstock check -c penstock.yaml        what would be served, and whether FFmpeg can
  penstock play http://127.0.0.1:8080/live/demo.ts
  penstock token publish live/cam        what an encoder adds to its URL
  penstock distribute -c rules.yaml      media packets on to receivers, by rules
  penstock rules watch                   what the rules of a running server do

A value of the configuration can be set by the environment, for example PENSTOCK_HTTP_LISTEN=0.0.0.0:8081.
With PENSTOCK_DEBUG=1 an error is shown with its stack.
`;

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
	// Whoever read our output has had enough of it (`penstock --help | head`): no reason to fall over.
	process.stdout.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code !== "EPIPE") throw error;
	});
	try {
		let code = 0;
		const program = createProgram((result) => {
			code = result;
		});
		await program.parseAsync(argv);
		return code;
	} catch (thrown) {
		return fail(thrown);
	}
}

interface WithConfig {
	readonly config: string;
}

function createProgram(done: (code: number) => void): Command {
	const program = new Command("penstock")
		.description("A live-media server: one HTTP response per viewer, and the server switches the bit rate inside it.")
		.version(packageVersion())
		.addHelpText("after", EXAMPLES)
		.exitOverride()
		.configureOutput({ outputError: () => {} });
	// What only one command needs is loaded for it: half a second of a processor for a server.
	const load = async ({ config }: WithConfig): Promise<Config> =>
		await (await import("../server/config.ts")).loadConfig(config, process.env);
	const serve = async (config: Config, options?: ServeOptions): Promise<void> =>
		done(await (await import("./serve.ts")).serve(config, options));
	const file = ["-c, --config <file>", "the configuration", "penstock.yaml"] as const;

	program
		.command("serve")
		.description("serve the channels of a configuration until SIGTERM or SIGINT; SIGHUP reads rights and secrets again")
		.option(...file)
		.action(async (options: WithConfig) => await serve(await load(options), { again: () => load(options) }));
	program
		.command("check")
		.description("say what a configuration would serve, and whether FFmpeg is fit for it")
		.option(...file)
		.action(async (options: WithConfig) => {
			const { check } = await import("./check.ts");
			done(await check(await load(options), options.config));
		});
	program
		.command("demo")
		.description("serve a built-in test picture as live/demo, and pages to watch it switch")
		.option("--host <address>", "where viewers connect", "127.0.0.1")
		.option("--port <number>", "for viewers; 0 takes a free one", portNumber, 8080)
		.option("--api-port <number>", "for the API and the metrics", portNumber, 9998)
		.addOption(
			new Option("--policy <name>", "who switches: the network, or every 5 s")
				.choices(DEMO_POLICIES)
				.default(DEMO_POLICIES[0]),
		)
		.action(async (options: DemoSettings) => {
			const { demoConfig } = await import("./demo.ts");
			await serve(demoConfig(options, process.env), { announce: true });
		});
	addPlay(program, done);
	addDistribute(program, serve);
	addRules(program, done);
	addToken(program, file, load, done);
	addReportServers(program, done);
	return program;
}

function addPlay(program: Command, done: (code: number) => void): void {
	program
		.command("play")
		.description("watch a stream: tell its switches and its figures, reset the decoder at each switch")
		.argument("<url>", "of a stream, in any packaging", streamUrl)
		.option("--json", "tell everything as JSON, one object a line")
		.option("--frames <folder>", "write each decoded frame there, as PPM")
		.option("--save <file>", "write the body there, as it came")
		.option("--count-frames", "read the test signal's frame numbers; exit code 1 if one was lost")
		.option("--for <seconds>", "leave after so long", positiveNumber)
		.option("--until-switches <number>", "leave when the unit behind so many switches is whole", positiveCount)
		.option("--rendition <name>", "ask for a rendition, instead of leaving it to the server", nameValue)
		.option("--header <field>", 'send "Name: value" with the request; may be given more than once', headerField, [])
		.option("--report <url>", 'report to this server, or to nobody with "none"; else to the server', reportUrlOrNone)
		.option("--network-server <url>", "report the network to this server", reportServerUrl)
		.option("--status-server <url>", "report the terminal to this server", reportServerUrl)
		.option("--ffmpeg <path>", "the program that decodes", process.env["PENSTOCK_FFMPEG_PATH"] ?? "ffmpeg")
		.action(async (url: URL, options: PlayArguments) => done(await play(url, options)));
}

function portNumber(text: string): number {
	const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
	if (!(port <= 65_535)) throw new InvalidArgumentError("a port is a whole number from 0 to 65535");
	return port;
}

const CALL_IS_WRONG: readonly string[] = [
	"ACCESS_SECRET",
	"ACCESS_SETTING",
	"COMMAND_LINE",
	"CONFIG_FILE",
	"CONFIG_KEY",
	"CONFIG_SYNTAX",
	"CONFIG_VALUE",
	"NATS_CREDENTIALS",
	"POLICY_MODULE",
	"RULES_FILE",
	"TLS_CERTIFICATE",
];

function fail(thrown: unknown): number {
	if (thrown instanceof CommanderError) {
		// Help and version come as errors, too, and have been written.
		if (thrown.exitCode === 0 || thrown.code === "commander.help") return thrown.exitCode === 0 ? 0 : 2;
		const detail = thrown.message
			.replace(/^error: /, "")
			.replace(/\n/g, " ")
			.replace(/\.?$/, ".");
		process.stderr.write(`penstock: COMMAND_LINE: ${detail} "penstock --help" lists what there is.\n`);
		return 2;
	}
	const message = thrown instanceof PenstockError ? thrown.message : `INTERNAL: ${messageOf(thrown)}`;
	const withStack = process.env["PENSTOCK_DEBUG"] === "1" && thrown instanceof Error;
	process.stderr.write(`penstock: ${withStack ? (thrown.stack ?? message) : message}\n`);
	return thrown instanceof PenstockError && CALL_IS_WRONG.includes(thrown.code) ? 2 : 1;
}

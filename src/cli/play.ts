/**
 * `penstock play`: watches a stream and tells what it sees. The first Ctrl-C ends it with a summary, the second at
 * once.
 */
import { InvalidArgumentError } from "commander";
import { nodeClock } from "../server/node-time.ts";
import type { PlayView } from "../terminal/figures.ts";
import { Player, type PlayOptions } from "../terminal/player.ts";
import { ReportSender, type ReportSenderOptions } from "../terminal/report-sender.ts";
import { JsonView } from "../terminal/view-json.ts";
import { LiveView } from "../terminal/view-live.ts";
import { PlainView } from "../terminal/view-plain.ts";
import { httpUrl } from "./argument-values.ts";
import { ownMachine } from "./machine-shares.ts";

/** As the command line gives them. */
export interface PlayArguments {
	readonly json?: boolean;
	readonly frames?: string;
	readonly save?: string;
	readonly countFrames?: boolean;
	/** Seconds. */
	readonly for?: number;
	readonly untilSwitches?: number;
	readonly rendition?: string;
	readonly header: readonly HeaderField[];
	readonly ffmpeg: string;
	/** Undefined: to the server that is watched. */
	readonly report?: URL | "none";
	readonly networkServer?: URL;
	readonly statusServer?: URL;
}

export interface HeaderField {
	readonly name: string;
	readonly value: string;
}

/**
 * @returns the exit code: 1 where the test signal's frames were counted and one was lost
 * @throws PenstockError what keeps it from playing, or ended it
 */
export async function play(url: URL, given: PlayArguments): Promise<number> {
	const clock = nodeClock();
	const machine = ownMachine();
	const targets = reportTargets(url, given);
	const figuresSink = new ReportSender({ targets, clock, machine: () => machine.shares() });
	const player = new Player(optionsOf(url, given), { clock, view: viewOf(given), figuresSink });
	const signals = ["SIGINT", "SIGTERM"] as const;
	let interrupted = false;
	const interrupt = (signal: NodeJS.Signals): void => {
		if (interrupted) process.exit(signal === "SIGINT" ? 130 : 143);
		interrupted = true;
		player.stop("interrupted");
	};
	for (const signal of signals) process.on(signal, interrupt);
	// Nobody reads on (`penstock play … | head`): that is an end like Ctrl-C.
	const unread = (): void => player.stop("interrupted");
	process.stdout.on("error", unread);
	try {
		const { failure, framesWhole } = await player.run();
		if (failure !== undefined) throw failure;
		return framesWhole ? 0 : 1;
	} finally {
		machine.close();
		process.stdout.off("error", unread);
		for (const signal of signals) process.off(signal, interrupt);
	}
}

function optionsOf(given: URL, options: PlayArguments): PlayOptions {
	const url = new URL(given);
	if (options.rendition !== undefined) url.searchParams.set("rendition", options.rendition);
	const headers: Record<string, string[]> = {};
	for (const { name, value } of options.header) headers[name] = [...(headers[name] ?? []), value];
	const { save, frames, countFrames, untilSwitches, ffmpeg } = options;
	return {
		...{ url, headers, ffmpeg, countFrames: countFrames ?? false },
		...(save !== undefined && { save }),
		...(frames !== undefined && { frames }),
		...(options.for !== undefined && { forMs: options.for * 1000 }),
		...(untilSwitches !== undefined && { untilSwitches }),
	};
}

/** Where the two kinds of figures go: to the server that is watched, unless told otherwise. */
function reportTargets(
	url: URL,
	{ report = url, networkServer, statusServer }: PlayArguments,
): ReportSenderOptions["targets"] {
	const at = (own: URL | undefined, path: string): URL | undefined => {
		const base = own ?? (report === "none" ? undefined : report);
		return base && new URL(path, base.origin);
	};
	const [network, status] = [at(networkServer, "/report/network"), at(statusServer, "/report/status")];
	return { ...(network && { network }), ...(status && { status }) };
}

function viewOf({ json }: PlayArguments): PlayView {
	if (json === true) return new JsonView(process.stdout);
	return process.stdout.isTTY ? new LiveView(process.stdout) : new PlainView(process.stdout);
}

export const reportServerUrl = httpUrl("http://127.0.0.1:8090");

export const reportUrlOrNone = (text: string): URL | "none" => (text === "none" ? text : reportServerUrl(text));

export const streamUrl = httpUrl("http://127.0.0.1:8080/live/demo.ts");

export function positiveNumber(text: string): number {
	const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : 0;
	if (!(value > 0 && value < 1e9)) throw new InvalidArgumentError("it is a number above 0");
	return value;
}

export function positiveCount(text: string): number {
	const value = positiveNumber(text);
	if (!Number.isInteger(value)) throw new InvalidArgumentError("it is a whole number above 0");
	return value;
}

/** "Name: value", as RFC 9110 has it; given more than once, all are sent. */
export function headerField(text: string, before: readonly HeaderField[]): HeaderField[] {
	const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(text) ?? [];
	if (name === undefined || value === undefined) throw new InvalidArgumentError('it is "Name: value"');
	return [...before, { name, value }];
}

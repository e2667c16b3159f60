/**
 * Child processes for tests: started from an argument list, with their output kept (and bounded), awaited by what
 * they say and not by time, and never left behind. Each leads a process group of its own, so that what it started
 * ends with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { onCleanup } from "./cleanup.ts";

export interface ProcessOptions {
	/** Added to this process's environment; undefined takes a variable away. */
	readonly env?: Readonly<Record<string, string | undefined>>;
	readonly cwd?: string;
	/** Written to the child's standard input, which is then closed. Without it the input is empty. */
	readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
	/** Gets the standard output as it comes; it is then not kept. */
	readonly onStdout?: (bytes: Uint8Array) => void;
	/** The last bytes kept of each output; 1 MiB where this is left out. */
	readonly keepBytes?: number;
	/** User and group to run as (root only). */
	readonly user?: { readonly uid: number; readonly gid: number };
}

/** What a test does to a process: asks it to end, lets it die, freezes it, thaws it, has it read its settings. */
type Signal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSEGV" | "SIGSTOP" | "SIGCONT" | "SIGHUP";

export interface Exit {
	readonly code: number | null;
	readonly signal: string | null;
}

/** Debian's packages of the tools that the tests run. */
const PACKAGES: Readonly<Record<string, string>> = {
	chromium: "chromium",
	ffmpeg: "ffmpeg",
	ffprobe: "ffmpeg",
	"firefox-esr": "firefox-esr",
	"gst-launch-1.0":
		"gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav gstreamer1.0-rtsp",
	ip: "iproute2",
	mpv: "mpv",
	"nats-server": "nats-server",
	openssl: "openssl",
	pulseaudio: "pulseaudio",
	tc: "iproute2",
	tshark: "tshark",
	vlc: "vlc-bin vlc-plugin-base",
};

/**
 * Starts a process.
 * @throws Error when the command is not there: a test that lacks its tool must fail, and say what to install
 */
export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
	requireCommand(command);
	return new RunningProcess(command, args, options);
}

/** Runs a process to its end, and kills it when that takes longer than `timeoutMs`. */
export async function runToEnd(
	command: string,
	args: readonly string[],
	options: ProcessOptions & { readonly timeoutMs?: number } = {},
): Promise<RunningProcess & Exit> {
	const { timeoutMs = 60_000 } = options;
	const running = startProcess(command, args, options);
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		running.kill("SIGKILL");
	}, timeoutMs);
	const exit = await running.exited.finally(() => clearTimeout(timer));
	if (late) throw new Error(`${command} was not done after ${timeoutMs} ms; its last words:\n${running.lastWords()}`);
	return Object.assign(running, exit);
}

export class RunningProcess {
	readonly command: string;
	readonly pid: number;
	readonly exited: Promise<Exit>;
	readonly #child: ChildProcess;
	readonly #stdout: Tail;
	readonly #stderr: Tail;
	readonly #waiting = new Set<(line: string) => void>();
	readonly #forget: () => void;

	/** Use `startProcess`. */
	constructor(command: string, args: readonly string[], options: ProcessOptions) {
		this.command = command;
		const child = spawn(command, args, {
			cwd: options.cwd,
			env: { ...process.env, ...options.env },
			stdio: ["pipe", "pipe", "pipe"],
			detached: true,
			...options.user,
		});
		this.#child = child;
		this.pid = child.pid ?? 0;
		const keepBytes = options.keepBytes ?? 2 ** 20;
		const onLine = (line: string): void => {
			for (const waiting of this.#waiting) waiting(line);
		};
		this.#stdout = new Tail(keepBytes, onLine);
		this.#stderr = new Tail(keepBytes, onLine);
		child.stdout.on("data", options.onStdout ?? ((bytes: Buffer) => this.#stdout.push(bytes)));
		child.stderr.on("data", (bytes: Buffer) => this.#stderr.push(bytes));
		feed(child.stdin, options.input);
		this.#forget = onCleanup(() => this.#killGroup());
		this.exited = new Promise<Exit>((resolve, reject) => {
			child.once("error", reject);
			// "close" and not "exit": by then all output has been read.
			child.once("close", (code, signal) => resolve({ code, signal }));
		}).finally(() => {
			this.#forget();
			this.#killGroup();
		});
		this.exited.catch(() => undefined);
	}

	/** What the process wrote, or its last part. */
	get stdout(): string {
		return this.#stdout.text();
	}

	get stderr(): string {
		return this.#stderr.text();
	}

	/** The last lines of both outputs, for an error message. */
	lastWords(lines = 20): string {
		return [...this.stdout.split("\n").slice(-lines), ...this.stderr.split("\n").slice(-lines)].join("\n").trim();
	}

	/**
	 * Resolves with the first line, on either output, that matches; lines said before the call count.
	 * @throws Error when the process ends or `timeoutMs` pass without it
	 */
	async waitForLine(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpMatchArray> {
		for (const line of `${this.stdout}\n${this.stderr}`.split("\n")) {
			const match = line.match(pattern);
			if (match) return match;
		}
		const said = Promise.withResolvers<RegExpMatchArray>();
		const fail = (why: string): void =>
			said.reject(
				new Error(`${this.command} ${why} without a line like ${pattern}; its last words:\n${this.lastWords()}`),
			);
		const look = (line: string): void => {
			const match = line.match(pattern);
			if (match) said.resolve(match);
		};
		const timer = setTimeout(() => fail(`ran for ${timeoutMs} ms`), timeoutMs);
		this.#waiting.add(look);
		const ended = (): void => fail("ended");
		void this.exited.then(ended, ended);
		try {
			return await said.promise;
		} finally {
			clearTimeout(timer);
			this.#waiting.delete(look);
		}
	}

	/** Sends a signal to the process alone, not to what it started. */
	kill(signal: Signal): void {
		this.#child.kill(signal);
	}

	/** SIGTERM, then SIGKILL for the whole group after `graceMs`. Resolves when it is gone. */
	async stop(graceMs = 5_000): Promise<Exit> {
		this.kill("SIGTERM");
		const timer = setTimeout(() => this.#killGroup(), graceMs);
		return await this.exited.finally(() => clearTimeout(timer));
	}

	#killGroup(): void {
		if (this.pid === 0) return;
		try {
			process.kill(-this.pid, "SIGKILL");
		} catch {
			// Nobody of the group is left: that is what was wanted.
		}
	}
}

/** The last bytes of an output, and its lines as they come. */
class Tail {
	readonly #keep: number;
	readonly #onLine: (line: string) => void;
	#parts: Buffer[] = [];
	#bytes = 0;
	#line = "";
	readonly #decoder = new StringDecoder();

	constructor(keep: number, onLine: (line: string) => void) {
		this.#keep = keep;
		this.#onLine = onLine;
	}

	push(bytes: Buffer): void {
		this.#parts.push(bytes);
		this.#bytes += bytes.length;
		while (this.#bytes - this.#parts[0]!.length > this.#keep) this.#bytes -= this.#parts.shift()!.length;
		const lines = (this.#line + this.#decoder.write(bytes)).split("\n");
		this.#line = lines.pop()!.slice(-4096);
		for (const line of lines) this.#onLine(line);
	}

	text(): string {
		return Buffer.concat(this.#parts).subarray(-this.#keep).toString();
	}
}

function feed(stdin: Writable, input: ProcessOptions["input"]): void {
	// A child that ends before it has read everything closes the pipe: its exit code tells, not this.
	stdin.on("error", () => undefined);
	if (input === undefined || typeof input === "string" || input instanceof Uint8Array) stdin.end(input);
	else pipeline(input, stdin).catch(() => stdin.destroy());
}

function requireCommand(command: string): void {
	const places = command.includes("/")
		? [command]
		: (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, command));
	const found = places.some((place) => {
		try {
			accessSync(place, constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
	if (found) return;
	const packages = PACKAGES[command];
	const cure = packages === undefined ? "install it" : `on Debian: apt-get install ${packages}`;
	throw new Error(`"${command}" is not on the PATH and this test cannot do without it; ${cure}.`);
}

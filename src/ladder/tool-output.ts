/**
 * Runs one of FFmpeg's programs to its end and gives what it wrote: bounded in time and in bytes.
 */
import { spawn } from "node:child_process";
import type { Clock } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";

export const INSTALL_HINT =
	"install FFmpeg 5.1 or newer (apt-get install ffmpeg), or set its path in the configuration";

const MOST_BYTES = 1024 * 1024;

export interface ToolOutput {
	/** The exit code; undefined when a signal or the deadline ended it. */
	readonly code: number | undefined;
	readonly timedOut: boolean;
	readonly stdout: string;
	readonly stderr: string;
}

export interface ToolLimits {
	readonly clock: Clock;
	readonly timeout: Milliseconds;
	/** Ends the program early. */
	readonly signal?: AbortSignal;
}

/** @throws PenstockError FFMPEG_MISSING when the program cannot be started at all */
export function toolOutput(program: string, argv: readonly string[], limits: ToolLimits): Promise<ToolOutput> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, argv, { stdio: ["ignore", "pipe", "pipe"], env: toolEnvironment() });
		let timedOut = false;
		const kill = (): void => void child.kill("SIGKILL");
		const deadline = limits.clock.after(limits.timeout, () => {
			timedOut = true;
			kill();
		});
		limits.signal?.addEventListener("abort", kill);
		if (limits.signal?.aborted) kill();
		const settle = (): void => {
			deadline.cancel();
			limits.signal?.removeEventListener("abort", kill);
		};
		const texts = { stdout: "", stderr: "" };
		for (const name of ["stdout", "stderr"] as const) {
			child[name].setEncoding("utf8").on("data", (text: string) => {
				texts[name] = (texts[name] + text).slice(0, MOST_BYTES);
			});
		}
		child.on("error", (error) => {
			settle();
			reject(missing(program, error));
		});
		child.on("close", (code) => {
			settle();
			resolve({ code: code ?? undefined, timedOut, ...texts });
		});
	});
}

export const missing = (program: string, cause: unknown): PenstockError =>
	new PenstockError("FFMPEG_MISSING", `${program} cannot be run (${messageOf(cause)}); ${INSTALL_HINT}.`, { cause });

const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/** FFmpeg gets what it needs of the environment and none of the secrets that a server's may hold. */
export function toolEnvironment(): NodeJS.ProcessEnv {
	const entries = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
	return { ...Object.fromEntries(entries), LC_ALL: "C", AV_LOG_FORCE_NOCOLOR: "1" };
}

/** The last lines of a program's own words, on one line, for a message. */
export const lastWords = (lines: readonly string[], count = 3): string =>
	lines
		.map((line) => line.trim())
		.filter((line) => line !== "")
		.slice(-count)
		.join(" | ") || "it said nothing";

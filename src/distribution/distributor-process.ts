/**
 * The process behind a control socket, as far as this process has a hand on it: a child that is started, or somebody
 * else's (a systemd unit with its capabilities, say) that is only spoken to.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface DistributorProcess {
	readonly pid: number | undefined;
	/** How it ended: a status, a signal, or why it could not be started. */
	readonly ended: Promise<string>;
	/** The last thing that it complained of, for messages. */
	readonly complaint: string;
	kill(signal: "SIGTERM" | "SIGKILL"): void;
}

export interface ChildSettings {
	/** The program. */
	readonly command: string;
	readonly arguments: readonly string[];
	/** Sees to it that the child does not outlive this process. */
	readonly reap: (child: ChildProcess) => void;
	/** Gets the child's own lines, JSON each. */
	readonly log: (line: string) => void;
}

/** Starts a child. It never throws: what cannot be started has no `pid`, and has ended. */
export function startedProcess({ command, arguments: more, reap, log }: ChildSettings): DistributorProcess {
	const child = spawn(command, more, { stdio: ["ignore", "ignore", "pipe"] });
	let last: string | undefined;
	const ended = new Promise<string>((resolve) => {
		child.once("error", (error: NodeJS.ErrnoException) => {
			// Without a process there is no "close".
			if (child.pid === undefined) resolve(error.code ?? error.message);
		});
		child.once("close", (code, signal) => resolve(signal ?? `status ${code}`));
	});
	if (child.pid !== undefined) reap(child);
	createInterface({ input: child.stderr }).on("line", (line) => {
		if (last === undefined || !/"level":"(?:info|debug)"/.test(line)) last = line;
		log(line);
	});
	return {
		pid: child.pid,
		ended,
		get complaint() {
			return last === undefined ? "it said nothing" : textOfLine(last);
		},
		kill: (signal) => void child.kill(signal),
	};
}

/** Somebody else's: its end is seen by its connection alone, and nobody ends it from here. */
export const foreignProcess = (): DistributorProcess => ({
	pid: undefined,
	ended: new Promise(() => {}),
	complaint: "it is not a child of this process",
	kill: () => undefined,
});

function textOfLine(line: string): string {
	try {
		const { text } = JSON.parse(line);
		return String(text ?? line).replace(/\.$/, "");
	} catch {
		return line.slice(0, 300);
	}
}

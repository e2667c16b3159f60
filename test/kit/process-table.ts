/** What the kernel knows of a process: its children, what has become of them, and how many files it has open (Linux). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ChildState {
	readonly pid: number;
	readonly command: string;
	/** One letter as `ps` shows it: R, S, D run; T is stopped; Z is a zombie. */
	readonly state: string;
}

/** The direct children of a process. */
export function childrenOf(parent: number): ChildState[] {
	const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
	return pids.flatMap((pid) => {
		const stat = readStat(pid);
		return stat?.parent === parent ? [stat.child] : [];
	});
}

/** What a process has open, in words such as "socket:[4711]". */
export function openFiles(pid: number): string[] {
	const directory = `/proc/${pid}/fd`;
	return readdirSync(directory).flatMap((fd) => {
		try {
			return [readlinkSync(`${directory}/${fd}`)];
		} catch {
			return []; // closed since it was listed
		}
	});
}

/** Undefined where the process is gone. */
function readStat(pid: string): { readonly parent: number; readonly child: ChildState } | undefined {
	let text: string;
	try {
		text = readFileSync(`/proc/${pid}/stat`, "utf8");
	} catch {
		return undefined;
	}
	// "pid (command) state parent …", and a command may have brackets and spaces in it.
	const end = text.lastIndexOf(")");
	const [state = "", parent = ""] = text.slice(end + 2).split(" ");
	const command = text.slice(text.indexOf("(") + 1, end);
	return { parent: Number(parent), child: { pid: Number(pid), command, state } };
}

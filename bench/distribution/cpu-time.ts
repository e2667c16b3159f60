/** CPU time of other processes, to the nanosecond, by the scheduler's own account (/proc/PID/task/TID/schedstat). */
import { readdirSync, readFileSync } from "node:fs";

const read = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch {
		// The thread has ended meanwhile.
		return "";
	}
};

/**
 * Of all threads of a process that live, added up.
 * @param ofThread takes those whose name it approves of
 */
export function cpuMsOf(pid: number, ofThread: (name: string) => boolean = () => true): number {
	const tasks = `/proc/${pid}/task`;
	const threads = readdirSync(tasks).filter((id) => ofThread(read(`${tasks}/${id}/comm`).trim()));
	const ns = threads.map((id) => Number(read(`${tasks}/${id}/schedstat`).split(" ")[0] || 0));
	return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}

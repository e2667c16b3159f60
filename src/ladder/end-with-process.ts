/**
 * Children that must not outlive this process, however it exits. A child that writes notices a broken pipe by itself;
 * one that waits for a silent source would stay for ever. (SIGKILL of this process is beyond anyone's reach: there the
 * broken pipe is what there is.)
 */
import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();

/** Kills the child when this process exits, unless it has gone before. */
export function endWithProcess(child: ChildProcess): void {
	if (running.size === 0) process.on("exit", killAll);
	running.add(child);
	child.once("close", () => {
		running.delete(child);
		if (running.size === 0) process.off("exit", killAll);
	});
}

function killAll(): void {
	for (const child of running) child.kill("SIGKILL");
}

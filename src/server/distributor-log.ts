/** What a native distributor says on its standard error, a JSON object a line, as lines of this server's log. */
import type { Log } from "./log.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

export class DistributorLog {
	readonly #log: Log;

	constructor(log: Log) {
		this.#log = log;
	}

	line(line: string): void {
		// The time is this log's own.
		const { time: _, level, text, ...fields } = fieldsOf(line);
		const known = LEVELS.find((one) => one === level) ?? "warn";
		this.#log[known](fields, typeof text === "string" ? text : line.slice(0, 500));
	}
}

/** DPDK has words of its own, which are no JSON. */
function fieldsOf(line: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(line);
		return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
	} catch {
		return { level: "info" };
	}
}

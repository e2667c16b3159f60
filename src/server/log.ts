/**
 * The log: one line per event, JSON for machines or words for a terminal, on standard output. Every line says what it
 * is about in fields (`component`, `channel`, `viewer`); the sentence is for people.
 */
import { type DestinationStream, type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { LogConfig } from "./config.ts";

export type Log = Logger;

/** What may wait for a slow reader of standard output; more is dropped, so that a log never stops the media. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * @param destination instead of standard output, for JSON lines
 * @returns a log whose children carry their own fields: `log.child({ channel: "live/demo" })`
 */
export function createLog(config: LogConfig, destination?: DestinationStream): Log {
	const format = config.format ?? (process.stdout.isTTY ? "pretty" : "json");
	return pino(
		{
			level: config.level,
			base: null,
			timestamp: pino.stdTimeFunctions.isoTime,
			formatters: { level: (label) => ({ level: label }) },
		},
		destination ?? (format === "pretty" ? prettyOutput() : plainOutput()),
	);
}

const plainOutput = (): DestinationStream =>
	pino.destination({ dest: 1, sync: false, minLength: 0, maxLength: MAX_WAITING_BYTES });

const prettyOutput = (): DestinationStream =>
	pretty({ destination: 1, sync: true, translateTime: "SYS:HH:MM:ss.l", ignore: "hostname,pid", singleLine: true });

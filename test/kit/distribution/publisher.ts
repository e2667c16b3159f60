/** Publishers of the distribution plane's tests; the sending itself is in `publisher-process.ts`. */
import { fileURLToPath } from "node:url";
import type { RunningProcess } from "../processes.ts";
import type { Lan } from "./lan.ts";
import type { PacketKind } from "./media-packets.ts";

export interface PublisherJob {
	readonly kind: PacketKind;
	readonly to: { readonly address: string; readonly port: number };
	/** Sizes of the payloads, in turn. */
	readonly bytes: readonly number[];
	readonly packetsPerSecond: number;
	/** 1 where it is left out. */
	readonly stream?: number;
	/** The number of the first packet; 0 where it is left out. */
	readonly first?: number;
	/** Until it is stopped where this is left out. */
	readonly count?: number;
	readonly fromPort?: number;
}

const PROCESS = fileURLToPath(new URL("publisher-process.ts", import.meta.url));

/** A publisher that sends on. */
export interface RunningPublisher {
	readonly process: RunningProcess;
	/** @returns how many packets it has sent in all */
	stop(): Promise<number>;
}

export function startPublisher(lan: Lan, job: PublisherJob): RunningPublisher {
	const process_ = lan.start(lan.publisher, process.execPath, [PROCESS, JSON.stringify(job)]);
	return {
		process: process_,
		async stop() {
			process_.kill("SIGTERM");
			return await sentBy(process_);
		},
	};
}

/** Sends so many packets, and resolves when they are sent. */
export async function publish(lan: Lan, job: PublisherJob & { readonly count: number }): Promise<void> {
	const sent = await sentBy(startPublisher(lan, job).process);
	if (sent !== job.count) throw new Error(`the publisher sent ${sent} packets of ${job.count}.`);
}

async function sentBy(publisher: RunningProcess): Promise<number> {
	const { code } = await publisher.exited;
	const [, sent] = publisher.stdout.match(/^sent (\d+)$/m) ?? [];
	if (code === 0 && sent !== undefined) return Number(sent);
	throw new Error(`the publisher ended with ${code}:\n${publisher.lastWords()}`);
}

/** One receiver of the engine in this process: its socket, its rates, its figures. */
import type { Socket } from "node:dgram";
import type { Clock } from "../base/clock.ts";
import type { ReceiverStats } from "../wire/distributor-answer.ts";
import type { DropReason } from "../wire/distributor-drops.ts";
import type { Receiver } from "../wire/distributor-rule.ts";
import { Counters } from "./counters.ts";
import { TokenBucket } from "./token-bucket.ts";
import { closed, sendingSocket } from "./udp-sockets.ts";

/** Packets that the kernel has not taken yet; more are dropped. */
const MOST_IN_FLIGHT = 1024;
/** What a bucket of bits holds at least. */
const LEAST_BITS = 12_000;

export interface NodeReceiverParts {
	readonly receiver: Receiver;
	readonly sourcePort: number;
	/** The port is another rule's. */
	readonly sharesPort: boolean;
	readonly clock: Clock;
	/** Its rule's counters, and those of all; its own are kept from the one that it replaces. */
	readonly above: readonly Counters[];
	readonly replaces: NodeReceiver | undefined;
}

export class NodeReceiver {
	readonly receiver: Receiver;
	readonly sourcePort: number;
	readonly sharesPort: boolean;
	readonly #clock: Clock;
	readonly #socket: Socket;
	readonly #counters: Counters;
	readonly #above: readonly Counters[];
	readonly #packets: TokenBucket | undefined;
	readonly #bits: TokenBucket | undefined;
	#inFlight = 0;
	#open = true;

	/** @throws the system's error where there is no such way */
	static async open(parts: NodeReceiverParts): Promise<NodeReceiver> {
		return new NodeReceiver(parts, await sendingSocket(parts.receiver, parts.sourcePort, !parts.sharesPort));
	}

	private constructor(parts: NodeReceiverParts, socket: Socket) {
		const { receiver, sourcePort, sharesPort, clock, above, replaces } = parts;
		this.receiver = receiver;
		this.sourcePort = sourcePort;
		this.sharesPort = sharesPort;
		this.#clock = clock;
		this.#socket = socket;
		this.#above = above;
		this.#counters = replaces === undefined ? new Counters() : replaces.#counters;
		const { maxPacketsPerSecond: packets, maxBitsPerSecond: bits } = receiver;
		if (packets !== undefined) this.#packets = new TokenBucket(packets, 1, clock.now());
		if (bits !== undefined) this.#bits = new TokenBucket(bits, LEAST_BITS, clock.now());
	}

	/** Sends a copy, or counts why not. */
	send(payload: Buffer): void {
		const reason = this.#hindrance(payload);
		if (reason !== undefined) {
			this.#drop(reason);
			return;
		}
		this.#packets?.take(1);
		this.#bits?.take(8 * payload.length);
		this.#inFlight++;
		if (this.sharesPort) this.#socket.send(payload, this.receiver.port, this.receiver.address, this.#afterSend);
		else this.#socket.send(payload, this.#afterSend);
	}

	/** What is in flight goes out or is lost; nothing goes out afterwards. */
	async close(): Promise<void> {
		this.#open = false;
		await closed(this.#socket);
	}

	get stats(): ReceiverStats {
		const { address, port } = this.receiver;
		return {
			...{ address, port },
			...this.#counters.sent.reading,
			drops: this.#counters.drops.reading,
			state: "ready",
		};
	}

	#hindrance(payload: Buffer): DropReason | undefined {
		if (!this.#open) return "send-failed";
		const now = this.#clock.now();
		if (this.#packets?.has(1, now) === false) return "packet-rate";
		if (this.#bits?.has(8 * payload.length, now) === false) return "bit-rate";
		return this.#inFlight >= MOST_IN_FLIGHT ? "queue-full" : undefined;
	}

	readonly #afterSend = (error: Error | null, bytes: number): void => {
		this.#inFlight--;
		if (error !== null) {
			this.#drop((error as NodeJS.ErrnoException).code === "EMSGSIZE" ? "too-large" : "send-failed");
			return;
		}
		this.#counters.sent.add(bytes);
		for (const counters of this.#above) counters.sent.add(bytes);
	};

	#drop(reason: DropReason): void {
		this.#counters.drops.add(reason);
		for (const counters of this.#above) counters.drops.add(reason);
	}
}

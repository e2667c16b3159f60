/** Keeps pulling one channel's stream: again and again, with longer and longer waits, each time from an address judged afresh. */
import type { UrlGuard } from "../../access/url-guard.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { type Milliseconds, milliseconds } from "../../base/units.ts";
import type { PublicationSink } from "../../ingest/publications.ts";
import { Backoff } from "../../ladder/backoff.ts";
import { parsePullUrl } from "../../rtsp/pull-url.ts";
import type { PullConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { Wanted } from "../wanted.ts";
import { PulledStream } from "./pulled-stream.ts";
import type { RelayedStream } from "./relayed-stream.ts";
import type { StreamRules } from "./stream-rules.ts";

export interface PullKeeperParts {
	/** `app/stream` */
	readonly label: string;
	readonly pull: PullConfig;
	/** What may be dialled (SEC3). */
	readonly guard: UrlGuard;
	readonly rules: StreamRules;
	readonly clock: Clock;
	/** From 0 to below 1. */
	readonly random: () => number;
	readonly silenceMs: number;
	/** Where the channel takes a stream that begins. */
	readonly open: () => PublicationSink;
	readonly wanted: Wanted;
	/** A stream is there. @returns what takes it away */
	readonly bring: (stream: RelayedStream) => () => void;
	readonly onFault: (error: PenstockError) => void;
	readonly log: Log;
}

export class PullKeeper {
	readonly #parts: PullKeeperParts;
	readonly #backoff: Backoff;
	#pulled: PulledStream | undefined;
	#timer: Timer | undefined;
	#stopped = false;

	constructor(parts: PullKeeperParts) {
		this.#parts = parts;
		this.#backoff = new Backoff(parts.random);
	}

	start(): void {
		void this.#attempt();
	}

	stop(): void {
		this.#stopped = true;
		this.#timer?.cancel();
		this.#pulled?.stop();
	}

	async #attempt(): Promise<void> {
		const { pull, guard } = this.#parts;
		const admission = await guard.admit(pull.url.reveal());
		if (this.#stopped) return;
		switch (admission.kind) {
			case "refused":
				return this.#failed(admission.error, milliseconds(0));
			case "unresolved":
				return this.#failed(new PenstockError("SOURCE_UNREACHABLE", `${admission.why}.`), milliseconds(0));
			case "admitted":
				return this.#pull(admission.address);
		}
	}

	#pull(address: string): void {
		const { label, pull, rules, clock, random, silenceMs, onFault, open, wanted, bring, log } = this.#parts;
		const { url, transport } = pull;
		const sink = open();
		let playingSince: Milliseconds | undefined;
		let take: () => void = () => undefined;
		this.#pulled = new PulledStream({
			...{ label, address, transport, rules, clock, random, silenceMs, sink, wanted, onFault },
			url: parsePullUrl(url.reveal()),
			onStream: (stream) => {
				playingSince = clock.now();
				take = bring(stream);
				log.info({ address }, "pulling the stream");
			},
			onEnd: (error) => {
				take();
				sink.end(error);
				if (error === undefined || this.#stopped) return;
				this.#failed(error, milliseconds(playingSince === undefined ? 0 : clock.now() - playingSince));
			},
		});
	}

	#failed(error: PenstockError, healthyFor: Milliseconds): void {
		const { clock, log } = this.#parts;
		const { delay } = this.#backoff.failed(clock.now(), healthyFor);
		log.warn({ code: error.code, retryMs: delay }, `the stream is not pulled: ${error.message}`);
		this.#timer = clock.after(delay, () => void this.#attempt());
	}
}

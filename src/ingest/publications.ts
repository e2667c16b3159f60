/**
 * Who publishes what, whatever the protocol. Each publisher asks here before its first byte of media is taken, and its
 * publication lasts until it leaves, is dismissed, or loses its right.
 * Invariants: a stream has at most one publication at a time; nothing reaches a sink before the gate has granted it and
 * after the publication's end; a right that ends is asked for again (`wire/right-watch.ts`).
 * Not here: protocols, and what becomes of the access units.
 */
import type { Clock } from "../base/clock.ts";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { EpochMs } from "../base/units.ts";
import type { StreamSink } from "../media/stream-reader.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import { askGate, RightWatch } from "../wire/right-watch.ts";
import { PublicationFigures } from "./publication-figures.ts";

export interface PublicationInfo {
	/** For the API; no secret. */
	readonly id: number;
	readonly app: Name;
	readonly stream: Name;
	readonly protocol: AccessRequest["protocol"];
	readonly address: string;
	readonly principal: string;
	readonly since: EpochMs;
}

/** Gets what a publisher brings. */
export interface PublicationSink extends StreamSink {
	/** Nothing more comes. @param because undefined where the publisher left by itself */
	end(because: PenstockError | undefined): void;
}

/** The publisher's side, as its protocol has it. */
export interface Publisher {
	/** False when its connection has gone. */
	readonly isOpen: boolean;
	/** Its publication has been ended; it tells the peer why, and lets it go. */
	dismiss(error: PenstockError): void;
}

export type Admission =
	| { readonly kind: "admitted"; readonly publication: Publication }
	| { readonly kind: "refused"; readonly error: PenstockError };

export interface PublicationsOptions {
	readonly gate: AccessGate;
	readonly clock: Clock;
	/** What becomes of a second publisher of a stream. */
	readonly second: "refuse" | "take-over";
	/**
	 * Where the stream goes; an error where nobody wants it.
	 * @param request by which the gate knows the session
	 */
	readonly open: (info: PublicationInfo, request: AccessRequest) => PublicationSink | PenstockError;
	/** The gate has let somebody in who does not publish after all; its `open` was not called, or said no. */
	readonly turnedAway?: (request: AccessRequest) => void;
}

export interface RefusalCount {
	readonly protocol: AccessRequest["protocol"];
	readonly code: ErrorCode;
	readonly count: number;
}

export class Publications {
	readonly #options: PublicationsOptions;
	readonly #byStream = new Map<string, Publication>();
	readonly #refusals = new Map<string, RefusalCount>();
	#lastId = 0;

	constructor(options: PublicationsOptions) {
		this.#options = options;
	}

	/** Those that are going on. */
	list(): PublicationInfo[] {
		return this.all().map(({ info }) => info);
	}

	/** The same, with what is counted of them. */
	all(): readonly Publication[] {
		return [...this.#byStream.values()];
	}

	/** Who was not let in, since the start. */
	refusals(): readonly RefusalCount[] {
		return [...this.#refusals.values()];
	}

	/** Asks for leave to publish. Never throws, never rejects. */
	async ask(request: AccessRequest, publisher: Publisher): Promise<Admission> {
		const { gate, clock } = this.#options;
		const answer = await askGate(gate, request);
		if (answer.kind === "refused") return this.#refused(request, answer.error);
		const admission = this.admit(request, answer.principal, publisher);
		if (admission.kind === "refused") return admission;
		const { publication } = admission;
		const right = { request, until: answer.until };
		publication.hold(new RightWatch({ gate, clock, right, onLost: (error) => publication.dismiss(error) }));
		return admission;
	}

	/** For a protocol that has asked the gate itself, and asks it again. Never throws. */
	admit(request: AccessRequest, principal: string, publisher: Publisher): Admission {
		const refused = (error: PenstockError): Admission => {
			this.#options.turnedAway?.(request);
			return this.#refused(request, error);
		};
		// Gone while the gate thought: it must not push anybody out.
		if (!publisher.isOpen) return refused(new PenstockError("PUBLISHER_SILENT", "the publisher has gone."));
		const key = keyOf(request);
		const former = this.#byStream.get(key);
		if (former !== undefined) {
			if (this.#options.second === "refuse") return refused(taken(request, former));
			former.dismiss(new PenstockError("PUBLISHER_REPLACED", `${named(request)} is published from elsewhere now.`));
		}
		const info = this.#infoOf(request, principal);
		const sink = this.#open(info, request);
		if (sink instanceof PenstockError) return refused(sink);
		const figures = new PublicationFigures(this.#options.clock);
		const publication = new Publication({ info, sink, publisher, figures, forget: () => this.#byStream.delete(key) });
		this.#byStream.set(key, publication);
		return { kind: "admitted", publication };
	}

	/** Kicks a publisher. @returns whether there was one */
	dismiss(id: number, error: PenstockError): boolean {
		const publication = [...this.#byStream.values()].find(({ info }) => info.id === id);
		publication?.dismiss(error);
		return publication !== undefined;
	}

	dismissAll(error: PenstockError): void {
		for (const publication of [...this.#byStream.values()]) publication.dismiss(error);
	}

	#refused({ protocol }: AccessRequest, error: PenstockError): Admission {
		const { code } = error;
		const key = `${protocol} ${code}`;
		const count = (this.#refusals.get(key)?.count ?? 0) + 1;
		this.#refusals.set(key, { protocol, code, count });
		return { kind: "refused", error };
	}

	#infoOf({ app, stream, protocol, address }: AccessRequest, principal: string): PublicationInfo {
		const id = ++this.#lastId;
		return { id, app, stream, protocol, address, principal, since: this.#options.clock.wall() };
	}

	#open(info: PublicationInfo, request: AccessRequest): PublicationSink | PenstockError {
		try {
			return this.#options.open(info, request);
		} catch (thrown) {
			if (thrown instanceof PenstockError) return thrown;
			return internal("the stream could not be opened", thrown);
		}
	}
}

interface PublicationParts {
	readonly info: PublicationInfo;
	readonly figures: PublicationFigures;
	readonly sink: PublicationSink;
	readonly publisher: Publisher;
	/** It is over. */
	readonly forget: () => void;
}

/** One publisher's stream, from leave to end. */
export class Publication {
	readonly info: PublicationInfo;
	readonly figures: PublicationFigures;
	readonly #sink: PublicationSink;
	readonly #publisher: Publisher;
	readonly #forget: () => void;
	#right: RightWatch | undefined;
	#over = false;

	/** Use `Publications.ask`. */
	constructor({ info, figures, sink, publisher, forget }: PublicationParts) {
		this.info = info;
		this.figures = figures;
		this.#sink = sink;
		this.#publisher = publisher;
		this.#forget = forget;
	}

	/** Where access units go; what comes after the end goes nowhere. */
	get sink(): StreamSink {
		const sink = this.#sink;
		const { figures } = this;
		return {
			accessUnit: (accessUnit) => {
				if (this.#over) return;
				figures.add(accessUnit);
				sink.accessUnit(accessUnit);
			},
			decodeInformation: (decode) => {
				if (this.#over) return;
				figures.decode = decode;
				sink.decodeInformation?.(decode);
			},
			unitStart: (unit) => {
				if (!this.#over) sink.unitStart?.(unit);
			},
			fault: (error) => {
				if (this.#over) return;
				figures.faults++;
				sink.fault?.(error);
			},
		};
	}

	/** The publisher leaves, or has been lost. Idempotent. */
	end(because?: PenstockError): void {
		if (this.#over) return;
		this.#over = true;
		this.#right?.end();
		this.#forget();
		this.#sink.end(because);
	}

	/** We end it, and tell the publisher. Idempotent. */
	dismiss(error: PenstockError): void {
		if (this.#over) return;
		this.end(error);
		this.#publisher.dismiss(error);
	}

	/** For `Publications`: by what right it goes on. */
	hold(right: RightWatch): void {
		if (this.#over) right.end();
		else this.#right = right;
	}
}

const internal = (what: string, thrown: unknown): PenstockError =>
	new PenstockError("INTERNAL", `${what}: ${messageOf(thrown)}.`, { cause: thrown });

const keyOf = ({ app, stream }: AccessRequest): string => `${app}/${stream}`;

const named = (request: AccessRequest): string => `the stream "${keyOf(request)}"`;

const taken = (request: AccessRequest, { info }: Publication): PenstockError =>
	new PenstockError(
		"PUBLISHER_EXISTS",
		`${named(request)} is being published over ${info.protocol.toUpperCase()} since ${new Date(info.since).toISOString()}; end that first.`,
	);

/**
 * The server and the connection of a client that pulls push streams: one GET after the other, each on a connection of
 * its own, and a second stream for a test on the same connection. The server does as it is told: it writes the frames
 * of the rendition that was asked for, from a unit's start, as soon as they are there and the connection takes them.
 */
import type { World } from "./model.ts";
import { Connection } from "./tcp.ts";

/** A frame that the server has written. */
export interface PushOrder {
	readonly isTest: boolean;
	readonly rung: number;
	/** Media time, in milliseconds. */
	readonly from: number;
	readonly to: number;
	readonly bytes: number;
}

interface Stream {
	readonly rung: number;
	frame: number;
}

export type FrameListener = (at: number, frame: PushOrder) => void;

export class ClientLink {
	readonly #world: World;
	readonly #onFrame: FrameListener;
	#connection: Connection;
	#now: number;
	readonly #main: { rung: number; frame: number };
	#test: Stream | undefined;
	#testWasLast = false;
	/** Events at the server that the client has caused and that have not reached it. */
	readonly #due: { readonly at: number; readonly act: () => void }[] = [];
	/** The next GET: the old response ends before `frame`. */
	#next: { readonly at: number; readonly rung: number; readonly frame: number } | undefined;
	readonly #written: { readonly end: number; readonly order: PushOrder }[] = [];
	#lastArrivalAt = 0;

	constructor(world: World, onFrame: FrameListener) {
		this.#world = world;
		this.#onFrame = onFrame;
		this.#now = world.joinAt;
		this.#main = { rung: 0, frame: 0 };
		this.#connection = this.#connect(world.joinAt);
	}

	/** Another rendition from the client's point of view: a new connection and a new request. @returns when it is there */
	get(rung: number, now: number): number {
		const arrivesAt = now + 1.5 * this.#world.link.roundTrip(now);
		this.#later(arrivesAt, () => {
			const { framesPerUnit } = this.#world.media;
			const frame = Math.ceil(this.#main.frame / framesPerUnit) * framesPerUnit;
			this.#next = { at: arrivesAt, rung, frame };
		});
		return arrivesAt + this.#world.setting.unitMs;
	}

	/** The rendition's newest unit from its start, and on. */
	startTest(rung: number, now: number): void {
		this.#later(now + this.#oneWay(now), () => {
			const { media } = this.#world;
			const newest = Math.floor((media.framesBy(this.#now) - 1) / media.framesPerUnit);
			this.#test = { rung, frame: newest * media.framesPerUnit };
		});
	}

	endTest(now: number): void {
		this.#later(now + this.#oneWay(now), () => {
			this.#test = undefined;
		});
	}

	/** All that happens at the server and on the way up to `at`. */
	runUntil(at: number): void {
		for (;;) {
			this.#pump();
			const [connectionAt, frameAt] = [this.#connection.nextAt, this.#nextFrameAt()];
			const dueAt = Math.min(this.#due[0]?.at ?? Number.POSITIVE_INFINITY, this.#reconnectAt());
			const next = Math.min(connectionAt, frameAt, dueAt);
			if (next > at) break;
			this.#now = Math.max(this.#now, next);
			if (dueAt <= next) this.#act();
			else if (connectionAt <= next) this.#connection.step();
		}
		this.#now = at;
	}

	#oneWay(now: number): number {
		return this.#world.link.roundTrip(now) / 2;
	}

	#later(at: number, act: () => void): void {
		this.#due.push({ at, act });
		this.#due.sort((a, b) => a.at - b.at);
	}

	#act(): void {
		if ((this.#due[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#now) {
			this.#due.shift()!.act();
			return;
		}
		this.#main.rung = this.#next!.rung;
		this.#next = undefined;
		this.#test = undefined;
		this.#connection = this.#connect(this.#now);
	}

	#connect(at: number): Connection {
		this.#written.length = 0;
		return new Connection(this.#world.link, this.#world.conditions, at, (arrivedAt, bytes) => {
			this.#lastArrivalAt = Math.max(this.#lastArrivalAt, arrivedAt);
			while (this.#written.length > 0 && this.#written[0]!.end <= bytes) {
				this.#onFrame(this.#lastArrivalAt, this.#written.shift()!.order);
			}
		});
	}

	/** When the old response is written to its unit's end and has left the network. */
	#reconnectAt(): number {
		const next = this.#next;
		if (next === undefined || this.#main.frame < next.frame || this.#written.length > 0)
			return Number.POSITIVE_INFINITY;
		return Math.max(next.at, this.#lastArrivalAt - this.#oneWay(this.#lastArrivalAt), this.#now);
	}

	#nextFrameAt(): number {
		const stream = this.#nextStream();
		return stream === undefined
			? Number.POSITIVE_INFINITY
			: Math.max(this.#world.media.frameAt(stream.frame), this.#now);
	}

	/** Whose frame is written next, if the connection takes one: the earlier, and in turns where both are there. */
	#nextStream(): Stream | undefined {
		const { media, conditions } = this.#world;
		if (this.#connection.unsentBytes >= conditions.notSentLowBytes) return undefined;
		const end = Math.min(this.#next?.frame ?? media.frameCount, media.frameCount);
		const main = this.#main.frame < end ? this.#main : undefined;
		const test = this.#test !== undefined && this.#test.frame < media.frameCount ? this.#test : undefined;
		if (main === undefined || test === undefined) return main ?? test;
		const there = media.framesBy(this.#now);
		if (main.frame < there && test.frame < there) return this.#testWasLast ? main : test;
		return main.frame <= test.frame ? main : test;
	}

	#pump(): void {
		const { media } = this.#world;
		for (let stream = this.#nextStream(); stream !== undefined; stream = this.#nextStream()) {
			if (stream === this.#main) this.#skipIfBehind();
			const { frame, rung } = stream;
			if (frame >= media.framesBy(this.#now)) return;
			const bytes = media.bytes(rung, frame, frame + 1);
			this.#testWasLast = stream === this.#test;
			const order = {
				isTest: this.#testWasLast,
				rung,
				from: media.frameAt(frame),
				to: media.frameAt(frame + 1),
				bytes,
			};
			this.#written.push({ end: this.#connection.writtenBytes + bytes, order });
			this.#connection.write(this.#now, bytes);
			stream.frame++;
		}
	}

	/** The server's rule for a cursor that has fallen behind; the rendition is the client's to choose. */
	#skipIfBehind(): void {
		const { media, conditions } = this.#world;
		const unit = Math.floor(this.#main.frame / media.framesPerUnit);
		if (this.#now - (unit + 1) * media.unitMs <= conditions.maxLagMs || this.#next !== undefined) return;
		this.#main.frame = Math.floor((media.framesBy(this.#now) - 1) / media.framesPerUnit) * media.framesPerUnit;
	}
}

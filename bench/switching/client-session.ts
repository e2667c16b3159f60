/**
 * A viewer that decides for itself and fetches whole segments, one after the other, over one connection; a segment is a
 * unit. The rules of such clients (`client-hls.ts`, `client-bba.ts`, `client-mpc.ts`) are sketches of published ideas,
 * put into the same world as the server's policies. They say what an idea can do here, and nothing about a product.
 *
 * In the client's favour: it knows without a playlist which segments there are, its request may wait at the server
 * until the segment is whole, and it plays pictures while their segment is still coming. What cannot be spared is that
 * a segment is sent only when it is whole, the request's way to the server, and the delay that this makes.
 */
import type { Contender, RunResult, World } from "./model.ts";
import { Player } from "./player.ts";
import { Connection } from "./tcp.ts";

/**
 * Media comes in lumps of a segment, so that a player's buffer goes up and down by one. With half a segment more than a
 * push viewer's it has the same in the mean.
 */
const EXTRA_SEGMENTS = 0.5;

/** What a client knows when it must choose a segment. */
export interface ClientView {
	readonly now: number;
	/** Media that is there and not played. */
	readonly bufferMs: number;
	/** From the lowest to the best. */
	readonly bitratesBps: readonly number[];
	readonly unitMs: number;
	/** Of the segment before. */
	readonly rung: number;
	/** What a push viewer's player wants to have. */
	readonly targetBufferMs: number;
	/** When the segment is whole at the server; may have passed. */
	readonly wholeAt: number;
}

/** A segment that has been fetched. */
export interface Download {
	readonly bytes: number;
	/** From the request to the last byte, without what the request waited for the encoder. */
	readonly wholeMs: number;
	/** From the first byte to the last. */
	readonly transferMs: number;
}

export interface SegmentRule {
	/** @returns a rung */
	choose(view: ClientView): number;
	downloaded(download: Download): void;
}

/** @param rule one for each run: a rule remembers */
export function segmentContender(name: string, rule: () => SegmentRule): Contender {
	return { name, run: (world) => new SegmentRun(world, rule()).run(name) };
}

class SegmentRun {
	readonly #world: World;
	readonly #rule: SegmentRule;
	readonly #player: Player;
	readonly #connection: Connection;
	#now: number;
	#unit: number;
	#rung = 0;
	/** The frame that is arriving, and where in the stream it ends. */
	#frame = 0;
	#frameEnd = 0;
	#firstByteAt: number | undefined;
	#lastByteAt = 0;

	constructor(world: World, rule: SegmentRule) {
		this.#world = world;
		this.#rule = rule;
		const bufferMs = world.setting.bufferMs + EXTRA_SEGMENTS * world.media.unitMs;
		this.#player = new Player({ ...world, setting: { ...world.setting, bufferMs } });
		this.#now = world.joinAt;
		this.#unit = Math.max(0, this.#newestWhole());
		const listener = (at: number, bytes: number): void => this.#receive(at, bytes);
		this.#connection = new Connection(world.link, world.conditions, world.joinAt, listener);
	}

	run(contender: string): RunResult {
		const { endAt, joinAt, media } = this.#world;
		// The first request is there at the join; the client asked so much earlier.
		let requestedAt = joinAt - this.#world.link.roundTrip(joinAt) / 2;
		while (this.#now < endAt && this.#unit < media.unitCount) {
			this.#rung = this.#rule.choose(this.#view());
			this.#fetch(requestedAt);
			this.#now = this.#lastByteAt;
			this.#player.advance(this.#now);
			requestedAt = this.#now;
			this.#unit++;
			this.#skipIfBehind();
		}
		return { ...this.#player.result(contender), bufferMs: this.#world.setting.bufferMs };
	}

	/** Ends with the segment, or with the run. */
	#fetch(requestedAt: number): void {
		const { link, media, endAt } = this.#world;
		const bytes = media.unitBytes(this.#rung, this.#unit);
		const oneWay = link.roundTrip(Math.max(0, requestedAt)) / 2;
		const sentAt = Math.max(requestedAt + oneWay, this.#wholeAt);
		this.#connection.runUntil(sentAt);
		this.#frame = this.#unit * media.framesPerUnit;
		this.#frameEnd = this.#connection.writtenBytes + media.bytes(this.#rung, this.#frame, this.#frame + 1);
		this.#firstByteAt = undefined;
		this.#connection.write(sentAt, bytes);
		const lastFrame = (this.#unit + 1) * media.framesPerUnit;
		while (this.#frame < lastFrame && this.#connection.nextAt < endAt) this.#connection.step();
		if (this.#frame < lastFrame) {
			this.#lastByteAt = endAt;
			return;
		}
		const wholeMs = this.#lastByteAt - Math.max(requestedAt, sentAt - oneWay);
		this.#rule.downloaded({ bytes, wholeMs, transferMs: this.#lastByteAt - this.#firstByteAt! });
	}

	/** `bytes` of the stream are there: frames of the segment that it completes go to the player. */
	#receive(at: number, bytes: number): void {
		const { media } = this.#world;
		const lastFrame = (this.#unit + 1) * media.framesPerUnit;
		this.#firstByteAt ??= at;
		this.#lastByteAt = at;
		while (this.#frame < lastFrame && this.#frameEnd <= bytes) {
			const size = media.bytes(this.#rung, this.#frame, this.#frame + 1);
			this.#player.receive(at, media.frameAt(this.#frame), media.frameAt(this.#frame + 1), this.#rung, size);
			this.#frame++;
			if (this.#frame < lastFrame) this.#frameEnd += media.bytes(this.#rung, this.#frame, this.#frame + 1);
		}
	}

	#view(): ClientView {
		const { setting, media } = this.#world;
		return {
			now: this.#now,
			bufferMs: this.#player.bufferedMs,
			bitratesBps: setting.ladder.rungs.map(({ bitrateBps }) => bitrateBps),
			unitMs: media.unitMs,
			rung: this.#rung,
			targetBufferMs: setting.bufferMs,
			wholeAt: this.#wholeAt,
		};
	}

	get #wholeAt(): number {
		return (this.#unit + 1) * this.#world.media.unitMs;
	}

	#newestWhole(): number {
		return Math.floor(this.#now / this.#world.media.unitMs) - 1;
	}

	/** The rule that holds for the server's cursor, too. */
	#skipIfBehind(): void {
		if (this.#now - this.#wholeAt > this.#world.conditions.maxLagMs) this.#unit = this.#newestWhole();
	}
}

/**
 * A server-driven viewer: a cursor over the channel's units as in `src/delivery/viewer.ts`, one response over one
 * connection, and the real `SwitchControl` with a real policy, fed from the model of the connection.
 */
import { type Name, parseName } from "../../src/base/name.ts";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds } from "../../src/base/units.ts";
import type { LinkReading } from "../../src/switching/link-reading.ts";
import type { Decision, Policy, RenditionFacts, StreamPosition, ViewerFigures } from "../../src/switching/state.ts";
import { SwitchControl } from "../../src/switching/switch-control.ts";
import { SEGMENT_BYTES } from "./congestion.ts";
import type { Ladder, World } from "./model.ts";
import { Player } from "./player.ts";
import { Connection } from "./tcp.ts";

export interface PushOptions {
	readonly policy: Policy;
	/** Without looks at the connection: for policies that know what they want. */
	readonly blind?: boolean;
	/** The viewer's bandwidth is given to the policy as if it had been reported. */
	readonly figures?: boolean;
}

/** Two looks are never closer than this: what a timer of the event loop can do. */
const LEAST_LOOK_MS = 1;
const IDLE_SERVER = { cpuIdle: 0.95, memoryUsed: 0.2, eventLoopDelayMs: milliseconds(1) };

export class PushRun {
	readonly player: Player;
	readonly connection: Connection;
	readonly control: SwitchControl;
	readonly #world: World;
	readonly #options: PushOptions;
	/** From the best to the lowest, as policies want them. */
	readonly #facts: readonly RenditionFacts[];
	/** By rung, from the lowest. */
	readonly #names: readonly Name[];
	#now: number;
	#unit = 0;
	/** The next to be written, in the whole channel. */
	#frame = 0;
	#rung = 0;
	#lastLookAt = Number.NEGATIVE_INFINITY;
	#lookAt: number;
	/** Written frames that have not arrived whole: a ring of where each ends in the stream, and its rung. */
	readonly #ends: Float64Array;
	readonly #rungs: Uint8Array;
	readonly #frames: Int32Array;
	#arrived = 0;
	#written = 0;

	constructor(world: World, options: PushOptions) {
		this.#world = world;
		this.#options = options;
		this.#now = world.joinAt;
		this.#lookAt = options.blind ? Number.POSITIVE_INFINITY : world.joinAt;
		this.player = new Player(world);
		this.control = new SwitchControl(options.policy);
		this.connection = new Connection(world.link, world.conditions, world.joinAt, (at, bytes) =>
			this.#receive(at, bytes),
		);
		this.#facts = renditionFacts(world.setting.ladder);
		this.#names = this.#facts.map((rendition) => rendition.name).toReversed();
		this.#ends = new Float64Array(world.media.frameCount);
		this.#rungs = new Uint8Array(world.media.frameCount);
		this.#frames = new Int32Array(world.media.frameCount);
	}

	/** Runs to the end. */
	run(): this {
		const { endAt } = this.#world;
		this.#pump();
		for (;;) {
			const frameAt = this.#nextFrameAt();
			const next = Math.min(frameAt, this.#lookAt);
			const connectionAt = this.connection.nextAt;
			this.#now = Math.min(next, connectionAt);
			if (this.#now > endAt) break;
			if (connectionAt <= next) this.connection.step();
			else if (this.#lookAt <= frameAt) this.#lookWithinUnit();
			this.#pump();
		}
		this.player.advance(endAt);
		return this;
	}

	get #mayWrite(): boolean {
		return !this.#isHeld && (this.#options.blind === true || this.control.maySend);
	}

	/** When there is a frame to write, if the connection takes one. */
	#nextFrameAt(): number {
		const { media } = this.#world;
		if (!this.#mayWrite || this.#frame >= media.frameCount) return Number.POSITIVE_INFINITY;
		return Math.max(media.frameAt(this.#frame), this.#now);
	}

	/** Writes what there is, until the connection takes no more. */
	#pump(): void {
		const { media, conditions } = this.#world;
		while (this.#mayWrite) {
			const there = media.framesBy(this.#now);
			if (this.#frame >= there) return;
			let bytes = 0;
			do {
				this.#skipIfBehind();
				if (this.#frame === (this.#unit + 1) * media.framesPerUnit) this.#endUnit();
				bytes += this.#takeFrame(bytes);
			} while (bytes < conditions.writeBytes && this.#frame < there);
			this.connection.write(this.#now, bytes);
			const mediaTime = milliseconds(media.frameAt(this.#frame - 1));
			this.control.sent(milliseconds(this.#now), bytes, mediaTime);
			this.#lookBehind();
		}
	}

	#lookBehind(): void {
		if (this.#options.blind) return;
		if (this.control.wantsLook(milliseconds(this.#now), "write")) this.#lookWithinUnit();
		else if (this.#isHeld) this.control.held();
		this.#planLook();
	}

	/** The connection takes nothing more just now. */
	get #isHeld(): boolean {
		return this.connection.unsentBytes >= this.#world.conditions.notSentLowBytes;
	}

	/** @param before bytes of the same write */
	#takeFrame(before: number): number {
		const bytes = this.#world.media.bytes(this.#rung, this.#frame, this.#frame + 1);
		this.#ends[this.#written] = this.connection.writtenBytes + before + bytes;
		this.#rungs[this.#written] = this.#rung;
		this.#frames[this.#written] = this.#frame;
		this.#written++;
		this.#frame++;
		return bytes;
	}

	#receive(at: number, bytes: number): void {
		const { media } = this.#world;
		while (this.#arrived < this.#written && this.#ends[this.#arrived]! <= bytes) {
			const frame = this.#frames[this.#arrived]!;
			const rung = this.#rungs[this.#arrived]!;
			const size = media.bytes(rung, frame, frame + 1);
			this.player.receive(at, media.frameAt(frame), media.frameAt(frame + 1), rung, size);
			this.#arrived++;
		}
	}

	/** How long ago the unit at the cursor was whole. */
	get #lag(): number {
		return Math.max(0, this.#now - (this.#unit + 1) * this.#world.media.unitMs);
	}

	#skipIfBehind(): void {
		const { media, conditions } = this.#world;
		if (this.#lag <= conditions.maxLagMs) return;
		const newest = Math.floor((media.framesBy(this.#now) - 1) / media.framesPerUnit);
		if (newest <= this.#unit) return;
		this.control.skipped(milliseconds(media.frameAt(newest * media.framesPerUnit) - media.frameAt(this.#frame)));
		this.#unit = newest;
		this.#frame = newest * media.framesPerUnit;
		this.#rung = 0;
	}

	#endUnit(): void {
		if (!this.#options.blind && this.control.wantsLook(milliseconds(this.#now), "unit-end")) this.#look();
		this.#unit++;
		const decision = this.#decide("unit-end");
		if (decision.kind === "hold") return;
		const from = this.#names[this.#rung]!;
		this.#rung = this.#names.indexOf(decision.to);
		this.control.switched({ at: milliseconds(this.#now), from, to: decision.to, cause: decision.because.cause });
	}

	#decide(moment: StreamPosition["moment"]): Decision {
		return this.control.decide({
			now: milliseconds(this.#now),
			renditions: this.#facts,
			current: this.#names[this.#rung]!,
			wish: "auto",
			viewer: this.#figures(),
			server: IDLE_SERVER,
			position: this.#position(moment),
		});
	}

	#position(moment: StreamPosition["moment"]): StreamPosition {
		const { media } = this.#world;
		const unit = milliseconds(media.unitMs);
		if (moment === "unit-end") {
			// The cursor is at the next unit's start already: the unit that ended is the one before.
			const lag = milliseconds(Math.max(0, this.#now - this.#unit * media.unitMs));
			return { moment, unit, remaining: milliseconds(0), waitingBytes: 0, lag };
		}
		const endFrame = (this.#unit + 1) * media.framesPerUnit;
		const there = Math.max(Math.min(media.framesBy(this.#now), endFrame), this.#frame);
		return {
			moment,
			unit,
			remaining: milliseconds(Math.max(0, (this.#unit + 1) * media.unitMs - this.#now)),
			waitingBytes: media.bytes(this.#rung, this.#frame, there),
			lag: milliseconds(this.#lag),
		};
	}

	#figures(): ViewerFigures {
		const network = this.#options.figures ? this.control.link.state(milliseconds(this.#now)) : undefined;
		if (network?.capacity === undefined) return {};
		const at = milliseconds(this.#now);
		return {
			bandwidth: { value: network.capacity, at: network.capacityAt, source: "emulated" },
			cpuIdle: { value: IDLE_SERVER.cpuIdle, at, source: "emulated" },
			memoryUsed: { value: IDLE_SERVER.memoryUsed, at, source: "emulated" },
		};
	}

	#lookWithinUnit(): void {
		if (this.#look() && this.control.wantsDecision) this.#decide("within-unit");
	}

	/** @returns whether there is news */
	#look(): boolean {
		const source = { acknowledged: () => this.connection.ackedBytes, look: () => this.#reading() };
		const hasNews = this.control.watch(source, milliseconds(this.#now));
		if (this.#isHeld) this.control.held();
		this.#lastLookAt = this.#now;
		this.#planLook();
		return hasNews;
	}

	#planLook(): void {
		if (this.#options.blind) return;
		const { lookEveryMs } = this.#world.conditions;
		const due = Math.max(this.control.nextLookAt, this.#lastLookAt + LEAST_LOOK_MS);
		this.#lookAt = Math.max(lookEveryMs > 0 ? Math.ceil(due / lookEveryMs) * lookEveryMs : due, this.#now);
	}

	#reading(): LinkReading {
		const { connection } = this;
		return {
			at: milliseconds(this.#now),
			ackedBytes: connection.ackedBytes,
			deliveredBytes: connection.deliveredBytes,
			lastAckAt: this.#asStamped(connection.lastAckAt),
			roundTrip: milliseconds(connection.roundTrip),
			minRoundTrip: milliseconds(connection.minRoundTrip),
			receiverLimited: milliseconds(0),
			segmentBytes: SEGMENT_BYTES,
			pacingRate: Number.isFinite(connection.pacing) ? connection.pacing * 8000 : 0,
		};
	}

	/** The kernel tells how long ago an acknowledgement came by its own slow tick, and never what is still to come. */
	#asStamped(at: number): Milliseconds {
		const { ackTickMs } = this.#world.conditions;
		return milliseconds(ackTickMs > 0 ? Math.min(Math.ceil(at / ackTickMs) * ackTickMs, this.#now) : at);
	}
}

function renditionFacts(ladder: Ladder): RenditionFacts[] {
	return ladder.rungs.toReversed().map((rung) => {
		const bitrate: BitsPerSecond = bitsPerSecond(rung.bitrateBps);
		return { name: parseName(rung.name, "rung"), bitrate, streamBitrate: bitrate, available: true };
	});
}

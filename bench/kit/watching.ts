/**
 * Viewers without a network: everything of delivery but the socket. And a packaging that says what packaging cost,
 * apart from what sending costs.
 */
import { milliseconds } from "../../dist/base/units.js";
import type { Channel } from "../../dist/channel/channel.js";
import type { LaneSet } from "../../dist/delivery/lane-set.js";
import type { Transport } from "../../dist/delivery/transport.js";
import { Viewer } from "../../dist/delivery/viewer.js";
import type { Packaging, UnitWriter } from "../../dist/media/packaging.js";
import { nodeClock } from "../../dist/server/node-time.js";
import { fixedPolicy } from "../../dist/switching/fixed.js";
import type { Decision } from "../../dist/switching/state.js";
import { SwitchControl } from "../../dist/switching/switch-control.js";

/** Takes everything at once, as a fast network does. */
class Drain implements Transport {
	readonly idle = true;
	progress = 0;

	look(): undefined {
		return undefined;
	}

	send(bytes: Buffer): void {
		this.progress += bytes.length;
	}

	sendAll(buffers: readonly Buffer[]): void {
		for (const { length } of buffers) this.progress += length;
	}

	end(): void {}

	destroy(): void {}
}

/** What so many viewers do to the caches, done by one: it goes through as much memory for each write. */
class ColdDrain extends Drain {
	readonly #memory = new Uint8Array(COLD_BYTES);

	override send(bytes: Buffer): void {
		super.send(bytes);
		this.#walk();
	}

	override sendAll(buffers: readonly Buffer[]): void {
		super.sendAll(buffers);
		this.#walk();
	}

	#walk(): void {
		for (let at = 0; at < COLD_BYTES; at += CACHE_LINE_BYTES) this.#memory[at]!++;
	}
}

const CACHE_LINE_BYTES = 64;
/** As much as caches of the second level hold, or more. */
const COLD_BYTES = 2 ** 20;

/** The packaging, with a clock at the writer's door. */
export class MeasuredPackaging implements Packaging {
	/** Spent in writers. */
	tookMs = 0;
	readonly #packaging: Packaging;

	constructor(packaging: Packaging) {
		this.#packaging = packaging;
	}

	get extension(): string {
		return this.#packaging.extension;
	}

	get contentType(): string {
		return this.#packaging.contentType;
	}

	get numbering(): NonNullable<Packaging["numbering"]> {
		return this.#packaging.numbering!;
	}

	refusal: Packaging["refusal"] = (decode) => this.#packaging.refusal(decode);
	responseStart: Packaging["responseStart"] = (head, allocate) => this.#packaging.responseStart(head, allocate);
	hole: Packaging["hole"] = (head, allocate) => this.#packaging.hole(head, allocate);

	openUnit: Packaging["openUnit"] = (head) => {
		const writer = this.#timed(() => this.#packaging.openUnit(head));
		return {
			write: (accessUnit, allocate) => this.#timed(() => writer.write(accessUnit, allocate)),
			close: (allocate) => this.#timed(() => writer.close(allocate)),
		} satisfies UnitWriter;
	};

	#timed<Result>(act: () => Result): Result {
		const start = performance.now();
		const result = act();
		this.tookMs += performance.now() - start;
		return result;
	}
}

const because = { cause: "policy", text: "bench" } as const;
const HOLD: Decision = { kind: "hold", because };

/** Viewers of a channel that start in the lowest rendition. */
export class Audience {
	readonly #channel: Channel;
	/** Who goes where at the next unit's end. */
	readonly #wanted = new Map<Viewer, Decision>();
	readonly #viewers: Viewer[] = [];

	/** @param cold caches are, at each access unit */
	constructor(lanes: LaneSet, packaging: Packaging, count: number, cold: boolean) {
		this.#channel = lanes.channel;
		for (let i = 0; i < count; i++) {
			const viewer = new Viewer({
				...{ id: `v${i}`, lanes, packaging, chunked: true, wish: "auto", clock: nodeClock() },
				...{ maxLag: milliseconds(60_000), switchPatience: milliseconds(500) },
				control: new SwitchControl(fixedPolicy({ rendition: this.#channel.renditions[0]!.name })),
				decide: (asking) => this.#wanted.get(asking) ?? HOLD,
				onSwitch: () => {},
				onDrop: () => {},
			});
			viewer.start(cold ? new ColdDrain() : new Drain());
			this.#viewers.push(viewer);
		}
	}

	/** Sends every viewer to the rendition of this index at the end of the unit that it is being sent. */
	switchTo(rendition: number): void {
		const to = this.#channel.renditions[rendition]!.name;
		for (const viewer of this.#viewers) this.#wanted.set(viewer, { kind: "switch", to, because });
	}
}

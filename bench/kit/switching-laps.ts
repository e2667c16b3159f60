/**
 * What the server's own part of switching costs, without system calls: as many viewers as there are to be, one after
 * another, so that each finds its memory out of the caches. Each lives through the same unit over and over, and each
 * unit's train tells something else, so that no decision finds the state of the one before.
 */
import { parseName } from "../../dist/base/name.js";
import { bitsPerSecond, milliseconds } from "../../dist/base/units.js";
import { adaptivePolicy } from "../../dist/switching/adaptive.js";
import type { LinkReading } from "../../dist/switching/link-reading.js";
import { SwitchControl } from "../../dist/switching/switch-control.js";
import { median } from "./report.ts";
import { cpuUsEach } from "./thread-cpu.ts";

const KEY_BYTES = 60_000;
const PICTURE_BYTES = 9000;
const PICTURES = 4;
const ROUND_TRIP = milliseconds(20);
const ZERO = milliseconds(0);
const UNIT = milliseconds(1000);
/** Until the functions are compiled for good. */
const WARM_UNITS = 20;
const UNITS_PER_ROUND = 4;

const RENDITIONS = [2.77e6, 1.48e6, 0.75e6].map((rate, index) => {
	const bitrate = bitsPerSecond(rate);
	return { name: parseName(["high", "mid", "low"][index]!, "bench"), bitrate, streamBitrate: bitrate, available: true };
});
const SERVER = { cpuIdle: 0.9, memoryUsed: 0.1, eventLoopDelayMs: milliseconds(1) };
const AT_UNIT_END = { moment: "unit-end", unit: UNIT, remaining: ZERO, waitingBytes: 0, lag: ZERO } as const;

interface Simulated {
	readonly control: SwitchControl;
	bytes: number;
}

const LAPS = ["sent", "sentAndGlance", "look", "decide"] as const;
type Lap = (typeof LAPS)[number];
type Laps = Record<Lap, number[]>;
const noLaps = (): Laps => ({ sent: [], sentAndGlance: [], look: [], decide: [] });

/** Microseconds of each call. */
export type CallCosts = Record<"sent" | "glance" | "look" | "decide", number>;

export class SwitchingLaps {
	readonly #viewers: readonly Simulated[];
	#now = 1000;
	#laps = noLaps();

	constructor(viewers: number) {
		const policy = adaptivePolicy();
		this.#viewers = Array.from({ length: viewers }, () => ({ control: new SwitchControl(policy), bytes: 0 }));
	}

	/** Medians. */
	run(rounds: number): CallCosts {
		for (let unit = 0; unit < WARM_UNITS; unit++) this.#playUnit();
		this.#laps = noLaps();
		for (let unit = 0; unit < rounds * UNITS_PER_ROUND; unit++) this.#playUnit();
		const { sent, sentAndGlance, look, decide } = this.#laps;
		const [noted, glanced] = [median(sent), median(sentAndGlance)];
		return { sent: noted, glance: glanced - noted, look: median(look), decide: median(decide) };
	}

	#lap(name: Lap, call: (viewer: Simulated) => unknown): void {
		this.#laps[name].push(cpuUsEach(this.#viewers, call));
	}

	#playUnit(): void {
		for (const viewer of this.#viewers) this.#send(viewer, KEY_BYTES);
		// By then more than half of the train has arrived, and a little later the rest.
		this.#now += ROUND_TRIP + 16 + 10 * Math.random();
		this.#lap("look", (viewer) => this.#look(viewer, KEY_BYTES * (0.3 + 0.15 * Math.random())));
		this.#now += 16;
		this.#lap("look", (viewer) => this.#look(viewer, 0));
		for (let picture = 0; picture < PICTURES; picture++) this.#playPicture(picture % 2 === 0);
		this.#lap("decide", ({ control }) => this.#decide(control));
	}

	#playPicture(hasGlance: boolean): void {
		this.#now += 210;
		if (hasGlance) this.#lap("sentAndGlance", (viewer) => this.#sendAndGlance(viewer));
		else this.#lap("sent", (viewer) => this.#send(viewer, PICTURE_BYTES));
	}

	/** All that was there before has arrived. */
	#sendAndGlance(viewer: Simulated): void {
		const acked = viewer.bytes;
		this.#send(viewer, PICTURE_BYTES);
		viewer.control.watch({ acknowledged: () => acked, look: () => undefined }, milliseconds(this.#now));
	}

	#send(viewer: Simulated, bytes: number): void {
		viewer.bytes += bytes;
		viewer.control.sent(milliseconds(this.#now), bytes, milliseconds(this.#now));
	}

	#look({ control, bytes }: Simulated, outstanding: number): void {
		const [at, acked] = [milliseconds(this.#now), bytes - Math.round(outstanding)];
		const reading: LinkReading = {
			...{ at, ackedBytes: acked, deliveredBytes: acked, lastAckAt: milliseconds(at - 3), receiverLimited: ZERO },
			...{ roundTrip: ROUND_TRIP, minRoundTrip: ROUND_TRIP, segmentBytes: 1448, pacingRate: 0 },
		};
		control.look(reading);
	}

	#decide(control: SwitchControl): unknown {
		const [current, now] = [RENDITIONS[0]!.name, milliseconds(this.#now)];
		const what = { now, renditions: RENDITIONS, current, wish: "auto", viewer: {}, server: SERVER } as const;
		return control.decide({ ...what, position: AT_UNIT_END });
	}
}

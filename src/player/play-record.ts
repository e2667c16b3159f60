/** All that a player remembers of its playing, over every renderer and connection that it had: its statistics. */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";
import type { ConnectionMessage } from "./connection-message.ts";
import type {
	PlayerState,
	PlayerStatistics,
	RendererKind,
	RenditionChange,
	ShownRendition,
	SignalReading,
} from "./player-model.ts";
import type { RendererFigures } from "./renderer.ts";
import { RunningSum } from "./running-sum.ts";

type ConnectionCounts = Extract<ConnectionMessage, { readonly kind: "counts" }>;

const COUNTED = ["framesReceived", "framesDecoded", "framesShown", "framesDropped", "audioUnderruns"] as const;

/** What there is between two renderers, and before the first. */
const NOTHING: RendererFigures = {
	...{ framesReceived: 0, framesDecoded: 0, framesShown: 0, framesDropped: 0, bufferMs: 0, latencyMs: undefined },
	...{ audioUnderruns: 0, audioVideoOffsetMs: undefined, playbackRate: 1, positionMs: undefined },
};

export class PlayRecord {
	readonly #clock: Clock;
	readonly #sums = Object.fromEntries(COUNTED.map((name) => [name, new RunningSum()])) as Record<
		(typeof COUNTED)[number],
		RunningSum
	>;
	readonly #faults = new RunningSum();
	#figures = NOTHING;
	#rates: Partial<Pick<ConnectionCounts, "bitrateBps" | "throughputBps">> = {};
	#rendition: ShownRendition | undefined;
	#glassToGlassMs: number | undefined;
	#stalls = 0;
	#stalledMs = 0;
	#stalledSince: Milliseconds | undefined;
	#switches = 0;
	#reconnects = 0;
	#connected = false;
	#askedAt: Milliseconds | undefined;
	#startUpMs: number | undefined;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** The user wants to see something. */
	asked(): void {
		this.#askedAt = this.#clock.now();
		this.#startUpMs = undefined;
	}

	/** A renderer begins, or none is left. */
	rendererChanged(): void {
		this.fed();
		for (const sum of [...Object.values(this.#sums), this.#faults]) sum.restart();
		this.#figures = { ...NOTHING, positionMs: this.#figures.positionMs };
		this.#rates = {};
		this.#connected = false;
	}

	connected(): void {
		if (this.#connected) this.#reconnects++;
		this.#connected = true;
	}

	counts({ faults, bitrateBps, throughputBps }: ConnectionCounts): void {
		this.#faults.set(faults);
		this.#rates = { bitrateBps, throughputBps };
	}

	/** The first picture. */
	started(): void {
		if (this.#askedAt !== undefined) this.#startUpMs ??= this.#clock.now() - this.#askedAt;
	}

	/** @returns whether something was shown since the last */
	figures(figures: RendererFigures): boolean {
		const before = this.#figures;
		for (const name of COUNTED) this.#sums[name].set(figures[name]);
		this.#figures = figures;
		if (figures.framesReceived > 0) return figures.framesShown > before.framesShown;
		return (figures.positionMs ?? 0) > (before.positionMs ?? Number.POSITIVE_INFINITY);
	}

	renditionChanged({ from, to }: RenditionChange): void {
		if (from !== undefined) this.#switches++;
		this.#rendition = to;
	}

	signal(readings: readonly SignalReading[]): void {
		this.#glassToGlassMs = readings.at(-1)?.ageMs ?? this.#glassToGlassMs;
	}

	starved(): void {
		if (this.#stalledSince !== undefined) return;
		this.#stalls++;
		this.#stalledSince = this.#clock.now();
	}

	/** @returns how long nothing was left to show */
	fed(): number {
		if (this.#stalledSince === undefined) return 0;
		const lasted = this.#clock.now() - this.#stalledSince;
		this.#stalledMs += lasted;
		this.#stalledSince = undefined;
		return lasted;
	}

	statistics(state: PlayerState, renderer: RendererKind | undefined): PlayerStatistics {
		const sums = Object.fromEntries(COUNTED.map((name) => [name, this.#sums[name].total]));
		const ongoing = this.#stalledSince === undefined ? 0 : this.#clock.now() - this.#stalledSince;
		return {
			...{ renderer, state, rendition: this.#rendition },
			...{ ...this.#figures, ...sums },
			...{ glassToGlassMs: this.#glassToGlassMs, bitrateBps: undefined, throughputBps: undefined, ...this.#rates },
			...{ stalls: this.#stalls, stalledMs: this.#stalledMs + ongoing },
			...{ switches: this.#switches, reconnects: this.#reconnects, faults: this.#faults.total },
			startUpMs: this.#startUpMs,
		};
	}
}

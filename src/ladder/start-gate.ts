/**
 * The start of a run. Pipes fill in any order, and a copied rendition may begin later than encoded ones; viewers need
 * every configuration first, and the same first unit in every rendition. So arrivals are held until every rendition
 * has its configuration and a key picture and audio has its configuration; then all begin at the time of the latest
 * of those key pictures, and what lies before it is dropped. Without renditions, audio's first frame is the start.
 * Bounded: the caller opens it by force (`openWithoutAudio`) when time or `GATE_MOST_HELD` runs out.
 */
import type { Name } from "../base/name.ts";
import { type Ticks90k, ticks90k } from "../base/units.ts";
import type { AccessUnit, AudioConfig, VideoConfig } from "../media/access-unit.ts";

export type Arrival =
	| { readonly kind: "video-config"; readonly rendition: Name; readonly config: VideoConfig }
	| { readonly kind: "audio-config"; readonly config: AudioConfig }
	| { readonly kind: "video"; readonly rendition: Name; readonly accessUnit: AccessUnit }
	| { readonly kind: "audio"; readonly accessUnit: AccessUnit };

/** Access units that are held at most. */
export const GATE_MOST_HELD = 1024;

export class StartGate {
	readonly #renditions: readonly Name[];
	/** There is nothing else. */
	readonly #audioLeads: boolean;
	#needsAudio: boolean;
	#firstAudio: Ticks90k | undefined;
	readonly #configured = new Set<Name>();
	readonly #firstKey = new Map<Name, Ticks90k>();
	#held: Arrival[] = [];
	#start: Ticks90k | undefined;
	readonly #begun = new Set<Name>();

	constructor(renditions: readonly Name[], withAudio: boolean) {
		this.#renditions = renditions;
		this.#audioLeads = renditions.length === 0;
		this.#needsAudio = withAudio;
	}

	/** FFmpeg's time of the first picture, or audio frame; set from when the gate is open. */
	get start(): Ticks90k | undefined {
		return this.#start;
	}

	get full(): boolean {
		return this.#held.length >= GATE_MOST_HELD;
	}

	/** Renditions that have no configuration or no key picture yet; or audio, where it leads and has not come. */
	get lacking(): readonly string[] {
		if (this.#audioLeads) return this.#needsAudio || this.#firstAudio === undefined ? ["audio"] : [];
		return this.#renditions.filter((name) => !this.#configured.has(name) || !this.#firstKey.has(name));
	}

	/** Takes an arrival; gives what may go on now, in order. */
	offer(arrival: Arrival): readonly Arrival[] {
		if (this.#start !== undefined) return this.#passes(arrival) ? [arrival] : [];
		if (arrival.kind === "video-config") this.#configured.add(arrival.rendition);
		else if (arrival.kind === "audio-config") this.#needsAudio = false;
		else if (arrival.kind === "audio") this.#firstAudio ??= arrival.accessUnit.pts;
		else if (arrival.kind === "video" && arrival.accessUnit.key && !this.#firstKey.has(arrival.rendition)) {
			this.#firstKey.set(arrival.rendition, arrival.accessUnit.pts);
		}
		this.#held.push(arrival);
		return this.#openIfReady();
	}

	/** Goes on without audio's configuration; audio may join later. Does nothing while a rendition is lacking. */
	openWithoutAudio(): readonly Arrival[] {
		if (!this.#audioLeads) this.#needsAudio = false;
		return this.#openIfReady();
	}

	#openIfReady(): readonly Arrival[] {
		if (this.#start !== undefined || this.#needsAudio || this.lacking.length > 0) return [];
		this.#start = this.#audioLeads ? this.#firstAudio! : ticks90k(Math.max(...this.#firstKey.values()));
		const held = this.#held;
		this.#held = [];
		const isConfig = ({ kind }: Arrival): boolean => kind === "video-config" || kind === "audio-config";
		return [...held.filter(isConfig), ...held.filter((arrival) => !isConfig(arrival) && this.#passes(arrival))];
	}

	#passes(arrival: Arrival): boolean {
		if (arrival.kind === "audio") return arrival.accessUnit.dts >= this.#start!;
		if (arrival.kind !== "video" || this.#begun.has(arrival.rendition)) return true;
		if (!arrival.accessUnit.key || arrival.accessUnit.pts < this.#start!) return false;
		this.#begun.add(arrival.rendition);
		return true;
	}
}

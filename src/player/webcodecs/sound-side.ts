/**
 * The worker's side of the sound: decodes it, sends it to the worklet, and hears from there where it is. Whether there
 * is a worklet, and whether it is at work, is the page's business; sound that nobody plays is not decoded for long.
 */
import type { Clock } from "../../base/clock.ts";
import type { Milliseconds, Ticks90k } from "../../base/units.ts";
import type { AudioConfig } from "../../media/access-unit.ts";
import type { SoundCommand, SoundReport } from "./messages.ts";
import { SoundDecoder, type SoundDecoderEvents } from "./sound-decoder.ts";

/** A worklet that has said nothing for so long does not play. */
const REPORT_MS = 300;

export interface SoundSideEvents extends Pick<SoundDecoderEvents, "failed" | "unsupported"> {
	/** From the worklet. @param ranDry since the report before */
	report(report: SoundReport, ranDry: boolean): void;
}

export class SoundSide {
	readonly #clock: Clock;
	readonly #decoder: SoundDecoder;
	readonly #events: SoundSideEvents;
	#wanted: boolean;
	#port: MessagePort | undefined;
	#runs = false;
	#underruns = 0;
	#last: { readonly report: SoundReport; readonly at: Milliseconds } | undefined;

	constructor(clock: Clock, wanted: boolean, events: SoundSideEvents) {
		this.#clock = clock;
		this.#wanted = wanted;
		this.#events = events;
		this.#decoder = new SoundDecoder({
			block: (block) => {
				const transfer = block.channels.map(({ buffer }) => buffer);
				if (this.#runs) this.#port?.postMessage({ kind: "block", block } satisfies SoundCommand, transfer);
			},
			failed: (reason) => events.failed(reason),
			unsupported: (config) => events.unsupported(config),
		});
	}

	/** Sound is to be heard from now on. */
	want(): void {
		this.#wanted = true;
	}

	attach(port: MessagePort, target: Milliseconds): void {
		this.#port?.close();
		this.#port = port;
		// Each worklet counts from 0.
		let reported = 0;
		port.onmessage = ({ data }: MessageEvent<SoundReport>) => {
			this.#last = { report: data, at: this.#clock.now() };
			const more = data.underruns - reported;
			reported = data.underruns;
			this.#underruns += more;
			this.#events.report(data, more > 0);
		};
		this.aim(target);
	}

	set runs(runs: boolean) {
		if (runs && !this.#runs) this.#command({ kind: "begin" });
		this.#runs = runs;
		if (!runs) this.#last = undefined;
	}

	/** How often the sound ran dry, so far. */
	get underruns(): number {
		return this.#underruns;
	}

	/** The latest report, if it plays. */
	get playing(): { readonly report: SoundReport; readonly at: Milliseconds } | undefined {
		const last = this.#last;
		const isFresh = last !== undefined && this.#clock.now() - last.at <= REPORT_MS;
		return this.#runs && isFresh && last.report.playing ? last : undefined;
	}

	push(config: AudioConfig, pts: Ticks90k, data: Uint8Array): void {
		if (this.#wanted && this.#port !== undefined && this.#runs) this.#decoder.push(config, pts, data);
	}

	aim(target: Milliseconds): void {
		this.#command({ kind: "target", ms: target });
	}

	/** What is held beyond the target goes. */
	cut(): void {
		this.#command({ kind: "cut" });
	}

	/** Times begin anew. */
	restart(): void {
		this.#decoder.restart();
		this.#command({ kind: "begin" });
	}

	end(): void {
		this.#command({ kind: "end" });
	}

	/** Samples missing or too many around this time; undefined where no sound plays. */
	holeNear(ptsMs: number, withinMs: number): number | undefined {
		return this.playing === undefined ? undefined : this.#decoder.holeNear(ptsMs, withinMs);
	}

	close(): void {
		this.#decoder.close();
		this.#port?.close();
	}

	#command(command: SoundCommand): void {
		this.#port?.postMessage(command);
	}
}

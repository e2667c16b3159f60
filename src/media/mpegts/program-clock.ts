/**
 * The program clock of one unit: which PCR goes out with which access unit, on the 90 kHz clock and unwrapped.
 *
 * A PCR says when its byte arrives at the decoder; what is decoded at a DTS must have arrived by then (T-STD, ISO/IEC
 * 13818-1 clause 2.4.2). An access unit goes out when it is made, and audio may be made later than video of the same
 * time. So the clock runs `PCR_LEAD` behind the video's DTS: audio that comes up to 100 ms late is still in time.
 *
 * PCRs ride on video. Where pictures are rare (a still, a slide a second), the progress of audio moves the clock in
 * between: by what audio has advanced since the picture, not by its time stamps, for audio may be ahead as well, and
 * less `AUDIO_BURST`, for audio comes in bursts (FFmpeg puts 170 ms into a PES packet) while pictures go on.
 * And never beyond the PCR of the picture that is to come next: a video encoder may be late by any time, but when its
 * picture comes, it has its own PCR, in this unit or as the first of the next.
 * Invariant: PCRs never go back, in a unit and from one to the next, as long as no picture comes sooner behind another
 * than the longest step so far; at 10 pictures a second and more, all of them are the video's.
 */

/** From a PCR to the DTS of the access unit that carries it: 100 ms. */
export const PCR_LEAD = 9000;
/** Progress of the clock after which audio asks for a PCR of its own: 80 ms; clause 2.7.2 allows 100. */
const PCR_PACE = 7200;
/** Audio that may come at once without moving the clock: 100 ms. */
const AUDIO_BURST = 9000;

export class ProgramClock {
	/** From one picture to the next, at the most. */
	#step: number;
	#leadDts: number | undefined;
	#last: number | undefined;
	/** PCR of the latest access unit of the leading track. */
	#lead = 0;
	/** DTS of the first audio since then. */
	#audioStart: number | undefined;

	/** @param step see UnitHead.pictureDuration */
	constructor(step: number) {
		this.#step = step;
	}

	/** The latest PCR; undefined before the first. */
	get now(): number | undefined {
		return this.#last;
	}

	/** The PCR of an access unit of the track whose PID carries them. */
	atLead(dts: number): number {
		const due = dts - PCR_LEAD;
		if (this.#leadDts !== undefined) this.#step = Math.max(this.#step, dts - this.#leadDts);
		this.#leadDts = dts;
		this.#last = this.#last === undefined ? due : Math.max(this.#last, due);
		this.#lead = this.#last;
		this.#audioStart = undefined;
		return this.#last;
	}

	/** The PCR to send in front of audio beside video; undefined where none is due. */
	atAudio(dts: number): number | undefined {
		if (this.#last === undefined) return undefined;
		this.#audioStart ??= dts;
		const progress = dts - this.#audioStart - AUDIO_BURST;
		const now = this.#lead + Math.min(progress, this.#step);
		if (now - this.#last <= PCR_PACE) return undefined;
		this.#last = now;
		return now;
	}
}

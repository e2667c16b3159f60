/**
 * The page's side of the sound: an audio context where there is none yet, a worklet that plays the ring, and the
 * browser's rules. A browser may want a gesture before there is sound; the picture does not wait for that.
 */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { PlayerProblem } from "../player-model.ts";
import type { PageMessage, SoundFormat } from "./messages.ts";

/** What lies beside this module when it is bundled. */
const WORKLET_FILE = "./audio-worklet.js";
/** By which the worklet is known to a context. */
const PROCESSOR = "penstock-sound";
/** A context that does not run by then wants a gesture; a sound card may take a while. */
const START_MS = 1000;
/** Of a change of volume: as fast as it can be without a click. */
const FADE_SECONDS = 0.01;
/** The browsers' own limit. */
const MOST_CHANNELS = 32;

export interface SoundOutputOptions {
	readonly clock: Clock;
	readonly volume: number;
	readonly muted: boolean;
	readonly output: AudioNode | undefined;
	readonly toWorker: (message: PageMessage, transfer?: Transferable[]) => void;
	readonly problem: (problem: PlayerProblem) => void;
}

interface Playing {
	readonly context: AudioContext;
	readonly gain: GainNode;
	/** Once the module is loaded. */
	node?: AudioWorkletNode;
}

export class SoundOutput {
	readonly #options: SoundOutputOptions;
	#volume: number;
	#muted: boolean;
	#format: SoundFormat | undefined;
	#playing: Playing | undefined;
	#autoplayTold = false;
	#destroyed = false;

	constructor(options: SoundOutputOptions) {
		this.#options = options;
		this.#volume = options.volume;
		this.#muted = options.muted;
	}

	/** There is sound in the stream. */
	setFormat(format: SoundFormat): void {
		const before = this.#format;
		this.#format = format;
		if (this.#muted && this.#playing === undefined) return;
		if (before !== undefined && before.channels === format.channels) return;
		this.#start();
	}

	set(volume: number, muted: boolean): void {
		this.#volume = volume;
		this.#muted = muted;
		if (!muted) {
			this.#options.toWorker({ kind: "wants-sound" });
			if (this.#playing === undefined && this.#format !== undefined) this.#start();
			// Within a gesture: what the browser held back may begin.
			void this.#playing?.context.resume().catch(() => {});
		}
		const { context, gain } = this.#playing ?? {};
		if (context !== undefined) gain?.gain.setTargetAtTime(this.#level, context.currentTime, FADE_SECONDS);
	}

	destroy(): void {
		this.#destroyed = true;
		this.#stop();
	}

	get #level(): number {
		return this.#muted ? 0 : this.#volume;
	}

	#start(): void {
		this.#stop();
		const { output } = this.#options;
		const { sampleRateHz } = this.#format!;
		try {
			const context = (output?.context ?? newContext(sampleRateHz)) as AudioContext;
			const gain = new GainNode(context, { gain: this.#level });
			gain.connect(output ?? context.destination);
			this.#playing = { context, gain };
			context.addEventListener("statechange", this.#stateChanged);
			void this.#load(this.#playing);
		} catch (error) {
			this.#failed(error);
		}
	}

	async #load(playing: Playing): Promise<void> {
		const { context, gain } = playing;
		try {
			await context.audioWorklet.addModule(new URL(WORKLET_FILE, import.meta.url));
			if (playing !== this.#playing) return;
			const channels = Math.min(MOST_CHANNELS, Math.max(2, this.#format!.channels));
			playing.node = new AudioWorkletNode(context, PROCESSOR, {
				...{ numberOfInputs: 0, numberOfOutputs: 1, outputChannelCount: [channels] },
			});
			playing.node.connect(gain);
			const { port1, port2 } = new MessageChannel();
			playing.node.port.postMessage(port2, [port2]);
			this.#options.toWorker({ kind: "worklet", port: port1 }, [port1]);
			this.#stateChanged();
			if (context.state !== "running") this.#mayBeBanned(playing);
		} catch (error) {
			if (playing === this.#playing) this.#failed(error);
		}
	}

	/** It may only be slow; it may want a gesture. */
	#mayBeBanned(playing: Playing): void {
		const { clock, problem } = this.#options;
		void playing.context.resume().catch(() => {});
		clock.after(START_MS, () => {
			const waits = playing === this.#playing && playing.context.state !== "running";
			if (!waits || this.#autoplayTold || this.#destroyed) return;
			this.#autoplayTold = true;
			const message = "The browser lets sound begin only with a click or a key; until then the picture plays alone.";
			problem({ code: "AUTOPLAY", message });
		});
	}

	readonly #stateChanged = (): void => {
		const { context, node } = this.#playing ?? {};
		if (node !== undefined) this.#options.toWorker({ kind: "sound-runs", runs: context?.state === "running" });
	};

	#failed(error: unknown): void {
		this.#stop();
		const message = `There is no sound, since it has no way out: ${messageOf(error)}.`;
		this.#options.problem({ code: "UNSUPPORTED", message });
	}

	#stop(): void {
		const playing = this.#playing;
		this.#playing = undefined;
		if (playing === undefined) return;
		const { context, gain, node } = playing;
		context.removeEventListener("statechange", this.#stateChanged);
		node?.port.postMessage("close");
		node?.disconnect();
		gain.disconnect();
		if (this.#options.output === undefined && context.state !== "closed") void context.close().catch(() => {});
	}
}

/** At the sound's own rate, so that the browser does what is to be done about the card's. */
function newContext(sampleRate: number): AudioContext {
	try {
		return new AudioContext({ latencyHint: "interactive", sampleRate });
	} catch {
		return new AudioContext({ latencyHint: "interactive" });
	}
}

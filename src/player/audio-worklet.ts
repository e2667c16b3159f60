/**
 * The player's audio worklet: a ring of decoded sound (webcodecs/sound-ring.ts) that a worker fills through a port of
 * its own, past the page, so that a page that is busy does not interrupt it.
 */
import type { SoundCommand, SoundReport } from "./webcodecs/messages.ts";
import { SoundRing } from "./webcodecs/sound-ring.ts";

/** What an audio worklet's global scope has, as far as it is used here; TypeScript's libraries leave it out. */
interface WorkletScope {
	readonly sampleRate: number;
	readonly AudioWorkletProcessor: new () => { readonly port: MessagePort };
	registerProcessor(name: string, processor: new (options: AudioWorkletNodeOptions) => object): void;
}

const scope = globalThis as unknown as WorkletScope;
/** From one report to the next. */
const REPORT_SECONDS = 0.02;
/** Until the worker says otherwise. */
const TARGET_MS = 60;

class SoundProcessor extends scope.AudioWorkletProcessor {
	readonly #ring: SoundRing;
	#worker: MessagePort | undefined;
	#open = true;
	#played = false;
	#samplesToReport = 0;

	constructor({ outputChannelCount }: AudioWorkletNodeOptions) {
		super();
		this.#ring = new SoundRing(scope.sampleRate, outputChannelCount?.[0] ?? 2, TARGET_MS);
		this.port.onmessage = ({ data }: MessageEvent<MessagePort | "close">) => {
			if (data === "close") this.#open = false;
			else this.#attach(data);
		};
	}

	process(_inputs: unknown, [outputs]: readonly Float32Array[][]): boolean {
		this.#ring.render(outputs!);
		this.#samplesToReport -= outputs![0]!.length;
		const report = this.#ring.report;
		if (this.#samplesToReport <= 0 || report.playing !== this.#played) this.#tell(report);
		return this.#open;
	}

	#tell(report: SoundReport): void {
		this.#played = report.playing;
		this.#samplesToReport = REPORT_SECONDS * scope.sampleRate;
		this.#worker?.postMessage(report);
	}

	#attach(port: MessagePort): void {
		this.#worker = port;
		port.onmessage = ({ data }: MessageEvent<SoundCommand>) => this.#obey(data);
	}

	#obey(command: SoundCommand): void {
		switch (command.kind) {
			case "block":
				this.#ring.write(command.block);
				break;
			case "target":
				this.#ring.targetMs = command.ms;
				break;
			case "cut":
				this.#ring.cut();
				break;
			case "begin":
				this.#ring.begin();
				break;
			case "end":
				this.#ring.end();
				break;
		}
	}
}

scope.registerProcessor("penstock-sound", SoundProcessor);

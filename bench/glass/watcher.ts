/**
 * The eye of the benchmark, the same in front of every player: at each animation frame it draws what is shown into a
 * small canvas and reads the bar. What a player says of itself counts for nothing.
 */
import { ageMs, BAR_HEIGHT, BAR_SHARE, BAR_WIDTH, readBar } from "../../src/media/test-signal.ts";
import type { Seen, Sighting } from "./page-model.ts";

type View = HTMLVideoElement | HTMLCanvasElement;

export class Watcher {
	readonly #view: () => View | null;
	readonly #context: CanvasRenderingContext2D;
	readonly #gray = new Uint8Array(BAR_WIDTH * BAR_HEIGHT);
	readonly #first = Promise.withResolvers<Sighting>();
	#sightings: Sighting[] = [];
	#complaints: string[] = [];
	#looks = 0;
	#unreadable = 0;
	#counter: number | undefined;

	/** @param view what shows the picture, once it is there */
	constructor(view: () => View | null) {
		this.#view = view;
		const canvas = document.createElement("canvas");
		canvas.width = BAR_WIDTH;
		canvas.height = BAR_HEIGHT;
		this.#context = canvas.getContext("2d", { willReadFrequently: true, alpha: false })!;
		const look = (): void => {
			requestAnimationFrame(look);
			this.#look();
		};
		requestAnimationFrame(look);
	}

	/** Resolves with the first picture that was seen. */
	get first(): Promise<Sighting> {
		return this.#first.promise;
	}

	get complaints(): readonly string[] {
		return this.#complaints;
	}

	complain(text: string): void {
		this.#complaints.push(text);
	}

	/** What there was since the last call. */
	take(): Seen {
		const seen = {
			...{ sightings: this.#sightings, complaints: this.#complaints },
			...{ looks: this.#looks, unreadable: this.#unreadable },
		};
		this.#sightings = [];
		this.#complaints = [];
		this.#looks = 0;
		this.#unreadable = 0;
		return seen;
	}

	#look(): void {
		const view = this.#view();
		if (view === null || !showsSomething(view)) return;
		// The whole picture, whatever its size: while a size changes, an element's own and that of what it shows differ.
		this.#context.drawImage(view, 0, 0, BAR_WIDTH, BAR_HEIGHT * BAR_SHARE);
		const atMs = Date.now();
		const { data } = this.#context.getImageData(0, 0, BAR_WIDTH, BAR_HEIGHT);
		for (let at = 0; at < this.#gray.length; at++) this.#gray[at] = data[4 * at]!;
		this.#looks++;
		const reading = readBar(this.#gray, BAR_WIDTH, BAR_HEIGHT);
		if (!reading.checksumOk) {
			this.#unreadable++;
			return;
		}
		if (reading.counter === this.#counter) return;
		this.#counter = reading.counter;
		const sighting = { counter: reading.counter, atMs, ageMs: ageMs(reading, atMs) };
		this.#sightings.push(sighting);
		this.#first.resolve(sighting);
	}
}

const showsSomething = (view: View): boolean =>
	view instanceof HTMLCanvasElement ? view.width > 0 && view.height > 0 : view.readyState >= view.HAVE_CURRENT_DATA;

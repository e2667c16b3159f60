/**
 * For a terminal: a few lines that are redrawn in place, cut to its width, and a summary that stays. Colours are left
 * to `styleText`, which honours NO_COLOR.
 */
import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { styleText } from "node:util";
import type { PlayEvent, PlayerFigures, PlayView, SwitchTold } from "./figures.ts";
import {
	bitrateText,
	bytesText,
	delayText,
	type EventOf,
	plain,
	secondsText,
	summaryLines,
	switchText,
} from "./view-text.ts";

/** What is needed of `process.stdout`. */
export type Terminal = NodeJS.WritableStream & { readonly columns?: number };

/** Switches that are shown, the newest first. */
const HISTORY = 4;
const LABEL_WIDTH = 10;
/** Where the terminal does not say, or says 0. */
const USUAL_COLUMNS = 80;

export class LiveView implements PlayView {
	readonly #terminal: Terminal;
	#start: EventOf<"start"> | undefined;
	#size = "";
	readonly #history: SwitchTold[] = [];
	#fault = "";
	/** Lines on the screen that are ours to redraw. */
	#drawn = 0;

	constructor(terminal: Terminal) {
		this.#terminal = terminal;
	}

	event(event: PlayEvent): void {
		switch (event.event) {
			case "start":
				this.#start = event;
				this.#size = sizeText(event);
				break;
			case "switch":
				this.#size = sizeText(event);
				this.#history.unshift(event);
				this.#history.length = Math.min(this.#history.length, HISTORY);
				break;
			case "fault":
				this.#fault = `${event.of === "stream" ? "stream" : "decoder"}: ${event.message}`;
				break;
			case "stats":
				this.refresh(event);
				break;
			case "end":
				this.refresh(event);
				this.#drawn = 0;
				for (const line of summaryLines(event)) this.#terminal.write(`${plain(line)}\n`);
		}
	}

	refresh(figures: PlayerFigures): void {
		const lines = this.#lines(figures);
		if (this.#drawn > 0) moveCursor(this.#terminal, 0, -this.#drawn);
		cursorTo(this.#terminal, 0);
		clearScreenDown(this.#terminal);
		this.#terminal.write(lines.map((line) => `${line}\n`).join(""));
		this.#drawn = lines.length;
	}

	#lines(figures: PlayerFigures): string[] {
		const start = this.#start;
		if (start === undefined)
			return [this.#line("waiting", `for the first unit, ${bytesText(figures.bytesReceived)} so far`)];
		const { rendition, unit, ptsMs, audioFramesDecoded, audioFramesLost } = figures;
		const where = `${unit === undefined ? "" : `unit ${unit}, `}PTS ${((ptsMs ?? 0) / 1000).toFixed(3)} s`;
		const sound =
			figures.audioFramesReceived === 0 ? "" : `; sound ${audioFramesDecoded} decoded, ${audioFramesLost} lost`;
		const viewer = start.viewer === undefined ? "" : `, viewer ${start.viewer}`;
		const faults = `${figures.faults} in the stream, ${figures.decoderWarnings} from the decoder`;
		return [
			this.#line("playing", `${start.url} (${start.packaging})${viewer}`),
			this.#line("rendition", `${rendition ?? "-"} ${this.#size}, ${where}, after ${secondsText(figures.timeMs)}`),
			this.#line(
				"frames",
				`${figures.frameRate.toFixed(1)}/s, ${figures.framesDecoded} decoded, ${figures.framesLost} lost${sound}`,
			),
			this.#line("network", `${bitrateText(figures.bitrateBps)}, ${bytesText(figures.bytesReceived)} received`),
			this.#line(
				"buffer",
				`${figures.bufferMs} ms, ${figures.stalls} stalls of ${secondsText(figures.stalledMs)} in all`,
			),
			this.#line("delay", delayText(figures)),
			this.#line("faults", this.#fault === "" ? faults : `${faults}; ${this.#fault}`),
			this.#line("switches", `${figures.switches}, decoder reset ${Math.max(0, figures.decoders - 1)} times`),
			...this.#history.map((one) => this.#line("", `${secondsText(one.timeMs)}  ${switchText(one)}`)),
		];
	}

	/** One line of the terminal and no more: the text is cut, the label is styled. */
	#line(label: string, text: string): string {
		const width = Math.max(1, (this.#terminal.columns || USUAL_COLUMNS) - LABEL_WIDTH - 1);
		const shown = plain(text);
		const cut = shown.length > width ? `${shown.slice(0, width - 1)}…` : shown;
		return styleText("bold", label.padEnd(LABEL_WIDTH), { stream: this.#terminal }) + cut;
	}
}

const sizeText = ({ width, height, codec }: Pick<SwitchTold, "width" | "height" | "codec">): string =>
	codec === undefined ? "" : `${width}x${height} ${codec}`;

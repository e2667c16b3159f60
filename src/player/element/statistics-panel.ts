/** A player's figures over its picture, for those who want to know. */
import type { PlayerStatistics } from "../player-model.ts";
import { make } from "./make.ts";

type Row = readonly [label: string, value: (statistics: PlayerStatistics) => string | undefined];

const ms = (value: number | undefined): string | undefined =>
	value === undefined ? undefined : `${Math.round(value)} ms`;
const rate = (value: number | undefined): string | undefined =>
	value === undefined ? undefined : `${(value / 1e6).toFixed(2)} Mbit/s`;

const ROWS: readonly Row[] = [
	["Rendition", ({ rendition }) => rendition && `${rendition.name ?? ""} ${rendition.width}×${rendition.height}`],
	["Codec", ({ rendition, renderer }) => rendition && `${rendition.codec}, ${renderer ?? ""}`],
	["Bit rate", ({ bitrateBps }) => rate(bitrateBps)],
	["Network", ({ throughputBps }) => rate(throughputBps)],
	["Delay", ({ latencyMs }) => ms(latencyMs)],
	["Glass to glass", ({ glassToGlassMs }) => ms(glassToGlassMs)],
	["Buffer", ({ bufferMs, playbackRate }) => `${ms(bufferMs)} × ${playbackRate.toFixed(3)}`],
	["Frames", ({ framesShown, framesDropped }) => `${framesShown} shown, ${framesDropped} dropped`],
	["Stalls", ({ stalls, stalledMs }) => `${stalls}, ${ms(stalledMs)}`],
	["Switches", ({ switches, reconnects }) => `${switches}, ${reconnects} reconnects`],
	[
		"Sound",
		({ audioUnderruns, audioVideoOffsetMs: offset }) =>
			`${audioUnderruns} holes${offset === undefined ? "" : `, A/V ${ms(offset)}`}`,
	],
];

export class StatisticsPanel {
	readonly element = make("dl", { class: "statistics", part: "statistics" });
	readonly #values: readonly HTMLElement[];

	constructor() {
		this.#values = ROWS.map(([label]) => {
			const value = make("dd");
			this.element.append(make("div", {}, make("dt", {}, label), value));
			return value;
		});
		this.element.hidden = true;
	}

	update(statistics: PlayerStatistics | undefined): void {
		if (this.element.hidden || statistics === undefined) return;
		for (const [index, [, textOf]] of ROWS.entries()) {
			const value = this.#values[index]!;
			const text = textOf(statistics);
			value.textContent = text ?? "";
			value.parentElement!.hidden = text === undefined;
		}
	}
}

/** For logs and pipes: a line for each thing that happens, and one each second. */
import type { PlayEvent, PlayView } from "./figures.ts";
import {
	bitrateText,
	delayText,
	type EventOf,
	plain,
	secondsText,
	summaryLines,
	switchText,
	type TextOutput,
} from "./view-text.ts";

export class PlainView implements PlayView {
	readonly #output: TextOutput;

	constructor(output: TextOutput) {
		this.#output = output;
	}

	event(event: PlayEvent): void {
		const at = secondsText(event.timeMs).padStart(9);
		for (const line of linesOf(event)) this.#output.write(`${at}  ${plain(line)}\n`);
	}
}

function linesOf(event: PlayEvent): string[] {
	switch (event.event) {
		case "start":
			return [startText(event)];
		case "switch":
			return [`switch ${switchText(event)}`];
		case "stats":
			return [
				[
					`${event.rendition ?? "-"} ${event.frameRate.toFixed(1)} frames/s`,
					`${event.framesDecoded} decoded, ${event.framesLost} lost`,
					bitrateText(event.bitrateBps),
					`buffer ${event.bufferMs} ms`,
					`delay ${delayText(event)}`,
				].join(", "),
			];
		case "fault":
			return [`fault ${event.count} ${event.of === "stream" ? "in the stream" : "from the decoder"}: ${event.message}`];
		case "end":
			return summaryLines(event);
	}
}

/** "http://…/demo.ts as ts: low 320x180 avc1.42c01f, mp4a.40.2, unit 12, viewer 5f…" */
function startText(start: EventOf<"start">): string {
	const { url, packaging, rendition, width, height, codec, audioCodec, unit, viewer } = start;
	const picture = codec === undefined ? [] : [`${rendition ?? "video"} ${width}x${height} ${codec}`];
	const parts = [
		...picture,
		...(audioCodec === undefined ? [] : [audioCodec]),
		...(unit === undefined ? [] : [`unit ${unit}`]),
		...(viewer === undefined ? [] : [`viewer ${viewer}`]),
	];
	return `${url} as ${packaging}: ${parts.join(", ")}`;
}

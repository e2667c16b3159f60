/** Words and numbers for people, shared by the views that write text. */
import type { DecodeChange, EndReason, PlayEvent, PlayerFigures, SwitchTold } from "./figures.ts";

export type EventOf<Kind extends PlayEvent["event"]> = Extract<PlayEvent, { event: Kind }>;

/** Where text goes: standard output, or what stands for it in a test. */
export interface TextOutput {
	write(text: string): unknown;
}

export function bitrateText(bps: number): string {
	if (bps >= 1e6) return `${(bps / 1e6).toFixed(2)} Mbit/s`;
	return `${Math.round(bps / 1e3)} kbit/s`;
}

export function bytesText(bytes: number): string {
	if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
	return `${Math.round(bytes / 1e3)} kB`;
}

export const secondsText = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What delay is shown, and by what it was measured. */
export function delayText({ delayMs, delayBy }: PlayerFigures): string {
	if (delayMs === undefined) return "not known yet";
	return `${Math.round(delayMs)} ms ${delayBy === "clock" ? "(by the picture's clock)" : "(against the fastest arrival)"}`;
}

const CHANGES: Record<DecodeChange, string> = { codec: "codec", size: "size", parameters: "parameter sets" };

/** "mid → high, unit 481, PTS 120.250 s, new size 640x360" */
export function switchText({ from, to, unit, ptsMs, changed, width, height, codec }: SwitchTold): string {
	const what = changed.map((change) => {
		if (change === "size") return `size ${width}x${height}`;
		return change === "codec" ? `codec ${codec}` : CHANGES[change];
	});
	return [
		from === undefined && to === undefined ? "new decode information" : `${from ?? "?"} → ${to ?? "?"}`,
		...(unit === undefined ? [] : [`unit ${unit}`]),
		`PTS ${(ptsMs / 1000).toFixed(3)} s`,
		what.length === 0 ? "same decode information" : `new ${what.join(", ")}`,
	].join(", ");
}

const REASONS: Record<EndReason, string> = {
	complete: "the response is complete",
	broken: "the response broke off",
	interrupted: "interrupted",
	time: "the time is up",
	switches: "the switches are done",
	failed: "it failed",
};

/** The last lines of a text view. */
export function summaryLines(end: EventOf<"end">): string[] {
	const { timeMs, framesDecoded, framesLost, audioFramesDecoded, audioFramesLost, switches, bytesReceived } = end;
	const mean = timeMs > 0 ? bitrateText((bytesReceived * 8000) / timeMs) : "";
	const sound = audioFramesDecoded > 0 ? [`${audioFramesDecoded} audio frames, ${audioFramesLost} lost`] : [];
	const lines = [
		`played ${secondsText(timeMs)}, ${REASONS[end.reason]}: ${[
			`${framesDecoded} frames decoded, ${framesLost} lost`,
			...sound,
			`${switches} switches`,
			`${bytesText(bytesReceived)}, ${mean}`,
			`${end.stalls} stalls`,
		].join("; ")}`,
	];
	if (end.faults + end.decoderWarnings > 0) {
		lines.push(`${end.faults} faults in the stream, ${end.decoderWarnings} lines of complaint from the decoder`);
	}
	if (end.framesRead !== undefined) {
		const range = end.framesRead === 0 ? "none read" : `${end.firstFrame} to ${end.lastFrame}`;
		const restarts = end.restarts === 0 ? "" : `; they began again ${end.restarts} times`;
		lines.push(
			`frame numbers ${range}: ${end.framesMissing} missing, ${end.framesRepeated} repeated, ${end.framesUnreadable} unreadable${restarts}`,
		);
	}
	return lines;
}

/** What came from outside, on one line and without anything that moves a cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");

/** Which kinds of renderer this browser has all for, the better one first. */
import type { PlayerOptions, RendererKind } from "./player-model.ts";

type Globals = Readonly<Record<string, unknown>>;

export interface RendererChoice {
	/** To be tried in this order. */
	readonly kinds: readonly RendererKind[];
	/** What the others lack, as a clause for each: "WebCodecs needs https, or localhost". */
	readonly lacking: readonly string[];
}

/** From the shortest delay to the longest. */
const KINDS: readonly RendererKind[] = ["webcodecs", "mse"];

export function chooseRenderers(
	wanted: PlayerOptions["renderer"] = "auto",
	globals: Globals = globalThis as unknown as Globals,
): RendererChoice {
	const kinds: RendererKind[] = [];
	const lacking: string[] = [];
	for (const kind of wanted === "auto" ? KINDS : [wanted]) {
		const lack = LACK[kind](globals);
		if (lack === undefined) kinds.push(kind);
		else lacking.push(lack);
	}
	return { kinds, lacking };
}

const missing = (globals: Globals, names: readonly string[]): readonly string[] =>
	names.filter((name) => globals[name] === undefined);

const LACK: Readonly<Record<RendererKind, (globals: Globals) => string | undefined>> = {
	webcodecs(globals) {
		if (globals["isSecureContext"] !== true) return "WebCodecs needs https, or localhost";
		const names = missing(globals, ["VideoDecoder", "AudioDecoder", "OffscreenCanvas", "AudioWorkletNode", "Worker"]);
		return names.length === 0 ? undefined : `WebCodecs needs ${names.join(", ")}, which this browser lacks`;
	},
	mse(globals) {
		const names = missing(globals, ["MediaSource", "ManagedMediaSource"]);
		return names.length < 2 ? undefined : "this browser has no Media Source Extensions";
	},
};

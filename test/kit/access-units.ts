/** Access units without a codec behind them, for tests of what carries them. */
import { type Name, parseName } from "../../src/base/name.ts";
import { msToTicks } from "../../src/base/units.ts";
import type { AccessUnit } from "../../src/media/access-unit.ts";

export const name = (text: string): Name => parseName(text, "test");

/** A coded picture whose four bytes of payload say `tag`, as a length-prefixed NAL unit. */
export function picture(ptsMs: number, options: { key?: boolean; tag?: number; dtsMs?: number } = {}): AccessUnit {
	const { key = false, tag = ptsMs, dtsMs = ptsMs } = options;
	const data = Uint8Array.of(0, 0, 0, 5, key ? 0x65 : 0x41, tag >>> 24, tag >>> 16, tag >>> 8, tag);
	return { track: "video", pts: msToTicks(ptsMs), dts: msToTicks(dtsMs), key, data };
}

/** A coded audio frame of four bytes. */
export function sound(ptsMs: number): AccessUnit {
	const data = Uint8Array.of(ptsMs >>> 24, ptsMs >>> 16, ptsMs >>> 8, ptsMs);
	return { track: "audio", pts: msToTicks(ptsMs), dts: msToTicks(ptsMs), key: true, data };
}

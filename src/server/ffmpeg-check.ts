/** Asks FFmpeg, once, whether it can do what all configured channels need, and those that patterns make. */
import type { Clock } from "../base/clock.ts";
import { checkCapabilities, inspectFfmpeg } from "../ladder/capabilities.ts";
import type { Config } from "./config.ts";

/**
 * @returns FFmpeg's version, in its own words
 * @throws PenstockError FFMPEG_MISSING, FFMPEG_TOO_OLD, FFMPEG_CAPABILITY
 */
export async function checkFfmpeg({ tools, channels, templates }: Config, clock: Clock): Promise<string> {
	const capabilities = await inspectFfmpeg(tools, clock);
	for (const { ladder } of [...channels, ...templates]) checkCapabilities(capabilities, ladder);
	return capabilities.version;
}

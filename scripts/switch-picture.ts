/**
 * Makes the README's picture, `docs/images/switch.png`, from a real response: plays the demo channel, has it switched
 * from `low` to `high`, and puts the two frames around the switch side by side, the low one scaled up as a player
 * would. Needs the build (`npm run build`) and FFmpeg.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_RENDITIONS } from "../src/server/config-schema.ts";
import { type ConfigFile, startPenstock } from "../test/kit/penstock.ts";
import { record } from "../test/kit/recording.ts";
import { readCounters } from "../test/kit/signal-reader.ts";
import { makeTempDir } from "../test/kit/temp-dir.ts";

const CONFIG: ConfigFile = {
	channels: { demo: { source: "test", renditions: DEFAULT_RENDITIONS.filter(({ name }) => name !== "lowest") } },
};
const OUTPUT = "docs/images/switch.png";

const ffmpeg = (args: readonly string[]): Buffer =>
	execFileSync("ffmpeg", ["-hide_banner", "-v", "error", "-nostdin", "-y", ...args]);

const penstock = await startPenstock(CONFIG);
const recording = await record(`${penstock.http}/live/demo.ts`, ({ size }, { id }) => {
	if (size === "480x270") void penstock.call("PUT", `/api/v1/viewers/${id}/rendition`, { rendition: "high" });
});
await recording.until(({ units }) => units.filter(({ size }) => size === "1280x720").length >= 2);
recording.viewer.close();
await penstock.stop();

const file = recording.save();
const pictures = recording.accessUnits.filter(({ track }) => track === "video");
const switchTime = recording.units.find(({ size }) => size === "1280x720")!.timeMs * 90;
const first = pictures.findIndex(({ pts }) => pts === switchTime);
const directory = makeTempDir("picture");
// Every frame to the same size, so that the graph does not change at the switch; then the two of them.
ffmpeg(["-i", file, "-vf", "scale=1280:720:flags=bilinear", "-fps_mode", "passthrough", join(directory, "%04d.png")]);
const frame = (index: number): string => join(directory, `${String(index + 1).padStart(4, "0")}.png`);
const half = "crop=640:480:0:0";
mkdirSync("docs/images", { recursive: true });
ffmpeg([
	...["-i", frame(first - 1), "-i", frame(first)],
	...["-filter_complex", `[0]${half}[low];[1]${half},pad=648:480:8:0:white[high];[low][high]hstack`, OUTPUT],
]);
const { counters } = await readCounters(file);
const [low, high] = [counters[first - 1]!.counter, counters[first]!.counter];
process.stdout.write(`${OUTPUT}: frame ${low} in low, frame ${high} in high, one response\n`);
process.exitCode = high === low + 1 ? 0 : 1;

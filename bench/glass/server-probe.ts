/**
 * Loaded into the server before it starts (`node --import`), where the bench wants to know how a picture's time is
 * spent: says on standard error, a line each, `handed-in RENDITION PTS AT` when a picture comes out of FFmpeg's pipe and
 * goes into the channel; PTS in ticks of 90 kHz, AT by the wall clock in milliseconds.
 */
import { Channel } from "../../dist/channel/channel.js";
import type { AccessUnit } from "../../dist/media/access-unit.js";

type AppendVideo = (this: Channel, rendition: string, accessUnit: AccessUnit) => unknown;

const append = Reflect.get(Channel.prototype, "appendVideo") as AppendVideo;
const noted: AppendVideo = function (rendition, accessUnit) {
	const at = performance.timeOrigin + performance.now();
	const result = append.call(this, rendition, accessUnit);
	process.stderr.write(`handed-in ${rendition} ${accessUnit.pts} ${at.toFixed(2)}\n`);
	return result;
};
Reflect.set(Channel.prototype, "appendVideo", noted);

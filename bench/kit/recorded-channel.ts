/**
 * A recorded ladder in a channel, as the server's ladder would feed it, at any speed: for benchmarks of what comes
 * behind the channel.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseName } from "../../dist/base/name.js";
import { milliseconds, ticks90k } from "../../dist/base/units.js";
import { Channel } from "../../dist/channel/channel.js";
import type { AccessUnit, DecodeInformation } from "../../dist/media/access-unit.js";
import { FlvReader } from "../../dist/media/flv/reader.js";
import { nodeClock } from "../../dist/server/node-time.js";
import { RENDITIONS, UNIT_MS } from "./recorded-ladder.ts";

interface Entry {
	/** Index of the rendition; undefined for audio, which all share. */
	readonly rendition: number | undefined;
	readonly accessUnit: AccessUnit;
}

/** What a ladder said, in the order of its time stamps. */
export interface RecordedMedia {
	readonly decode: readonly DecodeInformation[];
	readonly entries: readonly Entry[];
	readonly seconds: number;
}

/** Reads the files of `recordLadder`; whole seconds of them. */
export function readLadder(directory: string, seconds: number): RecordedMedia {
	const decode: DecodeInformation[] = [];
	const entries: Entry[] = [];
	for (let index = 0; index <= RENDITIONS.length; index++) {
		const rendition = index < RENDITIONS.length ? index : undefined;
		const reader = new FlvReader({
			accessUnit: (accessUnit) => entries.push({ rendition, accessUnit }),
			decodeInformation: (told) => (decode[index] = told),
		});
		reader.push(readFileSync(join(directory, `${index}.flv`)));
		reader.end();
	}
	const end = seconds * 90_000;
	const whole = entries.filter(({ accessUnit }) => accessUnit.dts < end);
	whole.sort((one, other) => one.accessUnit.dts - other.accessUnit.dts);
	return { decode, entries: whole, seconds };
}

/** A channel that keeps `ringSeconds`; nothing has been fed to it. */
export function openChannel({ decode }: RecordedMedia, ringSeconds: number): Channel {
	const renditions = RENDITIONS.map(({ name }) => parseName(name, "bench"));
	const channel = new Channel({
		renditions,
		unitMs: milliseconds(UNIT_MS),
		ringMs: milliseconds(ringSeconds * 1000),
		clock: nodeClock(),
	});
	for (const [index, name] of renditions.entries()) channel.setVideoConfig(name, decode[index]!.video!);
	channel.setAudioConfig(decode[RENDITIONS.length]!.audio!);
	return channel;
}

/** Feeds all of it, `loop` times its length later. */
export function feed(channel: Channel, { entries, seconds }: RecordedMedia, loop = 0): void {
	const shift = loop * seconds * 90_000;
	for (const { rendition, accessUnit } of entries) {
		const { pts, dts } = accessUnit;
		const shifted = { ...accessUnit, pts: ticks90k(pts + shift), dts: ticks90k(dts + shift) };
		if (rendition === undefined) channel.appendAudio(shifted);
		else channel.appendVideo(channel.renditions[rendition]!.name, shifted);
	}
}

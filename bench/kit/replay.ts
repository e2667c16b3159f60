/**
 * Stands in for FFmpeg in the benchmarks of delay: real FFmpeg output, recorded, written to the same pipes at the pace
 * of its time stamps, each picture stamped with the moment of its write. What is measured is then the server alone,
 * and not the encoder.
 *
 * Run as `replay.ts DIR …`: DIR holds `0.flv 1.flv …`, one for each pipe from file descriptor 3 on.
 */
import { readdirSync, readFileSync, writeSync } from "node:fs";
import { STAMP_NAL_BYTES, writeStampNal } from "./stamp.ts";

interface Tag {
	readonly descriptor: number;
	readonly timeMs: number;
	/** Header, body and PreviousTagSize. */
	readonly bytes: Buffer;
	/** Where the stamp goes; 0 where none does. */
	readonly stampAt: number;
}

const TAG_HEADER = 11;
const VIDEO = 9;
const FIRST_PIPE = 3;

/** Splits a recorded file into tags, with room for a stamp made in each picture. */
function tagsOf(file: Buffer, descriptor: number): { header: Buffer; tags: Tag[] } {
	const header = file.subarray(0, 13);
	const tags: Tag[] = [];
	for (let at = 13; at + TAG_HEADER < file.length; ) {
		const size = file.readUIntBE(at + 1, 3);
		const timeMs = file.readUIntBE(at + 4, 3) + (file[at + 7]! & 0x7f) * 2 ** 24;
		const end = at + TAG_HEADER + size + 4;
		const isPicture = file[at] === VIDEO && file[at + TAG_HEADER + 1] === 1;
		const isScript = file[at] === 18;
		if (!isScript)
			tags.push(
				isPicture
					? withRoom(file.subarray(at, end), descriptor, timeMs)
					: plain(file.subarray(at, end), descriptor, timeMs),
			);
		at = end;
	}
	return { header, tags };
}

const plain = (bytes: Buffer, descriptor: number, timeMs: number): Tag => ({
	descriptor,
	timeMs,
	bytes: Buffer.from(bytes),
	stampAt: 0,
});

function withRoom(tag: Buffer, descriptor: number, timeMs: number): Tag {
	const bodyStart = TAG_HEADER + 5; // FrameType and CodecID, AVCPacketType, CompositionTime
	const room = 4 + STAMP_NAL_BYTES;
	const bytes = Buffer.concat([tag.subarray(0, bodyStart), Buffer.alloc(room), tag.subarray(bodyStart)]);
	const size = tag.readUIntBE(1, 3) + room;
	bytes.writeUIntBE(size, 1, 3);
	bytes.writeUInt32BE(STAMP_NAL_BYTES, bodyStart);
	bytes.writeUInt32BE(size + TAG_HEADER, bytes.length - 4);
	return { descriptor, timeMs, bytes, stampAt: bodyStart + 4 };
}

function setTime(tag: Buffer, timeMs: number): void {
	tag.writeUIntBE(timeMs & 0xffffff, 4, 3);
	tag[7] = (timeMs >>> 24) & 0x7f;
}

function writeAll(descriptor: number, bytes: Buffer): void {
	for (let at = 0; at < bytes.length; ) {
		try {
			at += writeSync(descriptor, bytes, at);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
		}
	}
}

async function replay(directory: string): Promise<void> {
	const files = readdirSync(directory)
		.filter((file) => file.endsWith(".flv"))
		.sort();
	const streams = files.map((file, index) => tagsOf(readFileSync(`${directory}/${file}`), FIRST_PIPE + index));
	streams.forEach(({ header }, index) => {
		writeAll(FIRST_PIPE + index, header);
	});
	const tags = streams.flatMap((stream) => stream.tags).sort((a, b) => a.timeMs - b.timeMs);
	const loopMs = Math.round((tags.at(-1)!.timeMs + 33) / 1000) * 1000;
	const start = performance.now();
	for (let loop = 0; ; loop++) {
		for (const { descriptor, timeMs, bytes, stampAt } of tags) {
			if (loop > 0 && bytes[TAG_HEADER + 1] === 0 && stampAt === 0 && bytes[0] === VIDEO) continue; // sequence header
			const at = timeMs + loop * loopMs;
			const wait = start + at - performance.now();
			if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
			setTime(bytes, at);
			if (stampAt > 0) writeStampNal(bytes, stampAt);
			writeAll(descriptor, bytes);
		}
	}
}

process.on("SIGTERM", () => process.exit(0));
await replay(process.argv[2]!).catch((error: NodeJS.ErrnoException) => {
	if (error.code !== "EPIPE") throw error;
});

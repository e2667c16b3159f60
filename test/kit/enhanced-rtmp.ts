/**
 * A publisher of enhanced RTMP: what FFmpeg writes to its standard output, put into RTMP's messages by our own FLV
 * writer and chunk scribe. For HEVC, AV1 and Opus, for which FFmpeg 5.1 has no tags, and for streams that change while
 * they are published.
 */
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { parseName } from "../../src/base/name.ts";
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { flv } from "../../src/media/flv/flv.ts";
import { TagScanner } from "../../src/media/flv/tag-scanner.ts";
import { Fmp4Reader } from "../../src/media/fmp4/reader.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import type { UnitWriter } from "../../src/media/packaging.ts";
import type { StreamReader } from "../../src/media/stream-reader.ts";
import { startProcess } from "./processes.ts";
import { type Signal, signalArguments } from "./publishing.ts";
import { RtmpScript } from "./rtmp-script.ts";

const CHUNK_BYTES = 4096;
const SET_CHUNK_SIZE = 1;
const RENDITION = parseName("published", "the test's rendition");

/** AV1 has no form in FFmpeg's MPEG-TS, and HEVC and Opus come out of its MPEG-TS sooner. */
const FRAGMENTED = ["-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof"];

export class EnhancedPublisher {
	readonly #socket: Socket;
	readonly #script = new RtmpScript();
	readonly #scanner: TagScanner;
	#decode: DecodeInformation = {};
	#unit: UnitWriter | undefined;

	/** @param url `rtmp://127.0.0.1:PORT/live/NAME` */
	constructor(url: string) {
		const { hostname, port, pathname } = new URL(url.replace("rtmp:", "http:"));
		this.#socket = connect({ host: hostname, port: Number(port) });
		this.#socket.on("error", () => undefined).resume();
		onTestFinished(() => void this.#socket.destroy());
		this.#socket.write(this.#script.beginning(pathname.split("/").at(-1)));
		this.#socket.write(this.#script.control(SET_CHUNK_SIZE, CHUNK_BYTES));
		this.#script.scribe.chunkSize = CHUNK_BYTES;
		this.#scanner = new TagScanner({
			tag: ({ type, ms, body }) => {
				const how = { ms, streamId: 1, chunkStream: type === 8 ? 4 : 6 };
				this.#socket.write(this.#script.message(type, body.slice(), how));
			},
			header: () => undefined,
			lost: (_, why) => {
				throw new Error(`our own FLV cannot be read: ${why}`);
			},
		});
	}

	/** What follows is this, until something else is said. */
	decodeInformation(decode: DecodeInformation): void {
		this.#decode = decode;
		this.#unit = undefined;
	}

	accessUnit(accessUnit: AccessUnit): void {
		if (this.#unit === undefined) {
			const times = { time: accessUnit.pts, pictureDuration: ticks90k(3000) };
			const head = { number: 0, ...times, accessUnitsBefore: 0, rendition: RENDITION, decode: this.#decode };
			this.#unit = flv.openUnit(head);
		}
		this.#scanner.push(this.#unit.write(accessUnit, (byteLength) => new Uint8Array(byteLength)));
	}

	/** The connection is closed without a word. */
	close(): void {
		this.#socket.destroy();
	}
}

/** The test signal, as FFmpeg makes it in real time, in any codec. */
export function publishEnhanced(url: string, signal: Signal): EnhancedPublisher {
	const publisher = new EnhancedPublisher(url);
	const sink = {
		accessUnit: (accessUnit: AccessUnit) => publisher.accessUnit(accessUnit),
		decodeInformation: (decode: DecodeInformation) => publisher.decodeInformation(decode),
	};
	const isAv1 = signal.codec === "av1";
	const reader: StreamReader = isAv1 ? new Fmp4Reader(sink) : new MpegTsReader(sink);
	const output = isAv1 ? FRAGMENTED : ["-f", "mpegts"];
	const onStdout = (bytes: Uint8Array): void => reader.push(bytes);
	const making = startProcess("ffmpeg", signalArguments([...output, "-"], signal), { onStdout });
	onTestFinished(async () => void (await making.stop()));
	return publisher;
}

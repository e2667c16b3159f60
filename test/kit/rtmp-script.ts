/** What an RTMP client sends, piece by piece, for tests that have the machine before them and for those on a socket. */
import { type AmfValue, writeValues } from "../../src/media/flv/amf0.ts";
import { ChunkScribe } from "./rtmp-chunks.ts";

const COMMANDS = 3;
const MEDIA = 4;

/** C0, C1 and C2 of the simple form. */
export const HANDSHAKE = ((): Uint8Array => {
	const bytes = new Uint8Array(1 + 2 * 1536).fill(7);
	bytes[0] = 3;
	bytes.fill(0, 1, 9);
	return bytes;
})();

/** One client's chunks in their order; each method gives the bytes of one message. */
export class RtmpScript {
	readonly scribe = new ChunkScribe();
	#transaction = 0;

	command(name: string, ...values: AmfValue[]): Uint8Array {
		return this.message(20, writeValues([name, ++this.#transaction, ...values]), { chunkStream: COMMANDS });
	}

	message(type: number, body: Uint8Array, { ms = 0, streamId = 0, chunkStream = MEDIA, format = 0 } = {}): Uint8Array {
		return this.scribe.write({ chunkStream, type, ms, streamId, body }, format);
	}

	/** A control message of one number. */
	control(type: number, value: number): Uint8Array {
		const body = new Uint8Array(4);
		new DataView(body.buffer).setUint32(0, value);
		return this.message(type, body, { chunkStream: 2 });
	}

	connect(app = "live", more: readonly (readonly [string, AmfValue])[] = []): Uint8Array {
		return this.command("connect", new Map<string, AmfValue>([["app", app], ["tcUrl", `rtmp://host/${app}`], ...more]));
	}

	/** On message stream 1: the first that a server gives. */
	publish(name = "cam", streamId = 1): Uint8Array {
		const body = writeValues(["publish", ++this.#transaction, null, name, "live"]);
		return this.message(20, body, { chunkStream: COMMANDS, streamId });
	}

	/** All that comes before media. */
	beginning(name?: string): Uint8Array {
		return Buffer.concat([HANDSHAKE, this.connect(), this.command("createStream", null), this.publish(name)]);
	}
}

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** x264, Main, 320×180. */
export const AVC_HEADER = hex("1700000000 014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80");
/** AAC-LC, 48 kHz, two channels. */
export const AAC_HEADER = hex("af00 1190");

/** A picture of one NAL unit. */
export const avcPicture = (key: boolean, payload: number, compositionMs = 0): Uint8Array =>
	Uint8Array.from([
		...[key ? 0x17 : 0x27, 1, compositionMs >> 16, compositionMs >> 8, compositionMs],
		...[0, 0, 0, 3, key ? 0x65 : 0x41, payload, 0x80],
	]);

export const aacFrame = (...payload: number[]): Uint8Array => Uint8Array.of(0xaf, 1, ...payload);

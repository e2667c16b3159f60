/**
 * RTMP's chunks as a client writes them, in all their formats: the other side of `src/ingest/rtmp/chunk-reader.ts`, of
 * which it knows nothing.
 */
export interface SentMessage {
	/** 2 to 65599. */
	readonly chunkStream: number;
	readonly type: number;
	/** 32 bits. */
	readonly ms: number;
	readonly streamId: number;
	readonly body: Uint8Array;
}

interface Said {
	readonly ms: number;
	/** The time stamp or delta in the last header. */
	readonly field: number;
	readonly length: number;
	readonly type: number;
	readonly streamId: number;
}

export class ChunkScribe {
	chunkSize = 128;
	/** Whether chunks that continue a message say an extended time stamp again: some do, some do not. */
	repeatsExtended = true;
	readonly #said = new Map<number, Said>();

	/** @param format the shortest header wanted: a longer one where that cannot say what is new. @returns each chunk */
	chunks(message: SentMessage, format = 0): Uint8Array[] {
		const { chunkStream, type, ms, streamId, body } = message;
		const last = this.#said.get(chunkStream);
		const delta = last === undefined ? 0 : (ms - last.ms + 2 ** 32) % 2 ** 32;
		const length = body.length;
		const sameKind = last?.length === length && last.type === type;
		const shortest =
			last === undefined || last.streamId !== streamId ? 0 : !sameKind ? 1 : delta !== last.field ? 2 : 3;
		const used = Math.min(format, shortest);
		const field = used === 0 ? ms : delta;
		this.#said.set(chunkStream, { ms, field, length, type, streamId });
		const isExtended = field >= 0xff_ffff;
		const extension = isExtended ? uint(field, 4) : [];
		const times = used === 3 ? [] : uint(isExtended ? 0xff_ffff : field, 3);
		const kind = used < 2 ? [...uint(length, 3), type] : [];
		const id = used === 0 ? uint(streamId, 4).reverse() : [];
		const first = [...basicHeader(used, chunkStream), ...times, ...kind, ...id, ...extension];
		const next = [...basicHeader(3, chunkStream), ...(this.repeatsExtended ? extension : [])];
		const count = Math.max(1, Math.ceil(length / this.chunkSize));
		return Array.from({ length: count }, (_, index) => {
			const piece = body.subarray(index * this.chunkSize, (index + 1) * this.chunkSize);
			return Uint8Array.from([...(index === 0 ? first : next), ...piece]);
		});
	}

	write(message: SentMessage, format?: number): Uint8Array {
		return Buffer.concat(this.chunks(message, format));
	}
}

function basicHeader(format: number, chunkStream: number): number[] {
	const top = format << 6;
	if (chunkStream < 64) return [top | chunkStream];
	const rest = chunkStream - 64;
	return rest < 256 ? [top, rest] : [top | 1, rest & 0xff, rest >> 8];
}

const uint = (value: number, byteLength: number): number[] =>
	Array.from({ length: byteLength }, (_, index) => Math.floor(value / 256 ** (byteLength - 1 - index)) % 256);

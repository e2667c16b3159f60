/**
 * One HTTP chunk (RFC 9112, clause 7.1), framed once and shared by every viewer of a rendition and packaging.
 */

export interface Chunk {
	/** Size line, payload and line end: what a viewer with chunked transfer coding is sent. */
	readonly framed: Buffer;
	/** The payload alone, a view into `framed`: what a viewer that speaks HTTP/1.0 is sent. */
	readonly payload: Buffer;
	/** Number of the first packet in it, not wrapped; 0 where the packaging numbers none. */
	readonly number: number;
}

/** The chunk of size zero and the empty trailer section: the end of a chunked body. */
export const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");

/**
 * Builds a chunk around bytes that `write` puts straight into it, without a copy.
 * @param write must ask for memory once; what it returns is not looked at
 * @param number see Chunk
 * @returns undefined where `write` asked for no memory: a chunk of size zero would end the body
 */
export function buildChunk(
	write: (allocate: (byteLength: number) => Uint8Array) => unknown,
	number = 0,
): Chunk | undefined {
	let chunk: Chunk | undefined;
	write((byteLength) => {
		const size = `${byteLength.toString(16)}\r\n`;
		const framed = Buffer.allocUnsafeSlow(size.length + byteLength + 2);
		framed.write(size, 0, "latin1");
		framed.write("\r\n", size.length + byteLength, "latin1");
		const payload = framed.subarray(size.length, size.length + byteLength);
		chunk = { framed, payload, number };
		return payload;
	});
	return chunk;
}

/** A chunk of the same size whose payload `change` may write into. */
export function copyChunk(chunk: Chunk, number: number, change: (payload: Uint8Array) => void): Chunk {
	const framed = Buffer.from(chunk.framed);
	const start = chunk.payload.byteOffset - chunk.framed.byteOffset;
	const payload = framed.subarray(start, start + chunk.payload.length);
	change(payload);
	return { framed, payload, number };
}

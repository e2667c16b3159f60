/**
 * The test signal's bar, read back from a decoded picture. Every frame of the signal says which one it is and when it
 * was made, in a way that survives scaling, encoding and any player; the built-in source of a channel makes it.
 *
 * The top eighth of the picture is a bar of 24 × 2 cells, black (0) or white (1), least significant bit on the left:
 *   row 1   20 bits of frame counter, then 4 bits of checksum: (sum of the counter's nibbles + 5) mod 16
 *   row 2   24 bits of wall clock: milliseconds since 1970, mod 2²⁴ (4.66 hours)
 */

/** Cells in a row of the bar; row 1 is the counter and its checksum, row 2 the clock. */
export const CELLS_PER_ROW = 24;
export const COUNTER_BITS = 20;
/** The bar's share of the picture's height is 1 in this many. */
export const BAR_SHARE = 8;
const CLOCK_MODULUS_MS = 2 ** 24;

/** The small gray picture into which decoders put the bar: 8 × 8 samples a cell. */
export const BAR_WIDTH = CELLS_PER_ROW * 8;
export const BAR_HEIGHT = 16;

/** FFmpeg filters that cut the bar out and shrink it. Written with `ih`, so that they hold when the size changes. */
export const BAR_FILTERS = `crop=iw:ih/${BAR_SHARE}:0:0,scale=${BAR_WIDTH}:${BAR_HEIGHT}:flags=area,setsar=1,format=gray`;

export interface FrameReading {
	readonly counter: number;
	/** False where the cells do not hold together: the picture is damaged, or there was no bar in it. */
	readonly checksumOk: boolean;
	/** When the frame was made: milliseconds since 1970, mod 2²⁴. */
	readonly clockMs: number;
}

/** Four bits that tell whether the twenty before them were read right. */
export function checksumOf(counter: number): number {
	let sum = 5;
	for (let left = counter; left > 0; left >>= 4) sum += left & 15;
	return sum & 15;
}

/**
 * Reads the bar.
 * @param gray luma samples, rows of `width`, that start with the bar; a whole picture will do
 * @param barHeight rows of the bar: an eighth of the picture's height
 */
export function readBar(gray: Uint8Array, width: number, barHeight: number): FrameReading {
	let counter = 0;
	let checksum = 0;
	let clockMs = 0;
	for (let cell = 0; cell < CELLS_PER_ROW; cell++) {
		const bit = cellIsWhite(gray, width, barHeight, cell, 0) ? 1 : 0;
		if (cell < COUNTER_BITS) counter |= bit << cell;
		else checksum |= bit << (cell - COUNTER_BITS);
		if (cellIsWhite(gray, width, barHeight, cell, 1)) clockMs |= 1 << cell;
	}
	return { counter, checksumOk: checksum === checksumOf(counter), clockMs };
}

/** Milliseconds from a frame's making until `nowMs` (since 1970), right as long as it is less than two hours. */
export function ageMs(reading: FrameReading, nowMs: number): number {
	const age = (((nowMs - reading.clockMs) % CLOCK_MODULUS_MS) + CLOCK_MODULUS_MS) % CLOCK_MODULUS_MS;
	return age < CLOCK_MODULUS_MS / 2 ? age : age - CLOCK_MODULUS_MS;
}

/** The mean of up to 5 × 5 samples around a cell's centre, against the middle between black and white. */
function cellIsWhite(gray: Uint8Array, width: number, barHeight: number, cell: number, row: number): boolean {
	const x = Math.floor(((cell + 0.5) * width) / CELLS_PER_ROW);
	const y = Math.floor(((row + 0.5) * barHeight) / 2);
	const reachX = Math.min(2, Math.floor(width / CELLS_PER_ROW / 4));
	const reachY = Math.min(2, Math.floor(barHeight / 8));
	let sum = 0;
	for (let dy = -reachY; dy <= reachY; dy++) {
		for (let dx = -reachX; dx <= reachX; dx++) sum += gray[(y + dy) * width + x + dx]!;
	}
	return sum / ((2 * reachX + 1) * (2 * reachY + 1)) > 125;
}

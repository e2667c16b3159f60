/**
 * Unwrapping of counters and time stamps that the wire cuts to a few bits: 24 and 31 bits of milliseconds (RTMP, FLV
 * from FFmpeg), 32 bits (RTP), 33 bits (MPEG-TS PTS and PCR).
 * Invariant: |unwrap(x) − previous result| ≤ 2^(bits − 1), and unwrap(x) ≡ x mod 2^bits.
 */
export class Unwrapper {
	readonly #modulus: number;
	#last: number | undefined;

	/** @param bits width on the wire, 8 to 48 */
	constructor(bits: number) {
		this.#modulus = 2 ** bits;
	}

	/** @param wrapped the field as read, 0 ≤ wrapped < 2^bits; the first value is taken as it is */
	unwrap(wrapped: number): number {
		const modulus = this.#modulus;
		if (this.#last === undefined) {
			this.#last = wrapped;
			return wrapped;
		}
		const lastWrapped = ((this.#last % modulus) + modulus) % modulus;
		let step = wrapped - lastWrapped;
		if (step > modulus / 2) step -= modulus;
		else if (step < -modulus / 2) step += modulus;
		this.#last += step;
		return this.#last;
	}
}

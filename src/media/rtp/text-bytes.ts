/** Bytes as the text of a payload description's parameters: Base64 (RFC 4648, clause 4) and hexadecimal digits. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @returns undefined where the text is none; padding may be left out, as some senders do */
export function fromBase64(text: string): Uint8Array | undefined {
	const letters = text.trim().replace(/={1,2}$/, "");
	if (letters.length % 4 === 1) return undefined;
	const out = new Uint8Array(Math.floor((letters.length * 3) / 4));
	let bits = 0;
	let length = 0;
	for (let i = 0; i < letters.length; i++) {
		const value = LETTERS.indexOf(letters[i]!);
		if (value < 0) return undefined;
		bits = ((bits << 6) | value) & 0xffff;
		if (i % 4 !== 0) out[length++] = bits >> (6 - 2 * (i % 4)); // a Uint8Array keeps the low eight bits
	}
	return out;
}

export function toBase64(bytes: Uint8Array): string {
	let text = "";
	for (let at = 0; at < bytes.length; at += 3) {
		const three = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
		for (let i = 0; i < 4; i++) text += at + i > bytes.length ? "=" : LETTERS[(three >> (18 - 6 * i)) & 0x3f]!;
	}
	return text;
}

/** @returns undefined where the text is no pairs of hexadecimal digits */
export function fromHex(text: string): Uint8Array | undefined {
	const digits = text.trim();
	if (digits.length % 2 === 1 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
	return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

export const toHex = (bytes: Uint8Array): string =>
	Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

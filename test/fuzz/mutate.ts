/**
 * One input of the fuzzer: an intact stream, and changes to it. Some are blind (bits, runs, pieces cut out, put in,
 * doubled, swapped); some know the stream's parts, so that they get past the outermost checks: a tag or box that grows
 * with its length fields, lengths at their extremes, a section changed and signed again.
 */
import type { Draft } from "./draft.ts";
import type { Random } from "./random.ts";
import { type Container, type Part, signSections } from "./structure.ts";

export interface Specimen {
	readonly label: string;
	readonly bytes: Uint8Array;
	/** In the stream's order, a box before the boxes in it. */
	readonly parts: readonly Part[];
}

const EXTREMES = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffff, 0xffffff, 0x7fffffff, 0xffffffff];
const FILLINGS = [0, 0xff, 0x47, 0x01, 0x80, 0x09];
/** Where the fields of a part stand: how far from its start they are changed on purpose. */
const HEAD_BYTES = 28;
const LONGEST_PIECE = 1500;

/** Makes the input with these numbers of chance. The draft's memory must hold the longest specimen twice. */
export function makeInput(draft: Draft, container: Container, specimens: readonly Specimen[], random: Random): void {
	const specimen = random.pick(specimens);
	if (random.oneIn(40)) {
		makeGarbage(draft, specimen, random);
		return;
	}
	draft.take(specimen.bytes);
	// On the intact stream, where the parts are still where they were.
	if (random.oneIn(3)) changePart(draft, specimen.parts, random);
	else if (random.oneIn(8)) splice(draft, random.pick(specimens), random);
	const changes = random.oneIn(3) ? random.between(4, 16) : random.between(0, 4);
	for (let i = 0; i < changes; i++) change(draft, specimen, random);
	if (random.oneIn(2)) signSections(container, draft);
}

/** A length from 1 on, short more often than long. */
const someLength = (random: Random, most: number): number =>
	Math.max(1, Math.floor(Math.min(most, LONGEST_PIECE) * (random.next() / 2 ** 32) ** 3));

function change(draft: Draft, specimen: Specimen, random: Random): void {
	if (draft.length === 0) return;
	const at = random.below(draft.length);
	const room = draft.length - at;
	switch (random.below(12)) {
		case 0:
		case 1:
			draft.bytes[at]! ^= 1 << random.below(8);
			break;
		case 2:
			draft.bytes[at] = random.next();
			break;
		case 3:
			draft.bytes.fill(random.pick(FILLINGS), at, at + Math.min(room, someLength(random, room)));
			break;
		case 4:
			draft.remove(at, someLength(random, room));
			break;
		case 5:
			insertNoise(draft, at, random);
			break;
		case 6:
			draft.insert(random.below(draft.length), draft.bytes.subarray(at, at + someLength(random, room)));
			break;
		case 7:
			swap(draft, at, random);
			break;
		case 8:
			if (random.oneIn(3)) draft.length = at;
			break;
		case 9:
			draft.write(at, random.between(1, 8), random.pick(EXTREMES));
			break;
		default:
			changeField(draft, specimen.parts, random);
	}
}

function insertNoise(draft: Draft, at: number, random: Random): void {
	const count = someLength(random, LONGEST_PIECE);
	draft.open(at, count);
	for (let i = at; i < Math.min(at + count, draft.length); i++) draft.bytes[i] = random.next();
}

function swap(draft: Draft, one: number, random: Random): void {
	const other = random.below(draft.length);
	const [first, second] = one < other ? [one, other] : [other, one];
	const count = Math.min(someLength(random, second - first + 1), second - first, draft.length - second);
	const copy = draft.bytes.slice(first, first + count);
	draft.bytes.copyWithin(first, second, second + count);
	draft.bytes.set(copy, second);
}

/** A byte or a length near the start of a part, where it was before other changes moved it. */
function changeField(draft: Draft, parts: readonly Part[], random: Random): void {
	if (parts.length === 0) return;
	const { at, end, lengthAt, lengthBytes } = random.pick(parts);
	if (lengthBytes > 0 && random.oneIn(2)) {
		const value = random.oneIn(3) ? draft.read(lengthAt, lengthBytes) + random.between(-9, 9) : random.pick(EXTREMES);
		draft.write(lengthAt, lengthBytes, Math.max(0, value));
		return;
	}
	const field = at + random.below(Math.min(HEAD_BYTES, end - at));
	if (field >= draft.length) return;
	if (random.oneIn(2)) draft.bytes[field]! ^= 1 << random.below(8);
	else draft.write(field, random.pick([1, 1, 2, 3, 4, 8]), random.pick(EXTREMES));
}

/** A whole part goes, comes twice or elsewhere, or grows or shrinks inside; lengths around it go along, mostly. */
function changePart(draft: Draft, parts: readonly Part[], random: Random): void {
	if (parts.length === 0) return;
	const part = random.pick(parts);
	const size = part.end - part.at;
	const around = parts.filter(({ at, end }) => at < part.at && part.end <= end && (at !== part.at || end !== part.end));
	const telling = random.oneIn(5) ? [] : around;
	switch (random.below(4)) {
		case 0:
			resize(draft, telling, -size);
			draft.remove(part.at, size);
			break;
		case 1:
			resize(draft, telling, size);
			draft.insert(part.at, draft.bytes.subarray(part.at, part.end));
			break;
		case 2:
			draft.insert(random.pick(parts).at, draft.bytes.subarray(part.at, part.end));
			break;
		default:
			resizeInside(draft, part, telling, random);
	}
}

function resizeInside(draft: Draft, part: Part, around: readonly Part[], random: Random): void {
	const at = random.between(part.at, part.end - 1);
	const room = part.end - at - (part.echoAt === undefined ? 0 : 4);
	if (room < 1) return;
	const count = someLength(random, room);
	const grows = random.oneIn(2);
	resize(draft, [...around, part], grows ? count : -count);
	// What lay there comes twice.
	if (grows) draft.open(at, count);
	else draft.remove(at, count);
}

function resize(draft: Draft, parts: readonly Part[], by: number): void {
	for (const { lengthAt, lengthBytes, echoAt } of parts) {
		if (lengthBytes === 0) continue;
		draft.write(lengthAt, lengthBytes, Math.max(0, draft.read(lengthAt, lengthBytes) + by));
		if (echoAt !== undefined) draft.write(echoAt, 4, Math.max(0, draft.read(echoAt, 4) + by));
	}
}

/** The start of this stream, then the rest of another from anywhere on. */
function splice(draft: Draft, other: Specimen, random: Random): void {
	draft.length = random.below(draft.length);
	draft.append(other.bytes.subarray(random.below(other.bytes.length)));
}

/** Noise, with the magic bytes of the container in it where a reader looks for them. */
function makeGarbage(draft: Draft, { bytes, parts }: Specimen, random: Random): void {
	draft.length = random.between(1, 4096);
	for (let at = 0; at < draft.length; at++) draft.bytes[at] = random.next();
	if (parts.length === 0 || random.oneIn(3)) return;
	const step = random.pick([188, 188, 64, 300]);
	for (let at = 0; at < draft.length; at += step) {
		const head = random.pick(parts).at;
		const count = Math.min(random.between(1, HEAD_BYTES), draft.length - at);
		draft.bytes.set(bytes.subarray(head, head + count), at);
	}
}

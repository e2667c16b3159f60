/**
 * The seam between units and packagings. A packaging turns the access units of one unit of one rendition into bytes.
 *
 * Invariant (canonical boundaries): the bytes of a unit are a pure function of its head and its access units, and the
 * state that a demultiplexer keeps at a unit's end is the same in every rendition. So a switch moves a cursor from the
 * end of one rendition's unit to the start of the next unit of another, and rewrites no byte; a unit can be packaged
 * late, twice, or on two machines, with the same result.
 */
import type { Ticks90k } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "./access-unit.ts";
import type { PackagingName } from "./packaging-names.ts";

/** What is known of a unit when its first access unit arrives. */
export interface UnitHead {
	/** Runs up by one over the whole channel; the same in every rendition. */
	readonly number: number;
	/** PTS of the IDR picture that opens the unit; where there is no video, of its first audio frame. */
	readonly time: Ticks90k;
	/**
	 * From one picture to the next at the start of the unit, as far as can be known then: the longest step of the unit
	 * before. The same in every rendition. For packagings that must say a duration before the next picture is there.
	 */
	readonly pictureDuration: Ticks90k;
	/**
	 * Access units of the channel in the units before this one, since it began. The same in every rendition, so that
	 * whatever numbers pieces one by one runs on over a switch.
	 */
	readonly accessUnitsBefore: number;
	readonly rendition: string;
	readonly decode: DecodeInformation;
}

/**
 * Gives memory for one piece of output, so that a caller can have the bytes written where it wants them (inside an
 * HTTP chunk, say) without a copy. The writer fills all of it.
 */
export type Allocate = (byteLength: number) => Uint8Array;

/**
 * Numbers that packets carry and that run on over a whole response, for the packagings that have such (RTP). A unit is
 * written with numbers from 0; whoever sends it shifts them to follow what was sent before.
 */
export interface PacketNumbering {
	/** Packets in a piece of output, as `UnitWriter` gave it. */
	readonly count: (piece: Uint8Array) => number;
	/** Adds `offset` to the number of every packet in the piece, modulo the field's width. Writes into `piece`. */
	readonly shift: (piece: Uint8Array, offset: number) => void;
}

/** Writes one unit; made for it and thrown away with it. */
export interface UnitWriter {
	/** The bytes of one access unit, decode information first if it is the unit's first. Never waits for the next. */
	write(accessUnit: AccessUnit, allocate: Allocate): Uint8Array;
	/** What closes the unit (known only when the next one begins); undefined where nothing is to be said. */
	close(allocate: Allocate): Uint8Array | undefined;
}

export interface Packaging extends PackagingName {
	/** Absent where a unit's bytes carry no number that runs on over units. */
	readonly numbering?: PacketNumbering;
	/** Why this packaging cannot carry these tracks, as a clause ("has no form for AV1"); undefined where it can. */
	refusal(decode: DecodeInformation): string | undefined;
	/** What opens a response, before its first unit; undefined where a unit says it all. */
	responseStart(head: UnitHead, allocate: Allocate): Uint8Array | undefined;
	openUnit(head: UnitHead): UnitWriter;
	/** What a viewer gets before a unit to which it was moved over a hole (never at a switch). */
	hole(head: UnitHead, allocate: Allocate): Uint8Array | undefined;
}

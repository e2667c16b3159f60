/**
 * Units as branded numbers: a duration in milliseconds cannot be handed where 90 kHz ticks are wanted.
 * A brand costs nothing at run time. Conversions exist by name only.
 */

declare const unit: unique symbol;
type Branded<Name extends string> = number & { readonly [unit]: Name };

/** Time on the 90 kHz clock of ISO/IEC 13818-1 (PTS, DTS), unwrapped: it never goes back to zero. */
export type Ticks90k = Branded<"ticks90k">;
/** A duration, or a reading of a monotonic clock, in milliseconds. */
export type Milliseconds = Branded<"ms">;
/** Milliseconds since 1970-01-01T00:00:00Z, by the wall clock. */
export type EpochMs = Branded<"epochMs">;
export type BitsPerSecond = Branded<"bps">;
export type Bytes = Branded<"bytes">;

export const ticks90k = (value: number): Ticks90k => value as Ticks90k;
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const epochMs = (value: number): EpochMs => value as EpochMs;
export const bitsPerSecond = (value: number): BitsPerSecond => value as BitsPerSecond;
export const bytes = (value: number): Bytes => value as Bytes;

export const TICKS_PER_MS = 90;

/** Milliseconds to 90 kHz ticks; exact for whole milliseconds. */
export const msToTicks = (value: number): Ticks90k => ticks90k(Math.round(value * TICKS_PER_MS));
/** 90 kHz ticks to milliseconds, fractions kept. */
export const ticksToMs = (value: Ticks90k): Milliseconds => milliseconds(value / TICKS_PER_MS);

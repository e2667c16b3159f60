/** What a reader of MPEG-TS counts. */

/** Running totals of what was wrong with the input, and of what is right but worth a look. */
export interface MpegTsCounts {
	readonly packets: number;
	readonly syncLosses: number;
	readonly skippedBytes: number;
	/** Sum over all PIDs; `pids` has each. */
	readonly continuityErrors: number;
	/** Packets with discontinuity_indicator. */
	readonly discontinuities: number;
	/** Packets with transport_error_indicator, scrambled, or with a broken adaptation field. */
	readonly badPackets: number;
	readonly psiCrcErrors: number;
	/** PES packets that were cut short, damaged, too large, or have a broken header. */
	readonly badPes: number;
	/** Payloads, frames and parameter sets that could not be read. */
	readonly badPayloads: number;
	readonly paddingPes: number;
	readonly pids: ReadonlyMap<number, PidCounts>;
}

export interface PidCounts {
	readonly bytes: number;
	readonly continuityErrors: number;
}

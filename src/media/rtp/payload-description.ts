/**
 * What a session's description says of one RTP payload type: what a depacketizer is opened with and a packetizer is
 * described by. SDP's `a=rtpmap` and `a=fmtp` say it (RFC 8866, clauses 6.6 and 6.15); how SDP is read is not here.
 */
export interface PayloadDescription {
	/** 0 to 127. */
	readonly payloadType: number;
	/** As the description has it: upper and lower case are alike ("H264", "mpeg4-generic", "MP2T"). */
	readonly encodingName: string;
	readonly clockRateHz: number;
	/** Of audio, where it is said. */
	readonly channels?: number;
	/** Of `a=fmtp`: names in lower case; a parameter without a value has "". */
	readonly parameters: ReadonlyMap<string, string>;
}

/** RFC 3551, table 5: the one static payload type that Penstock carries. */
export const STATIC_MP2T: PayloadDescription = {
	payloadType: 33,
	encodingName: "MP2T",
	clockRateHz: 90_000,
	parameters: new Map(),
};

/** A whole number among the parameters; `otherwise` where it is left out, and NaN where it is none. */
export function numberParameter({ parameters }: PayloadDescription, name: string, otherwise: number): number {
	const text = parameters.get(name)?.trim();
	if (text === undefined) return otherwise;
	return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}

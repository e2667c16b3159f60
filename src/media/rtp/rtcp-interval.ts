/** How often a participant sends RTCP: RFC 3550, clauses 6.2, 6.3.1 and A.7, without timer reconsideration. */

/** Reports are no closer together than this; a participant's first may come after half of it. */
const LEAST_INTERVAL_MS = 5000;
/** Senders share a quarter of RTCP's bandwidth where they are a quarter of all or fewer. */
const SENDERS_SHARE = 0.25;
/** Takes out what the random factor and reconsideration do to the mean: e − 3/2. */
const COMPENSATION = Math.E - 1.5;
/** The share of the newest packet in the average size. */
const SIZE_GAIN = 1 / 16;

export interface RtcpSituation {
	/** Participants, itself included, and those of them who send media. */
	readonly members: number;
	readonly senders: number;
	/** Whether it has sent media since its last reports but one. */
	readonly isSender: boolean;
	/** Of all RTCP of the session: 5 % of its bandwidth where nothing else is said. */
	readonly rtcpBps: number;
	/** Of compound packets with UDP's and IP's headers; see `averageRtcpBytes`. */
	readonly averageBytes: number;
	/** It has sent none yet. */
	readonly isFirst: boolean;
}

/**
 * When the next compound is due, from the one before.
 * @param chance from 0 to below 1, another each time: reports of many must not come together
 */
export function rtcpIntervalMs(situation: RtcpSituation, chance: number): number {
	const { members, senders, isSender, rtcpBps, averageBytes, isFirst } = situation;
	const areFewSenders = senders > 0 && senders <= members * SENDERS_SHARE;
	const share = areFewSenders ? (isSender ? SENDERS_SHARE : 1 - SENDERS_SHARE) : 1;
	const sharers = areFewSenders ? (isSender ? senders : members - senders) : members;
	const byBandwidthMs = (averageBytes * 8 * sharers * 1000) / (rtcpBps * share);
	const leastMs = isFirst ? LEAST_INTERVAL_MS / 2 : LEAST_INTERVAL_MS;
	return (Math.max(byBandwidthMs, leastMs) * (chance + 0.5)) / COMPENSATION;
}

/** @param byteLength of a compound packet that was sent or has come, with UDP's and IP's headers */
export const averageRtcpBytes = (average: number, byteLength: number): number =>
	average + (byteLength - average) * SIZE_GAIN;

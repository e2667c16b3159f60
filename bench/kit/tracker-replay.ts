/**
 * What the server's own `LinkTracker` makes of a recorded connection: it is told what was sent, looks when it wants to
 * look, and sees what TCP_INFO said at that millisecond.
 */
import { bitsPerSecond, milliseconds } from "../../src/base/units.ts";
import type { LinkReading } from "../../src/switching/link-reading.ts";
import { LinkTracker } from "../../src/switching/link-tracker.ts";
import type { Sample, Sent } from "./burst-timing.ts";

interface Recorded {
	readonly samples: readonly Sample[];
	readonly sends: readonly Sent[];
	readonly segmentBytes: number;
	/** Ends of units: when to ask. */
	readonly unitEnds: readonly number[];
	/** How the time of the newest acknowledgement is made of a sample. */
	readonly ackTime: (sample: Sample) => number;
}

/** The tracker's capacity at each unit's end in bits per second, and how often it has looked in all. */
export function replayTracker(recorded: Recorded): { readonly capacities: readonly number[]; readonly looks: number } {
	const { samples, sends, segmentBytes, unitEnds, ackTime } = recorded;
	const tracker = new LinkTracker();
	const capacities: number[] = [];
	let looks = 0;
	let nextSend = 0;
	let nextEnd = 0;
	let hasSent = false;
	for (const sample of samples) {
		for (; nextEnd < unitEnds.length && unitEnds[nextEnd]! <= sample.at; nextEnd++) {
			capacities.push(tracker.state(milliseconds(unitEnds[nextEnd]!))?.capacity ?? bitsPerSecond(Number.NaN));
			tracker.endUnit(Number.POSITIVE_INFINITY);
		}
		for (; nextSend < sends.length && sends[nextSend]!.at <= sample.at; nextSend++) {
			const { at, end } = sends[nextSend]!;
			tracker.sent(milliseconds(at), end - (sends[nextSend - 1]?.end ?? 0), milliseconds(at));
			hasSent = true;
		}
		const now = milliseconds(sample.at);
		if (now < tracker.nextLookAt && !(hasSent && tracker.wantsLook(now, "write"))) continue;
		hasSent = false;
		looks++;
		if (tracker.isCalm(now) && tracker.glance(now, sample.acked)) continue;
		tracker.look({
			at: now,
			ackedBytes: sample.acked,
			deliveredBytes: sample.acked,
			lastAckAt: milliseconds(ackTime(sample)),
			roundTrip: milliseconds(sample.roundTrip),
			minRoundTrip: milliseconds(sample.minRtt),
			receiverLimited: milliseconds(0),
			segmentBytes,
			pacingRate: bitsPerSecond(sample.pacingBps),
		} satisfies LinkReading);
	}
	return { capacities, looks };
}

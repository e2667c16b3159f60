/**
 * How fast a link is, told from one burst of bytes and when they were acknowledged: the estimate `bytes / (time of the
 * acknowledgement − time of sending − least round trip)`, by the exact time of the acknowledgement, and by what a
 * server learns of it that looks at TCP_INFO now and then. Pure arithmetic on what `link-sender.ts` recorded.
 */

/** One look at TCP_INFO. Times in milliseconds of one clock, sizes in bytes. */
export interface Sample {
	readonly at: number;
	readonly acked: number;
	/** `tcpi_last_ack_recv`. */
	readonly sinceAck: number;
	/** The last tick of the kernel's clock, by which `sinceAck` was counted. */
	readonly tick: number;
	readonly roundTrip: number;
	readonly minRtt: number;
	readonly pacingBps: number;
	readonly deliveryBps: number;
	readonly appLimited: boolean;
	readonly busyMs: number;
}

/** What was sent at the start of a unit. Offsets count the bytes of the connection. */
export interface Burst {
	readonly at: number;
	readonly start: number;
	readonly end: number;
	/** Two segments before the end. */
	readonly inner: number;
	/** When the acknowledgements of `end` and `inner` came, as the kernel stamped them. */
	readonly endAckedAt: number;
	readonly innerAckedAt: number;
	/** The look just before it was sent. */
	readonly before: Sample;
}

/** What was sent, up to which byte. */
export interface Sent {
	readonly at: number;
	readonly end: number;
}

/** When to look, as milliseconds after the sending of a burst. */
type Looks = (minRtt: number) => Iterable<number>;

const each = (periodMs: number): Looks =>
	function* () {
		// A poll does not know of the burst: it comes at any phase, half of its period on the mean.
		phase = (phase + 0.618_034) % 1;
		for (let at = periodMs * phase; at < 2000; at += periodMs) yield at;
	};
let phase = 0;

const growing: Looks = function* (minRtt) {
	for (let at = minRtt + 8, gap = 8; at < 2000; at += gap, gap *= 1.5) yield at;
};

const bps = (bytes: number, ms: number): number => (ms > 0 ? (bytes * 8000) / ms : Number.POSITIVE_INFINITY);

/** The last sample at or before each of these times; samples are a millisecond apart. */
function* seen(samples: readonly Sample[], burst: Burst, looks: Looks): Generator<Sample> {
	let index = samples.findIndex(({ at }) => at >= burst.at);
	if (index < 0) return;
	for (const after of looks(burst.before.minRtt)) {
		while (index < samples.length && samples[index]!.at < burst.at + after) index++;
		if (index === samples.length) return;
		yield samples[index]!;
	}
}

/** How the time of the newest acknowledgement is made of a look. */
export const ackTimes = {
	/** As TCP_INFO has it. */
	ago: ({ at, sinceAck }: Sample): number => at - sinceAck,
	/** The middle of the tick in which it came. */
	tick: ({ at, tick, sinceAck }: Sample): number => Math.min(at, tick - sinceAck + 2),
	/** The look itself. */
	look: ({ at }: Sample): number => at,
};

/** The whole burst, at the first look at which all of it was acknowledged. */
function atCompletion(samples: readonly Sample[], burst: Burst, looks: Looks, ackTime: keyof typeof ackTimes): number {
	let lastIncomplete = burst.at;
	for (const sample of seen(samples, burst, looks)) {
		if (sample.acked < burst.end) {
			lastIncomplete = sample.at;
			continue;
		}
		const ackAt = Math.max(lastIncomplete, ackTimes[ackTime](sample));
		return bps(burst.end - burst.start, ackAt - burst.at - sample.minRtt);
	}
	return Number.NaN;
}

/** The last look with at least half of the burst, and not all of it, acknowledged. */
function metOnTheWay(samples: readonly Sample[], burst: Burst, looks: Looks): Sample | undefined {
	let met: Sample | undefined;
	for (const sample of seen(samples, burst, looks)) {
		if (sample.acked >= burst.end) break;
		if (sample.acked - burst.start >= 0.5 * (burst.end - burst.start)) met = sample;
	}
	return met;
}

/** From that look, by the time of its newest acknowledgement. */
function onTheWay(samples: readonly Sample[], burst: Burst, looks: Looks): number {
	const met = metOnTheWay(samples, burst, looks);
	return met === undefined ? Number.NaN : bps(met.acked - burst.start, ackTimes.tick(met) - burst.at - met.minRtt);
}

/** From a look on the way where there was one, chained else. */
function best(samples: readonly Sample[], burst: Burst, looks: Looks, sends: readonly Sent[]): number {
	const way = onTheWay(samples, burst, looks);
	return Number.isNaN(way) ? chained(samples, burst, looks, sends) : way;
}

/**
 * At the first look at which all of it was acknowledged, with what was acknowledged besides: where it was sent before
 * the link can have been done with what came before it, the link was never idle, and all of it counts; else there is
 * no estimate.
 */
function chained(samples: readonly Sample[], burst: Burst, looks: Looks, sends: readonly Sent[]): number {
	for (const sample of seen(samples, burst, looks)) {
		if (sample.acked < burst.end) continue;
		const ackAt = ackTimes.tick(sample);
		const estimate = bps(sample.acked - burst.start, ackAt - burst.at - sample.minRtt);
		let end = burst.end;
		let isBusy = true;
		for (const sent of sends) {
			if (sent.end <= burst.end || sent.end > sample.acked) continue;
			isBusy &&= sent.at <= burst.at + ((end - burst.start) * 8000) / estimate;
			end = sent.end;
		}
		return isBusy ? estimate : Number.NaN;
	}
	return Number.NaN;
}

/** The same as a slope: from the first look with an acknowledgement of the burst to the last before its end. */
function slope(samples: readonly Sample[], burst: Burst, looks: Looks): number {
	let first: Sample | undefined;
	let last: Sample | undefined;
	for (const sample of seen(samples, burst, looks)) {
		if (sample.acked > burst.start && sample.acked <= burst.end) {
			first ??= sample;
			last = sample;
		}
		if (sample.acked >= burst.end) break;
	}
	if (first === undefined || last === undefined || last.acked - first.acked < 3000) return Number.NaN;
	return bps(last.acked - first.acked, ackTimes.tick(last) - ackTimes.tick(first));
}

/** Estimates of the rate in bits per second, by how they were made. NaN: none. */
export function estimates(samples: readonly Sample[], burst: Burst, sends: readonly Sent[]): Record<string, number> {
	const { at, start, end, inner, before } = burst;
	const after = samples.find((sample) => sample.acked >= end) ?? before;
	const exactMs = burst.endAckedAt - at - after.minRtt;
	const named = (name: string, looks: Looks): Record<string, number> => ({
		[`${name}Ago`]: atCompletion(samples, burst, looks, "ago"),
		[`${name}Tick`]: atCompletion(samples, burst, looks, "tick"),
		[`${name}Way`]: onTheWay(samples, burst, looks),
		[`${name}Chain`]: chained(samples, burst, looks, sends),
		[`${name}Best`]: best(samples, burst, looks, sends),
	});
	return {
		exact: bps(end - start, exactMs),
		exactInner: bps(inner - start, burst.innerAckedAt - at - after.minRtt),
		...named("growing", growing),
		...named("poll20", each(20)),
		...named("poll50", each(50)),
		everyMs: atCompletion(samples, burst, each(1), "tick"),
		slope: slope(samples, burst, growing),
		deliveryFree: after.appLimited ? Number.NaN : after.deliveryBps,
		deliveryAny: after.deliveryBps,
		busy: bps(end - start, after.busyMs - before.busyMs - after.minRtt),
	};
}

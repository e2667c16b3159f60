/**
 * A server as far as a link sees one: sends a live stream's pattern of bytes to whoever connects, looks at TCP_INFO
 * every millisecond, and has the kernel stamp when each burst's last byte was acknowledged (SO_TIMESTAMPING). Libuv
 * would read the socket's error queue away, or spin on it: so the calls are the kernel's own, through koffi.
 *
 * Run as `link-sender.ts JSON` (`SenderSettings`); says "listening", and at the end one line of `SenderReport`.
 */
import { setPriority } from "node:os";
import koffi from "koffi";
import { monotonicOffset } from "../../test/kit/monotonic.ts";
import { ackTimes, type Burst, estimates, type Sample, type Sent } from "./burst-timing.ts";
import { replayTracker } from "./tracker-replay.ts";

export interface SenderSettings {
	readonly port: number;
	readonly durationMs: number;
	/** Bursts before that are not reported. */
	readonly settleMs: number;
	readonly meanBps: number;
	readonly unitMs: number;
	/** A name that the kernel knows: bbr, cubic. */
	readonly congestion: string;
}

export interface SentBurst {
	readonly bytes: number;
	/** From the sending until the acknowledgement, less the least round trip. */
	readonly trainMs: number;
	readonly minRttMs: number;
	/** Sent before and not acknowledged when the burst was sent. */
	readonly outstanding: number;
	readonly pacingBps: number;
	readonly estimates: Readonly<Record<string, number>>;
}

export interface SenderReport {
	readonly bursts: readonly SentBurst[];
	readonly segmentBytes: number;
	/** Bursts that could not be timed: the send buffer was full, or a stamp is missing. */
	readonly untimed: number;
	readonly sendWindow: number;
	/** How often the server's tracker looked. */
	readonly looksPerSecond: number;
}

const FRAMES_PER_SECOND = 30;
const IDR_FACTOR = 7;
/** Of an encoder; and without it every frame would meet the kernel's clock at the same phase. */
const JITTER_MS = 5;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TIMESTAMPING = 37;
const TX_ACK_STAMPS = (1 << 9) | (1 << 4) | (1 << 7) | (1 << 11);
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_CONGESTION = 13;
const TCP_INFO = 11;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Nothing is appended to the segment: otherwise its stamp would be that of what was. */
const MSG_EOR = 0x80;
const MSG_ERRQUEUE = 0x2000;
const CLOCK_MONOTONIC_COARSE = 6;
const CLOCK_REALTIME = 0;

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, void *, uint32_t)");
const listen = libc.func("int listen(int, int)");
const accept = libc.func("int accept(int, void *, void *)");
const setsockopt = libc.func("int setsockopt(int, int, int, const int *, uint32_t)");
const setText = libc.func("int setsockopt(int, int, int, const char *, uint32_t)");
const getsockopt = libc.func("int getsockopt(int, int, int, void *, _Inout_ uint32_t *)");
const send = libc.func("int64_t send(int, void *, size_t, int)");
const ppoll = libc.func("int ppoll(void *, unsigned long, void *, void *)");
const clockGettime = libc.func("int clock_gettime(int, void *)");
const setScheduler = libc.func("int sched_setscheduler(int, int, const int *)");
koffi.struct("msghdr", {
	name: "void *",
	nameLength: "uint32_t",
	iov: "void *",
	iovLength: "size_t",
	control: "void *",
	controlLength: "size_t",
	flags: "int",
});
const recvmsg = libc.func("int64_t recvmsg(int, _Inout_ msghdr *, int)");

const settings = JSON.parse(process.argv[2]!) as SenderSettings;
const timespec = Buffer.alloc(16);
function clockMs(clock: number): number {
	clockGettime(clock, timespec);
	return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
}
/** All times are of the monotonic clock. */
const offset = monotonicOffset();
const now = (): number => performance.now() + offset;
clockMs(CLOCK_REALTIME);
const realtimeOffset = clockMs(CLOCK_REALTIME) - now();

if (setScheduler(0, 2, [1]) !== 0) setPriority(-15);

function acceptOne(port: number): number {
	const listener: number = socket(2, 1, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, [1], 4);
	const address = Buffer.alloc(16);
	address.writeUInt16LE(2, 0);
	address.writeUInt16BE(port, 2);
	if (bind(listener, address, 16) !== 0 || listen(listener, 1) !== 0) throw new Error(`cannot listen on port ${port}`);
	console.log("listening");
	const connection: number = accept(listener, null, null);
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, [1], 4);
	if (setText(connection, IPPROTO_TCP, TCP_CONGESTION, settings.congestion, settings.congestion.length) !== 0)
		throw new Error(`the kernel has no congestion control "${settings.congestion}"`);
	if (setsockopt(connection, SOL_SOCKET, SO_TIMESTAMPING, [TX_ACK_STAMPS], 4) !== 0)
		throw new Error("SO_TIMESTAMPING was refused");
	return connection;
}

const connection = acceptOne(settings.port);
const info = Buffer.alloc(256);

function look(): Sample {
	const length = [info.length];
	getsockopt(connection, IPPROTO_TCP, TCP_INFO, info, length);
	return {
		at: now(),
		acked: Number(info.readBigUInt64LE(120)),
		sinceAck: info.readUInt32LE(56),
		tick: clockMs(CLOCK_MONOTONIC_COARSE),
		roundTrip: info.readUInt32LE(68) / 1000,
		minRtt: info.readUInt32LE(148) / 1000,
		pacingBps: Number(info.readBigUInt64LE(104)) * 8,
		deliveryBps: Number(info.readBigUInt64LE(160)) * 8,
		appLimited: (info[7]! & 1) === 1,
		busyMs: Number(info.readBigUInt64LE(168)) / 1000,
	};
}

/** When a byte was acknowledged, by how many bytes were sent up to and with it. */
const ackedAt = new Map<number, number>();
const control = koffi.alloc("uint8_t", 256);
const message = { name: null, nameLength: 0, iov: null, iovLength: 0, control, controlLength: 256, flags: 0 };

function readStamps(): void {
	for (;;) {
		message.controlLength = 256;
		if (Number(recvmsg(connection, message, MSG_ERRQUEUE | MSG_DONTWAIT)) < 0) return;
		const bytes = Buffer.from(koffi.decode(control, koffi.array("uint8_t", 256)) as Uint8Array);
		let at = Number.NaN;
		for (let place = 0; place + 16 <= message.controlLength; ) {
			const length = Number(bytes.readBigUInt64LE(place));
			const [level, type] = [bytes.readInt32LE(place + 8), bytes.readInt32LE(place + 12)];
			if (level === SOL_SOCKET && type === SO_TIMESTAMPING)
				at = Number(bytes.readBigInt64LE(place + 16)) * 1000 + Number(bytes.readBigInt64LE(place + 24)) / 1e6;
			if (level === 0 && type === 11) ackedAt.set(bytes.readUInt32LE(place + 28) + 1, at - realtimeOffset);
			place += Math.max(16, (length + 7) & ~7);
		}
	}
}

const zeros = Buffer.alloc(2 ** 20);
let sent = 0;
const sends: Sent[] = [];
/** Bytes that the send buffer did not take. */
let left = 0;

/** @returns whether all of it was taken at once */
function write(bytes: number): boolean {
	left += bytes;
	const taken = Number(send(connection, zeros, Math.min(left, zeros.length), MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR));
	if (taken > 0) {
		sent += taken;
		sends.push({ at: now(), end: sent });
		left -= taken;
	}
	return left === 0;
}

const samples: Sample[] = [];
const polled = Int32Array.of(connection, 0);
const timeout = new Int32Array(4);

/** Looks once a millisecond until it is time. */
function watchUntil(at: number): void {
	for (;;) {
		readStamps();
		if (left > 0) write(0);
		samples.push(look());
		const rest = at - now();
		if (rest <= 0.02) return;
		timeout[2] = Math.floor(Math.min(1, rest) * 1e6);
		// Stamps wake it, too, and are read at the next look: so nothing is asked for.
		ppoll(polled, 0, timeout, null);
	}
}

const bursts: (Omit<Burst, "endAckedAt" | "innerAckedAt"> & { readonly outstanding: number })[] = [];
let untimed = 0;

function sendBurst(bytes: number): void {
	const before = look();
	const segment = info.readUInt32LE(16);
	const start = sent;
	const firstPart = Math.max(0, Math.floor(bytes / segment) - 2) * segment;
	const at = now();
	const wasIdle = left === 0;
	const wentOut = (firstPart === 0 || write(firstPart)) && write(bytes - firstPart);
	if (wasIdle && wentOut)
		bursts.push({ at, start, end: sent, inner: start + firstPart, before, outstanding: start - before.acked });
	else untimed++;
}

const framesPerUnit = (settings.unitMs * FRAMES_PER_SECOND) / 1000;
const frameBytes = (settings.meanBps / 8 / FRAMES_PER_SECOND) * (framesPerUnit / (framesPerUnit - 1 + IDR_FACTOR));
const begin = now() + 20;
for (let frame = 0; frame * (1000 / FRAMES_PER_SECOND) < settings.durationMs; frame++) {
	watchUntil(begin + frame * (1000 / FRAMES_PER_SECOND) + Math.random() * JITTER_MS);
	if (frame % framesPerUnit === 0) sendBurst(Math.round(frameBytes * IDR_FACTOR));
	else write(Math.round(frameBytes));
}
watchUntil(now() + 500);

look();
const replayed = (ackTime: keyof typeof ackTimes) =>
	replayTracker({
		...{ samples, sends, segmentBytes: info.readUInt32LE(16) },
		unitEnds: [...bursts.slice(1).map(({ at }) => at - 1), now() - 100],
		ackTime: ackTimes[ackTime],
	});
const trackers = { ago: replayed("ago"), tick: replayed("tick") };
const timed: SentBurst[] = [];
for (const [index, burst] of bursts.entries()) {
	if (burst.at < begin + settings.settleMs) continue;
	const endAckedAt = ackedAt.get(burst.end);
	const innerAckedAt = ackedAt.get(burst.inner) ?? Number.NaN;
	if (endAckedAt === undefined) {
		untimed++;
		continue;
	}
	const minRttMs = burst.before.minRtt;
	timed.push({
		...{ bytes: burst.end - burst.start, trainMs: endAckedAt - burst.at - minRttMs, minRttMs },
		...{ outstanding: burst.outstanding, pacingBps: burst.before.pacingBps },
		estimates: {
			...estimates(samples, { ...burst, endAckedAt, innerAckedAt }, sends),
			trackerAgo: trackers.ago.capacities[index]!,
			trackerTick: trackers.tick.capacities[index]!,
		},
	});
}
const report: SenderReport = {
	...{ bursts: timed, untimed, segmentBytes: info.readUInt32LE(16), sendWindow: info.readUInt32LE(228) },
	looksPerSecond: (trackers.tick.looks * 1000) / settings.durationMs,
};
console.log(
	`report ${JSON.stringify(report, (_, value: unknown) => (Number.isFinite(value) || typeof value !== "number" ? value : null))}`,
);
process.exit(0);

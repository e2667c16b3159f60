/**
 * The link between two tun devices: takes packets from one, keeps them in a `LinkQueue`, gives them to the other. A
 * process of its own that does nothing else and never waits but in one ppoll(2), so that a packet is as punctual as
 * the scheduler lets it be. Started by `shaped-link.ts`, as `shaped-link-process.ts JSON` (`LinkProcessSettings`).
 *
 * Commands come as lines of JSON on standard input (`LinkCommand`), each is answered by a line (`LinkAnswer`); the end
 * of the input ends the process.
 */
import { writeSync } from "node:fs";
import { setPriority } from "node:os";
import koffi from "koffi";
import { type LinkCounts, type LinkDirection, LinkQueue, RING_PACKETS } from "./link-queue.ts";
import { monotonicOffset } from "./monotonic.ts";

export interface LinkProcessSettings {
	/** The device whose packets go down, and the one at the other end. */
	readonly devices: readonly [near: string, far: string];
	readonly down: LinkDirection;
	readonly up: LinkDirection;
	/** One way. */
	readonly delayMs: number;
}

export interface RateStep {
	readonly durationMs: number;
	readonly rateBps: number;
}

export type LinkCommand =
	/** Rates of the way down, one after the other, the last one for good. An earlier list is forgotten. */
	| { readonly id: number; readonly kind: "rates"; readonly steps: readonly RateStep[] }
	/** The devices are up: begin. */
	| { readonly id: number; readonly kind: "start" }
	| { readonly id: number; readonly kind: "counts" };

export interface LinkAnswer {
	readonly id: number;
	/** When it was done, in milliseconds of the machine's monotonic clock. */
	readonly at: number;
	readonly counts?: { readonly down: LinkCounts; readonly up: LinkCounts };
}

const O_RDWR_NONBLOCK = 0o4002;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const POLLIN = 1;
const PACKET_BYTES = 2048;
const AT_ONCE = 64;

const libc = koffi.load("libc.so.6");
const open = libc.func("int open(const char *, int)");
const ioctl = libc.func("int ioctl(int, unsigned long, void *)");
const read = libc.func("int64_t read(int, void *, size_t)");
const write = libc.func("int64_t write(int, void *, size_t)");
const ppoll = libc.func("int ppoll(void *, unsigned long, void *, void *)");
const setScheduler = libc.func("int sched_setscheduler(int, int, const int *)");
const SCHED_RR = 2;

/** Milliseconds of the monotonic clock, which is the same for all processes. */
const offset = monotonicOffset();
const now = (): number => performance.now() + offset;

function openDevice(name: string): number {
	const descriptor: number = open("/dev/net/tun", O_RDWR_NONBLOCK);
	const request = Buffer.alloc(40);
	request.write(name, 0, 15, "latin1");
	request.writeUInt16LE(IFF_TUN_NO_PI, 16);
	if (descriptor < 0 || ioctl(descriptor, TUNSETIFF, request) < 0)
		throw new Error(`cannot make the tun device ${name}: errno ${koffi.errno()}; it needs root and /dev/net/tun.`);
	return descriptor;
}

/** One direction with the bytes of its packets. */
class Way {
	readonly queue: LinkQueue;
	readonly #from: number;
	readonly #to: number;
	readonly #packets: Buffer[];

	constructor(queue: LinkQueue, from: number, to: number) {
		this.queue = queue;
		this.#from = from;
		this.#to = to;
		const pool = Buffer.alloc(RING_PACKETS * PACKET_BYTES);
		this.#packets = Array.from({ length: RING_PACKETS }, (_, place) =>
			pool.subarray(place * PACKET_BYTES, (place + 1) * PACKET_BYTES),
		);
	}

	takeIn(): void {
		for (let count = 0; count < AT_ONCE; count++) {
			const packet = this.#packets[this.queue.place]!;
			const bytes = Number(read(this.#from, packet, PACKET_BYTES));
			if (bytes <= 0) return;
			const isIpv4 = packet[0]! >> 4 === 4;
			if (isIpv4) this.queue.offer(bytes, now());
		}
	}

	giveOut(): void {
		for (;;) {
			const place = this.queue.take(now());
			if (place < 0) return;
			write(this.#to, this.#packets[place]!, this.queue.sizeAt(place));
		}
	}
}

const settings = JSON.parse(process.argv[2]!) as LinkProcessSettings;
const [near, far] = [openDevice(settings.devices[0]), openDevice(settings.devices[1])];
const down = new Way(new LinkQueue(settings.down, settings.delayMs), near, far);
const up = new Way(new LinkQueue(settings.up, settings.delayMs), far, near);
/** Rates to come, each with its time. */
let schedule: { readonly at: number; readonly rateBps: number }[] = [];
let isStarted = false;

function followSchedule(): void {
	while (schedule[0] !== undefined && schedule[0].at <= now()) {
		const { at, rateBps } = schedule.shift()!;
		down.queue.setRate(rateBps, at);
	}
}

function setRates(steps: readonly RateStep[]): void {
	let at = now();
	schedule = steps.map(({ durationMs, rateBps }) => {
		const step = { at, rateBps };
		at += durationMs;
		return step;
	});
	followSchedule();
}

function obey(command: LinkCommand): void {
	if (command.kind === "rates") setRates(command.steps);
	if (command.kind === "start") isStarted = true;
	const answer: LinkAnswer = {
		...{ id: command.id, at: now() },
		...(command.kind === "counts" && { counts: { down: down.queue.counts, up: up.queue.counts } }),
	};
	writeSync(1, `${JSON.stringify(answer)}\n`);
}

const input = Buffer.alloc(2 ** 16);
let line = "";

/** @returns false at the end of the input */
function readCommands(): boolean {
	const bytes = Number(read(0, input, input.length));
	if (bytes === 0) return false;
	if (bytes < 0) return true;
	const lines = (line + input.toString("utf8", 0, bytes)).split("\n");
	line = lines.pop()!;
	for (const text of lines) obey(JSON.parse(text) as LinkCommand);
	return true;
}

/** struct pollfd: descriptor, then events and what came of them in 16 bits each. */
const polled = Int32Array.of(0, POLLIN, near, POLLIN, far, POLLIN);
/** struct timespec, of which the high halves stay 0. */
const timeout = new Int32Array(4);
const cameIn = (index: number): boolean => polled[2 * index + 1]! >> 16 !== 0;

function waitUntil(at: number): void {
	const ms = Math.min(1000, Math.max(0, at - now()));
	timeout[0] = Math.floor(ms / 1000);
	timeout[2] = Math.floor((ms % 1000) * 1e6);
	for (let index = 0; index < 3; index++) polled[2 * index + 1] = POLLIN;
	if (ppoll(polled, isStarted ? 3 : 1, timeout, null) <= 0) for (const index of [1, 3, 5]) polled[index] = POLLIN;
}

/** Ahead of all that merely computes; where that is not allowed, the link is as punctual as others are. */
function hurry(): void {
	if (setScheduler(0, SCHED_RR, [1]) === 0) return;
	try {
		setPriority(-15);
	} catch {
		// As said above.
	}
}

hurry();
writeSync(1, "ready\n");
for (let goesOn = true; goesOn; ) {
	followSchedule();
	down.giveOut();
	up.giveOut();
	waitUntil(Math.min(down.queue.nextDueAt, up.queue.nextDueAt, schedule[0]?.at ?? Number.POSITIVE_INFINITY));
	if (cameIn(1)) down.takeIn();
	if (cameIn(2)) up.takeIn();
	if (cameIn(0)) goesOn = readCommands();
}

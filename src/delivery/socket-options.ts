/**
 * The socket options that Node has no call for, set through koffi where that is installed (Linux).
 *
 * TCP_USER_TIMEOUT ends a connection whose data nobody acknowledges. Without it the kernel resends for about 15
 * minutes, while its send buffer hides from us for seconds to minutes that the viewer is gone.
 * TCP_NOTSENT_LOWAT keeps the backlog of a slow viewer in the ring, where it can be skipped, and not in the kernel.
 * TCP_INFO is the kernel's account of a connection: what the network takes is estimated from it (tcp-info.ts).
 */
import type { Socket } from "node:net";
import type { LibraryHandle } from "koffi";
import type { Bytes, Milliseconds } from "../base/units.ts";
import { KernelTick } from "./kernel-tick.ts";
import { INFO_BYTES, TcpInfo } from "./tcp-info.ts";
import { descriptorOf } from "./transport.ts";

type Koffi = typeof import("koffi")["default"];

const CLOCK_MONOTONIC = 1;
const CLOCK_MONOTONIC_COARSE = 6;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SIOCOUTQ = 0x5411;
const TCP_USER_TIMEOUT = 18;
const TCP_NOTSENT_LOWAT = 25;

export interface SocketOptions {
	/** False: koffi or the platform is missing, the calls do nothing, and half-open viewers are found later. */
	readonly available: boolean;
	setUserTimeout(socket: Socket, timeout: Milliseconds): boolean;
	setNotSentLowWatermark(socket: Socket, bytes: Bytes): boolean;
	/** Undefined where the kernel's account of a connection cannot be read. */
	readonly tcpInfo: TcpInfo | undefined;
}

const NONE: SocketOptions = {
	available: false,
	setUserTimeout: () => false,
	setNotSentLowWatermark: () => false,
	tcpInfo: undefined,
};

/** @returns options that do nothing where koffi cannot be loaded */
export async function loadSocketOptions(): Promise<SocketOptions> {
	if (process.platform !== "linux") return NONE;
	try {
		const { default: koffi } = await import("koffi");
		const libc = koffi.load("libc.so.6");
		const setsockopt = libc.func("int setsockopt(int, int, int, const int *, uint32_t)");
		const getsockopt = libc.func("int getsockopt(int, int, int, uintptr_t, uintptr_t)");
		const ioctl = libc.func("int ioctl(int, unsigned long, uintptr_t)");
		const tick = kernelTick(koffi, libc);
		const set = (socket: Socket, option: number, value: number): boolean => {
			const descriptor = descriptorOf(socket);
			return descriptor >= 0 && setsockopt(descriptor, IPPROTO_TCP, option, [value], 4) === 0;
		};
		return {
			available: true,
			setUserTimeout: (socket, timeout) => set(socket, TCP_USER_TIMEOUT, timeout),
			setNotSentLowWatermark: (socket, bytes) => set(socket, TCP_NOTSENT_LOWAT, bytes),
			tcpInfo: new TcpInfo((buffer) => {
				const address = Number(koffi.address(new Uint8Array(buffer)));
				return {
					readInfo: (descriptor) => getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, address, address + INFO_BYTES) === 0,
					readUnacknowledged: (descriptor) => ioctl(descriptor, SIOCOUTQ, address) === 0,
				};
			}, tick),
		};
	} catch {
		return NONE;
	}
}

/** The kernel's slow clock on that of `performance.now()`: the two stay apart by the same, so that one reading tells. */
function kernelTick(koffi: Koffi, libc: LibraryHandle): KernelTick {
	const getTime = libc.func("int clock_gettime(int, uintptr_t)");
	const getResolution = libc.func("int clock_getres(int, uintptr_t)");
	/** struct timespec; not on the heap, where it could move. */
	const timespec = new BigInt64Array(new ArrayBuffer(16));
	const address = Number(koffi.address(timespec));
	const read = (call: (clock: number, address: number) => number, clock: number): number => {
		call(clock, address);
		return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
	};
	const lastTick = (): number =>
		read(getTime, CLOCK_MONOTONIC_COARSE) - read(getTime, CLOCK_MONOTONIC) + performance.now();
	return new KernelTick(lastTick, read(getResolution, CLOCK_MONOTONIC_COARSE));
}

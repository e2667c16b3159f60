/**
 * The socket options that Node has no call for, set through koffi where that is installed (Linux).
 *
 * TCP_USER_TIMEOUT ends a connection whose data nobody acknowledges. Without it the kernel resends for about 15
 * minutes, while its send buffer hides from us for seconds to minutes that the viewer is gone.
 * TCP_NOTSENT_LOWAT keeps the backlog of a slow viewer in the ring, where it can be skipped, and not in the kernel.
 */
import type { Socket } from "node:net";
import type { Bytes, Milliseconds } from "../base/units.ts";

const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;
const TCP_NOTSENT_LOWAT = 25;

export interface SocketOptions {
	/** False: koffi or the platform is missing, the calls do nothing, and half-open viewers are found later. */
	readonly available: boolean;
	setUserTimeout(socket: Socket, timeout: Milliseconds): boolean;
	setNotSentLowWatermark(socket: Socket, bytes: Bytes): boolean;
}

const NONE: SocketOptions = {
	available: false,
	setUserTimeout: () => false,
	setNotSentLowWatermark: () => false,
};

/** The file descriptor of a TCP socket, which Node keeps in a part that it does not document. */
function descriptorOf(socket: Socket): number {
	const { _handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
	return _handle?.fd ?? -1;
}

/** @returns options that do nothing where koffi cannot be loaded */
export async function loadSocketOptions(): Promise<SocketOptions> {
	if (process.platform !== "linux") return NONE;
	try {
		const { default: koffi } = await import("koffi");
		const setsockopt = koffi.load("libc.so.6").func("int setsockopt(int, int, int, const int *, uint32_t)");
		const set = (socket: Socket, option: number, value: number): boolean => {
			const descriptor = descriptorOf(socket);
			return descriptor >= 0 && setsockopt(descriptor, IPPROTO_TCP, option, [value], 4) === 0;
		};
		return {
			available: true,
			setUserTimeout: (socket, timeout) => set(socket, TCP_USER_TIMEOUT, timeout),
			setNotSentLowWatermark: (socket, bytes) => set(socket, TCP_NOTSENT_LOWAT, bytes),
		};
	} catch {
		return NONE;
	}
}

/**
 * CPU time of this thread, to the nanosecond. Node's own account of it moves on with the kernel's tick, which is too
 * coarse for a few thousand short calls.
 */
import koffi from "koffi";

const CLOCK_THREAD_CPUTIME_ID = 3;
const getTime = koffi.load("libc.so.6").func("int clock_gettime(int, uintptr_t)");
/** struct timespec; not on the heap, where it could move. */
const timespec = new BigInt64Array(new ArrayBuffer(16));
const address = Number(koffi.address(timespec));

function threadCpuUs(): number {
	getTime(CLOCK_THREAD_CPUTIME_ID, address);
	return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1e3;
}

/** For each of many calls in a row, in microseconds. */
export function cpuUsEach<Value>(values: readonly Value[], call: (value: Value) => unknown): number {
	const before = threadCpuUs();
	for (const value of values) call(value);
	return (threadCpuUs() - before) / values.length;
}

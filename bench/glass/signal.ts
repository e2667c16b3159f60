/** Pictures a second of the test signal, in all parts of the benchmark. */
export const FRAME_RATE = 30;

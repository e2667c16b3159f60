/** SIGTERM and SIGINT, for commands that run until then. */

/** As a shell reports an end by these signals. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

interface Signals {
	readonly first: Promise<Signal>;
	forget(): void;
}

/** The first signal resolves; the second ends the process. */
export function watchSignals(): Signals {
	const { promise, resolve } = Promise.withResolvers<Signal>();
	let seen = false;
	const take = (signal: Signal): void => {
		if (seen) process.exit(SIGNALS[signal]);
		seen = true;
		resolve(signal);
	};
	const names = Object.keys(SIGNALS) as Signal[];
	for (const name of names) process.on(name, take);
	return {
		first: promise,
		forget() {
			for (const name of names) process.off(name, take);
		},
	};
}

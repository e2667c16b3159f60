/**
 * What holds back those who guess at Digest (SEC20): an address may fail so often, and then waits. Of a bounded number of
 * addresses; of IPv6 a whole network counts as one, since one subscriber has it all.
 */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

const BURST = 10;
const PER_SECOND = 0.1;
const MOST_ADDRESSES = 4096;

interface Account {
	failures: number;
	at: Milliseconds;
}

export class FailureThrottle {
	readonly #clock: Clock;
	/** In the order of their last failure. */
	readonly #accounts = new Map<string, Account>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Whether credentials of this address are looked at now. */
	allows(address: string): boolean {
		const account = this.#accounts.get(networkOf(address));
		return account === undefined || this.#failuresNow(account) <= BURST - 1;
	}

	failed(address: string): void {
		const key = networkOf(address);
		const account = this.#accounts.get(key);
		const failures = account === undefined ? 0 : this.#failuresNow(account);
		this.#accounts.delete(key);
		this.#accounts.set(key, { failures: Math.min(BURST, failures + 1), at: this.#clock.now() });
		if (this.#accounts.size > MOST_ADDRESSES) this.#accounts.delete(this.#accounts.keys().next().value!);
	}

	#failuresNow({ failures, at }: Account): number {
		return Math.max(0, failures - ((this.#clock.now() - at) / 1000) * PER_SECOND);
	}
}

/** The first four groups of an IPv6 address. */
function networkOf(address: string): string {
	if (!address.includes(":") || address.includes(".")) return address;
	const [head = "", tail] = address.split("::");
	const groups = head.split(":").filter((group) => group !== "");
	const rest = tail === undefined ? [] : tail.split(":").filter((group) => group !== "");
	const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => "0");
	return [...groups, ...(tail === undefined ? [] : zeros), ...rest].slice(0, 4).join(":");
}

/**
 * Both figures of a viewer that reports nothing, or not lately (S11): its bandwidth from the sender's side of the
 * connection, its terminal's state from who holds the stream back. A terminal that takes everything that its network
 * brings is taken for idle; one behind whose receive window the server waits, for as busy as it makes us wait.
 */
import type { Milliseconds } from "../base/units.ts";
import type { Figure, NetworkState, ViewerFigures } from "./state.ts";

/** A report that is older says less than what the server sees itself. */
const REPORT_HOLDS_MS = 5000;

export function withEmulated(
	given: ViewerFigures,
	network: NetworkState | undefined,
	buffer: Milliseconds,
	now: Milliseconds,
): ViewerFigures {
	if (network === undefined) return given;
	const { capacity, capacityAt, receiverLimited } = network;
	const figures: { -readonly [Key in keyof ViewerFigures]: ViewerFigures[Key] } = { ...given };
	if (capacity !== undefined && !holds(given.bandwidth, now)) figures.bandwidth = emulated(capacity, capacityAt);
	if (!holds(given.cpuIdle, now)) figures.cpuIdle = emulated(1 - receiverLimited, now);
	if (!holds(given.memoryUsed, now)) figures.memoryUsed = emulated(receiverLimited, now);
	if (!holds(given.buffer, now)) figures.buffer = emulated(buffer, now);
	return figures;
}

const emulated = <Value>(value: Value, at: Milliseconds): Figure<Value> => ({ value, at, source: "emulated" });

function holds(figure: Figure<unknown> | undefined, now: Milliseconds): boolean {
	return figure !== undefined && (figure.source === "api" || now - figure.at <= REPORT_HOLDS_MS);
}

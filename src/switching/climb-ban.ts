/** What speaks against going up just now, whatever the score says. */
import type { AdaptiveSettings, Case } from "./adaptive.ts";
import { mbit } from "./figure-text.ts";
import { LIVE_EDGE_MS, type Outlook } from "./outlook.ts";
import type { Because, PastSwitch, RenditionFacts, SwitchingState } from "./state.ts";

/** Older evidence tells nothing of now. */
const EVIDENCE_HOLDS_MS = 10_000;
const MOST_DOUBLINGS = 5;
/** A rendition that is left so soon after it was climbed to was no success. */
const LOST_WITHIN_MS = 10_000;
/** A network that still took so much of a rendition's bit rate had not failed when that was lost. */
const TIGHT_SHARE = 0.6;
/** A terminal that is too slow rarely gets faster. */
const FIRST_TERMINAL_BAN_MS = 60_000;
const LONGEST_TERMINAL_BAN_MS = 600_000;

/** @returns why not, or undefined where nothing speaks against `to`, an index into the renditions that are there */
export function climbBan(one: Case, to: number, outlook: Outlook): Because | undefined {
	const { name, streamBitrate } = one.there[to]!;
	const needed = one.settings.climbMargin * streamBitrate;
	if (outlook.capacity < needed) {
		return because("network", `"${name}" needs ${mbit(needed)}, the network is taken for ${mbit(outlook.capacity)}`);
	}
	return bannedNow(one, to);
}

/** Whether `to` is worth a trial: nothing tells what the network takes, and all has been calm for long. */
export function mayTry(one: Case, to: number): boolean {
	const { state, network, settings } = one;
	const { now, history } = state;
	const isPaced = network.basis === "paced";
	const isBlind = isPaced || network.basis === "floor" || now - network.capacityAt > EVIDENCE_HOLDS_MS;
	if (!isBlind || bannedNow(one, to) !== undefined) return false;
	const calmSince = history.at(-1)?.at ?? network.since;
	return now - calmSince >= calmBeforeTrial(lossesInARow(history, one.there[to]!).losses, settings);
}

/** A trial that was lost has told what the network takes. As long as nothing else tells, it is not asked every few seconds. */
function calmBeforeTrial(losses: number, { trialAfter, longestBan }: AdaptiveSettings): number {
	if (losses === 0) return trialAfter;
	return Math.max(longestBan, trialAfter * 2 ** Math.min(losses, MOST_DOUBLINGS));
}

function bannedNow({ state, network, there, settings }: Case, index: number): Because | undefined {
	const { now, history, position } = state;
	const to = there[index]!;
	if (network.overdue > 0 || position.lag > LIVE_EDGE_MS) return because("network", "a queue stands");
	const last = history.at(-1);
	if (last !== undefined && now - last.at < settings.dwell) return because("policy", "the last change was just now");
	const ban = banAfterLosses(state, to, settings);
	if (ban > 0) return because("network", `"${to.name}" was lost soon after its last climb; again in ${seconds(ban)}`);
	const terminal = terminalBan(state, to);
	return terminal && because("terminal", terminal.text);
}

const because = (cause: Because["cause"], text: string): Because => ({ cause, text });
const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;

/** How long a rendition that was lost soon after its climbs stays closed, in milliseconds from now. */
function banAfterLosses({ now, history }: SwitchingState, to: RenditionFacts, settings: AdaptiveSettings): number {
	const { losses, tight, at } = lossesInARow(history, to);
	if (losses === 0) return 0;
	return leftOf(settings.firstBan, settings.longestBan, Math.max(1, tight), now - at);
}

/**
 * How often in a row a rendition was lost soon after its climb, and when last; and how often to a network that had not
 * failed but was a little too tight for it: there it will be no better the next time.
 */
function lossesInARow(
	history: readonly PastSwitch[],
	{ name, streamBitrate }: RenditionFacts,
): { losses: number; tight: number; at: number } {
	let losses = 0;
	let tight = 0;
	let lostAt = Number.NEGATIVE_INFINITY;
	let since: number | undefined;
	for (const { at, from, to, capacity } of history) {
		if (to === name) since = at;
		else if (from === name && since !== undefined) {
			const kept = at - since >= LOST_WITHIN_MS;
			const wasTight = (capacity ?? streamBitrate) >= TIGHT_SHARE * streamBitrate;
			losses = kept ? 0 : losses + 1;
			tight = kept ? 0 : tight + (wasTight ? 1 : 0);
			lostAt = at;
		}
	}
	return { losses, tight, at: lostAt };
}

/** The same for what the viewer's terminal could not take: it and all above stay closed for longer, and kept or not. */
function terminalBan(
	state: SwitchingState,
	{ streamBitrate }: RenditionFacts,
): { ban: number; text: string } | undefined {
	let losses = 0;
	let last: PastSwitch | undefined;
	for (const past of state.history) {
		if (past.cause !== "terminal") continue;
		const left = state.renditions.find(({ name }) => name === past.from);
		const gone = state.renditions.find(({ name }) => name === past.to);
		const isDown = left !== undefined && gone !== undefined && gone.streamBitrate < left.streamBitrate;
		if (!isDown || left.streamBitrate > streamBitrate) continue;
		losses++;
		last = past;
	}
	if (last === undefined) return undefined;
	const ban = leftOf(FIRST_TERMINAL_BAN_MS, LONGEST_TERMINAL_BAN_MS, losses, state.now - last.at);
	return ban > 0 ? { ban, text: `the viewer could not take "${last.from}"; again in ${seconds(ban)}` } : undefined;
}

const leftOf = (first: number, longest: number, losses: number, since: number): number =>
	Math.max(0, Math.min(longest, first * 2 ** (losses - 1)) - since);

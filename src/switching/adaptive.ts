/**
 * The policy `adaptive`, the default: fast down, careful up, by evidence.
 *
 * At a unit's end each rendition gets a score: its quality for the length of a unit, less what it is expected to cost
 * in stalls and forced falls (`outlook.ts`: over the ways in which this viewer's network has changed from one unit to
 * the next so far), less a charge for the change itself. The best score wins, but up only where nothing speaks against
 * it: a queue, a change just made, a rendition lost soon after it was climbed to, a server that is hard pressed. Within
 * a unit it only ever decides to go down, and only while a queue stands.
 *
 * What the viewer's terminal can take and what it wishes for are caps over all of it (`caps.ts`).
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { type Caps, capsOf } from "./caps.ts";
import { climbBan, mayTry } from "./climb-ban.ts";
import { heardCapacity, LIVE_EDGE_MS, Outlook } from "./outlook.ts";
import {
	type Because,
	type Decision,
	goTo,
	hold,
	type NetworkState,
	type Policy,
	type RenditionFacts,
	type SwitchingState,
} from "./state.ts";

/** At the least, a network is taken to fall to this in a unit. */
const HARD_TIMES_RATIO = 0.5;

export interface AdaptiveSettings {
	/** What a second of stall costs, in seconds of the best quality. The dial between bit rate and safety. */
	readonly stallWeight: number;
	/** What a second of delay costs that is left at the end, though nothing stalls yet: it must be made up for. */
	readonly lagWeight: number;
	/** What any switch costs, in seconds of the best quality; and what it costs besides, in units of its height. */
	readonly switchCost: number;
	readonly switchWeight: number;
	/** A climb needs so many times the rendition's bit rate. */
	readonly climbMargin: number;
	/** The estimate is taken for less the more it varies: exp(−discount · variability). */
	readonly variabilityDiscount: number;
	/** Between a change and the next climb. */
	readonly dwell: Milliseconds;
	/** After a rendition was lost soon after its climb: at first, and at most. Doubles in between. */
	readonly firstBan: Milliseconds;
	readonly longestBan: Milliseconds;
	/** Where nothing tells what the network takes, the next better rendition is tried after so much calm. */
	readonly trialAfter: Milliseconds;
	/** The same where it takes more than its sender's pace, without a queue: that the sender must be given more to find. */
	readonly pacedTrialAfter: Milliseconds;
	/** What the viewer is taken to have as a buffer. */
	readonly buffer: Milliseconds;
	/** Beyond a unit's end, for as long as it takes to find out that it went wrong and to change. */
	readonly reaction: Milliseconds;
	/** A queue must stand for so long before a decision within a unit. */
	readonly patience: Milliseconds;
}

export const ADAPTIVE_DEFAULTS: AdaptiveSettings = {
	stallWeight: 3,
	lagWeight: 0.8,
	switchCost: 0.05,
	switchWeight: 0.4,
	climbMargin: 1.1,
	variabilityDiscount: 1,
	dwell: milliseconds(900),
	firstBan: milliseconds(3000),
	longestBan: milliseconds(60_000),
	trialAfter: milliseconds(8000),
	pacedTrialAfter: milliseconds(1500),
	buffer: milliseconds(1000),
	reaction: milliseconds(350),
	patience: milliseconds(60),
};

/** A viewer's case: what it is all decided from. */
export interface Case {
	readonly state: SwitchingState;
	readonly network: NetworkState;
	/** The renditions that are there, from the best to the lowest. */
	readonly there: readonly RenditionFacts[];
	/** Index of the one that is being sent. */
	readonly position: number;
	readonly settings: AdaptiveSettings;
}

export function adaptivePolicy(given: Partial<AdaptiveSettings> = {}): Policy {
	const settings = { ...ADAPTIVE_DEFAULTS, ...given };
	return {
		name: "adaptive",
		watches: true,
		patience: settings.patience,
		decide(state) {
			const there = state.renditions.filter(({ available }) => available);
			const lowest = there.at(-1);
			if (lowest === undefined) return hold("unavailable", "no rendition has a unit");
			const position = there.findIndex(({ name }) => name === state.current);
			if (position < 0) return goTo(state, lowest.name, "unavailable", `"${state.current}" is not there now`);
			const within = state.position.moment === "within-unit";
			const caps = capsOf(state, there);
			if (caps.best > position && !within)
				return goTo(state, there[caps.best]!.name, caps.because.cause, caps.because.text);
			const { network } = state;
			if (network?.capacity === undefined) return hold("unknown", "nothing is known of the network yet");
			const one: Case = { state, network, there, position, settings };
			return within ? decideWithin(one) : decideAtEnd(one, caps);
		},
	};
}

function decideAtEnd(one: Case, caps: Caps): Decision {
	const { state, there, position } = one;
	if (position === caps.best && isComfortable(one)) return atCeiling(one, caps);
	const outlook = new Outlook(one);
	let best = position;
	let bestScore = outlook.score(position);
	let banned: Because | undefined;
	for (let index = there.length - 1; index >= caps.best; index--) {
		if (index === position) continue;
		const score = outlook.score(index);
		if (score <= bestScore) continue;
		const ban = index < position ? climbBan(one, index, outlook) : undefined;
		if (ban === undefined) {
			best = index;
			bestScore = score;
		} else banned = ban;
	}
	if (best !== position) return goTo(state, there[best]!.name, "network", outlook.text(best));
	if (position > caps.best && mayTry(one, position - 1)) {
		return goTo(
			state,
			there[position - 1]!.name,
			"network",
			`"${there[position - 1]!.name}" is tried: nothing tells what the network takes`,
		);
	}
	if (position === caps.best && position > 0) return atCeiling(one, caps);
	if (banned !== undefined) return { kind: "hold", because: banned };
	return position === 0 ? atCeiling(one, caps) : hold("network", outlook.text(position));
}

const atCeiling = ({ position }: Case, caps: Caps): Decision =>
	position === 0 ? AT_THE_BEST : { kind: "hold", because: caps.because };

/** Most viewers', most of the time. */
const AT_THE_BEST = hold("policy", "there is no better one");

/** Whatever has befallen this network before may befall it again, and nothing would stall: most viewers, most of the time. */
function isComfortable({ state, network, there, position }: Case): boolean {
	if (network.overdue > 0 || state.position.lag > LIVE_EDGE_MS) return false;
	const worst = Math.min(network.changes[0]?.ratio ?? 0, HARD_TIMES_RATIO);
	return heardCapacity(state, network.capacity!) * worst >= there[position]!.streamBitrate;
}

/** Down, or nothing: what comes after this unit, if it is clear already that it cannot go on like this. */
function decideWithin(one: Case): Decision {
	const { state, network, there, position, settings } = one;
	if (network.overdue < settings.patience) return hold("network", "no queue stands");
	const planned = there.findIndex(({ name }) => name === state.planned);
	const from = Math.max(position, planned);
	const outlook = new Outlook(one);
	let best = from;
	let bestScore = outlook.score(from);
	for (let index = from + 1; index < there.length; index++) {
		const score = outlook.score(index);
		if (score <= bestScore) continue;
		best = index;
		bestScore = score;
	}
	const text = outlook.text(best);
	return best === from ? hold("network", text) : goTo(state, there[best]!.name, "network", text);
}

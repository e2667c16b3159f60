/**
 * Everything that switching keeps for one viewer: what its connection tells, what was reported, what was switched and
 * decided. The server feeds it from a socket, the benchmark's simulation from a model of a link; both ask `decide` at
 * the end of each unit, and within units whenever a look has been taken.
 */
import type { Name } from "../base/name.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { decide } from "./decide.ts";
import { withEmulated } from "./emulated-figures.ts";
import type { LinkReading, LinkSource } from "./link-reading.ts";
import { LinkTracker } from "./link-tracker.ts";
import type {
	Decision,
	NetworkState,
	PastSwitch,
	Policy,
	ServerFigures,
	StreamPosition,
	SwitchingState,
	ViewerFigures,
} from "./state.ts";

/** What is so at the moment of a decision; the rest of the state is kept here. */
export type Situation = Omit<SwitchingState, "network" | "history" | "planned">;

/** A decision with what it was made from, for people who ask why. */
export interface DecisionRecord {
	readonly at: Milliseconds;
	readonly moment: StreamPosition["moment"];
	readonly current: Name;
	readonly decision: Decision;
	readonly viewer: ViewerFigures;
	readonly server: ServerFigures;
	/** Without the list of possible changes. */
	readonly network: Omit<NetworkState, "changes"> | undefined;
	readonly lag: Milliseconds;
}

const SWITCHES_KEPT = 20;
/** Decisions for a switch, and holds whose cause is another than before. */
const DECISIONS_KEPT = 12;

export class SwitchControl {
	readonly #policy: Policy;
	readonly #link = new LinkTracker();
	readonly #history: PastSwitch[] = [];
	readonly #decisions: DecisionRecord[] = [];
	#planned: Name | undefined;
	#skipped = 0;

	constructor(policy: Policy) {
		this.#policy = policy;
	}

	/** The newest last. */
	get history(): readonly PastSwitch[] {
		return this.#history;
	}

	/** Switches, plans, and holds whose cause was another than before. The newest last. */
	get decisions(): readonly DecisionRecord[] {
		return this.#decisions;
	}

	/** What was decided within the current unit for its end. */
	get planned(): Name | undefined {
		return this.#planned;
	}

	get link(): LinkTracker {
		return this.#link;
	}

	/** A queue stands, for so long that the policy wants to be asked before the unit's end. */
	get wantsDecision(): boolean {
		const { watches, patience = 0 } = this.#policy;
		return watches === true && this.#link.overdue > 0 && this.#link.overdue >= patience;
	}

	/** Whether more may be handed to the connection; where not, the next look tells anew. */
	get maySend(): boolean {
		return this.#link.maySend;
	}

	/** What stands for the viewer's own figures where it reports none; undefined before the first look. */
	emulated(now: Milliseconds): ViewerFigures | undefined {
		const network = this.#link.state(now);
		return network && withEmulated({}, network, this.#link.buffer, now);
	}

	/** When a look at the connection is due by the clock, whatever happens until then. */
	get nextLookAt(): Milliseconds {
		return this.#link.nextLookAt;
	}

	/** Whether to look at the connection now that something has been written to it, or a unit ends. */
	wantsLook(now: Milliseconds, moment: "write" | "unit-end"): boolean {
		return this.#link.wantsLook(now, moment);
	}

	/** The connection took less than it was given: nothing may be written for a while that one could look behind. */
	held(): void {
		this.#link.held();
	}

	/**
	 * Bytes were handed to the connection. Hot path: once per write, and allocates nothing.
	 * @param mediaTime up to where the media now reaches that was handed over, on the channel's clock
	 */
	sent(at: Milliseconds, bytes: number, mediaTime: Milliseconds): void {
		this.#link.sent(at, bytes, milliseconds(mediaTime - this.#skipped));
	}

	/** The viewer was moved forward over so much media: its player jumps, too. */
	skipped(media: Milliseconds): void {
		this.#skipped += media;
	}

	/**
	 * Looks at the connection: only how much of it has arrived where nothing else can be of interest.
	 * @returns whether there is news that a decision may rest on
	 */
	watch(source: LinkSource, now: Milliseconds): boolean {
		const acked = this.#link.isCalm(now) ? source.acknowledged?.() : undefined;
		if (acked !== undefined && this.#link.glance(now, acked)) return false;
		const reading = source.look(now);
		if (reading === undefined) return false;
		this.look(reading);
		return true;
	}

	/** A look at the connection was taken. */
	look(reading: LinkReading): void {
		this.#link.look(reading);
	}

	/**
	 * At a unit's end: what the next unit is to be. Within a unit: what is to come after it, as of now; a switch that is
	 * answered is kept as the plan until the unit's end.
	 */
	decide(situation: Situation): Decision {
		const { position, now, renditions, current, wish, server } = situation;
		if (position.moment === "unit-end") this.#link.endUnit(mostOf(renditions));
		const network = this.#link.state(now);
		const viewer = withEmulated(situation.viewer, network, this.#link.buffer, now);
		const state: { -readonly [Key in keyof SwitchingState]: SwitchingState[Key] } = {
			now,
			renditions,
			current,
			wish,
			viewer,
			server,
			position,
			history: this.#history,
		};
		if (network !== undefined) state.network = network;
		if (this.#planned !== undefined) state.planned = this.#planned;
		const decision = decide(this.#policy, state);
		if (position.moment === "unit-end") this.#planned = undefined;
		else if (decision.kind === "switch") this.#planned = decision.to;
		this.#record(state, decision);
		return decision;
	}

	#record({ now: at, current, viewer, server, position, network }: SwitchingState, decision: Decision): void {
		const { moment, lag } = position;
		const last = this.#decisions.at(-1)?.decision;
		if (decision.kind === "hold" && moment === "within-unit") return;
		if (decision.kind === "hold" && last?.kind === "hold" && decision.because.cause === last.because.cause) return;
		this.#decisions.push({ at, moment, current, decision, viewer, server, network: withoutChanges(network), lag });
		if (this.#decisions.length > DECISIONS_KEPT) this.#decisions.shift();
	}

	/** A switch was made. */
	switched(record: PastSwitch): void {
		const { at, from, to, cause } = record;
		const capacity = this.#link.state(at)?.capacity;
		this.#history.push({ at, from, to, cause, ...(capacity !== undefined && { capacity }) });
		if (this.#history.length > SWITCHES_KEPT) this.#history.shift();
	}
}

/** A loop: this runs for each viewer and unit. */
function mostOf(renditions: SwitchingState["renditions"]): number {
	let most = 0;
	for (const { streamBitrate } of renditions) if (streamBitrate > most) most = streamBitrate;
	return most;
}

function withoutChanges(network: NetworkState | undefined): DecisionRecord["network"] {
	if (network === undefined) return undefined;
	const { changes: _, ...rest } = network;
	return rest;
}

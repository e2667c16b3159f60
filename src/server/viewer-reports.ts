/**
 * Where reports arrive (S10): finds the viewer whose session they name and makes figures of them that a policy can weigh
 * by age and source. Counts become shares here: a decoder that drops is seen in the difference of two reports.
 * What a viewer claims of its bandwidth is held against what its connection shows.
 */
import type { Clock } from "../base/clock.ts";
import { isName, type Name } from "../base/name.ts";
import { type BitsPerSecond, type Milliseconds, milliseconds, ticksToMs } from "../base/units.ts";
import type { Session, SessionWatch } from "../delivery/media-endpoint.ts";
import { Freshness } from "../reports/freshness.ts";
import type { ReportTaker } from "../reports/report-server.ts";
import type { NetworkState, ServerFigures } from "../switching/state.ts";
import type { ReportOutcome, SessionAnswer } from "../wire/report-message.ts";
import type { ReportedFigures, ViewerReport } from "../wire/viewer-report.ts";
import { withGiven } from "./given-figures.ts";

export interface ViewerReportsOptions {
	readonly clock: Clock;
	readonly serverFigures: () => ServerFigures;
	/** A report that was on its way for longer is not applied. */
	readonly maxAge: Milliseconds;
}

/** What a viewer told of itself that no policy asks for; the newest of each. */
export type SessionTold = Pick<
	ReportedFigures,
	"stalls" | "stalledMs" | "delayMs" | "playheadMs" | "shownBitrateBps" | "renditionShown" | "acknowledgedUnit"
>;

interface FrameCounts {
	readonly at: Milliseconds;
	readonly dropped: number;
	readonly shown: number | undefined;
}

interface Entry {
	readonly session: Session;
	readonly fresh: Readonly<Record<ViewerReport["server"], Freshness>>;
	frames: FrameCounts | undefined;
	told: SessionTold;
}

/** More bandwidth than so many times what the connection shows is no measurement. */
const PLAUSIBLE_FACTOR = 4;
/** Without a count of frames shown, how many were due is only known of a while. */
const LEAST_APART_MS = 200;
const TOLD = [
	"stalls",
	"stalledMs",
	"delayMs",
	"playheadMs",
	"shownBitrateBps",
	"renditionShown",
	"acknowledgedUnit",
] as const;

export class ViewerReports implements ReportTaker, SessionWatch {
	readonly #options: ViewerReportsOptions;
	readonly #byKey = new Map<string, Entry>();

	constructor(options: ViewerReportsOptions) {
		this.#options = options;
	}

	/** A session of the same secret is taken over by the newer one. */
	joined(session: Session): void {
		const { maxAge } = this.#options;
		const fresh = { network: new Freshness(maxAge), status: new Freshness(maxAge) };
		this.#byKey.set(session.sessionKey, { session, fresh, frames: undefined, told: {} });
	}

	left(session: Session): void {
		if (this.#byKey.get(session.sessionKey)?.session === session) this.#byKey.delete(session.sessionKey);
	}

	has(sessionKey: string): boolean {
		return this.#byKey.has(sessionKey);
	}

	/** The session that has this key now. */
	session(sessionKey: string): Session | undefined {
		return this.#byKey.get(sessionKey)?.session;
	}

	/** What the viewer told last; undefined where it is another's session by now. */
	told(session: Session): SessionTold | undefined {
		const entry = this.#byKey.get(session.sessionKey);
		return entry?.session === session ? entry.told : undefined;
	}

	take(report: ViewerReport): ReportOutcome {
		const entry = this.#byKey.get(report.sessionKey);
		if (entry === undefined) return { kind: "unknown" };
		const network = entry.session.viewer.control.link.state(this.#options.clock.now());
		const answer = this.#answer(entry.session, network);
		if (!entry.fresh[report.server].accept(report)) return { kind: "stale", answer };
		const claimed = report.figures.bandwidthBps;
		const limit = (capacityShown(network) ?? Number.POSITIVE_INFINITY) * PLAUSIBLE_FACTOR;
		const implausible = claimed !== undefined && claimed > limit;
		const figures = implausible ? { ...report.figures, bandwidthBps: limit } : report.figures;
		this.#apply(entry, figures, milliseconds(this.#options.clock.now() - report.ageMs));
		return { kind: implausible ? "implausible" : "applied", answer };
	}

	#apply(entry: Entry, reported: ReportedFigures, at: Milliseconds): void {
		const { viewer } = entry.session;
		const droppedShare = droppedShareOf(entry, reported, at);
		const smoothUpTo = renditionNamed(entry.session, reported.smoothUpTo);
		viewer.figures = withGiven(viewer.figures, { ...reported, droppedShare, smoothUpTo }, at, "reported");
		const told = TOLD.flatMap((key) => (reported[key] === undefined ? [] : [[key, reported[key]]]));
		entry.told = { ...entry.told, ...(Object.fromEntries(told) as SessionTold) };
		if (reported.droppedFrames !== undefined) noteFrames(entry, reported, at);
	}

	#answer({ viewer, programme }: Session, network: NetworkState | undefined): SessionAnswer {
		const mbKbps = Math.round(programme.bitrateOf(viewer.rendition) / 1000);
		const { duress } = this.#options.serverFigures();
		const capacity = capacityShown(network);
		return {
			...(capacity !== undefined && { etpKbps: Math.round(capacity / 1000) }),
			...(mbKbps > 0 && { mbKbps }),
			...(duress !== undefined && { du: true }),
			...(network !== undefined && { rttMs: Math.round(network.roundTrip) }),
		};
	}
}

/** What the connection showed of its network; a lower bound is no measure of what that takes. */
const capacityShown = (network: NetworkState | undefined): BitsPerSecond | undefined =>
	network?.basis === "busy" || network?.basis === "train" ? network.capacity : undefined;

function renditionNamed({ programme }: Session, name: string | undefined): Name | undefined {
	if (name === undefined || !isName(name)) return undefined;
	return programme.lanes.channel.rendition(name) === undefined ? undefined : name;
}

/** Of the frames due since the report before, the share that was dropped; undefined where that cannot be said. */
function droppedShareOf(entry: Entry, reported: ReportedFigures, at: Milliseconds): number | undefined {
	const before = entry.frames;
	const { droppedFrames, shownFrames } = reported;
	if (before === undefined || droppedFrames === undefined || droppedFrames < before.dropped) return undefined;
	const dropped = droppedFrames - before.dropped;
	const due =
		shownFrames !== undefined && before.shown !== undefined
			? dropped + shownFrames - before.shown
			: dueFrames(entry.session, milliseconds(at - before.at));
	return due >= 1 && due >= dropped / 2 ? Math.min(1, dropped / due) : undefined;
}

function dueFrames({ programme }: Session, elapsed: Milliseconds): number {
	const picture = programme.lanes.channel.lowestReady?.units.newest?.head.pictureDuration;
	return picture === undefined || elapsed < LEAST_APART_MS ? 0 : elapsed / ticksToMs(picture);
}

/** The counts to compare the next report's with; those of a moment ago stay, so that a while lies between. */
function noteFrames(entry: Entry, reported: ReportedFigures, at: Milliseconds): void {
	const { droppedFrames: dropped = 0, shownFrames: shown } = reported;
	const before = entry.frames;
	if (before !== undefined && dropped >= before.dropped && at - before.at < LEAST_APART_MS) return;
	entry.frames = { at, dropped, shown };
}

/**
 * Reports in the words of CMCD (CTA-5004-B, "Common Media Client Data", version 2): which of its keys is which figure,
 * both ways. The structured-field syntax around them is the business of whoever receives or sends the text. Keys that
 * are not listed are ignored, as the standard asks; a listed one with a value that it cannot have is refused.
 */
import {
	FIGURES,
	type FigureForm,
	type FigureName,
	lacking,
	type Parsed,
	type ReceivedReport,
	type ReportedFigures,
	SENT_AT,
	SEQUENCE,
	shownValue,
} from "./viewer-report.ts";

/** A value without its parameters; tokens are text; several values are an inner list (version 2). */
export type CmcdValue = string | number | boolean | readonly (string | number | boolean)[];

/** Own key: a state of the Compute Pressure API. */
export const CPU_PRESSURE = "org.penstock-cpu";

/** Own keys, in the reverse-DNS form that the standard asks for. */
const OWN_KEYS = {
	cpuIdle: "org.penstock-cpu-idle",
	memoryUsed: "org.penstock-mem",
	smoothUpTo: "org.penstock-dec",
	renditionShown: "org.penstock-shown",
	shownFrames: "org.penstock-frames",
	roundTripMs: "org.penstock-rtt",
	acknowledgedUnit: "org.penstock-unit",
} as const;

/** What a browser tells of its CPU instead of a number: idle shares in the middle of what each state stands for. */
const PRESSURE_IDLE: Readonly<Record<string, number>> = { nominal: 0.95, fair: 0.6, serious: 0.2, critical: 0.1 };

/** `cen` of the event `ce` by which a player acknowledges a switch. */
export const SWITCH_ACK = "switch-ack";

interface KeyForm {
	readonly figure: FigureName;
	/** What one of CMCD's is in ours. */
	readonly times?: number;
	/** Of an inner list's values (one for each object type): the one that counts. */
	readonly of?: "least" | "most";
}

const KILO = 1000;

const KEYS: Readonly<Record<string, KeyForm>> = {
	mtp: { figure: "bandwidthBps", times: KILO, of: "most" },
	bl: { figure: "bufferMs", of: "least" },
	bsa: { figure: "stalls", of: "most" },
	bsda: { figure: "stalledMs", of: "most" },
	dfa: { figure: "droppedFrames" },
	bg: { figure: "hidden" },
	rtp: { figure: "maxBitrateBps", times: KILO },
	ltc: { figure: "delayMs" },
	pt: { figure: "playheadMs" },
	br: { figure: "shownBitrateBps", times: KILO, of: "most" },
	[OWN_KEYS.cpuIdle]: { figure: "cpuIdle" },
	[OWN_KEYS.memoryUsed]: { figure: "memoryUsed" },
	[OWN_KEYS.smoothUpTo]: { figure: "smoothUpTo" },
	[OWN_KEYS.renditionShown]: { figure: "renditionShown" },
	[OWN_KEYS.shownFrames]: { figure: "shownFrames" },
	[OWN_KEYS.roundTripMs]: { figure: "roundTripMs" },
	[OWN_KEYS.acknowledgedUnit]: { figure: "acknowledgedUnit" },
};

const LONGEST_SID = 64;
/** Player states in which nothing is left to show: rebuffering. */
const STARVED_STATE = "r";

const refused = (text: string): { readonly kind: "refused"; readonly text: string } => ({ kind: "refused", text });

/** Never throws, whatever the values. */
export function reportOfCmcd(values: ReadonlyMap<string, CmcdValue>): Parsed<ReceivedReport> {
	const session = values.get("sid");
	if (typeof session !== "string" || session === "" || session.length > LONGEST_SID) {
		return refused(
			`sid is ${shownSid(session)} but must be the session's secret, text of 1 to ${LONGEST_SID} characters`,
		);
	}
	const figures: Partial<Record<FigureName, unknown>> = {};
	for (const [key, value] of values) {
		const form = Object.hasOwn(KEYS, key) ? KEYS[key]! : undefined;
		if (form === undefined) continue;
		const found = theOne(value, form);
		const wanted = lacking(found, FIGURES[form.figure].form);
		if (wanted !== undefined) return refused(`${key} is ${shownValue(value)} but must be ${inCmcd(form, wanted)}`);
		figures[form.figure] = found;
	}
	const pressure = values.get(CPU_PRESSURE);
	if (pressure !== undefined) {
		const idle = typeof pressure === "string" && Object.hasOwn(PRESSURE_IDLE, pressure) && PRESSURE_IDLE[pressure];
		if (typeof idle !== "number") {
			const states = Object.keys(PRESSURE_IDLE).join(", ");
			return refused(`${CPU_PRESSURE} is ${shownValue(pressure)} but must be one of ${states}`);
		}
		figures.cpuIdle ??= idle;
	}
	addImplied(values, figures);
	return withOrder(values, session, figures as ReportedFigures);
}

/** What a report says by a flag, or by leaving one out. */
function addImplied(values: ReadonlyMap<string, CmcdValue>, figures: Partial<Record<FigureName, unknown>>): void {
	// A buffer that ran empty is a buffer of 0, where no length comes along.
	const starved = values.get("bs") === true || values.get("sta") === STARVED_STATE;
	if (starved) figures.bufferMs ??= 0;
	// Version 2 sends bg only while it is true.
	if (values.get("v") === 2) figures.hidden ??= false;
	if (values.get("cen") !== SWITCH_ACK) delete figures.acknowledgedUnit;
}

function withOrder(
	values: ReadonlyMap<string, CmcdValue>,
	session: string,
	figures: ReportedFigures,
): Parsed<ReceivedReport> {
	const order: { sequence?: number; sentAtEpochMs?: number } = {};
	const orderKeys: readonly (readonly [string, "sequence" | "sentAtEpochMs", FigureForm])[] = [
		["sn", "sequence", SEQUENCE],
		["ts", "sentAtEpochMs", SENT_AT],
	];
	for (const [key, name, form] of orderKeys) {
		const value = values.get(key);
		if (value === undefined) continue;
		const wanted = lacking(value, form);
		if (wanted !== undefined) return refused(`${key} is ${shownValue(value)} but must be ${wanted}`);
		order[name] = value as number;
	}
	return { kind: "parsed", value: { session, ...order, figures } };
}

/** A figure from a value, or from the one of an inner list that counts. */
function theOne(value: CmcdValue, { times = 1, of }: KeyForm): unknown {
	if (typeof value === "number") return value * times;
	if (typeof value !== "object") return value;
	const numbers = value.filter((one) => typeof one === "number");
	const one = value.length === 1 ? value[0] : undefined;
	if (one !== undefined && typeof one !== "number") return one;
	if (numbers.length === 0 || numbers.length < value.length || (of === undefined && one === undefined)) return value;
	return (of === "least" ? Math.min(...numbers) : Math.max(...numbers)) * times;
}

const inCmcd = ({ times = 1 }: KeyForm, wanted: string): string =>
	times === 1 ? wanted : `${wanted} when taken ${times} times`;

/** Text here may be a secret with a slip in it. */
const shownSid = (value: CmcdValue | undefined): string =>
	value === undefined ? "not there" : typeof value === "string" ? `text of ${value.length} characters` : typeof value;

/** The way back, for a player that reports: the values by their keys, inner lists where version 2 has them. */
export function cmcdOfFigures(figures: ReportedFigures): Record<string, string | number | boolean | number[]> {
	const values: Record<string, string | number | boolean | number[]> = {};
	for (const [key, { figure, times = 1, of }] of Object.entries(KEYS)) {
		const value = figures[figure];
		if (value === undefined) continue;
		const scaled = typeof value === "number" ? value / times : value;
		if (figure === "hidden" && scaled === false) continue;
		values[key] = typeof scaled === "number" && of !== undefined ? [scaled] : scaled;
	}
	return values;
}

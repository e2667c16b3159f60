/**
 * The plain form of reports, for simple terminals: a JSON object, or an array of at most 32. Its keys are `session`,
 * `sequence`, `sentAtEpochMs` and the figures by their names; anything else is refused.
 */
import { messageOf } from "../base/errors.ts";
import {
	FIGURE_NAMES,
	FIGURES,
	type FigureForm,
	type FigureName,
	lacking,
	MAX_REPORTS,
	type Parsed,
	type ReceivedReport,
	type ReportedFigures,
	SENT_AT,
	SEQUENCE,
	shownValue,
} from "./viewer-report.ts";

/** Of the words that there are, the one that was perhaps meant. */
export type Nearest = (word: string, words: readonly string[]) => string | undefined;

const KEYS: readonly string[] = ["session", "sequence", "sentAtEpochMs", ...FIGURE_NAMES];

const refused = (text: string): { readonly kind: "refused"; readonly text: string } => ({ kind: "refused", text });

/** Never throws, whatever the text. */
export function parseJsonReports(text: string, nearest: Nearest): Parsed<readonly ReceivedReport[]> {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch (thrown) {
		return refused(`the body is not JSON: ${messageOf(thrown).slice(0, 200)}`);
	}
	if (!Array.isArray(body)) {
		const one = readReport(body, "the report", nearest);
		return one.kind === "refused" ? one : { kind: "parsed", value: [one.value] };
	}
	if (body.length === 0 || body.length > MAX_REPORTS) {
		return refused(`the array has ${body.length} reports; 1 to ${MAX_REPORTS} may come in one request`);
	}
	const reports: ReceivedReport[] = [];
	for (const [index, entry] of body.entries()) {
		const one = readReport(entry, `report ${index + 1}`, nearest);
		if (one.kind === "refused") return one;
		reports.push(one.value);
	}
	return { kind: "parsed", value: reports };
}

function readReport(value: unknown, where: string, nearest: Nearest): Parsed<ReceivedReport> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		return refused(`${where} is ${shownValue(value)} but must be an object`);
	}
	const fields = new Map<string, unknown>(Object.entries(value));
	for (const [key, found] of fields) {
		const wanted = wantedOf(key, found);
		if (wanted === undefined) continue;
		if (wanted !== "unknown") return refused(`${where}: ${key} is ${shownValue(found)} but must be ${wanted}`);
		const meant = nearest(key, KEYS);
		const hint = meant === undefined ? `known are ${KEYS.join(", ")}` : `did you mean ${meant}?`;
		return refused(`${where} has an unknown key ${shownValue(key)}; ${hint}`);
	}
	const session = fields.get("session");
	if (typeof session !== "string") return refused(`${where} lacks session, the value of the header Penstock-Session`);
	const figures = [...fields].filter(([key]) => isFigure(key));
	const sequence = fields.get("sequence") as number | undefined;
	const sentAtEpochMs = fields.get("sentAtEpochMs") as number | undefined;
	return {
		kind: "parsed",
		value: {
			session,
			...(sequence !== undefined && { sequence }),
			...(sentAtEpochMs !== undefined && { sentAtEpochMs }),
			figures: Object.fromEntries(figures) as ReportedFigures,
		},
	};
}

const isFigure = (key: string): key is FigureName => Object.hasOwn(FIGURES, key);

/** What the value of a key must be and is not; "unknown" where there is no such key. */
function wantedOf(key: string, value: unknown): string | undefined {
	if (key === "session") return typeof value === "string" && value !== "" ? undefined : "text";
	const form: FigureForm | undefined =
		key === "sequence" ? SEQUENCE : key === "sentAtEpochMs" ? SENT_AT : isFigure(key) ? FIGURES[key].form : undefined;
	return form === undefined ? "unknown" : lacking(value, form);
}

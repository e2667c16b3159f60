/**
 * Reads CMCD events (`application/cmcd`): one report a line, each a structured-field dictionary (RFC 8941), parsed with
 * the library of the Streaming Video Technology Alliance.
 *
 * That parser is not made for strangers' text: its tokens become registered symbols, which an engine never forgets, and
 * for each number it makes an error with a stack, so that 2 KiB can cost 20 ms. So tokens are taken as text, stacks are
 * off meanwhile, and a line has limits that no player comes near: then one costs 0.1 ms.
 */
import { decodeSfDict, SfItem, SfToken } from "@svta/cml-structured-field-values";
import { messageOf } from "../base/errors.ts";
import { type CmcdValue, reportOfCmcd } from "../wire/cmcd-report.ts";
import { MAX_REPORTS, type Parsed, type ReceivedReport } from "../wire/viewer-report.ts";

const LONGEST_LINE = 2048;
/** Keys, list members and parameters of one line. */
const MOST_PARTS = 96;

const refused = (text: string): { readonly kind: "refused"; readonly text: string } => ({ kind: "refused", text });

/** The lines that are no blank ones; undefined where there are none or too many of them. */
export function linesOf(text: string): readonly string[] | undefined {
	const lines = text.split("\n", 2 * MAX_REPORTS + 2).filter((line) => line.trim() !== "");
	return lines.length >= 1 && lines.length <= MAX_REPORTS ? lines : undefined;
}

/** Never throws, whatever the text. */
export function parseCmcdReports(text: string): Parsed<readonly ReceivedReport[]> {
	const lines = linesOf(text);
	if (lines === undefined) return refused(`the body must have 1 to ${MAX_REPORTS} lines, one report each`);
	const reports: ReceivedReport[] = [];
	for (const [index, line] of lines.entries()) {
		const values = readLine(line);
		const report = values.kind === "refused" ? values : reportOfCmcd(values.value);
		if (report.kind === "refused") return refused(`line ${index + 1}: ${report.text}`);
		reports.push(report.value);
	}
	return { kind: "parsed", value: reports };
}

function readLine(line: string): Parsed<ReadonlyMap<string, CmcdValue>> {
	if (line.length > LONGEST_LINE) return refused(`it has ${line.length} characters; ${LONGEST_LINE} are the most`);
	const parts = line.match(/[,;(\s]/g)?.length ?? 0;
	if (parts > MOST_PARTS) return refused(`it has ${parts} parts; ${MOST_PARTS} are the most`);
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	try {
		const items = decodeSfDict(line, { useSymbol: false });
		return { kind: "parsed", value: new Map(Object.entries(items).map(([key, item]) => [key, cmcdValue(item)])) };
	} catch (thrown) {
		return refused(`it is no structured-field dictionary (RFC 8941): ${reasonOf(thrown)}`);
	} finally {
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** The innermost reason, cut; the outer ones repeat the whole line. */
function reasonOf(thrown: unknown): string {
	const inner = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
	return messageOf(inner).slice(0, 120);
}

function cmcdValue(item: unknown): CmcdValue {
	const value: unknown = item instanceof SfItem ? item.value : item;
	if (Array.isArray(value)) return value.map((one) => plainOf(one instanceof SfItem ? one.value : one));
	return plainOf(value);
}

function plainOf(value: unknown): string | number | boolean {
	if (value instanceof SfToken) return value.description;
	return typeof value === "number" || typeof value === "boolean" ? value : String(value);
}

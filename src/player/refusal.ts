/** What a player makes of an answer that is no stream, and of none: one sentence, with the server's own words in it. */
import type { Milliseconds } from "../base/units.ts";
import type { PlayerProblem } from "./player-model.ts";

/** Why a connection is over, and whether it is worth another try. */
export interface Loss {
	readonly problem: PlayerProblem;
	readonly final: boolean;
	/** What the server wants to be left alone for. */
	readonly askedDelay?: Milliseconds;
}

/** Of an answer that is no stream, this much is read. */
const MOST_ANSWER_CHARACTERS = 64 * 1024;
const LONGEST_WORDS = 500;
/** 4xx that say "not now": Request Timeout, Too Many Requests. */
const PASSING: readonly number[] = [408, 429];

/** A response with another status than 200. Reads its body. */
export async function refusalOf(
	response: Response,
	shown: string,
	askedDelay: Milliseconds | undefined,
): Promise<Loss> {
	const { status, statusText } = response;
	const { code, words } = await wordsOf(response);
	const said = `${status} ${statusText}`.trim();
	const message = words === "" ? `${shown} was answered with ${said}.` : `${shown} was refused (${said}): ${words}`;
	return {
		problem: { code: "REFUSED", message, status, ...(code !== undefined && { serverCode: code }) },
		// What is below 400 is no refusal, and no stream either: asking again would not help.
		final: status < 500 && !PASSING.includes(status),
		...(askedDelay !== undefined && { askedDelay }),
	};
}

/** What the server says: the code and message of its JSON, or the start of its text. */
async function wordsOf(response: Response): Promise<{ code?: string; words: string }> {
	const text = await bodyStart(response);
	try {
		const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
		if (typeof error?.message === "string") {
			const code = typeof error.code === "string" ? error.code : undefined;
			const words = code === undefined ? error.message : error.message.replace(`${code}: `, "");
			return { ...(code !== undefined && { code }), words: oneLine(words) };
		}
	} catch {
		// Text, then.
	}
	return { words: /^\s*</.test(text) ? "" : oneLine(text) };
}

async function bodyStart(response: Response): Promise<string> {
	const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	try {
		while (reader !== undefined && text.length < MOST_ANSWER_CHARACTERS) {
			const { done, value } = await reader.read();
			if (done) break;
			text += value;
		}
		await reader?.cancel();
	} catch {
		// Half an answer tells, too.
	}
	return text;
}

const oneLine = (text: string): string =>
	text
		.replace(/[\p{Cc}\s]+/gu, " ")
		.trim()
		.slice(0, LONGEST_WORDS);

/** `fetch` gave nothing but "no": it does not say why, on purpose. */
export function unreachable({ origin, host }: URL, page: string | undefined): Loss {
	const foreign = page !== undefined && page !== origin;
	const why = foreign
		? `the server is away, or does not let pages of ${page} read it (http.corsOrigins)`
		: "the server or the network is away";
	return { problem: { code: "NETWORK", message: `${host} cannot be reached: ${why}.` }, final: false };
}

/** No header in time. Browsers keep a request waiting while all their connections to a host are taken. */
export function noAnswer(host: string, waited: Milliseconds): Loss {
	const message = `${host} has not answered for ${seconds(waited)}: it is busy, or this browser's connections to it are all taken (six to one host over HTTP/1.1; other tabs count, too).`;
	return { problem: { code: "NO_ANSWER", message }, final: false };
}

export const seconds = (ms: Milliseconds): string => `${Math.round(ms / 1000)} s`;

/**
 * A stream's server as a page speaks to it besides the stream: the channel's description, the wish for a rendition,
 * and where reports go. All of it lies at fixed places beside the stream, so that a proxy may put a path before it.
 */
import type { ChannelDescription } from "../wire/channel-description.ts";
import type { ReportServer } from "../wire/viewer-report.ts";
import type { PlayerProblem } from "./player-model.ts";
import { refusalOf } from "./refusal.ts";

/** Who does not answer by then: perhaps the browser has no connection left for it. */
const TIMEOUT_MS = 3000;
/** Players of one page that begin together ask once. */
const KEPT_MS = 2000;

const asked = new Map<string, { readonly at: number; readonly answer: Promise<ChannelDescription | undefined> }>();

export class ChannelClient {
	/** Of the stream, as the page gave it. */
	readonly #src: URL;

	constructor(src: URL) {
		this.#src = src;
	}

	/**
	 * The same stream at one of the origins that its server described.
	 * @param turn counts up from player to player
	 */
	spread(origins: readonly string[], turn: number): ChannelClient {
		// What a proxy has put TLS before is not to be passed by.
		const fit = origins.filter((origin) => URL.canParse(origin) && new URL(origin).protocol === this.#src.protocol);
		const origin = fit[turn % fit.length];
		return origin === undefined ? this : new ChannelClient(new URL(this.#src.pathname + this.#src.search, origin));
	}

	/** The stream's address with a wish for a rendition. */
	streamUrl(rendition: string): string {
		const url = new URL(this.#src);
		if (rendition !== "auto") url.searchParams.set("rendition", rendition);
		else if (url.searchParams.has("rendition")) url.searchParams.delete("rendition");
		return url.href;
	}

	/** Undefined where the server has none, or does not say. Never rejects. */
	describe(now: number): Promise<ChannelDescription | undefined> {
		const url = this.#beside(this.#src.pathname.replace(/^.*\/|(\.live)?\.[^./]*$/g, "").concat(".json"));
		if (url === undefined) return Promise.resolve(undefined);
		for (const [key, { at }] of asked) if (now - at > KEPT_MS) asked.delete(key);
		const answer = asked.get(url)?.answer ?? fetchDescription(url);
		if (!asked.has(url)) asked.set(url, { at: now, answer });
		return answer;
	}

	/** @returns what went wrong, undefined where the server has taken it */
	async wish(session: string, rendition: string): Promise<PlayerProblem | undefined> {
		const url = this.#beside("../session/rendition");
		const headers = { "Content-Type": "application/json" };
		const body = JSON.stringify({ session, rendition });
		try {
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const response = await fetch(url!, { method: "POST", headers, body, signal });
			return response.ok
				? undefined
				: (await refusalOf(response, `The wish for rendition "${rendition}"`, undefined)).problem;
		} catch {
			const message = `The server did not answer the wish for rendition "${rendition}"; it is made again with the next connection.`;
			return { code: "NETWORK", message };
		}
	}

	/** Undefined where the stream is not a server's. */
	reportUrl(server: ReportServer): string | undefined {
		return this.#beside(`../report/${server}`);
	}

	#beside(path: string): string | undefined {
		return /^https?:$/.test(this.#src.protocol) ? new URL(path, this.#src).href : undefined;
	}
}

async function fetchDescription(url: string): Promise<ChannelDescription | undefined> {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
		const value: unknown = response.ok ? await response.json() : undefined;
		return isDescription(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

/** As far as a page that draws it must be sure. */
function isDescription(value: unknown): value is ChannelDescription {
	const { renditions, origins } = (value ?? {}) as Partial<Record<keyof ChannelDescription, unknown>>;
	const named = (one: unknown): boolean => typeof (one as { name?: unknown } | null)?.name === "string";
	return Array.isArray(renditions) && renditions.every(named) && Array.isArray(origins);
}

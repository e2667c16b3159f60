/**
 * HTTP hooks: asked before somebody publishes or plays, and told what became of it. At most 64 calls at a time, each whole
 * within its time; answers are kept for a while. A hook that is away says neither yes nor no: whoever asks knows what
 * that means for a new session and for one that goes on.
 */
import type { Clock } from "../base/clock.ts";
import { clauseOf } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { AccessRequest } from "../wire/access.ts";
import type { HookCounts } from "./access-counts.ts";
import { requestKey } from "./credentials.ts";
import { type FetchParts, guardedFetch } from "./guarded-fetch.ts";
import {
	type HookEvent,
	type HookIdentity,
	type HookWord,
	hookBody,
	hookWord,
	type SwitchTold,
} from "./hook-message.ts";
import { Recent } from "./recent.ts";
import type { Secret } from "./secret.ts";
import type { HookAction } from "./settings.ts";
import { Turns } from "./turns.ts";

export interface HooksOptions {
	readonly urls: Readonly<Partial<Record<HookAction, readonly string[]>>>;
	readonly fetch: FetchParts;
	readonly clock: Clock;
	readonly identity: HookIdentity;
	/** Whom a hook knows a session by: the same for all that it asks and is told. */
	readonly clientIdOf: (request: AccessRequest) => string;
	readonly timeoutMs: number;
	readonly cacheMs: number;
	readonly token?: Secret;
	readonly counts: HookCounts;
	/** Told once a second at most. Names no secret. */
	readonly onTrouble: (why: string) => void;
}

interface Kept {
	readonly word: HookWord;
	readonly at: Milliseconds;
}

const MOST_IN_FLIGHT = 64;
const MOST_WAITING = 512;
/** Behind others of their sessions. */
const MOST_NOTICES = 1000;
const MOST_ANSWER_BYTES = 64 * 1024;
const MOST_KEPT = 10_000;
const TROUBLE_PAUSE_MS = 1000;

export class Hooks {
	readonly #options: HooksOptions;
	readonly #turns = new Turns({ atOnce: MOST_IN_FLIGHT, mostWaiting: MOST_WAITING });
	readonly #kept = new Recent<Kept>(MOST_KEPT);
	/** Those that are being asked the same share one call. */
	readonly #asking = new Map<string, Promise<HookWord>>();
	readonly #notices = new Turns({ atOnce: 1, mostWaiting: MOST_NOTICES });
	readonly #telling = new Set<Promise<void>>();
	#troubleAt: Milliseconds | undefined;

	constructor(options: HooksOptions) {
		this.#options = options;
	}

	/** Whether anybody is to be asked. */
	has(action: HookAction): boolean {
		return (this.#options.urls[action] ?? []).length > 0;
	}

	/** Asks all hooks of the action. The first that does not say yes is the answer. */
	async ask(action: "on_publish" | "on_play", request: AccessRequest, recheck: boolean): Promise<HookWord> {
		const { clock, cacheMs } = this.#options;
		const key = requestKey(request, request.address);
		const kept = this.#kept.get(key);
		if (kept !== undefined && clock.now() - kept.at < cacheMs) {
			this.#options.counts.kept++;
			return kept.word;
		}
		const shared = cacheMs > 0 ? this.#asking.get(key) : undefined;
		if (shared !== undefined) return await shared;
		const asked = this.#askAll({
			action,
			request,
			clientId: this.#options.clientIdOf(request),
			...(recheck && { recheck }),
		});
		this.#asking.set(key, asked);
		const word = await asked;
		if (this.#asking.get(key) === asked) this.#asking.delete(key);
		if (word.kind !== "away" && cacheMs > 0) this.#kept.set(key, { word, at: clock.now() });
		return word;
	}

	/** Tells what has happened, in its order for each session; nobody waits, and what cannot be handed over is counted. */
	tell(action: "on_unpublish" | "on_stop" | "on_switch", request: AccessRequest, switched?: SwitchTold): void {
		if (!this.has(action)) return;
		const clientId = this.#options.clientIdOf(request);
		const event = { action, request, clientId, ...(switched && { switched }) };
		const told = this.#notices
			.run(clientId, () => this.#askAll(event))
			.then((word) => {
				if (word === undefined || word.kind === "away") this.#options.counts.lost++;
				this.#telling.delete(told);
			});
		this.#telling.add(told);
	}

	/** When all that was to be told has been, or is lost. */
	async settled(): Promise<void> {
		while (this.#telling.size > 0) await Promise.all(this.#telling);
	}

	async #askAll(event: HookEvent): Promise<HookWord> {
		const body = hookBody(event, this.#options.identity);
		let word: HookWord = { kind: "yes" };
		for (const url of this.#options.urls[event.action] ?? []) {
			word = await this.#call(url, body);
			this.#options.counts[word.kind]++;
			if (word.kind === "away") this.#troubled(`${event.action} ${shownUrl(url)}: ${word.why}`);
			if (word.kind !== "yes") break;
		}
		return word;
	}

	async #call(url: string, body: string): Promise<HookWord> {
		const { clock, timeoutMs } = this.#options;
		const deadline = clock.now() + timeoutMs;
		const word = await this.#turns.run("", () => this.#exchange(url, body, deadline - clock.now()));
		return word ?? { kind: "away", why: `${MOST_WAITING} calls wait already` };
	}

	async #exchange(url: string, body: string, timeoutMs: number): Promise<HookWord> {
		if (timeoutMs <= 0) return { kind: "away", why: `${MOST_IN_FLIGHT} calls were under way for too long` };
		const { fetch, token } = this.#options;
		const answer = await guardedFetch(fetch, {
			...{ url, method: "POST", body, timeoutMs, mostBytes: MOST_ANSWER_BYTES },
			headers: {
				"Content-Type": "application/json",
				...(token && { Authorization: `Bearer ${token.reveal()}` }),
			},
		});
		switch (answer.kind) {
			case "answered":
				return hookWord(answer.status, answer.body);
			case "refused":
				return { kind: "away", why: clauseOf(answer.error) };
			case "failed":
				return { kind: "away", why: answer.why };
		}
	}

	#troubled(why: string): void {
		const now = this.#options.clock.now();
		if (this.#troubleAt !== undefined && now - this.#troubleAt < TROUBLE_PAUSE_MS) return;
		this.#troubleAt = now;
		this.#options.onTrouble(why);
	}
}

/** Its query may hold a secret. */
const shownUrl = (text: string): string => {
	const { origin, pathname } = new URL(text);
	return `${origin}${pathname}`;
};

/**
 * `POST /session/rendition`: who has a session's secret says which rendition it wants to be sent, from the next unit on
 * and in the response that it has (docs/wire/sessions.md). Bounded and answered as reports are.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { bytes } from "../base/units.ts";
import type { Session } from "../delivery/media-endpoint.ts";
import { sessionKeyOf } from "../delivery/session-secret.ts";
import { answerPosted, answerTaken, type PostOptions } from "../reports/report-answer.ts";
import { readBody } from "../reports/report-body.ts";
import { TokenBuckets } from "../reports/token-buckets.ts";
import { isSessionSecret } from "../wire/viewer-report.ts";
import type { Log } from "./log.ts";
import { problemsOf } from "./problem.ts";
import { chooseRendition } from "./rendition-choice.ts";

export interface SessionWishesOptions extends PostOptions {
	/** @param sessionKey see session-secret.ts */
	readonly sessionOf: (sessionKey: string) => Session | undefined;
	readonly clock: Clock;
	/** Requests a second that one address may send; twice as many at once. */
	readonly addressRate: number;
	readonly log: Log;
}

export const SESSION_RENDITION_PATH = "/session/rendition";

const MAX_BODY_BYTES = bytes(1024);
/** As often as a person chooses, and a program that tries all of them. */
const SESSION_RATE = { perSecond: 5, burst: 10, maxNames: 20_000 };
const MAX_ADDRESSES = 20_000;

const wishBody = z.strictObject({ session: z.string(), rendition: z.string().min(1).max(128) });

export class SessionWishes {
	readonly #options: SessionWishesOptions;
	readonly #sessions = new TokenBuckets(SESSION_RATE);
	readonly #addresses: TokenBuckets;

	constructor(options: SessionWishesOptions) {
		this.#options = options;
		const { addressRate: perSecond } = options;
		this.#addresses = new TokenBuckets({ perSecond, burst: 2 * perSecond, maxNames: MAX_ADDRESSES });
	}

	/** Answers a request to its path; never throws. */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		await answerPosted(request, response, this.#options, async (headers) => {
			const text = await this.#read(request);
			if (text === undefined || response.destroyed) return;
			this.#take(text);
			answerTaken(response, 204, headers);
		});
	}

	/** @returns undefined where the sender has left */
	async #read(request: IncomingMessage): Promise<string | undefined> {
		const { clock } = this.#options;
		if (request.method !== "POST") {
			const text = `${request.method} is not for ${SESSION_RENDITION_PATH}; what a viewer wants is POSTed.`;
			throw new PenstockError("HTTP_METHOD", text);
		}
		refuseOtherTypes(request);
		if (!this.#addresses.take(request.socket.remoteAddress ?? "", clock.now())) throw tooMany("this address");
		const body = await readBody(request, clock, MAX_BODY_BYTES);
		switch (body.kind) {
			case "gone":
				return undefined;
			case "late":
				throw new PenstockError("HTTP_TIMEOUT", "the body was not whole within 5 s.");
			case "too-large":
				throw new PenstockError("SESSION_TOO_LARGE", `the body has more than ${MAX_BODY_BYTES} bytes.`);
			case "not-utf8":
				throw new PenstockError("SESSION_MALFORMED", "the body is not UTF-8 text.");
			case "whole":
				return body.text;
		}
	}

	#take(text: string): void {
		const { sessionOf, clock, log } = this.#options;
		const { session: secret, rendition } = parse(text);
		const sessionKey = sessionKeyOf(secret);
		if (!this.#sessions.take(sessionKey, clock.now())) throw tooMany("this session");
		const session = isSessionSecret(secret) ? sessionOf(sessionKey) : undefined;
		if (session === undefined) {
			const text = "no viewer has this session; send the value of the stream's header Penstock-Session.";
			throw new PenstockError("SESSION_NOT_FOUND", text);
		}
		chooseRendition(session, rendition);
		log.info({ viewer: session.viewer.id, rendition }, "rendition set by the viewer");
	}
}

function refuseOtherTypes({ headers }: IncomingMessage): void {
	const type = (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
	const coding = headers["content-encoding"] ?? "identity";
	if (type === "application/json" && coding === "identity") return;
	const found = coding === "identity" ? `Content-Type ${JSON.stringify(type.slice(0, 60))}` : "a compressed body";
	throw new PenstockError("SESSION_TYPE", `${found} is not taken here; send application/json, not compressed.`);
}

/** @throws PenstockError SESSION_MALFORMED */
function parse(text: string): z.output<typeof wishBody> {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		throw new PenstockError("SESSION_MALFORMED", "the body is not JSON.");
	}
	const result = wishBody.safeParse(body);
	if (result.success) return result.data;
	const problems = problemsOf(wishBody, body).map(({ text }) => text);
	throw new PenstockError("SESSION_MALFORMED", `the body does not fit: ${problems.join("; ")}.`);
}

const tooMany = (who: string): PenstockError =>
	new PenstockError("SESSION_RATE", `${who} asks too often; ask when a person chooses.`);

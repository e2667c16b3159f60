/** The answer to a source's challenge: Digest by the best algorithm that it offers, else Basic. */
import { randomBytes } from "node:crypto";
import { type AuthField, type AuthParameter, readAuth, writeAuth } from "../wire/rtsp-auth.ts";
import { type DigestAlgorithm, digestAlgorithm, digestResponse } from "./digest.ts";

interface Challenge {
	readonly field: AuthField;
	readonly algorithm: DigestAlgorithm;
}

export class PullCredentials {
	readonly #user: string;
	readonly #password: string;
	#challenge: Challenge | "basic" | undefined;
	#count = 0;

	constructor(user: string, password: string) {
		this.#user = user;
		this.#password = password;
	}

	/** Takes the challenges of a 401. @returns whether there is an answer that has not been given yet */
	take(fields: readonly string[]): boolean {
		if (this.#user === "") return false;
		const offers = fields.flatMap((text) => readAuth(text) ?? []);
		const before = this.#challenge;
		const digests = offers.flatMap((field): Challenge[] => {
			const algorithm = field.scheme === "digest" ? digestAlgorithm(field.parameters.get("algorithm")) : undefined;
			return algorithm === undefined ? [] : [{ field, algorithm }];
		});
		const best = digests.find(({ algorithm }) => algorithm === "SHA-256") ?? digests[0];
		this.#count = 0;
		if (best !== undefined) {
			this.#challenge = best;
			const isStale = best.field.parameters.get("stale")?.toLowerCase() === "true";
			return before === undefined || isStale;
		}
		if (!offers.some(({ scheme }) => scheme === "basic")) return false;
		this.#challenge = "basic";
		return before === undefined;
	}

	/** What goes with the next request; undefined before the first challenge. */
	authorize(method: string, uri: string): string | undefined {
		if (this.#challenge === undefined) return undefined;
		if (this.#challenge === "basic") {
			return `Basic ${Buffer.from(`${this.#user}:${this.#password}`).toString("base64")}`;
		}
		return this.#digest(this.#challenge, method, uri);
	}

	#digest({ field: { parameters }, algorithm }: Challenge, method: string, uri: string): string {
		const [realm, nonce, opaque] = ["realm", "nonce", "opaque"].map((name) => parameters.get(name) ?? "") as [
			string,
			string,
			string,
		];
		const isCounted = /(?:^|,)\s*auth\s*(?:,|$)/i.test(parameters.get("qop") ?? "");
		const counted = { nc: (++this.#count).toString(16).padStart(8, "0"), cnonce: randomBytes(8).toString("hex") };
		const response = digestResponse({
			...{ algorithm, user: this.#user, password: this.#password, realm, nonce, method, uri },
			...(isCounted && { counted }),
		});
		const out: AuthParameter[] = [
			["username", this.#user, "quoted"],
			["realm", realm, "quoted"],
			["nonce", nonce, "quoted"],
		];
		out.push(["uri", uri, "quoted"], ["response", response, "quoted"]);
		// Some cameras take no algorithm, even their own default.
		if (parameters.has("algorithm")) out.push(["algorithm", algorithm, "bare"]);
		if (isCounted) out.push(["qop", "auth", "bare"], ["nc", counted.nc, "bare"], ["cnonce", counted.cnonce, "quoted"]);
		if (opaque !== "") out.push(["opaque", opaque, "quoted"]);
		return writeAuth("Digest", out);
	}
}

/** A gate of a test: settings in, a clock by hand, secrets in a folder that vanishes. */
import { randomBytes } from "node:crypto";
import { type AccessControl, type AccessParts, openAccess } from "../../src/access/access-control.ts";
import { Secret } from "../../src/access/secret.ts";
import type { AccessSettings } from "../../src/access/settings.ts";
import type { PenstockError } from "../../src/base/errors.ts";
import { type Name, parseName } from "../../src/base/name.ts";
import type { AccessAnswer, AccessRequest } from "../../src/wire/access.ts";
import { ManualClock } from "./manual-clock.ts";
import { makeTempDir } from "./temp-dir.ts";

export const nameOf = (text: string): Name => parseName(text, "a name of the test");

export const secret = (text = randomBytes(32).toString("base64url")): { readonly value: Secret } => ({
	value: new Secret(text),
});

export interface AccessRig {
	readonly control: AccessControl;
	readonly clock: ManualClock;
	readonly troubles: string[];
}

export async function openRig(
	settings: AccessSettings,
	more: Partial<AccessParts> & { readonly clock?: ManualClock } = {},
): Promise<AccessRig> {
	const clock = more.clock ?? new ManualClock();
	const troubles: string[] = [];
	const control = await openAccess({
		settings,
		folder: makeTempDir("access"),
		environment: {},
		onTrouble: (why) => troubles.push(why),
		...more,
		clock,
	});
	return { control, clock, troubles };
}

export interface Asked extends Partial<Omit<AccessRequest, "app" | "stream" | "credentials">> {
	/** `app/stream` */
	readonly path?: string;
	/** As in a URL, without the question mark. */
	readonly query?: string;
	readonly bearer?: string;
	readonly user?: string;
	readonly password?: string;
}

/** `play` of `live/cam` over HTTP from 192.0.2.1, with nothing brought, where nothing else is said. */
export function asked({ path = "live/cam", query, bearer, user, password, ...rest }: Asked = {}): AccessRequest {
	const [app = "", stream = ""] = path.split("/");
	const credentials = {
		...(query !== undefined && { query: new URLSearchParams(query) }),
		...(bearer !== undefined && { bearer }),
		...(user !== undefined && { user }),
		...(password !== undefined && { password }),
	};
	const what = { app: nameOf(app), stream: nameOf(stream), credentials };
	return { verb: "play", protocol: "http", address: "192.0.2.1", ...rest, ...what };
}

/** "granted", or the code of the refusal. */
export const said = (answer: AccessAnswer): string => (answer.kind === "granted" ? "granted" : answer.error.code);

export function refusalOf(answer: AccessAnswer): PenstockError {
	if (answer.kind === "granted") throw new Error(`it was granted to ${answer.principal}`);
	return answer.error;
}

/** The shape of the section `access`: keys, ranges. What takes more than one value to judge is in `access/`. */
import * as z from "zod";
import { HOOK_ACTIONS } from "../access/settings.ts";
import { durationMs, oneOf, text } from "./config-values.ts";

export const secret = z.strictObject({
	value: text("a secret").optional(),
	file: text("the path of a file").optional(),
	environment: text("the name of a variable").optional(),
});
const secrets = z.record(z.string(), secret);

const means = z.union([
	oneOf(["anyone", "hook"]),
	z.strictObject({ key: text("the name of a key") }),
	z.strictObject({ user: text("the name of a user") }),
	z.strictObject({ signed: text("the name of a key for URLs") }),
	z.strictObject({ jwt: text("the name of an issuer") }),
]);

const right = z.strictObject({
	match: text("app/stream, each a name or *"),
	verbs: z.array(oneOf(["publish", "play"])).min(1),
	by: z.array(means).min(1).max(100),
	from: z.array(text("a network")).max(1000).optional(),
});

const issuer = z.strictObject({
	algorithm: text("an algorithm"),
	audience: text("what tokens are for"),
	issuer: text("the issuer's name").optional(),
	key: secret.optional(),
	publicKeyFile: text("the path of a file").optional(),
	jwksFile: text("the path of a file").optional(),
	jwksUrl: text("a URL").optional(),
	kids: z.array(text("the id of a key")).max(100).optional(),
	cacheMs: durationMs(1000, 86_400_000).optional(),
});

const hooks = z.strictObject({
	urls: z.partialRecord(z.enum(HOOK_ACTIONS), z.array(text("a URL")).max(16)),
	timeoutMs: durationMs(100, 60_000).optional(),
	cacheMs: durationMs(0, 3_600_000).optional(),
	whenAway: oneOf(["refuse", "grant"]).optional(),
	vhost: text("a name").optional(),
	serverId: text("a name").optional(),
	token: secret.optional(),
	authoritiesFile: text("the path of a file").optional(),
});

export const access = z.strictObject({
	rights: z.array(right).max(10_000),
	keys: secrets.optional(),
	users: secrets.optional(),
	urlKeys: secrets.optional(),
	issuers: z.record(z.string(), issuer).optional(),
	hooks: hooks.optional(),
	networks: z.array(text("a network")).max(1000).optional(),
	leewayMs: durationMs(0, 60_000).optional(),
	recheckMs: durationMs(1000, 3_600_000).optional(),
	/** Where secrets are kept that Penstock has made. Absent: `secrets` beside the configuration. */
	secretsFolder: text("the path of a folder").optional(),
});

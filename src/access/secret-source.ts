/**
 * Where secrets come from: the configuration by value, a file, the environment; and where it gives none, a file that is
 * made at the first start, with 256 random bits that only its owner reads. Nothing is shipped (SEC6).
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, PenstockError } from "../base/errors.ts";
import { Secret } from "./secret.ts";

/** At most one of them; none is a secret that Penstock makes for itself. */
export interface SecretSource {
	readonly value?: Secret;
	readonly file?: string;
	/** The name of a variable. */
	readonly environment?: string;
}

export interface SecretPlaces {
	/** Where secrets are kept that Penstock has made. */
	readonly folder: string;
	readonly environment: Readonly<Record<string, string | undefined>>;
}

const RANDOM_BYTES = 32;
const MOST_BYTES = 16 * 1024;
const OWNER_ONLY = 0o600;

/**
 * @param name of a file in the folder, for a secret that has to be made
 * @throws PenstockError ACCESS_SECRET
 */
export async function readSecret(source: SecretSource, name: string, places: SecretPlaces): Promise<Secret> {
	if (source.value !== undefined) return source.value;
	if (source.file !== undefined) return new Secret(await readText(source.file, constants.O_RDONLY, "foreign"));
	if (source.environment === undefined) return await ownSecret(join(places.folder, name));
	const text = places.environment[source.environment];
	if (text !== undefined && text !== "") return new Secret(text);
	throw fault(`the environment has no variable ${source.environment}, or it is empty; set it before the start.`);
}

/** The secret of the file, which is made where there is none. Two that start at once get the same. */
export async function ownSecret(path: string): Promise<Secret> {
	return new Secret((await readOwn(path)) ?? (await make(path)) ?? (await readText(path, OWN_FLAGS, "own")));
}

/** No other file may stand in its place. */
const OWN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;

async function readOwn(path: string): Promise<string | undefined> {
	try {
		return await readText(path, OWN_FLAGS, "own");
	} catch (thrown) {
		if (thrown instanceof PenstockError && codeOf(thrown.cause) === "ENOENT") return undefined;
		throw thrown;
	}
}

/** Undefined where another was quicker. The file is whole from the moment that it has its name. */
async function make(path: string): Promise<string | undefined> {
	const draft = `${path}.${randomBytes(8).toString("hex")}`;
	const text = randomBytes(RANDOM_BYTES).toString("base64url");
	try {
		await mkdir(dirname(path), { recursive: true, mode: 0o700 });
		const file = await open(draft, "wx", OWNER_ONLY);
		try {
			await file.writeFile(`${text}\n`);
			await file.sync();
		} finally {
			await file.close();
		}
		await link(draft, path);
		return text;
	} catch (thrown) {
		if (codeOf(thrown) === "EEXIST") return undefined;
		throw fault(`${path} cannot be made: ${messageOf(thrown)}; look at the folder's permissions.`, thrown);
	} finally {
		await rm(draft, { force: true });
	}
}

async function readText(path: string, flags: number, whose: "own" | "foreign"): Promise<string> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, flags);
		return await textOf(file, path, whose);
	} catch (thrown) {
		if (thrown instanceof PenstockError) throw thrown;
		throw fault(`${path} cannot be read: ${messageOf(thrown)}; look at its path and its permissions.`, thrown);
	} finally {
		await file?.close();
	}
}

async function textOf(file: FileHandle, path: string, whose: "own" | "foreign"): Promise<string> {
	const { mode, size } = await file.stat();
	// A secret that others can read, or write, is none any more. Files of others have the modes that others give them.
	if (whose === "own" && (mode & 0o077) !== 0) {
		const text = `${path} has the mode ${(mode & 0o777).toString(8)}, so that others can use it; remove it (a new secret is made) or chmod 600.`;
		throw fault(text);
	}
	if (size > MOST_BYTES) throw fault(`${path} has ${size} bytes but a secret has at most ${MOST_BYTES}.`);
	const text = (await file.readFile("utf8")).replace(/\r?\n$/, "");
	if (text === "") throw fault(`${path} is empty; write the secret into it, or remove it.`);
	return text;
}

const fault = (text: string, cause?: unknown): PenstockError => new PenstockError("ACCESS_SECRET", text, { cause });

const codeOf = (thrown: unknown): string | undefined =>
	thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;

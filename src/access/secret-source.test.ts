import {
	chmodSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { Secret } from "./secret.ts";
import { ownSecret, readSecret } from "./secret-source.ts";

const folder = (): string => makeTempDir("secrets");
const places = (path: string, environment = {}): { folder: string; environment: Record<string, string> } => ({
	folder: path,
	environment,
});

test("a secret that nobody gave is made once, of 256 bits, in a file that only its owner reads", async () => {
	const path = join(folder(), "state", "keys-publish");
	const first = await ownSecret(path);
	expect(Buffer.from(first.reveal(), "base64url")).toHaveLength(32);
	expect(statSync(path).mode & 0o777).toBe(0o600);
	expect(readFileSync(path, "utf8")).toBe(`${first.reveal()}\n`);
	expect((await ownSecret(path)).reveal()).toBe(first.reveal());
	expect(readdirSync(join(path, ".."))).toEqual(["keys-publish"]);
	expect((await ownSecret(join(folder(), "other"))).reveal()).not.toBe(first.reveal());
});

test("twenty that start at once get the same secret", async () => {
	const path = join(folder(), "keys-publish");
	const all = await Promise.all(Array.from({ length: 20 }, () => ownSecret(path)));
	expect(new Set(all.map((one) => one.reveal())).size).toBe(1);
	expect(readdirSync(join(path, ".."))).toEqual(["keys-publish"]);
});

test.for([0o640, 0o604, 0o620, 0o644])("SEC14: a secret of ours with mode %o is none", async (mode) => {
	const path = join(folder(), "keys-publish");
	writeFileSync(path, "a secret that others read\n");
	chmodSync(path, mode);
	await expect(ownSecret(path)).rejects.toThrow(/ACCESS_SECRET: .*has the mode 6.* chmod 600/);
});

test("a link in the place of a secret of ours is not followed, nor is one written through", async () => {
	const path = join(folder(), "keys-publish");
	const target = join(folder(), "elsewhere");
	symlinkSync(target, path);
	await expect(ownSecret(path)).rejects.toThrow("ACCESS_SECRET");
	expect(existsSync(target)).toBe(false);
	writeFileSync(target, "a secret of somebody else\n", { mode: 0o600 });
	await expect(ownSecret(path)).rejects.toThrow("ACCESS_SECRET");
});

test("a secret comes from where the configuration says: the value, a file, the environment", async () => {
	const file = join(folder(), "given");
	writeFileSync(file, "from a file\n");
	const value = new Secret("by value");
	expect((await readSecret({ value }, "x", places("/nowhere"))).reveal()).toBe("by value");
	expect((await readSecret({ file }, "x", places("/nowhere"))).reveal()).toBe("from a file");
	const environment = { STUDIO: "from the environment" };
	const read = await readSecret({ environment: "STUDIO" }, "x", places("/nowhere", environment));
	expect(read.reveal()).toBe("from the environment");
});

test("what cannot be read is told with its place, and never with its content", async () => {
	const path = folder();
	writeFileSync(join(path, "empty"), "\n");
	writeFileSync(join(path, "large"), "canary".repeat(4000));
	mkdirSync(join(path, "directory"));
	const fault = async (source: object): Promise<string> =>
		await readSecret(source, "x", places(path)).then(
			() => "",
			(thrown: Error) => thrown.message,
		);
	expect(await fault({ file: join(path, "missing") })).toMatch(/^ACCESS_SECRET: .*missing cannot be read: ENOENT/);
	expect(await fault({ file: join(path, "empty") })).toMatch(/^ACCESS_SECRET: .*empty is empty/);
	expect(await fault({ file: join(path, "directory") })).toMatch(/^ACCESS_SECRET: .*directory cannot be read/);
	expect(await fault({ file: join(path, "large") })).toMatch(/^ACCESS_SECRET: .*24000 bytes but .* at most 16384/);
	expect(await fault({ file: join(path, "large") })).not.toContain("canary");
	expect(await fault({ environment: "UNSET" })).toMatch(/^ACCESS_SECRET: .*no variable UNSET/);
});

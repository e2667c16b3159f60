/** The real NATS server, in a process of its own, on loopback. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { type RunningProcess, runToEnd, startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

export const NATS_TOKEN = "only-those-who-know-this";

export async function startNats(port: number): Promise<RunningProcess> {
	return await ready(["-a", "127.0.0.1", "-p", String(port), "--auth", NATS_TOKEN]);
}

export interface GuardedNats {
	readonly process: RunningProcess;
	/** PEM: who has signed the server's certificate, which is for `localhost` alone. */
	readonly caFile: string;
	/** Of a user whom it lets in. */
	readonly credentialsFile: string;
	/** Of one whose account it does not know. */
	readonly strangersFile: string;
}

/** Without it an account may have no connection at all. */
const UNLIMITED = { conn: -1, subs: -1, data: -1, payload: -1, exports: -1, imports: -1, leaf: -1, wildcards: true };

/** Speaks TLS, and lets in who has signed credentials. */
export async function startGuardedNats(port: number): Promise<GuardedNats> {
	const folder = makeTempDir("nats");
	const operator = createOperator();
	const [account, stranger] = [createAccount(), createAccount()];
	const accountToken = await encodeAccount("penstock", account, { limits: UNLIMITED }, { signer: operator });
	const [caFile, keyFile] = await certificate(folder);
	const configFile = join(folder, "nats.conf");
	writeFileSync(
		configFile,
		[
			`listen: "127.0.0.1:${port}"`,
			`tls { cert_file: "${caFile}", key_file: "${keyFile}" }`,
			`operator: "${await encodeOperator("test", operator)}"`,
			"resolver: MEMORY",
			`resolver_preload: { ${account.getPublicKey()}: "${accountToken}" }`,
		].join("\n"),
	);
	const credentialsOf = async (issuer: typeof account, name: string): Promise<string> => {
		const user = createUser();
		const file = join(folder, `${name}.creds`);
		writeFileSync(file, fmtCreds(await encodeUser(name, user, issuer, UNLIMITED), user));
		return file;
	};
	return {
		process: await ready(["-c", configFile]),
		...{ caFile, credentialsFile: await credentialsOf(account, "reports") },
		strangersFile: await credentialsOf(stranger, "stranger"),
	};
}

async function ready(args: readonly string[]): Promise<RunningProcess> {
	const running = startProcess("nats-server", args);
	await running.waitForLine(/Server is ready/);
	return running;
}

/** Signed by itself, for the name `localhost`. @returns the certificate's file, and its key's */
async function certificate(folder: string): Promise<readonly [string, string]> {
	const [file, keyFile] = [join(folder, "nats.pem"), join(folder, "nats.key")];
	const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
	const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
	const { code, stderr } = await runToEnd("openssl", ["req", "-x509", "-days", "2", ...key, ...names, "-out", file]);
	if (code !== 0) throw new Error(`openssl has made no certificate: ${stderr}`);
	return [file, keyFile];
}

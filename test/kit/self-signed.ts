/** A key and a certificate of its own for a server on the loopback, made anew for each test file. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir } from "./temp-dir.ts";

/** By OpenSSL, which Debian always has. */
export function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } {
	const folder = makeTempDir("tls");
	const [key, cert] = ["key.pem", "cert.pem"].map((file) => join(folder, file)) as [string, string];
	const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
	const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
	const made = spawnSync("openssl", [...kind, ...named, "-keyout", key, "-out", cert], { encoding: "utf8" });
	if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr ?? made.error?.message}`);
	return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** Certificates from files, as listeners with TLS need them; files may be renewed while the server runs. */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { messageOf, PenstockError } from "../base/errors.ts";

/** PEM; absolute. */
export interface CertificateFiles {
	readonly certFile: string;
	readonly keyFile: string;
}

/** PEM. */
export interface Certificate {
	readonly cert: Buffer;
	readonly key: Buffer;
}

/**
 * @param section of the configuration, where the files are named
 * @throws PenstockError TLS_CERTIFICATE
 */
export async function readCertificate({ certFile, keyFile }: CertificateFiles, section: string): Promise<Certificate> {
	try {
		const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
		// Says whether they are what they should be, and fit each other.
		createSecureContext({ cert, key });
		return { cert, key };
	} catch (thrown) {
		const text = `${certFile} with ${keyFile} (${section}) cannot be used: ${messageOf(thrown)}; both are PEM, and the key is that of the certificate.`;
		throw new PenstockError("TLS_CERTIFICATE", text, { cause: thrown });
	}
}

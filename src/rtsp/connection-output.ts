/** Where a connection's bytes go: a socket, or a test. */
export interface ConnectionOutput {
	/** @param bytes the output's to keep */
	write(bytes: Uint8Array): void;
	/** Bytes that the other end has not taken yet. */
	readonly queuedBytes: number;
	/** Ends the connection once everything is written; at once where `abort` says so. */
	close(abort: boolean): void;
}

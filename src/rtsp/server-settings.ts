/** How long the RTSP server waits, and how much it keeps for one connection. */
export interface RtspServerSettings {
	/** Without a request or a sign of life for so long, a session ends; clients are told. */
	readonly sessionTimeoutMs: number;
	/** Until a connection's first request, and every message begun, is whole. */
	readonly messageTimeoutMs: number;
	/** A publisher that records and sends nothing for so long has gone. */
	readonly publisherSilenceMs: number;
	/** A client that reads nothing of what it was sent for so long has gone. */
	readonly stallMs: number;
	/** More than this waits to be sent: packets are left out. */
	readonly maxQueuedBytes: number;
}

export const DEFAULT_RTSP_SETTINGS: RtspServerSettings = {
	sessionTimeoutMs: 60_000,
	messageTimeoutMs: 10_000,
	publisherSilenceMs: 15_000,
	stallMs: 10_000,
	maxQueuedBytes: 2 ** 20,
};

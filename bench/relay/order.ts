/** What the benchmark and the processes that load the server say to each other. */

/** On the command line of both, as JSON. */
export interface LoadSettings {
	/** `rtsp://10.79.0.2:8554`; streams are `/live/cam-0`, `/live/cam-1`, … */
	readonly server: string;
	readonly streams: number;
	/** Of this side. */
	readonly address: string;
}

export interface PublisherSettings extends LoadSettings {
	readonly bitsPerSecond: number;
	/** Of the UDP payload. */
	readonly payloadBytes: number;
}

export interface ReceiverSettings extends LoadSettings {
	/** Of every stream. */
	readonly each: number;
}

export type LoadOrder =
	/** All streams at their rates, for so long; a few packets a second before and after that. */
	{ readonly do: "load"; readonly forMs: number } | { readonly do: "stop" };

/** What a publisher's process answers to every order, and, first, when all record. */
export interface Loaded {
	readonly packets: number;
	/** That the kernel did not take. */
	readonly refused: number;
	readonly tookMs: number;
}

/** What the receivers' process says when all play. */
export interface Playing {
	readonly sessions: number;
}

/** What a server tells of a channel to those who watch it: `GET /{app}/{stream}.json` (docs/wire/sessions.md). */

export interface DescribedRendition {
	readonly name: string;
	/** Absent without video, and for a copy until it is known. */
	readonly width?: number;
	readonly height?: number;
	/** RFC 6381; absent until it is known. */
	readonly codec?: string;
	/** Pictures and sound, as configured; of a copy as measured. Absent until it is known. */
	readonly bitrateBps?: number;
	/** Pictures a second, as measured; absent until a unit is whole. */
	readonly frameRate?: number;
	/** It can be had now. */
	readonly available: boolean;
}

export interface ChannelDescription {
	readonly app: string;
	readonly stream: string;
	readonly live: boolean;
	readonly unitMs: number;
	/** From the best to the lowest. */
	readonly renditions: readonly DescribedRendition[];
	readonly audio?: { readonly codec: string; readonly sampleRateHz: number; readonly channels: number };
	/** Paths on this server by packaging: `{"mp4": "/live/demo.mp4", …}`; only those that can carry the channel. */
	readonly urls: Readonly<Record<string, string>>;
	/**
	 * All origins of the same server, the one asked among them: a browser opens six connections to each (`http.listen`).
	 * Empty where a proxy or a mapped port stands between, for then the server does not know them.
	 */
	readonly origins: readonly string[];
}

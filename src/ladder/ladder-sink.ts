/**
 * Where a ladder's output goes: declared here, fulfilled by the server, which hands it to the channel.
 *
 * Promises: all calls come in order, from one thread; after every (re)start of FFmpeg each track's configuration comes
 * before its first access unit, and the first access unit of a rendition is a key picture, at the same time in every
 * rendition; times are the channel's (unwrapped, never backwards within a track, over restarts too).
 */
import type { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { AccessUnit, AudioConfig, VideoConfig } from "../media/access-unit.ts";

export interface LadderSink {
	videoConfig(rendition: Name, config: VideoConfig): void;
	audioConfig(config: AudioConfig): void;
	videoUnit(rendition: Name, accessUnit: AccessUnit): void;
	/** One for all renditions. */
	audioUnit(accessUnit: AccessUnit): void;
	/** A copied rendition does not fit; it gives nothing more, and the others are started anew without it. */
	renditionRefused(rendition: Name, error: PenstockError): void;
	/** The output stops here; it goes on by itself with new configurations, unless the ladder's state says otherwise. */
	interrupted(error: PenstockError): void;
}

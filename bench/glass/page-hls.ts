/** The page of hls.js. */
import Hls from "hls.js";
import { serveBenchmark, videoIn } from "./contender-page.ts";

/**
 * What hls.js can be told to be near the live edge: to keep one segment behind the end of the playlist, where its own
 * default is three; to play up to a half faster while it is behind; and not to keep further off after a stall.
 */
const LOWEST = {
	lowLatencyMode: true,
	liveSyncDurationCount: 1,
	liveMaxLatencyDurationCount: 3,
	maxLiveSyncPlaybackRate: 1.5,
	liveSyncOnStallIncrease: 0,
	backBufferLength: 10,
};

serveBenchmark("hls", ({ src, settings }, stage) => {
	const video = videoIn(stage);
	const hls = new Hls(settings === "lowest" ? LOWEST : {});
	hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => {
		// What it gets over by itself is no complaint, but for a stall.
		if (fatal || details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) stage.complain(`hls.js: ${type}, ${details}`);
	});
	hls.attachMedia(video);
	return () => {
		hls.loadSource(src);
		video.play().catch((error: Error) => stage.complain(`play: ${error.message}`));
	};
});

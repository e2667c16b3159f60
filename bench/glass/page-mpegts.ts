/** The page of mpegts.js, which plays HTTP-FLV. */
import mpegtsModule from "mpegts.js";
import { serveBenchmark, videoIn } from "./contender-page.ts";

/** Its types speak of an ES module, and what it is is CommonJS: the default export is what `module.exports` holds. */
const mpegts = mpegtsModule as unknown as typeof mpegtsModule.default;

serveBenchmark("mpegts", ({ src }, stage) => {
	const video = videoIn(stage);
	mpegts.LoggingControl.enableAll = false;
	const player = mpegts.createPlayer(
		{ type: "flv", isLive: true, url: src },
		// As its documentation has it for live: nothing collected before it is read, and what has piled up is skipped.
		{ enableStashBuffer: false, liveBufferLatencyChasing: true },
	);
	player.on(mpegts.Events.ERROR, (type: string, detail: string) => stage.complain(`mpegts.js: ${type}, ${detail}`));
	player.attachMediaElement(video);
	return () => {
		player.load();
		Promise.resolve(player.play()).catch((error: Error) => stage.complain(`play: ${error.message}`));
	};
});

/** The page of Penstock's own player, as it is built: the bundle is imported and not bundled once more. */
import type { Player } from "../../src/player/entry.ts";
import { serveBenchmark } from "./contender-page.ts";

const { Player: BuiltPlayer } = (await import("/player/player.js" as string)) as { readonly Player: typeof Player };

serveBenchmark("penstock", ({ src, renderer, rendition, readSignal = false, reports = true }, stage) => {
	const chosen = rendition === undefined ? {} : { rendition };
	const player = new BuiltPlayer(stage.container, { src, renderer, readSignal, reports, ...chosen });
	player.addEventListener("error", ({ detail }) => stage.complain(`${detail.code}: ${detail.message}`));
	player.addEventListener("signal", ({ detail }) => {
		const read = detail.readings.findLast(({ checksumOk }) => checksumOk);
		if (read !== undefined) stage.readPicture(read.counter, read.ptsMs);
	});
	return () => player.play();
});

/**
 * The signalling of all receivers of the benchmark. Run by `fork` in the receivers' namespace as
 * `receivers-process.ts SETTINGS` (order.ts): sessions that play by UDP. Their packets are counted where they come in,
 * by the sink, which costs nobody's CPU time in here.
 */
import type { LoadOrder, Playing, ReceiverSettings } from "./order.ts";
import { inRows, Signalling } from "./signalling.ts";

/** Of those that the network of the benchmark throws away behind the sink: nobody answers that nobody listens. */
const FIRST_PORT = 6000;
const { server, streams, each } = JSON.parse(process.argv[2] ?? "") as ReceiverSettings;

process.on("message", (order) => {
	if ((order as LoadOrder).do === "stop") process.exit(0);
});
process.on("disconnect", () => process.exit(1));
const sessions = streams * each;
await inRows(sessions, 8, (at) => new Signalling(`${server}/live/cam-${at % streams}`).play(FIRST_PORT + 2 * at));
process.send?.({ sessions } satisfies Playing);

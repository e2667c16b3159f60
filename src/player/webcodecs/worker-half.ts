/** The worker's half of the WebCodecs renderer: everything but the sound's way out and the page itself. */
import { browserClock } from "../browser-time.ts";
import { Connection } from "../connection.ts";
import type { StartMessage, WorkerPort } from "../worker-side.ts";
import type { PageMessage, WebCodecsStart, WorkerMessage } from "./messages.ts";
import { Playout } from "./playout.ts";

export function startWebCodecsSide(port: WorkerPort, start: StartMessage): void {
	const { src, canvas, targetMs, readSignal, wantsSound } = start as WebCodecsStart;
	const clock = browserClock();
	const tell = (message: WorkerMessage): void => port.postMessage(message);
	const playout = new Playout({ clock, canvas, targetMs, readSignal, wantsSound, tell });
	const connection = new Connection({
		...{ src, clock, output: playout },
		tell: (message) => tell({ kind: "connection", message }),
	});
	port.onmessage = ({ data }: MessageEvent<PageMessage>) => obey(playout, data);
	connection.start();
}

function obey(playout: Playout, message: PageMessage): void {
	switch (message.kind) {
		case "wants-sound":
			playout.sound.want();
			break;
		case "worklet":
			playout.sound.attach(message.port, playout.target);
			break;
		case "sound-runs":
			playout.sound.runs = message.runs;
			break;
		case "hidden":
			if (!message.hidden) playout.cameToBeSeen();
			break;
	}
}

/**
 * The MSE renderer's half in the worker: reads the stream and cuts it. The source itself is here, too, where the browser
 * allows it, so that a busy page does not hold up the media.
 */
import { milliseconds } from "../../base/units.ts";
import { browserClock } from "../browser-time.ts";
import { Connection } from "../connection.ts";
import type { StartWorkerSide, WorkerPort } from "../worker-side.ts";
import type { MediaPiece } from "./media-piece.ts";
import { canMakeSourceInWorker, handleOf } from "./media-source.ts";
import type { MseMessage, MseRequest } from "./mse-message.ts";
import { SegmentCutter } from "./segment-cutter.ts";
import { SourceFeeder } from "./source-feeder.ts";

const PROGRESS_MS = 250;
/** Media in front of the element beyond which nothing is read: it does not play. */
const MOST_AHEAD_SECONDS = 20;

export const startMseSide: StartWorkerSide = (port, { src }) => {
	new MseWorker(port, src).start();
};

class MseWorker {
	readonly #port: WorkerPort;
	readonly #clock = browserClock();
	readonly #connection: Connection;
	readonly #cutter: SegmentCutter;
	/** Undefined where the page has the source. */
	readonly #feeder = canMakeSourceInWorker() ? this.#createFeeder() : undefined;
	/** What one read of the network brought goes on together. */
	#batch: MediaPiece[] = [];
	/** Counts beginnings: what the page said of an earlier one is void. */
	#run = 0;
	/** Where the element is. */
	#played: number | undefined;

	constructor(port: WorkerPort, src: string) {
		this.#port = port;
		this.#cutter = new SegmentCutter(
			{ audio: false },
			{
				begin: (types) => {
					this.#flush();
					this.#run++;
					this.#played = undefined;
					if (this.#feeder === undefined) this.#tell({ kind: "begin", run: this.#run, types });
					else this.#feeder.begin(types);
				},
				piece: (piece) => {
					if (this.#batch.push(piece) === 1) queueMicrotask(() => this.#flush());
				},
				unit: (notice) => this.#tell({ kind: "unit", notice }),
			},
		);
		this.#connection = this.#connect(src);
		port.onmessage = ({ data }: MessageEvent<MseRequest>) => this.#obey(data);
	}

	start(): void {
		this.#connection.start();
		this.#tellProgress();
	}

	#connect(src: string): Connection {
		const cutter = this.#cutter;
		const isBacklogged = (): boolean =>
			this.#played !== undefined && cutter.endSeconds - this.#played > MOST_AHEAD_SECONDS;
		return new Connection({
			src,
			clock: this.#clock,
			tell: (message) => this.#tell({ kind: "connection", message }),
			output: {
				decodeInformation: (decode) => cutter.decodeInformation(decode),
				unitStart: (unit) => cutter.unitStart(unit),
				accessUnit: (accessUnit, arrivedAt) => cutter.accessUnit(accessUnit, arrivedAt),
				reconnected: () => cutter.reconnected(),
				end: () => this.#end(),
				destroy: () => undefined,
				get backlogged() {
					return isBacklogged();
				},
			},
		});
	}

	#createFeeder(): SourceFeeder {
		return new SourceFeeder({
			source: (source, types) => {
				const handle = handleOf(source);
				this.#tell({ kind: "begin", run: this.#run, types, handle }, [handle]);
			},
			appended: () => this.#tell({ kind: "appended" }),
			broken: (reason) => {
				this.#cutter.restart();
				this.#tell({ kind: "broken", reason });
			},
			unsupported: (type) => this.#tell({ kind: "unsupported", type }),
		});
	}

	#obey(request: MseRequest): void {
		switch (request.kind) {
			case "played":
				if (request.run !== this.#run) break;
				this.#played = request.seconds;
				this.#feeder?.played(request.seconds);
				break;
			case "add-audio":
				this.#cutter.addAudio();
				break;
			case "restart":
				this.#feeder?.close();
				this.#cutter.restart();
				break;
		}
	}

	#flush(): void {
		const pieces = this.#batch;
		this.#batch = [];
		if (pieces.length === 0) return;
		if (this.#feeder !== undefined) this.#feeder.append(pieces);
		else
			this.#tell(
				{ kind: "pieces", pieces },
				pieces.map(({ bytes }) => bytes.buffer),
			);
	}

	#end(): void {
		this.#flush();
		if (this.#feeder === undefined) this.#tell({ kind: "end" });
		else this.#feeder.end();
	}

	#tellProgress(): void {
		this.#clock.after(PROGRESS_MS, () => {
			const best = this.#cutter.bestArrivalMs(this.#clock.now());
			this.#tell({
				kind: "progress",
				framesReceived: this.#cutter.framesReceived,
				// The page's clock has another zero.
				bestArrivalMs: best === undefined ? undefined : milliseconds(best + performance.timeOrigin),
			});
			this.#tellProgress();
		});
	}

	#tell(message: MseMessage, transfer: Transferable[] = []): void {
		this.#port.postMessage(message, transfer);
	}
}

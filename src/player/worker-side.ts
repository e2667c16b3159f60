/**
 * The seam between a page and its worker. Each kind of renderer has a half on either side, which speak to each other in
 * messages of their own; `worker.ts` only starts the right one.
 */
import type { RendererKind } from "./player-model.ts";

/** A message that may come before any other: what will be asked for is loaded, and nothing begins. */
export interface PrepareMessage {
	readonly kind: "prepare";
	readonly renderer: RendererKind;
	/** Absolute. */
	readonly src: string;
}

/** The first message to a worker otherwise: which half to start, and what for. The rest is the renderer's own. */
export interface StartMessage {
	readonly kind: "start";
	readonly renderer: RendererKind;
	/** Absolute. */
	readonly src: string;
}

/** A worker's way to its page: what `DedicatedWorkerGlobalScope` has of it. */
export interface WorkerPort {
	postMessage(message: unknown, transfer?: Transferable[]): void;
	onmessage: ((event: MessageEvent) => void) | null;
}

/** Takes over `port.onmessage`. */
export type StartWorkerSide = (port: WorkerPort, start: StartMessage) => void;

import type { Milliseconds } from "../../src/base/units.ts";
import type { Transport } from "../../src/delivery/transport.ts";
import type { LinkReading } from "../../src/switching/link-reading.ts";

/** Who is told when the pipe takes bytes again. */
interface Pumped {
	pump(): void;
}

/** A transport whose far end the test opens and shuts. */
export class TextPipe implements Transport {
	text = "";
	ended = false;
	open = true;
	#blocked = false;
	viewer: Pumped | undefined;
	onEnd: () => void = () => {};
	onDestroy: () => void = () => {};

	get idle(): boolean {
		return !this.#blocked && !this.ended;
	}

	get progress(): number {
		return this.text.length;
	}

	/** Nobody acknowledges anything on a pipe. */
	look(_now: Milliseconds): LinkReading | undefined {
		return undefined;
	}

	send(bytes: Buffer): void {
		this.text += bytes.toString();
		this.#blocked = !this.open;
	}

	sendAll(buffers: readonly Buffer[]): void {
		for (const bytes of buffers) this.send(bytes);
	}

	end(bytes: Buffer): void {
		this.text += bytes.toString();
		this.ended = true;
		this.onEnd();
	}

	destroy(): void {
		this.ended = true;
		this.onDestroy();
	}

	drain(): void {
		this.open = true;
		this.#blocked = false;
		this.viewer?.pump();
	}

	/** The lines of the body, without chunked framing. */
	get lines(): string[] {
		return this.text.split("\r\n").flatMap((part) => (part.endsWith("\n") ? [part.trimEnd()] : []));
	}
}

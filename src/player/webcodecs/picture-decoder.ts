/**
 * From coded pictures to frames, by one `VideoDecoder` over all renditions: it is configured anew where a unit brings
 * other decode information, behind a flush that is not waited for, so that what is inside comes out first. Pictures wait
 * coded, since decoded ones are large and a hardware decoder has few: only some frames are decoded ahead.
 */
import type { VideoConfig } from "../../media/access-unit.ts";
import { sameVideo } from "../../media/picture.ts";
import { keyPrelude, videoDecoderConfig } from "./decoder-config.ts";

/** A coded picture, and what is to be known of its frame. */
export interface CodedPicture<About> {
	readonly ptsMs: number;
	readonly key: boolean;
	readonly data: Uint8Array;
	readonly config: VideoConfig;
	readonly about: About;
}

export interface DecodedPicture<About> {
	readonly ptsMs: number;
	readonly about: About;
	/** To be closed by whoever gets it. */
	readonly frame: VideoFrame;
}

export interface PictureDecoderEvents<About> {
	frame(picture: DecodedPicture<About>): void;
	/** Pictures that will never be a frame. */
	lost(count: number): void;
	/** It failed, and goes on with a new decoder at the next key picture. */
	failed(reason: string): void;
	/** Nothing here decodes this; pictures of it are lost. */
	unsupported(config: VideoConfig): void;
}

/** Inside the decoder at most; it may hold some to put them in order. */
const MOST_INSIDE = 24;

export class PictureDecoder<About> {
	readonly #events: PictureDecoderEvents<About>;
	/** How many more frames are wanted now. */
	readonly #room: () => number;
	readonly #waiting: CodedPicture<About>[] = [];
	#waitingBytes = 0;
	/** By the time stamp that the decoder has of them, in microseconds. */
	readonly #inside = new Map<number, CodedPicture<About>>();
	/** What `isConfigSupported` said, by codec string. */
	readonly #supported = new Map<string, boolean | "asked">();
	#decoder: VideoDecoder | undefined;
	#config: VideoConfig | undefined;
	#ending = false;
	#closed = false;

	constructor(room: () => number, events: PictureDecoderEvents<About>) {
		this.#room = room;
		this.#events = events;
	}

	get waitingBytes(): number {
		return this.#waitingBytes;
	}

	get waitingCount(): number {
		return this.#waiting.length;
	}

	/** Of the oldest that was not given to the decoder yet. */
	get oldestWaitingMs(): number | undefined {
		return this.#waiting[0]?.ptsMs;
	}

	push(picture: CodedPicture<About>): void {
		this.#waiting.push(picture);
		this.#waitingBytes += picture.data.length;
		this.feed();
	}

	/** Gives the decoder what it may have. */
	feed(): void {
		while (this.#waiting.length > 0 && this.#inside.size < MOST_INSIDE && this.#room() > this.#inside.size) {
			const [next] = this.#waiting as [CodedPicture<About>];
			const supported = this.#isSupported(next.config);
			if (supported === "asked") return;
			this.#take();
			if (supported) this.#decode(next);
			else this.#events.lost(1);
		}
		if (this.#ending && this.#waiting.length === 0) {
			this.#ending = false;
			this.#flush();
		}
	}

	/** Leaves out what waits before the newest key picture that waits, where there is such a one. */
	skipToNewestKey(): void {
		const index = this.#waiting.findLastIndex(({ key }) => key);
		if (index <= 0) return;
		for (let i = 0; i < index; i++) this.#take();
		this.#events.lost(index);
		this.feed();
	}

	/** Nothing more comes: behind what waits, frames that the decoder holds back come out, too. */
	end(): void {
		this.#ending = true;
		this.feed();
	}

	/** All that waits or is inside is left out. */
	discard(): void {
		this.#ending = false;
		this.#events.lost(this.#waiting.length);
		this.#waiting.length = 0;
		this.#waitingBytes = 0;
		this.#discardDecoder();
	}

	close(): void {
		this.#closed = true;
		this.discard();
	}

	#take(): void {
		this.#waitingBytes -= this.#waiting.shift()!.data.length;
	}

	#decode(picture: CodedPicture<About>): void {
		const { config, key, ptsMs } = picture;
		if (this.#decoder === undefined && !key) {
			this.#events.lost(1);
			return;
		}
		let timestamp = Math.round(ptsMs * 1000);
		while (this.#inside.has(timestamp)) timestamp++;
		this.#inside.set(timestamp, picture);
		try {
			this.#configure(config);
			const type = key ? "key" : "delta";
			this.#decoder!.decode(
				new EncodedVideoChunk({ type, timestamp, data: key ? withPrelude(picture) : picture.data }),
			);
		} catch (error) {
			this.#failed(error);
		}
	}

	#flush(): void {
		if (this.#decoder?.state === "configured") this.#decoder.flush().catch(() => {});
	}

	#configure(config: VideoConfig): void {
		if (this.#decoder !== undefined && sameVideo(this.#config, config)) return;
		this.#decoder ??= this.#createDecoder();
		this.#flush();
		this.#decoder.configure(videoDecoderConfig(config));
		this.#config = config;
	}

	#createDecoder(): VideoDecoder {
		const decoder: VideoDecoder = new VideoDecoder({
			output: (frame) => this.#output(decoder, frame),
			error: (error) => {
				if (decoder === this.#decoder) this.#failed(error);
			},
		});
		return decoder;
	}

	#output(decoder: VideoDecoder, frame: VideoFrame): void {
		const picture = decoder === this.#decoder ? this.#inside.get(frame.timestamp) : undefined;
		if (picture === undefined) {
			frame.close();
			return;
		}
		this.#inside.delete(frame.timestamp);
		this.#forgetSwallowed();
		this.#events.frame({ ptsMs: picture.ptsMs, about: picture.about, frame });
		this.feed();
	}

	/** Frames come in the order of showing: with so many inside, those that were given in first never come out. */
	#forgetSwallowed(): void {
		while (this.#inside.size >= MOST_INSIDE) {
			const [oldest] = this.#inside.keys();
			this.#inside.delete(oldest!);
			this.#events.lost(1);
		}
	}

	#failed(error: unknown): void {
		this.#discardDecoder();
		if (this.#closed) return;
		this.#events.failed(error instanceof Error ? error.message : String(error));
		this.feed();
	}

	#discardDecoder(): void {
		if (this.#decoder !== undefined && this.#decoder.state !== "closed") this.#decoder.close();
		this.#decoder = undefined;
		this.#config = undefined;
		if (this.#inside.size > 0) this.#events.lost(this.#inside.size);
		this.#inside.clear();
	}

	#isSupported(config: VideoConfig): boolean | "asked" {
		const { codecString } = config;
		const known = this.#supported.get(codecString);
		if (known !== undefined) return known;
		this.#supported.set(codecString, "asked");
		const answered = (supported: boolean): void => {
			if (this.#closed) return;
			this.#supported.set(codecString, supported);
			if (!supported) this.#events.unsupported(config);
			this.feed();
		};
		VideoDecoder.isConfigSupported(videoDecoderConfig(config)).then(
			({ supported }) => answered(supported === true),
			() => answered(false),
		);
		return "asked";
	}
}

function withPrelude<About>({ config, data }: CodedPicture<About>): Uint8Array {
	const prelude = keyPrelude(config);
	if (prelude.length === 0) return data;
	const whole = new Uint8Array(prelude.length + data.length);
	whole.set(prelude);
	whole.set(data, prelude.length);
	return whole;
}

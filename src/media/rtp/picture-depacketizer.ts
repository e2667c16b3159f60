/**
 * From RTP payloads of H.264 (RFC 6184) or HEVC (RFC 7798) to pictures. A picture ends with the marker, or where the
 * next timestamp begins. Parameter sets come with the description and in the stream; sets that change at a key picture
 * are new decode information.
 *
 * A picture that has lost a packet is dropped whole. Behind a hole nobody knows where the next one begins, unless it
 * says so itself: by a delimiter, a parameter set, or its first slice. A key picture without parameter sets, in a stream
 * whose key pictures bring them, is left out all the same: they may be what was lost.
 */
import type { VideoConfig } from "../access-unit.ts";
import { joinLengthPrefixed, splitLengthPrefixed } from "../h264.ts";
import { type CodedPicture, MOST_SET_BYTES, sameVideo, takePicture } from "../picture.ts";
import type { Depacketizer, FrameSink } from "./depacketizer.ts";
import { firstNal, type NalFormat, readNals } from "./nal-format.ts";
import { PictureBuffer } from "./picture-buffer.ts";

const MOST_LOOSE_SETS = 64;

export interface PictureSettings {
	/** After a picture was dropped, drop those that may refer to it, up to the next key picture. */
	readonly waitForKey: boolean;
	/** Parameter sets of the description. */
	readonly sets?: readonly Uint8Array[];
}

export class PictureDepacketizer implements Depacketizer {
	readonly track = "video";
	readonly #format: NalFormat;
	readonly #waitForKey: boolean;
	readonly #sink: FrameSink;
	readonly #picture = new PictureBuffer();
	#config: VideoConfig | undefined;
	/** Of the picture that has begun; "damaged" is what the rest of it is that is being passed over. */
	#state: "none" | "begun" | "damaged" = "none";
	#timestamp = 0;
	/** A hole came before the packet that is to come. */
	#isUnsure = false;
	#setsInBand = false;
	/** A hole came before the picture that has begun, and not with a delimiter. */
	#mayLackSets = false;
	/** Parameter sets that came without a picture, since the last one. */
	#loose: Uint8Array[] = [];
	/** Nothing is given before the next key picture. */
	#isWaiting = false;

	/** Sets of the description that make no sense are told and left out: the stream may bring its own. */
	constructor(format: NalFormat, { waitForKey, sets = [] }: PictureSettings, sink: FrameSink) {
		this.#format = format;
		this.#waitForKey = waitForKey;
		this.#sink = sink;
		try {
			if (sets.length > 0) this.#learn(sets);
		} catch {
			sink.flaw("the description's parameter sets make no sense");
		}
	}

	get config(): VideoConfig | undefined {
		return this.#config;
	}

	get heldBytes(): number {
		return this.#picture.length;
	}

	push(payload: Uint8Array, marker: boolean, timestamp: number, afterLoss: boolean): void {
		if (afterLoss) this.#hole();
		if (this.#state !== "none" && timestamp !== this.#timestamp) this.#finish();
		if (payload.length > 0) {
			if (this.#state === "none") this.#begin(payload, timestamp);
			if (this.#state === "begun") readNals(this.#format, payload, this.#picture);
		}
		if (marker) this.#finish();
	}

	end(): void {
		// Without a marker and without the next picture, nobody knows whether it lacks its end.
		if (this.#state === "begun") this.#drop();
		this.#picture.clear();
		this.#loose = [];
		this.#state = "none";
		this.#isUnsure = false;
	}

	#hole(): void {
		this.#isUnsure = true;
		if (this.#state === "begun") this.#drop();
	}

	#drop(): void {
		this.#picture.clear();
		this.#state = "damaged";
		this.#isWaiting ||= this.#waitForKey;
		this.#sink.dropped();
	}

	#begin(payload: Uint8Array, timestamp: number): void {
		this.#timestamp = timestamp;
		this.#state = "begun";
		this.#mayLackSets = false;
		if (!this.#isUnsure) return;
		this.#isUnsure = false;
		const nal = firstNal(this.#format, payload);
		const opens = nal !== undefined && nal.length > 0 ? this.#format.opensPicture(nal) : "no";
		this.#mayLackSets = opens === "likely";
		if (opens === "no") this.#drop();
		// Whole pictures may be missing before it.
		else this.#isWaiting ||= this.#waitForKey;
	}

	#finish(): void {
		const isBegun = this.#state === "begun";
		this.#state = "none";
		if (!isBegun) return;
		const { flaw } = this.#picture;
		const data = this.#picture.take();
		if (data === undefined) {
			this.#isWaiting ||= this.#waitForKey;
			this.#sink.flaw(flaw ?? "a NAL unit in fragments has no end");
			return;
		}
		const picture = this.#read(data);
		const config = this.#config;
		if (picture === undefined || picture.data.length === 0 || config === undefined) return;
		if (picture.key) this.#isWaiting = false;
		if (this.#isWaiting) this.#sink.dropped();
		else this.#sink.frame({ timestamp: this.#timestamp, key: picture.key, data: picture.data, config });
	}

	/** @returns undefined where there is no slice in it, or no parameter sets have come yet */
	#read(data: Uint8Array): CodedPicture | undefined {
		const { isSet, isSlice, isKey } = this.#format;
		try {
			const nals = splitLengthPrefixed(data);
			const sets = nals.filter(isSet);
			if (this.#mayLackSets && this.#setsInBand && nals.some(isKey) && !this.#isWhole(sets)) {
				this.#isWaiting ||= this.#waitForKey;
				this.#sink.dropped();
				return undefined;
			}
			if (sets.length > 0) this.#setsInBand = true;
			if (!nals.some(isSlice)) {
				this.#keepLoose(sets);
				return undefined;
			}
			const all = [...this.#loose, ...sets];
			this.#loose = [];
			if (all.length > 0 && (this.#config === undefined || nals.some(isKey))) this.#learn(all);
			if (this.#config === undefined) {
				this.#sink.dropped();
				return undefined;
			}
			const picture = takePicture(data, this.#config);
			if (picture.config) this.#config = picture.config;
			return picture;
		} catch {
			this.#isWaiting ||= this.#waitForKey;
			this.#sink.flaw("NAL units or parameter sets make no sense");
			return undefined;
		}
	}

	/** Some senders give parameter sets markers of their own, before the picture that needs them. */
	#keepLoose(sets: readonly Uint8Array[]): void {
		for (const set of sets) this.#loose.push(set.slice());
		const byteLength = this.#loose.reduce((sum, { length }) => sum + length, 0);
		if (this.#loose.length > MOST_LOOSE_SETS || byteLength > MOST_SET_BYTES) this.#loose = [];
	}

	/** Sets that are complete in themselves replace all that were known. @throws where they make no sense */
	#learn(sets: readonly Uint8Array[]): void {
		if (!this.#isWhole(sets)) return;
		const { config } = takePicture(joinLengthPrefixed(sets), this.#format.codec);
		if (config && !sameVideo(this.#config, config)) this.#config = config;
	}

	/** Whether all kinds of parameter sets that a decoder needs are among them. */
	#isWhole(sets: readonly Uint8Array[]): boolean {
		const { setTypes, typeOf } = this.#format;
		return setTypes.every((type) => sets.some((set) => typeOf(set) === type));
	}
}

/** Reads the body of what a viewer POSTs: whole, of bounded size, in bounded time. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../base/clock.ts";
import { type Bytes, bytes } from "../base/units.ts";

/** Of a report. */
export const MAX_BODY_BYTES = bytes(16 * 1024);
/** What is read and thrown away of a body that is too large, so that its sender gets to read the answer. */
const MAX_DISCARDED_BYTES = bytes(256 * 1024);
const BODY_TIMEOUT_MS = 5000;

export type Body =
	| { readonly kind: "whole"; readonly text: string }
	| { readonly kind: "too-large" }
	| { readonly kind: "not-utf8" }
	/** It did not come within the time. */
	| { readonly kind: "late" }
	/** The sender left before it was whole. */
	| { readonly kind: "gone" };

/** @param most more is not kept */
export function readBody(request: IncomingMessage, clock: Clock, most: Bytes): Promise<Body> {
	return new Promise((resolve) => {
		const pieces: Buffer[] = [];
		let size = 0;
		const finish = (body: Body): void => {
			timer.cancel();
			request.off("data", take);
			resolve(body);
		};
		const take = (piece: Buffer): void => {
			size += piece.length;
			if (size <= most) pieces.push(piece);
			else pieces.length = 0;
			if (size > MAX_DISCARDED_BYTES) finish({ kind: "too-large" });
		};
		const timer = clock.after(BODY_TIMEOUT_MS, () => finish({ kind: "late" }));
		request.on("data", take);
		request.once("end", () => finish(size > most ? { kind: "too-large" } : textOf(Buffer.concat(pieces))));
		request.once("error", () => finish({ kind: "gone" }));
		request.once("close", () => finish({ kind: "gone" }));
	});
}

function textOf(body: Buffer): Body {
	try {
		return { kind: "whole", text: new TextDecoder("utf-8", { fatal: true }).decode(body) };
	} catch {
		return { kind: "not-utf8" };
	}
}

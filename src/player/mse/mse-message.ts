/** What the two halves of the MSE renderer tell each other. */
import type { ConnectionMessage } from "../connection-message.ts";
import type { MediaPiece, SourceTypes, UnitNotice } from "./media-piece.ts";

/** From the worker to the page. */
export type MseMessage =
	| { readonly kind: "connection"; readonly message: ConnectionMessage }
	/** Everything begins anew. The page makes the source where there is no handle to one of the worker's. */
	| {
			readonly kind: "begin";
			/** Counts beginnings. */
			readonly run: number;
			readonly types: SourceTypes;
			readonly handle?: MediaSourceHandle;
	  }
	/** Only where the page has the source. */
	| { readonly kind: "pieces"; readonly pieces: readonly MediaPiece[] }
	| { readonly kind: "end" }
	/** Only where the worker has the source. */
	| { readonly kind: "appended" }
	| { readonly kind: "broken"; readonly reason: string }
	| { readonly kind: "unsupported"; readonly type: string }
	| { readonly kind: "unit"; readonly notice: UnitNotice }
	/** Four times a second. */
	| {
			readonly kind: "progress";
			readonly framesReceived: number;
			/** When media came at its earliest, by the wall clock, less its time on the element's timeline. */
			readonly bestArrivalMs: number | undefined;
	  };

/** From the page to the worker; before these, `StartMessage` with `MseStart`. */
export type MseRequest =
	/** Where the element is, on the timeline of this run: what lies far behind may go. */
	| { readonly kind: "played"; readonly run: number; readonly seconds: number }
	/** Sound is wanted that was not. */
	| { readonly kind: "add-audio" }
	/** The element's source is of no use any more. */
	| { readonly kind: "restart" };

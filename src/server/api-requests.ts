/** What the API takes, as schemas (the OpenAPI document is made of them) and as types. Names carry their units. */
import * as z from "zod";
import { PenstockError } from "../base/errors.ts";
import { problemsOf } from "./problem.ts";

export const renditionWish = z.strictObject({
	/** The name of a rendition, or "auto". */
	rendition: z.string().min(1).max(128),
});

const share = z.number().min(0).max(1);

export const viewerFigures = z
	.strictObject({
		bandwidthBps: z.number().min(0).max(1e12).optional(),
		/** Idle share of the viewer's CPU, 0 to 1. */
		cpuIdle: share.optional(),
		/** Used share of the viewer's memory, 0 to 1. */
		memoryUsed: share.optional(),
		/** Media that the viewer has and has not shown yet. */
		bufferMs: z.number().min(0).max(3_600_000).optional(),
		/** Share of the frames due lately that its decoder dropped, 0 to 1. */
		droppedShare: share.optional(),
		/** The best rendition that its decoder plays smoothly. */
		smoothUpTo: z.string().min(1).max(128).optional(),
		/** Nobody looks. */
		hidden: z.boolean().optional(),
		/** The most that is of use to it. */
		maxBitrateBps: z.number().min(0).max(1e12).optional(),
	})
	.refine((figures) => Object.keys(figures).length > 0, {
		message:
			"a map with at least one of bandwidthBps, cpuIdle, memoryUsed, bufferMs, droppedShare, smoothUpTo, hidden, maxBitrateBps",
	});

export const viewerLimit = z.strictObject({
	/** What the server lets through to the viewer; null: all. */
	maxBps: z.union([z.int().min(10_000).max(10_000_000_000), z.null()]),
});

/** Which viewers; all of them where nothing is said. */
export const viewersQuery = z.strictObject({
	/** `app/stream` */
	channel: z.string().min(1).max(257).optional(),
	limit: z.coerce.number().int().min(1).max(1000).optional(),
	/** How many to leave out before the first. */
	offset: z.coerce.number().int().min(0).optional(),
});

/** @throws PenstockError API_REQUEST */
export function readRequest<Schema extends z.ZodType>(
	schema: Schema,
	given: unknown,
	what: "body" | "query",
): z.output<Schema> {
	const result = schema.safeParse(given);
	if (result.success) return result.data;
	const problems = problemsOf(schema, given).map(({ text }) => text);
	throw new PenstockError("API_REQUEST", `the ${what} does not fit: ${problems.join("; ")}.`);
}

export type FiguresRequest = z.infer<typeof viewerFigures>;
export type ViewersQuery = z.infer<typeof viewersQuery>;

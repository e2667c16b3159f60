/**
 * Requests to a distributor: the verbs, what each brings, and the reader that judges a request from outside. A line is
 * read by `distributor-line.ts`, answers by `distributor-answer.ts`. docs/wire/distributor.md is normative.
 */
import type { Name } from "../base/name.ts";
import {
	flag,
	type Key,
	listOf,
	needed,
	objectOf,
	optional,
	type Path,
	type Reader,
	Refusal,
	textOf,
	wholeNumber,
} from "./distributor-refusal.ts";
import {
	type Receiver,
	type ReceiverKey,
	type Rule,
	readAddedReceivers,
	readGeneration,
	readName,
	readRemovedReceivers,
	readRule,
} from "./distributor-rule.ts";
import { shownValue } from "./viewer-report.ts";

export const PROTOCOL_VERSION = 1;
/** Of a request, its `\n` included. */
export const MAX_REQUEST_BYTES = 1_048_576;
/** Of an answer or an event. */
export const MAX_ANSWER_BYTES = 16_777_216;
const MAX_BATCH = 1000;
const MAX_NAMES = 1000;
/** What a `rule.put` brings. */
export const RULE_LEASE_MS = 5000;
const MIN_LEASE_MS = 100;
export const MAX_LEASE_MS = 5000;

export interface PutRequest {
	readonly do: "rule.put";
	readonly rule: Rule;
}

export interface DeleteRequest {
	readonly do: "rule.delete";
	readonly name: Name;
	readonly generation: number;
}

export interface AddRequest {
	readonly do: "receivers.add";
	readonly name: Name;
	readonly generation: number;
	readonly receivers: readonly Receiver[];
}

export interface RemoveRequest {
	readonly do: "receivers.remove";
	readonly name: Name;
	readonly generation: number;
	readonly receivers: readonly ReceiverKey[];
}

/** What changes the table. */
export type ChangeRequest = PutRequest | DeleteRequest | AddRequest | RemoveRequest;

export interface ListRequest {
	readonly do: "rule.list";
	readonly names?: readonly Name[];
	readonly receivers?: boolean;
}

export interface LeaseRequest {
	readonly do: "lease";
	readonly leaseMs: number;
}

export interface StatsRequest {
	readonly do: "stats";
	readonly names?: readonly Name[];
	readonly receivers?: boolean;
}

/** What may stand in a batch. */
export type PlainRequest = ChangeRequest | ListRequest | LeaseRequest | StatsRequest;

export interface HelloRequest {
	readonly do: "hello";
	readonly protocol: number;
	/** Who connects, for the log. */
	readonly controller?: string;
}

export interface CaptureRequest {
	readonly do: "capture";
	readonly name: Name;
	readonly path: string;
	readonly packets: number;
	readonly durationMs?: number;
}

/** Each entry is judged for itself: a refused one stands for its own answer. */
export interface BatchRequest {
	readonly do: "batch";
	readonly requests: readonly (PlainRequest | Refusal)[];
}

export type Request =
	| PlainRequest
	| HelloRequest
	| CaptureRequest
	| BatchRequest
	| { readonly do: "drain" }
	| { readonly do: "quit" };

export type Verb = Request["do"];

/** As a controller sends it; a batch brings requests alone. */
export type SentRequest =
	| Exclude<Request, BatchRequest>
	| { readonly do: "batch"; readonly requests: readonly PlainRequest[] };

const readNames = listOf(readName, 0, MAX_NAMES);
const utf8 = new TextEncoder();

/** Of every verb, what it reads besides `id` and `do`. */
const KEYS = {
	hello: {
		protocol: needed(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
		controller: optional(textOf("text of at most 64 bytes", (text) => utf8.encode(text).length <= 64)),
	},
	"rule.put": { rule: needed(readRule) },
	"rule.delete": { name: needed(readName), generation: needed(readGeneration) },
	"rule.list": { names: optional(readNames), receivers: optional(flag) },
	"receivers.add": {
		name: needed(readName),
		generation: needed(readGeneration),
		receivers: needed(readAddedReceivers),
	},
	"receivers.remove": {
		name: needed(readName),
		generation: needed(readGeneration),
		receivers: needed(readRemovedReceivers),
	},
	batch: { requests: needed(listOf(readBatched, 1, MAX_BATCH)) },
	lease: { leaseMs: needed(wholeNumber(MIN_LEASE_MS, MAX_LEASE_MS)) },
	stats: { names: optional(readNames), receivers: optional(flag) },
	capture: {
		name: needed(readName),
		path: needed(textOf("an absolute path", (text) => text.startsWith("/") && !text.includes("\0"))),
		packets: needed(wholeNumber(1, 100_000)),
		durationMs: optional(wholeNumber(1, 600_000)),
	},
	drain: {},
	quit: {},
} satisfies Readonly<Record<Verb, Readonly<Record<string, Key<unknown>>>>>;

const NOT_IN_BATCHES: readonly Verb[] = ["hello", "batch", "capture", "drain", "quit"];

const isVerb = (value: unknown): value is Verb => typeof value === "string" && Object.hasOwn(KEYS, value);

export const isId = (value: unknown): value is number =>
	typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** A request of which `id` and verb are known, and which is not judged further yet. */
export interface AddressedRequest {
	readonly id: number;
	readonly verb: Verb;
	readonly fields: Readonly<Record<string, unknown>>;
}

export interface RefusedRequest {
	/** Null where none can be read. */
	readonly id: number | null;
	readonly refusal: Refusal;
}

/** The first half: who asks for what. It never throws. */
export function addressOfRequest(value: Readonly<Record<string, unknown>>): AddressedRequest | RefusedRequest {
	const { id, do: verb, ...fields } = value;
	if (!isId(id)) {
		const text = `id is ${shownValue(id)} but must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
		return { id: null, refusal: new Refusal("ID_INVALID", [], text) };
	}
	return isVerb(verb) ? { id, verb, fields } : { id, refusal: unknownVerb(verb, []) };
}

/** The second: what it brings. @throws Refusal */
export function readRequest({ verb, fields }: Omit<AddressedRequest, "id">): Request {
	const read = objectOf<Readonly<Record<string, Key<unknown>>>>(KEYS[verb]);
	const request = { do: verb, ...read(fields, []) } as unknown as Request;
	if (request.do !== "hello" || request.protocol === PROTOCOL_VERSION) return request;
	const text = `is ${request.protocol} but this distributor speaks ${PROTOCOL_VERSION}`;
	throw new Refusal("PROTOCOL_UNSUPPORTED", ["protocol"], text);
}

const unknownVerb = (verb: unknown, path: Path): Refusal =>
	new Refusal(
		"VERB_UNKNOWN",
		[...path, "do"],
		`is ${shownValue(verb)} but must be one of ${Object.keys(KEYS).join(", ")}`,
	);

/** One of a batch: what is wrong with it is its own answer, unless it is no object at all. */
function readBatched(value: unknown, path: Path): PlainRequest | Refusal {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be an object`);
	}
	const { do: verb, ...fields } = value as Readonly<Record<string, unknown>>;
	if (!isVerb(verb)) return unknownVerb(verb, path);
	if (NOT_IN_BATCHES.includes(verb)) return new Refusal("BATCH_VERB", [...path, "do"], `is ${verb}: not in a batch`);
	const read: Reader<object> = objectOf<Readonly<Record<string, Key<unknown>>>>(KEYS[verb]);
	try {
		return { do: verb, ...read(fields, path) } as unknown as PlainRequest;
	} catch (thrown) {
		if (thrown instanceof Refusal) return thrown;
		throw thrown;
	}
}

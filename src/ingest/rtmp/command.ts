/** RTMP's commands (RTMP 1.0, clause 7.2), read from the messages that carry them. */
import { PenstockError } from "../../base/errors.ts";
import { type AmfLimits, type AmfValue, readValues } from "../../media/flv/amf0.ts";
import { COMMAND_AMF3, DATA_AMF3, type RtmpMessage } from "./message.ts";

/** Values count wherever they stand, so that there are no more keys than that either. */
export const COMMAND_LIMITS: AmfLimits = { depth: 16, values: 256 };

/** AMF0's marker, with which a call begins. */
const STRING = 2;

export interface RtmpCommand {
	readonly name: string;
	/** 0: no answer is wanted. */
	readonly transaction: number;
	/** The command object, and what stands behind it. */
	readonly values: readonly AmfValue[];
	readonly streamId: number;
}

/** A command, or what is wrong with it. */
export function parseCommand(message: RtmpMessage): RtmpCommand | PenstockError {
	const body = withoutAmf3(message);
	if (body === undefined) {
		return new PenstockError("RTMP_UNSUPPORTED", "the client sends commands in AMF3; set its object encoding to AMF0.");
	}
	const values = readValues(body, COMMAND_LIMITS);
	if (values === undefined) {
		return new PenstockError(
			"RTMP_SYNTAX",
			`a command of ${body.length} bytes is broken, or goes beyond ${COMMAND_LIMITS.values} values or a depth of ${COMMAND_LIMITS.depth}.`,
		);
	}
	const [name, transaction, ...rest] = values;
	if (typeof name !== "string" || typeof transaction !== "number") {
		return new PenstockError("RTMP_SYNTAX", "a command does not begin with a name and a number.");
	}
	return { name, transaction, values: rest, streamId: message.streamId };
}

/** Messages for AMF3 mostly hold AMF0, behind a byte 0 or without. @returns undefined where it is AMF3 */
export function withoutAmf3({ type, body }: RtmpMessage): Uint8Array | undefined {
	if (type !== COMMAND_AMF3 && type !== DATA_AMF3) return body;
	if (body[0] === 0) return body.subarray(1);
	return body[0] === STRING ? body : undefined;
}

/** The command object's property, or the value itself, as text; empty where it is none. */
export function textOf(value: AmfValue | undefined, property?: string): string {
	const found = property === undefined ? value : value instanceof Map ? value.get(property) : undefined;
	return typeof found === "string" ? found : "";
}

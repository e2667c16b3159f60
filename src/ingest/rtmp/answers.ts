/** What the server says to a publisher: the answers to its commands, and how its publication stands (RTMP 1.0, 7.2). */
import type { ErrorCode, PenstockError } from "../../base/errors.ts";
import type { AmfValue } from "../../media/flv/amf0.ts";
import { command, peerBandwidth, userControl, windowAcknowledgementSize } from "./chunk-writer.ts";
import type { RtmpCommand } from "./command.ts";
import { STREAM_BEGIN } from "./message.ts";

/** After so many bytes an acknowledgement is wanted: what everybody says. */
export const WINDOW_BYTES = 2_500_000;
/** The connection ends for a reason that has no better word. */
export const FAILED = "NetStream.Failed";
/** Old encoders look for a version of Adobe's server that they know. */
const SERVER_VERSION = "FMS/3,5,7,7009";
const SERVER_CAPABILITIES = 31;
/** What we can do with an enhanced codec: hand it on. */
const CAN_FORWARD = 4;
const VIDEO_FOURCCS = ["avc1", "hvc1", "av01"];
const AUDIO_FOURCCS = ["mp4a", "Opus"];

type Info = readonly (readonly [string, AmfValue])[];

const info = (level: "status" | "error", code: string, description: string, more: Info = []): AmfValue =>
	new Map<string, AmfValue>([["level", level], ["code", code], ["description", description], ...more]);

const map = (keys: readonly string[], value: number): AmfValue => new Map(keys.map((key) => [key, value]));

/** The answer to `connect`, and what goes before it. */
export function connected({ transaction, values: [object] }: RtmpCommand): Uint8Array[] {
	const server = new Map<string, AmfValue>([
		["fmsVer", SERVER_VERSION],
		["capabilities", SERVER_CAPABILITIES],
	]);
	const more: Info = [["objectEncoding", 0], ...(isEnhanced(object) ? enhancements() : [])];
	const result = info("status", "NetConnection.Connect.Success", "Connected.", more);
	return [
		windowAcknowledgementSize(WINDOW_BYTES),
		peerBandwidth(WINDOW_BYTES),
		command(0, "_result", transaction, server, result),
	];
}

/** Whether a client speaks Enhanced RTMP, "Enhancing NetConnection connect Command". */
const isEnhanced = (object: AmfValue | undefined): boolean =>
	object instanceof Map && ["capsEx", "fourCcList", "videoFourCcInfoMap"].some((key) => object.has(key));

const enhancements = (): Info => [
	["fourCcList", [...VIDEO_FOURCCS, ...AUDIO_FOURCCS]],
	["videoFourCcInfoMap", map(VIDEO_FOURCCS, CAN_FORWARD)],
	["audioFourCcInfoMap", map(AUDIO_FOURCCS, CAN_FORWARD)],
	// Neither reconnecting nor several tracks nor nanoseconds.
	["capsEx", 0],
];

export const result = ({ transaction }: RtmpCommand, value: AmfValue = null): Uint8Array =>
	command(0, "_result", transaction, null, value);

export const unknownCommand = ({ transaction, name }: RtmpCommand): Uint8Array =>
	command(
		0,
		"_error",
		transaction,
		null,
		info("error", "NetConnection.Call.Failed", `There is no command "${name.slice(0, 40)}" here.`),
	);

/** What FMLE and its kin wait for. */
export const fcPublished = (name: string): Uint8Array =>
	command(0, "onFCPublish", 0, null, info("status", "NetStream.Publish.Start", name.split("?")[0]!.slice(0, 200)));

export const published = (streamId: number): Uint8Array[] => [
	userControl(STREAM_BEGIN, streamId),
	command(streamId, "onStatus", 0, null, info("status", "NetStream.Publish.Start", "Publishing.")),
];

export const unpublished = (streamId: number): Uint8Array =>
	command(streamId, "onStatus", 0, null, info("status", "NetStream.Unpublish.Success", "The publication is over."));

/** Why a client is refused or sent away, in RTMP's words; those that librtmp knows make it give up. */
export const failed = (streamId: number, code: string, error: PenstockError): Uint8Array =>
	command(streamId, "onStatus", 0, null, info("error", code, error.message));

/** RTMP's code for a publication that is refused. */
export function refusalCode(code: ErrorCode): string {
	return code === "NAME_INVALID" || code === "PUBLISHER_EXISTS"
		? "NetStream.Publish.BadName"
		: "NetStream.Publish.Denied";
}

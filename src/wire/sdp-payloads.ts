/**
 * What the payload types of a medium are: `a=rtpmap` and `a=fmtp` (RFC 8866, clauses 6.6 and 6.15), and for those that
 * have a number of their own, RFC 3551's tables.
 */
import type { SdpMedia } from "./sdp.ts";

/** One payload type of one medium. */
export interface SdpPayload {
	/** 0 to 127. */
	readonly payloadType: number;
	/** Upper case: "H264", "MPEG4-GENERIC", … */
	readonly encodingName: string;
	readonly clockRateHz: number;
	/** Of audio; 1 where nothing is said. */
	readonly channels: number;
	/** Of `a=fmtp`, by their names in lower case; a flag has the value "". */
	readonly parameters: ReadonlyMap<string, string>;
}

const MOST_PARAMETERS = 64;

/** RFC 3551, tables 4 and 5: those that somebody still sends. */
const STATIC: Readonly<Record<number, string>> = {
	0: "PCMU/8000",
	3: "GSM/8000",
	4: "G723/8000",
	8: "PCMA/8000",
	9: "G722/8000",
	10: "L16/44100/2",
	11: "L16/44100/1",
	14: "MPA/90000",
	18: "G729/8000",
	26: "JPEG/90000",
	31: "H261/90000",
	32: "MPV/90000",
	33: "MP2T/90000",
	34: "H263/90000",
};

const RTPMAP = /^([A-Za-z0-9._+-]{1,64})\/(\d{1,7})(?:\/(\d{1,3}))?/;

/** In the order of the medium's formats; those of which nothing is known are left out. */
export function payloadsOf({ kind, formats, attributes }: SdpMedia): readonly SdpPayload[] {
	const said = (name: string): ReadonlyMap<string, string> =>
		new Map(
			attributes
				.filter((attribute) => attribute.name === name)
				.flatMap(({ value = "" }) => {
					const match = /^(\d{1,3})[ \t]+(.*)$/s.exec(value);
					return match === null ? [] : [[match[1]!, match[2]!] as const];
				}),
		);
	const [maps, parameters] = [said("rtpmap"), said("fmtp")];
	return [...new Set(formats)].flatMap((format) => {
		const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128;
		const match = RTPMAP.exec(maps.get(format) ?? STATIC[payloadType] ?? "");
		const clockRateHz = Number(match?.[2] ?? 0);
		if (match === null || payloadType > 127 || clockRateHz === 0) return [];
		return {
			payloadType,
			encodingName: match[1]!.toUpperCase(),
			clockRateHz,
			channels: kind === "audio" && Number(match[3] ?? 0) > 0 ? Number(match[3]) : 1,
			parameters: parametersOf(parameters.get(format) ?? ""),
		};
	});
}

/** A medium of one payload type, as `payloadsOf` reads it. @param kind "video" or "audio" */
export function describedMedium(
	kind: string,
	payload: Omit<SdpPayload, "channels"> & { readonly channels?: number },
): SdpMedia {
	const { payloadType, encodingName, clockRateHz, channels = 1, parameters } = payload;
	const format = String(payloadType);
	const map = `${format} ${encodingName}/${clockRateHz}${channels > 1 ? `/${channels}` : ""}`;
	const values = [...parameters].map(([name, value]) => `${name}=${value}`).join(";");
	const attributes = [
		{ name: "rtpmap", value: map },
		...(values === "" ? [] : [{ name: "fmtp", value: `${format} ${values}` }]),
	];
	return { kind, port: 0, protocol: "RTP/AVP", formats: [format], attributes };
}

function parametersOf(text: string): ReadonlyMap<string, string> {
	const parameters = new Map<string, string>();
	for (const part of text.split(";", MOST_PARAMETERS)) {
		const at = part.indexOf("=");
		const name = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
		// The first that says it: a value that comes twice could be read in two ways.
		if (name !== "" && !parameters.has(name)) parameters.set(name, at < 0 ? "" : part.slice(at + 1).trim());
	}
	return parameters;
}

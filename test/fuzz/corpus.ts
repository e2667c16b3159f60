/**
 * What inputs are made from, for one container: responses of our own packaging with a switch in every unit, and
 * FFmpeg's files. And what is pushed behind an input to see that the reader takes the stream up again.
 */
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import type { Allocate, Packaging, UnitHead } from "../../src/media/packaging.ts";
import type { StreamReader, StreamSink } from "../../src/media/stream-reader.ts";
import { type Encode, encode } from "./encodes.ts";
import type { Specimen } from "./mutate.ts";
import { type Container, partsOf } from "./structure.ts";
import { TARGETS } from "./targets.ts";

export interface Corpus {
	readonly container: Container;
	readonly specimens: readonly Specimen[];
	/** Whole streams of our own, two units each. */
	readonly intact: readonly Specimen[];
}

interface Material {
	readonly label: string;
	readonly decode: DecodeInformation;
	/** One list a unit. */
	readonly units: readonly (readonly AccessUnit[])[];
}

const TS = ["-f", "mpegts"];
const FLV = ["-f", "flv"];
const FRAGMENTS = ["-f", "mp4", "-movflags", "empty_moov+default_base_moof+frag_every_frame"];
const SOUNDS_PER_UNIT = 3;

/** Renditions to switch between, and what other codecs look like. */
const OWN: readonly Encode[] = [
	{ muxer: FLV, video: "h264", audio: "aac" },
	{ muxer: FLV, video: "h264", audio: "aac", size: "96x48" },
	{ muxer: FLV, video: "h264" },
	{ muxer: FLV, audio: "aac" },
	{ muxer: TS, video: "hevc", audio: "opus" },
	{ muxer: FRAGMENTS, video: "av1", audio: "aac" },
];

const FOREIGN: Readonly<Record<Container, readonly Encode[]>> = {
	ts: [
		{ muxer: TS, video: "h264", audio: "aac" },
		{ muxer: TS, video: "hevc", audio: "opus" },
	],
	rtp: [],
	flv: [
		{ muxer: FLV, video: "h264", audio: "aac" },
		{ muxer: FLV, video: "h264" },
	],
	mp4: [
		{ muxer: FRAGMENTS, video: "h264", audio: "aac" },
		{ muxer: ["-f", "mp4", "-movflags", "empty_moov+frag_keyframe"], video: "hevc", audio: "opus" },
		{ muxer: ["-f", "mp4"], video: "h264", audio: "aac" },
	],
};

/** Runs FFmpeg a few times; one second, and the same bytes every time. */
export async function makeCorpus(container: Container): Promise<Corpus> {
	const { packaging } = TARGETS[container];
	const all = await Promise.all(OWN.map(materialOf));
	const materials = all.filter(({ decode }) => packaging.refusal(decode) === undefined);
	const [first, second] = materials as [Material, Material];
	const switched = specimen(container, "switched", writeUnits(packaging, [first, second]));
	const intact = materials.map((one) => specimen(container, one.label, writeUnits(packaging, [one, one])));
	const foreign = await Promise.all(
		FOREIGN[container].map(async (one) => specimen(container, `FFmpeg ${labelOf(one)}`, await encode(one))),
	);
	return { container, specimens: [switched, ...intact, ...foreign], intact: [...intact, switched] };
}

function specimen(container: Container, label: string, bytes: Uint8Array): Specimen {
	return { label, bytes: new Uint8Array(bytes), parts: partsOf(container, bytes) };
}

const labelOf = ({ video, audio, muxer, size }: Encode): string =>
	[video, audio, size, ...muxer].filter(Boolean).join(" ");

const containerOf = ({ muxer }: Encode): Container => (muxer === FLV ? "flv" : muxer === TS ? "ts" : "mp4");

async function materialOf(source: Encode): Promise<Material> {
	const label = labelOf(source);
	const accessUnits: AccessUnit[] = [];
	let decode: DecodeInformation = {};
	const container = containerOf(source);
	const sink: StreamSink = {
		accessUnit: (accessUnit) => accessUnits.push(accessUnit),
		decodeInformation: (told) => (decode = told),
	};
	const reader: StreamReader = TARGETS[container].open(sink);
	reader.push(await encode(source));
	reader.end();
	return { label, decode, units: unitsOf(label, accessUnits) };
}

/** Pictures from each key picture on, with a few sounds each; sound alone in threes. */
function unitsOf(label: string, accessUnits: readonly AccessUnit[]): AccessUnit[][] {
	const sounds = accessUnits.filter(({ track }) => track === "audio");
	const pictures = accessUnits.filter(({ track }) => track === "video");
	const starts = pictures.flatMap(({ key }, index) => (key ? [index] : []));
	const units =
		pictures.length > 0
			? starts.map((start, index) => pictures.slice(start, starts[index + 1]))
			: sounds.flatMap((_, index) => (index % SOUNDS_PER_UNIT === 0 ? [[]] : []));
	if (units.length < 2) throw new Error(`no two units in the stream "${label}" to begin with`);
	return units.slice(0, 2).map((unit, index) => {
		const from = index * SOUNDS_PER_UNIT;
		return [...unit, ...sounds.slice(from, from + SOUNDS_PER_UNIT)];
	});
}

const allocate: Allocate = (byteLength) => new Uint8Array(byteLength);

/** Unit n of the n-th material, as a response that breaks off before the last unit is closed. */
function writeUnits(packaging: Packaging, materials: readonly Material[]): Uint8Array {
	const pieces: Uint8Array[] = [];
	let packets = 0;
	materials.forEach(({ decode, units }, number) => {
		const unit = units[number]!;
		const head: UnitHead = {
			...{ number, time: unit[0]!.pts, pictureDuration: ticks90k(3000), accessUnitsBefore: 0 },
			...{ rendition: `r${decode.video?.width ?? 0}`, decode },
		};
		const start = number === 0 ? packaging.responseStart(head, allocate) : undefined;
		if (start !== undefined) pieces.push(start);
		const writer = packaging.openUnit(head);
		const written = unit.map((accessUnit) => writer.write(accessUnit, allocate));
		const closing = number < materials.length - 1 ? writer.close(allocate) : undefined;
		let inUnit = 0;
		for (const piece of closing === undefined ? written : [...written, closing]) {
			inUnit += packaging.numbering?.count(piece) ?? 0;
			packaging.numbering?.shift(piece, packets);
			pieces.push(piece);
		}
		packets += inUnit;
	});
	return Buffer.concat(pieces);
}

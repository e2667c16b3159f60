/** The command line of `npm run bench:glass`. */
import { parseArgs } from "node:util";
import { CONTENDERS, type Contender } from "./contenders.ts";
import type { TurnTimes } from "./turn.ts";

export interface GlassOptions {
	/** Ends within 60 s. */
	readonly quick: boolean;
	readonly jsonFile: string | undefined;
	readonly plotsDirectory: string | undefined;
	readonly contenders: readonly Contender[];
	/** Where the time goes, and switches on a link that falls, are measured as well. */
	readonly parts: { readonly path: boolean; readonly link: boolean };
	readonly rounds: number;
	readonly times: TurnTimes;
	/** Falls of the link, for each kind of renderer. */
	readonly falls: number;
}

const WHOLE = { rounds: 5, times: { settleMs: 3000, measureMs: 5000 }, falls: 6 };
/** Short turns: enough to see that all of it works, and about where it stands. */
const QUICK = { rounds: 3, times: { settleMs: 1000, measureMs: 1500 }, falls: 0 };
/** One packaging, and each peer at its best. */
const QUICK_CONTENDERS = "webcodecs.mp4,mse.mp4,hls,nodeMediaServer";

export function glassOptions(args: readonly string[] = process.argv.slice(2)): GlassOptions {
	const { values } = parseArgs({
		args: [...args],
		options: {
			quick: { type: "boolean", default: false },
			json: { type: "string" },
			plots: { type: "string" },
			only: { type: "string" },
			"without-link": { type: "boolean", default: false },
		},
	});
	const { quick } = values;
	const contenders = chosen(values.only ?? (quick ? QUICK_CONTENDERS : undefined));
	const link = !quick && !values["without-link"];
	if (link && process.getuid?.() !== 0) {
		throw new Error(
			"switches are measured on a link between network namespaces, which need root: use sudo, or --without-link.",
		);
	}
	return {
		...{ quick, jsonFile: values.json, plotsDirectory: values.plots, contenders },
		...{ parts: { path: !quick, link }, ...(quick ? QUICK : WHOLE) },
	};
}

/** @param text names or beginnings of names, with commas between them: "webcodecs,hls" */
function chosen(text: string | undefined): readonly Contender[] {
	if (text === undefined) return CONTENDERS;
	const wanted = text.split(",").map((part) => part.trim());
	const fits = (part: string, name: string): boolean => name === part || name.startsWith(`${part}.`);
	const unknown = wanted.filter((part) => !CONTENDERS.some(({ name }) => fits(part, name)));
	if (unknown.length > 0) {
		const known = CONTENDERS.map(({ name }) => name).join(", ");
		throw new Error(`--only names ${unknown.join(", ")}, but knows ${known}.`);
	}
	return CONTENDERS.filter(({ name }) => wanted.some((part) => fits(part, name)));
}

/** A viewer's side of reports: what a page or a set-top box would POST. */
import type { HttpViewer } from "./http-viewer.ts";

/** A report as it stands in the plain form, without its session. */
export type Figures = Readonly<Record<string, number | boolean | string>>;

export interface ReportAnswer {
	readonly status: number;
	readonly headers: Headers;
	/** The code of a refusal; empty where there is none. */
	readonly code: string;
	readonly message: string;
	/** The keys of CMSD-Dynamic behind the name, by name; a key without a value is "". */
	readonly cmsd: Readonly<Record<string, string>>;
}

export async function postReport(
	url: string,
	contentType: string,
	body: string,
	headers: Readonly<Record<string, string>> = {},
): Promise<ReportAnswer> {
	const response = await fetch(url, { method: "POST", headers: { "Content-Type": contentType, ...headers }, body });
	const text = await response.text();
	const { error } = (text === "" ? {} : JSON.parse(text)) as { error?: { code: string; message: string } };
	const [, ...keys] = (response.headers.get("CMSD-Dynamic") ?? "").split(";");
	return {
		status: response.status,
		headers: response.headers,
		code: error?.code ?? "",
		message: error?.message ?? "",
		cmsd: Object.fromEntries(keys.map((key) => [key.split("=")[0]!, key.split("=")[1] ?? ""])),
	};
}

/** @param base of the report server; @param session the secret of the stream's answer */
export const report = (
	base: string,
	server: "network" | "status",
	session: string,
	figures: Figures,
): Promise<ReportAnswer> =>
	postReport(`${base}/report/${server}`, "application/json", JSON.stringify({ session, ...figures }));

/** The secret that a stream's answer gave its viewer. */
export const sessionOf = (viewer: Pick<HttpViewer, "headers">): string => viewer.headers["penstock-session"]!;

/** A viewer's figures, reported again and again as players do: what is old counts for nothing. */
export class SteadyReporter {
	figures: Figures = {};
	#timer: NodeJS.Timeout | undefined;
	#sequence = 0;
	readonly #everyMs: number;
	readonly #send: (figures: Figures) => Promise<ReportAnswer>;

	constructor(base: string, server: "network" | "status", session: string, everyMs = 500) {
		this.#send = (figures) => report(base, server, session, figures);
		this.#everyMs = everyMs;
		this.start();
	}

	start(): void {
		this.#timer = setInterval(() => void this.say(this.figures).catch(() => undefined), this.#everyMs);
	}

	/** Reports these at once, and from now on. */
	async say(figures: Figures): Promise<ReportAnswer> {
		this.figures = figures;
		return await this.#send({ ...figures, sequence: this.#sequence++ });
	}

	stop(): void {
		clearInterval(this.#timer);
	}
}

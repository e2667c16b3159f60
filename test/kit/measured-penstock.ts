/** Penstock in a process of its own that can be asked how much memory it holds. */
import { fileURLToPath } from "node:url";
import { type ConfigFile, Penstock, STILL, writeConfig } from "./penstock.ts";
import { type RunningProcess, startProcess } from "./processes.ts";

const SCRIPT = fileURLToPath(new URL("./measured-server.ts", import.meta.url));
const READINGS = 21;

export class MeasuredPenstock extends Penstock {
	readonly #scale: string;

	/** Use `startMeasuredPenstock`. */
	constructor(running: RunningProcess, addresses: { readonly http: string; readonly api: string }, scale: string) {
		super(running, addresses.http, addresses.api);
		this.#scale = scale;
	}

	/** Bytes of the heap and of buffers: the median of several readings, for the ring breathes with the picture. */
	async heldBytes(): Promise<number> {
		const readings: number[] = [];
		while (readings.length < READINGS) readings.push(Number(await (await fetch(this.#scale)).text()));
		return readings.sort((a, b) => a - b)[(READINGS - 1) / 2]!;
	}
}

export async function startMeasuredPenstock(config: ConfigFile): Promise<MeasuredPenstock> {
	const running = startProcess(process.execPath, ["--expose-gc", SCRIPT, writeConfig({ ...STILL, ...config })]);
	const [line] = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 20_000);
	const [, scale] = await running.waitForLine(/^scale (http:.*)$/);
	return new MeasuredPenstock(running, JSON.parse(line) as { http: string; api: string }, scale!);
}

/** The native programs of the benchmark: our distributor as it was built, and publisher, sink and peer beside it. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NATIVE = fileURLToPath(new URL("../../native/distributor", import.meta.url));
const BUILD = `${NATIVE}/build-bench`;
const TARGETS = ["penstock-bench-publisher", "penstock-bench-sink", "penstock-bench-plain", "sink.bpf.o"];

export interface Tools {
	readonly distributor: string;
	readonly publisher: string;
	readonly sink: string;
	/** The sink's part in the kernel. */
	readonly sinkProgram: string;
	readonly plain: string;
}

/** Builds them where they are not up to date. @throws Error that says what is missing */
export function buildTools(): Tools {
	const distributor = process.env["PENSTOCK_DISTRIBUTOR_PATH"] ?? `${NATIVE}/build/penstock-distributor`;
	try {
		accessSync(distributor, constants.X_OK);
	} catch {
		throw new Error(`${distributor} is not there: build it with "make distributor".`);
	}
	if (!existsSync(`${BUILD}/build.ninja`)) meson("setup", BUILD, NATIVE, "-Dbench=true");
	meson("compile", "-C", BUILD, ...TARGETS);
	return {
		distributor,
		publisher: `${BUILD}/bench/penstock-bench-publisher`,
		sink: `${BUILD}/bench/penstock-bench-sink`,
		sinkProgram: `${BUILD}/bench/sink.bpf.o`,
		plain: `${BUILD}/bench/penstock-bench-plain`,
	};
}

function meson(...args: string[]): void {
	try {
		execFileSync("meson", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	} catch (error) {
		const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
		throw new Error(`meson ${args[0]}: ${`${stdout}${stderr}`.trim() || message}`);
	}
}

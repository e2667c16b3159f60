/**
 * The C tests of the distributor, each of its programs one test: as it is delivered, and under the address and undefined
 * behaviour sanitizers. What it skips counts as failed here: set-up brings all that it needs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import type { Outcome } from "./test-outcome.ts";

const SOURCE = "native/distributor";

/** Where each is built, and how that is prepared. */
const BUILDS = {
	native: { directory: `${SOURCE}/build`, prepare: ["make", "--silent", "distributor"] },
	"native-sanitized": {
		directory: `${SOURCE}/build-sanitize`,
		prepare: [
			...["meson", "setup", `${SOURCE}/build-sanitize`, SOURCE],
			...["-Dbuildtype=debug", "-Db_sanitize=address,undefined", "-Db_lundef=false"],
		],
	},
} as const;

type NativeProject = keyof typeof BUILDS;

export const isNativeProject = (project: string): project is NativeProject => Object.hasOwn(BUILDS, project);

/** A line of Meson's testlog.json. */
interface TestRecord {
	readonly name: string;
	readonly result: string;
	readonly stdout?: string;
	readonly stderr?: string;
}

export function runNativeProject(project: NativeProject): Outcome {
	const { directory, prepare } = BUILDS[project];
	const log = `${directory}/meson-logs/testlog.json`;
	rmSync(log, { force: true });
	const prepared = project === "native-sanitized" && existsSync(`${directory}/build.ninja`);
	for (const words of [...(prepared ? [] : [prepare]), ["meson", "compile", "-C", directory, "--ninja-args=--quiet"]]) {
		const failure = run(words);
		if (failure !== undefined) return { passed: 0, failed: 1, remarks: [`${project}: ${failure}`] };
	}
	const failure = run(["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs"]);
	let records: readonly TestRecord[];
	try {
		const lines = readFileSync(log, "utf8").trimEnd().split("\n");
		records = lines.map((line) => JSON.parse(line) as TestRecord);
	} catch {
		return { passed: 0, failed: 1, remarks: [`${project}: ${failure ?? "Meson ended well"}, without a log.`] };
	}
	return outcomeOf(project, records, failure);
}

function outcomeOf(project: string, records: readonly TestRecord[], failure: string | undefined): Outcome {
	const bad = records.filter(({ result }) => result !== "OK");
	const remarks = bad.map(({ name, result, stdout = "", stderr = "" }) => {
		const lastWords = `${stdout}\n${stderr}`.trim().split("\n").at(-1);
		return `${project}: ${name}: ${result}: ${lastWords}`;
	});
	const unexplained = bad.length === 0 && failure !== undefined;
	if (unexplained) remarks.push(`${project}: ${failure} though no test failed; see the lines above.`);
	return { passed: records.length - bad.length, failed: bad.length + (unexplained ? 1 : 0), remarks };
}

/** @returns what went wrong */
function run([command = "", ...args]: readonly string[]): string | undefined {
	const { status, signal, error } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
	if (status === 0) return undefined;
	return `"${command} ${args.join(" ")}" ended with ${error?.message ?? signal ?? status}`;
}

/**
 * Runs the test projects named on the command line one after the other (they would disturb each other's times) and
 * ends with what failed, a line each, and the line `N passed, N failed`, from Vitest's own JSON reports in out/tests/ and,
 * for the projects `native` and `native-sanitized`, Meson's (`native-tests.ts`).
 * Where a few files of a project fail, they run once more, one after the other: a live stream has its own time, and a
 * machine that others use, too, may have had none for it. What fails again has failed; what passes then is named.
 * Exit code 0 only if something passed in every project, nothing failed and the runner agrees.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { relative, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isNativeProject, runNativeProject } from "./native-tests.ts";
import type { Outcome } from "./test-outcome.ts";

/** The part of Vitest's JSON report that is read here. */
interface Report {
	readonly numPassedTests: number;
	readonly numFailedTests: number;
	readonly numPendingTests: number;
	readonly testResults: readonly {
		readonly name: string;
		readonly status: string;
		/** Of what failed outside of the tests. */
		readonly message?: string;
		readonly assertionResults: readonly {
			readonly status: string;
			readonly fullName: string;
			readonly failureMessages: readonly string[];
		}[];
	}[];
}

/** More files than this have not failed for want of time. */
const MOST_TO_REPEAT = 4;
/** They wait for nothing and nobody. */
const NEVER_REPEATED = ["unit"];

function runVitestProject(project: string): Outcome {
	const outcome = runVitest(project, `out/tests/${project}.json`, []);
	const { failedFiles, passedElsewhere } = outcome;
	const isRepeated =
		failedFiles.length > 0 && failedFiles.length <= MOST_TO_REPEAT && !NEVER_REPEATED.includes(project);
	if (!isRepeated) return outcome;
	const again = runVitest(project, `out/tests/${project}-again.json`, ["--no-file-parallelism", ...failedFiles]);
	if (again.failed > 0) return { ...outcome, remarks: [...outcome.remarks, ...again.remarks] };
	const remarks = outcome.remarks.map((remark) => `${remark} (and passed when it ran again, alone)`);
	return { passed: passedElsewhere + again.passed, failed: 0, remarks };
}

interface VitestOutcome extends Outcome {
	/** Where a test failed, from this folder. */
	readonly failedFiles: readonly string[];
	/** In the other files. */
	readonly passedElsewhere: number;
}

/** Hundreds of servers and commands are started, each of which would compile the same modules again. */
function runVitest(project: string, path: string, more: readonly string[]): VitestOutcome {
	rmSync(path, { force: true });
	const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", project, ...more];
	const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
	const { status, signal } = spawnSync(process.execPath, [...vitest, ...reporters], {
		stdio: ["ignore", "inherit", "inherit"],
		env: { ...process.env, NODE_COMPILE_CACHE: resolve("out/compile-cache") },
	});
	let report: Report;
	try {
		report = JSON.parse(readFileSync(path, "utf8"));
	} catch {
		const remarks = [`${project}: Vitest ended with ${signal ?? status} and no report.`];
		return { passed: 0, failed: 1, remarks, failedFiles: [], passedElsewhere: 0 };
	}
	return outcomeOf(project, report, status);
}

/** A file that fails outside of its tests (it cannot be loaded, its set-up throws) counts as one failure. */
function outcomeOf(project: string, report: Report, status: number | null): VitestOutcome {
	const remarks: string[] = [];
	const failedFiles: string[] = [];
	let [failed, passedElsewhere] = [report.numFailedTests, 0];
	for (const { name, status: verdict, message, assertionResults } of report.testResults) {
		const file = relative(".", name);
		const failures = assertionResults.filter((test) => test.status === "failed");
		for (const { fullName, failureMessages } of failures)
			remarks.push(`${project}: ${file}: ${fullName}: ${firstLine(failureMessages[0])}`);
		if (verdict !== "failed") {
			passedElsewhere += assertionResults.filter((test) => test.status === "passed").length;
			continue;
		}
		failedFiles.push(file);
		if (failures.length > 0) continue;
		failed++;
		remarks.push(`${project}: ${file}: ${firstLine(message)}`);
	}
	if (report.numPassedTests === 0 && failed === 0) {
		failed = 1;
		remarks.push(`${project}: no test ran.`);
	} else if (status !== 0 && failed === 0) {
		failed = 1;
		remarks.push(`${project}: Vitest ended with ${status} though no test failed; see the errors above.`);
	}
	if (report.numPendingTests > 0) remarks.push(`${project}: ${report.numPendingTests} skipped.`);
	return { passed: report.numPassedTests, failed, remarks, failedFiles, passedElsewhere };
}

const firstLine = (text = ""): string => stripVTControlCharacters(text).split("\n", 1)[0]!;

const projects = process.argv.slice(2);
if (projects.length === 0) {
	process.stderr.write("run-tests: name the test projects to run, for example: node scripts/run-tests.ts unit\n");
	process.exit(2);
}
const outcomes = projects.map((project) =>
	isNativeProject(project) ? runNativeProject(project) : runVitestProject(project),
);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
for (const remark of outcomes.flatMap((outcome) => outcome.remarks)) process.stdout.write(`${remark}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

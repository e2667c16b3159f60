/**
 * Runs the test projects named on the command line one after the other (they would disturb each other's times) and
 * ends with what failed, a line each, and the line `N passed, N failed`, from Vitest's own JSON reports in out/tests/ and,
 * for the projects `native` and `native-sanitized`, Meson's (`native-tests.ts`).
 * Exit code 0 only if something passed in every project, nothing failed and the runner agrees.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
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
		readonly assertionResults: readonly {
			readonly status: string;
			readonly fullName: string;
			readonly failureMessages: readonly string[];
		}[];
	}[];
}

function runVitestProject(project: string): Outcome {
	const path = `out/tests/${project}.json`;
	rmSync(path, { force: true });
	const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", project];
	const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
	const { status, signal } = spawnSync(process.execPath, [...vitest, ...reporters], {
		stdio: ["ignore", "inherit", "inherit"],
	});
	let report: Report;
	try {
		report = JSON.parse(readFileSync(path, "utf8"));
	} catch {
		return { passed: 0, failed: 1, remarks: [`${project}: Vitest ended with ${signal ?? status} and no report.`] };
	}
	return outcomeOf(project, report, status);
}

/** A file that cannot be loaded and an error outside of any test each count as one failure. */
function outcomeOf(project: string, report: Report, status: number | null): Outcome {
	const remarks: string[] = [];
	const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
	for (const file of broken) remarks.push(`${project}: ${file.name} could not be loaded.`);
	for (const { name, assertionResults } of report.testResults) {
		for (const { status: verdict, fullName, failureMessages } of assertionResults) {
			if (verdict !== "failed") continue;
			const [reason] = (failureMessages[0] ?? "").split("\n");
			remarks.push(`${project}: ${relative(".", name)}: ${fullName}: ${stripVTControlCharacters(reason ?? "")}`);
		}
	}
	let failed = report.numFailedTests + broken.length;
	if (report.numPassedTests === 0 && failed === 0) {
		failed = 1;
		remarks.push(`${project}: no test ran.`);
	} else if (status !== 0 && failed === 0) {
		failed = 1;
		remarks.push(`${project}: Vitest ended with ${status} though no test failed; see the errors above.`);
	}
	if (report.numPendingTests > 0) remarks.push(`${project}: ${report.numPendingTests} skipped.`);
	return { passed: report.numPassedTests, failed, remarks };
}

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

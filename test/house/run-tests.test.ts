/** The script behind `npm test` counts what really ran, and never ends well when something failed or nothing ran. */
import { expect, test } from "vitest";
import { type Run, Scratch } from "./scratch.ts";

/** Runs projects `a` and `b` whose test files are given by path. */
function runTests(files: Readonly<Record<string, string>>): Run & { lastLine: string | undefined } {
	const scratch = new Scratch([
		"scripts/run-tests.ts",
		"scripts/native-tests.ts",
		"scripts/test-outcome.ts",
		"package.json",
	]);
	const project = (name: string): string => `{ test: { name: "${name}", include: ["${name}/*.test.ts"] } }`;
	scratch.write("vitest.config.ts", `export default { test: { projects: [${project("a")}, ${project("b")}] } };\n`);
	for (const [file, source] of Object.entries(files)) {
		scratch.write(file, `import { expect, test } from "vitest";\n${source}\n`);
	}
	const run = scratch.run("node", "scripts/run-tests.ts", "a", "b");
	return { ...run, lastLine: run.stdout.trimEnd().split("\n").at(-1) };
}

const PASSES = 'test("one", () => expect(1).toBe(1));';
const FAILS = 'test("two", () => expect(1).toBe(2));';

test("all projects' numbers are added up in the last line", () => {
	const { status, lastLine } = runTests({ "a/x.test.ts": PASSES, "b/y.test.ts": `${PASSES}\n${PASSES}` });
	expect({ status, lastLine }).toEqual({ status: 0, lastLine: "3 passed, 0 failed" });
});

test("a failure in the first project is counted and named at the end, and the second still runs", () => {
	const { status, lastLine, stdout } = runTests({ "a/x.test.ts": `${PASSES}\n${FAILS}`, "b/y.test.ts": PASSES });
	expect({ status, lastLine }).toEqual({ status: 1, lastLine: "2 passed, 1 failed" });
	expect(stdout.trimEnd().split("\n").at(-2)).toMatch(/^a: a\/x\.test\.ts: two: AssertionError: expected 1 to be 2/);
});

test("a test file that cannot be loaded is a failure", () => {
	const { status, lastLine } = runTests({ "a/x.test.ts": PASSES, "b/y.test.ts": 'import "./missing.ts";' });
	expect({ status, lastLine }).toEqual({ status: 1, lastLine: "1 passed, 1 failed" });
});

test("an error outside of any test is a failure", () => {
	const stray = 'test("stray", () => void Promise.reject(new Error("nobody waits for me")));';
	const { status, lastLine } = runTests({ "a/x.test.ts": PASSES, "b/y.test.ts": stray });
	expect({ status, lastLine }).toEqual({ status: 1, lastLine: "2 passed, 1 failed" });
});

test("a project without a test, or with skipped ones only, is a failure", () => {
	const { status, lastLine, output } = runTests({ "a/x.test.ts": 'test.skip("later", () => {});' });
	expect({ status, lastLine }).toEqual({ status: 1, lastLine: "0 passed, 2 failed" });
	expect(output).toContain("a: no test ran.");
});

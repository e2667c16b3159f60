import { defineConfig } from "vitest/config";

/** They measure time, or leave others none of the machine. */
const ALONE = ["test/integration/server-load.test.ts", "test/kit/shaped-link.test.ts"];

/** Pages that are looked at, with no frame counted: they may share the machine. */
const PAGES = ["test/browser/console*.test.ts", "test/browser/element.test.ts"];

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: "unit",
					include: ["src/**/*.test.ts", "test/{kit,house,fuzz}/**/*.test.ts"],
					exclude: ALONE,
					// Else one core does it all.
					maxWorkers: 2,
					// Nothing in them is shared that a test could leave behind.
					isolate: false,
					// Thousands of damaged streams, on a machine that others use, too.
					testTimeout: 120_000,
				},
			},
			{
				test: {
					name: "end-to-end",
					include: ["test/{integration,interop}/**/*.test.ts", ...PAGES],
					exclude: ALONE,
					// Most of them wait for a live stream's own time, so that a few can share the cores.
					maxWorkers: 3,
					testTimeout: 180_000,
					hookTimeout: 120_000,
				},
			},
			{
				// Each file has networks of its own, and waits for packets most of the time.
				test: {
					name: "distribution",
					include: ["test/distribution/**/*.test.ts"],
					maxWorkers: 3,
					testTimeout: 60_000,
					hookTimeout: 60_000,
				},
			},
			{
				// Real browsers decode real ladders.
				test: {
					name: "browser",
					include: ["test/browser/**/*.test.ts"],
					exclude: PAGES,
					fileParallelism: false,
					testTimeout: 180_000,
					hookTimeout: 180_000,
				},
			},
			{
				// Minutes each: by `make test-long`.
				test: {
					name: "long",
					include: ["test/long/**/*.test.ts"],
					fileParallelism: false,
					testTimeout: 180_000,
					hookTimeout: 180_000,
				},
			},
			{
				test: {
					name: "alone",
					include: ALONE,
					fileParallelism: false,
					testTimeout: 180_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
});

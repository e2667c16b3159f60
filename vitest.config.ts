import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: "unit",
					include: ["src/**/*.test.ts", "test/{kit,house,fuzz}/**/*.test.ts"],
					testTimeout: 30_000,
				},
			},
			{
				test: {
					name: "end-to-end",
					include: ["test/{integration,interop,netns}/**/*.test.ts"],
					// Most of them wait for a live stream's own time, so that a few can share the cores.
					maxWorkers: 3,
					testTimeout: 180_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
});

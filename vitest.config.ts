import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		projects: [
			{ test: { name: "unit", include: ["src/**/*.test.ts", "test/kit/**/*.test.ts"], testTimeout: 30_000 } },
			{
				test: {
					name: "end-to-end",
					include: ["test/{integration,interop,netns}/**/*.test.ts"],
					// Real encoders and players share two cores: one file at a time keeps every run comparable.
					fileParallelism: false,
					testTimeout: 180_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
});

/** What comes of one test project. */
export interface Outcome {
	readonly passed: number;
	readonly failed: number;
	/** What failed, a line each. */
	readonly remarks: readonly string[];
}

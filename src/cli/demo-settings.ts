/** What `penstock demo` can be told. */
export const DEMO_POLICIES = ["adaptive", "tour"] as const;

export interface DemoSettings {
	readonly host: string;
	readonly port: number;
	readonly apiPort: number;
	readonly policy: (typeof DEMO_POLICIES)[number];
}

/**
 * The gate at work: the section `access` as it is in force, and as it is read anew while the server runs. Whoever asks or
 * tells has this one object; sessions that go on are known across a change, and asked about by the new rights within
 * `recheckMs`.
 */
import { type AccessControl, openAccess } from "../access/access-control.ts";
import type { SwitchTold } from "../access/hook-message.ts";
import type { Clock } from "../base/clock.ts";
import type { AccessAnswer, AccessGate, AccessRequest } from "../wire/access.ts";
import type { AccessFigures } from "./api-publishing-model.ts";
import type { AccessConfig } from "./config-access.ts";
import type { Log } from "./log.ts";

export interface AccessHostParts {
	readonly clock: Clock;
	readonly log: Log;
}

/** What is told of, and waited for by nobody. */
export interface AccessNotices {
	tell(action: "on_unpublish" | "on_stop" | "on_switch", request: AccessRequest, switched?: SwitchTold): void;
}

export class AccessHost implements AccessGate, AccessNotices {
	readonly #parts: AccessHostParts;
	#control: AccessControl;
	#settings: AccessConfig["settings"];
	/** What hooks of settings before these have still to be told. */
	#before: Promise<void> = Promise.resolve();

	private constructor(parts: AccessHostParts, control: AccessControl, { settings }: AccessConfig) {
		this.#parts = parts;
		this.#control = control;
		this.#settings = settings;
	}

	/**
	 * Secrets are read, and those made that there are not.
	 * @throws PenstockError ACCESS_SECRET, ACCESS_SETTING
	 */
	static async open(config: AccessConfig, parts: AccessHostParts): Promise<AccessHost> {
		return new AccessHost(parts, await openControl(config, parts), config);
	}

	/** Somebody may watch who shows nothing, wherever he comes from. */
	get isOpenToViewers(): boolean {
		const { rights } = this.#settings;
		return rights.some(({ verbs, by, from }) => verbs.includes("play") && by.includes("anyone") && !from);
	}

	/** Since the start. */
	get figures(): AccessFigures {
		const { counts } = this.#control;
		return { answers: counts.all(), evaluated: counts.evaluated, hooks: { ...counts.hooks } };
	}

	/** What a user's Digest is made of (RFC 7616); undefined where there is no such user. */
	digestSecretOf(user: string): string | undefined {
		return this.#control.digestSecretOf(user)?.reveal();
	}

	async ask(request: AccessRequest): Promise<AccessAnswer> {
		return await this.#control.gate.ask(request);
	}

	tell(action: "on_unpublish" | "on_stop" | "on_switch", request: AccessRequest, switched?: SwitchTold): void {
		this.#control.hooks?.tell(action, request, switched);
	}

	/**
	 * From now on these settings are in force.
	 * @throws PenstockError ACCESS_SECRET, ACCESS_SETTING; then those before still are
	 */
	async reload(config: AccessConfig): Promise<void> {
		const { memory, hooks } = this.#control;
		this.#control = await openControl(config, this.#parts, memory);
		this.#settings = config.settings;
		this.#before = this.#before.then(async () => await hooks?.settled());
	}

	/** When all that was to be told has been, or is lost. */
	async settled(): Promise<void> {
		await this.#before;
		await this.#control.hooks?.settled();
	}
}

async function openControl(
	{ settings, secretsFolder: folder }: AccessConfig,
	{ clock, log }: AccessHostParts,
	memory?: AccessControl["memory"],
): Promise<AccessControl> {
	const onTrouble = (why: string): void => log.warn({ component: "access" }, why);
	const places = { folder, environment: process.env };
	return await openAccess({ settings, ...places, clock, onTrouble, ...(memory && { memory }) });
}

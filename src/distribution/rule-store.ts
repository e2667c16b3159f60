/**
 * Keeps the rules that were made at run time over a restart. A burst of changes is one write; a disk that refuses is
 * told once, and tried again with the next change.
 */
import { access } from "node:fs/promises";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { loadRules, saveRules } from "./rule-file.ts";
import type { RuleTable } from "./rule-table.ts";

/** How long a burst may last before it is written. */
const SAVE_AFTER_MS = 250;

export interface RuleStoreParts {
	readonly table: RuleTable;
	readonly file: string;
	readonly clock: Clock;
	readonly log: (line: string) => void;
}

export class RuleStore {
	readonly #parts: RuleStoreParts;
	readonly #unlisten: () => void;
	#timer: Timer | undefined;
	#saving: Promise<void> = Promise.resolve();

	/**
	 * Puts the file's rules into the table, where there is a file, and keeps the two alike from then on. A rule that the
	 * limits have come to forbid is left out, and told.
	 * @throws PenstockError RULES_FILE
	 */
	static async open(parts: RuleStoreParts): Promise<RuleStore> {
		const there = await access(parts.file).then(
			() => true,
			() => false,
		);
		for (const draft of there ? await loadRules(parts.file) : []) {
			try {
				parts.table.put(draft);
			} catch (thrown) {
				parts.log(`a stored rule is left out: ${messageOf(thrown)}`);
			}
		}
		return new RuleStore(parts);
	}

	private constructor(parts: RuleStoreParts) {
		this.#parts = parts;
		this.#unlisten = parts.table.onChange(() => {
			this.#timer ??= parts.clock.after(SAVE_AFTER_MS, () => this.#save());
		});
	}

	/** Writes what is not written yet. */
	async close(): Promise<void> {
		this.#unlisten();
		if (this.#timer !== undefined) this.#save();
		await this.#saving;
	}

	#save(): void {
		const { table, file, log } = this.#parts;
		this.#timer?.cancel();
		this.#timer = undefined;
		const rules = table.list().filter(({ name }) => table.originOf(name) === "run-time");
		this.#saving = this.#saving
			.then(() => saveRules(file, rules))
			.catch((thrown: unknown) => log(`rules are not kept: ${messageOf(thrown)}`));
	}
}

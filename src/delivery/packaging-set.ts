/**
 * The packagings that the server has, by the extension of the path; and which of them can carry a channel's tracks.
 */
import { PenstockError } from "../base/errors.ts";
import type { DecodeInformation } from "../media/access-unit.ts";
import type { Packaging } from "../media/packaging.ts";
import type { MediaPath } from "./media-path.ts";

export class PackagingSet {
	readonly #packagings: readonly Packaging[];

	constructor(packagings: readonly Packaging[]) {
		this.#packagings = packagings;
	}

	/** `.ts .flv`, for people. */
	get extensionList(): string {
		return this.#packagings.map(({ extension }) => `.${extension}`).join(" ");
	}

	/** @throws PenstockError PACKAGING_UNKNOWN */
	of(path: MediaPath): Packaging {
		const packaging = this.#packagings.find(({ extension }) => extension === path.extension);
		if (packaging !== undefined) return packaging;
		throw new PenstockError(
			"PACKAGING_UNKNOWN",
			`no packaging ".${path.extension}"; ask for ${this.#paths(path, this.#packagings)}.`,
		);
	}

	/** @throws PenstockError PACKAGING_UNFIT where the packaging has no form for a track, with those that have */
	check(packaging: Packaging, decode: DecodeInformation, path: MediaPath): void {
		const refusal = packaging.refusal(decode);
		if (refusal === undefined) return;
		const fitting = this.#packagings.filter((other) => other.refusal(decode) === undefined);
		const remedy = fitting.length > 0 ? `ask for ${this.#paths(path, fitting)}` : "no packaging here carries it";
		throw new PenstockError(
			"PACKAGING_UNFIT",
			`"${path.app}/${path.stream}" as .${packaging.extension}: the packaging ${refusal}; ${remedy}.`,
		);
	}

	#paths({ app, stream }: MediaPath, packagings: readonly Packaging[]): string {
		return packagings.map(({ extension }) => `/${app}/${stream}.${extension}`).join(", ");
	}
}

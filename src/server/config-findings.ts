/** What a configuration gets wrong beyond single values, collected while it is built. */
import { clauseOf } from "../base/errors.ts";
import { isName, type Name, parseName } from "../base/name.ts";
import { type Path, type Problem, pathText, wrongValue } from "./problem.ts";

/** Collects problems, so that all are told at once. */
export class Findings {
	readonly problems: Problem[] = [];

	value(path: Path, text: string): void {
		this.problems.push({ code: "CONFIG_VALUE", path, at: "value", text: `${pathText(path)} ${text}` });
	}

	/** A value that stands as a key. */
	key(path: Path, text: string): void {
		this.problems.push({ code: "CONFIG_VALUE", path, at: "key", text });
	}

	wrong(path: Path, found: unknown, allowed: string): void {
		this.problems.push(wrongValue(path, found, allowed));
	}

	/** The name at a path; a wrong one is noted, and stands for itself until the problems are thrown. */
	name(path: Path, text: string, what: string, at: "key" | "value" = "value"): Name {
		if (isName(text)) return text;
		try {
			parseName(text, what);
		} catch (thrown) {
			this.problems.push({ code: "CONFIG_VALUE", path, at, text: clauseOf(thrown) });
		}
		return text as Name;
	}
}

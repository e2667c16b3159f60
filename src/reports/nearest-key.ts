/** The key that was perhaps meant by a word that is none. */
import leven from "leven";

export function nearestKey(word: string, keys: readonly string[]): string | undefined {
	if (word.length > 64) return undefined;
	const [best] = keys
		.map((key) => ({ key, distance: leven(word.toLowerCase(), key.toLowerCase()) }))
		.sort((a, b) => a.distance - b.distance);
	return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.key : undefined;
}

/** Control characters in lines of text: none may stand in one but the tab. */

const isControl = (code: number): boolean => (code < 0x20 && code !== 0x09) || code === 0x7f;

export function hasControl(text: string): boolean {
	for (let at = 0; at < text.length; at++) if (isControl(text.charCodeAt(at))) return true;
	return false;
}

/** Each becomes a space, so that a text is one line. */
export const withoutControls = (text: string): string =>
	text.replace(/\p{Cc}/gu, (character) => (isControl(character.charCodeAt(0)) ? " " : character));

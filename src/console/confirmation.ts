/** Asks before something that cannot be undone. */
import { html, render } from "lit-html";

export interface Question {
	readonly title: string;
	readonly text: string;
	/** What the button says that does it. */
	readonly action: string;
}

/** Resolves with false where the answer is no, or none. */
export function confirm({ title, text, action }: Question): Promise<boolean> {
	const dialog = document.createElement("dialog");
	dialog.setAttribute("aria-labelledby", "question");
	render(
		html`<form method="dialog">
			<h2 id="question">${title}</h2>
			<p>${text}</p>
			<div class="buttons">
				<button value="no" autofocus>Cancel</button>
				<button value="yes" class="danger">${action}</button>
			</div>
		</form>`,
		dialog,
	);
	document.body.append(dialog);
	dialog.showModal();
	return new Promise((resolve) => {
		dialog.addEventListener("close", () => {
			dialog.remove();
			resolve(dialog.returnValue === "yes");
		});
	});
}

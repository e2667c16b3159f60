/** Picture in picture, of whatever shows the picture: a `<video>` by itself, a canvas by way of a `<video>` that shows it. */

export const hasPictureInPicture = (): boolean => document.pictureInPictureEnabled === true;

/** Into it, or back. Within a gesture of the user's. */
export async function togglePictureInPicture(view: Element | null | undefined): Promise<void> {
	if (document.pictureInPictureElement !== null) await document.exitPictureInPicture();
	else if (view instanceof HTMLVideoElement) await view.requestPictureInPicture();
	else if (view instanceof HTMLCanvasElement) await showBeside(view);
}

async function showBeside(canvas: HTMLCanvasElement): Promise<void> {
	const video = document.createElement("video");
	video.muted = true;
	const stream = canvas.captureStream();
	video.srcObject = stream;
	await video.play();
	await video.requestPictureInPicture();
	video.addEventListener("leavepictureinpicture", () => {
		for (const track of stream.getTracks()) track.stop();
		video.srcObject = null;
	});
}

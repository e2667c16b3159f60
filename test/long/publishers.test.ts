/**
 * Publishers of other makes in every way that they know, watched over HTTP in four packagings, with another rendition in
 * every unit, and over RTSP by players of other makes, by UDP and on their connections: every picture has a number, and
 * comes once.
 */
import { RTSP_WATCHERS, testPublishers } from "../kit/publishers-matrix.ts";

testPublishers(() => RTSP_WATCHERS);

/**
 * All publishers of the matrix with all players by RTSP: by UDP and on their connections (`test/interop/publishers.test.ts`
 * has each publisher with two of them).
 */
import { RTSP_WATCHERS, testPublishers } from "../kit/publishers-matrix.ts";

testPublishers(() => RTSP_WATCHERS);

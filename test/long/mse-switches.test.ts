/** A hundred switches by Media Source Extensions. Of the other packagings: `test/browser/mse-switches.test.ts`. */
import { describeMseSwitches } from "../kit/mse-switches.ts";

describeMseSwitches("ts", "rtp");

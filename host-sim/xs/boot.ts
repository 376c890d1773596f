// The unit's machine without credit (board-boot.ts).
import { boot } from "./board-boot.js";

boot();

// What the pages about decisions load besides.
import "./decisions/completing.js";
import "./decisions/charting.js";
import "./decisions/tailing.js";
import "./decisions/keeping.js";
import "./decisions/comparing.js";
import "./decisions/exporting.js";
import "./decisions/arranging.js";

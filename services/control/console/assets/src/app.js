// What every page loads. A page's own script is NAME.js beside this file.
import "./shell/htmx.js";
import "./shell/confirming.js";
import "./shell/keys.js";
import "./shell/preferences.js";
import "./shell/session.js";
import "./shell/times.js";
import "./shell/waiting.js";
import "./shell/widgets.js";

// The pages about probes: the text of a suite is edited like that of a draft.
import "./policy.js";

"""One module for each page.

To add the page NAME:

1. `pages/NAME.py` with `PAGE = Page("NAME", TEXTS, handlers, icon="…")`, where `handlers(parts)` returns route
   handlers under `/NAME`, each with a `right`, all with `include_in_schema=False`. They get what they show from the
   functions that REST handlers call, and answer `page(request, "NAME/NAME.html", …)`, or after a change
   `go_to(request, path, …)`.
2. `templates/NAME/NAME.html`, which `extends "layout.html"` and fills `title` and `content`. For a request of htmx only
   a block is rendered: `content`, or the one that `page(…, fragment="rows")` names. In every template there are:
   `t("key", …)` and `n("key", count, …)` for texts, `viewer`, `ui` (the macros of `templates/ui/`), `number`,
   `percent`, `duration`, `moment`, `iso` and `asset`. The key "NAME" is the page's name in the navigation.
3. `texts/NAME.py` with `TEXTS`: for each key, all beginning with "NAME-" or "NAME", English and French. French is
   written with ordinary spaces before ":;?!" and within guillemets; they are made unbreakable.
4. If need be `assets/src/NAME.js` and `assets/src/NAME.css`, which the page then loads by itself, and lines of
   `assets/src/icons.txt` (names of lucide). Run `.ci/assets` after a change, and start the control plane anew.
   Charts (uPlot) and an editor (CodeMirror) are there: `assets/src/chart.js` and `editor.js` say how attributes make
   one, once a page's block `loads` has `ui.load("chart")`; `assets/src/shell/` has the functions, for scripts.
5. One line in `PAGES` of `console.py`, whose order is that of the navigation.

No `style=`, no `on…=` and no `hx-on`: the content security policy forbids them. Forms take `ui.form`, which carries the
session's CSRF token; htmx sends it as a header by itself. Text that comes from elsewhere is escaped; never `|safe`.
"""

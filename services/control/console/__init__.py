"""The console: pages for people, rendered here, on the same functions that answer programs over REST.

Where things are: `console.py` lists the pages; `pages/` has one module for each, see its docstring for how to add one;
`templates/` what they look like, `templates/ui/` the parts that all are made of; `texts/` what they say; `assets/` what
they load in browsers, built by `.ci/assets` into `static/`.
"""

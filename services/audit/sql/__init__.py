"""Filters, pages, facets and timelines as SQL, in the dialects of the engines that the embedded store is made of."""

"""Reports: what the log shows, as HTML and PDF from one document, with what proves it. Pure."""

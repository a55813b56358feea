"""One folder per source; each exports `SOURCE`."""

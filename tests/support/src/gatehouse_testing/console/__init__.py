"""The console as a person meets it: a hub with a demo community on loopback, a browser, and a page object for each page."""

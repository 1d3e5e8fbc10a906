"""The hub: ingest -> store -> fusion and linking -> desk -> notify, live, api, console."""

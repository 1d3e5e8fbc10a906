"""Rules and sources that somebody else wrote, each in a cage of its own. What outsiders import is `plugins.api`."""
